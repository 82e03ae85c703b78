# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An action that tells of five jobs, as async_wait does, and starts none: for more hosts than a test could have."""

from __future__ import annotations

import time
from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.longrun.jobs.plugins.plugin_utils._core.display import show_lines
from ansible_collections.longrun.jobs.plugins.plugin_utils._core.events import send_poll_event


def status(number: int, percent: int) -> dict[str, Any]:
    ended = percent >= 100
    view = {
        "id": f"j{number}.{number}",
        "name": f"job{number}",
        "state": "succeeded" if ended else "running",
        "elapsed": percent / 10,
        "progress": {"percent": percent, "eta": (100 - percent) / 10},
        "output": {"stdout_tail": [f"at {percent}"]},
    }
    job = {"ansible_job_id": view["id"], "started": True, "finished": ended, "async_job": view}
    return {**job, "changed": False}


class ActionModule(ActionBase):
    """Tells of each five times."""

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        super().run(tmp, task_vars)
        host = (task_vars or {})["inventory_hostname"]
        for percent in (10, 30, 50, 70, 90):
            for number in range(5):
                send_poll_event(self, host, status(number, percent))
            show_lines([f"{host} | at {percent}"])
            time.sleep(0.4)
        return {"changed": False, "jobs": [status(number, 100) for number in range(5)]}
