# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.longrun.jobs.plugins.plugin_utils._ordering.orders import Order
from ansible_collections.longrun.jobs.plugins.plugin_utils._ordering.started import (
    predicted_result,
    started_result,
    waited_run_result,
)


def order(label: str = "", name: str | None = None, if_exists: str = "attach") -> Order:
    return Order(label, {}, {"settings": {"name": name}, "chained": False, "if_exists": if_exists})


def started(jid: str, **more: Any) -> dict[str, Any]:
    view = {"id": jid, "name": None, "state": more.pop("state", "running")}
    found = {"ansible_job_id": jid, "started": True, "finished": False, "results_file": f"/a/{jid}"}
    return dict(found, changed=True, attached=False, async_job=view, **more)


def refused(name: str | None = None) -> dict[str, Any]:
    return {"failed": True, "msg": "no space", "changed": False, "name": name, "errno": "ENOSPC"}


def ended(jid: str, state: str = "succeeded", **more: Any) -> dict[str, Any]:
    view = {"id": jid, "name": None, "state": state}
    return dict(
        {"ansible_job_id": jid, "finished": True, "failed": state != "succeeded"},
        async_job=view,
        **more,
    )


# without waiting


def test_one_job_is_what_its_start_says() -> None:
    answer = {"changed": True, "ansible_facts": {"a": 1}}
    found = started_result(answer, [started("j1.1", shown="3:0")], [order()], False)
    assert found == dict(started("j1.1"), ansible_facts={"a": 1})


def test_several_are_in_their_order_under_one_key() -> None:
    jobs = [started("j1.1"), started("j2.2")]
    found = started_result({"changed": True}, jobs, [order("jobs[0]."), order("jobs[1].")], True)
    assert found == {"changed": True, "jobs": [started("j1.1"), started("j2.2")]}


def test_those_that_were_not_started_are_named_and_the_others_told() -> None:
    orders = [order("jobs[0]."), order("jobs[1].", "backup"), order("jobs[2].")]
    jobs = [refused(), refused("backup"), started("j3.3")]
    found = started_result({"changed": True}, jobs, orders, True)
    assert found["failed"] is True
    assert found["msg"] == ("jobs[0] was not started: no space; 'backup' was not started: no space")
    assert found["jobs"] == [refused(), refused("backup"), started("j3.3")]
    assert found["changed"] is True


def test_one_that_was_not_started_fails_with_its_own_message() -> None:
    found = started_result({"changed": False}, [refused()], [order()], False)
    assert (found["failed"], found["msg"], found["errno"]) == (True, "no space", "ENOSPC")


def test_a_job_that_had_failed_before_was_not_refused_a_start() -> None:
    jobs = [dict(ended("j1.1", "failed", msg="it broke"), attached=True, changed=False)]
    found = started_result({"changed": False}, jobs, [order("jobs[0].")], True)
    assert "failed" not in found and "msg" not in found


def test_that_a_job_of_the_name_does_something_else_is_a_warning() -> None:
    answer = {"changed": False, "warnings": ["of core"]}
    jobs = [started("j1.1", differs=True, state="queued"), started("j2.2")]
    orders = [order("jobs[0].", "backup", "restart_finished"), order("jobs[1].", "b")]
    found = started_result(answer, jobs, orders, True)
    assert found["warnings"] == [
        "of core",
        "'backup' is already queued, with arguments other than these: it was left as it is "
        "(if_exists: restart_finished)",
    ]
    assert "differs" not in found["jobs"][0]
    assert answer["warnings"] == ["of core"]


# with waiting


def test_a_job_that_was_waited_for_is_its_modules_result() -> None:
    status = ended("j1.1", rc=0, stdout="x", changed=True)
    found = waited_run_result({"warnings": []}, [status], [started("j1.1")], False, True)
    assert found == dict(ended("j1.1", rc=0, stdout="x", changed=True), attached=False)


def test_a_module_that_says_nothing_of_a_change_has_made_none() -> None:
    found = waited_run_result({}, [ended("j1.1")], [started("j1.1")], False, True)
    assert found["changed"] is False


def test_warnings_of_the_module_come_before_ours_and_facts_of_the_module_before_cores() -> None:
    passed_on = {"warnings": ["ours"], "ansible_facts": {"python": 1}}
    status = ended("j1.1", warnings=["its"], ansible_facts={"own": 1})
    found = waited_run_result(passed_on, [status], [started("j1.1")], False, True)
    assert found["warnings"] == ["its", "ours"]
    assert found["ansible_facts"] == {"own": 1}


