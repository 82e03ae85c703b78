# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""Starting any number of jobs in one request: those of a queue in their order, those of a name once.

What only some starts need is imported where it is needed: all wait for what is imported here.
"""

import gc
import os
from typing import Any, Dict, List, Mapping, Optional, Set

from .chain import BLOCK_STEPS, BLOCKS
from .errors import JobError, refused
from .find import candidate_dirs, meant_dir
from .jid import make_jid
from .launch import Start, in_own_session
from .parcel import holders, unpack
from .payload import Payload, imported_name, payload_from_memory
from .priority import Priority, check_priority, parse_io_class, set_priority
from .record import job_file, job_view, new_record
from .settings import Settings
from .states import END_STATES
from .store import PRIVATE_DIR, SHOWN_FILE, Directory, create_async_dir
from .supervisor import Plan
from .system import find_prctl
from .tap import TAP_PARTS
from .view import DEFAULT_SHOWN, output_view

IF_EXISTS = ("attach", "fail", "replace", "restart_finished")
_AT_ONCE = 64  # starts under way: a start holds a pipe, and a ticket two descriptors
# payloads: parcels of the texts that come with the request, see parcel.py, each with {style, shebang, module, args}. jobs: as plugin_utils/orders.py makes them
RUN_OPTIONS = {
    "payloads": {"type": "list", "elements": "dict", "required": True},
    "jobs": {"type": "list", "elements": "dict", "required": True},
}  # type: Dict[str, Dict[str, Any]]


class _Ordered:
    """A job as it was ordered, and what becomes of it."""

    def __init__(self, order: Mapping[str, Any], number: int) -> None:
        self.order = order
        # the process that starts them all is one: the number keeps their ids apart
        self.jid = make_jid(f"{order['given']}{number:04d}", os.getpid())
        self.ticket: Any = None  # a Ticket, in a queue
        self.start: Optional[Start] = None
        self.answer = {}  # type: Dict[str, Any]

    @property
    def name(self) -> Optional[str]:
        name = self.order["settings"].get("name")
        return None if name is None else str(name)

    def settings(self) -> Settings:
        return Settings(**self.order["settings"])

    def priority(self) -> Priority:
        io_class = self.order.get("ionice")
        return Priority(self.order.get("nice"), parse_io_class(io_class) if io_class else None)


class _Starter:
    """The starts of one request."""

    def __init__(self, system: Any, params: Mapping[str, Any], environ: Mapping[str, str]) -> None:
        self._system = system
        self._library = params["_library"]
        self._home = environ.get("HOME") or ""
        self._given_dir = meant_dir(params)
        self._path = candidate_dirs(system, self._given_dir, environ)[0]
        self._texts = unpack(params["payloads"], params["_texts"])
        self._payloads = params["payloads"]
        self._shared: Dict[int, Any] = {}  # by the number of a payload, the SharedZip that it is in
        self._apart = False  # whether this process does nothing else but start them
        self._gate = -1  # at its end, which is that of this process, the modules may begin
        self.jobs = [_Ordered(order, number) for number, order in enumerate(params["jobs"])]

    def check(self) -> None:
        """What only this host can tell. JobError: nothing was started."""
        for priority in {job.priority() for job in self.jobs}:
            check_priority(self._system, priority)
        if any(job.order.get("scope") for job in self.jobs):
            from .scope import check_scope

            check_scope(self._system)

    def run(self) -> List[Dict[str, Any]]:
        """For each job, in order, what its start says, or why it failed."""
        if len(self.jobs) == 1:
            return self._run()
        self._apart = True
        answers = in_own_session(self._system, lambda: {"jobs": self._run()})["jobs"]
        return list(answers)

    def _run(self) -> List[Dict[str, Any]]:
        self._start_all()
        return [job.answer for job in self.jobs]

    def _start_all(self) -> None:
        directory = create_async_dir(self._system, self._given_dir, self._home)
        if self._apart:
            # modules that begin at once would take the processors from the starts that are still to come
            self._gate, _kept_open = self._system.pipe()
        try:
            named = [job for job in self.jobs if job.name]
            if not named and not any(job.order.get("queue") for job in self.jobs):
                self._share_imports(self.jobs)
                self._start(self.jobs)
                return
            private = self._private(directory)
            try:
                if not named:
                    self._start_in_turn(private, self.jobs)
                    return
                from .names import NamesLocked

                with NamesLocked(self._system, private):
                    new = self._settle_names(directory, private, named)
                    self._start_in_turn(private, [job for job in self.jobs if job.jid in new])
            finally:
                private.close()
        finally:
            directory.close()

    def _share_imports(self, jobs: List[_Ordered]) -> None:
        """Import what most of the jobs that are to be started will: what they are forked from has it, and they need not.

        So with what each supervisor needs.
        """
        used = [
            step["payload"]
            for job in jobs
            for block in BLOCKS
            for step in job.order["blocks"].get(block, [])
        ]
        if len(used) < 2:
            return
        find_prctl()
        from .preload import embedded_zip, share_zip

        zips = {
            encoded
            for parcel, text in zip(self._payloads, self._texts)
            if "whole" in parcel and parcel["style"] == "new"
            for encoded in [embedded_zip(text)]
            if encoded is not None
        }
        common = b""
        having = []  # type: List[int]
        for encoded in zips:
            holds = holders(encoded, self._payloads, self._texts)
            users = [number for number in used if holds[number]]
            if len(users) > len(having):
                common, having = encoded, users
        if len(having) < 2:
            return
        shared = share_zip(common, imported_name(self._texts[having[0]]))
        if shared is None:
            return
        self._shared = dict.fromkeys(having, shared)
        # what is there now stays: counting it anew in each process would be a copy of it in each
        freeze = getattr(gc, "freeze", None)  # from Python 3.7 on
        if freeze is not None:
            freeze()

    @staticmethod
    def _private(directory: Directory) -> Directory:
        try:
            return directory.child(PRIVATE_DIR, create=True)
        except OSError as error:
            raise refused("make", directory.join(PRIVATE_DIR), error) from error

    def _settle_names(
        self, directory: Directory, private: Directory, named: List[_Ordered]
    ) -> Set[str]:
        """The ids of the jobs that are to be started; the others are answered for. JobError: a name must not be there, but is."""
        from .names import newest_jobs

        found = newest_jobs(private, [str(job.name) for job in named])
        known = {}  # type: Dict[str, Dict[str, Any]]
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

    def _status(self, directory: Directory, jid: str) -> Optional[Dict[str, Any]]:
        """None if it was removed meanwhile."""
        from .look import Job

        inner = Directory(self._system, directory.path, os.dup(directory.fd), directory.owners)
        try:
            job = Job(self._system, inner, jid)
        except JobError:
            inner.close()
            raise
        try:
            status = job.look(DEFAULT_SHOWN)
            if job.job_dir is not None:
                status["_shown"] = (job.job_dir.read_file(SHOWN_FILE) or b"").decode("ascii")
            return status
        except JobError as error:
            if "looked_in" in error.details:
                return None
            raise
        finally:
            job.close()

    def _end(self, directory: Directory, status: Mapping[str, Any]) -> None:
        from .cancel import Cancellation, Meant

        cancellation = Cancellation(
            self._system, Meant(directory.path, status["ansible_job_id"]), None
        )
        cancellation.ask()
        cancellation.status()

    @staticmethod
    def _attached(job: _Ordered, status: Dict[str, Any]) -> Dict[str, Any]:
        fingerprint, shown = status.pop("_fingerprint"), status.pop("_shown", "")
        answer = dict(status, changed=False, attached=True)
        if shown:
            answer["shown"] = shown
        if job.order["fingerprint"] and fingerprint and job.order["fingerprint"] != fingerprint:
            answer["differs"] = True
        return answer

    def _start_in_turn(self, private: Directory, jobs: List[_Ordered]) -> None:
        """Tickets are taken here, before any start: the order in the queue is that of the list."""
        self._share_imports(jobs)
        for first in range(0, len(jobs), _AT_ONCE):
            several = jobs[first : first + _AT_ONCE]
            queues = {}  # type: Dict[str, List[_Ordered]]
            for job in several:
                if job.order.get("queue"):
                    queues.setdefault(job.order["queue"], []).append(job)
            try:
                for name, queued in queues.items():
                    self._take_tickets(private, name, queued)
                self._start([job for job in several if not job.answer])
            finally:
                for job in several:
                    if job.ticket is not None:
                        job.ticket.close()

    def _take_tickets(self, private: Directory, name: str, queued: List[_Ordered]) -> None:
        from .tickets import take_tickets

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

    def _start(self, jobs: List[_Ordered]) -> None:
        for first in range(0, len(jobs), _AT_ONCE):
            several = jobs[first : first + _AT_ONCE]
            for job in several:
                try:
                    job.start = self._begin(job, job is self.jobs[0])
                except JobError as error:
                    job.answer = self._failure(job, error)
            for job in several:
                if job.start is None:
                    continue
                try:
                    job.answer = self._started(job.start.finish())
                except JobError as error:
                    job.answer = self._failure(job, error)

    def _begin(self, job: _Ordered, sweeps: bool) -> Start:
        order, system = job.order, self._system
        plan = Plan(
            {block: self._block(order["blocks"].get(block, [])) for block in BLOCKS},
            order["chained"],
            job.ticket,
            lambda payload: _prepare(job, payload),
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
        for key in ("attempts", "retry_delay", "retry_backoff", "queue", "fingerprint"):
            record[key] = order[key]
        record["conceals"] = order["no_log"]
        if order["chained"]:
            record["steps"] = []
        settle = None
        if order.get("scope"):
            from .scope import Limits, enter_scope

            limits = Limits(order["memory_max"], order["cpu_quota"])

            def settle(own: Dict[str, Any]) -> None:
                own["scope"] = enter_scope(system, own["id"], limits)

        return Start(
            system,
            self._given_dir,
            self._home,
            record,
            plan,
            lambda: self._library.text_of(TAP_PARTS),
            settle,
            sweeps,
            self._gate,
            self._apart,
        )

    def _block(self, steps: List[Mapping[str, Any]]) -> List[Payload]:
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
            )
            payload.name = step["name"]
            payload.environ = step["environ"]
            payload.shared = self._shared.get(step["payload"])
            found.append(payload)
        return found

    @staticmethod
    def _started(record: Dict[str, Any]) -> Dict[str, Any]:
        """What a start says of its job: how it began. What has become of it meanwhile, a status tells."""
        answer = job_file(record, {})
        elapsed = None if record["began"] is None else 0.0
        output = output_view(None, DEFAULT_SHOWN, False)
        answer["async_job"] = job_view(record, elapsed, True, None, output, None)
        return dict(answer, changed=True, attached=False)

    @staticmethod
    def _failure(job: _Ordered, error: JobError) -> Dict[str, Any]:
        return dict(error.details, failed=True, msg=error.message, changed=False, name=job.name)


def _prepare(job: _Ordered, payload: Payload) -> None:
    """In the process of a module."""
    set_priority(job.priority())
    if job.order.get("scope"):
        _offer_to_oom_killer()
    os.environ.update(job.order["environ"])
    os.environ.update(payload.environ)


def _offer_to_oom_killer() -> None:
    """Have the kernel end the module, not its supervisor, when the memory of the scope is used up."""
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as target:
            target.write("500")
    except OSError:
        pass  # a kernel that has no such thing


def answer_run(
    system: Any, params: Mapping[str, Any], environ: Mapping[str, str], _check_mode: bool
) -> Dict[str, Any]:
    """``jobs``: for each order, in order, what its start says, or why it failed."""
    starter = _Starter(system, params, environ)
    starter.check()
    answers = starter.run()
    return {"changed": any(one["changed"] for one in answers), "jobs": answers}
