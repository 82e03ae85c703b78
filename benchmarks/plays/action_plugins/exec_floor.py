# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure how long commands take over the task's connection, without the rest of a task."""

from __future__ import annotations

import time
from typing import Any

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    """Runs ``command`` ``times`` times and returns the ``seconds`` of each."""

    _requires_connection = True
    _supports_check_mode = False
    _supports_async = False
    _VALID_ARGS = frozenset({"command", "times"})

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the ``seconds`` of each run, in their order."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        seconds = []
        for _each in range(int(self._task.args["times"])):
            begin = time.monotonic()
            answer = self._low_level_execute_command(self._task.args["command"], sudoable=False)
            seconds.append(time.monotonic() - begin)
            if answer["rc"] != 0:
                return {**result, "failed": True, "msg": answer["stderr"]}
        return {**result, "seconds": seconds}
