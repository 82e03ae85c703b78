# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An action whose result looks like that of a job and is none."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    """Returns what no module of ours would."""

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        super().run(tmp, task_vars)
        view = {
            "id": ["a", "list"],
            "state": {"a": "dictionary"},
            "progress": "half",
            "output": [1],
            "usage": 3,
            "elapsed": "long",
            "attempt": "first",
        }
        return {"changed": False, "async_job": view, "jobs": [None, 3, {"async_job": view}, view]}
