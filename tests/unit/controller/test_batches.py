# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waves, and what is said of a batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.longrun.jobs.plugins.filter.batch import FilterModule
from ansible_collections.longrun.jobs.plugins.plugin_utils._batches.budget import ErrorBudget

FILTERS = FilterModule().filters()
HOSTS = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]


def status(name: str, state: str = "succeeded", **more: Any) -> dict[str, Any]:
    view = {"id": f"j{len(name)}.1", "name": name, "state": state, "elapsed": 1.5, "attempt": 2}
    return {"ansible_job_id": view["id"], "results_file": "/a", "async_job": view, **more}


def started(*jobs: dict[str, Any]) -> dict[str, Any]:
    return {"changed": True, "jobs": list(jobs)}


@pytest.mark.parametrize(
    ("sizes", "counts"),
    [
        (4, [4, 4, 2]),
        ("4", [4, 4, 2]),
        ("100%", [10]),
        ([1, 2, "40%"], [1, 2, 4, 3]),
        (["5%", 20], [1, 9]),
        ("25%", [2, 2, 2, 2, 2]),
    ],
)
def test_waves_are_as_large_as_they_are_to_be_and_keep_the_order(
    sizes: Any, counts: list[int]
) -> None:
    found = FILTERS["waves"](HOSTS, sizes)
    assert [len(wave) for wave in found] == counts
    assert sum(found, []) == HOSTS


@pytest.mark.parametrize("sizes", [0, "many", [], -1, "1.5", True, "-5%"])
def test_what_is_no_size_of_a_wave_is_refused(sizes: Any) -> None:
    with pytest.raises(AnsibleFilterError, match=r"^waves: "):
        FILTERS["waves"](HOSTS, sizes)


def test_no_hosts_make_no_wave() -> None:
    assert FILTERS["waves"]([], 5) == []


def test_the_jobs_of_a_batch_are_run_again_but_for_those_that_succeeded() -> None:
    jobs = [{"name": "x", "task": {"ping": {}}}, {"task": {"ping": {}}, "if_exists": "fail"}]
    assert FILTERS["batch_jobs"](jobs) == jobs
    named = FILTERS["batch_jobs"](jobs, "spring", ["spring x"])
    assert [(job["name"], job["if_exists"]) for job in named] == [
        ("spring x", "attach"),
        ("spring 2", "restart_finished"),
    ]


@pytest.mark.parametrize(
    ("begun", "waited", "state", "msg"),
    [
        (started(status("x")), {"jobs": [status("x")]}, "succeeded", ""),
        (started(status("x")), {"jobs": [status("x", "lost")]}, "failed", "x lost"),
        (started(status("x")), {"jobs": [status("x", "cancelled")]}, "failed", "x cancelled"),
        (
            started(status("x")),
            {"jobs": [status("x", "cancelled")], "budget_exceeded": True},
            "cancelled",
            "",
        ),
        (
            started(status("x")),
            {"jobs": [status("x", "cancelled"), status("yy", "failed")], "budget_exceeded": True},
            "failed",
            "yy failed",
        ),
        (started(status("x")), {"jobs": [status("x", "running")]}, "failed", "x is still running"),
        (started(status("x")), {"unreachable": True, "msg": "gone"}, "unreachable", "gone"),
        ({"unreachable": True, "msg": "gone"}, {}, "unreachable", "gone"),
        ({"failed": False, "msg": "jobs[0].task: no"}, {}, "failed", "jobs[0].task: no"),
        # in check mode
        (started({"changed": True}), {"skipped": True}, "succeeded", ""),
        (started({"failed": True, "msg": "no"}), {"skipped": True}, "failed", "a job failed"),
    ],
)
def test_what_became_of_a_host(begun: Any, waited: Any, state: str, msg: str) -> None:
    found = FILTERS["batch_outcome"](begun, waited)
    assert (found["state"], found["msg"]) == (state, msg)


def test_of_each_job_it_is_told_how_long_and_how_often() -> None:
    begun = started(status("x", attached=True), status("yy"))
    done = {"jobs": [status("x"), status("yy", "failed", msg="non-zero return code")]}
    jobs = FILTERS["batch_outcome"](begun, done)["jobs"]
    assert [job["attached"] for job in jobs] == [True, False]
    assert [(job["elapsed"], job["attempts"]) for job in jobs] == [(1.5, 2)] * 2
    assert [job["msg"] for job in jobs] == ["", "non-zero return code"]


def outcome(state: str) -> dict[str, Any]:
    return {"state": state, "msg": "", "jobs": [{"state": state}]}


def test_the_report_counts_those_that_were_gone_and_names_who_was_not_started() -> None:
    waves = [["a"], ["b", "c"], ["d"]]
    outcomes = {"a": outcome("succeeded"), "b": outcome("failed"), "c": outcome("succeeded")}
    found = FILTERS["batch_report"](dict(outcomes, d={}), waves, 1, ["z"], "spring")
    assert found["exceeded"]
    assert found["failed_hosts"] == ["b", "z"]
    assert found["not_started"] == ["d"]
    assert [wave["ran"] for wave in found["waves"]] == [True, True, False]
    assert (found["waves_run"], found["hosts"]["c"]["wave"], found["hosts"]["z"]["wave"]) == (
        2,
        2,
        None,
    )
    assert found["summary"] == {
        "hosts": 5,
        "succeeded": 2,
        "failed": 1,
        "unreachable": 1,
        "cancelled": 0,
        "not_started": 1,
        "jobs": {"succeeded": 2, "failed": 1},
    }
    assert found["msg"] == (
        "2 of 5 hosts succeeded in 2 of 3 waves; failed: b; unreachable: z; not started: d; "
        "more hosts failed than the error budget of 1 allows"
    )


@pytest.mark.parametrize(
    ("budget", "tolerated"), [(0, 0), (3, 3), ("20%", 2), ("9%", 0), ("100%", 10)]
)
def test_the_budget_is_of_all_hosts_and_what_it_names_may_fail(budget: Any, tolerated: int) -> None:
    for failed in (tolerated, tolerated + 1):
        outcomes = {name: outcome("failed") for name in HOSTS[:failed]}
        found = FILTERS["batch_report"](outcomes, [HOSTS], budget)
        assert found["tolerated"] == tolerated
        assert found["exceeded"] == (len(outcomes) > tolerated)


def test_what_is_no_budget_is_refused() -> None:
    with pytest.raises(
        AnsibleFilterError, match="error_budget: 'few' is not a valid number of hosts"
    ):
        FILTERS["batch_report"]({}, [HOSTS], "few")


def test_a_host_that_fails_twice_has_failed_once(tmp_path: Path) -> None:
    budget = ErrorBudget(tmp_path, "wave", 1)
    assert not budget.exceeded()
    budget.note("web1")
    budget.note("web1")
    assert not budget.exceeded()
    ErrorBudget(tmp_path, "wave", 1).note("web/2")
    assert budget.exceeded()
    assert not ErrorBudget(tmp_path, "another", 0).exceeded()
    assert ErrorBudget(tmp_path, "another", -1).exceeded()
