# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action, on a target that answers what it is told to: hosts that go away are not to be had for a unit test."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible import constants as C
from ansible.errors import (
    AnsibleAuthenticationFailure,
    AnsibleConnectionFailure,
    AnsibleError,
)
from ansible.executor.task_queue_manager import FinalQueue
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.action import ActionBase
from ansible.template import Templar
from ansible.utils.display import Display

from ansible_collections.longrun.jobs.plugins.action import async_wait
from ansible_collections.longrun.jobs.plugins.action.async_wait import ActionModule
from ansible_collections.longrun.jobs.plugins.plugin_utils._batches.budget import ErrorBudget
from ansible_collections.longrun.jobs.plugins.plugin_utils._waiting import waiter

VARIABLES = {"inventory_hostname": "web1"}


class Clock:
    """Goes on only when somebody sleeps, or the target is asked."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Target:
    """What the target would answer, and what it was asked. An answer that is an exception is raised."""

    def __init__(self, clock: Clock) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answers: list[Any] = []
        self.resets = 0
        self.waits_as_told = True
        self._clock = clock

    def execute(
        self, _action: ActionBase, module_name: str, module_args: dict[str, Any], **_more: Any
    ) -> dict[str, Any]:
        self.asked.append((module_name, dict(module_args)))
        self._clock.now += module_args.get("seconds", 0) if self.waits_as_told else 0.01
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)

    def reset(self) -> None:
        self.resets += 1

    @property
    def waits(self) -> list[dict[str, Any]]:
        return [args for name, args in self.asked if name == "longrun.jobs.async_wait"]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    time = SimpleNamespace(monotonic=found.monotonic, sleep=found.sleep)
    for module in (async_wait, waiter):
        monkeypatch.setattr(module, "time", time)
    return found


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Target:
    found = Target(clock)

    def execute(action: ActionBase, **asked: Any) -> dict[str, Any]:
        return found.execute(action, **asked)

    monkeypatch.setattr(ActionBase, "_execute_module", execute)
    monkeypatch.setattr(
        ActionBase, "get_shell_option", lambda _self, _option, default=None: default
    )
    return found


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(waiter, "show_lines", lines.extend)
    return lines


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What a worker would send to the callbacks, through the queue of the installed core."""
    sent: list[Any] = []
    queue = FinalQueue()
    monkeypatch.setattr(queue, "put", sent.append)
    monkeypatch.setattr(Display(), "_final_q", queue, raising=False)
    return sent


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    said: list[str] = []
    monkeypatch.setattr(
        Display, "warning", lambda _self, message, *_more, **_options: said.append(message)
    )
    return said


@pytest.fixture
def run(target: Target) -> Any:
    def run(
        no_log: bool = False, check_mode: bool = False, windows: bool = False, **args: Any
    ) -> Any:
        loader = DataLoader()
        shell = SimpleNamespace(_IS_WINDOWS=windows, tmpdir=None)
        task = Task()
        task.action, task.args = "longrun.jobs.async_wait", args
        task.no_log, task.check_mode = no_log, check_mode
        action = ActionModule(
            task=task,
            connection=SimpleNamespace(_shell=shell, become=None, reset=target.reset),
            play_context=PlayContext(),
            loader=loader,
            templar=Templar(loader=loader),
            shared_loader_obj=None,
        )
        action._load_name = task.action  # as its loader does
        return action.run(task_vars=dict(VARIABLES))

    return run


def status(jid: str, state: str = "running", name: str | None = None) -> dict[str, Any]:
    return {
        "started": True,
        "finished": state != "running",
        "ansible_job_id": jid,
        "results_file": f"/a/{jid}",
        "async_job": {"id": jid, "name": name, "state": state},
    }


def answer(*statuses: dict[str, Any], done: bool = False, since: Any = None) -> dict[str, Any]:
    return {"statuses": list(statuses), "done": done, "since": since or [None] * len(statuses)}


def lines(*stdout: str, cursor: str = "9:0") -> dict[str, Any]:
    return {"stdout_tail": list(stdout), "stderr_tail": [], "cursor": cursor}


def test_a_target_that_answers_at_once_does_not_set_the_pace(
    target: Target, run: Any, clock: Clock
) -> None:
    target.waits_as_told = False
    target.answers = [answer(status("j1.1")) for _unused in range(9)]
    begin = clock.now
    assert run(jobs="j1.1", interval=10, timeout=35)["timed_out"] is True
    assert len(target.waits) <= 5
    assert clock.now - begin >= 35


