# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""The priority of a job among other processes: its nice value, and the scheduling class of its I/O."""

import os
from typing import NamedTuple, Optional, Tuple

from ..model.errors import JobError, Refused
from ..model.output import quoted_value
from .kernel import System

_IO_CLASSES = {"realtime": 1, "best-effort": 2, "idle": 3}
_IO_PRIORITY_PROCESS = 1  # IOPRIO_WHO_PROCESS, see ioprio_set(2)
_IO_CLASS_SHIFT = 13
# ioprio_set has no function in libc, and a number of its own on each architecture
_IOPRIO_SET = {
    "x86_64": 251,
    "i386": 289,
    "i686": 289,
    "aarch64": 30,
    "riscv64": 30,
    "loongarch64": 30,
    "armv7l": 314,
    "armv6l": 314,
    "ppc64le": 273,
    "ppc64": 273,
    "s390x": 282,
}


class Priority(NamedTuple):
    """The priority of a job. nice: -20 to 19. io: (class, level). None leaves the value unchanged."""

    nice: Optional[int]
    io: Optional[Tuple[int, int]]


def parse_io_class(text: str) -> Tuple[int, int]:
    """Return (class, level), as ionice(1) has them, of a text such as ``idle``, ``realtime`` or ``best-effort:7``.

    The level, 0 to 7, is 4 if it is left out; ``idle`` has none. Raise ValueError, naming the text, if it is not valid.
    """
    name, colon, level = text.strip().partition(":")
    known = name in _IO_CLASSES and (not colon or (name != "idle" and level in tuple("01234567")))
    if not known:
        raise ValueError(
            f"{quoted_value(text)} is not a valid class: give idle, best-effort or realtime, the last two with "
            "a level from 0 to 7 if wanted (best-effort:7)"
        )
    return _IO_CLASSES[name], int(level or (0 if name == "idle" else 4))


def set_priority(priority: Priority) -> None:
    """Set the priority of this process and of those that it starts. Raise OSError if the kernel refuses it."""
    if priority.nice is not None:
        os.setpriority(os.PRIO_PROCESS, 0, priority.nice)
    if priority.io is not None:
        _set_io_class(*priority.io)


def _set_io_class(number: int, level: int) -> None:
    """Call ioprio_set(2), for which the C library has no function."""
    import ctypes
    import errno

    call = _IOPRIO_SET.get(os.uname().machine) if os.uname().sysname == "Linux" else None
    if call is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(call, _IO_PRIORITY_PROCESS, 0, number << _IO_CLASS_SHIFT | level) != 0:
        failure = ctypes.get_errno()
        raise OSError(failure, os.strerror(failure))


def check_priority(system: System, priority: Priority) -> None:
    """Set the priority in a process of its own, to know it before a job is started.

    Raise JobError, naming the option, if the kernel refuses it.
    """
    for option, part in (
        ("nice", priority._replace(io=None)),
        ("ionice", priority._replace(nice=None)),
    ):
        if part == Priority(None, None):
            continue
        user = system.owner_name(system.geteuid())
        try:
            pid = system.fork()
        except OSError as error:
            raise Refused("start a process for jobs of", user, error) from error
        if pid == 0:
            failure = 255
            try:
                set_priority(part)
                failure = 0
            except OSError as error:
                failure = error.errno or 255
            finally:
                system.exit(failure)
        status = os.WEXITSTATUS(system.wait4(pid, 0)[1])
        if status:
            refusal = Refused("set it for jobs of", user, OSError(status, os.strerror(status)))
            raise JobError(f"{option}: {refusal.message}", option=option)
