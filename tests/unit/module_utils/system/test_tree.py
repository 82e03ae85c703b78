# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import os
import signal
import subprocess
import sys

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system.kernel import (
    System,
    process_start,
)
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system.tree import (
    JOB_MARK,
    Process,
    descendants,
    end_tree,
    job_tree,
    signal_tree,
)


def test_descendants_are_found_through_every_generation():
    processes = {
        1: (0, 1, "S"),
        2: (1, 2, "S"),
        3: (2, 3, "S"),
        4: (2, 4, "Z"),
        5: (1, 5, "S"),
        6: (5, 6, "S"),
    }
    assert descendants(processes, [2]) == {3, 4}
    assert descendants(processes, [1]) == {2, 3, 4, 5, 6}
    assert descendants(processes, [2, 5]) == {3, 4, 6}
    assert descendants(processes, [99]) == descendants(processes, []) == set()


def test_a_circle_in_what_proc_told_does_not_hang():
    assert descendants({1: (2, 1, "S"), 2: (1, 2, "S")}, [1]) == {1, 2}


class Played(System):
    """Processes that exist on paper only: pid -> [parent, start, state], and their environments."""

    def __init__(self, processes, environ=None, stubborn=(), foreign=(), of_root=()):
        self.table = processes
        self.environ = environ or {}
        self.stubborn = stubborn
        self.foreign = foreign
        self.of_root = of_root
        self.kill = self.signal  # a static method there
        self.sent = []
        self.now = 100.0

    def processes(self):
        return {pid: tuple(row) for pid, row in self.table.items()}

    def process_file(self, pid, name):
        return self.environ.get(pid, b"")

    def getpid(self):
        return 1

    def monotonic(self):
        return self.now

    def pause(self, seconds):
        self.now += seconds

    def process_owner(self, pid):
        return 0 if pid in self.of_root else 1000

    def signal(self, pid, start, number, owner=None):
        if pid in self.foreign or owner not in (None, self.process_owner(pid)):
            raise PermissionError(1, "Operation not permitted")
        if pid not in self.table or self.table[pid][1] != start:
            return False
        self.sent.append((pid, number))
        if number == signal.SIGKILL or pid not in self.stubborn:
            del self.table[pid]
        return True


def test_below_a_living_supervisor_the_tree_is_all_that_descends_from_it():
    system = Played(
        {1: (0, 1, "S"), 10: (1, 5, "S"), 11: (10, 6, "S"), 12: (10, 7, "Z"), 99: (0, 1, "S")}
    )
    assert job_tree(system, "j1.1", 1, Process(10, 5)) == [Process(10, 5), Process(11, 6)]


def test_a_pid_that_was_given_again_is_not_the_module():
    system = Played({10: (0, 5000, "S"), 11: (10, 5001, "S")})
    assert job_tree(system, "j1.1", 0, Process(10, 5)) == []


def test_without_a_supervisor_the_orphans_are_known_by_their_environment():
    mark = f"{JOB_MARK}=j1.1".encode("ascii")
    table = {
        10: (0, 50, "S"),
        20: (0, 60, "S"),
        21: (20, 61, "S"),
        30: (0, 60, "S"),
        40: (0, 60, "S"),
        50: (0, 10, "S"),
    }
    environ = {
        20: b"A=b\0" + mark + b"\0",
        30: b"X" + mark + b"\0",
        40: mark + b"2\0",
        50: mark + b"\0",
    }
    # 30 has another variable, 40 another jid, 50 began before the module did
    assert [p.pid for p in job_tree(Played(table, environ), "j1.1", 0, Process(10, 50))] == [
        10,
        20,
        21,
    ]


def test_term_comes_first_and_kill_only_for_what_is_left_after_the_grace():
    system = Played({10: (1, 5, "S"), 11: (10, 6, "S")}, stubborn=(10,))
    assert end_tree(system, "j1.1", 1, Process(10, 5), 3.0, system.pause) is True
    # who was stopped hears of its end, too
    assert system.sent == [
        (10, signal.SIGTERM),
        (11, signal.SIGTERM),
        (10, signal.SIGCONT),
        (10, signal.SIGKILL),
    ]
    assert 103 <= system.now < 104


def test_what_outlives_its_parent_is_still_the_jobs_though_nothing_else_tells():
    class Orphaning(Played):
        def signal(self, pid, start, number, owner=None):
            found = Played.signal(self, pid, start, number, owner)
            if pid == 10 and 11 in self.table:
                self.table[11][0] = 1
            return found

    system = Orphaning({1: (0, 1, "S"), 10: [1, 5, "S"], 11: [10, 6, "S"]}, stubborn=(11,))
    assert end_tree(system, "j1.1", 0, Process(10, 5), 1.0, system.pause) is True
    assert system.sent[-1] == (11, signal.SIGKILL)


