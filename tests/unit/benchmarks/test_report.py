# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks import chapter, plot, report
from benchmarks.figures import Figures, Key
from benchmarks.links import MAIN
from benchmarks.targets import verdicts

CORE = Key("start", "start", "core", 1, MAIN)
OURS = replace(CORE, contender="async_run")
FLOOR = Key("floor", "interpreter in a task", "floor", 1, MAIN)
ABOUT = {
    "core": "2.21.5",
    "mitogen": "0.3.54",
    "controller": "Debian trixie, Python 3.13",
    "target": "Debian bookworm, Python 3.11",
    "cores": 2,
    "architecture": "x86_64",
    "memory_gib": 23,
}


@pytest.fixture
def figures() -> Figures:
    """Ours takes a tenth of core's time, and twice the floor."""
    found = Figures()
    found.add(FLOOR, 0.02)
    found.add(CORE, 0.4)
    found.add(OURS, 0.04)
    found.add(replace(OURS, quantity="target CPU"), 0.03)
    return found


def test_a_figure_stands_beside_core_and_the_floor(figures: Figures) -> None:
    (row,) = (row for row in report.rows(figures) if row.key == OURS)
    assert row.over_core == pytest.approx(0.1)
    assert row.over_mitogen is None
    assert row.over_floor == pytest.approx(2)
    assert row.target_cpu == pytest.approx(0.03)


def test_those_that_are_compared_stand_beneath_each_other() -> None:
    figures = Figures()
    for contender in ("core", "async_run"):
        for size in (1, 10):
            figures.add(replace(CORE, contender=contender, size=size), 1.0)
    rows = [(row.key.size, row.key.contender) for row in report.rows(figures)]
    assert rows == [(1, "core"), (1, "async_run"), (10, "core"), (10, "async_run")]


def test_processor_time_has_no_row_of_its_own(figures: Figures) -> None:
    assert {row.key.quantity for row in report.rows(figures)} == {"time"}


def test_jobs_started_together_stand_beside_those_that_others_start_one_by_one() -> None:
    figures = Figures()
    core = Key("footprint", "apart", "core", 20, MAIN, "PSS")
    together = Key("footprint", "together", "async_run", 20, MAIN, "PSS")
    figures.add(core, 30.0)
    figures.add(together, 6.0)
    (row,) = (row for row in report.rows(figures) if row.key == together)
    assert row.over_core == pytest.approx(0.2)


def test_a_target_is_met_up_to_its_limit(figures: Figures) -> None:
    (verdict,) = verdicts(figures)
    assert verdict.target.over == CORE
    assert verdict.met
    figures.add(OURS, 0.08, 0.08)
    (verdict,) = verdicts(figures)
    assert not verdict.met


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "s", ""),
        (0.0123, "s", "12.3 ms"),
        (0.9994, "s", "999 ms"),
        (1.234, "s", "1.23 s"),
        (1234.5, "", "1,234"),
        (0.00123, "", "0.00123"),
    ],
)
def test_numbers_have_three_digits_that_count(value: float | None, unit: str, text: str) -> None:
    assert report.number(value, unit) == text


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert report.aligned((("A", "B"), [("long", "x")])) == "A     B\n----  -\nlong  x"


def test_the_chapter_says_only_what_was_measured(figures: Figures) -> None:
    text = chapter.write(ABOUT, figures)
    assert "40 ms" in text
    assert "Starting jobs" in text
    assert "A thousand jobs" not in text


def test_every_ratio_stands_on_the_plot_at_its_place(figures: Figures) -> None:
    figures.add(replace(CORE, contender="mitogen"), 0.004)
    drawn = plot.draw(figures)
    (tenth,) = {place for place, label in plot_axis(drawn) if label == "0.1"}
    (hundredth,) = {place for place, label in plot_axis(drawn) if label == "0.01"}
    assert f'class="ours" cx="{tenth}"' in drawn
    assert f'class="mitogen" cx="{hundredth}"' in drawn
    assert "ask after" not in drawn


def plot_axis(drawn: str) -> list[tuple[str, str]]:
    """The labels of the axis, with their places."""
    labels = [line for line in drawn.splitlines() if 'class="small"' in line]
    return [
        (line.split('x="')[1].split('"')[0], line.split(">")[1].split("<")[0]) for line in labels
    ]
