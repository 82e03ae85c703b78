# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""A job's turn in its queue: tickets in the order in which they were taken, each alive as long as who holds it.

Nobody manages a queue. A ticket is a FIFO that the job's processes hold open for writing; when they are gone, however
they went, the kernel tells everybody who has it open for reading. A job's turn has come when fewer than
``max_running`` of the tickets before its own are alive. Whoever waits sleeps on as many tickets before its own as may
run at once: one of those must go before its turn comes.
"""

import os
import re
from typing import List, Optional, Tuple

from ..model.errors import JobError, Refused
from .kernel import System
from .store import LOCK_EX, LOCK_UN, Directory

QUEUES_DIR = "queues"
_TAKING_SECONDS = 60.0  # for others to take their tickets; it takes them milliseconds
_PEALS = b"." * 4096  # one for each who may sleep on a ticket, written at once
_FLAGS = os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC


def _file_of(number: int) -> str:
    return f"{number:012d}"


def _numbers(queue: Directory) -> List[int]:
    return [int(name) for name in queue.names() if re.match(r"[0-9]{12}\Z", name)]


def _watch(queue: Directory, number: int) -> Optional[int]:
    """A descriptor, to be closed, that becomes readable when the ticket is given back; None if it was already."""
    try:
        fd = queue.system.open(_file_of(number), os.O_RDONLY | _FLAGS, dir_fd=queue.fd)
    except FileNotFoundError:
        return None
    try:
        queue.system.read(fd, 1)
    except BlockingIOError:  # somebody has it open for writing
        return int(fd)
    queue.system.close(fd)
    return None


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
        """That of the fds which keeps the ticket alive."""
        return tuple(self._held)

    def bells(self) -> List[int]:
        """[] when its turn has come; else descriptors, to be closed, one of which is readable no later than that."""
        bells: List[int] = []
        for number in reversed([one for one in _numbers(self._queue) if one < self._number]):
            fd = _watch(self._queue, number)
            if fd is None:
                continue
            bells.append(fd)
            if len(bells) == self._max_running:
                return bells
        for fd in bells:
            self._queue.system.close(fd)
        return []

    def due(self) -> bool:
        """Whether its turn has come."""
        bells = self.bells()
        for fd in bells:
            self._queue.system.close(fd)
        return not bells

    def give_back(self) -> None:
        """The job has ended: what it left running may hold the ticket still, and keeps nobody waiting."""
        if self._queue.remove_file(_file_of(self._number)):  # the number is free for others now
            self._queue.system.write(self._held[0], _PEALS)

    def close(self) -> None:
        for fd in self._held:
            self._queue.system.close(fd)
        self._held = []
        self._queue.close()


def take_tickets(
    system: System, private: Directory, name: str, max_running: List[int]
) -> List[Ticket]:
    """One ticket for each of ``max_running``, one behind the other. JobError: none was taken."""
    taken: List[Ticket] = []
    with _open_queue(private, name) as queue:
        try:
            if not system.flock_within(queue.fd, LOCK_EX, _TAKING_SECONDS):
                raise JobError(
                    f"queue: the queue {name!r} was locked by another for {_TAKING_SECONDS:g} s: {queue.path}"
                )
            try:
                following = _sweep_returned(queue)
                for offset, most in enumerate(max_running):
                    taken.append(_take(queue, following + offset, most))
            finally:
                system.flock(queue.fd, LOCK_UN)
        except OSError as error:
            for ticket in taken:
                ticket.close()
            raise Refused("take a place in the queue", queue.path, error) from error
    return taken


def _open_queue(private: Directory, name: str) -> Directory:
    import hashlib  # late: it loads a library of ciphers

    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    try:
        with private.child(QUEUES_DIR, create=True) as queues:
            return queues.child(digest[:32], create=True)
    except OSError as error:
        raise Refused("make the queue in", private.join(QUEUES_DIR), error) from error


def _sweep_returned(queue: Directory) -> int:
    """Remove the tickets that nobody holds; the number that comes next. The queue is locked meanwhile."""
    last = 0
    for number in _numbers(queue):
        fd = _watch(queue, number)
        if fd is None:
            queue.remove_file(_file_of(number))
        else:
            queue.system.close(fd)
            last = number
    return last + 1


def _take(queue: Directory, number: int, max_running: int) -> Ticket:
    os.mkfifo(_file_of(number), 0o600, dir_fd=queue.fd)
    # read and write: it must neither wait for a reader nor fail without one
    fd = queue.system.open(_file_of(number), os.O_RDWR | _FLAGS, dir_fd=queue.fd)
    try:
        inner = queue.duplicate()
    except OSError:
        queue.system.close(fd)
        raise
    return Ticket(inner, number, max_running, [fd])
