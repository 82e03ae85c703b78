# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""The processes of a job, and their end: TERM to all of them, a grace, KILL to what is left."""

import signal
from typing import Callable, Dict, Iterable, List, NamedTuple, Optional, Set, Tuple

from .kernel import System

JOB_MARK = "ANSIBLE_ASYNC_JID"  # in the environment of everything that a job starts
_ENDING_STEP = 0.1  # seconds between looks at processes whose end nothing tells us


class Process(NamedTuple):
    pid: int
    # clock ticks since boot: tells a pid that was given again; None where nothing tells it
    start: Optional[int]


def descendants(processes: Dict[int, Tuple[int, int, str]], roots: Iterable[int]) -> Set[int]:
    """The pids below the roots, the roots themselves left out."""
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
    """Every living process of a job.

    Below a living supervisor that is all of its descendants: orphans come back to it. The mark in the
    environment finds the orphans of a supervisor that is gone. known: processes seen earlier, whose parents may
    have ended since.
    """
    processes = system.processes()
    if not processes:  # no /proc: the module's process group is all that can be reached
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


def signal_tree(system: System, tree: Iterable[Process], number: int) -> List[str]:
    """Signal each process whose identity still holds; what was refused, for the record."""
    refusals = []
    for process in tree:
        try:
            system.kill(process.pid, process.start, number)
        except PermissionError:
            refusals.append(f"process {process.pid} belongs to another user and was not signalled")
    return refusals


def end_tree(
    system: System,
    jid: str,
    supervisor: int,
    module: Optional[Process],
    grace: float,
    pause: Callable[[float], None],
    known: Iterable[Process] = (),
) -> bool:
    """End a job's processes; True when none is left.

    pause(seconds): wait for at most that long, less if a process ended. known: see job_tree.
    """
    deadline = system.monotonic() + grace
    seen = set(known)  # their children are the job's also when they themselves have ended
    signalled: Set[Process] = set()
    while True:
        tree = job_tree(system, jid, supervisor, module, seen)
        seen.update(tree)
        if not tree:
            return True
        left = deadline - system.monotonic()
        if left <= 0:
            break
        # what was started since the first look gets its TERM as well
        new = [process for process in tree if process not in signalled]
        signal_tree(system, new, signal.SIGTERM)
        signal_tree(system, new, signal.SIGCONT)  # what was stopped could not end by TERM
        signalled.update(tree)
        pause(min(left, _ENDING_STEP))
    # a process in uninterruptible sleep does not die: we do not wait for ever
    last = system.monotonic() + 5.0
    while system.monotonic() < last:
        signal_tree(system, tree, signal.SIGKILL)
        pause(_ENDING_STEP)
        tree = job_tree(system, jid, supervisor, module, seen)
        if not tree:
            return True
        seen.update(tree)
    return False
