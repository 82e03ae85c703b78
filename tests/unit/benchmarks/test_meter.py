# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import socket

import pytest

from benchmarks.meter import Meter


def test_a_run_tells_its_tasks_and_what_they_found() -> None:
    with Meter(os.getpid()) as meter, socket.socket(socket.AF_UNIX) as callback:
        callback.connect("\0" + meter.name)
        for event in (
            {"event": "begin", "task": "u1", "name": "Start 1"},
            {"event": "end", "task": "u1", "seconds": 0.25, "clock": 1000.5},
            {"event": "told", "told": {"ended": "1000.25"}},
        ):
            callback.sendall(json.dumps(event).encode() + b"\n")
            assert callback.recv(1) == b"."
        callback.shutdown(socket.SHUT_RDWR)
    (task,) = meter.run.named("Start 1")
    assert (task.seconds, task.ended) == (0.25, 1000.5)
    assert task.controller_cpu == pytest.approx(task.target_cpu, abs=10)
    assert meter.run.told == {"ended": "1000.25"}


def test_a_run_that_never_came_keeps_nobody_waiting() -> None:
    with Meter(os.getpid()) as meter:
        pass
    assert meter.run.tasks == []
