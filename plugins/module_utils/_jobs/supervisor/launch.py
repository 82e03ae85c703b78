# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""From the process that Ansible waits for to a supervisor in a session of its own.

That process answers as soon as its jobs are durable and another process owns them. Everything else is done behind the
answer: nobody waits for it, and what fails there is the end of a job.
"""

import os
import sys
from typing import TYPE_CHECKING, Dict, List, Sequence

from ..model.errors import JobError, Refused
from ..system.kernel import System, find_prctl
from ..system.store import Directory
from .accepted import Accepted, accept

if TYPE_CHECKING:
    from .supervisor import Supervisor

_ERROR_FILE = "supervisor_error"
_NO_ERRNO = 255  # exit status of a process that ended for another reason than an errno


class Chores:
    """What a start leaves to be done behind its answer. Those who have something to do override it."""

    def share_imports(self) -> None:
        """Import what the modules of several jobs have in common, before their supervisors are forked."""

    def keep_library(self) -> None:
        """Keep on disk what was compiled for this start."""


class Launch:
    """The start of the jobs of one request. ``run`` is called once."""

    def __init__(
        self, system: System, async_dir: Directory, jobs: Sequence[Accepted], chores: Chores
    ) -> None:
        self._system = system
        self._async_dir = async_dir
        self._jobs = list(jobs)
        self._chores = chores

    def run(self) -> Dict[str, JobError]:
        """Start the jobs. Return the refusals by the ids of those that were not started."""
        refusals = accept(self._system, self._async_dir, self._jobs)
        self._jobs = [job for job in self._jobs if job.jid not in refusals]
        if not self._jobs:
            return refusals
        try:
            self._detach()
        except JobError as error:
            for job in self._jobs:
                job.withdraw()
                refusals[job.jid] = error
        for job in self._jobs:
            job.leave()
        return refusals

    def _detach(self) -> None:
        """Fork the process that sets the jobs going, in a session of its own that can never get a terminal.

        Two forks: only a process that does not lead its session cannot acquire a terminal, see setsid(2).
        """
        system = self._system
        try:
            pid = system.fork()
        except OSError as error:
            raise Refused("start a process for", self._names, error) from error
        if pid == 0:
            status = _NO_ERRNO
            try:
                system.setsid()
                if system.fork() == 0:
                    self._set_going()
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
            raise Refused("start a process for", self._names, OSError(number, os.strerror(number)))
        raise JobError(f"the process for {self._names} ended without a word")

    @property
    def _names(self) -> str:
        first, *others = self._jobs
        return f"{first.jid} and {len(others)} more" if others else first.jid

    def _set_going(self) -> None:
        """Become the supervisor of the only job, or fork one for each of several. Does not return."""
        system, left = self._system, list(self._jobs)
        try:
            null = system.open(os.devnull, os.O_RDWR)
            for fd in (0, 1, 2):
                system.dup2(null, fd)
            self._keep_only(left)
            from .supervisor import Supervisor  # late: the answer need not wait for it

            if len(left) == 1:
                self._supervise(Supervisor(left[0]), left.pop(), last=True)
            find_prctl()  # now, or each supervisor looks for it
            self._chores.share_imports()
            while left:
                job = left[0]
                try:
                    pid = system.fork()
                except OSError as error:
                    job.fail(Refused("start the supervisor of", job.jid, error).message)
                    pid = -1
                if pid == 0:
                    left.clear()
                    os.setpgid(0, 0)
                    self._keep_only([job])
                    self._supervise(Supervisor(job), job)
                left.remove(job)
                job.leave()
            self._tidy_up()
        finally:
            failure = sys.exc_info()[1]
            try:
                for job in left:
                    job.fail(f"the process that starts {job.jid} failed: {failure!r}")
                for job in left:  # not before all have their end, which matters more
                    _write_traceback(job)
            finally:
                system.exit(0)

    def _keep_only(self, jobs: Sequence[Accepted]) -> None:
        """Close what this process inherited for other ends: pipes of a caller, other jobs."""
        keep: List[int] = [self._async_dir.fd]
        for job in jobs:
            keep.extend(job.fds)
        self._system.close_others(keep)

    def _supervise(self, supervisor: "Supervisor", job: Accepted, last: bool = False) -> None:
        """Be the supervisor of a job. Does not return. last: whether no other process tidies up."""
        try:
            supervisor.go()
            if last:
                self._tidy_up()
            supervisor.supervise()
        finally:
            try:
                if sys.exc_info()[1] is not None:
                    _write_traceback(job)
            finally:
                job.system.exit(1)

    def _tidy_up(self) -> None:
        """Do what may be done when all jobs run."""
        from ..system.retention import sweep

        sweep(self._system, self._async_dir)
        self._chores.keep_library()


def _write_traceback(job: Accepted) -> None:
    """Write the current exception's traceback to ``supervisor_error`` in the job directory."""
    import traceback

    text = traceback.format_exc()
    job.job_dir.write_file(_ERROR_FILE, text.encode("utf-8", "replace"))
