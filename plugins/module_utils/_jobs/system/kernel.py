# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""The system calls that this library makes, as methods of one object that a test replaces to inject any errno."""

import errno
import functools
import os
import select
import signal
import time  # pylint: disable=unused-import  # it takes the method of this name for the module
from typing import TYPE_CHECKING, Any, Dict, Iterable, List, Optional, Tuple, Union

if TYPE_CHECKING:
    from ..model.record import Usage

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


class System:
    """The kernel: one thin method for each call. What only Linux has returns None or nothing elsewhere."""

    open = staticmethod(os.open)
    close = staticmethod(os.close)
    read = staticmethod(os.read)
    write = staticmethod(os.write)
    fsync = staticmethod(os.fsync)
    fstat = staticmethod(os.fstat)
    stat = staticmethod(os.stat)
    mkdir = staticmethod(os.mkdir)
    rmdir = staticmethod(os.rmdir)
    unlink = staticmethod(os.unlink)
    rename = staticmethod(os.rename)
    pipe = staticmethod(os.pipe)
    dup2 = staticmethod(os.dup2)
    fork = staticmethod(os.fork)
    setsid = staticmethod(os.setsid)
    execve = staticmethod(os.execve)
    wait4 = staticmethod(os.wait4)
    waitpid = staticmethod(os.waitpid)  # unlike wait4, it does not import resource
    getpid = staticmethod(os.getpid)
    geteuid = staticmethod(os.geteuid)
    exit = staticmethod(os._exit)
    monotonic = staticmethod(time.monotonic)
    time = staticmethod(time.time)

    @staticmethod
    def listdir(place: Union[int, str]) -> List[str]:
        """Return the names in a directory, which is open or named by its path."""
        return os.listdir(place)

    @staticmethod
    def flock(fd: int, operation: int) -> None:
        """Lock or unlock an open file or directory, see flock(2)."""
        import fcntl  # late: a start that needs no lock need not wait for it

        fcntl.flock(fd, operation)

    @staticmethod
    def flock_within(fd: int, operation: int, seconds: float) -> bool:
        """Wait for a lock for at most so many seconds. Return whether it was acquired. In the main thread only."""
        import fcntl

        class TimeIsUp(Exception):
            pass

        def stop(_number: int, _frame: Any) -> None:
            raise TimeIsUp  # else Python would begin the interrupted call again (PEP 475)

        previous = signal.signal(signal.SIGALRM, stop)
        try:
            # the signal is repeated each second, in case the first arrives before the call has begun
            signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
            fcntl.flock(fd, operation)
            signal.setitimer(signal.ITIMER_REAL, 0)
            return True
        except TimeIsUp:
            return False
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, previous)

    @staticmethod
    def select(fds: List[int], timeout: Optional[float]) -> List[int]:
        """Wait for at most *timeout* seconds. Return the descriptors that can be read."""
        return select.select(fds, [], [], timeout)[0]

    @staticmethod
    def kill(pid: int, start: Optional[int], number: int, owner: Optional[int] = None) -> bool:
        """Send a signal to the process with this pid. Return False if it is gone.

        start: its start time, see ``process_start``; a process that started at another time got the pid later, and is
        not signalled. None does not compare it. owner: the only user whose process is signalled; None for any. Raise
        PermissionError if this user may not signal it, or if it is another user's.
        """
        if hasattr(os, "pidfd_open") and hasattr(signal, "pidfd_send_signal"):
            try:
                fd = os.pidfd_open(pid)  # novm  # hasattr asked for it
            except ProcessLookupError:
                return False
            except OSError:
                fd = -1  # a kernel before 5.3, or a filter that refuses the call
            if fd >= 0:
                try:
                    if start is not None and process_start(pid) != start:
                        return False
                    _check_owner(pid, owner)
                    signal.pidfd_send_signal(fd, number)  # novm  # hasattr asked for it
                    return True
                except ProcessLookupError:
                    return False
                finally:
                    os.close(fd)
        if start is not None and process_start(pid) != start:
            return False
        try:
            _check_owner(abs(pid), owner)
            os.kill(pid, number)
        except ProcessLookupError:
            return False
        return True

    @staticmethod
    def close_others(keep: Iterable[int]) -> None:
        """Close every descriptor above 2 except those to keep, so that a job holds open no file of its caller."""
        highest = 1024
        for directory in ("/proc/self/fd", "/dev/fd"):
            try:
                highest = max(int(name) for name in os.listdir(directory))
                break
            except (OSError, ValueError):
                continue
        first = 3
        for fd in sorted(keep):
            if fd >= first:
                os.closerange(first, fd)
                first = fd + 1
        os.closerange(first, highest + 1)

    @staticmethod
    def become_subreaper() -> bool:
        """Make orphaned descendants children of this process, see prctl(2). Return whether the kernel can do it."""
        prctl = find_prctl()
        return prctl is not None and bool(prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)

    @staticmethod
    def boot_id() -> Optional[str]:
        """Return the id of the current boot, see the function ``boot_id``."""
        return boot_id()

    @staticmethod
    def processes() -> Dict[int, Tuple[int, int, str]]:
        """Return every process in /proc: pid -> (parent pid, start time in clock ticks since boot, state letter)."""
        found: Dict[int, Tuple[int, int, str]] = {}
        try:
            names = os.listdir("/proc")
        except OSError:
            return found
        for name in names:
            if name.isdigit():
                fields = _stat_fields(int(name))
                if fields:
                    found[int(name)] = (int(fields[1]), int(fields[19]), fields[0])
        return found

    @staticmethod
    def process_file(pid: Any, name: str) -> bytes:
        """Return the bytes of /proc/<pid>/<name>, none if the process is gone or we may not read the file.

        With the pid "", the file is /proc/<name>.
        """
        try:
            with open(f"/proc/{pid}/{name}", "rb") as source:
                return source.read()
        except OSError:
            return b""

    @staticmethod
    def process_start(pid: int) -> Optional[int]:
        """Return the start time of a process, see the function ``process_start``."""
        return process_start(pid)

    @staticmethod
    def process_owner(pid: int) -> Optional[int]:
        """Return the user id of a process; None if it has ended or there is no /proc."""
        try:
            return os.stat(f"/proc/{pid}").st_uid
        except OSError:
            return None

    @staticmethod
    def owner_name(uid: int) -> str:
        """Return the name of a user for messages, the number where the passwd database has no name for it."""
        import pwd

        try:
            return pwd.getpwuid(uid).pw_name
        except KeyError:
            return str(uid)

    @staticmethod
    def passwd_home() -> Optional[str]:
        """Return the home of the effective user in the passwd database; None if it has no entry."""
        import pwd

        try:
            return pwd.getpwuid(os.geteuid()).pw_dir
        except KeyError:
            return None


