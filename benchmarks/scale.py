# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much is measured: everything, enough for a rough measurement, or just enough to run every line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from . import links
from .links import Link


@dataclass(frozen=True)
class Scale:
    """How much is measured. Sizes are numbers of jobs.

    *single*: how often a size of one job is measured in each run. *once_above*: larger sizes are measured only in the
    first repetition, since a loop over so many jobs repeats in itself. *distant*: the sizes for links other than the
    main one. *window*: seconds in which wake-ups are counted.
    """

    repetitions: int
    links: Sequence[Link]
    single: int
    start: Sequence[int]
    status: Sequence[int]
    distant: Sequence[int]
    polls: Sequence[int]
    whole: int
    footprint: int
    window: float
    many: Sequence[int]
    mebibytes: int
    floor: int
    once_above: int = 20

    def sizes(self, wanted: Sequence[int], link: Link, repetition: int) -> list[int]:
        """Return the sizes to measure over *link* in this repetition, which may be none."""
        wanted = wanted if link == links.MAIN else self.distant
        fit = [size for size in wanted if size <= self.once_above or repetition == 0]
        return [1] * (self.single - 1) + fit if fit else []


DEFAULT = Scale(
    repetitions=2,
    links=links.ALL,
    single=3,
    start=(1, 10, 50),
    status=(1, 50, 200),
    distant=(1,),
    polls=(1, 15),
    whole=20,
    footprint=20,
    window=10.0,
    many=(1, 100, 1000),
    mebibytes=95,  # 100 MB
    floor=10,
)
QUICK = Scale(
    repetitions=1,
    links=(links.MAIN, Link(50, True)),
    single=3,
    start=(1, 10),
    status=(1, 20),
    distant=(1,),
    polls=(1,),
    whole=5,
    footprint=5,
    window=6.0,
    many=(1, 10, 100),
    mebibytes=95,
    floor=5,
)
SMALLEST = Scale(
    repetitions=1,
    links=(Link(0, True), Link(10, False)),
    single=1,
    start=(1, 2, 3),
    status=(1, 2),
    distant=(),
    polls=(1,),
    whole=2,
    footprint=2,
    window=0.2,
    many=(1, 2),
    mebibytes=1,
    floor=1,
)
