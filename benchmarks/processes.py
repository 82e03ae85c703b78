# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much processor time a process and all that came of it have used, from ``/proc``."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Process:
    """A process; *seconds* of processor time, with those of its children that it has waited for."""

    pid: int
    parent: int
    seconds: float


def parse(stat: str) -> Process:
    """Return what ``/proc/<pid>/stat`` says. The name in it may have blanks and parentheses."""
    pid, _blank, rest = stat.partition(" ")
    fields = rest.rpartition(")")[2].split()
    return Process(int(pid), int(fields[1]), sum(map(int, fields[11:15])) / _TICK)


def running() -> Iterator[Process]:
    """Give all processes of this machine, those in containers among them."""
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                text = Path("/proc", entry, "stat").read_text(errors="replace")
            except (FileNotFoundError, ProcessLookupError):  # it has gone meanwhile
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
