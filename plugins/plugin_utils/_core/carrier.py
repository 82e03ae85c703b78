# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Send a request to the target as one program in one exec, by way of core's ``_execute_module``.

Private to the collection longrun.jobs: may change in any release.
"""

from __future__ import annotations

import importlib
from typing import Any

from ansible.executor import module_common
from ansible.executor.interpreter_discovery import (
    InterpreterDiscoveryRequiredError,
    discover_interpreter,
)
from ansible.plugins.action import ActionBase

from ansible_collections.longrun.jobs.plugins.plugin_utils._core.answers import clean_answer
from ansible_collections.longrun.jobs.plugins.plugin_utils._core.configuration import (
    keeps_remote_files,
    local_tmp,
)
from ansible_collections.longrun.jobs.plugins.plugin_utils._requests.carrier import (
    KnownTargets,
    program,
    reading_command,
)

__all__ = ("CarrierAction",)

_OURS = "longrun.jobs."
_OPERATIONS = (
    "async_cancel",
    "async_info",
    "async_prune",
    "async_run",
    "async_status",
    "async_wait",
    "async_wrapper",
)
_PYTHON = "/usr/bin/python"  # the shebang of a module, which core replaces by the target's Python


def _compute_once() -> None:
    """Have core compute in this process what it keeps for later, so that workers need not compute it.

    All our actions import this file, and core imports actions in the main process before it forks a worker for each
    task and host.
    """
    try:
        internal: Any = importlib.import_module("ansible._internal._task")
        encoding: Any = importlib.import_module("ansible.module_utils.common.json")
        directions = encoding.Direction
    except (ImportError, AttributeError):
        return  # up to 2.18 core keeps nothing of the kind
    # encodes the arguments of modules, decodes their results
    encoding.get_module_encoder("legacy", directions.CONTROLLER_TO_MODULE)
    encoding.get_module_decoder("legacy", directions.MODULE_TO_CONTROLLER)
    result = getattr(internal, "UnifiedTaskResult", None)
    if result is not None:  # from 2.21 on: how the keys of a result are read
        result.from_module_result_dict({})
        result.from_action_result_dict({})


_compute_once()


def _operation(module_name: str | None) -> str | None:
    """Return the operation that one of our modules requests from the target; None for any other module."""
    operation = (module_name or "").removeprefix(_OURS)
    return operation if operation in _OPERATIONS and operation != module_name else None


class CarrierAction(ActionBase):
    """An action whose module is sent as one plain program, in one exec, in place of an AnsiballZ.

    core does the rest as for any module: become, environment, interpreter discovery, parsing. Where the connection or
    the become plugin cannot pipeline, core puts the same program on the target as a file.
    """

    _asks = False  # whether core is executing a request of ours
    _with_library = True  # whether the next program that is built contains the library
    _program = (b"", "")  # the program that was built last, and its operation

    def _execute_module(self, *given: Any, **named: Any) -> dict[str, Any]:
        """Send a request, and return its answer without what would steer the controller.

        Any other module is executed as core does.

        A target that is known to keep the library gets the request without it, and once more with it if it has lost it.
        """
        execute = super()._execute_module
        if _operation(named.get("module_name")) is None:
            return dict(execute(*given, **named))

        def ask() -> dict[str, Any]:
            # a copy, because core adds to the arguments
            return clean_answer(dict(execute(**dict(named, module_args=dict(arguments)))))

        arguments = named["module_args"]
        known = KnownTargets(local_tmp())
        target = self._target(named.get("task_vars") or {}, arguments)
        self._with_library = target not in known
        self._asks = True
        try:
            answer = ask()
            if known.note(target, answer) is False and not self._with_library:
                self._with_library = True
                answer = ask()
                known.note(target, answer)
        finally:
            self._asks = False
        return answer

    def _target(self, task_vars: dict[str, Any], module_args: dict[str, Any]) -> tuple[object, ...]:
        """Return what distinguishes one user's async dir on one host from all others."""
        task = self._task
        host = (task_vars.get("inventory_hostname"), task.delegate_to)
        user = (task.remote_user, task.become, task.become_method, task.become_user)
        return (*host, *user, module_args.get("async_dir"), module_args.get("_async_dir"))

    def _configure_module(
        self, module_name: str, module_args: dict[str, Any], task_vars: dict[str, Any]
    ) -> Any:
        """Return the program of a request as core expects a built module.

        That is (style, shebang, data, path) up to 2.18, (``_BuiltModule``, path) from 2.19 on.
        """
        operation = _operation(module_name)
        if operation is None:
            return super()._configure_module(module_name, module_args, task_vars)
        params = {
            key: value for key, value in module_args.items() if not key.startswith("_ansible")
        }
        check_mode = bool(module_args.get("_ansible_check_mode"))
        data = program(operation, params, check_mode, self._with_library)
        self._program = (data, operation)
        shebang = self._carrier_shebang(task_vars)
        path = f"{operation}.py"
        built = getattr(module_common, "_BuiltModule", None)
        if built is None:
            return "new", shebang, data, path
        bits = built(
            b_module_data=data, module_style="new", shebang=shebang, serialization_profile="legacy"
        )
        return bits, path

    def _low_level_execute_command(self, cmd: str, *more: Any, **named: Any) -> Any:
        """Have the interpreter read our program in one piece, where core would have it read the program itself.

        core's command is then nothing but the interpreter. Returns the command's result: a dict, from 2.21 on of a
        type of its own.
        """
        data, operation = self._program
        if data and named.get("in_data") == data:
            cmd = reading_command(cmd, operation)
        return super()._low_level_execute_command(cmd, *more, **named)

    def _carrier_shebang(self, task_vars: dict[str, Any]) -> str:
        """Return the shebang with the target's Python, which is found as core finds it for any module."""
        delegate = self._task.delegate_to
        use_vars = task_vars["ansible_delegated_vars"][delegate] if delegate else task_vars
        is_local = bool(getattr(self._connection, "_remote_is_local", False))
        try:
            found = module_common._get_shebang(
                _PYTHON, use_vars, self._templar, remote_is_local=is_local
            )
        except InterpreterDiscoveryRequiredError as required:
            interpreter = discover_interpreter(
                action=self,
                interpreter_name=required.interpreter_name,
                discovery_mode=required.discovery_mode,
                task_vars=use_vars,
            )
            key = f"discovered_interpreter_{required.interpreter_name}"
            use_vars.setdefault("ansible_facts", {})[key] = interpreter
            if not delegate or self._task.delegate_facts:
                task_vars.setdefault("ansible_facts", {})[key] = interpreter
                self._discovered_interpreter = interpreter
                self._discovered_interpreter_key = key
            found = module_common._get_shebang(
                _PYTHON, use_vars, self._templar, remote_is_local=is_local
            )
        return str(found[0])

    def _is_pipelining_enabled(self, module_style: str, wrap_async: bool = False) -> bool:
        """Return whether core pipelines a module; a request of ours also where the option ``pipelining`` is off.

        The option exists because of sudo's ``requiretty``, so it counts only with become.
        """
        if super()._is_pipelining_enabled(module_style, wrap_async):
            return True
        connection = self._connection
        return bool(
            self._asks
            and module_style == "new"
            and not wrap_async
            and getattr(connection, "has_pipelining", False)
            and not connection.become
            and not keeps_remote_files()
        )
