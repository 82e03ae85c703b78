# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all parts share: repetitions in turns, and the figures of a task."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ..contenders import Contender
from ..figures import Figures, Key
from ..links import Link
from ..meter import Task
from ..scale import Scale
from ..testbed import Testbed


@dataclass(frozen=True)
class Bench:
    """What a part measures with. It adds its samples to *figures*; *say* prints how far it is."""

    testbed: Testbed
    scale: Scale
    say: Callable[[str], None]
    figures: Figures = field(default_factory=Figures)

    def turns(
        self, *contenders: Contender, repetitions: int = 0
    ) -> Iterator[tuple[int, Contender]]:
        """Yield each contender in turn, in each repetition, so that a disturbance hits all of them alike."""
        for repetition in range(repetitions or self.scale.repetitions):
            for contender in contenders:
                yield repetition, contender

    def add_task(
        self, part: str, what: str, contender: Contender, size: int, link: Link, task: Task
    ) -> None:
        """Add the time of a task, and its processor time divided by the number of its jobs, *size*."""
        self.figures.add(Key(part, what, contender.name, size, link), task.seconds)
        for quantity, seconds in (
            ("controller CPU", task.controller_cpu),
            ("target CPU", task.target_cpu),
        ):
            self.figures.add(Key(part, what, contender.name, size, link, quantity), seconds / size)


@dataclass(frozen=True)
class Part:
    """A part of the benchmarks: its name on the command line, what it measures, and the function that does."""

    name: str
    about: str
    measure: Callable[[Bench], None]
