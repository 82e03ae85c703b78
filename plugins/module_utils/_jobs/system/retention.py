# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""Remove ended jobs that have been kept for longer than their retention, a few at each start of a job."""

from ..model.errors import JobError
from ..model.record import abandoned, expired
from .kernel import System
from .records import read_record
from .store import LOCK_FILE, MODULE_LOCK_FILE, PRIVATE_DIR, Directory

_MAX_EXAMINED = 64  # jobs at each start, which must cost the same with 10,000 jobs as with 100
_MAX_REMOVED = 16


def sweep(system: System, async_dir: Directory) -> int:
    """Remove some ended jobs whose retention is over. Return how many. Jobs that cannot be read are left alone."""
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
        # each start begins at another job, so that all of them are examined in time
        first = int(system.time() * 1000) % max(1, len(jids))
        for jid in (jids[first:] + jids[:first])[:_MAX_EXAMINED]:
            try:
                if removed < _MAX_REMOVED and _is_expired(system, private, jid):
                    remove_job(async_dir, private, jid)
                    removed += 1
            except (OSError, JobError):
                # another process removed it first, or a file is not ours: neither may make the start of a job fail
                continue
    return removed


def _is_expired(system: System, private: Directory, jid: str) -> bool:
    """Return whether a job has been kept for longer than its retention and does not run."""
    with private.child(jid) as job_dir:
        record = read_record(job_dir, jid)
        if record is None:
            return False
        if abandoned(record, system.time()):
            return not job_dir.held(LOCK_FILE) and not job_dir.held(MODULE_LOCK_FILE)
        return expired(record, system.time())


def remove_job(async_dir: Directory, private: Directory, jid: str) -> None:
    """Remove the files of a job: first the job file, so that nobody finds a job whose directory is half removed."""
    async_dir.remove_file(jid)
    private.remove_child(jid)
