# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every use of what ansible-core does not document, in one place. Read in 2.16, 2.17, 2.18, 2.19, 2.20 and 2.21.

Private to the collection longrun.jobs: may change in any release.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.executor import module_common, task_result
from ansible.executor.interpreter_discovery import (
    InterpreterDiscoveryRequiredError,
    discover_interpreter,
)
from ansible.inventory.host import Host
from ansible.plugins import action as core_actions
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.longrun.jobs.plugins.plugin_utils.carrier import program

__all__ = (
    "CarrierAction",
    "Event",
    "async_dir_option",
    "core_action",
    "display_lock",
    "event_of",
    "is_windows",
    "print_within",
    "remote_tmp_options",
    "reset_connection",
    "send_poll_event",
    "show_lines",
    "shows_text",
    "waits_for_jobs",
)


def core_action(action: ActionBase, name: str) -> ActionBase:
    """core's own action of this name, for the same task as ours, which stands in its place.

    Loaded by its path: under its module name Python knows the action that replaced it.
    """
    path = Path(core_actions.__file__).parent / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"_longrun_core_{name}", path)
    if spec is None or spec.loader is None:
        raise AnsibleError(f"this ansible-core has no action {name} at {path}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    replaced: ActionBase = module.ActionModule(
        task=action._task,
        connection=action._connection,
        play_context=action._play_context,
        loader=action._loader,
        templar=action._templar,
        shared_loader_obj=action._shared_loader_obj,
    )
    return replaced


class CarrierAction(ActionBase):
    """An action whose module is not built as AnsiballZ but sent as one plain program, in one exec.

    core does the rest as always: become, environment, interpreter discovery, parsing. Where the connection or the
    become plugin cannot pipeline, core puts the same program on the target as a file.
    """

    _carried_module: str

    def _configure_module(
        self, module_name: str, module_args: dict[str, Any], task_vars: dict[str, Any]
    ) -> Any:
        """(style, shebang, data, path) up to 2.18, (bits, path) from 2.19 on."""
        if module_name != f"longrun.jobs.{self._carried_module}":
            return super()._configure_module(module_name, module_args, task_vars)
        params = {
            key: value for key, value in module_args.items() if not key.startswith("_ansible")
        }
        check_mode = bool(module_args.get("_ansible_check_mode"))
        data = program(self._carried_module, params, check_mode)
        shebang = self._carrier_shebang(task_vars)
        path = f"{self._carried_module}.py"
        built = getattr(module_common, "_BuiltModule", None)
        if built is None:
            return "new", shebang, data, path
        bits = built(
            b_module_data=data, module_style="new", shebang=shebang, serialization_profile="legacy"
        )
        return bits, path

    def _carrier_shebang(self, task_vars: dict[str, Any]) -> str:
        """The line that names the target's Python, found as for any module."""
        delegate = self._task.delegate_to
        use_vars = task_vars["ansible_delegated_vars"][delegate] if delegate else task_vars
        options = {"remote_is_local": bool(getattr(self._connection, "_remote_is_local", False))}
        try:
            found = module_common._get_shebang(
                "/usr/bin/python", use_vars, self._templar, **options
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
                "/usr/bin/python", use_vars, self._templar, **options
            )
        return str(found[0])

    def _is_pipelining_enabled(self, module_style: str, wrap_async: bool = False) -> bool:
        """Without become, a connection that can pipeline does, whatever the option says: that is for sudo's sake."""
        if super()._is_pipelining_enabled(module_style, wrap_async):
            return True
        connection = self._connection
        return bool(
            module_style == "new"
            and not wrap_async
            and getattr(connection, "has_pipelining", False)
            and not connection.become
            and not C.DEFAULT_KEEP_REMOTE_FILES  # type: ignore[attr-defined]  # made at run time
        )


def reset_connection(action: ActionBase) -> None:
    """Have the next request make a new connection, as core's own poller does when a host went away."""
    reset = getattr(action._connection, "reset", None)
    if reset is None:
        return
    try:
        reset()
    except AnsibleError:
        pass  # nothing to reset, or it cannot be: the next request tells


