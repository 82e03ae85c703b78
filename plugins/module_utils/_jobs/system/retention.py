# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""Ended jobs go when they were kept for as long as their retention says; a few at each start."""

import json

from ..model.errors import JobError
from ..model.record import abandoned, expired
from .kernel import System
from .store import LOCK_FILE, MODULE_LOCK_FILE, PRIVATE_DIR, RECORD_FILE, Directory

_LOOKED_AT = 64  # jobs a start looks at: it must cost the same with 10 jobs and with 10,000
_REMOVED = 16


def sweep(system: System, async_dir: Directory) -> int:
    """Remove some ended jobs whose retention is over; how many. What cannot be read is left alone."""
    try:
        private = async_dir.child(PRIVATE_DIR)
    except (OSError, JobError):
        return 0
    removed = 0
    with private:
        try:
            jids = [name for name in private.names() if name[-1:].isdigit()]
        except OSError:
            return 0  # the directory was removed meanwhile
        # another stretch each time, so that all get a turn
        first = int(system.time() * 1000) % max(1, len(jids))
        for jid in (jids[first:] + jids[:first])[:_LOOKED_AT]:
            try:
                if removed < _REMOVED and _is_expired(system, private, jid):
                    remove_job(async_dir, private, jid)
                    removed += 1
            except (OSError, JobError):
                # somebody else's clean-up came first, or a file is not ours: no reason to trouble a new job
                continue
    return removed


def _is_expired(system: System, private: Directory, jid: str) -> bool:
    with private.child(jid) as job_dir:
        try:
            record = json.loads((job_dir.read_file(RECORD_FILE) or b"{}").decode("utf-8"))
            if abandoned(record, system.time()):
                return not job_dir.held(LOCK_FILE) and not job_dir.held(MODULE_LOCK_FILE)
            return expired(record, system.time())
        except (ValueError, AttributeError, TypeError):  # damaged, or of another version
            return False


def remove_job(async_dir: Directory, private: Directory, jid: str) -> None:
    """A job's traces: first the job file, so that nobody finds a job whose directory is half gone."""
    async_dir.remove_file(jid)
    private.remove_child(jid)
