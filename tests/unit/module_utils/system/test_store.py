# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import os
import stat

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.errors import JobError
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system.kernel import System
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system.store import (
    LOCK_EX,
    LOCK_NB,
    Directory,
    create_async_dir,
    expand_home,
    open_async_dir,
)

OTHER = 54321  # a user that is neither root nor us


@pytest.fixture
def directory(tmp_path):
    tmp_path.chmod(0o700)
    directory = open_async_dir(System(), str(tmp_path))
    yield directory
    directory.close()


class OwnedByOthers(System):
    """Every file seems to belong to another user, as chown makes it for root alone."""

    def __init__(self, mode=None, euid=None):
        self.mode = mode
        self.euid = os.geteuid() if euid is None else euid

    def geteuid(self):
        return self.euid

    def fstat(self, fd):
        found = list(os.fstat(fd))
        found[stat.ST_UID] = OTHER
        if self.mode is not None:
            found[stat.ST_MODE] = stat.S_IFMT(found[stat.ST_MODE]) | self.mode
        return os.stat_result(found)


# writing


def test_a_file_is_replaced_as_a_whole(directory, tmp_path):
    directory.write_file("record", b"one")
    directory.write_file("record", b"two")
    assert (tmp_path / "record").read_bytes() == b"two"
    assert stat.S_IMODE((tmp_path / "record").stat().st_mode) == 0o600
    assert os.listdir(str(tmp_path)) == ["record"]


@pytest.mark.parametrize("number", ["ENOSPC", "EIO", "EROFS", "EDQUOT"])
@pytest.mark.parametrize("call", ["write", "fsync", "rename"])
def test_a_write_that_fails_leaves_the_old_bytes_and_nothing_else(
    tmp_path, faulty_system, call, number
):
    tmp_path.chmod(0o700)
    open_async_dir(System(), str(tmp_path)).write_file("record", b"old")
    directory = open_async_dir(faulty_system(**{call: number}), str(tmp_path))
    with pytest.raises(OSError) as caught:
        directory.write_file("record", b"new")
    assert caught.value.errno == getattr(__import__("errno"), number)
    assert (tmp_path / "record").read_bytes() == b"old"
    assert os.listdir(str(tmp_path)) == ["record"]


