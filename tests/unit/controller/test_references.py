# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.errors import JobError
from ansible_collections.longrun.jobs.plugins.plugin_utils._requests.references import (
    job_references,
)

ONE, TWO = "j1.2", "j3.4"
FILE = "/home/me/.ansible_async/j1.2"
# what core registers of a start with poll: 0
STARTED = {
    "ansible_job_id": ONE,
    "started": 1,
    "finished": 0,
    "results_file": FILE,
    "changed": True,
    "failed": False,
}
SKIPPED = {"skipped": True, "skip_reason": "Conditional result was False", "changed": False}
STATUS = {"id": TWO, "name": None, "state": "running"}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (ONE, [{"jid": ONE}]),
        (FILE, [{"results_file": FILE}]),
        (["web1", ONE, "os upgrade", "web1"], [{"name": "web1"}, {"jid": ONE}, {"name": "os upgrade"}]),
        ([ONE, TWO], [{"jid": ONE}, {"jid": TWO}]),
        ((one for one in (TWO, ONE)), [{"jid": TWO}, {"jid": ONE}]),
        (STARTED, [{"results_file": FILE}]),
        ({"ansible_job_id": TWO}, [{"jid": TWO}]),
        (STATUS, [{"jid": TWO}]),
        ({"results": [STARTED, SKIPPED, {"ansible_job_id": TWO}]}, [{"results_file": FILE}, {"jid": TWO}]),
        ({"jobs": [STATUS, STARTED], "failed": True}, [{"jid": TWO}, {"results_file": FILE}]),
        ([[TWO, [STARTED]], {"results": [STATUS]}], [{"jid": TWO}, {"results_file": FILE}]),
    ],
    ids=[
        "jid", "job file", "names", "list", "generator", "started", "without a file", "async_job", "loop", "another wait", "nested"
    ],
)  # fmt: skip
def test_jobs_are_named_by_whatever_a_task_has_of_them(given: Any, found: list[Any]) -> None:
    assert job_references(given) == found


@pytest.mark.parametrize(
    "given", [[], {"results": []}, {"results": [SKIPPED, SKIPPED], "skipped": True}, SKIPPED]
)
def test_nothing_and_what_was_skipped_are_no_jobs(given: Any) -> None:
    assert job_references(given) == []


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ([ONE, ONE], [{"jid": ONE}]),
        ([ONE, TWO, FILE], [{"results_file": FILE}, {"jid": TWO}]),
        ([FILE, ONE], [{"results_file": FILE}]),
        ([STARTED, STARTED, FILE], [{"results_file": FILE}]),
        ([FILE, "/root/.a/j1.2", "/root/.a/j1.2"], [{"results_file": FILE}, {"results_file": "/root/.a/j1.2"}]),
    ],
    ids=["twice", "its file later", "its file before", "all the same", "another's of the same name"],
)  # fmt: skip
def test_a_job_that_is_named_twice_counts_once_by_its_file_if_there_is_one(
    given: Any, found: list[Any]
) -> None:
    assert job_references(given) == found


def test_keys_that_a_module_returned_are_not_taken_for_jobs() -> None:
    ended = dict(STARTED, finished=1, results=["Installed: curl"], jobs=["cron"], id="c0ffee")
    assert job_references({"results": [ended]}) == [{"results_file": FILE}]


@pytest.mark.parametrize("given", [3, None, True, b"j1.2", [ONE, 3]])
def test_what_names_no_job_is_refused_and_shown(given: Any) -> None:
    with pytest.raises(JobError) as caught:
        job_references(given)
    assert (
        " does not name a job; give a jid, a results_file, a name or a registered result"
        in caught.value.message
    )


@pytest.mark.parametrize(
    "given", ["../../etc/passwd", "", "j1", {"id": "c0ffee"}, {"results": ["j1"]}]
)
def test_what_is_no_jid_is_refused_under_the_name_of_the_option(given: Any) -> None:
    with pytest.raises(JobError) as caught:
        job_references(given, "my_option")
    assert caught.value.message.startswith("my_option: '")
    assert " is not a job id; a job id looks like j402058509351.34914" in caught.value.message


@pytest.mark.parametrize(
    ("result", "why"),
    [
        ({"failed": True, "msg": "no space left"}, "no space left"),
        ({"unreachable": True, "msg": "no route to host"}, "no route to host"),
        ({"failed": True}, "its start failed"),
    ],
)
def test_a_start_that_failed_is_told_with_its_own_message(result: Any, why: str) -> None:
    with pytest.raises(JobError) as caught:
        job_references({"results": [STARTED, result]})
    assert caught.value.message == f"jobs: a job was never started: {why}"


def test_a_result_of_a_task_that_started_nothing_is_told_with_its_keys() -> None:
    with pytest.raises(JobError) as caught:
        job_references({"stdout": "", "rc": 0, "changed": False})
    assert caught.value.message == (
        "jobs: a result without ansible_job_id does not name a job; its keys are changed, rc, stdout"
    )