@functools.lru_cache(maxsize=None)
def find_prctl() -> Any:
    """Return the C library's function prctl; None where there is none.

    It is looked for once. Processes that are forked afterwards have the answer already.
    """
    try:
        import ctypes

        return ctypes.CDLL(None, use_errno=True).prctl
    except (ImportError, AttributeError, OSError):
        return None


@functools.lru_cache(maxsize=None)
def boot_id() -> Optional[str]:
    """Return the kernel's random id of this boot, see random(4); None where there is none."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as source:
            return source.read().strip()
    except OSError:
        return None


def _check_owner(pid: int, owner: Optional[int]) -> None:
    """Raise PermissionError if a process is not the user's, ProcessLookupError if it has ended. owner: None for any."""
    if owner is None:
        return
    try:
        found = os.stat(f"/proc/{pid}").st_uid
    except FileNotFoundError:
        raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH)) from None
    if found != owner:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))


def _stat_fields(pid: int) -> List[str]:
    """Return the fields of /proc/<pid>/stat after the command, which may contain spaces and brackets. See proc(5)."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as source:
            return source.read().rpartition(b")")[2].decode("ascii").split()
    except OSError:
        return []


def process_start(pid: int) -> Optional[int]:
    """Return the start time of a process in clock ticks since boot; None if it is gone or there is no /proc.

    A pid is used again; pid and start time together identify one process.
    """
    fields = _stat_fields(pid)
    return int(fields[19]) if fields else None


def process_usage(system: System, pid: int) -> "Optional[Usage]":
    """Return the CPU seconds of a process and the children that it reaped, and its own peak memory in bytes.

    None if the process is gone. See utime, stime, cutime, cstime and VmHWM in proc(5).
    """
    fields = _stat_fields(pid)
    if not fields:
        return None
    ticks = sum(int(value) for value in fields[11:15])
    # not split into its sixty lines: a listing reads this for every job, and needs one line
    _before, found, peak = system.process_file(pid, "status").partition(b"\nVmHWM:")
    return {
        "cpu_seconds": round(ticks / os.sysconf("SC_CLK_TCK"), 2),
        "max_rss_bytes": int(peak.split(None, 1)[0]) * 1024 if found else 0,
    }
