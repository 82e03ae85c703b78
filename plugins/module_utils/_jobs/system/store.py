# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""Where jobs are kept: the async dir, the job file in it, the private job directory beside it."""

import errno
import os
import stat
from typing import List, Optional, Sequence, Tuple

from ..model.errors import AsyncDirMissing, Refused, Unbelieved
from .kernel import System

DEFAULT_ASYNC_DIR = "~/.ansible_async"  # core's
PRIVATE_DIR = ".longrun"
RECORD_FILE = "record.json"
LOCK_FILE = "lock"  # held by the supervisor as long as it lives
MODULE_LOCK_FILE = "module.lock"  # held by the module's process as long as it lives
RESULT_FILE = "result"  # what the module printed
MODULE_STDERR_FILE = "module_stderr"  # what the module itself, not its children, said on fd 2
EXIT_FILE = "exit"  # the module's exit status: its result is whole
PROGRESS_FILE = "progress"
REQUEST_FILE = "request.json"  # how the end was asked for: {grace}
SHOWN_FILE = "shown"  # the cursor up to which a controller that waits has shown the output
RESERVE_FILE = "reserve"  # given back to a full disk, so that the end can still be written
NO_SPACE_FILE = "no_space"  # the module came to its end, and a full disk refused its result
STEPS_FILE = "steps"  # of a chain: a line of JSON for each step that has ended, with its result
PAYLOAD_FILE = "payload"  # a module that cannot be run from memory, and its arguments
ARGUMENTS_FILE = "arguments"
PAYLOAD_DIRS_FILE = "payload_dirs"  # temporary directories of a module that could not remove them

# the same on Linux, the BSDs and macOS
LOCK_SH = 1
LOCK_EX = 2
LOCK_NB = 4
LOCK_UN = 8
_RESERVE_BYTES = 16384
_REMOVALS = 100  # of a directory in which somebody makes files; he is done with that long before
_DIRECTORY_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


