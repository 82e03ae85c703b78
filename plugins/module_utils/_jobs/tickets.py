# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""A job's turn in its queue: tickets in the order in which they were taken, each alive as long as who holds it.

Nobody manages a queue. A ticket is a locked file; the kernel frees it when the job's processes are gone, however they
went. A job's turn has come when fewer than ``max_running`` of the tickets before its own are alive. Whoever waits
sleeps on the bells, FIFOs, of as many tickets before it as may run at once: before its turn, one of those must go.
A ticket's holders hold its bell, too: the end of the last of them is the end of the file for all who sleep on it.
"""

import hashlib
import os
from typing import Any, List, Tuple

from .errors import JobError, refused
from .store import LOCK_EX, LOCK_NB, LOCK_SH, LOCK_UN, Directory

QUEUES_DIR = "queues"
_TAKING_SECONDS = 60.0  # for others to take their tickets; it takes them milliseconds
_BELL_FLAGS = os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
_PEALS = b"." * 4096  # one for each who may sleep on a bell, written at once


def _names_of(number: int) -> Tuple[str, str]:
    return f"{number:012d}.ticket", f"{number:012d}.bell"


def _numbers(queue: Directory) -> List[int]:
    found = (name.partition(".") for name in queue.names())
    return sorted(int(number) for number, _unused, kind in found if kind == "ticket")


def _is_alive(queue: Directory, number: int) -> bool:
    fd = queue.lock(_names_of(number)[0], LOCK_SH | LOCK_NB)
    if fd is None:  # another holds it; or it is not there any more
        try:
            queue.system.stat(_names_of(number)[0], dir_fd=queue.fd, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True
    queue.system.close(fd)
    return False


def _is_held(system: Any, bell: int) -> bool:
    """Whether somebody holds an open bell, so that it will ring.

    The ticket's lock does not tell: the kernel frees the two one after the other, and a bell that was opened in between
    is silent for ever.
    """
    try:
        system.read(bell, 1)
    except BlockingIOError:
        return True
    return False


class Ticket:
    """A place in a queue. What is to hold it must inherit ``fds``, and close them to give it back."""

    def __init__(self, queue: Directory, number: int, max_running: int, fds: List[int]) -> None:
        self._queue = queue
        self._number = number
        self._max_running = max_running
        self._held = fds

    @property
    def fds(self) -> Tuple[int, ...]:
        return (*self._held, self._queue.fd)

    @property
    def held(self) -> Tuple[int, ...]:
        """Those of the fds that keep the ticket alive."""
        return tuple(self._held)

    def bells(self) -> List[int]:
        """[] when its turn has come; else descriptors, to be closed, one of which is readable no later than that."""
        queue, bells = self._queue, []  # type: Directory, List[int]
        for number in reversed([one for one in _numbers(queue) if one < self._number]):
            try:
                bell = queue.system.open(
                    _names_of(number)[1], os.O_RDONLY | _BELL_FLAGS, dir_fd=queue.fd
                )
            except FileNotFoundError:
                continue  # given back just now
            if not _is_held(queue.system, bell):
                queue.system.close(bell)
                continue
            bells.append(bell)
            if len(bells) == self._max_running:
                return bells
        for bell in bells:
            queue.system.close(bell)
        return []

    def give_back(self) -> None:
        """The job has ended: what it left running may hold the ticket still, and keeps nobody waiting."""
        ticket, bell = _names_of(self._number)
        for name in (bell, ticket):  # the number is free for others when its ticket is gone
            self._queue.remove_file(name)
        self._queue.system.write(self._held[1], _PEALS)

    def close(self) -> None:
        for fd in self._held:
            self._queue.system.close(fd)
        self._held = []
        self._queue.close()


def take_tickets(
    system: Any, private: Directory, name: str, max_running: List[int]
) -> List[Ticket]:
    """One ticket for each of ``max_running``, one behind the other. JobError: none was taken."""
    queue = _open_queue(private, name)
    taken = []  # type: List[Ticket]
    try:
        if not system.flock_within(queue.fd, LOCK_EX, _TAKING_SECONDS):
            raise JobError(
                f"queue: the queue {name!r} was locked by another for {_TAKING_SECONDS:g} s: {queue.path}"
            )
        try:
            following = _sweep_dead(queue)
            for offset, most in enumerate(max_running):
                taken.append(_take(queue, following + offset, most))
        finally:
            system.flock(queue.fd, LOCK_UN)
    except OSError as error:
        for ticket in taken:
            ticket.close()
        raise refused("take a place in the queue", queue.path, error) from error
    finally:
        queue.close()
    return taken


def _open_queue(private: Directory, name: str) -> Directory:
    try:
        queues = private.child(QUEUES_DIR, create=True)
        try:
            digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
            return queues.child(digest[:32], create=True)
        finally:
            queues.close()
    except OSError as error:
        raise refused("make the queue in", private.join(QUEUES_DIR), error) from error


def _sweep_dead(queue: Directory) -> int:
    """Remove the tickets that nobody holds; the number that comes next. The queue is locked meanwhile."""
    last = 0
    for number in _numbers(queue):
        if _is_alive(queue, number):
            last = number
        else:
            for name in _names_of(number):
                queue.remove_file(name)
    return last + 1


def _take(queue: Directory, number: int, max_running: int) -> Ticket:
    ticket, bell = _names_of(number)
    held = [queue.open_file(ticket, os.O_RDWR | os.O_CREAT)]
    try:
        queue.system.flock(held[0], LOCK_EX)
        queue.remove_file(bell)  # of a start that was killed while it swept
        os.mkfifo(bell, 0o600, dir_fd=queue.fd)
        # read and write: it must neither wait for a reader nor fail without one
        held.append(queue.system.open(bell, os.O_RDWR | _BELL_FLAGS, dir_fd=queue.fd))
        inner = Directory(queue.system, queue.path, os.dup(queue.fd), queue.owners)
    except OSError:
        for fd in held:
            queue.system.close(fd)
        raise
    return Ticket(inner, number, max_running, held)