def test_what_a_target_says_is_printed_neutral(target: Target, run: Any, shown: list[str]) -> None:
    escape = "line \x1b]52;c;cm0gLXJm\x07 end"
    forged = "a\nweb1 : ok=1\nb\r\x9b1Aover\u202ewritten"
    first = answer(
        status("j1.1", name="n\x1b[31m"), status("j2.2"), since=[lines(escape, forged), lines()]
    )
    target.answers = [
        first,
        answer(status("j1.1", "succeeded"), status("j2.2", "succeeded"), done=True),
    ]
    run(jobs=["j1.1", "j2.2"], stream=True)
    assert shown == [
        r"web1 n\x1b[31m | line \x1b]52;c;cm0gLXJm\x07 end",
        r"web1 n\x1b[31m | a\x0aweb1 : ok=1\x0ab\x0d\x9b1Aover\u202ewritten",
    ]


def test_one_request_an_interval_until_all_have_ended(target: Target, run: Any) -> None:
    target.answers = [answer(status("j1.1")), answer(status("j1.1", "succeeded"), done=True)]
    result = run(jobs="j1.1", interval=7)
    assert [name for name, _args in target.asked] == ["longrun.jobs.async_wait"] * 2
    assert target.waits[0] == {
        "jobs": [{"jid": "j1.1"}],
        "for": "all",
        "seconds": 7,
        "tail_lines": 10,
        "_async_dir": "~/.ansible_async",
    }
    assert (result["failed"], result["timed_out"]) == (False, False)
    assert result["jobs"] == [status("j1.1", "succeeded")]


def test_a_job_that_has_ended_is_not_asked_after_again_and_keeps_its_place(
    target: Target, run: Any
) -> None:
    target.answers = [
        answer(status("j1.1"), status("j2.2", "failed"), status("j3.3")),
        answer(status("j1.1"), status("j3.3", "succeeded")),
        answer(status("j1.1", "succeeded"), done=True),
    ]
    result = run(jobs=["j1.1", "j2.2", "j3.3"])
    asked = [[job["jid"] for job in args["jobs"]] for args in target.waits]
    assert asked == [["j1.1", "j2.2", "j3.3"], ["j1.1", "j3.3"], ["j1.1"]]
    assert [job["async_job"]["state"] for job in result["jobs"]] == [
        "succeeded",
        "failed",
        "succeeded",
    ]
    assert result["msg"] == "1 of 3 jobs did not succeed: j2.2"


@pytest.mark.parametrize("jobs", [[], {"results": []}, {"results": [{"skipped": True}]}])
def test_nothing_to_wait_for_is_done_and_nobody_is_asked(
    target: Target, run: Any, jobs: Any
) -> None:
    result = run(jobs=jobs)
    assert (result["failed"], result["jobs"], target.asked) == (False, [], [])


def test_no_time_is_one_look(target: Target, run: Any) -> None:
    target.answers = [answer(status("j1.1"))]
    result = run(jobs="j1.1", timeout=0)
    assert [args["seconds"] for args in target.waits] == [0]
    assert result["msg"] == "1 of 1 jobs have not ended within 0 s: j1.1"
    assert (result["timed_out"], result["changed"]) == (True, False)


def test_an_interval_of_nothing_does_not_spin(target: Target, run: Any) -> None:
    target.answers = [answer(status("j1.1"))] * 5
    run(jobs="j1.1", timeout=1, interval=0)
    assert [args["seconds"] for args in target.waits] == pytest.approx([0.2] * 5)


def test_the_last_request_does_not_go_beyond_the_time(target: Target, run: Any) -> None:
    target.answers = [answer(status("j1.1"))] * 3
    run(jobs="j1.1", timeout=12)
    assert [args["seconds"] for args in target.waits] == [5, 5, 2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"timeout": -1}, "timeout: -1 is not a valid number of seconds"),
        ({"interval": float("nan")}, "interval: nan is not a valid number of seconds"),
        ({"timeout": float("inf")}, "timeout: inf is not a valid number of seconds"),
        ({"jobs": "j12"}, "jobs: 'j12' is not a job id"),
        ({"jobs": {"failed": True, "msg": "no"}}, "jobs: a job was never started: no"),
        ({"windows": True}, "needs a target with a POSIX shell and Python; this is Windows"),
    ],
)
def test_what_cannot_be_meant_fails_before_the_target_is_asked(
    target: Target, run: Any, options: dict[str, Any], message: str
) -> None:
    result = run(**dict({"jobs": "j1.1"}, **options))
    assert result["failed"] is True
    assert message in result["msg"]
    assert target.asked == []


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({}, "jobs"),
        ({"jobs": "j1.1", "for": "some"}, "value of for must be one of: all, any, first_failure"),
        (
            {"jobs": "j1.1", "on_timeout": "kill"},
            "value of on_timeout must be one of: leave, cancel",
        ),
        ({"jobs": "j1.1", "wait": 3}, "wait"),
    ],
)
def test_bad_options_are_refused_by_name(
    target: Target, run: Any, args: dict[str, Any], message: str
) -> None:
    with pytest.raises(AnsibleError, match=message):
        run(**args)
    assert target.asked == []


