# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a worker tells the main process by the queue that they share."""

from __future__ import annotations

import signal
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.utils.display import Display

from ansible_collections.longrun.jobs.plugins.plugin_utils import _core


class Queue:
    """Notes which signals wait while something is put into it."""

    def __init__(self) -> None:
        self.waiting: list[set[int]] = []

    def send_display(self, *_arguments: Any, **_options: Any) -> None:
        self.waiting.append(signal.pthread_sigmask(signal.SIG_BLOCK, ()))

    def send_callback(self, *_arguments: Any, **_options: Any) -> None:
        self.waiting.append(signal.pthread_sigmask(signal.SIG_BLOCK, ()))


def test_ctrl_c_does_not_end_a_worker_that_holds_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = Queue()
    monkeypatch.setattr(Display(), "_final_q", queue, raising=False)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    task = SimpleNamespace(_uuid="x", dump_attrs=dict)
    _core.show_lines(["a line", "another"])
    _core.send_poll_event(SimpleNamespace(_task=task), "web1", {"finished": False})  # type: ignore[arg-type]
    assert len(queue.waiting) == 3
    assert all({signal.SIGINT, signal.SIGTERM} <= waiting for waiting in queue.waiting)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before
