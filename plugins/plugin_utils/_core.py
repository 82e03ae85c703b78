# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every use of what ansible-core does not document, in one place. Read in 2.16, 2.17, 2.18, 2.19, 2.20 and 2.21.

Private to the collection longrun.jobs: may change in any release.
"""

from __future__ import annotations

import copy
import importlib
import importlib.util
import inspect
import json
import secrets
import shlex
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from ansible import constants as C
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.executor import module_common, task_result
from ansible.executor.interpreter_discovery import (
    InterpreterDiscoveryRequiredError,
    discover_interpreter,
)
from ansible.inventory.host import Host
from ansible.parsing.mod_args import ModuleArgsParser
from ansible.playbook.task import Task
from ansible.plugins import action as core_actions
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.carrier.parcel import pack
from ansible_collections.longrun.jobs.plugins.plugin_utils._requests.carrier import (
    KnownTargets,
    program,
    reading_command,
)

__all__ = (
    "BuiltModule",
    "CarrierAction",
    "Event",
    "async_dir_option",
    "build_module",
    "core_action",
    "drop_in_action",
    "display_lock",
    "event_of",
    "is_windows",
    "module_and_arguments",
    "packed_modules",
    "playbook_name",
    "polled_task",
    "print_within",
    "remote_tmp_options",
    "reset_connection",
    "run_action",
    "send_poll_event",
    "show_lines",
    "shows_text",
    "task_keywords",
    "waits_for_jobs",
)

# what an action has a module do that is to be a job is started with this time limit; ours counts, on the target
_ANY_TIMEOUT = 3600
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


def _compute_once() -> None:
    """Have core compute in the main process, where this is imported, what each worker, one a task and host, would anew."""
    try:
        internal: Any = importlib.import_module("ansible._internal._task")
        encoding: Any = importlib.import_module("ansible.module_utils.common.json")
        directions = encoding.Direction
    except (ImportError, AttributeError):
        return  # up to 2.18 there is nothing of the kind
    # what modules' arguments and results are written with
    encoding.get_module_encoder("legacy", directions.CONTROLLER_TO_MODULE)
    encoding.get_module_decoder("legacy", directions.MODULE_TO_CONTROLLER)
    result = getattr(internal, "UnifiedTaskResult", None)
    if result is not None:  # from 2.21 on: how the keys of a result are read
        result.from_module_result_dict({})
        result.from_action_result_dict({})


_compute_once()


def _core_action_class(name: str) -> type[ActionBase]:
    """core's own action of this name. Loaded by its path: under its module name Python knows what replaced it."""
    path = Path(core_actions.__file__).parent / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"_longrun_core_{name}", path)
    if spec is None or spec.loader is None:
        raise AnsibleError(f"this ansible-core has no action {name} at {path}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: type[ActionBase] = module.ActionModule
    return found


def core_action(action: ActionBase, name: str) -> ActionBase:
    """core's own action of this name, for the same task as ours, which stands in its place."""
    replaced: ActionBase = _core_action_class(name)(
        task=action._task,
        connection=action._connection,
        play_context=action._play_context,
        loader=action._loader,
        templar=action._templar,
        shared_loader_obj=action._shared_loader_obj,
    )
    return replaced


def _operation(module_name: str | None) -> str | None:
    """Of a module of ours that is a request to the target; None for any other."""
    operation = (module_name or "").removeprefix(_OURS)
    return operation if operation in _OPERATIONS and operation != module_name else None


class CarrierAction(ActionBase):
    """An action whose module is not built as AnsiballZ but sent as one plain program, in one exec.

    core does the rest as always: become, environment, interpreter discovery, parsing. Where the connection or the
    become plugin cannot pipeline, core puts the same program on the target as a file.
    """

    _asks = False  # whether what core is told to execute is a request of ours
    _with_library = True  # whether the program that is built next brings the library along
    _program = (b"", "")  # that was built last, and its operation

    def _execute_module(self, *given: Any, **named: Any) -> dict[str, Any]:
        """A request to a target that has kept the library goes without it, and once more with it if it has not."""
        execute = super()._execute_module
        if _operation(named.get("module_name")) is None:
            return dict(execute(*given, **named))

        def ask() -> dict[str, Any]:
            # core adds to the arguments
            return dict(execute(**dict(named, module_args=dict(arguments))))

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
        """What tells one user's async dir on one host from another's."""
        task = self._task
        host = (task_vars.get("inventory_hostname"), task.delegate_to)
        user = (task.remote_user, task.become, task.become_method, task.become_user)
        return (*host, *user, module_args.get("async_dir"), module_args.get("_async_dir"))

    def _configure_module(
        self, module_name: str, module_args: dict[str, Any], task_vars: dict[str, Any]
    ) -> Any:
        """(style, shebang, data, path) up to 2.18, (bits, path) from 2.19 on."""
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

    def _low_level_execute_command(self, cmd: str, *more: Any, **named: Any) -> dict[str, Any]:
        """Where core has made a command of nothing but the interpreter, have that read its input in one piece."""
        data, operation = self._program
        if data and named.get("in_data") == data:
            cmd = reading_command(cmd, operation)
        return dict(super()._low_level_execute_command(cmd, *more, **named))

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
            self._asks
            and module_style == "new"
            and not wrap_async
            and getattr(connection, "has_pipelining", False)
            and not connection.become
            and not C.DEFAULT_KEEP_REMOTE_FILES  # type: ignore[attr-defined]  # made at run time
        )


