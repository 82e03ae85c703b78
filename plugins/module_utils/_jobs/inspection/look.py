# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""The truth about a job, found out by whoever asks: from its locks, its boot, its record and its result."""

import errno
import json
import time
from typing import Any, List, Mapping, Optional, Tuple

from ..model.errors import Damaged, JobError, JobNotFound, Refused
from ..model.record import RECORD_VERSION, Record, Status, job_file
from ..model.states import (
    END_STATES,
    REASON_DEADLINE,
    REASON_EXIT,
    REASON_REBOOTED,
    REASON_SUPERVISOR_KILLED,
    STATE_LOST,
    STATE_TIMED_OUT,
)
from ..system.find import find_place
from ..system.kernel import System
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
    open_async_dir,
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
from .view import DEFAULT_EXCERPT, Excerpt, output_view, show

_SETTLE_SECONDS = 15.0  # that another may take to write down an end
_CORE_STEP = 0.2  # seconds between looks at a job of core's, whose end nothing tells


class Job:
    """A job in its async dir.

    It owns the job directory that it opens: use it in a ``with`` statement, or close it. The async dir stays its
    caller's, except where the job was made by ``open`` or ``open_given``. Raises JobError if what is there cannot be
    read or is not believed.
    """

    def __init__(
        self,
        system: System,
        async_dir: Directory,
        jid: str,
        wrappers: Optional[CoreWrappers] = None,
    ) -> None:
        self.system = system
        self.async_dir = async_dir
        self.jid = jid
        self._wrappers = wrappers  # looked for already, where many jobs are asked after
        self._owns_async_dir = False
        self.job_dir: Optional[Directory] = None
        try:
            private = async_dir.child(PRIVATE_DIR)
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._unreadable(PRIVATE_DIR, error) from error
        with private:
            try:
                self.job_dir = private.child(jid)
            except FileNotFoundError:
                return
            except OSError as error:
                raise self._unreadable(f"{PRIVATE_DIR}/{jid}", error) from error

    @classmethod
    def open(
        cls, system: System, path: str, jid: str, wrappers: Optional[CoreWrappers] = None
    ) -> "Job":
        """Open the async dir at a path, and the job in it. The job owns both."""
        return cls._owner(system, open_async_dir(system, path), jid, wrappers)

    @classmethod
    def open_given(
        cls,
        system: System,
        reference: Mapping[str, Any],
        written_dir: str,
        environ: Mapping[str, str],
    ) -> "Job":
        """Find the job that a caller means and open it, see ``find_place``. The job owns its async dir."""
        async_dir, jid = find_place(system, reference, written_dir, environ)
        return cls._owner(system, async_dir, jid, None)

    @classmethod
    def _owner(
        cls, system: System, async_dir: Directory, jid: str, wrappers: Optional[CoreWrappers]
    ) -> "Job":
        try:
            job = cls(system, async_dir, jid, wrappers)
        except JobError:
            async_dir.close()
            raise
        job._owns_async_dir = True
        return job

    def __enter__(self) -> "Job":
        return self

    def __exit__(self, *_unused: object) -> None:
        self.close()

    def close(self) -> None:
        """Close what was opened for this job."""
        if self.job_dir is not None:
            self.job_dir.close()
        if self._owns_async_dir:
            self.async_dir.close()

    def _unreadable(self, name: str, error: OSError) -> JobError:
        try:
            info = self.system.stat(name, dir_fd=self.async_dir.fd, follow_symlinks=False)
        except OSError:
            return Refused("read", self.async_dir.join(name), error)
        owner = self.system.owner_name(info.st_uid)
        hint = (
            f"it belongs to {owner}: become {owner} to ask after the job"
            if error.errno == errno.EACCES
            else None
        )
        return Refused("read", self.async_dir.join(name), error, hint)

    def record(self) -> Optional[Record]:
        """Read the record; None if there is none, as of a job of core's. Raise Damaged if it is not one of ours."""
        text = self.job_dir.read_file(RECORD_FILE) if self.job_dir else None
        if text is None or self.job_dir is None:
            return None
        try:
            found = json.loads(text.decode("ascii"))
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict) or found.get("version") != RECORD_VERSION:
            path = self.job_dir.join(RECORD_FILE)
            raise Damaged(
                f"the record of job {self.jid} is damaged, or of another version of this collection: {path}",
                path=path,
            )
        record: Record = found  # type: ignore[assignment]  # its version tells that it has these keys
        return record

    def look(self, excerpt: Excerpt) -> Status:
        """Return the job's result or, while it runs, what is known of it; with ``async_job`` in both.

        Raises JobNotFound if the job has been removed meanwhile.
        """
        try:
            return self._look(excerpt)
        except FileNotFoundError:
            raise JobNotFound(f"could not find job {self.jid}: it was removed just now") from None
        except OSError as error:
            raise self._unreadable(self.jid, error) from error

    def _look(self, excerpt: Excerpt) -> Status:
        record = self.record()
        if record is None or self.job_dir is None:
            return look_at_core_job(self.system, self.async_dir, self.jid, excerpt, self._wrappers)
        status = parse_job_file(self.async_dir.read_file(self.jid))
        if status is not None and core_finished(status):
            return self._ended(status, excerpt)
        if record["state"] in END_STATES:
            raise FileNotFoundError  # stock core's clean-up took the job file: the job is gone
        supervised, status = self._truth(record)
        if status is not None:
            return self._ended(status, excerpt)
        status = job_file(record, {})
        status["async_job"] = show(self.system, self.job_dir, record, supervised, excerpt)
        return status

    def _ended(self, status: Status, excerpt: Excerpt) -> Status:
        view = status.get("async_job")
        if isinstance(view, dict):
            view["output"] = output_view(self.job_dir, excerpt, True)
        return status

    def end_unsupervised(self, state: str, reason: str, grace: float) -> Status:
        """End a job that has no supervisor any more. Return its status."""
        record = self.record()
        if record is not None:
            record["grace"] = grace
            status = self._truth(record, (state, reason))[1]
            if status is not None:
                return status  # also where a full disk did not take it
        return self.look(DEFAULT_EXCERPT)

    def _truth(
        self, record: Record, request: Optional[Tuple[str, str]] = None
    ) -> Tuple[bool, Optional[Status]]:
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
        self, record: Record, same_boot: bool, request: Optional[Tuple[str, str]]
    ) -> Tuple[bool, Optional[Status]]:
        """Write the end of a job whose supervisor is gone, if it has ended or must end now."""
        job_dir, system = self.job_dir, self.system
        if job_dir is None:
            return False, None
        status = parse_job_file(self.async_dir.read_file(self.jid))
        if status is not None and core_finished(status):
            return False, status  # its supervisor, or another who looked, wrote it just now
        grace = record["grace"]
        record = self.record() or record
        # what it printed may look whole while it goes on; behind its exit, only what it forked holds its lock
        state: Optional[str] = None
        if same_boot and job_dir.held(MODULE_LOCK_FILE) and exit_status(job_dir) is None:
            due = _is_due(record, system.monotonic())
            if not due and request is None:
                return False, None
            # None if its supervisor was killed before it could write it
            known = record["process"]
            module = Process(known["pid"], known["start"]) if known else None
            end_tree(system, self.jid, 0, module, grace, time.sleep, _in_scope(system, record))
            state, reason = request or (STATE_TIMED_OUT, REASON_DEADLINE)
        elif record["steps"] is None and whole_result(job_dir):
            reason = REASON_EXIT
            record["recovered"] = True
        else:
            state, reason = STATE_LOST, REASON_SUPERVISOR_KILLED if same_boot else REASON_REBOOTED
        status = conclude(system, job_dir, record, state, reason)
        try:
            write_end(system, self.async_dir, job_dir, record, status)
        except OSError:
            pass  # a full or read-only file system: the truth is told all the same, and found again next time
        return False, status

    def wait(self, seconds: float) -> None:
        """Sleep until the job's end, or until something about it is due; for so many seconds at most."""
        if self.job_dir is None:
            self._wait_for_core_job(seconds)
            return
        deadline = self.system.monotonic() + seconds
        for name in (LOCK_FILE, MODULE_LOCK_FILE):
            left = deadline - self.system.monotonic()
            if name == MODULE_LOCK_FILE:
                record = self.record()
                if record is None or record["state"] in END_STATES:
                    return
                if record["boot_id"] != self.system.boot_id():
                    return
                # nobody else enforces it now; what was queued has not begun
                if record["timeout"] and record["began"] is not None:
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
        with self.async_dir.child(PRIVATE_DIR) as private:
            remove_job(self.async_dir, private, self.jid)


def _is_due(record: Record, monotonic: float) -> bool:
    """Whether the time of a job is over; that of one whose record tells no beginning is not."""
    began, timeout = record["began"], record["timeout"]
    return bool(timeout and began is not None and monotonic >= began + timeout)


def _in_scope(system: System, record: Record) -> List[Process]:
    """The processes in the scope of a job, where it has one."""
    if not record["scope"]:
        return []
    from ..system.scope import scope_processes  # late: few jobs have one

    pids = scope_processes(record["scope"]["cgroup"])
    return [Process(pid, system.process_start(pid)) for pid in pids]


def look_until_end(job: Job, excerpt: Excerpt, seconds: float) -> Status:
    """The status, at the latest after so many seconds; at once when the job ends."""
    deadline = job.system.monotonic() + seconds
    while True:
        status = job.look(excerpt)
        left = deadline - job.system.monotonic()
        if status["finished"] or left <= 0:
            return status
        job.wait(left)
