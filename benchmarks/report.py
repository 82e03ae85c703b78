# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tables for readers: each figure, compared with core's, with Mitogen's and with the floor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from .contenders import CORE, FLOOR, LABELS, MITOGEN, SYNCHRONOUS
from .figures import UNITS, Figures, Key, Line, growth
from .targets import verdicts


@dataclass(frozen=True)
class Row:
    """A figure with those that it is compared with. None: not measured."""

    key: Key
    median: float
    over_core: float | None
    over_mitogen: float | None
    floor: float | None
    over_floor: float | None
    controller_cpu: float | None
    target_cpu: float | None


def floor_of(figures: Figures, key: Key) -> float | None:
    """Return the floor for *key*: the time or the size that nothing can undercut. None if it was not measured."""
    match key.part, key.quantity:
        case "footprint", "PSS":
            place = replace(key, what="interpreter", contender=FLOOR.name, size=1)
        case "start" | "status" | "many", "time":
            place = Key("floor", "interpreter in a task", FLOOR.name, 1, key.link)
        case "detection", _:
            place = Key("floor", "exec", FLOOR.name, 1, key.link)
        case "output", _:
            place = replace(key, contender=SYNCHRONOUS.name)
        case _:
            place = replace(key, contender=FLOOR.name)
    return figures.median(place)


def rows(figures: Figures) -> list[Row]:
    """Return a row for each figure, so ordered that figures to be compared follow each other.

    Processor times have no rows of their own: they are in the row of the time that they belong to.
    """
    found = []
    for key in _in_order(figures):
        median = figures.median(key)
        if median is None or key.quantity.endswith("CPU"):
            continue
        floor = floor_of(figures, key)
        beside = {
            name: figures.median(replace(key, contender=name, what=what))
            for name in (CORE.name, MITOGEN.name)
            # compared with jobs that are started one by one, since core and Mitogen cannot start them together
            for what in ("apart" if key.what == "together" else key.what,)
        }
        cpu = {
            place: figures.median(replace(key, quantity=f"{place} CPU"))
            for place in ("controller", "target")
        }
        found.append(
            Row(
                key,
                median,
                _over(median, beside[CORE.name]),
                _over(median, beside[MITOGEN.name]),
                floor,
                _over(median, floor),
                cpu["controller"] if key.quantity == "time" else None,
                cpu["target"] if key.quantity == "time" else None,
            )
        )
    return found


def _in_order(figures: Figures) -> list[Key]:
    """Return all keys sorted by part, link, what and size; each but the size in the order of measurement."""
    first: dict[object, int] = {}
    for key in figures.samples:
        for it in (key.part, key.link, (key.part, key.what)):
            first.setdefault(it, len(first))
    return sorted(
        figures.samples,
        key=lambda key: (first[key.part], first[key.link], first[key.part, key.what], key.size),
    )


def _over(value: float, other: float | None) -> float | None:
    return value / other if other else None


def number(value: float | None, unit: str = "") -> str:
    """Return *value* with three significant digits. Seconds below one become ms. None becomes ""."""
    if value is None:
        return ""
    if unit == "s" and value < 0.9995:
        value, unit = value * 1000, "ms"
    digits = f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{digits} {unit}".rstrip()


def figure_table(figures: Figures) -> tuple[Sequence[str], list[Sequence[str]]]:
    """Return the headings and the rows of the table of all figures."""
    headings = (
        *("What", "Jobs", "Link", "Who", "Median", "/ core", "/ Mitogen", "Floor", "/ floor"),
        *("Controller CPU", "Target CPU"),
    )
    return headings, [
        (
            row.key.what if row.key.quantity == "time" else f"{row.key.what}: {row.key.quantity}",
            f"{row.key.size}",
            str(row.key.link),
            LABELS[row.key.contender].replace("`", ""),
            number(row.median, UNITS[row.key.quantity]),
            number(row.over_core),
            number(row.over_mitogen),
            number(row.floor, UNITS[row.key.quantity]),
            number(row.over_floor),
            number(row.controller_cpu, "s"),
            number(row.target_cpu, "s"),
        )
        for row in rows(figures)
    ]


def growth_table(figures: Figures) -> tuple[Sequence[str], list[Sequence[str]]]:
    """Return the headings and the rows of the table of how times grow with the number of jobs."""
    return ("What", "Who", "Once", "Each job", "R²"), [
        (
            f"{key.part}: {key.what}",
            LABELS[key.contender].replace("`", ""),
            number(line.base, "s"),
            number(line.each, "s"),
            f"{line.fit:.4f}",
        )
        for key, line in growing(figures)
    ]


def growing(figures: Figures) -> list[tuple[Key, Line]]:
    """Return the figures that grow with the number of jobs, and how."""
    return list(growth(figures).items())


def target_table(figures: Figures) -> tuple[Sequence[str], list[Sequence[str]]]:
    """Return the headings and the rows of the table of targets."""
    return ("Target", "Measured", "Limit", "Met"), [
        (
            verdict.target.about,
            number(verdict.value, verdict.target.unit),
            number(verdict.target.limit, verdict.target.unit),
            "yes" if verdict.met else "NO",
        )
        for verdict in verdicts(figures)
    ]


def aligned(table: tuple[Sequence[str], list[Sequence[str]]]) -> str:
    """Return a table as text, in columns as wide as they need to be."""
    headings, body = table
    widths = [max(map(len, column)) for column in zip(headings, *body, strict=True)]
    lines = (headings, ["-" * width for width in widths], *body)
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