class DropInAction(CarrierAction):
    """In front of core's own action of the same name: of a task with ``async``, the job is started in one exec.

    All else is left to that: what a task does without ``async``, Windows, a debugger's remote files, and a module for
    which the action has put files on the target: whatever runs it must remove them at its end, as the wrapper does.
    """

    # not while async_run has the action build a module, see _captured_modules
    _starts: ClassVar[bool] = True

    def _execute_module(self, *given: Any, **named: Any) -> dict[str, Any]:
        if (
            given
            or not self._starts
            or not named.get("wrap_async")
            or self._connection._shell.tmpdir is not None
            or is_windows(self)
            or C.DEFAULT_KEEP_REMOTE_FILES  # type: ignore[attr-defined]  # made at run time
        ):
            return super()._execute_module(*given, **named)
        name = str(named.get("module_name") or self._task.action)
        arguments = named.get("module_args")
        task_vars = named.get("task_vars") or {}
        module = _built(
            self, name, self._task.args if arguments is None else arguments, task_vars, name
        )
        answer = super()._execute_module(
            module_name=f"{_OURS}async_wrapper",
            module_args=dict(
                packed_modules([module]),
                given=f"j{secrets.randbelow(10**12)}",
                timeout=self._task.async_val,
                _async_dir=async_dir_option(self),
            ),
            task_vars=task_vars,
        )
        # where the program came as a file; core leaves that of a task with async to what it started
        self._remove_tmp_path(self._connection._shell.tmpdir)
        # as of any start, well or not
        return dict(answer, changed=True)


def drop_in_action(name: str) -> type[ActionBase]:
    """What stands in the place of core's own action of this name."""
    return type("ActionModule", (DropInAction, _core_action_class(name)), {})


class BuiltModule(NamedTuple):
    """A module as core would send it to the target. style: new, old, non_native_want_json or binary.

    name: as the playbook calls it, in full. shebang: ``#!`` and its interpreter, for what is no binary. args: the
    content of the file beside it, None where the arguments are in the module itself.
    """

    name: str
    style: str
    shebang: str | None
    data: bytes
    args: str | None


def task_keywords() -> frozenset[str]:
    """What may stand in a task beside its module."""
    return frozenset(Task.fattributes) | {"local_action"}


def module_and_arguments(
    action: ActionBase, written: dict[str, Any]
) -> tuple[str, str, dict[str, Any]]:
    """The module of a task as it is written, as it is named there and in full, and its arguments with their defaults.

    AnsibleError: it has no module, or two, or one that is not to be found.
    """
    task = action._task
    parser = ModuleArgsParser(task_ds=written, collection_list=task.collections)
    name, arguments, _unused = parser.parse()
    # resolved_action up to 2.18, _resolved_action from 2.19 on
    resolved = getattr(parser, "resolved_action", None) or getattr(parser, "_resolved_action", None)
    full = str(resolved or name)
    apply_defaults = getattr(module_common, "_apply_action_arg_defaults", None)
    if apply_defaults is not None:  # from 2.19 on
        arguments = apply_defaults(full, task, arguments, action._templar)
    else:
        old: Any = module_common
        parent: Any = task._parent
        arguments = old.get_action_args_with_defaults(
            full,
            arguments,
            task.module_defaults,
            action._templar,
            action_groups=parent._play._action_groups,
        )
    return str(name), full, dict(arguments)


