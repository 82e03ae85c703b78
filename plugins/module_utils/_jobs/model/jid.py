# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""What a job id is. Refused here is refused before any path is built from it."""

import re

from .errors import JobError


def check_jid(jid: object) -> str:
    """The jid itself, if it is one; JobError names the value if it is not."""
    if isinstance(jid, str) and re.match(r"j?[0-9]{1,20}\.[0-9]{1,10}\Z", jid):
        return jid
    raise JobError(
        f"jid: {jid!r} is no job id; it looks like j402058509351.34914, "
        "as ansible_job_id of the task that started the job has it"
    )


def make_jid(prefix: str, pid: int) -> str:
    """The jid on the wire: what the controller gave and the pid of the process that was started."""
    if not re.match(r"j?[0-9]{1,20}\Z", prefix):
        raise JobError(f"jid: {prefix!r} cannot begin a job id; give digits, or j and digits")
    return f"{prefix}.{pid}"
