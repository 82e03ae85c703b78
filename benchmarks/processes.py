# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The processor time that a process and its descendants have used, from ``/proc``."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Process:
    """A process. *seconds*: its processor time, with that of the children it has waited for."""

    pid: int
    parent: int
    seconds: float


def parse(stat: str) -> Process:
    """Return the process that ``/proc/<pid>/stat`` describes: proc(5). Its name may have blanks and parentheses."""
    pid, _blank, rest = stat.partition(" ")
    fields = rest.rpartition(")")[2].split()
    return Process(int(pid), int(fields[1]), sum(map(int, fields[11:15])) / _TICK)


def running() -> Iterator[Process]:
    """Yield all processes of this machine, including those in containers."""
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                text = Path("/proc", entry, "stat").read_text(errors="replace")
            except (FileNotFoundError, ProcessLookupError):  # it has just ended
                continue
            yield parse(text)


def seconds_below(root: int, processes: Iterable[Process]) -> float:
    """Return the processor time of *root* and its descendants."""
    children: dict[int, list[Process]] = defaultdict(list)
    own = 0.0
    for process in processes:
        children[process.parent].append(process)
        if process.pid == root:
            own = process.seconds
    total, above = own, [root]
    while above:
        for process in children[above.pop()]:
            total += process.seconds
            above.append(process.pid)
    return total


def parent(pid: int) -> int:
    """Return the parent of *pid*."""
    return parse(Path(f"/proc/{pid}/stat").read_text(errors="replace")).parent