def write_all(system: System, fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[system.write(fd, view) :]


class Directory:
    """An open directory: what is done in it cannot be led elsewhere by a link planted later.

    It owns its descriptor: use it in a ``with`` statement, or close it. owners: the users whose files are believed
    here.
    """

    def __init__(self, system: System, path: str, fd: int, owners: Tuple[int, ...]) -> None:
        self.system = system
        self.path = path
        self.fd = fd
        self.owners = owners

    def __enter__(self) -> "Directory":
        return self

    def __exit__(self, *_unused: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the descriptor. Closing it again does nothing."""
        if self.fd >= 0:
            self.system.close(self.fd)
            self.fd = -1

    def join(self, name: str) -> str:
        return os.path.join(self.path, name)

    def open_file(self, name: str, flags: int = _READ_FLAGS, mode: int = 0o600) -> int:
        """A regular file of a believed owner, never through a link. OSError or JobError if it is none."""
        fd = self.system.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, mode, dir_fd=self.fd)
        info = self.system.fstat(fd)
        if not stat.S_ISREG(info.st_mode) or info.st_uid not in self.owners:
            self.system.close(fd)
            owner = self.system.owner_name(info.st_uid)
            raise Unbelieved(
                f"{self.join(name)} is not believed: it is no regular file or belongs to {owner}",
                path=self.join(name),
            )
        return int(fd)

    def read_file(self, name: str, offset: int = 0, limit: Optional[int] = None) -> Optional[bytes]:
        """The bytes of a file, or None where there is none."""
        try:
            fd = self.open_file(name)
        except FileNotFoundError:
            return None
        try:
            if offset:
                os.lseek(fd, offset, os.SEEK_SET)
            pieces: List[bytes] = []
            while limit is None or limit > 0:
                piece = self.system.read(fd, 1 << 20 if limit is None else min(limit, 1 << 20))
                if not piece:
                    break
                pieces.append(piece)
                if limit is not None:
                    limit -= len(piece)
            return b"".join(pieces)
        finally:
            self.system.close(fd)

    def write_file(self, name: str, data: bytes) -> None:
        """All or nothing, and durable: a reader sees the old bytes or the new, also after a power cut."""
        write_together(self.system, [(self, name, data)])

    def create_temporary(self, name: str) -> Tuple[str, int]:
        """The name and the descriptor of a new file that is to be renamed to the one given."""
        temporary = f".{name}.{self.system.getpid()}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        try:
            return temporary, self.open_file(temporary, flags)
        except FileExistsError:  # left by a process of this pid that was killed in mid-write
            self.system.unlink(temporary, dir_fd=self.fd)
            return temporary, self.open_file(temporary, flags)

    def remove_file(self, name: str) -> bool:
        try:
            self.system.unlink(name, dir_fd=self.fd)
        except FileNotFoundError:
            return False
        return True

    def names(self) -> List[str]:
        # by a descriptor of its own: processes that inherited one share how far a listing has come, and miss names
        fd = self.system.open(".", _DIRECTORY_FLAGS, dir_fd=self.fd)
        try:
            return sorted(self.system.listdir(fd))
        finally:
            self.system.close(fd)

    def child(self, name: str, create: bool = False, durable: bool = True) -> "Directory":
        """A directory in this one, not through a link, of a believed owner.

        durable: whether one that is made here must last; otherwise whoever writes into it sees to that.
        """
        path = self.join(name)
        if create:
            try:
                self.system.mkdir(name, 0o700, dir_fd=self.fd)
                if durable:
                    self.system.fsync(self.fd)
            except FileExistsError:
                pass
        fd = self.system.open(name, _DIRECTORY_FLAGS | os.O_NOFOLLOW, dir_fd=self.fd)
        info = self.system.fstat(fd)
        if info.st_uid not in self.owners or info.st_mode & 0o022:
            self.system.close(fd)
            owner = self.system.owner_name(info.st_uid)
            raise Unbelieved(
                f"{path} is not believed: it belongs to {owner}, mode {info.st_mode & 0o7777:04o}",
                path=path,
            )
        return Directory(self.system, path, fd, self.owners)

    def parent(self) -> "Directory":
        """Open the directory in which this one is."""
        fd = self.system.open("..", _DIRECTORY_FLAGS, dir_fd=self.fd)
        return Directory(self.system, os.path.dirname(self.path), fd, self.owners)

    def duplicate(self) -> "Directory":
        """Open the same directory once more, so that it can be closed apart from this one."""
        return Directory(self.system, self.path, os.dup(self.fd), self.owners)

    def remove_child(self, name: str) -> None:
        """A job directory and the files in it; it holds no directories of ours."""
        try:
            inner = self.child(name)
        except FileNotFoundError:
            return
        with inner:
            for attempt in range(_REMOVALS):
                for entry in inner.names():
                    inner.remove_file(entry)
                try:
                    self.system.rmdir(name, dir_fd=self.fd)
                    return
                except OSError as error:
                    # the processes of a job that runs may have made a file meanwhile
                    if error.errno != errno.ENOTEMPTY or attempt == _REMOVALS - 1:
                        raise

    def gone(self) -> bool:
        """Whether somebody removed the directory while it was open."""
        try:
            named = self.system.stat(self.path, follow_symlinks=False)
        except OSError:
            return True
        here = self.system.fstat(self.fd)
        return bool((named.st_dev, named.st_ino) != (here.st_dev, here.st_ino))

    def size(self, name: str) -> int:
        """Bytes of a file; 0 where there is none."""
        try:
            return int(self.system.stat(name, dir_fd=self.fd, follow_symlinks=False).st_size)
        except FileNotFoundError:
            return 0

    def lock(self, name: str, operation: int, create: bool = False) -> Optional[int]:
        """An open, locked file; None if another holds it (with LOCK_NB) or there is none."""
        try:
            fd = self.open_file(name, os.O_RDWR | os.O_CREAT if create else _READ_FLAGS)
        except FileNotFoundError:
            return None
        try:
            self.system.flock(fd, operation)
        except OSError as error:
            self.system.close(fd)
            if error.errno in (errno.EAGAIN, errno.EACCES):
                return None
            raise
        return int(fd)

    def held(self, name: str) -> bool:
        """Whether a living process holds the lock. Lookers share it, so they do not see each other."""
        fd = self.lock(name, LOCK_SH | LOCK_NB)
        if fd is None:
            return self.read_file(name, limit=1) is not None
        self.system.close(fd)
        return False

    def reserve(self) -> None:
        """Set blocks aside that ``release`` gives back to a full disk."""
        fd = self.open_file(RESERVE_FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            write_all(self.system, fd, b"longrun\n" * (_RESERVE_BYTES // 8))
        finally:
            self.system.close(fd)

    def release(self) -> None:
        self.remove_file(RESERVE_FILE)


def write_together(
    system: System,
    files: Sequence[Tuple[Directory, str, bytes]],
    parents: Sequence[Directory] = (),
) -> None:
    """Several files, as ``write_file`` writes one, in order. To wait for a disk once costs little less than once for each.

    parents: directories in which something was made just now that must last, too.
    """
    made: List[Tuple[Directory, str, str]] = []
    fds: List[int] = []
    try:
        try:
            for directory, name, data in files:
                temporary, fd = directory.create_temporary(name)
                fds.append(fd)
                made.append((directory, temporary, name))
                write_all(system, fd, data)
            for fd in fds:
                system.fsync(fd)
        finally:
            for fd in fds:
                system.close(fd)
        for directory, temporary, name in made:
            system.rename(temporary, name, src_dir_fd=directory.fd, dst_dir_fd=directory.fd)
    except OSError:
        for directory, temporary, _name in made:
            directory.remove_file(temporary)
        raise
    changed = {directory.fd for directory, _temporary, _name in made}
    for fd in sorted(changed.union(parent.fd for parent in parents)):
        system.fsync(fd)


def expand_home(path: str, home: Optional[str]) -> str:
    """``~/x`` below the home given; other forms of ``~`` as the passwd database has them."""
    first, _unused, rest = path.partition("/")
    if not first.startswith("~"):
        return os.path.abspath(path)
    base = home if home and first == "~" else _passwd_home(first[1:])
    return os.path.abspath(os.path.join(base, rest) if base else path)


def _passwd_home(user: str) -> Optional[str]:
    """The home of a user, of ours for an empty name; None if there is no such user."""
    import pwd

    try:
        return (pwd.getpwnam(user) if user else pwd.getpwuid(os.getuid())).pw_dir
    except KeyError:
        return None


def create_async_dir(system: System, written_dir: str, home: Optional[str]) -> Directory:
    """The async dir, made 0700 if it is not there. A home that does not exist is not made."""
    path = expand_home(written_dir, home)
    if written_dir.startswith("~"):
        base = expand_home(written_dir.split("/", 1)[0], home)
        try:
            system.stat(base)
        except OSError as error:
            raise Refused(
                "use the home",
                base,
                error,
                "set ansible_async_dir to a directory that this user can make",
            ) from error
    missing = []
    ancestor = path
    while ancestor != "/" and not os.path.lexists(ancestor):
        missing.append(ancestor)
        ancestor = os.path.dirname(ancestor)
    for name in reversed(missing):
        try:
            system.mkdir(name, 0o700)
        except FileExistsError:
            pass  # another start made it meanwhile
        except OSError as error:
            raise Refused("make the async dir", name, error) from error
    return open_async_dir(system, path)


def open_async_dir(system: System, path: str) -> Directory:
    """An async dir that can be trusted: nobody but its owner (us, root) can change what is in it."""
    try:
        fd = system.open(path, _DIRECTORY_FLAGS)
    except FileNotFoundError as error:
        raise AsyncDirMissing("open the async dir", path, error) from error
    except OSError as error:
        raise Refused("open the async dir", path, error) from error
    info = system.fstat(fd)
    euid = system.geteuid()
    foreign = info.st_uid not in (0, euid)
    others_write = info.st_mode & 0o002 and not info.st_mode & stat.S_ISVTX
    if others_write or (foreign and info.st_mode & 0o022):
        system.close(fd)
        owner = system.owner_name(info.st_uid)
        raise Unbelieved(
            f"the async dir {path} is refused: it belongs to {owner} with mode {info.st_mode & 0o7777:04o}, "
            "so others could put files of theirs in its place; use one that only its owner can write",
            path=path,
        )
    return Directory(system, path, fd, tuple({0, euid, info.st_uid} if euid == 0 else {0, euid}))
