# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drop-in's actions, which start the job of a task with ``async`` by a request.

Private to the collection longrun.jobs: may change in any release.
"""

from __future__ import annotations

import importlib
import secrets
from typing import Any, ClassVar

from ansible.plugins.action import ActionBase

from ansible_collections.longrun.jobs.plugins.plugin_utils._core.carrier import CarrierAction
from ansible_collections.longrun.jobs.plugins.plugin_utils._core.configuration import (
    keeps_remote_files,
)
from ansible_collections.longrun.jobs.plugins.plugin_utils._core.connection import (
    async_dir_option,
    is_windows,
)
from ansible_collections.longrun.jobs.plugins.plugin_utils._core.core_actions import (
    core_action_class,
)
from ansible_collections.longrun.jobs.plugins.plugin_utils._core.modules import (
    built_module,
    packed_modules,
)

__all__ = ("DropInAction", "drop_in_action")

# For a task with poll, core's poller has a worker load this action, anew for each task and host. Workers inherit what is
# imported in the main process, where core imports this file before it forks them.
importlib.import_module("ansible_collections.longrun.jobs.plugins.action.async_status")


class DropInAction(CarrierAction):
    """A base in front of core's own action, whose module it starts as a job in one exec if the task has ``async``.

    core's action does all else. core also starts the job where this cannot: for Windows, for a debugger who keeps remote
    files, and for an action that has put files for its module on the target, since whatever runs the module must remove
    those in the end, as core's wrapper does.
    """

    _starts: ClassVar[bool] = True  # False while build_module has an action build a module

    def _execute_module(self, *given: Any, **named: Any) -> dict[str, Any]:
        """Start the module as a job, and return what core's wrapper would have; or do what core does, see above."""
        if (
            given
            or not self._starts
            or not named.get("wrap_async")
            or self._connection._shell.tmpdir is not None
            or is_windows(self)
            or keeps_remote_files()
        ):
            return super()._execute_module(*given, **named)
        name = str(named.get("module_name") or self._task.action)
        arguments = named.get("module_args")
        task_vars = named.get("task_vars") or {}
        module = built_module(
            self, name, self._task.args if arguments is None else arguments, task_vars, name
        )
        answer = super()._execute_module(
            module_name="longrun.jobs.async_wrapper",
            module_args=dict(
                packed_modules([module]),
                prefix=f"j{secrets.randbelow(10**12)}",
                timeout=self._task.async_val,
                no_log=module.no_log,
                _async_dir=async_dir_option(self),
            ),
            task_vars=task_vars,
        )
        # exists where the program was sent as a file; for a task with async core leaves its removal to the wrapper
        self._remove_tmp_path(self._connection._shell.tmpdir)
        # as core says of any start, whether it worked or not
        return dict(answer, changed=True)


def drop_in_action(name: str) -> type[ActionBase]:
    """Return the class that stands in the place of core's own action of this name."""
    return type("ActionModule", (DropInAction, core_action_class(name)), {})
