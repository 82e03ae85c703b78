# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The chapter "Performance" of the documentation: a template, filled in with measured figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .contenders import LABELS
from .figures import UNITS, Figures
from .report import Row, growth_table, number, rows, target_table
from .templates import fill_in


@dataclass(frozen=True)
class Table:
    """A table of reStructuredText."""

    headings: Sequence[str]
    body: Sequence[Sequence[str]]


def write(about: Mapping[str, Any], figures: Figures) -> str:
    """Return the chapter."""
    found = rows(figures)
    return fill_in(
        "guide_performance.rst.j2",
        markup=False,
        about=about,
        tables={part: _table(found, part) for part in dict.fromkeys(it.key.part for it in found)},
        growth=Table(*growth_table(figures)),
        targets=Table(*target_table(figures)),
    )


def _table(found: Sequence[Row], part: str) -> Table:
    """Return the rows of a part, without empty columns."""
    headings = ["What", "Who", "Median", "/ core", "/ Mitogen", "/ floor", "Controller", "Target"]
    body = [list(_cells(row)) for row in found if row.key.part == part]
    used = [any(column) for column in zip(*body, strict=True)]
    return Table(
        [it for it, keep in zip(headings, used, strict=True) if keep],
        [[it for it, keep in zip(line, used, strict=True) if keep] for line in body],
    )


def _cells(row: Row) -> Iterator[str]:
    key = row.key
    jobs = "" if key.part in ("floor", "output") else f", {key.size:,} job{'s'[: key.size > 1]}"
    quantity = "" if key.quantity == "time" else f", {key.quantity}"
    yield f"{key.what}{jobs}{quantity}; {key.link}"
    yield LABELS[key.contender].replace("`", "``")
    yield number(row.median, UNITS[key.quantity])
    yield number(row.over_core)
    yield number(row.over_mitogen)
    yield number(row.over_floor)
    yield number(row.controller_cpu, "s")
    yield number(row.target_cpu, "s")
