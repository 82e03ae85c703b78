# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""Answer async_wait: wait for any number of jobs, asleep until one of them ends."""

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
_CORE_JOB_STEP = 0.2  # seconds between two looks at a job of core's, which has no lock to wait on
_SLEEPLESS_STEP = 1.0  # seconds between two looks at a job that has no thread
_LEAST_STEP = 0.1  # seconds
_MOST_SLEEPERS = 200  # threads, with two descriptors each: below the usual limits
_STACK_BYTES = 256 * 1024
# jobs: references, each a dict with jid, results_file or name and, if its output is wanted, a cursor
WAIT_OPTIONS: Dict[str, Dict[str, Any]] = {
    "jobs": {"type": "list", "elements": "dict", "required": True},
    "for": {"type": "str", "choices": list(WAIT_FOR), "default": "all"},
    "seconds": {"type": "float", "required": True},
    "tail_lines": {"type": "int", "default": 10},
}


class _Sleepers:
    """Threads, one for each job, that sleep on the job's locks and report its number when the kernel frees one.

    A job's number is its place among the jobs of the request. Python cannot interrupt flock in a thread: a thread
    whose job continues stays until the job, or this process, ends.
    """

    def __init__(self, system: System) -> None:
        self._system = system
        self._reader, self._writer = system.pipe()
        self._guard = threading.Lock()
        self._asleep: Set[int] = set()
        self._woken: Set[int] = set()
        self._tried: Set[int] = set()

    def watches(self, number: int) -> bool:
        """Return whether a thread sleeps on the locks of this job."""
        with self._guard:
            return number in self._asleep

    def may_watch(self, number: int) -> bool:
        """Return whether this job can get a thread: it has had none yet, and there are not too many."""
        with self._guard:
            return number not in self._tried and len(self._asleep) < _MOST_SLEEPERS

    def watch(self, number: int, job_dir: Directory) -> None:
        """Start a thread that wakes up when this job's supervisor has ended, and when its module has ended."""
        self._tried.add(number)
        fds = []
        for name in (LOCK_FILE, MODULE_LOCK_FILE):
            try:
                fds.append(job_dir.open_file(name))
            except (OSError, JobError):
                continue  # removed at the job's end, or no descriptor is left
        with self._guard:
            self._asleep.add(number)
        thread = threading.Thread(target=self._sleep, args=(number, fds))
        thread.daemon = True  # a lock that is never freed must not keep this process alive
        usual = threading.stack_size(_STACK_BYTES)
        try:
            thread.start()
        except (
            RuntimeError
        ):  # this user may have no more threads: the job is looked at once a second
            with self._guard:
                self._asleep.discard(number)
            for fd in fds:
                self._system.close(fd)
        finally:
            threading.stack_size(usual)

    def _sleep(self, number: int, fds: List[int]) -> None:
        """Wait, in the thread of a job, for each of its locks, and report the job after each."""
        for fd in fds:
            try:
                self._system.flock(fd, LOCK_SH)
            except OSError:
                pass  # the file system has no locks
            finally:
                self._system.close(fd)
            self._tell(number, fd == fds[-1])
        if not fds:
            self._tell(number, True)

    def _tell(self, number: int, last: bool) -> None:
        """Wake up ``pause``. last: whether the thread of this job ends."""
        with self._guard:
            self._woken.add(number)
            if last:
                self._asleep.discard(number)
            if self._writer >= 0:
                os.write(self._writer, b".")

    def pause(self, seconds: float) -> Set[int]:
        """Sleep until a lock is freed, or the seconds are over. Return the numbers of the jobs with freed locks."""
        if self._system.select([self._reader], seconds):
            self._system.read(self._reader, 4096)
        with self._guard:
            woken, self._woken = self._woken, set()
        return woken

    def close(self) -> None:
        """Close the pipe. Threads that still sleep report nothing any more."""
        with self._guard:
            self._system.close(self._reader)
            self._system.close(self._writer)
            self._writer = -1


