# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""What can be known of a job that stock core started: its file, and whether its wrapper still lives."""

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
    """The processes of core's async_wrapper, whose jobs they are; looked for once, when they are first asked for.

    A job that was there before must have its wrapper among them, or the wrapper has ended since.
    """

    def __init__(self, system: System) -> None:
        self._system = system
        self._found: Optional[List[Tuple[List[bytes], int, int]]] = None
        self.known = True  # whether there is a /proc to tell

    def of(self, jid: str, owner: Optional[int] = None) -> List[Tuple[int, int]]:
        """(pid, start time) of this job's wrappers, of this user's only if one is given."""
        if self._found is None:
            self._found = self._look()
        prefix = jid.split(".")[0].encode("ascii")
        return [
            (pid, start)
            for words, pid, start in self._found
            if prefix in words and (owner is None or self._owner(pid) == owner)
        ]

    def _look(self) -> List[Tuple[List[bytes], int, int]]:
        processes = self._system.processes()
        self.known = bool(processes)
        found = []
        for pid, (_parent, start, state) in processes.items():
            words = self._system.process_file(pid, "cmdline").split(b"\0")
            if state not in "ZX" and is_core_wrapper(words):
                found.append((words, pid, start))
        return found

    def temporary_dirs(self, jid: str, owner: int) -> List[str]:
        """The temporary directories of the task that these wrappers would remove at their end."""
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
    """Whether core's async_wrapper of this job runs; None where there is no /proc to tell."""
    wrappers = CoreWrappers(system)
    found = wrappers.of(jid)
    return bool(found) if wrappers.known else None


def _boot_time(system: System) -> float:
    for line in system.process_file("", "stat").splitlines():
        if line.startswith(b"btime "):
            return float(line.split()[1])
    return 0.0


def parse_job_file(text: Optional[bytes]) -> Optional[Dict[str, Any]]:
    """The job file's object; None if it is empty, cut off or something else."""
    try:
        found = json.loads((text or b"").decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def core_finished(data: Optional[Dict[str, Any]]) -> bool:
    """core's rule: a file without ``started`` is a result; with it, ``finished`` tells."""
    return data is not None and ("started" not in data or bool(data.get("finished")))


def look_at_core_job(
    system: System,
    async_dir: Directory,
    jid: str,
    excerpt: Excerpt,
    wrappers: Optional[CoreWrappers] = None,
) -> Status:
    """Return the status of a job of core's, with ``async_job`` filled in as far as anybody can know."""
    wrappers = wrappers or CoreWrappers(system)
    info = system.stat(jid, dir_fd=async_dir.fd, follow_symlinks=False)
    data = parse_job_file(async_dir.read_file(jid))
    state = STATE_RUNNING
    reason: Optional[str] = None
    if not core_finished(data):
        # another user's processes may be hidden from us
        ours = system.geteuid() in (0, info.st_uid)
        if ours and not wrappers.of(jid, info.st_uid) and wrappers.known:
            # it may have ended between our two looks
            data = parse_job_file(async_dir.read_file(jid))
            if not core_finished(data):
                state = STATE_LOST
                rebooted = info.st_mtime < _boot_time(system)
                reason = REASON_REBOOTED if rebooted else REASON_SUPERVISOR_KILLED
    result = dict(data or {})
    if core_finished(data):
        state = STATE_FAILED if failed_state(result) else STATE_SUCCEEDED
        reason = REASON_EXIT
        told = result.get("async_job")
        if isinstance(told, dict) and told.get("state") == STATE_CANCELLED:
            state, reason = (
                STATE_CANCELLED,
                REASON_REQUEST,
            )  # written by our cancel, core has no such state
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
    view = job_view(record, elapsed, not ended, None, output_view(None, excerpt, ended), None)
    result["async_job"] = view
    return result
