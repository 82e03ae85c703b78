# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kernel as the package uses it: each of these is a promise that the rest relies on."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system.kernel import (
    System,
    boot_id,
    process_start,
    process_usage,
)

PACKAGE = str(Path(__file__).resolve().parents[4] / "plugins" / "module_utils")


@pytest.fixture
def sleeper():
    process = subprocess.Popen(["sleep", "300"])
    yield process
    process.kill()
    process.wait()


def test_a_signal_goes_to_the_process_that_was_meant(sleeper):
    start = process_start(sleeper.pid)
    assert System.kill(sleeper.pid, start, 0) is True
    assert System.kill(sleeper.pid, start, signal.SIGTERM) is True
    assert sleeper.wait(10) == -signal.SIGTERM


def test_a_pid_that_was_given_again_gets_no_signal(sleeper):
    assert System.kill(sleeper.pid, process_start(sleeper.pid) + 1, signal.SIGKILL) is False
    assert sleeper.poll() is None


def test_a_process_that_is_gone_gets_no_signal():
    process = subprocess.Popen(["true"])
    start = process_start(process.pid)
    process.wait()
    assert System.kill(process.pid, start, signal.SIGKILL) is False
    assert System.kill(process.pid, None, signal.SIGKILL) is False
    assert process_start(process.pid) is None


@pytest.mark.parametrize("with_pidfd", [True, False])
def test_an_older_kernel_is_asked_in_the_older_way(sleeper, monkeypatch, with_pidfd):
    if not with_pidfd:
        monkeypatch.delattr("os.pidfd_open", raising=False)
    else:

        def refused(_pid):
            raise OSError(38, "Function not implemented")

        monkeypatch.setattr("os.pidfd_open", refused, raising=False)
        monkeypatch.setattr("signal.pidfd_send_signal", refused, raising=False)
    assert System.kill(sleeper.pid, process_start(sleeper.pid) + 1, signal.SIGKILL) is False
    assert System.kill(sleeper.pid, process_start(sleeper.pid), signal.SIGTERM) is True
    assert sleeper.wait(10) == -signal.SIGTERM


def test_a_signal_leaves_no_descriptor_behind(sleeper):
    before = os.listdir("/proc/self/fd")
    for start in (process_start(sleeper.pid), 1):
        System.kill(sleeper.pid, start, 0)
    assert len(os.listdir("/proc/self/fd")) == len(before)


def test_a_command_with_blanks_and_brackets_does_not_confuse_proc(tmp_path):
    odd = tmp_path / "a) (b 1 2"
    odd.write_bytes(Path("/bin/sleep").resolve().read_bytes())
    odd.chmod(0o700)
    process = subprocess.Popen([str(odd), "300"])
    try:
        assert System.processes()[process.pid][:2] == (os.getpid(), process_start(process.pid))
        assert process_start(process.pid) > process_start(os.getpid()) - 1
    finally:
        process.kill()
        process.wait()


def test_the_usage_of_a_process_is_seconds_and_bytes():
    usage = process_usage(System, os.getpid())
    assert set(usage) == {"cpu_seconds", "max_rss_bytes"}
    assert 0 < usage["cpu_seconds"] < 100000
    assert 1 << 20 < usage["max_rss_bytes"] < 1 << 40
    assert process_usage(System, 1 << 22) is None


def test_a_wait_for_a_lock_ends_in_time_or_with_the_lock(tmp_path):
    holder = os.open(str(tmp_path / "lock"), os.O_RDWR | os.O_CREAT)
    waiter = os.open(str(tmp_path / "lock"), os.O_RDWR)
    before = signal.getsignal(signal.SIGALRM)
    fcntl.flock(holder, fcntl.LOCK_EX)
    begin = time.monotonic()
    assert System.flock_within(waiter, fcntl.LOCK_SH, 0.2) is False
    assert 0.15 < time.monotonic() - begin < 5
    fcntl.flock(holder, fcntl.LOCK_UN)
    assert System.flock_within(waiter, fcntl.LOCK_SH, 5) is True
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
    os.close(holder)
    os.close(waiter)


def test_a_wait_for_a_lock_wakes_up_when_its_holder_dies(tmp_path):
    path = str(tmp_path / "lock")
    script = "import fcntl, sys, time; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); time.sleep({0})"
    holder = subprocess.Popen(
        [sys.executable, "-c", script.format(0.3), path], stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout.readline() == b"held\n"
        fd = os.open(path, os.O_RDWR)
        begin = time.monotonic()
        assert System.flock_within(fd, fcntl.LOCK_SH, 20) is True
        assert time.monotonic() - begin < 10
        os.close(fd)
    finally:
        holder.stdout.close()
        holder.wait()


CLOSE = """
import os, sys
sys.path.insert(0, {0!r})
from _jobs.system.kernel import System
fds = [os.open(os.devnull, os.O_RDONLY) for _unused in range(20)]
high = os.dup2(fds[0], 900)
System.close_others(({1}))
left = [fd for fd in range(1000) if os.path.exists("/proc/self/fd/%d" % fd)]
print(left)
"""


@pytest.mark.parametrize(
    "keep, left", [("", [0, 1, 2]), ("7, 5,", [0, 1, 2, 5, 7]), ("-1, 900,", [0, 1, 2, 900])]
)
def test_all_descriptors_are_closed_but_those_to_keep(keep, left):
    said = subprocess.check_output([sys.executable, "-c", CLOSE.format(PACKAGE, keep)], timeout=20)
    assert said.decode("ascii").strip() == str(left)


def test_what_linux_alone_has_is_not_needed(monkeypatch):
    def missing(*_args, **_options):
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr("builtins.open", missing)
    monkeypatch.setattr("os.listdir", missing)
    boot_id.cache_clear()
    assert System.boot_id() is None
    boot_id.cache_clear()
    assert System.processes() == {}
    assert System.process_file(1, "stat") == b""
    assert System.process_start(1) is None


def test_names_of_users_fall_back_to_numbers():
    assert System.owner_name(0) == "root"
    assert System.owner_name(987654321) == "987654321"


def test_this_boot_has_an_id():
    assert len(System.boot_id()) == 36
    assert System.boot_id() == System.boot_id()


def test_a_process_of_another_user_than_the_one_named_is_not_signalled():
    process = subprocess.Popen(["sleep", "60"])
    try:
        start = process_start(process.pid)
        me = os.geteuid()
        with pytest.raises(PermissionError):
            System.kill(process.pid, start, signal.SIGKILL, me + 1)
        assert process.poll() is None
        assert System.kill(process.pid, start, signal.SIGKILL, me) is True
        assert process.wait() == -signal.SIGKILL
        assert System.kill(process.pid, start, signal.SIGKILL, me) is False
    finally:
        process.kill()
        process.wait()
