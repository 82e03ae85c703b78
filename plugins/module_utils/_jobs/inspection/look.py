# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""Find out the state of a job from its locks, the boot id, its record and its result, and write its end if need be."""

import errno
import time
from typing import Any, List, Mapping, Optional, Tuple

from ..model.errors import JobError, JobNotFound, Refused
from ..model.record import Record, Status, job_file
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
from ..system.records import read_record
from ..system.retention import remove_job
from ..system.store import (
    LOCK_EX,
    LOCK_FILE,
    LOCK_SH,
    LOCK_UN,
    MODULE_LOCK_FILE,
    PRIVATE_DIR,
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

_MAX_PATIENCE = (
    600.0  # of a grace, for another process that ends a job; its record may have any grace
)
_SETTLE_SECONDS = 15.0  # to wait for another process that writes the end of a job
_CORE_STEP = 0.2  # seconds between looks at a job of core's, which has no lock to wait for


class Job:
    """A job in an async dir: of ours or, where it has no job directory, of core's.

    It owns the job directory that it opens: use it in a ``with`` statement, or close it. The caller closes the async
    dir, unless the job was made by ``open`` or ``open_referenced``. Raises JobError if the job directory cannot be read or
    is not believed.
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
        self._wrappers = wrappers  # those of the host, if they are looked for once for several jobs
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
        """Return the job in the async dir at a path. It owns both directories."""
        return cls._owner(system, open_async_dir(system, path), jid, wrappers)

    @classmethod
    def open_referenced(
        cls,
        system: System,
        reference: Mapping[str, Any],
        written_dir: str,
        environ: Mapping[str, str],
    ) -> "Job":
        """Return the job that a reference names, see ``find_place``. It owns both directories."""
        async_dir, jid = find_place(system, reference, written_dir, environ)
        return cls._owner(system, async_dir, jid, None)

    @classmethod
    def _owner(
        cls, system: System, async_dir: Directory, jid: str, wrappers: Optional[CoreWrappers]
    ) -> "Job":
        """Return a job that closes the async dir as well. If it cannot be made, the async dir is closed."""
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
        """Return the error for a file that cannot be read; if permission was denied, with who owns it."""
        try:
            info = self.system.stat(name, dir_fd=self.async_dir.fd, follow_symlinks=False)
        except OSError:
            return Refused("read", self.async_dir.join(name), error)
        owner = self.system.owner_name(info.st_uid)
        hint = (
            f"it belongs to {owner}: become {owner} to look at the job"
            if error.errno == errno.EACCES
            else None
        )
        return Refused("read", self.async_dir.join(name), error, hint)

    def record(self) -> Optional[Record]:
        """Return the record; None if there is none, as for a job of core's. Raise Damaged if it is not one of ours."""
        return None if self.job_dir is None else read_record(self.job_dir, self.jid)

    def foreign_owner(self) -> Optional[int]:
        """Return the user whose job this is, if another than this process's looks at it; None for a job of its own.

        Only root can look at the jobs of others. For a job of another user, root does to processes and directories
        what that user could do, and no more.
        """
        if self.job_dir is None:
            return None
        owner = self.system.fstat(self.job_dir.fd).st_uid
        return None if owner == self.system.geteuid() else int(owner)

    def look(self, excerpt: Excerpt) -> Status:
        """Return the job's status: its result or, while it runs, core's keys; in both cases with ``async_job``.

        Raise JobNotFound if the job has been removed.
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
            raise FileNotFoundError  # stock core's async_status removed the job file, and the job with it
        supervised, status = self._truth(record)
        if status is not None:
            return self._ended(status, excerpt)
        status = job_file(record, {})
        status["async_job"] = show(self.system, self.job_dir, record, supervised, excerpt)
        return status

    def _ended(self, status: Status, excerpt: Excerpt) -> Status:
        """Return the status of a job that has ended, with the output that the caller asks for."""
        view = status.get("async_job")
        if isinstance(view, dict):
            view["output"] = output_view(self.job_dir, excerpt, True)
        return status

    def end_unsupervised(self, state: str, reason: str, grace: float) -> Status:
        """End a job whose supervisor is gone, unless it has ended. Return its status.

        state, reason: those of the end. grace: seconds between SIGTERM and SIGKILL.
        """
        record = self.record()
        if record is not None:
            record["grace"] = grace
            status = self._truth(record, (state, reason))[1]
            if status is not None:
                return status  # even if a full disk did not let us write it
        return self.look(DEFAULT_EXCERPT)

    def _truth(
        self, record: Record, request: Optional[Tuple[str, str]] = None
    ) -> Tuple[bool, Optional[Status]]:
        """Return whether a job that should be running has a supervisor, and its status if it has ended.

        The end of a job without a supervisor is written here. request: the state and reason with which it is to be
        ended now; None ends it only if it is due.
        """
        job_dir, system = self.job_dir, self.system
        if job_dir is None:
            return False, None
        same_boot = record["boot_id"] == system.boot_id()
        if same_boot and job_dir.held(LOCK_FILE):
            return True, None
        try:
            # Of several processes that look at the same time, one writes the end. It may have to end the job's own
            # processes first.
            patience = min(record["grace"], _MAX_PATIENCE) + _SETTLE_SECONDS
            if not system.flock_within(job_dir.fd, LOCK_EX, patience):
                return False, None
        except OSError:
            # this file system does not lock directories: several processes may write the same end
            return self._settle(record, same_boot, request)
        try:
            return self._settle(record, same_boot, request)
        finally:
            system.flock(job_dir.fd, LOCK_UN)

    def _settle(
        self, record: Record, same_boot: bool, request: Optional[Tuple[str, str]]
    ) -> Tuple[bool, Optional[Status]]:
        """Write the end of a job whose supervisor is gone, if it has ended or must end now.

        Return the same as ``_truth``.
        """
        job_dir, system = self.job_dir, self.system
        if job_dir is None:
            return False, None
        status = parse_job_file(self.async_dir.read_file(self.jid))
        if status is not None and core_finished(status):
            # its supervisor, or another process that looked, has just written it
            return False, status
        grace = record["grace"]
        record = self.record() or record
        # Output that looks whole does not mean that the module has ended. If it has left its exit status, the lock is
        # only held by processes that it forked.
        state: Optional[str] = None
        if same_boot and job_dir.held(MODULE_LOCK_FILE) and exit_status(job_dir) is None:
            due = _is_due(record, system.monotonic())
            if not due and request is None:
                return False, None
            # None if the supervisor was killed before it could write it
            process = record["process"]
            module = Process(process["pid"], process["start"]) if process else None
            known = _in_scope(system, record)
            owner = self.foreign_owner()
            end_tree(system, self.jid, 0, module, grace, time.sleep, known, owner)
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
            pass  # a full or read-only file system: return the end all the same; the next look finds it again
        return False, status

    def wait(self, seconds: float) -> None:
        """Sleep for at most so many seconds, until the job has ended or must be looked at because its time is over."""
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
                # without a supervisor, only those who wait enforce the time limit; a queued job has not begun
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
        """Remove all files of the job. Processes that still run are not ended."""
        if self.job_dir is None:
            self.async_dir.remove_file(self.jid)
            return
        with self.async_dir.child(PRIVATE_DIR) as private:
            remove_job(self.async_dir, private, self.jid)


def _is_due(record: Record, monotonic: float) -> bool:
    """Return whether the time limit of a job has passed. False if it has none, or has not begun."""
    began, timeout = record["began"], record["timeout"]
    return bool(timeout and began is not None and monotonic >= began + timeout)


def _in_scope(system: System, record: Record) -> List[Process]:
    """Return the processes in the scope of a job; none if it has no scope."""
    if not record["scope"]:
        return []
    from ..system.scope import is_scope_of, scope_processes  # late: few jobs have one

    if not is_scope_of(record["scope"], record["id"]):
        return []
    pids = scope_processes(record["scope"]["cgroup"])
    return [Process(pid, system.process_start(pid)) for pid in pids]


def look_until_end(job: Job, excerpt: Excerpt, seconds: float) -> Status:
    """Return the job's status as soon as it has ended, at the latest after so many seconds."""
    deadline = job.system.monotonic() + seconds
    while True:
        status = job.look(excerpt)
        left = deadline - job.system.monotonic()
        if status["finished"] or left <= 0:
            return status
        job.wait(left)
