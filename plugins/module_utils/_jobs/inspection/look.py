# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""The truth about a job, found out by whoever asks: from its locks, its boot, its record and its result."""

import errno
import json
import time
from typing import Any, Dict, List, Optional, Tuple

from ..model.errors import JobError, refused
from ..model.record import RECORD_VERSION, job_file
from ..model.states import (
    END_STATES,
    REASON_DEADLINE,
    REASON_EXIT,
    REASON_REBOOTED,
    REASON_SUPERVISOR_KILLED,
    STATE_LOST,
    STATE_TIMED_OUT,
)
from ..system.retention import remove_job
from ..system.store import (
    LOCK_EX,
    LOCK_FILE,
    LOCK_SH,
    LOCK_UN,
    MODULE_LOCK_FILE,
    PRIVATE_DIR,
    RECORD_FILE,
    Directory,
)
from ..system.tree import Process, end_tree
from .core_job import (
    CoreWrappers,
    core_finished,
    look_at_core_job,
    parse_job_file,
    wrapper_alive,
)
from .ending import conclude, exit_status, whole_result, write_end
from .view import DEFAULT_SHOWN, Shown, output_view, show

_SETTLE_SECONDS = 15.0  # that another may take to write down an end
_CORE_STEP = 0.2  # seconds between looks at a job of core's, whose end nothing tells


