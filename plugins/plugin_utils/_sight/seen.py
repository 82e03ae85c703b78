# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The jobs of a run, as the results and events that callbacks get describe them. No I/O, no clock of its own.

Private to the collection longrun.jobs: may change in any release.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.states import (
    END_STATES,
    STATE_FAILED,
    STATE_RUNNING,
    STATE_SUCCEEDED,
)

# limits the marks for the timeline, so that a job that is polled for a day does not fill the memory
_MOST_MARKS = 200
_PERCENT_BETWEEN_MARKS = 1.0


@dataclass
class SeenJob:
    """One job of one host. Times are in seconds, in terms of the caller's clock.

    began: when it began to run, as far as known. looked: when its last status came. looks: how many came. marks: (time,
    percent) of its progress. retries: (time, text) of each time that the task was run again.
    """

    host: str
    jid: str
    task: str
    began: float
    looked: float
    name: str = ""
    module: str = ""
    state: str = STATE_RUNNING
    reason: str = ""
    message: str = ""
    attempt: int = 1
    elapsed: float | None = None
    timeout: float | None = None
    percent: float | None = None
    current: float | None = None
    total: float | None = None
    unit: str = ""
    progress_message: str = ""
    eta: float | None = None
    last_line: str = ""
    cpu_seconds: float | None = None
    max_rss_bytes: int | None = None
    looks: int = 0
    marks: list[tuple[float, float]] = field(default_factory=list)
    retries: list[tuple[float, str]] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, str]:
        """What identifies the job: its host and its jid."""
        return self.host, self.jid

    @property
    def ended(self) -> bool:
        """Whether the job has ended."""
        return self.state in END_STATES

    @property
    def label(self) -> str:
        """The job's name or, if it has none, its module and its id."""
        if self.name:
            return self.name
        short = self.module.rpartition(".")[2]
        return f"{short} {self.jid}" if short else self.jid

    @property
    def short_label(self) -> str:
        """The same, shorter: of the id only the pid, which is enough to tell jobs apart."""
        short = self.module.rpartition(".")[2] or "job"
        return self.name or f"{short} {self.jid.rpartition('.')[2]}"

    def seconds(self, now: float) -> float:
        """Return for how many seconds the job has run, or ran if it has ended."""
        if self.elapsed is None:
            return max(0.0, (self.looked if self.ended else now) - self.began)
        return self.elapsed if self.ended else self.elapsed + max(0.0, now - self.looked)

    def left(self, now: float) -> float | None:
        """Return the estimated number of seconds until its end, or None if it has ended or nothing is known."""
        if self.eta is None or self.ended:
            return None
        return max(0.0, self.eta - max(0.0, now - self.looked))

    @property
    def news(self) -> tuple[object, ...]:
        """What a reader wants to know about: equal as long as nothing but the time has changed."""
        percent = None if self.percent is None else int(self.percent)
        return self.state, percent, self.current, self.progress_message, self.last_line


def printable(text: object) -> str:
    """Return a text from a job or a target as one line, without characters that control a terminal."""
    return "".join(
        " " if char in "\t\n\r\u2028\u2029" else char
        for char in str(text)
        if char in "\t\n\r" or unicodedata.category(char) not in ("Cc", "Cf", "Cs")
    ).strip()


def _number(value: Any) -> float | None:
    """Return the value as a number, or None if it is not a finite one."""
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None


