# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""The one process that owns a job: starts its module, enforces its limits, writes its record.

It sleeps until something happens: a child's end, a deadline, a request. Idle, it does not wake up at all.
"""

import json
import os
import signal
from typing import Any, Callable, Dict, Optional, Tuple

from .ending import conclude, encode, write_end
from .errors import JobError
from .payload import Payload, child_end_notice, run_payload
from .record import begin, elapsed_seconds, job_file
from .states import (
    REASON_DEADLINE,
    REASON_EXIT,
    REASON_IDLE,
    REASON_REQUEST,
    STATE_CANCELLED,
    STATE_TIMED_OUT,
)
from .store import (
    LOCK_EX,
    LOCK_FILE,
    MODULE_LOCK_FILE,
    MODULE_STDERR_FILE,
    PRIVATE_DIR,
    PROGRESS_FILE,
    RECORD_FILE,
    REQUEST_FILE,
    RESULT_FILE,
    Directory,
)
from .tree import JOB_MARK, Process, end_tree

PROGRESS_VARIABLE = "ANSIBLE_ASYNC_PROGRESS"
_LARGE_RESULT = 1 << 20  # bytes; read in a process of its own, so that the supervisor stays small
_LONGEST_SLEEP = 20 * 86400.0  # what select takes everywhere
_REQUESTS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Supervisor:
    """Owns one job from its record to its end. ``start`` may raise; after it, ``supervise`` runs to the end."""

    def __init__(
        self,
        system: Any,
        async_dir: Directory,
        record: Dict[str, Any],
        payload: Payload,
        tap_text: Callable[[], str],
    ) -> None:
        self._system = system
        self._async_dir = async_dir
        self._record = record
        self._payload = payload
        self._tap_text = tap_text
        self._job_dir = None  # type: Optional[Directory]
        self._module = Process(0, 0)
        self._usage = (0.0, 0)  # CPU seconds, peak bytes
        self._requested = False
        self._module_ended = False
        self._dispositions = {number: signal.getsignal(number) for number in _REQUESTS}
        self._lock = -1
        self._notice = -1

    @property
    def job_dir(self) -> Directory:
        if self._job_dir is None:
            raise ValueError("the job was not started")
        return self._job_dir

    def start(self) -> "Callable[[], None]":
        """Make the job durable and its process ready; answers what sets the module going.

        Whatever fails here leaves neither a job nor a process behind.
        """
        private = self._async_dir.child(PRIVATE_DIR, create=True)
        jid = self._record["id"]
        try:
            self._job_dir = private.child(jid, create=True)
            try:
                return self._prepare()
            except (OSError, JobError):
                self._async_dir.remove_file(jid)
                private.remove_child(jid)
                raise
        finally:
            private.close()

    def _prepare(self) -> "Callable[[], None]":
        system, record = self._system, self._record
        self._lock = self.job_dir.lock(LOCK_FILE, LOCK_EX, create=True) or -1
        module_lock = self.job_dir.lock(MODULE_LOCK_FILE, LOCK_EX, create=True)
        self.job_dir.reserve()
        system.become_subreaper()
        self._notice = child_end_notice()
        for number in _REQUESTS:
            signal.signal(number, self._note_request)
        go_reader, go_writer = system.pipe()
        begin(record, system.boot_id(), system.time(), system.monotonic())
        pid = system.fork()
        if pid == 0:
            system.close(go_writer)
            self._be_module(go_reader, -1 if module_lock is None else module_lock)
        system.close(go_reader)
        if module_lock is not None:
            system.close(module_lock)  # the module's process alone holds it now
        try:
            self._module = Process(pid, system.process_start(pid) or 0)
            record["process"] = {"pid": pid, "start": self._module.start}
            record["supervisor"] = {
                "pid": system.getpid(),
                "start": system.process_start(system.getpid()) or 0,
            }
            self.job_dir.write_file(RECORD_FILE, encode(record))
            self._async_dir.write_file(record["id"], encode(job_file(record, {})))
        except OSError:
            system.close(go_writer)  # the module's process ends without having run anything
            system.wait4(pid, 0)
            raise

        def go() -> None:
            system.write(go_writer, b"1")
            system.close(go_writer)

        return go

    def _be_module(self, go: int, lock: int) -> None:
        """In the forked child: wait for the word, then be the module. Does not return."""
        system, job_dir, record = self._system, self.job_dir, self._record
        try:
            signal.set_wakeup_fd(-1)
            # above all the supervisor's lock, or the job would seem supervised for as long as its module lives
            system.close_others((go, lock, self.job_dir.fd))
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for number, disposition in self._dispositions.items():
                signal.signal(number, disposition)
            if not system.read(go, 1):
                return
            system.close(go)
            # so that the children can be reached where there is no /proc to find them in
            os.setpgid(0, 0)
            for name, target in ((RESULT_FILE, 1), (MODULE_STDERR_FILE, 2)):
                fd = job_dir.open_file(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
                system.dup2(fd, target)
                system.close(fd)
            if not record["no_log"]:
                # made here, for this user alone; the job appends to it under whatever umask it has
                system.close(job_dir.open_file(PROGRESS_FILE, os.O_WRONLY | os.O_CREAT))
            os.environ[JOB_MARK] = record["id"]
            os.environ[PROGRESS_VARIABLE] = (
                os.devnull if record["no_log"] else job_dir.join(PROGRESS_FILE)
            )
            run_payload(system, self._payload, job_dir, record["output_limit"], self._tap_text())
        finally:
            system.exit(1)

    def supervise(self) -> None:
        """Until the job's end is written down."""
        state, reason = self._wait_for_end()
        if state is not None:
            self._end_processes()
        record = self._record
        record["usage"] = {"cpu_seconds": round(self._usage[0], 2), "max_rss_bytes": self._usage[1]}
        if state is None and self.job_dir.size(RESULT_FILE) > _LARGE_RESULT:
            pid = self._system.fork()
            if pid:
                while self._system.wait4(-1, 0)[0] != pid:
                    pass  # orphans of the job that end meanwhile
                return
        public = conclude(self._system, self.job_dir, record, state, reason)
        write_end(self._system, self._async_dir, self.job_dir, record, public)

    def _wait_for_end(self) -> Tuple[Optional[str], str]:
        """Sleep until the module ends or has to; the state and reason to end it with, None for its own."""
        system, record = self._system, self._record
        deadline = record["began"] + record["timeout"] if record["timeout"] else None
        idle_until = None  # type: Optional[float]
        while True:
            self._reap()
            if self._module_ended:
                return None, REASON_EXIT
            if self._requested:
                self._take_request()
                return STATE_CANCELLED, REASON_REQUEST
            now = system.monotonic()
            if deadline is not None and now >= deadline:
                return STATE_TIMED_OUT, REASON_DEADLINE
            if record["idle_timeout"] and (idle_until is None or now >= idle_until):
                quiet = self._quiet_seconds()
                if quiet >= record["idle_timeout"]:
                    return STATE_TIMED_OUT, REASON_IDLE
                idle_until = now + record["idle_timeout"] - quiet
            waits = [moment - now for moment in (deadline, idle_until) if moment is not None]
            self._pause(min(waits + [_LONGEST_SLEEP]) if waits else None)

    def _take_request(self) -> None:
        """A request may come with a grace of its own."""
        try:
            wanted = json.loads((self.job_dir.read_file(REQUEST_FILE) or b"{}").decode("ascii"))
        except (OSError, ValueError):
            return
        self._record["grace"] = float(wanted.get("grace", self._record["grace"]))

    def _quiet_seconds(self) -> float:
        """How long nothing was printed or reported. By file times: nobody pays for it while output flows."""
        system = self._system
        last = float(self._record["began_wall"])
        for name in self.job_dir.names():
            if name.startswith(("stdout", "stderr", PROGRESS_FILE)):
                try:
                    changed = system.stat(
                        name, dir_fd=self.job_dir.fd, follow_symlinks=False
                    ).st_mtime
                except FileNotFoundError:
                    changed = system.time()  # made way for newer output just now
                last = max(last, changed)
        # a wall clock that was set back meanwhile must not end a job, nor one set forward for longer than it ran
        ran = elapsed_seconds(self._record, self._record["boot_id"], 0.0, system.monotonic()) or 0.0
        return float(min(max(0.0, system.time() - last), ran))

    def _end_processes(self) -> None:
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
        """Sleep until a child ends or a request comes; for the seconds given at most."""
        if self._notice in self._system.select([self._notice], seconds):
            self._system.read(self._notice, 4096)
        self._reap()

    def _reap(self) -> None:
        """Children, and the orphans that came to us: what they used is added up."""
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

    def _note_request(self, _number: int, _frame: Any) -> None:
        self._requested = True
