# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""Answer async_run: start any number of jobs in one request, queued ones in their order, named ones once.

What only some starts need is imported late: every start waits for what is imported at the top of this file.
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
from ..system.find import candidate_dirs, written_async_dir
from ..system.kernel import System
from ..system.priority import Priority, check_priority, parse_io_class
from ..system.store import PRIVATE_DIR, SHOWN_FILE, Directory, create_async_dir

if TYPE_CHECKING:
    from ..system.tickets import Ticket

IF_EXISTS = ("attach", "fail", "replace", "restart_finished")
# descriptors that a job takes until its supervisor has it: its lock, its directory, and two of a ticket
_FDS_OF_JOB = 4
_FDS_OF_REQUEST = 100  # descriptors that the request itself may take
# payloads: parcels of the texts that come with the request (carrier/parcel.py), each with its style, shebang, module
# and args. jobs: orders, as the controller's plugin_utils/_ordering/orders.py makes them
RUN_OPTIONS: Dict[str, Dict[str, Any]] = {
    "payloads": {"type": "list", "elements": "dict", "required": True},
    "jobs": {"type": "list", "elements": "dict", "required": True},
}


def _at_once() -> int:
    """Return how many jobs this process can hold at a time with the descriptors that it may open."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if soft == resource.RLIM_INFINITY:
        return 1000
    return max(16, min(1000, (soft - _FDS_OF_REQUEST) // _FDS_OF_JOB))


class _Ordered:
    """The order for one job, and its answer.

    order: the job, as the controller wrote it. number: its place among the orders of the request.
    """

    def __init__(self, order: Mapping[str, Any], number: int) -> None:
        self.order = order
        # one process starts all jobs of the request: the number makes their ids differ
        self.jid = make_jid(f"{order['prefix']}{number:04d}", os.getpid())
        self.ticket: Optional[Ticket] = None  # its place in a queue
        self.payloads: List[Tuple[int, Payload]] = (
            []
        )  # of its steps, with the numbers of their parcels
        self.answer: Dict[str, Any] = {}  # empty until the job is started, attached to, or refused

    @property
    def name(self) -> Optional[str]:
        """The job's name, or None."""
        name = self.order["settings"].get("name")
        return None if name is None else str(name)

    def settings(self) -> Settings:
        """Return the job's settings."""
        return Settings(**self.order["settings"])

    def priority(self) -> Priority:
        """Return the priority of the job's modules."""
        io_class = self.order.get("ionice")
        return Priority(self.order.get("nice"), parse_io_class(io_class) if io_class else None)


class _ShareImports(Chores):
    """Imports what the most jobs will import, in the process from which they are forked."""

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
        encoded, users = self._most_common_zip()
        if len(users) < 2:
            return
        from ..supervisor.preload import share_zip

        shared = share_zip(encoded, imported_name(self._texts[users[0]]))
        if shared is None:
            return
        for job in self._jobs:
            for number, payload in job.payloads:
                if number in users:
                    payload.shared = shared
        # the garbage collector must leave what exists now alone: by visiting it, each process would get its own copy
        freeze = getattr(gc, "freeze", None)  # new in Python 3.7
        if freeze is not None:
            freeze()

    def _most_common_zip(self) -> Tuple[bytes, List[int]]:
        """Return the zip that the most steps have in their AnsiballZ, in base64, and the numbers of their parcels."""
        used = [number for job in self._jobs for number, _payload in job.payloads]
        zips = {
            encoded
            for parcel, text in zip(self._parcels, self._texts)
            if "whole" in parcel and parcel["style"] == "new"
            for encoded in [embedded_zip(text)]
            if encoded is not None
        }
        common = b""
        common_users: List[int] = []
        for encoded in zips:
            holds = holders(encoded, self._parcels, self._texts)
            users = [number for number in used if holds[number]]
            if len(users) > len(common_users):
                common, common_users = encoded, users
        return common, common_users


