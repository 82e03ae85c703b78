# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measured samples, and what is calculated from them. Nothing here measures."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from .links import Link

UNITS = {
    "time": "s",
    "controller CPU": "s",
    "target CPU": "s",
    "processes": "",
    "PSS": "MiB",
    "wake-ups": "/min",
    "supervisor's wake-ups": "/min",
}


@dataclass(frozen=True)
class Key:
    """Names one figure: the part, what was done, the contender, the number of jobs, the link, the quantity measured."""

    part: str
    what: str
    contender: str
    size: int
    link: Link
    quantity: str = "time"


@dataclass
class Figures:
    """All samples by their keys, in the order in which the keys were first measured."""

    samples: dict[Key, list[float]] = field(default_factory=dict)

    def add(self, key: Key, *samples: float) -> None:
        """Add samples to a figure."""
        self.samples.setdefault(key, []).extend(samples)

    def median(self, key: Key) -> float | None:
        """Return the median of a figure, or None if it was not measured."""
        samples = self.samples.get(key)
        return statistics.median(samples) if samples else None

    def replace(self, others: Figures) -> None:
        """Add *others*. All earlier figures of the parts that they have are dropped.

        A part is always measured as a whole, since its figures can only be compared with each other.
        """
        parts = {key.part for key in others.samples}
        kept = {key: it for key, it in self.samples.items() if key.part not in parts}
        self.samples = {**kept, **others.samples}

    def as_json(self) -> list[dict[str, Any]]:
        """Return a dict for each figure, with its median and its unit."""
        return [
            {
                **asdict(key),
                "unit": UNITS[key.quantity],
                "median": round(statistics.median(samples), 6),
                "samples": [round(sample, 6) for sample in samples],
            }
            for key, samples in self.samples.items()
        ]

    @classmethod
    def from_json(cls, rows: Iterable[dict[str, Any]]) -> Figures:
        """Return the figures that `as_json` has written."""
        figures = cls()
        for row in rows:
            link = Link(**row["link"])
            names = (row["part"], row["what"], row["contender"], row["size"])
            figures.add(Key(*names, link, row["quantity"]), *row["samples"])
        return figures


@dataclass(frozen=True)
class Line:
    """How a figure grows with the number of jobs *n*: ``base + each * n``. *fit* is R², 1 for a perfect fit."""

    base: float
    each: float
    fit: float


def line_through(points: Sequence[tuple[float, float]]) -> Line:
    """Return the least-squares line through *points*. There must be at least two."""
    xs, ys = zip(*points, strict=True)
    each, base = statistics.linear_regression(xs, ys)
    mean = statistics.fmean(ys)
    total = math.fsum((y - mean) ** 2 for y in ys)
    residual = math.fsum((y - base - each * x) ** 2 for x, y in points)
    return Line(base, each, 1 - residual / total if total else 1.0)


def growth(figures: Figures) -> dict[Key, Line]:
    """Return the line through the sizes of each figure of time that has three or more. Its key has size 0."""
    points: dict[Key, list[tuple[float, float]]] = {}
    for key in figures.samples:
        if key.quantity == "time" and key.size:
            median = figures.median(key)
            assert median is not None
            whole = replace(key, size=0)
            points.setdefault(whole, []).append((key.size, median))
    return {key: line_through(found) for key, found in points.items() if len(found) >= 3}
