# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""Waiting for many jobs at once: asleep until one of them ends, however many there are."""

import os
import threading
from typing import Any, Dict, List, Mapping, Optional

from .errors import JobError
from .find import find_given_job
from .look import Job
from .output import parse_cursor
from .states import END_STATES, STATE_SUCCEEDED
from .store import LOCK_FILE, LOCK_SH, MODULE_LOCK_FILE
from .view import Shown, output_view

WAIT_FOR = ("all", "any", "first_failure")
_UNSUPERVISED_STEP = 1.0  # seconds between looks at jobs whose supervisor is gone: their deadline is ours to keep
_CORE_JOB_STEP = 0.2  # likewise at jobs of core's, whose end nothing tells
_STACK_BYTES = 256 * 1024
# jobs: [{jid or results_file, cursor}], cursor "" for no output
WAIT_OPTIONS = {
    "jobs": {"type": "list", "elements": "dict", "required": True},
    "for": {"type": "str", "choices": list(WAIT_FOR), "default": "all"},
    "seconds": {"type": "float", "required": True},
    "tail_lines": {"type": "int", "default": 10},
}  # type: Dict[str, Dict[str, Any]]


class _Waiter:
    """One thread a job, asleep on its locks; each writes a byte when its job has ended."""

    def __init__(self, system: Any, jobs: List[Job]) -> None:
        self._system = system
        self._reader, self._writer = os.pipe()
        threading.stack_size(_STACK_BYTES)
        for job in jobs:
            if job.job_dir is not None:
                thread = threading.Thread(target=self._sleep, args=(job,))
                thread.daemon = True  # a lock that is never freed must not keep this process
                thread.start()

    def _sleep(self, job: Job) -> None:
        job_dir = job.job_dir
        if job_dir is None:
            return
        for name in (LOCK_FILE, MODULE_LOCK_FILE):
            try:
                fd = job_dir.open_file(name)
            except (OSError, JobError):
                continue  # gone with the job's end
            try:
                self._system.flock(fd, LOCK_SH)
            except OSError:
                return
            finally:
                self._system.close(fd)
            os.write(self._writer, b".")

    def pause(self, seconds: float) -> None:
        """Until one of the jobs has ended, for so many seconds at most."""
        if self._system.select([self._reader], max(0.0, seconds)):
            os.read(self._reader, 4096)


def condition_holds(views: List[Dict[str, Any]], wanted: str) -> bool:
    """Whether what is waited for has come about. views: async_job of each job."""
    ended = [view for view in views if view["state"] in END_STATES]
    if len(ended) == len(views):
        return True
    if wanted == "any":
        return bool(ended)
    return wanted == "first_failure" and any(view["state"] != STATE_SUCCEEDED for view in ended)


def _step(views: List[Dict[str, Any]], jobs: List[Job]) -> Optional[float]:
    """How soon to look again although no lock was freed; None if the locks tell everything."""
    steps = []
    for job, view in zip(jobs, views):
        if view["state"] not in END_STATES:
            if job.job_dir is None:
                steps.append(_CORE_JOB_STEP)
            elif not view["supervised"]:
                steps.append(_UNSUPERVISED_STEP)
    return min(steps) if steps else None


def answer_wait(
    system: Any, params: Mapping[str, Any], environ: Mapping[str, str], _check_mode: bool
) -> Dict[str, Any]:
    """The statuses of all the jobs, once the condition holds or the seconds are over: ``done`` tells which."""
    jobs = [
        find_given_job(system, one, params["_async_dir"], environ, Job) for one in params["jobs"]
    ]
    deadline = system.monotonic() + params["seconds"]
    waiter = None
    while True:
        statuses = [job.look(Shown(params["tail_lines"], None)) for job in jobs]
        views = [status["async_job"] for status in statuses]
        done = condition_holds(views, params["for"])
        left = deadline - system.monotonic()
        if done or left <= 0:
            break
        if waiter is None:
            waiter = _Waiter(system, [j for j, v in zip(jobs, views) if v["state"] not in END_STATES])
        step = _step(views, jobs)
        waiter.pause(left if step is None else min(left, step))
    since = []  # type: List[Optional[Dict[str, Any]]]
    for job, one, view in zip(jobs, params["jobs"], views):
        output = None
        if one.get("cursor"):
            shown = Shown(0, parse_cursor(one["cursor"]))
            output = output_view(job.job_dir, shown, view["state"] in END_STATES)
        since.append(output)
        job.close()
    return {"changed": False, "done": done, "statuses": statuses, "since": since}