def test_what_the_target_refuses_is_the_result(target: Target, run: Any) -> None:
    target.answers = [{"failed": True, "msg": "could not find job j1.1 as me"}]
    assert run(jobs="j1.1") == {"failed": True, "msg": "could not find job j1.1 as me"}


def test_what_core_found_out_about_the_host_is_passed_on(target: Target, run: Any) -> None:
    facts = {"discovered_interpreter_python": "/usr/bin/python3"}
    first = dict(answer(status("j1.1")), ansible_facts=facts, warnings=["w"], invocation={})
    target.answers = [first, answer(status("j1.1", "succeeded"), done=True)]
    result = run(jobs="j1.1")
    assert (result["ansible_facts"], result["warnings"]) == (facts, ["w"])
    assert "invocation" not in result


# a host that goes away


def test_a_lost_connection_is_made_anew_and_the_wait_goes_on(
    target: Target, run: Any, clock: Clock, warnings: list[str]
) -> None:
    gone = AnsibleConnectionFailure("no route to host")
    target.answers = [
        answer(status("j1.1")),
        *(gone, gone),
        answer(status("j1.1", "succeeded"), done=True),
    ]
    result = run(jobs="j1.1", timeout=60)
    assert (result["failed"], target.resets, len(target.asked)) == (False, 2, 4)
    assert clock.slept == [2.0, 2.0]
    # once an outage: nobody shall wonder for an hour what the task does
    assert warnings == ["web1 cannot be reached; trying again for 50 s: no route to host"]


def test_a_host_that_is_away_from_the_beginning_is_asked_until_the_time_is_over(
    target: Target, run: Any, clock: Clock, warnings: list[str]
) -> None:
    target.answers = [AnsibleConnectionFailure("no route to host")] * 9
    begun = clock.now
    with pytest.raises(AnsibleConnectionFailure, match="no route to host"):
        run(jobs="j1.1", timeout=12, interval=1)
    assert clock.now - begun == pytest.approx(12)
    assert target.resets == len(target.asked) - 1
    assert len(warnings) == 1


def test_no_request_waits_beyond_the_time_because_of_an_outage_before_it(
    target: Target, run: Any, clock: Clock, warnings: list[str]
) -> None:
    target.answers = [AnsibleConnectionFailure("gone"), answer(status("j1.1"))]
    begun = clock.now
    assert run(jobs="j1.1", timeout=8)["timed_out"] is True
    assert [args["seconds"] for args in target.waits] == [5, 1]
    assert clock.now - begun == pytest.approx(8)


def test_a_wrong_password_is_not_tried_again(target: Target, run: Any) -> None:
    target.answers = [AnsibleAuthenticationFailure("Permission denied")]
    with pytest.raises(AnsibleAuthenticationFailure):
        run(jobs="j1.1")
    assert (len(target.asked), target.resets) == (1, 0)


def test_a_connection_that_cannot_be_reset_is_no_reason_to_give_up(
    target: Target, run: Any, monkeypatch: pytest.MonkeyPatch, warnings: list[str]
) -> None:
    def refuse() -> None:
        raise AnsibleError("Cannot reset connection")

    monkeypatch.setattr(target, "reset", refuse)
    target.answers = [
        AnsibleConnectionFailure("gone"),
        answer(status("j1.1", "succeeded"), done=True),
    ]
    assert run(jobs="j1.1")["failed"] is False


# when the time is over


def test_what_has_not_ended_in_time_is_left_alone(target: Target, run: Any) -> None:
    target.answers = [answer(status("j1.1"))]
    run(jobs="j1.1", timeout=1)
    assert len(target.asked) == 1