def statuses(result: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Yield (status, view) for each job in a task's result or in an event.

    The view is empty for a job of stock core's, the status for an element of what async_info or async_cancel returned.
    """
    for job in (result, result.get("async_result"), *_list(result.get("jobs"))):
        if not isinstance(job, Mapping):
            continue
        view = job.get("async_job")
        if isinstance(view, Mapping) and view.get("id"):
            yield job, view
        elif job.get("ansible_job_id") and "erased" not in job:
            yield job, {}
        elif (
            job is not result and job.get("id") and job.get("state")
        ):  # from async_info or async_cancel
            yield {}, job


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else []


class SeenJobs:
    """All jobs of a run, in the order in which they were first seen."""

    def __init__(self) -> None:
        self._jobs: dict[tuple[str, str], SeenJob] = {}

    def __iter__(self) -> Iterator[SeenJob]:
        return iter(self._jobs.values())

    def __len__(self) -> int:
        return len(self._jobs)

    def note(self, host: str, task: str, result: Mapping[str, Any], now: float) -> list[SeenJob]:
        """Update the jobs from a task's result or an event, and return those that it describes.

        now: in terms of the caller's clock. A job that could not be found is not added.
        """
        described = []
        for status, view in statuses(result):
            jid = str(view.get("id") or status.get("ansible_job_id"))
            job = self._jobs.get((host, jid))
            if job is None:
                if not view and _not_found(status):
                    continue
                job = SeenJob(host, jid, task, began=now, looked=now)
                self._jobs[job.key] = job
            _take_in(job, status, view, now)
            described.append(job)
        return described

    def note_retry(self, host: str, task: str, result: Mapping[str, Any], now: float) -> None:
        """Update the jobs from a retry's event, and note the retry of a job that had ended."""
        for job in self.note(host, task, result, now):
            if job.ended and result.get("attempts"):
                retries = result.get("retries")
                of_retries = f" of {retries}" if retries else ""
                job.retries.append(
                    (now, f"attempt {result['attempts']}{of_retries} ended {job.state}")
                )


def _not_found(status: Mapping[str, Any]) -> bool:
    return bool(status.get("failed")) and "could not find job" in str(status.get("msg"))


def _take_in(job: SeenJob, status: Mapping[str, Any], view: Mapping[str, Any], now: float) -> None:
    """Update a job from a status, unless the job has ended and the status is older or knows less."""
    attempt = int(_number(view.get("attempt")) or job.attempt)
    state = printable(view.get("state") or _state_of(status))
    if job.ended and state not in END_STATES and attempt <= job.attempt:
        return  # an older answer that came late, or a job that core no longer knows because it was cleaned up
    if job.ended and not view:
        return
    job.looks += 1
    job.looked, job.state, job.attempt = now, state, attempt
    if view:
        _take_in_view(job, view, now)
    if job.ended and job.state != STATE_SUCCEEDED and status.get("msg"):
        job.message = printable(status["msg"])


def _state_of(status: Mapping[str, Any]) -> str:
    """Return the state of a job of stock core's, which has no word for it."""
    if not status.get("finished"):
        return STATE_RUNNING
    failed = status.get("failed") or status.get("rc", 0) not in (0, None)
    return STATE_FAILED if failed else STATE_SUCCEEDED


def _take_in_view(job: SeenJob, view: Mapping[str, Any], now: float) -> None:
    for key in ("name", "module", "reason"):
        setattr(job, key, printable(view.get(key) or ""))
    job.elapsed = _number(view.get("elapsed"))
    job.timeout = _number(view.get("timeout"))
    if job.elapsed is not None:
        # The earliest is the most exact, since each answer comes late. The first replaces the time of the first sight.
        began = now - job.elapsed
        job.began = began if job.looks == 1 else min(job.began, began)
    progress, output, usage = (_mapping(view.get(key)) for key in ("progress", "output", "usage"))
    job.percent, job.current, job.total, job.eta = (
        _number(progress.get(key)) for key in ("percent", "current", "total", "eta")
    )
    job.unit = printable(progress.get("unit") or "")
    job.progress_message = printable(progress.get("message") or "")
    lines = _list(output.get("stdout_tail")) or _list(output.get("stderr_tail"))
    if lines:
        job.last_line = printable(lines[-1])
    job.cpu_seconds = _number(usage.get("cpu_seconds"))
    rss = _number(usage.get("max_rss_bytes"))
    job.max_rss_bytes = None if rss is None else int(rss)
    _mark(job, now)


def _mark(job: SeenJob, now: float) -> None:
    """Add a mark if the job's progress has changed enough since the last."""
    if job.percent is None or len(job.marks) >= _MOST_MARKS:
        return
    last = job.marks[-1][1] if job.marks else 0.0
    if abs(job.percent - last) >= _PERCENT_BETWEEN_MARKS:
        job.marks.append((now, job.percent))
