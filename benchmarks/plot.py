# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plot in the README: the time or memory of each contender as a fraction of core's, on a logarithmic axis."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from .contenders import CORE, DROP_IN, INFO, MITOGEN, RUN, WAIT, Contender
from .figures import UNITS, Figures, Key
from .links import MAIN, Link
from .report import number
from .scale import DEFAULT
from .targets import TARGETS
from .templates import fill_in

WIDTH = 860
_LEFT, _RIGHT = 230, 90
_TOP, _ROW = 92, 42


@dataclass(frozen=True)
class Comparison:
    """One row of the plot: its title, core's figure, and the figures that are compared with it."""

    title: str
    core: Key
    others: Sequence[tuple[str, Key]]


@dataclass(frozen=True)
class Mark:
    """One mark in the plot: its shape (*kind*, as in the legend), its place, and its ratio as text."""

    kind: str
    x: float
    y: float
    text: str


def _against(
    title: str,
    part: str,
    what: str,
    ours: Contender,
    size: int,
    link: Link = MAIN,
    quantity: str = "time",
) -> Comparison:
    core = Key(part, what, CORE.name, size, link, quantity)
    kinds = (("ours", ours), ("drop-in", DROP_IN), ("mitogen", MITOGEN))
    return Comparison(title, core, [(k, replace(core, contender=it.name)) for k, it in kinds])


_memory = _against("memory of a job", "footprint", "apart", RUN, DEFAULT.footprint, quantity="PSS")
COMPARISONS = (
    _against("start 1 job", "start", "start", RUN, 1),
    _against("start 1 job, 50 ms away", "start", "start", RUN, 1, Link(50, True)),
    _against("start 50 jobs", "start", "start", RUN, 50),
    _against("ask after 200 jobs", "status", "status", INFO, 200),
    _against("notice an end, poll: 1", "detection", "every 1 s", WAIT, 1),
    _against("notice an end, poll: 15", "detection", "every 15 s", WAIT, 1),
    _against("a whole play of 20 jobs", "whole", "whole play", RUN, DEFAULT.whole),
    replace(
        _memory,
        others=[
            (kind, replace(key, what="together") if kind == "ours" else key)
            for kind, key in _memory.others
        ],
    ),
)


def draw(figures: Figures) -> str:
    """Return the plot as SVG. Rows that were not measured are left out."""
    rows = [
        (comparison, ratios)
        for comparison in COMPARISONS
        if (ratios := list(_ratios(figures, comparison)))
    ]
    shown = [ratio for _row, ratios in rows for _kind, ratio in ratios]
    shown += [aim for row, _ratios in rows if (aim := _aim(row))]
    least, most = min(shown, default=0.1), max(shown, default=1.0)
    decades = range(math.floor(math.log10(least)), math.ceil(math.log10(max(most, 1))) + 1)
    height = _TOP + _ROW * len(rows) + 46

    def place(ratio: float) -> float:
        width = WIDTH - _LEFT - _RIGHT
        span = max(1, decades[-1] - decades[0])
        return round(_LEFT + width * (math.log10(ratio) - decades[0]) / span, 1)

    def lines() -> Iterator[tuple[str, float, list[Mark], float | None, str]]:
        for index, (comparison, ratios) in enumerate(rows):
            y = _TOP + _ROW * (index + 0.5)
            marks = [Mark(kind, place(it), y, _fraction(it)) for kind, it in ratios]
            aim = _aim(comparison)
            core = number(figures.median(comparison.core), UNITS[comparison.core.quantity])
            yield comparison.title, y, marks, place(aim) if aim else None, core

    return fill_in(
        "plot.svg.j2",
        markup=True,
        width=WIDTH,
        height=height,
        left=_LEFT,
        top=_TOP,
        bottom=height - 46,
        axis=[(place(10.0**it), f"{10.0**it:g}") for it in decades],
        core=place(1),
        rows=list(lines()),
    )


def _ratios(figures: Figures, comparison: Comparison) -> Iterator[tuple[str, float]]:
    core = figures.median(comparison.core)
    for kind, key in comparison.others:
        value = figures.median(key)
        if core and value:
            yield kind, value / core


def _aim(comparison: Comparison) -> float | None:
    """Return the target for our figure if it is a ratio to core's, else None."""
    ours = dict(comparison.others)["ours"]
    for target in TARGETS:
        if (target.figure, target.over) == (ours, comparison.core):
            return target.limit
    return None


def _fraction(ratio: float) -> str:
    """Return a ratio as people write it: ``1/40`` rather than ``0.025``."""
    return f"1/{1 / ratio:.0f}" if ratio < 0.095 else f"{ratio:.2f}"