def test_a_write_that_stops_half_way_renames_nothing(tmp_path):
    class Half(System):
        calls = 0

        def write(self, fd, data):
            self.calls += 1
            if self.calls > 1:
                raise OSError(28, "No space left on device")
            return os.write(fd, data[: len(data) // 2])

    tmp_path.chmod(0o700)
    with pytest.raises(OSError):
        open_async_dir(Half(), str(tmp_path)).write_file("record", b"something")
    assert os.listdir(str(tmp_path)) == []


def test_a_kernel_that_writes_a_little_at_a_time_is_asked_again(tmp_path):
    class Slow(System):
        @staticmethod
        def write(fd, data):
            return os.write(fd, data[:3])

    tmp_path.chmod(0o700)
    open_async_dir(Slow(), str(tmp_path)).write_file("record", b"0123456789")
    assert (tmp_path / "record").read_bytes() == b"0123456789"


def test_a_write_is_durable_before_it_has_its_name_and_so_is_the_name(tmp_path):
    calls = []

    class Noting(System):
        @staticmethod
        def fsync(fd):
            calls.append("fsync directory" if stat.S_ISDIR(os.fstat(fd).st_mode) else "fsync file")

        @staticmethod
        def rename(*args, **options):
            calls.append("rename")
            os.rename(*args, **options)

    tmp_path.chmod(0o700)
    open_async_dir(Noting(), str(tmp_path)).write_file("record", b"x")
    assert calls == ["fsync file", "rename", "fsync directory"]


def test_what_a_killed_process_of_the_same_pid_left_is_no_obstacle(directory, tmp_path):
    (tmp_path / f".record.{os.getpid()}").write_bytes(b"half")
    directory.write_file("record", b"whole")
    assert (tmp_path / "record").read_bytes() == b"whole"
    assert os.listdir(str(tmp_path)) == ["record"]


def test_a_link_in_the_place_of_the_temporary_file_is_not_written_through(directory, tmp_path):
    (tmp_path / "target").write_bytes(b"untouched")
    (tmp_path / f".record.{os.getpid()}").symlink_to(tmp_path / "target")
    directory.write_file("record", b"whole")
    assert (tmp_path / "target").read_bytes() == b"untouched"
    assert not (tmp_path / "record").is_symlink()


# reading


@pytest.mark.parametrize(
    "offset, limit, found",
    [(0, None, b"abcdef"), (2, None, b"cdef"), (2, 3, b"cde"), (9, 5, b""), (0, 0, b"")],
)
def test_a_part_of_a_file_can_be_read(directory, tmp_path, offset, limit, found):
    (tmp_path / "file").write_bytes(b"abcdef")
    assert directory.read_file("file", offset, limit) == found


def test_a_file_that_is_not_there_reads_as_none(directory):
    assert directory.read_file("file") is None
    assert directory.lock("file", LOCK_EX) is None
    assert directory.held("file") is False
    assert directory.remove_file("file") is False


@pytest.mark.parametrize("what", ["link", "fifo", "directory", "dangling"])
def test_only_a_regular_file_is_believed(directory, tmp_path, what):
    (tmp_path / "secret").write_bytes(b"secret")
    path = tmp_path / "file"
    if what == "fifo":
        os.mkfifo(str(path))  # must not hang, either
    elif what == "directory":
        path.mkdir()
    else:
        path.symlink_to(tmp_path / ("secret" if what == "link" else "nothing"))
    with pytest.raises((OSError, JobError)):
        directory.read_file("file")


def test_a_file_of_another_user_is_not_believed(directory, tmp_path):
    (tmp_path / "file").write_bytes(b"forged")
    if os.geteuid() == 0:
        os.chown(str(tmp_path / "file"), OTHER, -1)
    else:  # only root gives files away: for others the kernel pretends
        directory.system = OwnedByOthers()
    with pytest.raises(JobError) as caught:
        directory.read_file("file")
    message = "{0}/file is not believed: it is not a regular file or belongs to {1}"
    assert caught.value.message == message.format(tmp_path, OTHER)


# directories


@pytest.mark.parametrize("what", ["link", "file", "writable"])
def test_a_directory_is_not_believed_that_others_could_have_put_there(directory, tmp_path, what):
    (tmp_path / "real").mkdir(mode=0o700)
    path = tmp_path / "child"
    if what == "link":
        path.symlink_to(tmp_path / "real")
    elif what == "file":
        path.write_bytes(b"")
    else:
        path.mkdir()
        path.chmod(0o770)
    for create in (False, True):
        with pytest.raises((OSError, JobError)):
            directory.child("child", create)


def test_a_directory_is_made_for_its_owner_alone(directory, tmp_path):
    before = os.umask(0)
    try:
        directory.child("child", create=True).close()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "child").stat().st_mode) == 0o700


def test_a_directory_that_was_renamed_away_is_still_the_one_that_is_used(directory, tmp_path):
    child = directory.child("child", create=True)
    (tmp_path / "child").rename(tmp_path / "moved")
    (tmp_path / "child").mkdir()
    child.write_file("file", b"x")
    assert (tmp_path / "moved" / "file").exists()
    assert os.listdir(str(tmp_path / "child")) == []


@pytest.mark.parametrize("files", [3, 10000])
def test_a_directory_in_which_files_are_made_meanwhile_is_removed_if_that_ends(tmp_path, files):
    tmp_path.chmod(0o700)
    left = list(range(files))

    class Busy(System):
        @staticmethod
        def rmdir(name, dir_fd):
            if left:
                (tmp_path / name / f"piece{left.pop()}").touch()
            os.rmdir(name, dir_fd=dir_fd)

    directory = open_async_dir(Busy(), str(tmp_path))
    directory.child("child", create=True).write_file("file", b"x")
    if files == 3:
        directory.remove_child("child")
        assert os.listdir(str(tmp_path)) == []
    else:
        with pytest.raises(OSError, match="not empty"):
            directory.remove_child("child")
    directory.close()


def test_a_removed_directory_is_known_to_be_gone(directory, tmp_path):
    child = directory.child("child", create=True)
    child.write_file("file", b"x")
    assert not child.gone()
    directory.remove_child("child")
    assert child.gone()
    assert not (tmp_path / "child").exists()
    directory.remove_child("child")


