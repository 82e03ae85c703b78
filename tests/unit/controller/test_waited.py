# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.longrun.jobs.plugins.plugin_utils._waiting.waited import (
    WAIT_TASK_OPTIONS,
    cancelled_result,
    unfinished,
    waited_result,
    with_lines,
)

MODULES = Path(__file__).resolve().parents[3] / "plugins" / "modules"


def status(jid: str, state: str, name: str | None = None) -> dict[str, Any]:
    return {
        "finished": state != "running",
        "results_file": f"/a/{jid}",
        "async_job": {"id": jid, "name": name, "state": state},
    }


WELL = status("j1.1", "succeeded")
RUNS = status("j2.2", "running")
BACKUP = status("j3.3", "running", "backup")
FAILED = status("j4.4", "failed", "upgrade")
LOST = status("j5.5", "lost")


def _spec(options: Any, nested: str) -> dict[str, Any]:
    """Options as the documentation and the argument spec both have them, under whatever name those within one are."""
    return {
        name: {
            **{key: one for key, one in option.items() if key not in ("description", nested)},
            "choices": sorted(option.get("choices", [])),
            "within": _spec(option.get(nested, {}), nested),
        }
        for name, option in options.items()
    }


def test_the_options_are_those_that_are_documented() -> None:
    text = (MODULES / "async_wait.py").read_text(encoding="utf-8")
    documented = yaml.safe_load(text.split('r"""')[1].split('"""')[0])["options"]
    assert _spec(documented, "suboptions") == _spec(WAIT_TASK_OPTIONS, "options")


def test_when_all_succeeded_the_task_did() -> None:
    assert waited_result([WELL, WELL], True, 60) == {
        "changed": False,
        "failed": False,
        "timed_out": False,
        "jobs": [WELL, WELL],
        "failed_jobs": [],
        "pending_jobs": [],
    }


def test_no_jobs_are_no_failure() -> None:
    assert waited_result([], True, 60)["failed"] is False


@pytest.mark.parametrize("end", ["failed", "timed_out", "cancelled", "lost"])
def test_a_job_that_ended_otherwise_fails_the_task_and_is_named(end: str) -> None:
    found = waited_result([WELL, status("j9.9", end)], True, 60)
    assert (found["failed"], found["timed_out"]) == (True, False)
    assert found["failed_jobs"] == ["j9.9"]
    assert found["msg"] == "1 of 2 jobs did not succeed: j9.9"


def test_a_job_has_its_name_where_it_has_one() -> None:
    found = waited_result([FAILED, BACKUP, LOST], True, 60)
    assert found["failed_jobs"] == ["upgrade", "j5.5"]
    assert found["pending_jobs"] == ["backup"]
    assert found["msg"] == "2 of 3 jobs did not succeed: upgrade, j5.5"


def test_what_goes_on_when_it_need_not_be_waited_for_is_no_failure() -> None:
    found = waited_result([WELL, RUNS], True, 60)
    assert (found["failed"], found["pending_jobs"]) == (False, ["j2.2"])
    assert "msg" not in found


def test_when_the_time_is_over_that_is_what_is_told_and_all_results_are_there() -> None:
    found = waited_result([RUNS, FAILED, BACKUP], False, 2.5)
    assert (found["failed"], found["timed_out"]) == (True, True)
    assert found["msg"] == "2 of 3 jobs have not ended within 2.5 s: j2.2, backup"
    assert found["failed_jobs"] == ["upgrade"]
    assert found["jobs"] == [RUNS, FAILED, BACKUP]


def test_the_files_of_those_that_have_not_ended_name_them() -> None:
    assert unfinished([RUNS, WELL, BACKUP]) == ["/a/j2.2", "/a/j3.3"]


def test_after_cancelling_the_new_statuses_are_told_and_that_something_changed() -> None:
    before = waited_result([WELL, RUNS], False, 2)
    after = status("j2.2", "cancelled")
    found = cancelled_result(before, [WELL, after], {"cancelled": ["j2.2"]})
    assert (found["changed"], found["failed"], found["timed_out"]) == (True, True, True)
    assert found["jobs"] == [WELL, after]
    assert found["pending_jobs"] == ["j2.2"]
    assert found["msg"] == "1 of 2 jobs have not ended within 2 s: j2.2; cancelled 1 of them"


def test_jobs_that_ended_before_they_were_cancelled_are_no_change() -> None:
    before = waited_result([RUNS], False, 2)
    assert cancelled_result(before, [WELL], {"cancelled": []})["changed"] is False


def test_what_keeps_them_from_being_cancelled_is_told_beside_the_results() -> None:
    before = waited_result([WELL, RUNS], False, 2)
    found = cancelled_result(before, [WELL, RUNS], {"failed": True, "msg": "it is stuck"})
    assert found["jobs"] == [WELL, RUNS]
    assert found["msg"] == (
        "1 of 2 jobs have not ended within 2 s: j2.2; they were not cancelled: it is stuck"
    )


def test_a_result_in_a_list_has_the_lines_that_core_gives_to_that_of_a_task() -> None:
    found = with_lines({"stdout": "one\ntwo\n", "stderr": "", "rc": 0})
    assert found["stdout_lines"] == ["one", "two"]
    assert found["stderr_lines"] == []
    own = {"stdout": "one", "stdout_lines": ["1"], "stderr": {"__ansible_type": "x"}}
    assert with_lines(dict(own)) == own
    assert with_lines({"rc": 0}) == {"rc": 0}
