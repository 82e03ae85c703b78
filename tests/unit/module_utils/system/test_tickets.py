# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Turns in a queue. The tickets are held by real processes, which end, or are killed."""

import ctypes
import os
import random
import select
import signal
import subprocess

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.errors import JobError
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system import tickets
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system.kernel import System
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system.store import PRIVATE_DIR
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system.tickets import take_tickets

SECONDS = 20.0


class Queue:
    """Tickets of one queue, each held by a process of its own, and looked at from here."""

    def __init__(self, place):
        self.place = place
        place.async_dir.mkdir(mode=0o700)
        self.directory = place.directory()
        self.private = self.directory.child(PRIVATE_DIR, create=True)
        self.holders = []
        self.tickets = []

    def take(self, *max_running, **how):
        taken = take_tickets(
            how.get("system") or System(), self.private, how.get("name", "q"), list(max_running)
        )
        self.tickets += taken
        return taken

    def hold(self, ticket):
        """Have another process hold the ticket, and nobody else."""
        holder = subprocess.Popen(["cat"], stdin=subprocess.PIPE, pass_fds=ticket.held)
        self.holders.append(holder)
        for fd in ticket.held:
            os.close(fd)
        ticket._held = []
        return holder

    def held(self, *max_running):
        """Tickets, and the processes that hold them."""
        taken = self.take(*max_running)
        return taken, [self.hold(ticket) for ticket in taken]

    @staticmethod
    def end(holder, number=signal.SIGKILL):
        holder.send_signal(number)
        holder.wait()

    def files(self):
        root = self.place.async_dir / PRIVATE_DIR / "queues"
        return sorted(path.name for path in root.glob("*/*"))

    def close(self):
        for holder in self.holders:
            holder.stdin.close()
            if holder.poll() is None:
                holder.kill()
            holder.wait()
        for ticket in self.tickets:
            ticket.close()
        self.private.close()
        self.directory.close()


@pytest.fixture
def queue(place):
    queue = Queue(place)
    try:
        yield queue
    finally:
        queue.close()


def due(ticket):
    """Whether its turn has come."""
    bells = ticket.bells()
    for bell in bells:
        os.close(bell)
    return not bells


def ring(bells, seconds=0.0):
    return bool(select.select(bells, [], [], seconds)[0])


def close_all(bells):
    for bell in bells:
        os.close(bell)