def test_a_pid_that_was_given_again_is_not_taken_for_one_that_was_seen():
    system = Played({10: [1, 5, "S"]})
    assert job_tree(system, "j1.1", 0, None, [Process(10, 4)]) == []
    assert job_tree(system, "j1.1", 0, None, [Process(10, 5)]) == [Process(10, 5)]


def test_a_tree_that_obeys_ends_before_the_grace_does():
    system = Played({10: (1, 5, "S")})
    assert end_tree(system, "j1.1", 1, Process(10, 5), 60.0, system.pause) is True
    assert system.now < 101


def test_no_grace_is_no_term():
    system = Played({10: (1, 5, "S")})
    assert end_tree(system, "j1.1", 1, Process(10, 5), 0.0, system.pause) is True
    assert system.sent == [(10, signal.SIGKILL)]


def test_what_is_started_while_the_tree_ends_gets_its_term_too():
    class Breeding(Played):
        def pause(self, seconds):
            Played.pause(self, seconds)
            if self.now < 100.15:
                self.table[20] = (10, 20, "S")

    system = Breeding({10: (1, 5, "S")}, stubborn=(10,))
    assert end_tree(system, "j1.1", 1, Process(10, 5), 1.0, system.pause) is True
    assert (20, signal.SIGTERM) in system.sent


def test_a_process_that_cannot_be_killed_does_not_hold_the_end_up_for_ever():
    system = Played({10: (1, 5, "D")}, foreign=(10,))
    assert end_tree(system, "j1.1", 1, Process(10, 5), 1.0, system.pause) is False
    assert system.now < 110


def test_a_refusal_is_told_and_the_others_are_signalled_all_the_same():
    system = Played({10: (1, 5, "S"), 11: (1, 6, "S")}, foreign=(10,))
    told = signal_tree(system, [Process(10, 5), Process(11, 6)], signal.SIGTERM)
    assert told == ["process 10 belongs to another user and was not signalled"]
    assert system.sent == [(11, signal.SIGTERM)]


@pytest.mark.parametrize("mark", [True, False], ids=["by its mark", "by its parent"])
def test_a_real_tree_ends(place, mark):
    script = "trap '' TERM; (setsid sleep 300 & echo $! > {}); sleep 300".format(
        place.root / "orphan"
    )
    place.started = True
    environ = dict(place.environ, **{JOB_MARK: "j9.9"} if mark else {})
    process = subprocess.Popen(["/bin/sh", "-c", script], env=environ)
    try:
        orphan = place.noted("orphan")
        module = Process(process.pid, process_start(process.pid))
        supervisor = 0 if mark else os.getpid()
        if not mark:
            System.kill(orphan[0], orphan[1], signal.SIGKILL)
        begin = System.monotonic()
        assert (
            end_tree(
                System(), "j9.9", supervisor, module, 0.3, lambda seconds: place.until(lambda: True)
            )
            is True
        )
        assert 0.3 <= System.monotonic() - begin < 5
        assert not place.alive(*module)
        assert not place.alive(*orphan)
    finally:
        process.kill()
        process.wait()


def test_without_proc_the_process_group_is_ended(place):
    class NoProc(System):
        @staticmethod
        def processes():
            return {}

        @staticmethod
        def process_start(pid):
            return None

    place.started = True
    process = subprocess.Popen(
        [sys.executable, "-c", "import os; os.setpgid(0, 0); os.system('sleep 300')"],
        env=place.environ,
    )
    try:
        place.until(lambda: os.getpgid(process.pid) == process.pid and len(place.processes()) > 1)
        module = Process(process.pid, None)
        # to reap is what a supervisor does while it pauses
        ended = end_tree(
            NoProc(), "j9.9", os.getpid(), module, 5.0, lambda _seconds: process.poll()
        )
        assert ended is True
        place.until(lambda: not place.processes())
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def test_of_another_users_job_only_that_users_processes_are_ended_and_waited_for():
    system = Played({10: (1, 5, "S"), 11: (10, 6, "S"), 12: (10, 7, "S")}, of_root=[12])
    module = Process(10, 5)
    assert end_tree(system, "j1.2", 0, module, 1.0, system.pause, owner=1000) is True
    assert {pid for pid, _number in system.sent} == {10, 11}
    assert set(system.table) == {12}
