# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""The kernel, as one replaceable object: a test puts another in its place to inject any errno."""

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
    """Thin, one method a call. What Linux alone has answers None or [] elsewhere."""

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
    waitpid = staticmethod(os.waitpid)  # loads nothing, where usage does not matter
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
        import fcntl  # late: a start does not wait for what only locks need

        fcntl.flock(fd, operation)

    @staticmethod
    def flock_within(fd: int, operation: int, seconds: float) -> bool:
        """Block on a lock for so many seconds at most; whether it was got. In the main thread only."""
        import fcntl

        class TimeIsUp(Exception):
            pass

        def stop(_number: int, _frame: Any) -> None:
            raise TimeIsUp  # the one way out of a call that Python would otherwise begin again

        previous = signal.signal(signal.SIGALRM, stop)
        try:
            # again, should the first come before the call
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
        return select.select(fds, [], [], timeout)[0]

    @staticmethod
    def kill(pid: int, start: Optional[int], number: int) -> bool:
        """Signal the process that has this pid and this start time; False if it is gone."""
        if hasattr(os, "pidfd_open") and hasattr(signal, "pidfd_send_signal"):
            try:
                fd = os.pidfd_open(pid)  # novm  # asked for above
            except ProcessLookupError:
                return False
            except OSError:
                fd = -1  # a kernel before 5.3, or a filter that refuses the call
            if fd >= 0:
                try:
                    if start is not None and process_start(pid) != start:
                        return False
                    signal.pidfd_send_signal(fd, number)  # novm  # asked for above
                    return True
                except ProcessLookupError:
                    return False
                finally:
                    os.close(fd)
        if start is not None and process_start(pid) != start:
            return False
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return False
        return True

    @staticmethod
    def close_others(keep: Iterable[int]) -> None:
        """Close every descriptor above 2 but those to keep: nothing of our caller is held open by a job."""
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
        """Have orphans of the tree become children of this process, so that none escapes."""
        prctl = find_prctl()
        return prctl is not None and bool(prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)

    @staticmethod
    def boot_id() -> Optional[str]:
        return boot_id()

    @staticmethod
    def processes() -> Dict[int, Tuple[int, int, str]]:
        """Every process that /proc shows: pid -> (parent pid, start time in ticks, state letter)."""
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
        """/proc/<pid>/<name>; empty if the process is gone or not ours to read. pid "" is the system's own."""
        try:
            with open(f"/proc/{pid}/{name}", "rb") as source:
                return source.read()
        except OSError:
            return b""

    @staticmethod
    def process_start(pid: int) -> Optional[int]:
        return process_start(pid)

    @staticmethod
    def owner_name(uid: int) -> str:
        """A name for messages; the number where the system has none."""
        import pwd

        try:
            return pwd.getpwuid(uid).pw_name
        except KeyError:
            return str(uid)

    @staticmethod
    def passwd_home() -> Optional[str]:
        import pwd

        try:
            return pwd.getpwuid(os.geteuid()).pw_dir
        except KeyError:
            return None


@functools.lru_cache(maxsize=None)
def find_prctl() -> Any:
    """The C library's function; None where there is none. Processes that are forked afterwards need not look for it."""
    try:
        import ctypes

        return ctypes.CDLL(None, use_errno=True).prctl
    except (ImportError, AttributeError, OSError):
        return None


@functools.lru_cache(maxsize=None)
def boot_id() -> Optional[str]:
    """Another after each boot; None where the kernel tells none. No process sees two."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as source:
            return source.read().strip()
    except OSError:
        return None


def _stat_fields(pid: int) -> List[str]:
    """The fields of /proc/<pid>/stat behind the command (which may hold blanks and brackets)."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as source:
            return source.read().rpartition(b")")[2].decode("ascii").split()
    except OSError:
        return []


def process_start(pid: int) -> Optional[int]:
    """Start time in clock ticks since boot: with the pid, it names a process for good."""
    fields = _stat_fields(pid)
    return int(fields[19]) if fields else None


def process_usage(system: System, pid: int) -> "Optional[Usage]":
    """CPU seconds of a process and the children that it reaped, and its peak memory in bytes."""
    fields = _stat_fields(pid)
    if not fields:
        return None
    ticks = sum(int(value) for value in fields[11:15])
    # sixty lines, of which one is wanted, for each job of a listing
    _before, found, peak = system.process_file(pid, "status").partition(b"\nVmHWM:")
    return {
        "cpu_seconds": round(ticks / os.sysconf("SC_CLK_TCK"), 2),
        "max_rss_bytes": int(peak.split(None, 1)[0]) * 1024 if found else 0,
    }