def descriptors():
    return sorted(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("most", [1, 2, 3, 9])
def test_as_many_as_may_run_at_once_have_their_turn_the_first_first(queue, most):
    taken, _holders = queue.held(*[most] * 5)
    assert [due(ticket) for ticket in taken] == [number < most for number in range(5)]


def test_those_of_another_request_come_behind(queue):
    first, second = queue.take(1), queue.take(1)
    assert [due(ticket) for ticket in first + second] == [True, False]
    queue.hold(second[0])
    assert due(first[0])


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_end_of_a_holder_rings_at_once_however_it_came(queue, number):
    taken, holders = queue.held(1, 1, 1)
    bells = [taken[1].bells(), taken[2].bells()]
    try:
        assert [len(one) for one in bells] == [1, 1]
        assert not ring(bells[0] + bells[1])
        queue.end(holders[0], number)
        assert ring(bells[0], SECONDS)
        assert not ring(bells[1]), "the one before it goes on"
    finally:
        close_all(bells[0] + bells[1])
    assert due(taken[1]) and not due(taken[2])


def test_any_of_those_that_run_rings_for_the_next(queue):
    taken, holders = queue.held(3, 3, 3, 3)
    for number in (1, 0, 2):
        bells = taken[3].bells()
        assert len(bells) == (3 if number == 1 else 0)
        queue.end(holders[number])
        assert not bells or ring(bells, SECONDS)
        close_all(bells)
        assert due(taken[3])


def test_one_in_the_middle_that_goes_away_lets_nobody_past(queue):
    taken, holders = queue.held(1, 1, 1)
    bells = taken[2].bells()
    queue.end(holders[1])
    assert ring(bells, SECONDS), "it must sleep on another now"
    close_all(bells)
    assert not due(taken[2])
    bells = taken[2].bells()
    assert not ring(bells)
    queue.end(holders[0])
    assert ring(bells, SECONDS)
    close_all(bells)
    assert due(taken[2])


def test_what_comes_behind_is_nobodys_business(queue):
    taken, holders = queue.held(1, 1)
    queue.end(holders[1])
    assert due(taken[0])


@pytest.mark.parametrize("seed", range(5))
def test_a_turn_comes_when_fewer_than_its_own_limit_are_before_it(queue, seed):
    chance = random.Random(seed)
    most = [chance.randrange(1, 5) for _unused in range(8)]
    taken, holders = queue.held(*most)
    alive = set(range(8))
    while alive:
        for number in alive:
            before = len([one for one in alive if one < number])
            bells = taken[number].bells()
            assert len(bells) == (0 if before < most[number] else most[number])
            close_all(bells)
        gone = chance.choice(sorted(alive))
        queue.end(holders[gone])
        alive.remove(gone)


def test_a_ticket_lives_as_long_as_one_of_those_who_hold_it(queue):
    """The supervisor, and the module where the supervisor was killed."""
    first, second = queue.take(1, 1)
    fds = first.held
    holders = [
        subprocess.Popen(["cat"], stdin=subprocess.PIPE, pass_fds=fds) for _unused in range(2)
    ]
    queue.holders += holders
    first.close()
    queue.end(holders[0])
    assert not due(second)
    bells = second.bells()
    queue.end(holders[1])
    assert ring(bells, SECONDS)
    close_all(bells)
    assert due(second)


def test_the_end_of_a_job_lets_the_next_run_whatever_holds_its_ticket_still(queue):
    first, second, third = queue.take(1, 1, 2)
    daemon = subprocess.Popen(["cat"], stdin=subprocess.PIPE, pass_fds=first.held)
    queue.holders.append(daemon)
    bells = [second.bells(), third.bells()]
    first.give_back()
    first.close()
    # both sleep on it, and both may look before the other does
    assert ring(bells[0], SECONDS) and os.read(bells[0][0], 1)
    assert ring(bells[1], SECONDS)
    close_all(bells[0] + bells[1])
    assert due(second) and due(third)
    for ticket in (second, third):
        ticket.give_back()
        ticket.close()
    assert queue.files() == []
    (again,) = queue.take(1)
    assert due(again)
    assert daemon.poll() is None


def test_who_looks_at_the_queue_hides_nothing_from_another_who_does(queue):
    """A place in a directory belongs to all who inherited its descriptor: who came second saw an empty queue."""
    first, second = queue.take(1, 1)
    libc = ctypes.CDLL(None)
    libc.fdopendir.restype = ctypes.c_void_p
    for call in (libc.readdir, libc.closedir):
        call.argtypes, call.restype = [ctypes.c_void_p], ctypes.c_void_p
    listing = libc.fdopendir(os.dup(first.fds[-1]))
    try:
        assert libc.readdir(listing), "one who has begun to look, and not come to the end"
        assert not due(second)
    finally:
        libc.closedir(listing)


def test_tickets_that_nobody_holds_are_swept_and_those_held_are_not(queue):
    taken, holders = queue.held(1, 1, 1, 1)
    for number in (0, 1, 3):
        queue.end(holders[number])
    (last,) = queue.take(1)
    assert queue.files() == ["000000000003", "000000000004"]
    assert not due(last)
    queue.end(holders[2])
    assert due(last)
    last.close()
    queue.take(1)
    assert queue.files() == ["000000000001"]


def test_queues_of_different_names_have_nothing_to_do_with_each_other(queue):
    names = ["q", "Q", "../../etc", "a/b", "\u00fc", "x" * 200]
    assert all(due(queue.take(1, name=name)[0]) for name in names)
    assert not due(queue.take(1, name="../../etc")[0])
    assert set(os.listdir(str(queue.place.async_dir))) == {PRIVATE_DIR}
    assert os.listdir(str(queue.place.async_dir / PRIVATE_DIR)) == ["queues"]


def test_everything_is_its_owners_alone(queue):
    queue.take(1)
    for path, directories, names in os.walk(str(queue.place.async_dir / PRIVATE_DIR / "queues")):
        for name in directories + names:
            mode = os.stat(os.path.join(path, name)).st_mode & 0o777
            assert mode == (0o700 if name in directories else 0o600)


@pytest.mark.parametrize(
    "call, number, when",
    [
        ("mkdir", "ENOSPC", lambda name, *_more, **_options: name == "queues"),
        ("mkdir", "EROFS", lambda name, *_more, **_options: name != "queues"),
        ("open", "EMFILE", lambda name, *_more, **_options: name == "000000000002"),
        ("open", "ENFILE", lambda name, flags, *_more, **_options: flags & os.O_RDWR),
        ("flock_within", "ENOLCK", None),
        ("listdir", "EIO", None),
    ],
)
def test_a_place_that_is_refused_is_told_and_none_is_kept(queue, faulty_system, call, number, when):
    if call != "mkdir":
        queue.take(1)[0].close()
    before = descriptors()
    system = faulty_system(**{call: (number, when)})
    queue.private.system = system
    with pytest.raises(JobError) as caught:
        queue.take(1, 1, system=system)
    assert f"({number})" in caught.value.message
    assert str(queue.place.async_dir / PRIVATE_DIR / "queues") in caught.value.message
    assert descriptors() == before
    queue.private.system = System()
    assert due(queue.take(1)[0])


def test_no_fifos_on_the_file_system_is_told(queue, monkeypatch):
    def refuse(*_args, **_options):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(tickets.os, "mkfifo", refuse)
    before = descriptors()
    with pytest.raises(JobError) as caught:
        queue.take(1)
    assert caught.value.message.startswith("could not take a place in the queue ")
    assert "(EPERM)" in caught.value.message
    assert descriptors() == before


def test_a_queue_that_another_has_locked_for_ever_is_named(queue, monkeypatch):
    queue.take(1, name="nightly")
    root = queue.place.async_dir / PRIVATE_DIR / "queues"
    (path,) = root.glob("*")
    fd = os.open(str(path), os.O_RDONLY)
    System.flock(fd, tickets.LOCK_EX)
    monkeypatch.setattr(tickets, "_TAKING_SECONDS", 0.1)
    before = descriptors()
    with pytest.raises(JobError) as caught:
        queue.take(1, name="nightly")
    assert caught.value.message == (
        f"queue: another process kept the queue 'nightly' locked for 0.1 s: {path}"
    )
    assert descriptors() == before
    os.close(fd)


def test_no_descriptor_is_left_open(queue):
    before = descriptors()
    first, second = queue.take(1, 1)
    assert due(first) and not due(second)
    for ticket in (first, second):
        ticket.close()
    assert descriptors() == before
