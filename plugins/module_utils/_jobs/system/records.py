# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""The record in a job directory, read from disk. Nothing else reads one."""

from typing import Optional

from ..model.errors import Damaged
from ..model.record import MAX_RECORD_BYTES, Record, parse_record
from .store import RECORD_FILE, Directory


def read_record(job_dir: Directory, jid: str) -> Optional[Record]:
    """Return the record of a job, or None if there is none, as for a job of core's. Raise Damaged if it is not valid."""
    text = job_dir.read_file(RECORD_FILE, limit=MAX_RECORD_BYTES + 1)
    if text is None:
        return None
    try:
        if len(text) > MAX_RECORD_BYTES:
            raise ValueError("it is too large")
        return parse_record(text, jid)
    except ValueError as error:
        path = job_dir.join(RECORD_FILE)
        raise Damaged(
            f"the record of job {jid} is damaged, or of another version of this collection: {error}: {path}",
            path=path,
        ) from None
