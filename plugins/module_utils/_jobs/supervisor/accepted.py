# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""Accepted jobs: durable on disk, and locked, before there is a process for them.

The process that holds the lock owns the job: first the one that accepts it, then the supervisor forked from that.
"""

from typing import TYPE_CHECKING, Dict, List, Sequence, Tuple

from ..model.errors import JobError, Refused
from ..model.record import Record, begin, encode, enqueue, job_file
from ..system.kernel import System
from ..system.store import LOCK_EX, LOCK_FILE, PRIVATE_DIR, RECORD_FILE, Directory, write_together
from .plan import Plan

if TYPE_CHECKING:
    from ..carrier.boot import CarriedLibrary


class Accepted:
    """A job that a request starts. Nothing of it is on disk before ``accept``.

    library: the texts of this library; a module that starts itself again under another interpreter needs some of them.
    """

    def __init__(
        self,
        system: System,
        async_dir: Directory,
        record: Record,
        plan: Plan,
        library: "CarriedLibrary",
    ) -> None:
        self.system = system
        self.async_dir = async_dir
        self.record = record
        self.plan = plan
        self.library = library
        self.job_dir = Directory(system, "", -1, async_dir.owners)
        self._lock = -1

    @property
    def jid(self) -> str:
        """The job's id."""
        return str(self.record["id"])

    @property
    def fds(self) -> Tuple[int, ...]:
        """The descriptors that a process must inherit, or keep open, to own the job."""
        ticket = self.plan.ticket
        return (self._lock, self.job_dir.fd, *(ticket.fds if ticket is not None else ()))

    def make(self, private: Directory) -> None:
        """Make the job directory and lock it. Raise OSError or JobError if it cannot be made.

        private: the directory of all job directories, ``.longrun`` in the async dir.
        """
        system, record = self.system, self.record
        self.job_dir = private.child(self.jid, create=True, durable=False)
        lock = self.job_dir.lock(LOCK_FILE, LOCK_EX, create=True)
        self._lock = -1 if lock is None else lock
        self.job_dir.reserve()
        if self.plan.ticket is None or self.plan.ticket.due():
            begin(record, system.boot_id(), system.time(), system.monotonic())
        else:
            enqueue(record, system.boot_id(), system.time())

    def files(self) -> List[Tuple[Directory, str, bytes]]:
        """Return the files to write, each with its directory, its name and its bytes.

        They are the record, and the job file, which says no more than that the job runs.
        """
        return [
            (self.job_dir, RECORD_FILE, encode(self.record)),
            (self.async_dir, self.jid, encode(job_file(self.record, {}))),
        ]

    def withdraw(self) -> None:
        """Remove the job from the disk. Its caller has not been given its id, and no process of it runs."""
        from ..system.retention import remove_job

        try:
            with self.async_dir.child(PRIVATE_DIR) as private:
                remove_job(self.async_dir, private, self.jid)
        except (OSError, JobError):
            pass  # a status reports what is left as lost, and async_prune removes it
        self.leave()

    def leave(self) -> None:
        """Close the job's descriptors. From now on the process that inherited them owns the job."""
        if self._lock >= 0:
            self.system.close(self._lock)
            self._lock = -1
        self.job_dir.close()

    def fail(self, refusal: str) -> None:
        """Write the end of a job that could not begin. refusal: the reason, in words for the user."""
        from ..inspection.ending import conclude, write_end
        from ..model.states import REASON_NOT_STARTED, STATE_FAILED

        self.record["refusal"] = refusal
        status = conclude(self.system, self.job_dir, self.record, STATE_FAILED, REASON_NOT_STARTED)
        try:
            write_end(self.system, self.async_dir, self.job_dir, self.record, status)
        except OSError:
            return  # the disk is full: a status will report the job as lost
        if self.plan.ticket is not None:
            self.plan.ticket.give_back()


def accept(system: System, async_dir: Directory, jobs: Sequence[Accepted]) -> Dict[str, JobError]:
    """Write jobs to disk, durably. Return the errors, by job id, of those that could not be written.

    Nothing is left on disk of a job that could not be written.
    """
    refusals: Dict[str, JobError] = {}
    made: List[Accepted] = []
    try:
        private = async_dir.child(PRIVATE_DIR, create=True)
    except OSError as error:
        return {job.jid: _unwritten(job, error) for job in jobs}
    except JobError as error:
        return {job.jid: error for job in jobs}
    with private:
        for job in jobs:
            try:
                job.make(private)
                made.append(job)
            except OSError as error:
                refusals[job.jid] = _unwritten(job, error)
            except JobError as error:
                refusals[job.jid] = error
        refusals.update(_write(system, private, made))
    for job in jobs:
        if job.jid in refusals:
            job.withdraw()
    return refusals


def _write(system: System, private: Directory, jobs: Sequence[Accepted]) -> Dict[str, JobError]:
    """Write the files of jobs whose job directories were made. Return the errors by job id."""
    try:
        write_together(system, [file for job in jobs for file in job.files()], parents=[private])
    except OSError as error:
        if len(jobs) == 1:
            return {jobs[0].jid: _unwritten(jobs[0], error)}
        refusals: Dict[str, JobError] = {}
        for job in jobs:  # one at a time: the error of one job must not stop the others
            refusals.update(_write(system, private, [job]))
        return refusals
    return {}


def _unwritten(job: Accepted, error: OSError) -> JobError:
    return Refused("write the job to", job.async_dir.join(job.jid), error)
