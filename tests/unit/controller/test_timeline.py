# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.longrun.jobs.plugins.plugin_utils._sight import page_file
from ansible_collections.longrun.jobs.plugins.plugin_utils._sight.seen import SeenJob
from ansible_collections.longrun.jobs.plugins.plugin_utils._sight.timeline import (
    render,
    ticks,
    timeline,
)


def job(host: str = "web1", began: float = 100.0, elapsed: float = 50.0, **facts: Any) -> SeenJob:
    given = {"state": "succeeded", "elapsed": elapsed, **facts}
    return SeenJob(host, facts.pop("jid", "j1.1"), "t", began, began + elapsed, **given)


@pytest.mark.parametrize("span", [1, 9, 59, 601, 7200, 86400, 86400 * 3, 86400 * 400])
def test_ticks_are_round_and_few(span: float) -> None:
    found = ticks(span)
    assert found[0] == 0 and found[-1] <= span and 2 <= len(found) <= 11
    assert all(tick % (found[1] - found[0]) == 0 for tick in found)


def test_bars_stand_where_jobs_ran() -> None:
    page = timeline("x", [job(), job("web2", 150.0, 50.0, marks=[(175.0, 30.0)])], 100.0, 200.0)
    (first,), (second,) = (group.bars for group in page.hosts)
    assert (first.begin, first.width, second.begin, second.width) == (0.0, 50.0, 50.0, 50.0)
    assert [(mark.at, mark.text) for mark in second.marks] == [(75.0, "30%")]


def test_a_short_job_of_a_long_run_can_be_seen() -> None:
    page = timeline(
        "x", [job(began=99_999.0, elapsed=0.1), job(began=0, elapsed=100_000)], 0.0, 1e5
    )
    short = page.hosts[0].bars[0]
    assert short.width == 0.3 and short.begin + short.width <= 100


def test_a_job_that_goes_on_reaches_to_the_end() -> None:
    running = job(state="running", elapsed=10.0)
    page = timeline("x", [running], 100.0, 200.0)
    assert page.hosts[0].bars[0].width == 100.0


def test_a_state_of_no_list_is_no_name_of_a_class() -> None:
    page = timeline("x", [job(state='x" onload="y')], 100.0, 200.0)
    assert page.hosts[0].bars[0].style == "other"
    assert page.states == [("other", 1)]
    assert 'onload="y' not in render(page)


def test_the_page_needs_nothing_from_elsewhere() -> None:
    text = render(timeline("x", [job()], 100.0, 200.0))
    assert not re.search(r"https?://(?!www\.gnu\.org)", text)
    assert not re.search(r"<[^>]+ (?:style|on\w+)=", text), "its own rules would not allow that"
    assert re.search(r"default-src 'none'; style-src 'sha256-[\w+/]+=*'; script-src 'sha256-", text)


def test_everything_that_is_not_ours_is_escaped() -> None:
    evil = "</script><script>alert(1)</script>"
    shown = job(host=evil, name=evil, message=evil, last_line=evil, module=evil, unit=evil)
    shown.retries.append((120.0, evil))
    assert "<script>alert" not in render(timeline(evil, [shown], 100.0, 200.0))


def test_a_page_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "new" / "page.html"
    page_file.write_page(path, "old")
    with pytest.raises(UnicodeEncodeError):
        page_file.write_page(path, "cut \ud800")
    assert path.read_text() == "old"
    assert [one.name for one in path.parent.iterdir()] == ["page.html"]
