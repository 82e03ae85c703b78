# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""What a request refuses to do, or cannot do, and how an errno is told to a user."""

import errno
from typing import Any, Dict, Optional

NO_SPACE_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class JobError(Exception):
    """A failure that is told to the user.

    message: the text for the user. details: JSON-able values that are merged into the failed result. path: the file
    or directory that it is about, where it is about one.
    """

    path: Optional[str] = None

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details: Dict[str, Any] = details


class Refused(JobError):
    """The kernel refused a call: ``could not <action> <path>: No space left on device (ENOSPC)``.

    number: the errno. hint: what the user can do about it, appended to the message.
    """

    def __init__(self, action: str, path: str, error: OSError, hint: Optional[str] = None) -> None:
        self.number = error.errno or 0
        name = errno.errorcode.get(self.number, "unknown errno")
        text = f"could not {action} {path}: {error.strerror or error} ({name})"
        super().__init__(f"{text}; {hint}" if hint else text, path=path, errno=name)
        self.path = path


class AsyncDirMissing(Refused):
    """The async dir does not exist: no job was ever started there."""


class Unbelieved(JobError):
    """A file or directory that somebody else could have written is not read."""

    def __init__(self, message: str, path: str) -> None:
        super().__init__(message, path=path)
        self.path = path


class Damaged(JobError):
    """A file of a job does not hold what this collection writes."""

    def __init__(self, message: str, path: str) -> None:
        super().__init__(message, path=path)
        self.path = path


class JobNotFound(JobError):
    """There is no such job where it was looked for, or it was removed a moment ago."""

    def __init__(self, message: str, looked_in: Any = ()) -> None:
        super().__init__(message, looked_in=list(looked_in))
