# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Events of a run: those that callbacks get, and one that a worker sends to them.

Private to the collection longrun.jobs: may change in any release.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ansible.executor import task_result
from ansible.inventory.host import Host
from ansible.plugins.action import ActionBase

from ansible_collections.longrun.jobs.plugins.plugin_utils._core.worker_queue import (
    signals_deferred,
    worker_queue,
)

__all__ = ("Event", "event_of", "playbook_name", "send_poll_event", "waits_for_jobs")


class Event(NamedTuple):
    """What a callback is told of a task on a host: the names of both, and the task's result."""

    host: str
    task: str
    data: Mapping[str, Any]


def event_of(result: Any) -> Event:
    """Return the event in what a callback's method is given.

    The attributes without an underscore came with 2.19. core censors the result of a task with ``no_log`` before a
    callback gets it.
    """
    host = getattr(result, "host", None) or result._host
    task = getattr(result, "task", None) or result._task
    data = result.result if hasattr(result, "result") else result._result
    return Event(str(host.get_name()), str(task.get_name()), data)


def playbook_name(playbook: Any) -> str:
    """Return the name of the file of a playbook, as ``v2_playbook_on_start`` is given the playbook."""
    return Path(playbook._file_name).name


def waits_for_jobs(task: Any) -> bool:
    """Return whether a task that is about to run will report running jobs.

    Its fields may still be templates; those count as no.
    """
    if str(task.action).rpartition(".")[2] in ("async_run", "async_status", "async_wait"):
        return not task.loop
    times = (task.async_val, task.poll)
    return all(isinstance(value, int) and value > 0 for value in times)


def send_poll_event(action: ActionBase, host: str, status: dict[str, Any]) -> None:
    """Send a job's status to every callback as ``v2_runner_on_async_poll``, as core's own poller does.

    Does nothing outside of a worker process.
    """
    queue = worker_queue()
    if queue is None:
        return
    arguments = _callback_arguments(queue, Host(host, gen_uuid=False), action._task, status)
    with signals_deferred():
        queue.send_callback("v2_runner_on_async_poll", *arguments)


def _callback_arguments(
    queue: Any, host: Host, task: Any, status: dict[str, Any]
) -> tuple[Any, ...]:
    """Return what ``FinalQueue.send_callback`` of the installed core takes behind the name of the event."""
    if "utr" in inspect.signature(queue.send_callback).parameters:  # from 2.21 on
        internal: Any = importlib.import_module("ansible._internal._task")
        return host, task, internal.UnifiedTaskResult.from_action_result_dict(dict(status))
    fields = {"task_fields": task.dump_attrs()}
    raw: Any = getattr(task_result, "_RawTaskResult", None)
    if raw is not None:  # 2.19 and 2.20
        return (raw(host=host, task=task, return_data=status, **fields),)
    old: Any = task_result.TaskResult  # up to 2.18
    return (old(host.get_name(), task._uuid, status, **fields),)