class _Awaited:
    """A job that is waited for. It keeps only the place of the job: a thousand of these keep no descriptor open."""

    def __init__(
        self,
        system: System,
        reference: Mapping[str, Any],
        written_dir: str,
        environ: Mapping[str, str],
    ) -> None:
        self._system = system
        with Job.open_referenced(system, reference, written_dir, environ) as job:
            self._async_dir, self._jid = job.async_dir.path, job.jid
            self._ours = job.job_dir is not None
        self.status: Dict[str, Any] = {}

    def _open(self, wrappers: Optional[CoreWrappers] = None) -> Job:
        return Job.open(self._system, self._async_dir, self._jid, wrappers)

    def look(self, tail_lines: int, wrappers: CoreWrappers) -> None:
        """Find out the job's status. wrappers: those of core's jobs, found once for all jobs."""
        with self._open(wrappers) as job:
            self.status = job.look(Excerpt(tail_lines, None))

    @property
    def view(self) -> Dict[str, Any]:
        """The job's view when it was last looked at."""
        return dict(self.status["async_job"])

    @property
    def ended(self) -> bool:
        """Whether the job had ended when it was last looked at."""
        return self.status["async_job"]["state"] in END_STATES

    def let_watch(self, sleepers: _Sleepers, number: int) -> None:
        """Start a thread for the job, unless core started it."""
        with self._open() as job:
            if job.job_dir is not None:
                sleepers.watch(number, job.job_dir)

    def step(self, asleep: bool) -> Optional[float]:
        """Return in how many seconds to look again even if no lock is freed; None if the locks tell everything.

        asleep: whether a thread sleeps on them.
        """
        if not self._ours:
            return _CORE_JOB_STEP
        if not asleep:
            return _SLEEPLESS_STEP
        view = self.view
        if view["supervised"] or view["remaining"] is None:
            return None
        # without a supervisor, this process enforces the job's time limit, by looking at it
        return max(_LEAST_STEP, float(view["remaining"]))

    def since(self, cursor: Optional[str]) -> Optional[Dict[str, Any]]:
        """Return what the job printed since a cursor, with the next cursor. None without a cursor."""
        if not cursor:
            return None
        since = parse_cursor(cursor)
        with self._open() as job:
            if job.job_dir is not None:
                _keep_shown(job.job_dir, str(since))
            return output_view(job.job_dir, Excerpt(0, since), self.ended)


def _keep_shown(job_dir: Directory, cursor: str) -> None:
    """Write down up to where a controller has shown the lines: if it is killed, the next one continues there."""
    try:
        fd = job_dir.open_file(SHOWN_FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            os.write(fd, cursor.encode("ascii"))
        finally:
            os.close(fd)
    except (OSError, JobError):
        pass  # the next controller shows some lines again


def condition_holds(views: List[Dict[str, Any]], wanted: str) -> bool:
    """Return whether the wait is over. views: those of all jobs. wanted: one of WAIT_FOR."""
    ended = [view for view in views if view["state"] in END_STATES]
    if len(ended) == len(views):
        return True
    if wanted == "any":
        return bool(ended)
    return wanted == "first_failure" and any(view["state"] != STATE_SUCCEEDED for view in ended)


def _sleep_until_due(sleepers: _Sleepers, waiting: Dict[int, _Awaited], seconds: float) -> Set[int]:
    """Sleep until a job must be looked at, or the seconds are over. Return the numbers of the jobs to look at."""
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
    """Wait until the condition holds or the seconds are over; ``done`` tells which. Return the statuses of all jobs.

    ``statuses`` and ``since`` (the new output, None without a cursor) are in the order of the jobs. Raise JobError if
    an option is not valid or a job is not found.
    """
    check_tail_lines(params["tail_lines"])
    deadline = system.monotonic() + params["seconds"]
    jobs = [
        _Awaited(system, reference, params["_async_dir"], environ)
        for reference in resolve_names(system, params["jobs"], params["_async_dir"], environ)
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
    for number in set(waiting) - due:  # their last look may be long ago
        waiting[number].look(params["tail_lines"], wrappers)
    done = condition_holds([job.view for job in jobs], params["for"])
    since = [job.since(asked.get("cursor")) for job, asked in zip(jobs, params["jobs"])]
    statuses = [job.status for job in jobs]
    return {"changed": False, "done": done, "statuses": statuses, "since": since}