class Job:
    """One job in its async dir. JobError: what is there cannot be read or is not believed."""

    def __init__(
        self,
        system: Any,
        async_dir: Directory,
        jid: str,
        wrappers: Optional[CoreWrappers] = None,
    ) -> None:
        self.system = system
        self.async_dir = async_dir
        self.jid = jid
        self._wrappers = wrappers  # looked for already, where many jobs are asked after
        self.job_dir: Optional[Directory] = None
        try:
            private = async_dir.child(PRIVATE_DIR)
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._unreadable(PRIVATE_DIR, error) from error
        try:
            self.job_dir = private.child(jid)
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._unreadable(f"{PRIVATE_DIR}/{jid}", error) from error
        finally:
            private.close()

    def close(self) -> None:
        for directory in (self.async_dir, self.job_dir):
            if directory:
                directory.close()

    def _unreadable(self, name: str, error: OSError) -> JobError:
        try:
            info = self.system.stat(name, dir_fd=self.async_dir.fd, follow_symlinks=False)
        except OSError:
            return refused("read", self.async_dir.join(name), error)
        owner = self.system.owner_name(info.st_uid)
        hint = (
            f"it belongs to {owner}: become {owner} to ask after the job"
            if error.errno == errno.EACCES
            else None
        )
        return refused("read", self.async_dir.join(name), error, hint)

    def record(self) -> Optional[Dict[str, Any]]:
        text = self.job_dir.read_file(RECORD_FILE) if self.job_dir else None
        if text is None or self.job_dir is None:
            return None
        try:
            found = json.loads(text.decode("ascii"))
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict) or found.get("version") != RECORD_VERSION:
            path = self.job_dir.join(RECORD_FILE)
            raise JobError(
                f"the record of job {self.jid} is damaged, or of another version of this collection: {path}",
                path=path,
            )
        return found

    def look(self, shown: Shown) -> Dict[str, Any]:
        """The job's result or, while it runs, what is known of it; ``async_job`` in both."""
        try:
            return self._look(shown)
        except FileNotFoundError:
            raise JobError(
                f"could not find job {self.jid}: it was removed just now", looked_in=[]
            ) from None
        except OSError as error:
            raise self._unreadable(self.jid, error) from error

    def _look(self, shown: Shown) -> Dict[str, Any]:
        record = self.record()
        if record is None or self.job_dir is None:
            return look_at_core_job(self.system, self.async_dir, self.jid, shown, self._wrappers)
        public = parse_job_file(self.async_dir.read_file(self.jid))
        if public is not None and core_finished(public):
            return self._ended(public, shown)
        if record["state"] in END_STATES:
            raise FileNotFoundError  # stock core's clean-up took the job file: the job is gone
        supervised, public = self._truth(record)
        if public is not None:
            return self._ended(public, shown)
        public = job_file(record, {})
        public["async_job"] = show(self.system, self.job_dir, record, supervised, shown)
        return public

    def _ended(self, public: Dict[str, Any], shown: Shown) -> Dict[str, Any]:
        view = public.get("async_job")
        if isinstance(view, dict):
            view["output"] = output_view(self.job_dir, shown, True)
        return public

    def end_unsupervised(self, state: str, reason: str, grace: float) -> Dict[str, Any]:
        """End a job that has no supervisor any more, and answer its status."""
        record = self.record()
        if record is not None:
            public = self._truth(dict(record, grace=grace), (state, reason))[1]
            if public is not None:
                return public  # also where a full disk did not take it
        return self.look(DEFAULT_SHOWN)

    def _truth(
        self, record: Dict[str, Any], request: Optional[Tuple[str, str]] = None
    ) -> Tuple[bool, Optional[Dict[str, Any]]]:
        """Of a job whose record says that it runs: whether it has a supervisor, and its end if it had one."""
        job_dir, system = self.job_dir, self.system
        if job_dir is None:
            return False, None
        same_boot = record["boot_id"] == system.boot_id()
        if same_boot and job_dir.held(LOCK_FILE):
            return True, None
        try:
            # of those who look at the same time, one writes the end; it may have processes to end first
            if not system.flock_within(job_dir.fd, LOCK_EX, record["grace"] + _SETTLE_SECONDS):
                return False, None
        except OSError:
            # a file system that locks no directories: both write the same
            return self._settle(record, same_boot, request)
        try:
            return self._settle(record, same_boot, request)
        finally:
            system.flock(job_dir.fd, LOCK_UN)

    def _settle(
        self, record: Dict[str, Any], same_boot: bool, request: Optional[Tuple[str, str]]
    ) -> Tuple[bool, Optional[Dict[str, Any]]]:
        """Write the end of a job whose supervisor is gone, if it has ended or must end now."""
        job_dir, system = self.job_dir, self.system
        if job_dir is None:
            return False, None
        public = parse_job_file(self.async_dir.read_file(self.jid))
        if public is not None and core_finished(public):
            return False, public  # its supervisor, or another who looked, wrote it just now
        grace = record["grace"]
        record.update(self.record() or {})
        # what it printed may look whole while it goes on; behind its exit, only what it forked holds its lock
        state: Optional[str] = None
        if same_boot and job_dir.held(MODULE_LOCK_FILE) and exit_status(job_dir) is None:
            due = _is_due(record, system.monotonic())
            if not due and request is None:
                return False, None
            known = record[
                "process"
            ]  # None: its supervisor was killed before it could write it down
            module = Process(known["pid"], known["start"]) if known else None
            end_tree(system, self.jid, 0, module, grace, time.sleep, _in_scope(system, record))
            state, reason = request or (STATE_TIMED_OUT, REASON_DEADLINE)
        elif record["steps"] is None and whole_result(job_dir):
            reason = REASON_EXIT
            record["recovered"] = True
        else:
            state, reason = STATE_LOST, REASON_SUPERVISOR_KILLED if same_boot else REASON_REBOOTED
        public = conclude(system, job_dir, record, state, reason)
        try:
            write_end(system, self.async_dir, job_dir, record, public)
        except OSError:
            pass  # a full or read-only file system: the truth is told all the same, and found again next time
        return False, public

    def wait(self, seconds: float) -> None:
        """Sleep until the job's end, or until something about it is due; for so many seconds at most."""
        if self.job_dir is None:
            self._wait_for_core_job(seconds)
            return
        deadline = self.system.monotonic() + seconds
        for name in (LOCK_FILE, MODULE_LOCK_FILE):
            left = deadline - self.system.monotonic()
            if name == MODULE_LOCK_FILE:
                record = self.record() or {}
                if (
                    record.get("state") in END_STATES
                    or record.get("boot_id") != self.system.boot_id()
                ):
                    return
                # nobody else enforces it now; what was queued has not begun
                if record.get("timeout") and record.get("began") is not None:
                    left = min(left, record["began"] + record["timeout"] - self.system.monotonic())
            if left <= 0:
                return
            try:
                fd = self.job_dir.open_file(name)
            except FileNotFoundError:
                return
            try:
                if not self.system.flock_within(fd, LOCK_SH, left):
                    return
            finally:
                self.system.close(fd)

    def _wait_for_core_job(self, seconds: float) -> None:
        deadline = self.system.monotonic() + seconds
        while self.system.monotonic() < deadline:
            if core_finished(parse_job_file(self.async_dir.read_file(self.jid))):
                return
            if wrapper_alive(self.system, self.jid) is False:
                return
            time.sleep(min(_CORE_STEP, max(0.0, deadline - self.system.monotonic())))

    def remove(self) -> None:
        """Take away every trace of the job. A process that still runs goes on, unseen."""
        if self.job_dir is None:
            self.async_dir.remove_file(self.jid)
            return
        private = self.async_dir.child(PRIVATE_DIR)
        try:
            remove_job(self.async_dir, private, self.jid)
        finally:
            private.close()


def _is_due(record: Dict[str, Any], monotonic: float) -> bool:
    """Whether the time of a job is over; that of one whose record tells no beginning is not."""
    began, timeout = record["began"], record["timeout"]
    return bool(timeout and began is not None and monotonic >= began + timeout)


def _in_scope(system: Any, record: Dict[str, Any]) -> List[Process]:
    """The processes in the scope of a job, where it has one."""
    if not record["scope"]:
        return []
    from ..system.scope import scope_processes  # late: few jobs have one

    pids = scope_processes(record["scope"]["cgroup"])
    return [Process(pid, system.process_start(pid)) for pid in pids]


def look_until_end(job: Job, shown: Shown, seconds: float) -> Dict[str, Any]:
    """The status, at the latest after so many seconds; at once when the job ends."""
    deadline = job.system.monotonic() + seconds
    while True:
        public = job.look(shown)
        left = deadline - job.system.monotonic()
        if public["finished"] or left <= 0:
            return public
        job.wait(left)
