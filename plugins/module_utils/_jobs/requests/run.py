# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""Starting any number of jobs in one request: those of a queue in their order, those of a name once.

What only some starts need is imported where it is needed: all wait for what is imported here.
"""

import gc
import os
import resource
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Sequence, Set, Tuple

from ..carrier.parcel import holders, unpack
from ..inspection.view import DEFAULT_EXCERPT, output_view
from ..model.chain import BLOCK_STEPS, BLOCKS
from ..model.core_formats import embedded_zip, imported_name
from ..model.errors import JobError, JobNotFound, Refused
from ..model.jid import make_jid
from ..model.record import Record, Status, job_file, job_view, new_record
from ..model.settings import Settings
from ..model.states import END_STATES
from ..supervisor.accepted import Accepted
from ..supervisor.launch import Chores, Launch
from ..supervisor.payload import Payload, payload_from_memory
from ..supervisor.plan import Plan
from ..system.find import candidate_dirs, meant_dir
from ..system.kernel import System
from ..system.priority import Priority, check_priority, parse_io_class
from ..system.store import PRIVATE_DIR, SHOWN_FILE, Directory, create_async_dir

if TYPE_CHECKING:
    from ..system.tickets import Ticket

IF_EXISTS = ("attach", "fail", "replace", "restart_finished")
_FDS_OF_JOB = (
    4  # that a job holds until it has a process of its own: lock, directory, and two of a ticket
)
_FDS_OF_REQUEST = 100
# payloads: parcels of the texts that come with the request, see parcel.py, each with {style, shebang, module, args}. jobs: as plugin_utils/orders.py makes them
RUN_OPTIONS: Dict[str, Dict[str, Any]] = {
    "payloads": {"type": "list", "elements": "dict", "required": True},
    "jobs": {"type": "list", "elements": "dict", "required": True},
}


def _at_once() -> int:
    """How many jobs this process can hold at a time."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if soft == resource.RLIM_INFINITY:
        return 1000
    return max(16, min(1000, (soft - _FDS_OF_REQUEST) // _FDS_OF_JOB))


class _Ordered:
    """A job as it was ordered, and what becomes of it."""

    def __init__(self, order: Mapping[str, Any], number: int) -> None:
        self.order = order
        # the process that starts them all is one: the number keeps their ids apart
        self.jid = make_jid(f"{order['given']}{number:04d}", os.getpid())
        self.ticket: Optional[Ticket] = None  # in a queue
        self.payloads: List[Tuple[int, Payload]] = []
        self.answer: Dict[str, Any] = {}

    @property
    def name(self) -> Optional[str]:
        name = self.order["settings"].get("name")
        return None if name is None else str(name)

    def settings(self) -> Settings:
        return Settings(**self.order["settings"])

    def priority(self) -> Priority:
        io_class = self.order.get("ionice")
        return Priority(self.order.get("nice"), parse_io_class(io_class) if io_class else None)


class _ShareImports(Chores):
    """Imports what most of several jobs will import: what they are forked from has it then, and they need not."""

    def __init__(
        self,
        jobs: Sequence[_Ordered],
        parcels: Sequence[Mapping[str, Any]],
        texts: Sequence[bytes],
    ) -> None:
        self._jobs = jobs
        self._parcels = parcels
        self._texts = texts

    def share_imports(self) -> None:
        encoded, having = self._most_common_zip()
        if len(having) < 2:
            return
        from ..supervisor.preload import share_zip

        shared = share_zip(encoded, imported_name(self._texts[having[0]]))
        if shared is None:
            return
        for job in self._jobs:
            for number, payload in job.payloads:
                if number in having:
                    payload.shared = shared
        # what is there now stays: counting it anew in each process would be a copy of it in each
        freeze = getattr(gc, "freeze", None)  # from Python 3.7 on
        if freeze is not None:
            freeze()

    def _most_common_zip(self) -> Tuple[bytes, List[int]]:
        """Return the zip that most steps have in their AnsiballZ, in base64, and the numbers of their payloads."""
        used = [number for job in self._jobs for number, _payload in job.payloads]
        zips = {
            encoded
            for parcel, text in zip(self._parcels, self._texts)
            if "whole" in parcel and parcel["style"] == "new"
            for encoded in [embedded_zip(text)]
            if encoded is not None
        }
        common = b""
        having: List[int] = []
        for encoded in zips:
            holds = holders(encoded, self._parcels, self._texts)
            users = [number for number in used if holds[number]]
            if len(users) > len(having):
                common, having = encoded, users
        return common, having


class _Starter:
    """The starts of one request."""

    def __init__(
        self, system: System, params: Mapping[str, Any], environ: Mapping[str, str]
    ) -> None:
        self._system = system
        self._library = params["_library"]
        self._home = environ.get("HOME") or ""
        self._written_dir = meant_dir(params)
        self._path = candidate_dirs(system, self._written_dir, environ)[0]
        self._texts = unpack(params["payloads"], params["_texts"])
        self._payloads = params["payloads"]
        self.jobs = [_Ordered(order, number) for number, order in enumerate(params["jobs"])]

    def check(self) -> None:
        """What only this host can tell. JobError: nothing was started."""
        for priority in {job.priority() for job in self.jobs}:
            check_priority(self._system, priority)
        if any(job.order.get("scope") for job in self.jobs):
            from ..system.scope import check_scope

            check_scope(self._system)

    def run(self) -> List[Dict[str, Any]]:
        """For each job, in order, what its start says, or why it failed."""
        with create_async_dir(self._system, self._written_dir, self._home) as directory:
            self._run(directory)
        return [job.answer for job in self.jobs]

    def _run(self, directory: Directory) -> None:
        named = [job for job in self.jobs if job.name]
        if not named and not any(job.order.get("queue") for job in self.jobs):
            self._start_in_turn(directory, None, self.jobs)
            return
        with self._private(directory) as private:
            if not named:
                self._start_in_turn(directory, private, self.jobs)
                return
            from ..system.names import NamesLocked

            with NamesLocked(self._system, private):
                new = self._settle_names(directory, private, named)
                jobs = [job for job in self.jobs if job.jid in new]
                self._start_in_turn(directory, private, jobs)

    @staticmethod
    def _private(directory: Directory) -> Directory:
        try:
            return directory.child(PRIVATE_DIR, create=True)
        except OSError as error:
            raise Refused("make", directory.join(PRIVATE_DIR), error) from error

    def _settle_names(
        self, directory: Directory, private: Directory, named: List[_Ordered]
    ) -> Set[str]:
        """The ids of the jobs that are to be started; the others are answered for. JobError: a name must not be there, but is."""
        from ..system.names import newest_jobs

        found = newest_jobs(private, [str(job.name) for job in named])
        known: Dict[str, Dict[str, Any]] = {}
        for job in named:
            record = found.get(str(job.name))
            status = None if record is None else self._status(directory, record["id"])
            if status is not None and record is not None:
                known[job.jid] = dict(status, _fingerprint=record.get("fingerprint"))
        for job in named:
            status = known.get(job.jid)
            if status is not None and job.order["if_exists"] == "fail":
                view = status["async_job"]
                raise JobError(
                    f"name: the job {job.name!r} exists: it is {view['state']}, {view['id']}; "
                    "with if_exists=attach, replace or restart_finished it need not be an error",
                    existing=status["ansible_job_id"],
                )
        new = {job.jid for job in self.jobs if job.jid not in known}
        for job in named:
            status = known.get(job.jid)
            if status is None:
                continue
            ended = status["async_job"]["state"] in END_STATES
            how = job.order["if_exists"]
            if how == "replace" and not ended:
                self._end(directory, status)
            if how == "replace" or (how == "restart_finished" and ended):
                new.add(job.jid)
            else:
                job.answer = self._attached(job, status)
        return new

    def _status(self, directory: Directory, jid: str) -> Optional[Status]:
        """Return the job's status, or None if the job has been removed."""
        from ..inspection.look import Job

        try:
            with Job(self._system, directory, jid) as job:
                status = job.look(DEFAULT_EXCERPT)
                if job.job_dir is not None:
                    status["_shown"] = (job.job_dir.read_file(SHOWN_FILE) or b"").decode("ascii")
                return status
        except JobNotFound:
            return None

    def _end(self, directory: Directory, status: Mapping[str, Any]) -> None:
        from .cancel import Cancellation, Meant

        cancellation = Cancellation(
            self._system, Meant(directory.path, status["ansible_job_id"]), None
        )
        cancellation.ask()
        cancellation.status()

    @staticmethod
    def _attached(job: _Ordered, status: Dict[str, Any]) -> Dict[str, Any]:
        fingerprint, cursor = status.pop("_fingerprint"), status.pop("_shown", "")
        answer = dict(status, changed=False, attached=True)
        if cursor:
            answer["shown"] = cursor
        if job.order["fingerprint"] and fingerprint and job.order["fingerprint"] != fingerprint:
            answer["differs"] = True
        return answer

    def _start_in_turn(
        self, directory: Directory, private: Optional[Directory], jobs: List[_Ordered]
    ) -> None:
        """Tickets are taken here, before any start: the order in the queue is that of the list."""
        at_once = _at_once()
        for first in range(0, len(jobs), at_once):
            several = jobs[first : first + at_once]
            queues: Dict[str, List[_Ordered]] = {}
            for job in several:
                if job.order.get("queue"):
                    queues.setdefault(job.order["queue"], []).append(job)
            try:
                for name, queued in queues.items():
                    if private is not None:
                        self._take_tickets(private, name, queued)
                self._start(directory, [job for job in several if not job.answer])
            finally:
                for job in several:
                    if job.ticket is not None:
                        job.ticket.close()

    def _take_tickets(self, private: Directory, name: str, queued: List[_Ordered]) -> None:
        from ..system.tickets import take_tickets

        try:
            tickets = take_tickets(
                self._system, private, name, [job.order["max_running"] for job in queued]
            )
        except JobError as error:
            for job in queued:
                job.answer = self._failure(job, error)
            return
        for job, ticket in zip(queued, tickets):
            job.ticket = ticket

    def _start(self, directory: Directory, jobs: List[_Ordered]) -> None:
        accepted = []
        for job in jobs:
            try:
                accepted.append(self._accepted(directory, job))
            except JobError as error:
                job.answer = self._failure(job, error)
        chores = _ShareImports(jobs, self._payloads, self._texts)
        refusals = Launch(self._system, directory, accepted, chores).run()
        records = {one.jid: one.record for one in accepted}
        for job in jobs:
            if job.jid in refusals:
                job.answer = self._failure(job, refusals[job.jid])
            elif not job.answer:
                job.answer = self._started(records[job.jid])

    def _accepted(self, directory: Directory, job: _Ordered) -> Accepted:
        order, system = job.order, self._system
        limits = None
        if order.get("scope"):
            from ..system.scope import Limits  # late: few jobs have one

            limits = Limits(order["memory_max"], order["cpu_quota"])
        plan = Plan(
            {block: self._block(job, order["blocks"].get(block, [])) for block in BLOCKS},
            order["chained"],
            job.ticket,
            limits,
            job.priority(),
            order["environ"],
        )
        module = None if order["chained"] else plan.blocks[BLOCK_STEPS][0].module
        record = new_record(
            job.jid,
            module,
            order["timeout"],
            job.settings(),
            os.path.join(self._path, job.jid),
            order["no_log"],
        )
        record["attempts"] = order["attempts"]
        record["retry_delay"] = order["retry_delay"]
        record["retry_backoff"] = order["retry_backoff"]
        record["queue"] = order["queue"]
        record["fingerprint"] = order["fingerprint"]
        record["conceals"] = order["no_log"]
        if order["chained"]:
            record["steps"] = []
        return Accepted(system, directory, record, plan, self._library)

    def _block(self, job: _Ordered, steps: List[Mapping[str, Any]]) -> List[Payload]:
        found = []
        for step in steps:
            parcel = self._payloads[step["payload"]]
            args = parcel["args"]
            payload = payload_from_memory(
                parcel["style"],
                parcel["shebang"],
                self._texts[step["payload"]],
                None if args is None else args.encode("utf-8", "surrogateescape"),
                parcel["module"],
                job.order["no_log"],
            )
            payload.name = step["name"]
            payload.environ = step["environ"]
            job.payloads.append((step["payload"], payload))
            found.append(payload)
        return found

    @staticmethod
    def _started(record: Record) -> Dict[str, Any]:
        """What a start says of its job: how it began. What has become of it meanwhile, a status tells."""
        answer = job_file(record, {})
        elapsed = None if record["began"] is None else 0.0
        output = output_view(None, DEFAULT_EXCERPT, False)
        answer["async_job"] = job_view(record, elapsed, True, None, output, None)
        return dict(answer, changed=True, attached=False)

    @staticmethod
    def _failure(job: _Ordered, error: JobError) -> Dict[str, Any]:
        return dict(error.details, failed=True, msg=error.message, changed=False, name=job.name)


def answer_run(
    system: System, params: Mapping[str, Any], environ: Mapping[str, str], _check_mode: bool
) -> Dict[str, Any]:
    """``jobs``: for each order, in order, what its start says, or why it failed."""
    starter = _Starter(system, params, environ)
    starter.check()
    answers = starter.run()
    return {"changed": any(one["changed"] for one in answers), "jobs": answers}
