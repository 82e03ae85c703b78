# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""From the process that Ansible waits for to a supervisor of its own session.

That process answers as soon as its jobs are durable and another owns them. All else is done behind the answer: nobody
waits for it, and what it meets with is the end of a job.
"""

import os
import sys
from typing import Any, Callable, Dict, List, Optional, Sequence

from ..model.errors import JobError, refused
from ..system.kernel import find_prctl
from ..system.store import Directory
from .accepted import Accepted, accept

_ERROR_FILE = "supervisor_error"
_NO_ERRNO = 255


def launch(
    system: Any,
    async_dir: Directory,
    jobs: Sequence[Accepted],
    share: Optional[Callable[[], None]] = None,
    afterwards: Optional[Callable[[], None]] = None,
) -> Dict[str, JobError]:
    """Start jobs; the refusals, by the ids of those that were not started.

    share: called in the process that the supervisors of several jobs are forked from, before it forks them.
    afterwards: called when all are set going; nobody waits for it.
    """
    refusals = accept(system, async_dir, jobs)
    accepted = [job for job in jobs if job.jid not in refusals]
    if not accepted:
        return refusals

    def finish() -> None:
        _sweep(system, async_dir)
        if afterwards is not None:
            afterwards()

    try:
        _detach(system, accepted, lambda: _set_going(system, async_dir, accepted, share, finish))
    except JobError as error:
        for job in accepted:
            job.withdraw()
            refusals[job.jid] = error
    for job in accepted:
        job.leave()
    return refusals


def _detach(system: Any, jobs: Sequence[Accepted], work: Callable[[], None]) -> None:
    """Work, which does not return, in a process of its own session that can never get a terminal. JobError: there is none."""
    of_jobs = jobs[0].jid if len(jobs) == 1 else f"{jobs[0].jid} and {len(jobs) - 1} more"
    try:
        pid = system.fork()
    except OSError as error:
        raise refused("start a process for", of_jobs, error) from error
    if pid == 0:
        status = _NO_ERRNO
        try:
            system.setsid()
            if system.fork() == 0:
                work()
            status = 0
        except OSError as error:
            status = error.errno or _NO_ERRNO
        finally:
            system.exit(status)
    _pid, status = system.waitpid(pid, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0:
        return
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) != _NO_ERRNO:
        number = os.WEXITSTATUS(status)
        raise refused("start a process for", of_jobs, OSError(number, os.strerror(number)))
    raise JobError(f"the process for {of_jobs} ended without a word")


def _set_going(
    system: Any,
    async_dir: Directory,
    jobs: Sequence[Accepted],
    share: Optional[Callable[[], None]],
    finish: Callable[[], None],
) -> None:
    """Be the supervisor of the one job, or fork one for each of several. Does not return."""
    left = list(jobs)
    try:
        null = system.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):
            system.dup2(null, fd)
        _keep_only(system, async_dir, left)
        from .supervisor import Supervisor  # late, like all that the answer need not wait for

        if len(left) == 1:
            _supervise(Supervisor, left.pop(), finish)
        find_prctl()  # now, or each supervisor looks for it
        if share is not None:
            share()
        while left:
            job = left[0]
            try:
                pid = system.fork()
            except OSError as error:
                job.fail(refused("start the supervisor of", job.jid, error).message)
                pid = -1
            if pid == 0:
                left.clear()
                os.setpgid(0, 0)
                _keep_only(system, async_dir, [job])
                _supervise(Supervisor, job)
            left.remove(job)
            job.leave()
        finish()
    finally:
        failure = sys.exc_info()[1]
        try:
            for job in left:
                job.fail(f"the process that starts {job.jid} failed: {failure!r}")
            for job in left:  # not before all have their end, which matters more
                _keep_traceback(job)
        finally:
            system.exit(0)


def _keep_only(system: Any, async_dir: Directory, jobs: Sequence[Accepted]) -> None:
    """Close what this process inherited for other ends: pipes of a caller, other jobs."""
    keep: List[int] = [async_dir.fd]
    for job in jobs:
        keep.extend(job.fds)
    system.close_others(keep)


def _supervise(
    supervisor_class: Any, job: Accepted, then: Optional[Callable[[], None]] = None
) -> None:
    """Be the supervisor of a job. Does not return. then: called when it goes."""
    try:
        supervisor = supervisor_class(job)
        supervisor.go()
        if then is not None:
            then()
        supervisor.supervise()
    finally:
        try:
            if sys.exc_info()[1] is not None:
                _keep_traceback(job)
        finally:
            job.system.exit(1)


def _sweep(system: Any, async_dir: Directory) -> None:
    from ..system.retention import sweep

    sweep(system, async_dir)


def _keep_traceback(job: Accepted) -> None:
    """Of the exception that is on its way."""
    import traceback

    text = traceback.format_exc()
    job.job_dir.write_file(_ERROR_FILE, text.encode("utf-8", "replace"))