def _task_like(action: ActionBase, name: str, full: str, arguments: dict[str, Any]) -> Any:
    """The action's own task, but for its module."""
    task: Any = copy.copy(action._task)
    task.action = name
    # a plain attribute up to 2.18, a property of _resolved_action from 2.19 on
    of_class = hasattr(type(task), "resolved_action")
    setattr(task, "_resolved_action" if of_class else "resolved_action", full)
    task.args = dict(arguments)
    task.async_val = 0
    return task


def _action_for(action: ActionBase, task: Any) -> ActionBase:
    """The action that core would take for a task, as its TaskExecutor finds it."""
    loaders: Any = action._shared_loader_obj
    collections = task.collections
    found = loaders.module_loader.find_plugin_with_context(task.action, collection_list=collections)
    if found.resolved and found.action_plugin:
        name = found.action_plugin
    elif loaders.action_loader.has_plugin(task.action, collection_list=collections):
        name = task.action
    else:
        name, collections = "ansible.legacy.normal", None
    return _load_action(action, task, name, collections)


def _load_action(action: ActionBase, task: Any, name: str, collections: Any = None) -> ActionBase:
    loaders: Any = action._shared_loader_obj
    loaded: ActionBase | None = loaders.action_loader.get(
        name,
        task=task,
        connection=action._connection,
        play_context=action._play_context,
        loader=action._loader,
        templar=action._templar,
        shared_loader_obj=loaders,
        collection_list=collections,
    )
    if loaded is None:
        raise AnsibleError(f"the action {name} was not found")
    return loaded


def run_action(
    action: ActionBase,
    name: str,
    full: str,
    arguments: dict[str, Any],
    task_vars: dict[str, Any] | None,
) -> dict[str, Any]:
    """Run another module here and now, as if it were the task's own; for check mode."""
    other = _action_for(action, _task_like(action, name, full, arguments))
    return dict(other.run(task_vars=task_vars))


def build_module(
    action: ActionBase,
    name: str,
    full: str,
    arguments: dict[str, Any],
    task_vars: dict[str, Any] | None,
) -> BuiltModule:
    """The module that core's own action for it would have async_wrapper run. AnsibleError: there is none, and why.

    The action runs, with ``async`` set, up to the point where it starts the module; what it does before that (the
    facts that ``service`` and ``package`` look at) it does.
    """
    task = _task_like(action, name, full, arguments)
    task.async_val = _ANY_TIMEOUT
    with _captured_modules(full) as captured:
        result: dict[str, Any] = {}
        try:
            result = dict(_action_for(action, task).run(task_vars=task_vars))
        except AnsibleActionFail as refusal:
            if captured or not arguments.get("remote_src"):
                raise AnsibleError(f"{name} cannot be a job: {refusal.message}") from refusal
            # all is on the target already: there, the module does without the action
            _load_action(action, task, "ansible.legacy.normal").run(task_vars=task_vars)
    if captured:
        return captured[0]
    why = result.get("msg") or "it runs nothing on the target"
    raise AnsibleError(f"{name} cannot be a job: {why}")


@contextmanager
def _captured_modules(full: str) -> Iterator[list[BuiltModule]]:
    """While it is entered, a module that an action would start with async_wrapper is built, and then kept here.

    The class is changed, since actions call others (shell has command do its work); this is a worker's process, and
    it does nothing else meanwhile.
    """
    captured: list[BuiltModule] = []
    execute: Any = ActionBase._execute_module

    def capture(
        self: ActionBase,
        module_name: str | None = None,
        module_args: dict[str, Any] | None = None,
        *more: Any,
        task_vars: dict[str, Any] | None = None,
        wrap_async: bool = False,
        **others: Any,
    ) -> dict[str, Any]:
        if not wrap_async:
            found = execute(self, module_name, module_args, *more, task_vars=task_vars, **others)
            return dict(found)
        name = str(module_name or self._task.action)
        arguments = self._task.args if module_args is None else module_args
        captured.append(_built(self, name, arguments, task_vars or {}, full))
        return {"changed": True, "started": True, "finished": False, "ansible_job_id": "0.0"}

    holder: Any = ActionBase
    holder._execute_module, DropInAction._starts = capture, False
    try:
        yield captured
    finally:
        holder._execute_module, DropInAction._starts = execute, True


