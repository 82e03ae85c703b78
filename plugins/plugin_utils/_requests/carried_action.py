# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action of a module that is only a request to the target: checked on the controller, answered on the target."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.longrun.jobs.plugins.plugin_utils._core.carrier import CarrierAction
from ansible_collections.longrun.jobs.plugins.plugin_utils._core.connection import (
    async_dir_option,
    is_windows,
)
from ansible_collections.longrun.jobs.plugins.plugin_utils._requests.refusal import windows_refusal


class CarriedAction(CarrierAction):
    """An action that sends its options to the target as a request.

    ``_carried_module``: the module's name, which is also the request's. ``_options``: the module's argument spec.
    """

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
        _unused, options = self.validate_argument_spec(argument_spec=self._options)
        return dict(
            self._execute_module(
                module_name=f"longrun.jobs.{self._carried_module}",
                module_args=dict(options, **self._surroundings()),
                task_vars=task_vars,
            )
        )

    def _surroundings(self) -> dict[str, str]:
        """Return what the target cannot know: where the task keeps its jobs. The task's own options take precedence."""
        return {"_async_dir": async_dir_option(self)}
