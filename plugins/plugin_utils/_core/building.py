# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Another module in place of the task's own: run, or built by core's own action for it.

Private to the collection longrun.jobs: may change in any release.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.longrun.jobs.plugins.plugin_utils._core.drop_in import DropInAction
from ansible_collections.longrun.jobs.plugins.plugin_utils._core.modules import (
    BuiltModule,
    built_module,
)

__all__ = ("build_module", "run_action")

_ANY_TIMEOUT = (
    3600  # seconds; an action needs one to start a job, but ours is counted on the target
)


def _task_like(action: ActionBase, name: str, full: str, arguments: dict[str, Any]) -> Any:
    """Return a copy of the action's own task with another module, and without ``async``."""
    task: Any = copy.copy(action._task)
    task.action = name
    # a plain attribute up to 2.18, a property of _resolved_action from 2.19 on
    of_class = hasattr(type(task), "resolved_action")
    setattr(task, "_resolved_action" if of_class else "resolved_action", full)
    task.args = dict(arguments)
    task.async_val = 0
    return task


def _action_for(action: ActionBase, task: Any) -> ActionBase:
    """Return the action that core would take for a task.

    Follows ``TaskExecutor._get_action_handler_with_module_context``.
    """
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
    """Return a new action of this name for a task, with the connection of *action*. AnsibleError: there is none."""
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
    """Run another module as if it were the task's own, and return its result; used in check mode."""
    other = _action_for(action, _task_like(action, name, full, arguments))
    return dict(other.run(task_vars=task_vars))


def build_module(
    action: ActionBase,
    name: str,
    full: str,
    arguments: dict[str, Any],
    task_vars: dict[str, Any] | None,
) -> BuiltModule:
    """Return the module that core's own action for it would have async_wrapper run.

    Runs that action, with ``async`` set, up to the point where it starts the module. What the action does on the target
    before that is done: ``service`` and ``package`` gather facts. AnsibleError: it starts no module, and why.
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
            # all files are on the target already, so the module does not need the action
            _load_action(action, task, "ansible.legacy.normal").run(task_vars=task_vars)
    if captured:
        return captured[0]
    why = result.get("msg") or "it runs nothing on the target"
    raise AnsibleError(f"{name} cannot be a job: {why}")


@contextmanager
def _captured_modules(full: str) -> Iterator[list[BuiltModule]]:
    """While entered, modules that an action would start with async_wrapper are built and added to the list.

    Replaces the method in core's class, because actions call others (shell has command do its work). This is a worker's
    process, which does nothing else meanwhile.
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
        captured.append(built_module(self, name, arguments, task_vars or {}, full))
        return {"changed": True, "started": True, "finished": False, "ansible_job_id": "0.0"}

    holder: Any = ActionBase
    holder._execute_module, DropInAction._starts = capture, False
    try:
        yield captured
    finally:
        holder._execute_module, DropInAction._starts = execute, True
