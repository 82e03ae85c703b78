# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""Jobs that were accepted: on disk for good, and locked, before there is a process for them.

Whoever holds the lock owns the job: first the process that accepts it, then what is forked from that.
"""

from typing import Any, Callable, Dict, List, Sequence, Tuple

from ..model.errors import JobError, refused
from ..model.record import begin, encode, enqueue, job_file
from ..system.store import LOCK_EX, LOCK_FILE, PRIVATE_DIR, RECORD_FILE, Directory, write_together
from .plan import Plan


class Accepted:
    """A job from its record on. Nothing of it is there before ``accept``."""

    def __init__(
        self,
        system: Any,
        async_dir: Directory,
        record: Dict[str, Any],
        plan: Plan,
        tap_text: Callable[[], str],
    ) -> None:
        """tap_text: the text of what a module that respawns takes along."""
        self.system = system
        self.async_dir = async_dir
        self.record = record
        self.plan = plan
        self.tap_text = tap_text
        self.job_dir = Directory(system, "", -1, async_dir.owners)
        self._lock = -1

    @property
    def jid(self) -> str:
        return str(self.record["id"])

    @property
    def fds(self) -> Tuple[int, ...]:
        """What a process must inherit, or keep, to own the job."""
        ticket = self.plan.ticket
        return (self._lock, self.job_dir.fd, *(ticket.fds if ticket is not None else ()))

    def make(self, private: Directory) -> None:
        system, record = self.system, self.record
        self.job_dir = private.child(self.jid, create=True, durable=False)
        self._lock = self.job_dir.lock(LOCK_FILE, LOCK_EX, create=True) or -1
        self.job_dir.reserve()
        if self.plan.ticket is None or self.plan.ticket.due():
            begin(record, system.boot_id(), system.time(), system.monotonic())
        else:
            enqueue(record, system.boot_id(), system.time())

    def files(self) -> List[Tuple[Directory, str, bytes]]:
        """Its record, and the job file, which says no more than that the job is there."""
        return [
            (self.job_dir, RECORD_FILE, encode(self.record)),
            (self.async_dir, self.jid, encode(job_file(self.record, {}))),
        ]

    def withdraw(self) -> None:
        """Remove what there is of it: nobody was told of it, and nothing of it runs."""
        from ..system.retention import remove_job

        try:
            private = self.async_dir.child(PRIVATE_DIR)
            try:
                remove_job(self.async_dir, private, self.jid)
            finally:
                private.close()
        except (OSError, JobError):
            pass  # whoever looks finds it lost, and clean-up finds it
        self.leave()

    def leave(self) -> None:
        """Whoever inherited it owns it alone now."""
        if self._lock >= 0:
            self.system.close(self._lock)
            self._lock = -1
        self.job_dir.close()

    def fail(self, refusal: str) -> None:
        """Write down that it could not even begin."""
        from ..inspection.ending import conclude, write_end
        from ..model.states import REASON_NOT_STARTED, STATE_FAILED

        self.record["refusal"] = refusal
        public = conclude(self.system, self.job_dir, self.record, STATE_FAILED, REASON_NOT_STARTED)
        try:
            write_end(self.system, self.async_dir, self.job_dir, self.record, public)
        except OSError:
            return  # a disk that takes nothing more: who looks will find it lost
        if self.plan.ticket is not None:
            self.plan.ticket.give_back()


def accept(system: Any, async_dir: Directory, jobs: Sequence[Accepted]) -> Dict[str, JobError]:
    """Make jobs durable; the refusals, by the ids of those of which nothing was left."""
    refusals: Dict[str, JobError] = {}
    made: List[Accepted] = []
    try:
        private = async_dir.child(PRIVATE_DIR, create=True)
    except OSError as error:
        return {job.jid: _unwritten(job, error) for job in jobs}
    except JobError as error:
        return {job.jid: error for job in jobs}
    try:
        for job in jobs:
            try:
                job.make(private)
                made.append(job)
            except OSError as error:
                refusals[job.jid] = _unwritten(job, error)
            except JobError as error:
                refusals[job.jid] = error
        refusals.update(_write(system, private, made))
    finally:
        private.close()
    for job in jobs:
        if job.jid in refusals:
            job.withdraw()
    return refusals


def _write(system: Any, private: Directory, jobs: Sequence[Accepted]) -> Dict[str, JobError]:
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
    return refused("write the job to", job.async_dir.join(job.jid), error)