def test_a_wait_whose_time_was_over_fails_and_leaves_the_job() -> None:
    status = {"finished": False, "async_job": {"id": "j1.1", "name": "backup", "state": "queued"}}
    found = waited_run_result({}, [status], [started("j1.1")], False, False)
    assert (found["failed"], found["timed_out"]) == (True, True)
    assert found["msg"] == "the job backup is still queued; it was left as it is"


def test_several_that_were_waited_for_are_all_told_and_the_failed_named() -> None:
    statuses = [ended("j1.1", changed=True), ended("j2.2", "failed")]
    jobs = [started("j1.1"), dict(started("j2.2"), attached=True)]
    found = waited_run_result({"ansible_facts": {"a": 1}}, statuses, jobs, True, True)
    assert (found["failed"], found["changed"], found["timed_out"]) == (True, True, False)
    assert (found["failed_jobs"], found["pending_jobs"]) == (["j2.2"], [])
    assert found["msg"] == "1 of 2 jobs did not succeed: j2.2"
    assert [job["attached"] for job in found["jobs"]] == [False, True]
    assert found["ansible_facts"] == {"a": 1}


def test_several_none_of_which_changed_anything_are_no_change() -> None:
    statuses = [ended("j1.1"), ended("j2.2", changed=False)]
    jobs = [started("j1.1"), started("j2.2")]
    assert waited_run_result({}, statuses, jobs, True, True)["changed"] is False


def test_of_several_those_that_have_not_ended_in_time_are_named() -> None:
    pending = {"finished": False, "async_job": {"id": "j2.2", "name": None, "state": "running"}}
    jobs = [started("j1.1"), started("j2.2")]
    found = waited_run_result({}, [ended("j1.1"), pending], jobs, True, False)
    assert (found["failed"], found["timed_out"], found["pending_jobs"]) == (True, True, ["j2.2"])
    assert found["msg"] == "1 of 2 jobs have not ended in time: j2.2"


def test_a_message_shows_the_name_that_a_target_gives_neutral_for_a_terminal() -> None:
    view = {"id": "j1.1", "name": "x\x1b[31mRED", "state": "running\n"}
    pending = {"finished": False, "async_job": view}
    found = waited_run_result({}, [pending], [started("j1.1")], False, False)
    assert found["msg"] == r"the job x\x1b[31mRED is still running\x0a; it was left as it is"
    several = waited_run_result({}, [dict(pending)], [started("j1.1")], True, False)
    assert several["msg"] == r"1 of 1 jobs have not ended in time: x\x1b[31mRED"


# in check mode


WELL = (None, "steps", "a.b.well", {"changed": True})
SAME = ("Look", "always", "a.b.same", {"changed": False})
BAD = ("Break", "steps", "a.b.bad", {"failed": True, "msg": "it would break"})


def test_one_module_is_its_own_prediction() -> None:
    assert predicted_result([(None, False, [WELL])], False) == {"changed": True}
    assert predicted_result([(None, False, [BAD])], False) == BAD[3]


def test_steps_are_predicted_as_a_job_of_them_tells_them() -> None:
    found = predicted_result([("n", True, [WELL, SAME])], False)
    assert found == {
        "changed": True,
        "steps": [
            {"name": None, "block": "steps", "module": "a.b.well", "result": {"changed": True}},
            {"name": "Look", "block": "always", "module": "a.b.same", "result": {"changed": False}},
        ],
    }


def test_a_step_that_would_fail_fails_the_prediction() -> None:
    found = predicted_result([("n", True, [WELL, BAD])], False)
    assert (found["failed"], found["msg"], found["changed"]) == (True, "it would break", True)
    silent = ("x", "steps", "a.b.c", {"failed": True})
    assert predicted_result([("n", True, [silent])], False)["msg"] == "a module of n failed"
    assert predicted_result([(None, True, [silent])], False)["msg"] == "a module of the job failed"


def test_several_jobs_are_predicted_one_by_one() -> None:
    found = predicted_result([(None, False, [SAME]), (None, False, [WELL])], True)
    assert found == {"changed": True, "jobs": [{"changed": False}, {"changed": True}]}
    failed = predicted_result([(None, False, [SAME]), (None, False, [BAD])], True)
    assert (failed["failed"], failed["msg"], failed["changed"]) == (True, "it would break", False)