def test_what_has_not_ended_in_time_is_cancelled_if_that_is_wanted(
    target: Target, run: Any
) -> None:
    cancelled = status("j1.1", "cancelled")
    target.answers = [
        answer(status("j1.1"), status("j2.2", "succeeded")),
        {"changed": True, "cancelled": ["j1.1"]},
        answer(cancelled, done=True),
    ]
    result = run(jobs=["j1.1", "j2.2"], timeout=1, on_timeout="cancel", async_dir="/var/a")
    assert target.asked[1] == (
        "longrun.jobs.async_cancel",
        {"results_files": ["/a/j1.1"], "_async_dir": "/var/a"},
    )
    assert result["jobs"] == [cancelled, status("j2.2", "succeeded")]
    assert (result["changed"], result["failed"], result["timed_out"]) == (True, True, True)
    assert result["pending_jobs"] == ["j1.1"]
    assert result["msg"] == "1 of 2 jobs have not ended within 1 s: j1.1; cancelled 1 of them"
    assert target.waits[-1]["seconds"] == 0


@pytest.mark.parametrize("again", [False, True])
def test_that_they_could_not_be_cancelled_is_told_with_the_results(
    target: Target, run: Any, again: bool
) -> None:
    cancel: dict[str, Any] = {"failed": True, "msg": "it is stuck"}
    target.answers = [answer(status("j1.1")), cancel]
    if again:
        target.answers[1:] = [{"cancelled": ["j1.1"]}, {"failed": True, "msg": "removed"}]
    result = run(jobs="j1.1", timeout=1, on_timeout="cancel")
    assert result["jobs"] == [status("j1.1")]
    assert ("they were not cancelled: it is stuck" in result["msg"]) is not again


def test_in_check_mode_nothing_is_cancelled(target: Target, run: Any) -> None:
    target.answers = [answer(status("j1.1"))]
    result = run(jobs="j1.1", timeout=1, on_timeout="cancel", check_mode=True)
    assert (len(target.asked), result["timed_out"], result["changed"]) == (1, True, False)


def test_nothing_is_cancelled_when_what_was_waited_for_has_come_about(
    target: Target, run: Any
) -> None:
    target.answers = [answer(status("j1.1"), status("j2.2", "succeeded"), done=True)]
    run(jobs=["j1.1", "j2.2"], on_timeout="cancel", **{"for": "any"})
    assert len(target.asked) == 1


# lines


def test_each_line_is_shown_once_behind_host_and_job(
    target: Target, run: Any, shown: list[str]
) -> None:
    target.answers = [
        answer(status("j1.1"), status("j2.2", name="backup"), since=[lines("a"), lines("b", "c")]),
        answer(status("j1.1", "failed"), status("j2.2"), since=[lines("d"), lines(cursor="9:9")]),
        answer(status("j2.2", "succeeded"), done=True, since=[lines("e")]),
    ]
    run(jobs=["j1.1", "j2.2"], stream=True)
    assert shown == [
        "web1 j1.1 | a",
        "web1 backup | b",
        "web1 backup | c",
        "web1 j1.1 | d",
        "web1 j2.2 | e",
    ]
    cursors = [[job["cursor"] for job in args["jobs"]] for args in target.waits]
    assert cursors == [["0:0", "0:0"], ["9:0", "9:0"], ["9:9"]]


def test_a_single_job_needs_no_name_before_its_lines(
    target: Target, run: Any, shown: list[str]
) -> None:
    target.answers = [answer(status("j1.1", name="backup"), since=[lines("a")])]
    run(jobs="j1.1", stream=True, timeout=0)
    assert shown == ["web1 | a"]


def test_a_job_that_ends_within_the_first_interval_shows_its_lines_one_that_had_ended_none(
    target: Target, run: Any, shown: list[str]
) -> None:
    target.answers = [
        answer(status("j1.1"), status("j2.2", "succeeded"), since=[lines("a"), lines("old")]),
        answer(status("j1.1", "succeeded"), done=True, since=[lines("b")]),
    ]
    run(jobs=["j1.1", "j2.2"], stream=True)
    assert [args["seconds"] for args in target.waits] == [0, 5]
    assert shown == ["web1 j1.1 | a", "web1 j1.1 | b"]


def test_lines_are_not_shown_again_after_an_outage(
    target: Target, run: Any, shown: list[str], warnings: list[str]
) -> None:
    target.answers = [
        answer(status("j1.1"), since=[lines("a")]),
        AnsibleConnectionFailure("gone"),
        answer(status("j1.1", "succeeded"), done=True, since=[lines("b")]),
    ]
    run(jobs="j1.1", stream=True)
    assert [args["jobs"][0]["cursor"] for args in target.waits] == ["0:0", "9:0", "9:0"]
    assert shown == ["web1 | a", "web1 | b"]


