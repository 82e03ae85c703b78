# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.action import ActionBase
from ansible.template import Templar

from ansible_collections.longrun.jobs.plugins.action.async_status import ActionModule
from ansible_collections.longrun.jobs.plugins.plugin_utils import _core
from ansible_collections.longrun.jobs.plugins.plugin_utils._waiting import live

OUTPUT = {"stdout_tail": ["one"], "stderr_tail": ["two"], "cursor": "4:4"}


class Target:
    """What the target would answer, and what it was asked: no Windows machine is to be had for a test."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answers: list[dict[str, Any]] = []


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch) -> Target:
    found = Target()

    def execute(
        _self: ActionBase, module_name: str, module_args: dict[str, Any], **_more: Any
    ) -> dict[str, Any]:
        found.asked.append((module_name, module_args))
        return found.answers.pop(0) if found.answers else {"started": 1, "finished": 1}

    monkeypatch.setattr(ActionBase, "_execute_module", execute)
    monkeypatch.setattr(
        ActionBase,
        "_remote_expand_user",
        lambda _self, path, **_more: path.replace("~", "/home/user"),
    )
    monkeypatch.setattr(ActionBase, "get_shell_option", lambda _self, option, default=None: default)
    monkeypatch.setattr(live, "_watched", {})
    return found


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(_core, "show_lines", lines.extend)
    return lines


def action(args: dict[str, Any], windows: bool = False, no_log: bool = False) -> ActionModule:
    loader = DataLoader()
    shell = SimpleNamespace(
        _IS_WINDOWS=windows, tmpdir=None, join_path=lambda *parts: "/".join(parts)
    )
    made = ActionModule(
        task=Task.load({"name": "t", "async_status": args, "no_log": no_log}),
        connection=SimpleNamespace(_shell=shell, become=None),
        play_context=PlayContext(),
        loader=loader,
        templar=Templar(loader=loader),
        shared_loader_obj=None,
    )
    made._load_name = "async_status"  # as its loader does
    return made


def test_a_posix_target_is_asked_by_our_own_module_with_the_async_dir_unexpanded(
    target: Target,
) -> None:
    result = action({"jid": "j1.2"}).run(task_vars={"inventory_hostname": "web1"})
    name, args = target.asked[0]
    assert name == "longrun.jobs.async_status"
    assert (args["jid"], args["_async_dir"]) == ("j1.2", "~/.ansible_async")
    assert (result["started"], result["finished"], result["ansible_job_id"]) == (True, True, "j1.2")
    assert (result["stdout"], result["stderr_lines"]) == ("", [])


def test_a_windows_target_is_asked_by_core_alone(target: Target) -> None:
    result = action({"jid": "j1.2"}, windows=True).run(task_vars={"inventory_hostname": "win1"})
    name, args = target.asked[0]
    assert name == "ansible.legacy.async_status"
    assert set(args) == {"jid", "mode", "_async_dir"}
    assert result["results_file"] == "/home/user/.ansible_async/j1.2"


def test_new_lines_are_shown_once_however_many_actions_core_makes_for_the_retries(
    target: Target, shown: list[str]
) -> None:
    for cursor in ("0:0", "4:4"):
        target.answers = [{"started": True, "finished": False, "_since": dict(OUTPUT)}]
        result = action({"jid": "j1.2"}).run(task_vars={"inventory_hostname": "web1"})
        assert target.asked[-1][1]["_since"] == cursor
        assert "_since" not in result
    assert shown[:2] == ["web1 | one", "web1 ! two"]


def test_a_job_that_had_ended_at_the_first_look_shows_nothing_but_its_result(
    target: Target, shown: list[str]
) -> None:
    target.answers = [{"started": True, "finished": True, "_since": dict(OUTPUT)}]
    action({"jid": "j1.2"}).run(task_vars={"inventory_hostname": "web1"})
    assert shown == []


class Poller:
    """Calls the action as core's TaskExecutor does, from a method of this name."""

    def __init__(self, poll: int, limit: int, no_log: bool = False) -> None:
        self._task = SimpleNamespace(poll=poll, async_val=limit, no_log=no_log)

    def _poll_async_result(self, asking: ActionModule) -> dict[str, Any]:
        return asking.run(task_vars={"inventory_hostname": "web1"})


