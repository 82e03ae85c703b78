# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""The files of jobs: the async dir, the job files in it, and the private job directories beside them."""

import errno
import os
import stat
from typing import List, Optional, Sequence, Tuple

from ..model.errors import AsyncDirMissing, Refused, Unbelieved
from .kernel import System

DEFAULT_ASYNC_DIR = "~/.ansible_async"  # core's, in plugins/doc_fragments/shell_common.py
PRIVATE_DIR = ".longrun"
RECORD_FILE = "record.json"
LOCK_FILE = "lock"  # held by the supervisor as long as it lives
MODULE_LOCK_FILE = "module.lock"  # held by the module's process as long as it lives
RESULT_FILE = "result"  # what the module printed
MODULE_STDERR_FILE = "module_stderr"  # what the module itself, not its commands, wrote to stderr
EXIT_FILE = "exit"  # the module's exit status; where it exists, the result is complete
PROGRESS_FILE = "progress"  # what the job appended to $ANSIBLE_ASYNC_PROGRESS
REQUEST_FILE = "request.json"  # the request to end the job: {grace}
SHOWN_FILE = "shown"  # the cursor up to which a controller that waits has shown the output
RESERVE_FILE = "reserve"  # removed when the disk is full, so that the end can still be written
NO_SPACE_FILE = "no_space"  # exists if the module ended, but a full disk refused its result
STEPS_FILE = "steps"  # of a chain: a line of JSON for each step that has ended, with its result
PAYLOAD_FILE = "payload"  # a module that cannot be run from memory
ARGUMENTS_FILE = "arguments"  # the arguments of such a module
PAYLOAD_DIRS_FILE = "payload_dirs"  # a module's temporary directories, if it could not remove them

# as in the module fcntl, which is imported late; the values are the same on Linux, the BSDs and macOS
LOCK_SH = 1
LOCK_EX = 2
LOCK_NB = 4
LOCK_UN = 8
_RESERVE_BYTES = 16384
_REMOVALS = 100  # attempts to remove a directory in which a process still makes files
_DIRECTORY_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


def write_all(system: System, fd: int, data: bytes) -> None:
    """Write all of the data, in as many writes as it takes. Raise OSError if one is refused."""
    view = memoryview(data)
    while view:
        view = view[system.write(fd, view) :]


def checked_name(name: str) -> str:
    """Return a name of a file in a directory. Raise ValueError for a path, which would lead elsewhere (open(2), openat)."""
    if not name or "/" in name or name in (".", ".."):
        raise ValueError(f"{name!r} is not the name of a file in a directory")
    return name


