# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""Waiting for many jobs at once: asleep until one of them ends, however many there are."""

import os
import threading
from typing import Any, Dict, List, Mapping, Optional, Set

from ..inspection.core_job import CoreWrappers
from ..inspection.look import Job
from ..inspection.view import Excerpt, check_tail_lines, output_view
from ..model.errors import JobError
from ..model.output import parse_cursor
from ..model.states import END_STATES, STATE_SUCCEEDED
from ..system.kernel import System
from ..system.names import resolve_names
from ..system.store import (
    LOCK_FILE,
    LOCK_SH,
    MODULE_LOCK_FILE,
    SHOWN_FILE,
    Directory,
)

WAIT_FOR = ("all", "any", "first_failure")
_CORE_JOB_STEP = 0.2  # seconds between looks at jobs of core's, whose end nothing tells
_SLEEPLESS_STEP = 1.0  # likewise at jobs for which there is no thread
_LEAST_STEP = 0.1
_MOST_SLEEPERS = 200  # threads, with two descriptors each: below every usual limit
_STACK_BYTES = 256 * 1024
# jobs: [{jid, results_file or name, cursor}], without cursor for no output
WAIT_OPTIONS: Dict[str, Dict[str, Any]] = {
    "jobs": {"type": "list", "elements": "dict", "required": True},
    "for": {"type": "str", "choices": list(WAIT_FOR), "default": "all"},
    "seconds": {"type": "float", "required": True},
    "tail_lines": {"type": "int", "default": 10},
}


class _Sleepers:
    """One thread a job, asleep on its locks; it tells the job's number when the kernel frees one.

    Python cannot call a thread back from flock: one whose job goes on is left to the end of the job, or of this process.
    """

    def __init__(self, system: System) -> None:
        self._system = system
        self._reader, self._writer = system.pipe()
        self._guard = threading.Lock()
        self._asleep: Set[int] = set()
        self._woken: Set[int] = set()
        self._tried: Set[int] = set()

    def watches(self, number: int) -> bool:
        with self._guard:
            return number in self._asleep

    def may_watch(self, number: int) -> bool:
        """Each job has one thread, once: its locks tell nothing a second time."""
        with self._guard:
            return number not in self._tried and len(self._asleep) < _MOST_SLEEPERS

    def watch(self, number: int, job_dir: Directory) -> None:
        """Wake up when this job's supervisor, and when its module, is gone."""
        self._tried.add(number)
        fds = []
        for name in (LOCK_FILE, MODULE_LOCK_FILE):
            try:
                fds.append(job_dir.open_file(name))
            except (OSError, JobError):
                continue  # gone with the job's end, or no descriptor is left
        with self._guard:
            self._asleep.add(number)
        thread = threading.Thread(target=self._sleep, args=(number, fds))
        thread.daemon = True  # a lock that is never freed must not keep this process
        usual = threading.stack_size(_STACK_BYTES)
        try:
            thread.start()
        except RuntimeError:  # no more threads for this user: the job is looked at in steps
            with self._guard:
                self._asleep.discard(number)
            for fd in fds:
                self._system.close(fd)
        finally:
            threading.stack_size(usual)

    def _sleep(self, number: int, fds: List[int]) -> None:
        for fd in fds:
            try:
                self._system.flock(fd, LOCK_SH)
            except OSError:
                pass  # a file system without locks
            finally:
                self._system.close(fd)
            self._tell(number, fd == fds[-1])
        if not fds:
            self._tell(number, True)

    def _tell(self, number: int, last: bool) -> None:
        with self._guard:
            self._woken.add(number)
            if last:
                self._asleep.discard(number)
            if self._writer >= 0:
                os.write(self._writer, b".")

    def pause(self, seconds: float) -> Set[int]:
        """Until a lock is freed, for so many seconds at most. The numbers of the jobs whose locks were freed."""
        if self._system.select([self._reader], seconds):
            self._system.read(self._reader, 4096)
        with self._guard:
            woken, self._woken = self._woken, set()
        return woken

    def close(self) -> None:
        with self._guard:
            self._system.close(self._reader)
            self._system.close(self._writer)
            self._writer = -1


