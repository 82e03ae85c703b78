# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.figures import Figures, Key, growth, line_through
from benchmarks.links import MAIN

KEY = Key("start", "start", "core", 10, MAIN)


def test_the_median_is_that_of_all_repetitions() -> None:
    figures = Figures()
    figures.add(KEY, 3.0, 1.0)
    figures.add(KEY, 100.0)
    assert figures.median(KEY) == 3.0


def test_what_was_not_measured_has_no_median() -> None:
    assert Figures().median(KEY) is None


def test_a_file_gives_back_the_figures_that_it_was_written_from() -> None:
    figures = Figures()
    figures.add(KEY, 0.25, 0.5)
    figures.add(replace(KEY, quantity="target CPU"), 0.125)
    assert Figures.from_json(figures.as_json()) == figures


def test_a_part_that_is_measured_anew_takes_the_place_of_all_its_figures() -> None:
    figures, anew = Figures(), Figures()
    other = replace(KEY, part="status")
    figures.add(KEY, 1.0)
    figures.add(replace(KEY, size=50), 5.0)
    figures.add(other, 2.0)
    anew.add(KEY, 9.0)
    figures.replace(anew)
    assert figures.samples == {other: [2.0], KEY: [9.0]}


def test_a_line_is_found_in_what_lies_on_one() -> None:
    line = line_through([(1, 0.5), (10, 5.0), (50, 25.0)])
    assert line.base == pytest.approx(0)
    assert line.each == pytest.approx(0.5)
    assert line.fit == pytest.approx(1)


def test_what_scatters_fits_badly() -> None:
    assert line_through([(1, 5.0), (2, 0.0), (3, 5.0)]).fit == pytest.approx(0)


def test_what_does_not_grow_fits_a_level_line() -> None:
    line = line_through([(1, 2.0), (10, 2.0), (100, 2.0)])
    assert (line.base, line.each, line.fit) == (2.0, 0.0, 1.0)


def test_growth_needs_three_sizes_of_the_same_thing() -> None:
    figures = Figures()
    for size in (1, 10, 50):
        figures.add(replace(KEY, size=size), size * 0.5)
        figures.add(replace(KEY, size=size, quantity="target CPU"), 1.0)
    for size in (1, 10):
        figures.add(replace(KEY, size=size, contender="mitogen"), size * 0.1)
    ((key, line),) = growth(figures).items()
    assert key == replace(KEY, size=0)
    assert line.each == pytest.approx(0.5)