class _Starter:
    """Starts the jobs of one request."""

    def __init__(
        self, system: System, params: Mapping[str, Any], environ: Mapping[str, str]
    ) -> None:
        self._system = system
        self._library = params["_library"]
        self._home = environ.get("HOME") or ""
        self._written_dir = written_async_dir(params)
        self._path = candidate_dirs(system, self._written_dir, environ)[0]
        self._texts = unpack(params["payloads"], params["_texts"])
        self._payloads = params["payloads"]
        self.jobs = [_Ordered(order, number) for number, order in enumerate(params["jobs"])]

    def check(self) -> None:
        """Raise JobError if this host cannot give a job its priority or its scope. Starts nothing."""
        for priority in {job.priority() for job in self.jobs}:
            check_priority(self._system, priority)
        if any(job.order.get("scope") for job in self.jobs):
            from ..system.scope import check_scope

            check_scope(self._system)

    def run(self) -> List[Dict[str, Any]]:
        """Start the jobs. Return an answer for each, in order: of its start, or why it failed."""
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
        """Decide which jobs to start. Return their ids; the others have got their answer.

        Raise JobError if a job with ``if_exists: fail`` exists.
        """
        from ..system.names import newest_jobs

        records = newest_jobs(private, [str(job.name) for job in named])
        known: Dict[str, Dict[str, Any]] = (
            {}
        )  # the status of the existing job, by the jid of the ordered one
        for job in named:
            record = records.get(str(job.name))
            status = None if record is None else self._status(directory, record["id"])
            if status is not None and record is not None:
                known[job.jid] = dict(status, _fingerprint=record.get("fingerprint"))
        for job in named:
            status = known.get(job.jid)
            if status is not None and job.order["if_exists"] == "fail":
                view = status["async_job"]
                raise JobError(
                    f"name: the job {job.name!r} exists: it is {view['state']}, {view['id']}; "
                    "set if_exists to attach, replace or restart_finished to accept that",
                    existing=status["ansible_job_id"],
                )
        new = {job.jid for job in self.jobs if job.jid not in known}
        for job in named:
            status = known.get(job.jid)
            if status is None:
                continue
            ended = status["async_job"]["state"] in END_STATES
            if_exists = job.order["if_exists"]
            if if_exists == "replace" and not ended:
                self._end(directory, status)
            if if_exists == "replace" or (if_exists == "restart_finished" and ended):
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
        """Cancel an existing job and wait for its end."""
        from .cancel import Cancellation, JobPlace

        cancellation = Cancellation(
            self._system, JobPlace(directory.path, status["ansible_job_id"]), None
        )
        cancellation.ask()
        cancellation.status()

    @staticmethod
    def _attached(job: _Ordered, status: Dict[str, Any]) -> Dict[str, Any]:
        """Return the answer for a job of this name that exists.

        shown: the cursor behind the lines that a controller has shown. differs: the existing job runs something else.
        """
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
        """Start jobs, as many at a time as this process can hold.

        Tickets are taken before any of these is started: the order in a queue is the order of the request. private:
        the directory of all job directories; None if no job is queued.
        """
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
        """Give jobs their places in a queue. If that fails, it is their answer."""
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
        """Start jobs, all in one launch, and give each its answer."""
        accepted = []
        for job in jobs:
            try:
                accepted.append(self._accepted(directory, job))
            except JobError as error:
                job.answer = self._failure(job, error)
        chores = _ShareImports(jobs, self._payloads, self._texts)
        refusals = Launch(self._system, directory, accepted, chores).run()
        records = {started.jid: started.record for started in accepted}
        for job in jobs:
            if job.jid in refusals:
                job.answer = self._failure(job, refusals[job.jid])
            elif not job.answer:
                job.answer = self._started(records[job.jid])

    def _accepted(self, directory: Directory, job: _Ordered) -> Accepted:
        """Return a job with its record and its plan, not yet on disk. Raise JobError if it cannot be made."""
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
        """Return the modules of a block of steps."""
        payloads = []
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
            payloads.append(payload)
        return payloads

    @staticmethod
    def _started(record: Record) -> Dict[str, Any]:
        """Return the answer for a job that was started: its status at that moment."""
        answer = job_file(record, {})
        elapsed = None if record["began"] is None else 0.0
        output = output_view(None, DEFAULT_EXCERPT, False)
        answer["async_job"] = job_view(record, elapsed, True, None, output, None)
        return dict(answer, changed=True, attached=False)

    @staticmethod
    def _failure(job: _Ordered, error: JobError) -> Dict[str, Any]:
        """Return the answer for a job that was not started."""
        return dict(error.details, failed=True, msg=error.message, changed=False, name=job.name)


def answer_run(
    system: System, params: Mapping[str, Any], environ: Mapping[str, str], _check_mode: bool
) -> Dict[str, Any]:
    """Start jobs. Return the answers under ``jobs``, one for each order, in order: of its start, or why it failed.

    Raise JobError if none was started.
    """
    starter = _Starter(system, params, environ)
    starter.check()
    answers = starter.run()
    return {"changed": any(answer["changed"] for answer in answers), "jobs": answers}
