# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""The one domain exception, and how a kernel's refusal is told to a user."""

import errno
from typing import Any, Dict, Optional

NO_SPACE_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class JobError(Exception):
    """What a user is told. ``details`` (JSON-able) is merged into the failed result."""

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details: Dict[str, Any] = details


def refused(action: str, path: str, error: OSError, hint: Optional[str] = None) -> JobError:
    """``could not <action> <path>: No space left on device (ENOSPC)``, with path and errno as details."""
    name = errno.errorcode.get(error.errno or 0, "unknown errno")
    text = f"could not {action} {path}: {error.strerror or error} ({name})"
    if hint:
        text = f"{text}; {hint}"
    return JobError(text, path=path, errno=name)
