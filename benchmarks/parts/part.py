# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all parts have in common: repetitions in turns, and how a task becomes figures."""

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
    """What a part works with; it puts what it finds into *figures*."""

    testbed: Testbed
    scale: Scale
    say: Callable[[str], None]
    figures: Figures = field(default_factory=Figures)

    def turns(
        self, *contenders: Contender, repetitions: int = 0
    ) -> Iterator[tuple[int, Contender]]:
        """Give each contender in turn, and so for each repetition: what disturbs one disturbs all."""
        for repetition in range(repetitions or self.scale.repetitions):
            for contender in contenders:
                yield repetition, contender

    def add_task(
        self, part: str, what: str, contender: Contender, size: int, link: Link, task: Task
    ) -> None:
        """Add the time of *task*, and the processor time of one job of *size*."""
        self.figures.add(Key(part, what, contender.name, size, link), task.seconds)
        for quantity, seconds in (
            ("controller CPU", task.controller_cpu),
            ("target CPU", task.target_cpu),
        ):
            self.figures.add(Key(part, what, contender.name, size, link, quantity), seconds / size)


@dataclass(frozen=True)
class Part:
    """A part by the name by which it can be asked for; *about* says what it measures."""

    name: str
    about: str
    measure: Callable[[Bench], None]
