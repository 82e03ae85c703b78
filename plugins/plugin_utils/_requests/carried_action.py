# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action in front of a module that is nothing but a request to the target: checked here, answered there."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.longrun.jobs.plugins.plugin_utils._core.carrier import CarrierAction
from ansible_collections.longrun.jobs.plugins.plugin_utils._core.connection import (
    async_dir_option,
    is_windows,
)
from ansible_collections.longrun.jobs.plugins.plugin_utils._requests.refusal import windows_refusal


class CarriedAction(CarrierAction):
    """``_options`` is the argument spec of the module, ``_carried_module``, as its own file has it, too."""

    _carried_module: ClassVar[str]
    _options: ClassVar[dict[str, dict[str, Any]]]
    _supports_check_mode = True
    _supports_async = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        if is_windows(self):
            return windows_refusal(self._carried_module)
        super().run(tmp, task_vars)
        _unused, given = self.validate_argument_spec(argument_spec=self._options)
        return dict(
            self._execute_module(
                module_name=f"longrun.jobs.{self._carried_module}",
                module_args=dict(given, **self._surroundings()),
                task_vars=task_vars,
            )
        )

    def _surroundings(self) -> dict[str, str]:
        """What the target cannot know of the task; an option of the task's own counts for more."""
        return {"_async_dir": async_dir_option(self)}
