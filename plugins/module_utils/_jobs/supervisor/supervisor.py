# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""The one process that owns a job: waits for its turn, runs its modules, enforces its limits, writes its record.

It sleeps until something happens: a child's end, a deadline, a request, its turn. Idle, it does not wake up at all.
"""

import json
import os
import signal
from typing import Optional, Tuple

from ..inspection.ending import add_step, conclude, forget_run, result_of_module, write_end
from ..model.chain import Place
from ..model.errors import JobError, Refused
from ..model.record import Step, always_seconds, begin, encode
from ..model.states import (
    REASON_DEADLINE,
    REASON_EXIT,
    REASON_IDLE,
    REASON_NOT_STARTED,
    REASON_REQUEST,
    STATE_CANCELLED,
    STATE_FAILED,
    STATE_QUEUED,
    STATE_SUCCEEDED,
    STATE_TIMED_OUT,
)
from ..system.store import (
    LOCK_EX,
    MODULE_LOCK_FILE,
    MODULE_STDERR_FILE,
    PROGRESS_FILE,
    RECORD_FILE,
    REQUEST_FILE,
    RESULT_FILE,
)
from ..system.tree import JOB_MARK, Process, end_tree
from .accepted import Accepted
from .payload import Payload, child_end_notice, run_payload
from .tap import TAP_PARTS

PROGRESS_VARIABLE = "ANSIBLE_ASYNC_PROGRESS"
_LARGE_RESULT = (
    1 << 20
)  # bytes; above, a child reads the result, so that the supervisor stays small
_LONGEST_SLEEP = 20 * 86400.0  # seconds that select accepts everywhere
_REQUESTS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
# how a job or a step ends: its state and reason; None for the state means that the module's result decides it
Ending = Tuple[Optional[str], str]
_BY_ITSELF: Ending = (None, REASON_EXIT)


class Supervisor:
    """Owns one job that was accepted. ``go`` starts it, ``supervise`` returns when its end is written."""

    def __init__(self, accepted: Accepted) -> None:
        self._system = accepted.system
        self._accepted = accepted
        self._job_dir = accepted.job_dir
        self._record = accepted.record
        self._plan = accepted.plan
        self._chain = self._plan.chain()
        self._module = Process(0, 0)
        self._usage = (0.0, 0)  # CPU seconds, peak bytes
        self._requested = False
        self._module_ended = False
        # when the current module was started: monotonic seconds, and seconds of the wall clock
        self._began = 0.0
        self._began_wall = 0.0
        self._deadline: Optional[float] = None
        self._going = True  # False if the job could not begin
        self._dispositions = {number: signal.getsignal(number) for number in _REQUESTS}
        self._notice = -1  # readable when a child has ended or a signal has come

    def go(self) -> None:
        """Take over the job, and start its first module unless the job has to wait in a queue."""
        system, record = self._system, self._record
        for number in _REQUESTS:
            signal.signal(number, self._note_request)
        system.become_subreaper()
        record["supervisor"] = {
            "pid": system.getpid(),
            "start": system.process_start(system.getpid()) or 0,
        }
        try:
            self._notice = child_end_notice()
            if self._plan.limits is not None:
                from ..system.scope import enter_scope  # late: few jobs have one

                record["scope"] = enter_scope(system, record["id"], self._plan.limits)
            if self._queued:
                self._write_record()
        except (OSError, JobError) as error:
            self._going = self._cannot_continue(error)
            return
        if not self._queued:
            self._limit_time()
            self._going = self._start_module(first=True)

    @property
    def _queued(self) -> bool:
        return bool(self._record["state"] == STATE_QUEUED)

    def _begin(self) -> None:
        """Change the job from queued to running. Its time limit counts from now on."""
        system = self._system
        begin(self._record, system.boot_id(), system.time(), system.monotonic())
        self._limit_time()

    def _limit_time(self) -> None:
        """Set the deadline, in monotonic seconds, if the job has a time limit."""
        began, timeout = self._record["began"], self._record["timeout"]
        if timeout and began is not None:
            self._deadline = began + timeout

    def _write_record(self) -> None:
        """Write the record, durably. Raise OSError if the disk refuses it."""
        self._job_dir.write_file(RECORD_FILE, encode(self._record))

    def _fork_module(self, first: bool) -> int:
        """Fork the process of the next module, and write its pid to the record.

        Return the descriptor on which that process waits: a byte lets it begin, closing it ends it. Raise OSError or
        JobError if it cannot be started. first: whether it is the job's first module, which is not started unless the
        record can be written. For a later one that is no reason to end the job; the record then names an earlier one.
        """
        system, record = self._system, self._record
        place = self._chain.current
        if place is None:
            raise ValueError("the chain is at its end")
        # a new file: what an earlier module left running may still hold the lock on the old one
        self._job_dir.remove_file(MODULE_LOCK_FILE)
        module_lock = self._job_dir.lock(MODULE_LOCK_FILE, LOCK_EX, create=True)
        go_reader, go_writer = system.pipe()
        self._module_ended = False
        record["exit_status"] = None
        if self._plan.chained:
            payload = self._plan.payload(place)
            record["step"] = {
                "name": payload.name,
                "block": place.block,
                "module": payload.module,
                "number": len(record["steps"] or ()),
            }
        self._began, self._began_wall = system.monotonic(), system.time()
        pid = system.fork()
        if pid == 0:
            system.close(go_writer)
            self._be_module(
                self._plan.payload(place), go_reader, -1 if module_lock is None else module_lock
            )
        system.close(go_reader)
        if module_lock is not None:
            system.close(module_lock)  # from now on only the module's process holds it
        try:
            self._module = Process(pid, system.process_start(pid) or 0)
            record["process"] = {"pid": pid, "start": self._module.start or 0}
            try:
                self._write_record()
            except OSError:
                if first:
                    raise
        except (OSError, JobError):
            system.close(go_writer)  # the module's process ends without having run anything
            system.wait4(pid, 0)
            raise
        return go_writer

    def _be_module(self, payload: Payload, go: int, lock: int) -> None:
        """Wait, in the forked child, for a byte on *go*; then become the module. Does not return.

        go: a descriptor. lock: that of the module's lock, which stays open for as long as this process lives.
        """
        system, job_dir, record = self._system, self._job_dir, self._record
        try:
            signal.set_wakeup_fd(-1)
            # close above all the supervisor's lock, or the job would seem supervised for as long as its module lives
            ticket = self._plan.ticket.held if self._plan.ticket is not None else ()
            system.close_others((go, lock, self._job_dir.fd, *ticket))
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for number, disposition in self._dispositions.items():
                signal.signal(number, disposition)
            if not system.read(go, 1):
                return
            system.close(go)
            # a process group of its own: without /proc, signals reach the module's children by it
            os.setpgid(0, 0)
            for name, target in ((RESULT_FILE, 1), (MODULE_STDERR_FILE, 2)):
                fd = job_dir.open_file(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
                system.dup2(fd, target)
                system.close(fd)
            if not record["no_log"]:
                # made here with mode 0600, whatever the umask of the job, which appends to it
                system.close(job_dir.open_file(PROGRESS_FILE, os.O_WRONLY | os.O_CREAT))
            self._surround(payload)
            os.environ[JOB_MARK] = record["id"]
            os.environ[PROGRESS_VARIABLE] = (
                os.devnull if record["no_log"] else job_dir.join(PROGRESS_FILE)
            )
            tap_text = self._accepted.library.text_of(TAP_PARTS)
            run_payload(system, payload, job_dir, record["output_limit"], tap_text)
        finally:
            system.exit(1)

    def _surround(self, payload: Payload) -> None:
        """Set the priority and the environment of the module, in its process."""
        plan = self._plan
        if plan.priority is not None:
            from ..system.priority import set_priority  # late: few jobs have one

            set_priority(plan.priority)
        if plan.limits is not None:
            from ..system.scope import offer_to_oom_killer

            offer_to_oom_killer()
        os.environ.update(plan.environ)
        os.environ.update(payload.environ)

    def supervise(self) -> None:
        """Wait for the job's end, and write it. A child writes it if the result is large."""
        state, reason = self._run()
        record = self._record
        record["usage"] = {"cpu_seconds": round(self._usage[0], 2), "max_rss_bytes": self._usage[1]}
        if state is None and self._job_dir.size(RESULT_FILE) > _LARGE_RESULT:
            pid = self._system.fork()
            if pid:
                while self._system.wait4(-1, 0)[0] != pid:
                    pass  # an orphan of the job has ended first
                return
        status = conclude(self._system, self._job_dir, record, state, reason)
        write_end(self._system, self._accepted.async_dir, self._job_dir, record, status)
        if self._plan.ticket is not None:
            self._plan.ticket.give_back()

    def _run(self) -> Ending:
        """Wait for the job's turn, and run its attempts. Return how the job ends."""
        record = self._record
        if self._going and self._queued:
            if not self._wait_for_turn():
                return STATE_CANCELLED, REASON_REQUEST
            self._begin()
            self._going = self._start_module()
        if not self._going:
            return STATE_FAILED, REASON_NOT_STARTED
        delay = float(record["retry_delay"])
        while True:
            state, reason = self._run_chain()
            if (
                state in (STATE_CANCELLED, STATE_TIMED_OUT)
                or record["attempt"] >= record["attempts"]
            ):
                return state, reason
            if state is None and self._read_result(None):
                return state, reason
            if state == STATE_SUCCEEDED:
                return state, reason
            forced = self._wait_for_retry(delay)
            if forced is not None:
                return forced
            delay *= float(record["retry_backoff"])
            record["attempt"] += 1
            self._chain = self._plan.chain()
            if self._plan.chained:
                record["steps"] = []
            if not self._start_module():
                return STATE_FAILED, REASON_NOT_STARTED

    def _run_chain(self) -> Ending:
        """Wait for the current module, and run the rest of its chain. Return how the chain ends."""
        forced: Optional[Ending] = None
        while True:
            place = self._chain.current
            state, reason = self._wait_for_end()
            if state is not None:
                self._end_processes()
            if not self._plan.chained or place is None:
                return state, reason
            if state is None:
                self._chain.note(self._read_result(place))
            else:
                self._read_result(place, (state, reason))
                forced = forced or (state, reason)
                self._chain.abandon()
            if self._chain.current is None:
                break
            if forced is not None:
                self._deadline = self._system.monotonic() + always_seconds(self._record)
                self._requested = False
            if not self._start_module():
                return forced or (STATE_FAILED, REASON_NOT_STARTED)
        return forced or (STATE_FAILED if self._chain.failed else STATE_SUCCEEDED, REASON_EXIT)

    def _start_module(self, first: bool = False) -> bool:
        """Start the next module. Return False if that fails. first: see ``_fork_module``."""
        try:
            forget_run(self._job_dir)
            go = self._fork_module(first)
            self._system.write(go, b"1")
            self._system.close(go)
        except (OSError, JobError) as error:
            return self._cannot_continue(error)
        return True

    def _cannot_continue(self, error: Exception) -> bool:
        """Record why the job cannot continue. Always returns False."""
        if isinstance(error, OSError):
            error = Refused("start a module of", self._accepted.jid, error)
        self._record["refusal"] = str(error)
        return False

    def _read_result(self, place: Optional[Place], forced: Optional[Ending] = None) -> bool:
        """Return whether the module that has ended succeeded. Append a step's result to those of the steps before.

        place: of the step; None for a job of one module. forced: how the supervisor ended the step; None if it ended
        by itself. A child reads the result, since it may be large.
        """
        system, record = self._system, self._record
        pid = system.fork()
        if pid == 0:
            status = 2
            try:
                if place is None:
                    state = result_of_module(self._job_dir, record, record["module"])[0]
                else:
                    state = add_step(self._job_dir, record, self._step(place), forced)
                status = 0 if state == STATE_SUCCEEDED else 1
            finally:
                system.exit(status)
        status = 0
        ended = 0
        while ended != pid:
            ended, status, _usage = system.wait4(-1, 0)
        succeeded = os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0
        if place is not None:
            by_itself = STATE_SUCCEEDED if succeeded else STATE_FAILED
            step = self._step(place)
            step["state"] = (forced[0] if forced else None) or by_itself
            step["reason"] = forced[1] if forced else REASON_EXIT
            record["steps"] = [*(record["steps"] or ()), step]
        return succeeded

    def _step(self, place: Place) -> Step:
        """Return a step's entry in the record, its state and reason still empty."""
        payload = self._plan.payload(place)
        return {
            "name": payload.name,
            "block": place.block,
            "module": payload.module,
            "state": "",
            "reason": "",
        }

    def _wait_for_turn(self) -> bool:
        """Sleep until the queue lets the job run. Return False if its end is requested before."""
        system, ticket = self._system, self._plan.ticket
        while not self._requested:
            bells = ticket.bells() if ticket is not None else []
            if not bells:
                return True
            try:
                if self._notice in system.select([self._notice, *bells], None):
                    system.read(self._notice, 4096)
            finally:
                for bell in bells:
                    system.close(bell)
        self._take_request()
        return False

    def _wait_for_retry(self, seconds: float) -> Optional[Ending]:
        """Sleep between two attempts. Return None at the end, or how the job ends if it must end before.

        seconds: the delay. What the last attempt left running is ended if the job must end.
        """
        until = self._system.monotonic() + seconds
        while True:
            now = self._system.monotonic()
            if self._requested:
                self._take_request()
                self._end_processes()
                return STATE_CANCELLED, REASON_REQUEST
            if self._deadline is not None and now >= self._deadline:
                self._end_processes()
                return STATE_TIMED_OUT, REASON_DEADLINE
            if now >= until:
                return None
            moments = [until, now + _LONGEST_SLEEP] + (
                [] if self._deadline is None else [self._deadline]
            )
            self._pause(min(moments) - now)

    def _wait_for_end(self) -> Ending:
        """Sleep until the module has ended or must be ended. Return which, as an ending."""
        system, record = self._system, self._record
        idle_until: Optional[float] = None
        while True:
            self._reap()
            if self._module_ended:
                return _BY_ITSELF
            if self._requested:
                self._take_request()
                return STATE_CANCELLED, REASON_REQUEST
            now = system.monotonic()
            if self._deadline is not None and now >= self._deadline:
                return STATE_TIMED_OUT, REASON_DEADLINE
            if record["idle_timeout"] and (idle_until is None or now >= idle_until):
                quiet = self._quiet_seconds()
                if quiet >= record["idle_timeout"]:
                    return STATE_TIMED_OUT, REASON_IDLE
                idle_until = now + record["idle_timeout"] - quiet
            waits = [moment - now for moment in (self._deadline, idle_until) if moment is not None]
            self._pause(min(waits + [_LONGEST_SLEEP]) if waits else None)

    def _take_request(self) -> None:
        """Read the grace period, in seconds, that a request for the job's end may have left in its directory."""
        try:
            wanted = json.loads((self._job_dir.read_file(REQUEST_FILE) or b"{}").decode("ascii"))
        except (OSError, ValueError):
            return
        self._record["grace"] = float(wanted.get("grace", self._record["grace"]))

    def _quiet_seconds(self) -> float:
        """Return for how many seconds the module has printed nothing and reported no progress.

        The times of the spools tell it, so that it costs nothing while output flows.
        """
        system = self._system
        last = self._began_wall
        for name in self._job_dir.names():
            if name.startswith(("stdout", "stderr", PROGRESS_FILE)):
                try:
                    changed = system.stat(
                        name, dir_fd=self._job_dir.fd, follow_symlinks=False
                    ).st_mtime
                except FileNotFoundError:
                    changed = system.time()  # the spool has just removed it for newer output
                last = max(last, changed)
        # a wall clock that was set must not end a job: 0 if it was set back, and never more than the module has run
        ran = system.monotonic() - self._began
        return float(min(max(0.0, system.time() - last), ran))

    def _end_processes(self) -> None:
        """End all processes of the job: SIGTERM, the grace period, SIGKILL."""
        end_tree(
            self._system,
            self._record["id"],
            self._system.getpid(),
            self._module,
            self._record["grace"],
            self._pause,
        )
        self._reap()

    def _pause(self, seconds: Optional[float]) -> None:
        """Sleep until a child ends or a request comes, at most for a number of seconds. None: for any time."""
        if self._notice in self._system.select([self._notice], seconds):
            self._system.read(self._notice, 4096)
        self._reap()

    def _reap(self) -> None:
        """Collect the children and adopted orphans that have ended, and add what they used to the job's usage."""
        while True:
            try:
                pid, status, usage = self._system.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            seconds, peak = self._usage
            self._usage = (
                seconds + usage.ru_utime + usage.ru_stime,
                max(peak, usage.ru_maxrss * 1024),
            )
            if pid == self._module.pid:
                self._module_ended = True
                signalled = os.WIFSIGNALED(status)
                self._record["exit_status"] = (
                    -os.WTERMSIG(status) if signalled else os.WEXITSTATUS(status)
                )

    def _note_request(self, _number: int, _frame: object) -> None:
        """Handle SIGTERM, SIGINT and SIGHUP: note that the job's end is requested."""
        self._requested = True
