# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""Find the processes of a job and end them: SIGTERM to all, a grace period, SIGKILL to those that are left."""

import signal
from typing import Callable, Dict, Iterable, List, NamedTuple, Optional, Set, Tuple

from .kernel import System

JOB_MARK = "ANSIBLE_ASYNC_JID"  # a variable in the environment of every process that a job starts
_ENDING_STEP = 0.1  # seconds between looks at processes whose end is not told to us


class Process(NamedTuple):
    """A process: its pid, and its start time in clock ticks since boot, None where it is unknown.

    The start time differs if the pid has been given to another process.
    """

    pid: int
    start: Optional[int]


def descendants(processes: Dict[int, Tuple[int, int, str]], roots: Iterable[int]) -> Set[int]:
    """Return the pids of all descendants of the roots, without the roots themselves."""
    children: Dict[int, List[int]] = {}
    for pid, (parent, _start, _state) in processes.items():
        children.setdefault(parent, []).append(pid)
    found: Set[int] = set()
    waiting = list(roots)
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child not in found:
                found.add(child)
                waiting.append(child)
    return found


def job_tree(
    system: System,
    jid: str,
    supervisor: int,
    module: Optional[Process],
    known: Iterable[Process] = (),
) -> List[Process]:
    """Return every living process of a job, without the calling one.

    Below a living supervisor, these are all of its descendants, since orphans become its children. If the supervisor
    is gone, its orphans are found by the mark in their environment. supervisor: its pid, 0 if it is gone. known:
    processes that were seen earlier, whose parents may have ended since.
    """
    processes = system.processes()
    if not processes:  # without /proc, only the module's process group can be reached
        group = Process(-module.pid, None) if module else None
        return [group] if group and system.kill(group.pid, None, 0) else []
    pids = descendants(processes, [supervisor]) if supervisor else set()
    roots = {
        process.pid
        for process in list(known) + ([module] if module else [])
        if processes.get(process.pid, (0, -1, ""))[1] == process.start
    }
    pids |= roots | descendants(processes, roots)
    if not supervisor:
        oldest = (module.start if module else None) or 0
        mark = f"{JOB_MARK}={jid}".encode("ascii")
        for pid, (_parent, start, _state) in processes.items():
            if pid not in pids and start >= oldest:
                if mark in system.process_file(pid, "environ").split(b"\0"):
                    pids.add(pid)
        pids |= descendants(processes, pids)
    pids.discard(system.getpid())
    return [
        Process(pid, processes[pid][1]) for pid in sorted(pids) if processes[pid][2] not in "ZX"
    ]


def signal_process(
    system: System, process: Process, number: int, owner: Optional[int] = None
) -> bool:
    """Send a signal to a process, see ``System.kill``."""
    if owner is None:
        return system.kill(process.pid, process.start, number)
    return system.kill(process.pid, process.start, number, owner)


def signal_tree(
    system: System, tree: Iterable[Process], number: int, owner: Optional[int] = None
) -> List[str]:
    """Send a signal to each of the processes that still exists. Return a message for each that is another user's.

    owner: the only user whose processes are signalled; None for any that the kernel allows.
    """
    refusals = []
    for process in tree:
        try:
            signal_process(system, process, number, owner)
        except PermissionError:
            refusals.append(f"process {process.pid} belongs to another user and was not signalled")
    return refusals


def _of_owner(system: System, tree: List[Process], owner: Optional[int]) -> List[Process]:
    """Return those of the processes that belong to a user; all of them if owner is None."""
    if owner is None:
        return tree
    return [process for process in tree if system.process_owner(process.pid) == owner]


def end_tree(
    system: System,
    jid: str,
    supervisor: int,
    module: Optional[Process],
    grace: float,
    pause: Callable[[float], None],
    known: Iterable[Process] = (),
    owner: Optional[int] = None,
) -> bool:
    """End the processes of a job. Return whether all of them have ended.

    grace: seconds between SIGTERM and SIGKILL. pause(seconds): waits for at most so long, less if a process ends.
    known: see ``job_tree``. owner: see ``signal_tree``; the processes of others are not waited for.
    """
    deadline = system.monotonic() + grace
    seen = set(known)  # their children belong to the job even if they themselves have ended
    signalled: Set[Process] = set()
    while True:
        tree = _of_owner(system, job_tree(system, jid, supervisor, module, seen), owner)
        seen.update(tree)
        if not tree:
            return True
        left = deadline - system.monotonic()
        if left <= 0:
            break
        # processes that were started since the last look get their SIGTERM, too
        new = [process for process in tree if process not in signalled]
        signal_tree(system, new, signal.SIGTERM, owner)
        signal_tree(system, new, signal.SIGCONT, owner)  # a stopped process does not act on SIGTERM
        signalled.update(tree)
        pause(min(left, _ENDING_STEP))
    # a process in uninterruptible sleep does not die, so the wait has an end
    last = system.monotonic() + 5.0
    while system.monotonic() < last:
        signal_tree(system, tree, signal.SIGKILL, owner)
        pause(_ENDING_STEP)
        tree = _of_owner(system, job_tree(system, jid, supervisor, module, seen), owner)
        if not tree:
            return True
        seen.update(tree)
    return False