class _Awaited:
    """A job that is waited for, by its place: of a thousand jobs not one is kept open."""

    def __init__(
        self, system: System, one: Mapping[str, Any], written_dir: str, environ: Mapping[str, str]
    ) -> None:
        self._system = system
        with Job.open_given(system, one, written_dir, environ) as job:
            self._async_dir, self._jid = job.async_dir.path, job.jid
            self._ours = job.job_dir is not None
        self.status: Dict[str, Any] = {}

    def _open(self, wrappers: Optional[CoreWrappers] = None) -> Job:
        return Job.open(self._system, self._async_dir, self._jid, wrappers)

    def look(self, tail_lines: int, wrappers: CoreWrappers) -> None:
        """Find out the job's status. wrappers: of core's jobs, looked for once for all."""
        with self._open(wrappers) as job:
            self.status = job.look(Excerpt(tail_lines, None))

    @property
    def view(self) -> Dict[str, Any]:
        return dict(self.status["async_job"])

    @property
    def ended(self) -> bool:
        return self.status["async_job"]["state"] in END_STATES

    def let_watch(self, sleepers: _Sleepers, number: int) -> None:
        with self._open() as job:
            if job.job_dir is not None:
                sleepers.watch(number, job.job_dir)

    def step(self, asleep: bool) -> Optional[float]:
        """In how many seconds to look again although no lock was freed; None if the locks tell everything."""
        if not self._ours:
            return _CORE_JOB_STEP
        if not asleep:
            return _SLEEPLESS_STEP
        view = self.view
        if view["supervised"] or view["remaining"] is None:
            return None
        return max(_LEAST_STEP, float(view["remaining"]))  # its time limit is ours to keep

    def since(self, cursor: Optional[str]) -> Optional[Dict[str, Any]]:
        """What it printed since then, and the next cursor."""
        if not cursor:
            return None
        since = parse_cursor(cursor)
        with self._open() as job:
            if job.job_dir is not None:
                _keep_shown(job.job_dir, str(since))
            return output_view(job.job_dir, Excerpt(0, since), self.ended)


def _keep_shown(job_dir: Directory, cursor: str) -> None:
    """For a controller that comes after one that was killed: it goes on where that one's lines ended."""
    try:
        fd = job_dir.open_file(SHOWN_FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            os.write(fd, cursor.encode("ascii"))
        finally:
            os.close(fd)
    except (OSError, JobError):
        pass  # lines are then shown twice


def condition_holds(views: List[Dict[str, Any]], wanted: str) -> bool:
    """Whether what is waited for has come about. views: async_job of each job."""
    ended = [view for view in views if view["state"] in END_STATES]
    if len(ended) == len(views):
        return True
    if wanted == "any":
        return bool(ended)
    return wanted == "first_failure" and any(view["state"] != STATE_SUCCEEDED for view in ended)


def _sleep_until_due(sleepers: _Sleepers, waiting: Dict[int, _Awaited], seconds: float) -> Set[int]:
    """The numbers of the jobs to look at again, when there is one, or when the seconds are over."""
    steps = {}
    for number, awaited in waiting.items():
        if sleepers.may_watch(number):
            awaited.let_watch(sleepers, number)
        step = awaited.step(sleepers.watches(number))
        if step is not None:
            steps[number] = step
    return sleepers.pause(min([seconds, *steps.values()])) | set(steps)


def answer_wait(
    system: System, params: Mapping[str, Any], environ: Mapping[str, str], _check_mode: bool
) -> Dict[str, Any]:
    """The statuses of all the jobs, once the condition holds or the seconds are over: ``done`` tells which.

    ``statuses`` and ``since`` (None without a cursor) are in the order of the jobs.
    """
    check_tail_lines(params["tail_lines"])
    deadline = system.monotonic() + params["seconds"]
    jobs = [
        _Awaited(system, one, params["_async_dir"], environ)
        for one in resolve_names(system, params["jobs"], params["_async_dir"], environ)
    ]
    sleepers = _Sleepers(system)
    try:
        due = set(range(len(jobs)))
        while True:
            wrappers = CoreWrappers(system)
            for number in due:
                jobs[number].look(params["tail_lines"], wrappers)
            done = condition_holds([job.view for job in jobs], params["for"])
            left = deadline - system.monotonic()
            waiting = {number: job for number, job in enumerate(jobs) if not job.ended}
            if done or left <= 0:
                break
            due = _sleep_until_due(sleepers, waiting, left) & set(waiting)
    finally:
        sleepers.close()
    wrappers = CoreWrappers(system)
    for number in set(waiting) - due:  # as new as the answer, however long it slept
        waiting[number].look(params["tail_lines"], wrappers)
    done = condition_holds([job.view for job in jobs], params["for"])
    since = [job.since(one.get("cursor")) for job, one in zip(jobs, params["jobs"])]
    statuses = [job.status for job in jobs]
    return {"changed": False, "done": done, "statuses": statuses, "since": since}