@pytest.mark.parametrize("case", ["no_log", "json", "not asked for"])
def test_lines_are_not_asked_for_where_they_are_not_to_be_shown(
    target: Target, run: Any, shown: list[str], monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    if case == "json":
        monkeypatch.setattr(C, "DEFAULT_STDOUT_CALLBACK", "ansible.posix.jsonl")
    target.answers = [answer(status("j1.1", "succeeded"), done=True)]
    run(jobs="j1.1", stream=case != "not asked for", no_log=case == "no_log")
    assert target.waits[0]["jobs"] == [{"jid": "j1.1"}]
    assert shown == []


# events


def sent_result(event: Any) -> Any:
    """The result that an event carries, whatever the core calls it."""
    for name in ("wire_task_result", "task_result"):
        found = getattr(event, name, None)
        if found is not None:
            return found
    return event.args[0]


def test_every_job_is_an_event_of_each_interval_until_it_has_ended(
    target: Target, run: Any, events: list[Any]
) -> None:
    target.answers = [
        answer(status("j1.1"), status("j2.2", "succeeded"), status("j3.3")),
        answer(status("j1.1"), status("j3.3", "failed")),
        answer(status("j1.1", "succeeded"), done=True),
    ]
    run(jobs=["j1.1", "j2.2", "j3.3"])
    assert [event.method_name for event in events] == ["v2_runner_on_async_poll"] * 5
    assert all(type(event).__name__ == "CallbackSend" for event in events)
    for event, jid in zip(events, ["j1.1", "j2.2", "j3.3", "j1.1", "j3.3"], strict=True):
        found = sent_result(event)
        assert type(found).__name__ in ("TaskResult", "_WireTaskResult", "WireTaskResult")
        assert jid in str(vars(found) if hasattr(found, "__dict__") else found)


def test_secrets_are_no_events(target: Target, run: Any, events: list[Any]) -> None:
    target.answers = [answer(status("j1.1")), answer(status("j1.1", "succeeded"), done=True)]
    run(jobs="j1.1", no_log=True)
    assert events == []


def test_where_there_is_no_queue_there_are_no_events(target: Target, run: Any) -> None:
    target.answers = [answer(status("j1.1")), answer(status("j1.1", "succeeded"), done=True)]
    assert run(jobs="j1.1")["failed"] is False


@pytest.fixture
def budget(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ErrorBudget:
    """As another host sees it."""
    monkeypatch.setattr(async_wait, "local_tmp", lambda: tmp_path)
    return ErrorBudget(tmp_path, "wave", 0)


def test_when_too_many_hosts_have_failed_the_wait_is_over_and_what_runs_is_cancelled(
    target: Target, run: Any, budget: ErrorBudget
) -> None:
    target.answers = [
        answer(status("j1.1"), status("j2.2", "succeeded")),
        {"failed": False, "cancelled": ["j1.1"]},
        answer(status("j1.1", "cancelled")),
    ]
    budget.note("web2")
    result = run(jobs=["j1.1", "j2.2"], error_budget={"name": "wave", "on_exceeded": "cancel"})
    assert (result["failed"], result["timed_out"], result["budget_exceeded"]) == (True, False, True)
    assert [name for name, _args in target.asked][1] == "longrun.jobs.async_cancel"
    assert [job["async_job"]["state"] for job in result["jobs"]] == ["cancelled", "succeeded"]
    assert result["msg"] == (
        "too many hosts have failed; 1 of 2 jobs have not ended: j1.1; cancelled 1 of them"
    )


def test_what_runs_is_left_alone_and_goes_on_as_long_as_the_budget_is_kept(
    target: Target, run: Any, budget: ErrorBudget
) -> None:
    target.answers = [answer(status("j1.1"))] * 2 + [answer(status("j1.1", "failed"), done=True)]
    budget.note("web2")
    result = run(jobs="j1.1", error_budget={"name": "wave", "hosts": 1})
    assert len(target.waits) == 3
    assert "budget_exceeded" not in result
    assert result["msg"] == "1 of 1 jobs did not succeed: j1.1"
    # it is the second that has failed, and whoever waits hears of it
    target.answers = [answer(status("j3.3"))]
    result = run(jobs="j3.3", error_budget={"name": "wave", "hosts": 1})
    assert result["msg"] == "too many hosts have failed; 1 of 1 jobs have not ended: j3.3"


@pytest.mark.usefixtures("warnings")
def test_a_host_that_is_lost_is_given_up_after_a_while_and_counts_as_failed(
    target: Target, run: Any, budget: ErrorBudget, clock: Clock
) -> None:
    target.answers = [AnsibleConnectionFailure("gone")] * 100
    with pytest.raises(AnsibleConnectionFailure):
        run(jobs="j1.1", timeout=3600, reconnect=20, error_budget={"name": "wave"})
    assert clock.now == pytest.approx(1020)
    assert budget.exceeded()
