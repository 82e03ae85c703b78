# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""Jobs that stock ansible-core started: their status, from the job file and from whether the wrapper still runs."""

import json
from typing import Any, Dict, List, Optional, Tuple

from ..model.core_formats import is_core_wrapper, removed_by_wrapper
from ..model.record import Status, failed_state, job_view, new_record, timestamp
from ..model.settings import Settings
from ..model.states import (
    END_STATES,
    REASON_EXIT,
    REASON_REBOOTED,
    REASON_REQUEST,
    REASON_SUPERVISOR_KILLED,
    STATE_CANCELLED,
    STATE_FAILED,
    STATE_LOST,
    STATE_RUNNING,
    STATE_SUCCEEDED,
)
from ..system.kernel import System
from ..system.store import Directory
from .view import Excerpt, output_view


class CoreWrappers:
    """The running processes of core's async_wrapper. They are looked for once, when ``of`` is first called.

    If a job file existed before that, and the job has no wrapper here, its wrapper has ended.
    """

    def __init__(self, system: System) -> None:
        self._system = system
        self._found: Optional[List[Tuple[List[bytes], int, int]]] = None
        self.known = True  # whether there is a /proc, in which wrappers can be found

    def of(self, jid: str, owner: Optional[int] = None) -> List[Tuple[int, int]]:
        """Return (pid, start time in clock ticks since boot) of each of the job's wrappers.

        owner: the uid to which they must belong; None for any.
        """
        if self._found is None:
            self._found = self._look()
        prefix = jid.split(".")[0].encode("ascii")
        return [
            (pid, start)
            for words, pid, start in self._found
            if prefix in words and (owner is None or self._owner(pid) == owner)
        ]

    def _look(self) -> List[Tuple[List[bytes], int, int]]:
        """Return (words of the command line, pid, start time) of every wrapper on the host."""
        processes = self._system.processes()
        self.known = bool(processes)
        found = []
        for pid, (_parent, start, state) in processes.items():
            words = self._system.process_file(pid, "cmdline").split(b"\0")
            if state not in "ZX" and is_core_wrapper(words):
                found.append((words, pid, start))
        return found

    def temporary_dirs(self, jid: str, owner: int) -> List[str]:
        """Return the temporary directories that the job's wrappers would remove at their end. owner: as for ``of``."""
        mine = {pid for pid, _start in self.of(jid, owner)}
        found = {
            removed_by_wrapper(words) for words, pid, _start in self._found or [] if pid in mine
        }
        return sorted(path for path in found if path is not None)

    def _owner(self, pid: int) -> Optional[int]:
        try:
            return int(self._system.stat(f"/proc/{pid}").st_uid)
        except OSError:
            return None  # it has ended


def wrapper_alive(system: System, jid: str) -> Optional[bool]:
    """Return whether a wrapper of this job runs; None where there is no /proc to find it in."""
    wrappers = CoreWrappers(system)
    found = wrappers.of(jid)
    return bool(found) if wrappers.known else None


def _boot_time(system: System) -> float:
    """Return when the host was booted, in seconds since the epoch (btime in proc(5)); 0 if it is unknown."""
    for line in system.process_file("", "stat").splitlines():
        if line.startswith(b"btime "):
            return float(line.split()[1])
    return 0.0


def parse_job_file(text: Optional[bytes]) -> Optional[Dict[str, Any]]:
    """Return the JSON object in the text of a job file; None if it is empty, cut off or something else."""
    try:
        found = json.loads((text or b"").decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def core_finished(data: Optional[Dict[str, Any]]) -> bool:
    """Return whether a job file is that of a finished job.

    It is if it has no ``started``, else if ``finished`` is true (core's modules/async_status.py).
    """
    return data is not None and ("started" not in data or bool(data.get("finished")))


def look_at_core_job(
    system: System,
    async_dir: Directory,
    jid: str,
    excerpt: Excerpt,
    wrappers: Optional[CoreWrappers] = None,
) -> Status:
    """Return the status of a job that core started, with what can be known of it in ``async_job``.

    wrappers: those of the host, if they are looked for once for several jobs. Raise OSError if the job file cannot be
    read.
    """
    wrappers = wrappers or CoreWrappers(system)
    info = system.stat(jid, dir_fd=async_dir.fd, follow_symlinks=False)
    data = parse_job_file(async_dir.read_file(jid))
    state = STATE_RUNNING
    reason: Optional[str] = None
    if not core_finished(data):
        # other users' processes may be hidden from us (hidepid in proc(5))
        ours = system.geteuid() in (0, info.st_uid)
        if ours and not wrappers.of(jid, info.st_uid) and wrappers.known:
            # it may have ended after the job file was read
            data = parse_job_file(async_dir.read_file(jid))
            if not core_finished(data):
                state = STATE_LOST
                rebooted = info.st_mtime < _boot_time(system)
                reason = REASON_REBOOTED if rebooted else REASON_SUPERVISOR_KILLED
    result = dict(data or {})
    if core_finished(data):
        state = STATE_FAILED if failed_state(result) else STATE_SUCCEEDED
        reason = REASON_EXIT
        view = result.get("async_job")
        if isinstance(view, dict) and view.get("state") == STATE_CANCELLED:
            # our async_cancel wrote it; core has no such state
            state, reason = STATE_CANCELLED, REASON_REQUEST
    elif state == STATE_LOST:
        why = (
            "the host was started again" if reason == REASON_REBOOTED else "its wrapper was killed"
        )
        result.update(
            failed=True, msg=f"the job is lost: {why} before it ended, and it left no result"
        )
    ended = state in END_STATES
    result.update(
        started=True, finished=ended, ansible_job_id=jid, results_file=async_dir.join(jid)
    )
    record = new_record(jid, None, 0.0, Settings(), async_dir.join(jid), False)
    record["timeout"] = None
    record["state"], record["reason"] = state, reason
    changed = timestamp(info.st_mtime)
    if ended and state != STATE_LOST:
        record["finished_at"] = changed
    else:
        record["started_at"] = changed
    elapsed = None if ended else max(0.0, system.time() - info.st_mtime)
    output = output_view(None, excerpt, ended)
    result["async_job"] = job_view(record, elapsed, not ended, None, output, None)
    return result
