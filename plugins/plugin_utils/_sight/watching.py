# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which jobs the tasks of a run are waiting for, and which of them are due for a line. No I/O, no clock of its own.

Private to the collection longrun.jobs: may change in any release.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ansible_collections.longrun.jobs.plugins.plugin_utils._sight.seen import SeenJob


@dataclass(frozen=True)
class Waiting:
    """A task that waits for a job on a host, and has not reported the job yet."""

    host: str
    task: str
    began: float


@dataclass
class _Host:
    """The task that a host runs: one at a time, under every strategy. shown: whether it waits for jobs."""

    task: str
    began: float
    jobs: dict[tuple[str, str], SeenJob] = field(default_factory=dict)
    shown: bool = True


class Watching:
    """Follows each host from the start of a task to its result."""

    def __init__(self) -> None:
        self._hosts: dict[str, _Host] = {}
        self._announced: set[tuple[str, str]] = set()
        self._last_lines: dict[tuple[str, str], tuple[float, tuple[object, ...]]] = {}

    def start(self, host: str, task: str, waits: bool, now: float) -> None:
        """Note that a task begins. waits: whether it waits for jobs."""
        self._hosts[host] = _Host(task, now, shown=waits)

    def task_of(self, host: str) -> str:
        """Return the name of the task that the host runs. core's polls of a job come with a name of their own."""
        return self._hosts[host].task if host in self._hosts else ""

    def look(self, host: str, jobs: Iterable[SeenJob], now: float) -> list[SeenJob]:
        """Note the jobs that a waiting task has reported, and return those that have just ended."""
        busy = self._hosts.setdefault(host, _Host("", now))
        for job in jobs:
            if not job.ended:
                busy.jobs[job.key] = job
                self._announced.add(job.key)
        return self._newly_ended(jobs)

    def end(self, host: str, jobs: Iterable[SeenJob], whole_task: bool) -> list[SeenJob]:
        """Do the same for the result of a whole task, or of one item of its loop."""
        if whole_task:
            self._hosts.pop(host, None)
        return self._newly_ended(jobs)

    def _newly_ended(self, jobs: Iterable[SeenJob]) -> list[SeenJob]:
        """Return the jobs that have ended and were reported as running before, each job once."""
        ended = [job for job in jobs if job.ended and job.key in self._announced]
        self._announced.difference_update(job.key for job in ended)
        return ended

    def shown(self) -> tuple[list[SeenJob], list[Waiting]]:
        """Return the running jobs that tasks wait for, and the waiting tasks that have not reported a job yet."""
        running: dict[tuple[str, str], SeenJob] = {}
        waiting = []
        for host, busy in self._hosts.items():
            running.update((key, job) for key, job in busy.jobs.items() if not job.ended)
            if busy.shown and not busy.jobs:
                waiting.append(Waiting(host, busy.task, busy.began))
        return list(running.values()), waiting

    def news(self, jobs: Iterable[SeenJob], now: float, interval: float) -> list[SeenJob]:
        """Return the running jobs that have changed since their last line, *interval* seconds ago or more."""
        due = []
        for job in jobs:
            when, before = self._last_lines.get(job.key, (now - interval, ()))
            if job.ended or now - when < interval or job.news == before:
                continue
            self._last_lines[job.key] = (now, job.news)
            due.append(job)
        return due