class Directory:
    """An open directory. A link that is put in its place later leads none of its methods elsewhere.

    It owns its descriptor: use it in a ``with`` statement, or close it. owners: the uids whose files are trusted in
    it.
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
        """Return the path of a file in this directory."""
        return os.path.join(self.path, name)

    def open_file(self, name: str, flags: int = _READ_FLAGS, mode: int = 0o600) -> int:
        """Open a file, not through a link. Return the descriptor.

        Raise Unbelieved if it is not a regular file, or belongs to a user who is not one of the owners; OSError if it
        cannot be opened.
        """
        flags |= os.O_NOFOLLOW | os.O_CLOEXEC
        fd = self.system.open(checked_name(name), flags, mode, dir_fd=self.fd)
        info = self.system.fstat(fd)
        if not stat.S_ISREG(info.st_mode) or info.st_uid not in self.owners:
            self.system.close(fd)
            owner = self.system.owner_name(info.st_uid)
            raise Unbelieved(
                f"{self.join(name)} is not believed: it is not a regular file or belongs to {owner}",
                path=self.join(name),
            )
        return int(fd)

    def read_file(self, name: str, offset: int = 0, limit: Optional[int] = None) -> Optional[bytes]:
        """Return the bytes of a file, at most *limit* of them from *offset* on; None if there is no such file."""
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
        """Replace a file as a whole, durably: a reader sees the old bytes or the new, even after a power failure."""
        write_together(self.system, [(self, name, data)])

    def create_temporary(self, name: str) -> Tuple[str, int]:
        """Create a file that is to be renamed to *name* once it is written. Return its name and its descriptor."""
        temporary = f".{checked_name(name)}.{self.system.getpid()}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        try:
            return temporary, self.open_file(temporary, flags)
        except FileExistsError:  # left by a process that had this pid and was killed while it wrote
            self.system.unlink(temporary, dir_fd=self.fd)
            return temporary, self.open_file(temporary, flags)

    def remove_file(self, name: str) -> bool:
        """Remove a file. Return False if there is no such file."""
        try:
            self.system.unlink(checked_name(name), dir_fd=self.fd)
        except FileNotFoundError:
            return False
        return True

    def names(self) -> List[str]:
        """Return the names in the directory, sorted."""
        # with a descriptor of its own: processes that share an inherited one share its position, and would miss names
        fd = self.system.open(".", _DIRECTORY_FLAGS, dir_fd=self.fd)
        try:
            return sorted(self.system.listdir(fd))
        finally:
            self.system.close(fd)

    def child(self, name: str, create: bool = False, durable: bool = True) -> "Directory":
        """Open a directory in this one, not through a link.

        Raise Unbelieved if it does not belong to one of the owners, or others can write in it. create: make it if it
        does not exist. durable: whether to write a directory that is made here to the disk now; if False, the caller
        passes this one to ``write_together`` as a parent.
        """
        path = self.join(checked_name(name))
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
        """Remove a job directory and the files in it. We make no directories in it."""
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
                    # a process of a running job may just have made a file
                    if error.errno != errno.ENOTEMPTY or attempt == _REMOVALS - 1:
                        raise

    def gone(self) -> bool:
        """Return whether the directory was removed, or replaced by another, after it was opened."""
        try:
            named = self.system.stat(self.path, follow_symlinks=False)
        except OSError:
            return True
        here = self.system.fstat(self.fd)
        return bool((named.st_dev, named.st_ino) != (here.st_dev, here.st_ino))

    def size(self, name: str) -> int:
        """Return the size of a file in bytes, 0 if there is no such file."""
        try:
            return int(self.system.stat(name, dir_fd=self.fd, follow_symlinks=False).st_size)
        except FileNotFoundError:
            return 0

    def lock(self, name: str, operation: int, create: bool = False) -> Optional[int]:
        """Open and lock a file. Return its descriptor; closing it releases the lock.

        None if there is no such file, or if *operation* has LOCK_NB and another process holds the lock. create: make
        the file if it does not exist.
        """
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
        """Return whether a living process holds the lock of a file.

        It is tried with a shared lock, so that processes which ask at the same time do not see each other.
        """
        fd = self.lock(name, LOCK_SH | LOCK_NB)
        if fd is None:
            return self.read_file(name, limit=1) is not None
        self.system.close(fd)
        return False

    def reserve(self) -> None:
        """Occupy some blocks of the disk, which ``release`` frees when the disk is full."""
        fd = self.open_file(RESERVE_FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            write_all(self.system, fd, b"longrun\n" * (_RESERVE_BYTES // 8))
        finally:
            self.system.close(fd)

    def release(self) -> None:
        """Free the blocks that ``reserve`` occupied."""
        self.remove_file(RESERVE_FILE)


def write_together(
    system: System,
    files: Sequence[Tuple[Directory, str, bytes]],
    parents: Sequence[Directory] = (),
) -> None:
    """Write several files as ``write_file`` writes one. They appear in this order.

    All of the data is written before the first fsync, and each directory is synced once for all of its files.
    parents: directories in which something was just made, and which are synced as well. Raise OSError if something is
    refused.
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
    """Return the absolute path. ``~`` is the home that is given, if any; else it and ``~user`` are those in passwd."""
    first, _unused, rest = path.partition("/")
    if not first.startswith("~"):
        return os.path.abspath(path)
    base = home if home and first == "~" else _passwd_home(first[1:])
    return os.path.abspath(os.path.join(base, rest) if base else path)


def _passwd_home(user: str) -> Optional[str]:
    """Return the home of a user, or of this process's user for an empty name; None if there is no such user."""
    import pwd

    try:
        return (pwd.getpwnam(user) if user else pwd.getpwuid(os.getuid())).pw_dir
    except KeyError:
        return None


def create_async_dir(system: System, written_dir: str, home: Optional[str]) -> Directory:
    """Open the async dir, and make it with mode 0700 if it does not exist. A home that does not exist is not made.

    Raise Refused if it, or the home, cannot be used.
    """
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
                "set ansible_async_dir to a directory that this user can create",
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
            pass  # another start has just made it
        except OSError as error:
            raise Refused("make the async dir", name, error) from error
    return open_async_dir(system, path)


def open_async_dir(system: System, path: str) -> Directory:
    """Open an async dir that can be trusted: nobody but its owner, root and this user can replace the files in it.

    Raise AsyncDirMissing if it does not exist, Refused if it cannot be opened, Unbelieved if others can write in it.
    """
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
            "so others could put their own files in it; use one that only its owner can write to",
            path=path,
        )
    return Directory(system, path, fd, tuple({0, euid, info.st_uid} if euid == 0 else {0, euid}))
