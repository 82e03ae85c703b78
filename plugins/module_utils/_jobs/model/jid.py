# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""What a job id looks like. Ids are checked here before any path is built from them."""

import re

from .errors import JobError


def check_jid(jid: object) -> str:
    """Return the jid if it is valid. Raise JobError, naming the value, if it is not."""
    if isinstance(jid, str) and re.match(r"j?[0-9]{1,20}\.[0-9]{1,10}\Z", jid):
        return jid
    raise JobError(
        f"jid: {jid!r} is not a job id; a job id looks like j402058509351.34914 "
        "and is returned as ansible_job_id by the task that started the job"
    )


def make_jid(prefix: str, pid: int) -> str:
    """Return the jid that is made of the controller's prefix and the pid of the process that starts the job.

    Raise JobError if the prefix is not valid.
    """
    if not re.match(r"j?[0-9]{1,20}\Z", prefix):
        raise JobError(f"jid: {prefix!r} cannot begin a job id; give digits, or j and digits")
    return f"{prefix}.{pid}"
