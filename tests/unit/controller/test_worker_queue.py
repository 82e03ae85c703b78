# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a worker tells the main process by the queue that they share."""

from __future__ import annotations

import signal
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.executor.task_queue_manager import FinalQueue
from ansible.playbook.task import Task
from ansible.utils.display import Display

from ansible_collections.longrun.jobs.plugins.plugin_utils._core.display import show_lines
from ansible_collections.longrun.jobs.plugins.plugin_utils._core.events import send_poll_event


@pytest.fixture
def deferred(monkeypatch: pytest.MonkeyPatch) -> list[set[int]]:
    """The signals that are deferred, each time something is put into the queue of the installed core."""
    noted: list[set[int]] = []
    queue = FinalQueue()
    monkeypatch.setattr(
        queue, "put", lambda _what: noted.append(signal.pthread_sigmask(signal.SIG_BLOCK, ()))
    )
    monkeypatch.setattr(Display(), "_final_q", queue, raising=False)
    return noted


def test_ctrl_c_does_not_end_a_worker_that_holds_the_queue(deferred: list[set[int]]) -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    action: Any = SimpleNamespace(_task=Task.load({"name": "t", "command": "a"}))
    show_lines(["a line", "another"])
    send_poll_event(action, "web1", {"finished": False})
    assert len(deferred) == 3
    assert all({signal.SIGINT, signal.SIGTERM} <= signals for signals in deferred)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before
