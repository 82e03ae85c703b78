# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""Jobs that were accepted: durable on disk, and locked, before there is a process for them.

Whoever holds the lock owns the job: first the process that accepts it, then what is forked from that.
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

    library: this library's texts, of which a module that respawns takes some along.
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
        return str(self.record["id"])

    @property
    def fds(self) -> Tuple[int, ...]:
        """The descriptors that a process must inherit, or keep open, to own the job."""
        ticket = self.plan.ticket
        return (self._lock, self.job_dir.fd, *(ticket.fds if ticket is not None else ()))

    def make(self, private: Directory) -> None:
        """Make the job directory and lock it. OSError or JobError: it cannot be made."""
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
        """Return what is to be written: the record, and the job file, which only says that the job runs."""
        return [
            (self.job_dir, RECORD_FILE, encode(self.record)),
            (self.async_dir, self.jid, encode(job_file(self.record, {}))),
        ]

    def withdraw(self) -> None:
        """Remove the job from the disk: nobody was told of it, and nothing of it runs."""
        from ..system.retention import remove_job

        try:
            with self.async_dir.child(PRIVATE_DIR) as private:
                remove_job(self.async_dir, private, self.jid)
        except (OSError, JobError):
            pass  # whoever looks finds it lost, and clean-up finds it
        self.leave()

    def leave(self) -> None:
        """Close the job's descriptors: from now on, whoever inherited them owns it."""
        if self._lock >= 0:
            self.system.close(self._lock)
            self._lock = -1
        self.job_dir.close()

    def fail(self, refusal: str) -> None:
        """End the job as one that could not begin. refusal: the reason, as the user is told it."""
        from ..inspection.ending import conclude, write_end
        from ..model.states import REASON_NOT_STARTED, STATE_FAILED

        self.record["refusal"] = refusal
        status = conclude(self.system, self.job_dir, self.record, STATE_FAILED, REASON_NOT_STARTED)
        try:
            write_end(self.system, self.async_dir, self.job_dir, self.record, status)
        except OSError:
            return  # a disk that takes nothing more: whoever looks will find the job lost
        if self.plan.ticket is not None:
            self.plan.ticket.give_back()


def accept(system: System, async_dir: Directory, jobs: Sequence[Accepted]) -> Dict[str, JobError]:
    """Make jobs durable. Return the refusals by the ids of the jobs of which nothing was left on disk."""
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
    try:
        write_together(system, [one for job in jobs for one in job.files()], parents=[private])
    except OSError as error:
        if len(jobs) == 1:
            return {jobs[0].jid: _unwritten(jobs[0], error)}
        refusals: Dict[str, JobError] = {}
        for job in jobs:  # whose it was does not hold for the others
            refusals.update(_write(system, private, [job]))
        return refusals
    return {}


def _unwritten(job: Accepted, error: OSError) -> JobError:
    return Refused("write the job to", job.async_dir.join(job.jid), error)
