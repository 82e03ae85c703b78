# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tell the benchmarks' meter when tasks with the tag ``measured`` begin and end."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Mapping
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: moments
type: aggregate
short_description: Tells the benchmarks when tasks began and ended
description:
  - Tells the meter of the benchmarks when tasks with the tag C(measured) began and ended.
  - Passes on what C(set_fact) has put into C(benchmark).
requirements: []
"""


class CallbackModule(CallbackBase):
    """Sends events to the meter's socket, named in ``BENCHMARK_METER``. The meter answers each line."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "moments"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._meter = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._meter.connect("\0" + os.environ["BENCHMARK_METER"])
        self._began: dict[str, float] = {}

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Report a task's begin. The meter reads the processors before the time starts, so that it takes none of it."""
        if "measured" in task.tags:
            self._tell({"event": "begin", "task": task._uuid, "name": task.get_name()})
            self._began[task._uuid] = time.monotonic()

    def v2_runner_on_ok(self, result: Any) -> None:
        """Report the end of a task, for a loop that of its last item."""
        now, clock = time.monotonic(), time.time()
        task = result.task._uuid
        if task in self._began:
            seconds = now - self._began.pop(task)
            self._tell({"event": "end", "task": task, "seconds": seconds, "clock": clock})
        facts = result.result.get("ansible_facts", {})
        if "benchmark" in facts:
            self._tell({"event": "told", "told": facts["benchmark"]})

    def _tell(self, event: Mapping[str, Any]) -> None:
        self._meter.sendall(json.dumps(event, default=str).encode() + b"\n")
        if not self._meter.recv(1):
            raise OSError("the benchmarks' meter has gone")