@pytest.mark.parametrize(
    "mode, euid, trusted",
    [
        (0o700, OTHER, True),
        (0o755, OTHER, True),
        (0o775, OTHER, True),  # our own: whom we let write is our business
        (0o777, OTHER, False),
        (0o1777, OTHER, True),
        (0o700, 0, True),
        (0o755, 0, True),
        (0o775, 0, False),
        (0o770, OTHER + 1, False),
        (0o755, OTHER + 1, True),
        (0o1777, OTHER + 1, False),
    ],
)
def test_an_async_dir_is_trusted_if_nobody_but_its_owner_can_change_it(
    tmp_path, mode, euid, trusted
):
    """It belongs to user OTHER and has this mode; we are user euid."""
    system = OwnedByOthers(mode, euid)
    if trusted:
        open_async_dir(system, str(tmp_path)).close()
    else:
        with pytest.raises(
            JobError,
            match=f"{tmp_path} is refused: it belongs to {OTHER} with mode {mode:04o}",
        ):
            open_async_dir(system, str(tmp_path))


def test_root_believes_the_owner_of_an_async_dir_and_nobody_else_does(tmp_path):
    for euid, owners in ((0, {0, OTHER}), (OTHER, {0, OTHER}), (OTHER + 1, {0, OTHER + 1})):
        assert set(open_async_dir(OwnedByOthers(0o700, euid), str(tmp_path)).owners) == owners


@pytest.mark.parametrize(
    "path, home, found",
    [
        ("~/.ansible_async", "/home/me", "/home/me/.ansible_async"),
        ("~", "/home/me", "/home/me"),
        ("~/a/../b", "/home/me/", "/home/me/b"),
        ("/var/async/", "/home/me", "/var/async"),
    ],
)
def test_a_path_below_home_is_expanded_by_the_home_given(path, home, found):
    assert expand_home(path, home) == found


def test_missing_directories_above_are_made_as_well(tmp_path):
    path = tmp_path / "a" / "b"
    create_async_dir(System(), str(path), None).close()
    assert (
        stat.S_IMODE((tmp_path / "a").stat().st_mode) == stat.S_IMODE(path.stat().st_mode) == 0o700
    )


def test_an_async_dir_that_is_a_link_to_a_directory_is_used(tmp_path):
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    create_async_dir(System(), str(tmp_path / "link"), None).write_file("x", b"")
    assert (tmp_path / "real" / "x").exists()


def test_an_async_dir_that_is_a_dangling_link_is_an_error(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    with pytest.raises(JobError, match="could not open the async dir .*ENOENT"):
        create_async_dir(System(), str(tmp_path / "link"), None)


# locks


def test_a_lock_is_held_until_it_is_closed(directory):
    fd = directory.lock("lock", LOCK_EX, create=True)
    assert directory.held("lock") is True
    assert directory.lock("lock", LOCK_EX | LOCK_NB) is None
    os.close(fd)
    assert directory.held("lock") is False


def test_lookers_do_not_take_each_other_for_holders(directory):
    directory.lock("lock", LOCK_EX, create=True)
    first = Directory(System(), directory.path, directory.fd, directory.owners)
    assert first.held("lock")


@pytest.mark.parametrize("number", ["ENOLCK", "EINTR", "EIO"])
def test_a_lock_that_cannot_be_had_is_an_error_and_not_a_free_lock(tmp_path, faulty_system, number):
    tmp_path.chmod(0o700)
    directory = open_async_dir(faulty_system(flock=number), str(tmp_path))
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError):
        directory.lock("lock", LOCK_EX, create=True)
    assert len(os.listdir("/proc/self/fd")) == before


# the reserve


def test_the_reserve_gives_its_blocks_back(directory, tmp_path):
    directory.reserve()
    assert (tmp_path / "reserve").stat().st_blocks * 512 >= 16384
    directory.release()
    directory.release()
    assert os.listdir(str(tmp_path)) == []


@pytest.mark.parametrize("name", ["/etc/passwd", "../x", "a/b", "", ".", ".."])
def test_a_path_is_not_taken_for_a_name(place, name):
    """An absolute one ignores the directory, see openat(2)."""
    place.async_dir.mkdir(mode=0o700)
    with place.directory() as directory:
        for call in (
            lambda: directory.open_file(name),
            lambda: directory.read_file(name),
            lambda: directory.write_file(name, b"x"),
            lambda: directory.remove_file(name),
            lambda: directory.child(name, create=True),
            lambda: directory.remove_child(name),
        ):
            with pytest.raises(ValueError, match="is not the name of a file in a directory"):
                call()
