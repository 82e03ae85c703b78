# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.longrun.jobs.plugins.plugin_utils._sight.seen import (
    SeenJob,
    SeenJobs,
    printable,
)


def view(**changed: Any) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": "j1.2",
        "name": "os-upgrade",
        "state": "running",
        "reason": None,
        "module": "ansible.builtin.apt",
        "elapsed": 40.0,
        "timeout": 3600,
        "attempt": 1,
        "progress": None,
        "output": {"stdout_tail": ["one", "two"], "stderr_tail": []},
        "usage": {"cpu_seconds": 3.1, "max_rss_bytes": 1024},
    }
    return {**shown, **changed}


def noted(*results: dict[str, Any], every: float = 5.0) -> SeenJob:
    """The one job that these results, so many seconds apart, told of."""
    seen = SeenJobs()
    for number, result in enumerate(results):
        seen.note("web1", "Upgrade", result, 1000.0 + number * every)
    (job,) = seen
    return job


def test_a_status_tells_of_its_job() -> None:
    job = noted({"ansible_job_id": "j1.2", "finished": False, "async_job": view()})
    assert (job.host, job.jid, job.label, job.task) == ("web1", "j1.2", "os-upgrade", "Upgrade")
    assert (job.began, job.timeout, job.last_line) == (960.0, 3600.0, "two")
    assert (job.cpu_seconds, job.max_rss_bytes) == (3.1, 1024)
    assert not job.ended


@pytest.mark.parametrize(
    ("result", "jids"),
    [
        ({"jobs": [{"async_job": view()}, {"async_job": view(id="j3.4")}]}, ["j1.2", "j3.4"]),
        ({"jobs": [view(), view(id="j5.6")], "changed": False}, ["j1.2", "j5.6"]),
        ({"ansible_job_id": "j7.8", "started": True, "finished": False}, ["j7.8"]),
        ({"failed": True, "async_result": {"async_job": view()}}, ["j1.2"]),
        ({"ansible_job_id": "j1.2", "erased": "/root/.ansible_async/j1.2"}, []),
        ({"ansible_job_id": "j9.9", "failed": True, "msg": "could not find job"}, []),
        ({"changed": True, "jobs": 3, "id": "x", "state": "present"}, []),
        ({"censored": "the output has been hidden"}, []),
        ({"jobs": [None, 3, "x", {}, {"id": "only"}]}, []),
    ],
)
def test_jobs_are_found_in_what_tasks_return(result: dict[str, Any], jids: list[str]) -> None:
    seen = SeenJobs()
    told = seen.note("web1", "t", result, 0.0)
    assert [job.jid for job in told] == [job.jid for job in seen] == jids


def test_the_same_id_on_two_hosts_is_two_jobs() -> None:
    seen = SeenJobs()
    seen.note("web1", "t", {"async_job": view()}, 0.0)
    seen.note("web2", "t", {"async_job": view()}, 0.0)
    assert len(seen) == 2


def test_time_goes_on_between_two_looks_and_stops_at_the_end() -> None:
    job = noted({"async_job": view(progress={"eta": 50.0, "percent": 45})})
    assert (job.seconds(1010.0), job.left(1010.0), job.left(1100.0)) == (50.0, 40.0, 0.0)
    job = noted({"async_job": view()}, {"async_job": view(state="succeeded", elapsed=44.5)})
    assert (job.seconds(9999.0), job.left(9999.0)) == (44.5, None)


def test_a_job_of_stock_core_is_timed_and_judged_by_what_there_is() -> None:
    start = {"ansible_job_id": "j1.2", "started": 1, "finished": 0}
    job = noted(start, {"ansible_job_id": "j1.2", "finished": 1, "rc": 2, "msg": "non-zero"})
    assert (job.state, job.seconds(9999.0), job.label) == ("failed", 5.0, "j1.2")
    assert noted(start, {"ansible_job_id": "j1.2", "finished": 1, "rc": 0}).state == "succeeded"


def test_an_ended_job_stays_ended() -> None:
    end = {"async_job": view(state="succeeded", elapsed=41.0)}
    assert noted(end, {"async_job": view()}).state == "succeeded"
    gone = {"ansible_job_id": "j1.2", "failed": True, "finished": 1, "msg": "could not find job"}
    assert noted(end, gone).state == "succeeded"
    assert noted(end, {"async_job": view(attempt=2)}).state == "running"


def test_a_failure_keeps_its_message_and_a_success_has_none() -> None:
    assert noted({"async_job": view(state="failed"), "msg": "disk\nfull"}).message == "disk full"
    assert noted({"async_job": view(state="succeeded"), "msg": "done"}).message == ""


def test_progress_leaves_marks_where_it_moved() -> None:
    looks = [{"async_job": view(progress={"percent": n})} for n in (0, 10, 10.5, 30, 30)]
    assert noted(*looks).marks == [(1005.0, 10.0), (1015.0, 30.0)]


def test_marks_are_limited() -> None:
    looks = [{"async_job": view(progress={"percent": n % 100})} for n in range(500)]
    assert len(noted(*looks).marks) == 200


def test_a_retry_is_noted_only_when_the_job_had_ended() -> None:
    seen = SeenJobs()
    looked = {"async_job": view(), "attempts": 1, "retries": 30}
    seen.note_retry("web1", "t", looked, 0.0)
    (job,) = seen
    assert job.retries == []
    seen.note_retry("web1", "t", {**looked, "async_job": view(state="failed")}, 4.0)
    assert job.retries == [(4.0, "attempt 1 of 30 ended failed")]


def test_news_are_what_changed_but_the_time() -> None:
    first = noted({"async_job": view(progress={"percent": 45.1})}).news
    assert noted({"async_job": view(progress={"percent": 45.9}, elapsed=41.0)}).news == first
    assert noted({"async_job": view(progress={"percent": 46.0})}).news != first
    assert noted({"async_job": view(output={"stdout_tail": ["three"]})}).news != first


def test_nothing_that_a_target_says_steers_a_terminal() -> None:
    assert printable("a\x1b[2Jb\x9b1Ac\u202ed\ud800\r\n\te") == "a[2Jb1Acd   e"
    job = noted({"async_job": view(name="x\x1b]0;y\x07", progress={"message": "\x1b[1A"})})
    assert (job.label, job.progress_message) == ("x]0;y", "[1A")


def test_labels_tell_jobs_apart() -> None:
    unnamed = noted({"async_job": view(name=None)})
    assert (unnamed.label, unnamed.short_label) == ("apt j1.2", "apt 2")
    assert noted({"async_job": view()}).short_label == "os-upgrade"


def test_nonsense_is_taken_for_nothing() -> None:
    job = noted(
        {"async_job": view(progress="half", output=3, usage=[], elapsed="long", attempt="x")}
    )
    assert (job.percent, job.last_line, job.elapsed, job.attempt) == (None, "", None, 1)
    assert noted({"async_job": view(progress={"percent": float("nan")})}).percent is None
