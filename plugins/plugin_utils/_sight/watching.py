# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which jobs tasks wait for at this moment, and what is worth a line. No I/O, no clock of its own.

Private to the collection longrun.jobs: may change in any release.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ansible_collections.longrun.jobs.plugins.plugin_utils._sight.seen import SeenJob


@dataclass(frozen=True)
class Waiting:
    """A task that was started on a host and has not told of a job yet."""

    host: str
    task: str
    began: float


@dataclass
class _Host:
    """What a host is busy with: one task at a time, under every strategy."""

    task: str
    began: float
    jobs: dict[tuple[str, str], SeenJob] = field(default_factory=dict)
    shown: bool = True


class Watching:
    """Follows the hosts from the start of a task to its result."""

    def __init__(self) -> None:
        self._hosts: dict[str, _Host] = {}
        self._announced: set[tuple[str, str]] = set()
        self._said: dict[tuple[str, str], tuple[float, tuple[object, ...]]] = {}

    def start(self, host: str, task: str, waits: bool, now: float) -> None:
        """A task begins; *waits*: it is one that waits for jobs."""
        self._hosts[host] = _Host(task, now, shown=waits)

    def task_of(self, host: str) -> str:
        """The name of the task that the host is busy with: core's polls of a job have one of their own."""
        return self._hosts[host].task if host in self._hosts else ""

    def look(self, host: str, told: Iterable[SeenJob], now: float) -> list[SeenJob]:
        """A task that waits has told of these jobs; those that have ended since they were told of before."""
        busy = self._hosts.setdefault(host, _Host("", now))
        for job in told:
            if not job.ended:
                busy.jobs[job.key] = job
                self._announced.add(job.key)
        return self._folded(told)

    def end(self, host: str, told: Iterable[SeenJob], whole_task: bool) -> list[SeenJob]:
        """The same for a result: that of the whole task, or of one item of its loop."""
        if whole_task:
            self._hosts.pop(host, None)
        return self._folded(told)

    def _folded(self, told: Iterable[SeenJob]) -> list[SeenJob]:
        ended = [job for job in told if job.ended and job.key in self._announced]
        self._announced.difference_update(job.key for job in ended)
        return ended

    def shown(self) -> tuple[list[SeenJob], list[Waiting]]:
        """The jobs that run and are waited for, and the tasks that have not told of theirs."""
        running: dict[tuple[str, str], SeenJob] = {}
        waiting = []
        for host, busy in self._hosts.items():
            running.update((key, job) for key, job in busy.jobs.items() if not job.ended)
            if busy.shown and not busy.jobs:
                waiting.append(Waiting(host, busy.task, busy.began))
        return list(running.values()), waiting

    def news(self, told: Iterable[SeenJob], now: float, interval: float) -> list[SeenJob]:
        """Those of the jobs that run that are due for a line, and have changed since their last."""
        due = []
        for job in told:
            when, before = self._said.get(job.key, (now - interval, ()))
            if job.ended or now - when < interval or job.news == before:
                continue
            self._said[job.key] = (now, job.news)
            due.append(job)
        return due
