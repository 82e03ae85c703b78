# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.longrun.jobs.plugins.filter.job_table import job_table
from ansible_collections.longrun.jobs.plugins.plugin_utils._sight import job_text
from ansible_collections.longrun.jobs.plugins.plugin_utils._sight.seen import SeenJob


def job(jid: str = "j1.1", **changed: Any) -> SeenJob:
    facts = {"name": "os-upgrade", "elapsed": 41.2, **changed}
    return SeenJob("web1", jid, "t", began=0.0, looked=41.2, **facts)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0.0 s"),
        (0, "0.0 s"),
        (3.21, "3.2 s"),
        (59.94, "59.9 s"),
        (59.96, "0:59"),
        (61, "1:01"),
        (3723, "1:02:03"),
        (2 * 86400 + 3 * 3600, "2d 03:00:00"),
    ],
)
def test_durations_are_read_at_a_glance(seconds: float, text: str) -> None:
    assert job_text.duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (40112128, "38.3 MiB"),
        (2**60, "1048576.0 TiB"),
    ],
)
def test_sizes_have_units(count: float, text: str) -> None:
    assert job_text.size(count) == text


def test_a_line_of_progress() -> None:
    told = job(percent=45.04, current=123, total=273, unit="packages", eta=50.3)
    told.progress_message = "Unpacking libc6"
    line = (
        "web1 os-upgrade: 45%, 123/273 packages, 41.2 s so far, about 50.3 s left: Unpacking libc6"
    )
    assert job_text.progress_line(told, 41.2) == line
    assert job_text.progress_line(job(), 41.2) == "web1 os-upgrade: running, 41.2 s so far"


def test_a_line_of_an_end() -> None:
    told = job(state="timed_out", reason="deadline", message="Timeout exceeded")
    told.cpu_seconds, told.max_rss_bytes = 3.1, 40112128
    line = (
        "web1 os-upgrade: timed_out (deadline) after 41.2 s, 3.1 s cpu, 38.3 MiB: Timeout exceeded"
    )
    assert job_text.end_line(told, 99.0) == line
    assert job_text.end_line(job(state="succeeded", reason="exit"), 99.0) == (
        "web1 os-upgrade: succeeded after 41.2 s"
    )


def test_no_line_is_longer_than_a_reader_likes() -> None:
    assert len(job_text.progress_line(job(last_line="x" * 1000), 0.0)) == 160
    assert len(job_text.end_line(job(state="failed", message="x" * 1000), 0.0)) == 160


def test_the_table_has_a_row_for_each_job() -> None:
    jobs = [
        job(state="succeeded", reason="exit", cpu_seconds=3.1, max_rss_bytes=40112128),
        job("j2.2", name="copy", elapsed=3723.0, state="lost", reason="rebooted"),
    ]
    assert [line for _state, line in job_text.table(jobs, 0.0, 0)] == [
        "JOB         HOST  STATE            ELAPSED    CPU  PEAK MEMORY",
        "os-upgrade  web1  succeeded         41.2 s  3.1 s     38.3 MiB",
        "copy        web1  lost (rebooted)  1:02:03      -            -",
    ]
    assert [state for state, _line in job_text.table(jobs, 0.0, 0)] == ["", "succeeded", "lost"]


def test_of_too_many_the_broken_and_the_longest_are_shown() -> None:
    jobs = [
        job(f"j{n}.{n}", name=f"n{n}", elapsed=float(n), state="succeeded") for n in range(1000)
    ]
    jobs[500].state = "failed"
    lines = job_text.table(jobs, 0.0, 3)
    assert [line.split()[0] for _state, line in lines] == ["JOB", "n500", "n999", "n998", "and"]
    assert lines[-1][1] == "and 997 more: 997 succeeded"


def test_an_overview_counts() -> None:
    jobs = [job(), job("j2.2", state="failed"), job("j3.3")]
    assert job_text.overview(jobs) == "3 jobs on 1 host: 2 running, 1 failed"


def test_the_filter_takes_the_jobs_of_each_host() -> None:
    found = [{"id": "j1.1", "name": "a", "state": "running", "elapsed": 2.0}]
    lines = job_table({"web1": found, "web2": found, "db1": []})
    assert [line.split()[:3] for line in lines[1:]] == [
        ["a", "web1", "running"],
        ["a", "web2", "running"],
    ]
    assert job_table({}, 0) == ["JOB  HOST  STATE  ELAPSED  CPU  PEAK MEMORY"]


@pytest.mark.parametrize(("value", "rows"), [([], 0), ("x", 0), ({}, -1), ({}, "many")])
def test_the_filter_names_what_is_wrong(value: Any, rows: Any) -> None:
    with pytest.raises(AnsibleFilterError, match="job_table: "):
        job_table(value, rows)
