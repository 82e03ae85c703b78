# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import time

import pytest

from ansible_collections.longrun.jobs.plugins.plugin_utils._sight.bars import Painter
from ansible_collections.longrun.jobs.plugins.plugin_utils._sight.screen import cells
from ansible_collections.longrun.jobs.plugins.plugin_utils._sight.seen import SeenJob
from ansible_collections.longrun.jobs.plugins.plugin_utils._sight.watching import Waiting


def many(number: int, hosts: int = 1, **facts: object) -> list[SeenJob]:
    return [
        SeenJob(f"host{n % hosts}", f"j{n}.{n}", "t", 0.0, 0.0, name=f"job{n}", **facts)  # type: ignore[arg-type]  # facts are of many types
        for n in range(number)
    ]


@pytest.mark.parametrize("width", [20, 40, 60, 79, 80, 120, 300])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    jobs = many(3, percent=45.0, eta=9.0, last_line="漢字 " * 100)
    waiting = [Waiting("a.very.long.host.name.example.org", "A task with a long name", 0.0)]
    for colours in (True, False):
        lines = Painter(colours).frame(jobs, waiting, jobs, 5.0, width, 10)
        assert len(lines) == 5 and all(cells(line) <= width for line in lines), lines


def test_a_bar_tells_all_there_is_to_tell() -> None:
    jobs = many(1, percent=45.4, eta=50.0, elapsed=41.0, last_line="Unpacking [bold]libc6[/bold]")
    line, total = Painter(False).frame(jobs, [], jobs, 1.0, 120, 10)
    assert re.match(
        r"host0 job0 ━+[╺╸]? +45% 0:42 ETA 0:49 Unpacking \[bold\]libc6\[/bold\]$", line.rstrip()
    )
    assert total == "1 job on 1 host: 1 running"


def test_without_a_percentage_something_turns() -> None:
    jobs, painter = many(1), Painter(False)
    frames = {painter.frame(jobs, [], jobs, now / 10, 120, 10)[0] for now in range(10)}
    assert len(frames) > 5 and not any("%" in frame for frame in frames)


def test_what_does_not_fit_is_summed_up_and_is_quick() -> None:
    jobs, painter = many(1000, hosts=200, percent=30.0), Painter(True)
    painter.frame(jobs, [], jobs, 0.0, 120, 18)
    began = time.perf_counter()
    lines = painter.frame(jobs, [], jobs, 1.0, 120, 18)
    assert time.perf_counter() - began < 0.2
    assert len(lines) == 19
    assert "1000 jobs on 200 hosts: 1000 running; 982 more not shown" in lines[-1]


def test_there_are_no_colours_where_none_are_wanted() -> None:
    jobs = many(1, percent=30.0)
    assert "\x1b" not in "".join(Painter(False).frame(jobs, [], jobs, 0.0, 120, 5))
    assert "\x1b[" in "".join(Painter(True).frame(jobs, [], jobs, 0.0, 120, 5))


def test_where_nothing_runs_nothing_is_drawn() -> None:
    assert Painter(True).frame([], [], many(3, state="succeeded"), 0.0, 80, 5) == []