def send_poll_event(action: ActionBase, host: str, status: dict[str, Any]) -> None:
    """``v2_runner_on_async_poll`` for a job's status, as core's own poller sends it, so that every callback sees it.

    A worker's way to the callbacks is the queue that Display prints through; what is put into it differs:
    a TaskResult up to 2.18, a _RawTaskResult in 2.19 and 2.20, a UnifiedTaskResult from 2.21 on.
    """
    queue: Any = getattr(Display(), "_final_q", None)  # set in worker processes
    if queue is None:
        return
    task = action._task
    named = Host(host, gen_uuid=False)
    event = "v2_runner_on_async_poll"
    if "utr" in inspect.signature(queue.send_callback).parameters:
        made: Any = importlib.import_module("ansible._internal._task")
        result = made.UnifiedTaskResult.from_action_result_dict(dict(status))
        queue.send_callback(event, named, task, result)
        return
    fields = {"task_fields": task.dump_attrs()}
    raw: Any = getattr(task_result, "_RawTaskResult", None)
    if raw is not None:
        queue.send_callback(event, raw(host=named, task=task, return_data=status, **fields))
        return
    old: Any = task_result.TaskResult
    queue.send_callback(event, old(host, task._uuid, status, **fields))


def is_windows(action: ActionBase) -> bool:
    """Whether the target's shell is PowerShell. ``_IS_WINDOWS`` is set by the shell plugin, in all of these cores."""
    return bool(getattr(action._connection._shell, "_IS_WINDOWS", False))


def async_dir_option(action: ActionBase) -> str:
    """``async_dir`` of the shell plugin, its ``~`` not expanded: the target does that, without an exec of its own."""
    return str(action.get_shell_option("async_dir", default="~/.ansible_async"))


def remote_tmp_options(action: ActionBase) -> str:
    """``remote_tmp`` and ``system_tmpdirs`` of the shell plugin, not expanded, either; a colon between them."""
    system_dirs = action.get_shell_option("system_tmpdirs", default=["/var/tmp", "/tmp"])
    first = action.get_shell_option("remote_tmp", default="~/.ansible/tmp")
    return ":".join([str(first), *map(str, system_dirs)])


def shows_text() -> bool:
    """Whether the stdout callback writes for people. One that writes JSON must be the only one that writes."""
    return "json" not in str(C.DEFAULT_STDOUT_CALLBACK)  # type: ignore[attr-defined]  # made at run time


def show_lines(lines: list[str]) -> None:
    """Print lines at once, also from a worker process: Display hands them to the main process in all of these cores."""
    display: Any = Display()
    for line in lines:
        display.display(line)


class Event(NamedTuple):
    """What a callback is told of a task on a host."""

    host: str
    task: str
    data: Mapping[str, Any]


def event_of(result: Any) -> Event:
    """The public attributes of a callback's result came with 2.19; up to 2.18 there are those with an underscore.

    What a task with ``no_log`` tells is censored before a callback gets it, in all of these cores.
    """
    host = getattr(result, "host", None) or result._host
    task = getattr(result, "task", None) or result._task
    data = result.result if hasattr(result, "result") else result._result
    return Event(str(host.get_name()), str(task.get_name()), data)


def waits_for_jobs(task: Any) -> bool:
    """Whether a task, as it is about to run, will tell of jobs that run. Its fields may still be templates, which say nothing."""
    if str(task.action).rpartition(".")[2] in ("async_run", "async_status", "async_wait"):
        return not task.loop
    times = (task.async_val, task.poll)
    return all(isinstance(value, int) and value > 0 for value in times)


def display_lock() -> AbstractContextManager[object]:
    """What Display holds while it writes, and core while it forks a worker, in all of these cores.

    Whoever writes to the terminal from a thread of its own holds it, too, so no worker begins with a lock that nobody frees.
    """
    lock: AbstractContextManager[object] = Display()._lock
    return lock


def print_within(around: Callable[[], AbstractContextManager[None]]) -> None:
    """Have Display do all of its printing and asking inside of *around*, in this process.

    Warnings, banners and lines of workers all end in ``display``. A worker's own Display hands them over before it prints.
    """
    display: Any = Display()

    def wrapped(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            with around():
                return original(*args, **kwargs)

        return call

    for name in ("display", "prompt", "do_var_prompt", "prompt_until"):
        setattr(display, name, wrapped(getattr(display, name)))
