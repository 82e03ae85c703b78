# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What symbols_found.py cannot read from the sources: symbols reached through objects, and the cores that have a symbol.

A use of something of core's that reading does not find belongs here, in the same commit. The check ``symbols`` fails
where a declared symbol is gone, and where a declaration is no longer needed.
"""

from __future__ import annotations

from dataclasses import dataclass

_ACTION = "ansible.plugins.action.ActionBase"
_COMMON = "ansible.executor.module_common"
_DISPLAY = "ansible.utils.display.Display"
_LOADER = "ansible.plugins.loader"
_QUEUE = "ansible.executor.task_queue_manager.FinalQueue"
_RESULT = "ansible.executor.task_result"
_TASK = "ansible.playbook.task.Task"


@dataclass(frozen=True)
class Declared:
    """A symbol that is used with the cores from *since* to *until*, both included; an empty one is no bound.

    Bounds hold for what is below the symbol, too: its attributes and its parameters.
    """

    symbol: str
    since: str = ""
    until: str = ""


# the class of what an attribute holds
TYPES = {
    f"{_ACTION}._connection": "ansible.plugins.connection.ConnectionBase",
    f"{_ACTION}._shared_loader_obj": _LOADER,
    f"{_ACTION}._task": _TASK,
    f"{_ACTION}._templar": "ansible.template.Templar",
    f"{_DISPLAY}._final_q": _QUEUE,
    f"{_LOADER}.action_loader": f"{_LOADER}.PluginLoader",
    f"{_LOADER}.module_loader": f"{_LOADER}.PluginLoader",
    f"{_TASK}._parent": "ansible.playbook.block.Block",
    "ansible.playbook.block.Block._play": "ansible.playbook.play.Play",
    "ansible.plugins.callback.CallbackBase._display": _DISPLAY,
    "ansible.plugins.callback.default.CallbackModule._display": _DISPLAY,
    "ansible.plugins.connection.ConnectionBase._shell": "ansible.plugins.shell.ShellBase",
}

# what only a class below the one in TYPES has, and where that is
BELOW = {
    "ansible.plugins.connection.ConnectionBase._remote_is_local": (
        "ansible.plugins.connection.NetworkConnectionBase._remote_is_local"
    ),
    "ansible.plugins.shell.ShellBase._IS_WINDOWS": (
        "ansible.plugins.shell.powershell.ShellModule._IS_WINDOWS"
    ),
}

DECLARED = (
    # of which the sources say themselves that they differ
    Declared("ansible._internal._task", since="2.19"),
    Declared("ansible._internal._task.UnifiedTaskResult", since="2.21"),
    Declared(f"{_COMMON}._BuiltModule", since="2.19"),
    Declared(f"{_COMMON}._apply_action_arg_defaults", since="2.19"),
    Declared(f"{_COMMON}.get_action_args_with_defaults", until="2.18"),
    Declared(f"{_RESULT}._RawTaskResult", since="2.19", until="2.20"),
    Declared(f"{_RESULT}.TaskResult", until="2.18"),
    Declared("ansible.module_utils.common.json.Direction", since="2.19"),
    Declared("ansible.module_utils.common.json.get_module_decoder", since="2.19"),
    Declared("ansible.module_utils.common.json.get_module_encoder", since="2.19"),
    Declared("ansible.parsing.mod_args.ModuleArgsParser._resolved_action", since="2.19"),
    Declared("ansible.parsing.mod_args.ModuleArgsParser.resolved_action", until="2.18"),
    # an action: what its class sets for core, and parameters that are passed on as they come
    Declared(f"{_ACTION}._discovered_interpreter"),
    Declared(f"{_ACTION}._discovered_interpreter_key"),
    Declared(f"{_ACTION}._execute_module(module_args)"),
    Declared(f"{_ACTION}._execute_module(module_name)"),
    Declared(f"{_ACTION}._execute_module(wrap_async)"),
    Declared(f"{_ACTION}._low_level_execute_command(in_data)"),
    Declared(f"{_ACTION}._supports_async"),
    Declared(f"{_ACTION}._supports_check_mode"),
    Declared(f"{_COMMON}._get_shebang(remote_is_local)"),
    # the actions that the drop-in stands in front of, loaded by their names
    Declared("ansible.plugins.action.async_status.ActionModule"),
    Declared("ansible.plugins.action.command.ActionModule"),
    Declared("ansible.plugins.action.dnf.ActionModule"),
    Declared("ansible.plugins.action.normal.ActionModule"),
    Declared("ansible.plugins.action.package.ActionModule"),
    Declared("ansible.plugins.action.service.ActionModule"),
    Declared("ansible.plugins.action.uri.ActionModule"),
    # the poller, found among the callers
    Declared("ansible.executor.task_executor.TaskExecutor._poll_async_result"),
    Declared("ansible.executor.task_executor.TaskExecutor._task"),
    # the task that an action is for, or a callback is told of
    Declared(f"{_TASK}._parent"),
    Declared(f"{_TASK}._resolved_action", since="2.19"),
    Declared(f"{_TASK}._uuid"),
    Declared(f"{_TASK}.action"),
    Declared(f"{_TASK}.async_val"),
    Declared(f"{_TASK}.collections"),
    Declared(f"{_TASK}.dump_attrs"),
    Declared(f"{_TASK}.get_name"),
    Declared(f"{_TASK}.loop"),
    Declared(f"{_TASK}.module_defaults"),
    Declared(f"{_TASK}.no_log"),
    Declared(f"{_TASK}.poll"),
    Declared(f"{_TASK}.resolved_action"),
    Declared("ansible.playbook.block.Block._play"),
    Declared("ansible.playbook.play.Play._action_groups"),
    # what a worker sends, and a callback is given
    Declared(f"{_QUEUE}.send_callback"),
    Declared(f"{_QUEUE}.send_callback(utr)", since="2.21"),
    Declared(f"{_RESULT}.CallbackTaskResult.host", since="2.19"),
    Declared(f"{_RESULT}.CallbackTaskResult.result", since="2.19"),
    Declared(f"{_RESULT}.CallbackTaskResult.task", since="2.19"),
    Declared(f"{_RESULT}.TaskResult(task_fields)"),
    Declared(f"{_RESULT}.TaskResult._host"),
    Declared(f"{_RESULT}.TaskResult._result"),
    Declared(f"{_RESULT}.TaskResult._task"),
    Declared(f"{_RESULT}._RawTaskResult(task_fields)"),
    Declared("ansible.inventory.host.Host.get_name"),
    Declared("ansible.playbook.Playbook._file_name"),
    # modules as core builds them, and how it finds the action for one
    Declared(f"{_COMMON}._BuiltModule.b_module_data"),
    Declared(f"{_COMMON}._BuiltModule.module_style"),
    Declared(f"{_COMMON}._BuiltModule.serialization_profile"),
    Declared(f"{_COMMON}._BuiltModule.shebang"),
    Declared(f"{_LOADER}.PluginLoadContext.action_plugin"),
    Declared(f"{_LOADER}.PluginLoadContext.resolved"),
    Declared("ansible.errors.AnsibleError.message"),
    Declared(
        "ansible.executor.interpreter_discovery.InterpreterDiscoveryRequiredError.discovery_mode"
    ),
    Declared(
        "ansible.executor.interpreter_discovery.InterpreterDiscoveryRequiredError.interpreter_name"
    ),
    # methods of Display that are replaced by others around them, by their names
    Declared(f"{_DISPLAY}.do_var_prompt"),
    Declared(f"{_DISPLAY}.prompt"),
    Declared(f"{_DISPLAY}.prompt_until"),
    # the connection and its shell
    Declared("ansible.plugins.connection.ConnectionBase.become"),
    Declared("ansible.plugins.connection.ConnectionBase.reset"),
    # modules of core's that jobs are found to need, by their names
    Declared("ansible.module_utils._internal._ansiballz._loader", since="2.19"),
    Declared("ansible.module_utils.basic"),
)