@pytest.mark.parametrize("no_log", [False, True])
def test_asked_by_cores_poller_it_waits_on_the_target_and_does_what_the_poller_does_in_between(
    target: Target, shown: list[str], monkeypatch: pytest.MonkeyPatch, no_log: bool
) -> None:
    events: list[Any] = []
    monkeypatch.setattr(_core, "send_poll_event", lambda *given: events.append(given[1:]))
    running = {"started": True, "finished": False, "_since": dict(OUTPUT)}
    target.answers = [dict(running), dict(running), {"started": True, "finished": True}]
    result = Poller(2, 600, no_log)._poll_async_result(action({"jid": "j1.2"}))
    assert result["finished"] is True
    # the first answer comes at once, as the poller has slept before
    assert [asked["wait"] for _name, asked in target.asked] == [0, 2.0, 2.0]
    assert [host for host, _status in events] == ([] if no_log else ["web1", "web1"])
    assert shown[:2] == ["web1 | one", "web1 ! two"]


def test_it_keeps_the_poller_waiting_no_longer_than_the_job_may_take(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_core, "send_poll_event", lambda *_given: None)
    asking, poller = action({"jid": "j1.2"}), Poller(100, 1)
    moments = iter((0.0, 0.25, 1.5, 2.0))
    monkeypatch.setattr("time.monotonic", lambda: next(moments))
    target.answers = [{"started": True, "finished": False}] * 3
    assert poller._poll_async_result(asking)["finished"] is False
    assert poller._poll_async_result(asking)["finished"] is False
    assert [asked["wait"] for _name, asked in target.asked] == [0, 0.75, 0]


def test_a_failed_answer_is_for_the_poller_to_judge(target: Target) -> None:
    target.answers = [{"started": True, "finished": False, "failed": True}]
    assert Poller(2, 600)._poll_async_result(action({"jid": "j1.2"}))["failed"] is True
    assert len(target.asked) == 1


@pytest.mark.parametrize("case", ["no_log", "variable", "json"])
def test_lines_are_not_asked_for_where_they_must_not_be_shown(
    target: Target, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    if case == "json":
        monkeypatch.setattr(_core.C, "DEFAULT_STDOUT_CALLBACK", "ansible.posix.jsonl")
    variables = {"inventory_hostname": "web1", "longrun_live_output": case != "variable"}
    action({"jid": "j1.2"}, no_log=case == "no_log").run(task_vars=variables)
    assert "_since" not in target.asked[0][1]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({}, "one of the following is required: jid, results_file"),
        ({"jid": "j1.2", "results_file": "/x/j1.2"}, "mutually exclusive: jid|results_file"),
        ({"jid": "j1.2", "mode": "kill"}, "value of mode must be one of: cleanup, status"),
        ({"jid": "j1.2", "tails": 3}, "tails"),
    ],
)
def test_bad_options_are_refused_by_name_before_the_target_is_asked(
    target: Target, args: dict[str, Any], message: str
) -> None:
    with pytest.raises(AnsibleError, match=message.replace("|", r"\|")):
        action(args).run(task_vars={})
    assert target.asked == []


def test_a_talkative_poll_shows_the_newest_lines_and_says_how_many_it_left_out() -> None:
    output = {"stdout_tail": [str(n) for n in range(10_800)], "stderr_tail": [], "cursor": "9:0"}
    lines = live.LiveOutput("web1").lines(output, False)
    assert lines[0] == "web1 | [800 lines not shown here]"
    assert (lines[1], lines[-1]) == ("web1 | 800", "web1 | 10799")
