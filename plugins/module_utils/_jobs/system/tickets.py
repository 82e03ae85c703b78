# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""Queues: tickets, numbered in the order in which they were taken, each of which lives as long as its holder.

No process manages a queue. A ticket is a FIFO that the job's processes hold open for writing. When they have all ended,
however that happened, the kernel tells every process that has the FIFO open for reading. A job's turn has come when
fewer than ``max_running`` of the tickets before its own are alive. A job that waits sleeps on the ``max_running``
nearest of those: its turn cannot come before one of them is given back.
"""

import os
import re
from typing import List, Optional, Tuple

from ..model.errors import JobError, Refused
from .kernel import System
from .store import LOCK_EX, LOCK_UN, Directory

QUEUES_DIR = "queues"
_TAKING_SECONDS = 60.0  # to wait for others to take their tickets, which takes them milliseconds
_PEALS = b"." * 4096  # a byte for each process that may sleep on a ticket; written in one call
_FLAGS = os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC


def _file_of(number: int) -> str:
    return f"{number:012d}"


def _numbers(queue: Directory) -> List[int]:
    """Return the numbers of the tickets in a queue, in order."""
    return [int(name) for name in queue.names() if re.match(r"[0-9]{12}\Z", name)]


def _watch(queue: Directory, number: int) -> Optional[int]:
    """Return a descriptor that becomes readable when the ticket is given back; None if it already has been.

    The caller closes it.
    """
    try:
        fd = queue.system.open(_file_of(number), os.O_RDONLY | _FLAGS, dir_fd=queue.fd)
    except FileNotFoundError:
        return None
    try:
        queue.system.read(fd, 1)
    except BlockingIOError:  # a process has it open for writing
        return int(fd)
    queue.system.close(fd)
    return None


class Ticket:
    """A place in a queue. A process holds it by inheriting ``fds``, and gives it back by closing them."""

    def __init__(self, queue: Directory, number: int, max_running: int, fds: List[int]) -> None:
        self._queue = queue
        self._number = number
        self._max_running = max_running
        self._held = fds

    @property
    def fds(self) -> Tuple[int, ...]:
        """Return the descriptors that a process needs to hold the ticket and to ask for its turn."""
        return (*self._held, self._queue.fd)

    @property
    def held(self) -> Tuple[int, ...]:
        """Return those of the descriptors that keep the ticket alive."""
        return tuple(self._held)

    def bells(self) -> List[int]:
        """Return descriptors to sleep on; [] if this ticket's turn has come.

        At least one is readable by the time its turn comes. The caller closes them.
        """
        bells: List[int] = []
        for number in reversed([other for other in _numbers(self._queue) if other < self._number]):
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
        """Return whether this ticket's turn has come."""
        bells = self.bells()
        for fd in bells:
            self._queue.system.close(fd)
        return not bells

    def give_back(self) -> None:
        """End the ticket when the job has ended, although processes that it left running may still hold it."""
        if self._queue.remove_file(_file_of(self._number)):
            # from here on, another job may be given the number
            self._queue.system.write(self._held[0], _PEALS)

    def close(self) -> None:
        """Close the descriptors. The ticket lives on as long as another process holds it."""
        for fd in self._held:
            self._queue.system.close(fd)
        self._held = []
        self._queue.close()


def take_tickets(
    system: System, private: Directory, name: str, max_running: List[int]
) -> List[Ticket]:
    """Take one ticket for each number in ``max_running``, one behind the other.

    Raise JobError if the queue cannot be used; then no ticket was taken.
    """
    taken: List[Ticket] = []
    with _open_queue(private, name) as queue:
        try:
            if not system.flock_within(queue.fd, LOCK_EX, _TAKING_SECONDS):
                raise JobError(
                    f"queue: another process kept the queue {name!r} locked for {_TAKING_SECONDS:g} s: {queue.path}"
                )
            try:
                following = _sweep_returned(queue)
                for offset, limit in enumerate(max_running):
                    taken.append(_take(queue, following + offset, limit))
            finally:
                system.flock(queue.fd, LOCK_UN)
        except OSError as error:
            for ticket in taken:
                ticket.close()
            raise Refused("take a place in the queue", queue.path, error) from error
    return taken


def _open_queue(private: Directory, name: str) -> Directory:
    """Return the directory of a queue, opened; it is made if it does not exist. Raise Refused if it fails."""
    import hashlib  # late: it loads OpenSSL

    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    try:
        with private.child(QUEUES_DIR, create=True) as queues:
            return queues.child(digest[:32], create=True)
    except OSError as error:
        raise Refused("make the queue in", private.join(QUEUES_DIR), error) from error


def _sweep_returned(queue: Directory) -> int:
    """Remove the tickets that no process holds. Return the number of the next one. The caller has locked the queue."""
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
    """Make the FIFO of a ticket and hold it. Return the ticket."""
    os.mkfifo(_file_of(number), 0o600, dir_fd=queue.fd)
    # for reading, too: without a reader, opening it for writing alone fails (ENXIO, fifo(7))
    fd = queue.system.open(_file_of(number), os.O_RDWR | _FLAGS, dir_fd=queue.fd)
    try:
        inner = queue.duplicate()
    except OSError:
        queue.system.close(fd)
        raise
    return Ticket(inner, number, max_running, [fd])