def _built(
    action: ActionBase,
    name: str,
    arguments: dict[str, Any],
    task_vars: dict[str, Any],
    full: str,
) -> BuiltModule:
    """What core's _execute_module sends for a module."""
    action._update_module_args(name, arguments, task_vars)
    encoder = None
    answer: Any = action._configure_module(
        module_name=name, module_args=arguments, task_vars=task_vars
    )
    if len(answer) == 2:  # from 2.19 on
        bits, path = answer
        style, shebang, data = bits.module_style, bits.shebang, bits.b_module_data
        encoders: Any = importlib.import_module("ansible.module_utils.common.json")
        if bits.serialization_profile:
            encoder = encoders.get_module_encoder(
                bits.serialization_profile, encoders.Direction.CONTROLLER_TO_MODULE
            )
    else:
        style, shebang, data, path = answer
    if str(path).endswith(".ps1") or (shebang and "powershell" in str(shebang).lower()):
        raise AnsibleError(f"{full} is a PowerShell module, and cannot be a job on this target")
    if style != "new" and not data:
        data = Path(path).read_bytes()
    args = None
    if style == "old":
        args = "".join(f"{key}={shlex.quote(str(value))} " for key, value in arguments.items())
    elif style != "new":
        args = json.dumps(arguments, cls=encoder)
    text = data if isinstance(data, bytes) else str(data).encode("utf-8", "surrogateescape")
    return BuiltModule(full, str(style), None if not shebang else str(shebang), text, args)


def packed_modules(modules: Sequence[BuiltModule]) -> dict[str, Any]:
    """The parameters of a request that brings modules along, whatever they have in common once: payloads, _texts."""
    parcels, texts = pack([one.data for one in modules], [one.name for one in modules])
    for parcel, module in zip(parcels, modules, strict=True):
        parcel.update(
            style=module.style, shebang=module.shebang, module=module.name, args=module.args
        )
    return {"payloads": parcels, "_texts": texts}


def reset_connection(action: ActionBase) -> None:
    """Have the next request make a new connection, as core's own poller does when a host went away."""
    reset = getattr(action._connection, "reset", None)
    if reset is None:
        return
    try:
        reset()
    except AnsibleError:
        pass  # nothing to reset, or it cannot be: the next request tells


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Put off Ctrl-C in a worker: one that ends with the lock of its queue in hand leaves the main process waiting for that for ever."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


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
        with _undisturbed():
            queue.send_callback(event, named, task, result)
        return
    fields = {"task_fields": task.dump_attrs()}
    raw: Any = getattr(task_result, "_RawTaskResult", None)
    if raw is not None:
        with _undisturbed():
            queue.send_callback(event, raw(host=named, task=task, return_data=status, **fields))
        return
    old: Any = task_result.TaskResult
    with _undisturbed():
        queue.send_callback(event, old(host, task._uuid, status, **fields))


def polled_task() -> Any:
    """The task with ``async`` and ``poll`` whose job core's own poller asks for just now; None where a playbook asks itself.

    core makes a task of its own for the question, which says nothing of that, so it is read off the poller's frame.
    """
    frame = inspect.currentframe()
    for _unused in range(5):
        if frame is None:
            return None
        if frame.f_code.co_name == "_poll_async_result":
            return getattr(frame.f_locals.get("self"), "_task", None)
        frame = frame.f_back
    return None


def is_windows(action: ActionBase) -> bool:
    """Whether the target's shell is PowerShell. ``_IS_WINDOWS`` is set by the shell plugin, in all of these cores."""
    return bool(getattr(action._connection._shell, "_IS_WINDOWS", False))


def async_dir_option(action: ActionBase) -> str:
    """``async_dir`` of the shell plugin, its ``~`` not expanded: the target does that, without an exec of its own."""
    return str(action.get_shell_option("async_dir", default="~/.ansible_async"))


def local_tmp() -> Path:
    """A directory on the controller that all workers of this run share, and that goes with it."""
    return Path(C.DEFAULT_LOCAL_TMP)  # type: ignore[attr-defined]  # made at run time


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
        with _undisturbed():
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


def playbook_name(playbook: Any) -> str:
    """The name of the file of a playbook, as ``v2_playbook_on_start`` is given it, in all of these cores."""
    return Path(playbook._file_name).name


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
