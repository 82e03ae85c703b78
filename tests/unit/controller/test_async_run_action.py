# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action, on a target that answers what it is told to. The modules are built by the installed core's own actions."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from ansible import constants as C
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins import loader as plugin_loader
from ansible.plugins.action import ActionBase
from ansible.plugins.connection import ConnectionBase
from ansible.template import Templar

from ansible_collections.longrun.jobs.plugins.action import async_run
from ansible_collections.longrun.jobs.plugins.action.async_run import ActionModule
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.carrier.parcel import unpack
from ansible_collections.longrun.jobs.plugins.plugin_utils._core.modules import BuiltModule
from ansible_collections.longrun.jobs.plugins.plugin_utils._waiting import waiter

COMMAND = {"ansible.builtin.command": "sleep 1"}
VARIABLES = {
    "inventory_hostname": "web1",
    "ansible_python_interpreter": "/usr/bin/python3",
    "ansible_facts": {},
    "ansible_delegated_vars": {},
}


class Clock:
    """Goes on only when somebody sleeps, or the target is asked to wait."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Target:
    """What the target would answer, and what it was asked. An answer that is an exception is raised."""

    def __init__(self, clock: Clock) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answers: list[Any] = []
        self.resets = 0
        self._clock = clock

    def execute(
        self,
        _action: ActionBase,
        module_name: str,
        module_args: dict[str, Any],
        **_more: Any,
    ) -> dict[str, Any]:
        self.asked.append((module_name, dict(module_args)))
        self._clock.now += (module_args.get("wait") or module_args).get("seconds", 0)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)

    def reset(self) -> None:
        self.resets += 1

    @property
    def order(self) -> dict[str, Any]:
        """The one request to start."""
        (found,) = [args for name, args in self.asked if name == "longrun.jobs.async_run"]
        return found

    @property
    def waits(self) -> list[dict[str, Any]]:
        return [args for name, args in self.asked if name == "longrun.jobs.async_wait"]


class Connection(ConnectionBase):
    """To a host that nobody ever reaches: what would be run there is built, and answered for."""

    transport = "fake"
    _socket_path = None

    def __init__(self, target: Target, windows: bool) -> None:
        self._target = target
        self.become = None
        self._play_context = PlayContext()
        self._shell = plugin_loader.shell_loader.get("sh")
        self._shell._IS_WINDOWS = windows
        self._shell.tmpdir = None

    def reset(self) -> None:
        self._target.reset()

    def _connect(self) -> Connection:
        return self

    def exec_command(self, *_args: Any, **_options: Any) -> tuple[int, bytes, bytes]:
        raise AssertionError("nothing is run")

    def put_file(self, in_path: str, out_path: str) -> None:
        raise AssertionError("nothing is put")

    def fetch_file(self, in_path: str, out_path: str) -> None:
        raise AssertionError("nothing is fetched")

    def close(self) -> None:
        pass


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    time = SimpleNamespace(monotonic=found.monotonic, sleep=found.sleep)
    for module in (async_run, waiter):
        monkeypatch.setattr(module, "time", time)
    return found


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Target:
    found = Target(clock)

    def execute(
        action: ActionBase,
        module_name: str | None = None,
        module_args: dict[str, Any] | None = None,
        **asked: Any,
    ) -> dict[str, Any]:
        name = module_name or action._task.action
        args = action._task.args if module_args is None else module_args
        return found.execute(action, name, args, **asked)

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
def run(target: Target) -> Any:
    def run(
        windows: bool = False,
        keywords: dict[str, Any] | None = None,
        attributes: dict[str, Any] | None = None,
        **args: Any,
    ) -> Any:
        loader = DataLoader()
        task = Task.load(dict({"longrun.jobs.async_run": args}, **(keywords or {})))
        task._parent = SimpleNamespace(_play=SimpleNamespace(_action_groups={}))
        for name, value in (attributes or {}).items():
            setattr(task, name, value)
        action = ActionModule(
            task=task,
            connection=Connection(target, windows),
            play_context=PlayContext(),
            loader=loader,
            templar=Templar(loader=loader),
            shared_loader_obj=plugin_loader,
        )
        action._load_name = task.action  # as its loader does
        return action.run(task_vars=dict(VARIABLES))

    return run


def status(jid: str, state: str = "running", name: str | None = None) -> dict[str, Any]:
    return {
        "started": True,
        "finished": state not in ("running", "queued"),
        "ansible_job_id": jid,
        "results_file": f"/a/{jid}",
        "async_job": {"id": jid, "name": name, "state": state},
    }


def started(*jids: str, attached: bool = False, **more: Any) -> dict[str, Any]:
    jobs = [dict(status(jid), changed=not attached, attached=attached) for jid in jids]
    return dict({"changed": not attached, "jobs": jobs}, **more)


def answer(*statuses: dict[str, Any], done: bool = False, since: Any = None) -> dict[str, Any]:
    return {"statuses": list(statuses), "done": done, "since": since or [None] * len(statuses)}


def lines(*stdout: str, cursor: str = "9:0") -> dict[str, Any]:
    return {"stdout_tail": list(stdout), "stderr_tail": [], "cursor": cursor}


def modules_of(target: Target) -> list[bytes]:
    """What was sent of each payload, as the target puts it together."""
    return unpack(target.order["payloads"], target.order["_texts"])


# starting


def test_one_job_is_one_request_and_its_answer_the_result(target: Target, run: Any) -> None:
    target.answers = [started("j1.1")]
    result = run(task=COMMAND, timeout="1h")
    assert len(target.asked) == 1
    assert result == dict(status("j1.1"), changed=True, attached=False)
    assert set(target.order) == {"payloads", "_texts", "jobs", "_async_dir"}
    assert target.order["_async_dir"] == "~/.ansible_async"
    (job,) = target.order["jobs"]
    assert job["blocks"] == {"steps": [{"payload": 0, "name": None, "environ": {}}]}
    assert job["timeout"] == 3600.0
    assert job["prefix"].startswith("j") and job["prefix"][1:].isdigit()
    (payload,) = target.order["payloads"]
    assert (payload["style"], payload["module"], payload["args"]) == (
        "new",
        "ansible.builtin.command",
        None,
    )
    assert payload["shebang"] == "#!/usr/bin/python3"
    assert b"_ANSIBALLZ_WRAPPER" in modules_of(target)[0]
    json.dumps(target.order)


def test_any_number_of_jobs_is_one_request_and_what_their_modules_share_is_sent_once(
    target: Target, run: Any
) -> None:
    target.answers = [started(*[f"j{number}.1" for number in range(4)])]
    texts = ["echo a", "echo b", "echo a", "echo c"]
    result = run(jobs=[{"task": {"ansible.builtin.command": text}} for text in texts])
    assert len(target.asked) == 1
    assert [job["ansible_job_id"] for job in result["jobs"]] == ["j0.1", "j1.1", "j2.1", "j3.1"]
    parcels = target.order["payloads"]
    assert [len(text) > 50000 for text in target.order["_texts"]] == [True]
    # core writes the time of day into each module
    assert all(len(parcel["middle"]) < 1000 for parcel in parcels[1:])
    whole = modules_of(target)
    for job, text in zip(target.order["jobs"], texts, strict=True):
        (step,) = job["blocks"]["steps"]
        assert text.encode("ascii") in whole[step["payload"]]
    assert len({job["prefix"] for job in target.order["jobs"]}) == 1


def test_the_same_module_is_sent_once_whatever_runs_it() -> None:
    payloads = async_run._Payloads()
    modules = [
        BuiltModule("a.b.c", "new", "#!/x", data, None, False) for data in (b"1", b"2", b"1")
    ]
    assert [payloads.number(module) for module in modules] == [0, 1, 0]
    packed = payloads.packed()
    assert unpack(packed["payloads"], packed["_texts"]) == [b"1", b"2"]


def test_steps_are_told_in_their_blocks_with_names_and_variables(target: Target, run: Any) -> None:
    target.answers = [started("j1.1")]
    run(
        steps=[dict(COMMAND, name="First", environment={"A": 1}), {"ansible.builtin.ping": None}],
        rescue=[COMMAND],
        name="n",
        env={"B": 2},
    )
    (job,) = target.order["jobs"]
    modules = [payload["module"] for payload in target.order["payloads"]]
    told = {
        block: [(step["name"], step["environ"], modules[step["payload"]]) for step in steps]
        for block, steps in job["blocks"].items()
    }
    assert told == {
        "steps": [
            ("First", {"A": "1"}, "ansible.builtin.command"),
            (None, {}, "ansible.builtin.ping"),
        ],
        "rescue": [(None, {}, "ansible.builtin.command")],
        "always": [],
    }
    assert (job["chained"], job["environ"], job["settings"]["name"]) == (True, {"B": "2"}, "n")
    assert len(job["fingerprint"]) == 64


def test_shell_is_command_as_core_makes_it_of_it(target: Target, run: Any) -> None:
    target.answers = [started("j1.1")]
    run(task={"ansible.builtin.shell": "echo a | cat"})
    (payload,) = target.order["payloads"]
    assert payload["module"] == "ansible.builtin.shell"
    assert b"_uses_shell" in modules_of(target)[0]


def test_module_defaults_apply_as_to_an_ordinary_task(target: Target, run: Any) -> None:
    target.answers = [started("j1.1")]
    defaults = [{"ansible.builtin.command": {"chdir": "/srv/defaults"}}]
    run(task=COMMAND, attributes={"module_defaults": defaults})
    assert b"/srv/defaults" in modules_of(target)[0]


def test_an_action_that_refuses_async_is_done_without_where_all_is_on_the_target(
    target: Target, run: Any
) -> None:
    target.answers = [started("j1.1")]
    copy = {"src": "/srv/a", "dest": "/srv/b"}
    run(task={"ansible.builtin.copy": dict(copy, remote_src=True)})
    assert target.order["payloads"][0]["module"] == "ansible.builtin.copy"
    assert b"/srv/a" in modules_of(target)[0]
    target.asked.clear()
    refused = run(task={"ansible.builtin.copy": copy})
    assert refused["msg"].startswith("task: ansible.builtin.copy cannot be a job: ")
    assert target.asked == []


def test_the_given_async_dir_goes_before_the_shells(target: Target, run: Any) -> None:
    target.answers = [started("j1.1")]
    run(task=COMMAND, async_dir="/var/jobs")
    assert target.order["_async_dir"] == "/var/jobs"


def test_async_of_the_task_is_the_time_limit_and_the_jid_is_for_cores_poller(
    target: Target, run: Any
) -> None:
    target.answers = [started("j1.1")]
    result = run(task=COMMAND, keywords={"async": 30, "poll": 2})
    assert target.order["jobs"][0]["timeout"] == 30.0
    assert (result["ansible_job_id"], result["started"], result["finished"]) == (
        "j1.1",
        True,
        False,
    )


def test_no_log_of_the_task_is_that_of_its_jobs(target: Target, run: Any) -> None:
    target.answers = [started("j1.1")]
    run(task=COMMAND, keywords={"no_log": True})
    (job,) = target.order["jobs"]
    assert (job["no_log"], job["fingerprint"]) == (True, None)


def test_what_the_target_refuses_is_the_result(target: Target, run: Any) -> None:
    target.answers = [{"failed": True, "msg": "name: the job 'n' exists", "existing": "j1.1"}]
    assert run(task=COMMAND, name="n", wait=True) == {
        "failed": True,
        "msg": "name: the job 'n' exists",
        "existing": "j1.1",
    }


def test_a_job_that_could_not_be_started_is_named_and_none_is_waited_for(
    target: Target, run: Any
) -> None:
    told = started("j1.1", "j2.2")
    told["jobs"][1] = {"failed": True, "msg": "no space", "changed": False, "name": None}
    target.answers = [told]
    result = run(jobs=[{"task": COMMAND}, {"task": COMMAND}], wait=True)
    assert len(target.asked) == 1
    assert (result["failed"], result["msg"]) == (True, "jobs[1] was not started: no space")
    assert result["jobs"][0]["ansible_job_id"] == "j1.1"


# refusals


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "one of task, steps and jobs is required"),
        ({"task": COMMAND, "interval": -1}, "interval: -1 is not a valid number of seconds"),
        ({"task": COMMAND, "interval": float("nan")}, "interval: nan is not a valid number of seconds"),
        ({"task": COMMAND, "wait_timeout": "1m"}, "wait_timeout: needs wait; set wait to true"),
        ({"task": COMMAND, "wait": True, "wait_timeout": "soon"}, "wait_timeout: 'soon' is not a valid duration"),
        ({"task": COMMAND, "stream": True}, "stream: needs wait; set wait to true, or stream with async_wait"),
        ({"task": COMMAND, "wait": True, "keywords": {"async": 9}}, "wait: cannot be used together with async; leave one of them out"),
        ({"jobs": [], "keywords": {"async": 9, "poll": 1}}, "jobs: async with poll waits for one job only"),
        ({"task": {}}, "task: "),
        ({"task": {"ansible.builtin.command": "a", "ansible.builtin.shell": "b"}}, "task: conflicting action statements"),
        ({"steps": [COMMAND, {"no.such.module": {}}]}, "steps[1]: "),
        ({"task": {"ansible.builtin.debug": {"msg": "x"}}}, "task: ansible.builtin.debug cannot be a job: "),
        ({"task": dict(COMMAND, become=True)}, "task: become cannot be used on a module of a job"),
        ({"task": COMMAND, "windows": True}, "needs a target with a POSIX shell and Python; this is Windows"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_fails_before_anything_is_started(
    target: Target, run: Any, options: dict[str, Any], message: str
) -> None:
    result = run(**options)
    assert result["failed"] is True
    assert message in result["msg"]
    assert target.asked == []


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"task": COMMAND, "if_exists": "kill"}, "value of if_exists must be one of: attach, fail"),
        ({"jobs": [{"task": COMMAND, "wait": True}]}, "wait"),
        ({"task": COMMAND, "retries": "many"}, "retries"),
        ({"task": "command sleep 1"}, "task"),
    ],
)
def test_bad_options_are_refused_by_name(
    target: Target, run: Any, args: dict[str, Any], message: str
) -> None:
    with pytest.raises(AnsibleError, match=message):
        run(**args)
    assert target.asked == []


# waiting


def test_a_job_that_is_waited_for_is_its_modules_own_result(target: Target, run: Any) -> None:
    ended = dict(status("j1.1", "succeeded"), rc=0, stdout="a\nb", changed=True)
    target.answers = [started("j1.1"), answer(ended, done=True)]
    result = run(task=COMMAND, wait=True, interval=3)
    assert target.waits == [
        {
            "for": "all",
            "seconds": 3,
            "tail_lines": 10,
            "_async_dir": "~/.ansible_async",
            "jobs": [{"results_file": "/a/j1.1"}],
        }
    ]
    assert result == dict(ended, stdout_lines=["a", "b"], attached=False)


def test_one_that_takes_longer_is_asked_after_until_it_ends(target: Target, run: Any) -> None:
    failed = dict(status("j1.1", "failed"), failed=True, msg="it broke")
    target.answers = [
        started("j1.1"),
        answer(status("j1.1")),
        answer(failed, done=True),
    ]
    result = run(task=COMMAND, wait=True)
    assert [args["jobs"] for args in target.waits] == [[{"results_file": "/a/j1.1"}]] * 2
    assert [args["seconds"] for args in target.waits] == [5, 5]
    assert (result["failed"], result["msg"], result["changed"]) == (True, "it broke", False)


def test_of_several_those_that_have_ended_are_not_asked_after_again(
    target: Target, run: Any
) -> None:
    target.answers = [
        started("j1.1", "j2.2"),
        answer(status("j1.1", "succeeded"), status("j2.2")),
        answer(status("j2.2", "failed"), done=True),
    ]
    result = run(jobs=[{"task": COMMAND}, {"task": COMMAND}], wait=True)
    assert target.waits[1]["jobs"] == [{"results_file": "/a/j2.2"}]
    assert [job["async_job"]["state"] for job in result["jobs"]] == ["succeeded", "failed"]
    assert (result["failed_jobs"], result["failed"]) == (["j2.2"], True)


def test_a_wait_that_takes_too_long_leaves_the_job_and_says_so(
    target: Target, run: Any, clock: Clock
) -> None:
    target.answers = [
        started("j1.1"),
        *[answer(status("j1.1"))] * 9,
    ]
    begun = clock.now
    result = run(task=COMMAND, wait=True, wait_timeout="12s")
    assert clock.now - begun == pytest.approx(12)
    assert [args["seconds"] for args in target.waits] == [5, 5, 2]
    assert (result["failed"], result["timed_out"]) == (True, True)
    assert result["msg"] == "the job j1.1 is still running; it was left as it is"


def test_a_first_wait_is_no_longer_than_there_is_time(
    target: Target, run: Any, clock: Clock
) -> None:
    target.answers = [
        started("j1.1"),
        *[answer(status("j1.1"))] * 9,
    ]
    begun = clock.now
    assert run(task=COMMAND, wait=True, wait_timeout=2)["timed_out"] is True
    assert clock.now - begun == pytest.approx(2)


def test_without_a_time_limit_a_host_that_is_away_is_asked_again_for_a_while(
    target: Target, run: Any, clock: Clock
) -> None:
    target.answers = [
        started("j1.1"),
        AnsibleConnectionFailure("gone"),
        AnsibleConnectionFailure("gone"),
        answer(status("j1.1", "succeeded"), done=True),
    ]
    assert run(task=COMMAND, wait=True)["async_job"]["state"] == "succeeded"
    assert target.resets == 2
    target.answers = [
        started("j1.1"),
        *[AnsibleConnectionFailure("gone") for _unused in range(1000)],
    ]
    begun = clock.now
    with pytest.raises(AnsibleConnectionFailure, match="gone"):
        run(task=COMMAND, wait=True)
    assert 600 <= clock.now - begun <= 620


def test_a_start_is_never_tried_again(target: Target, run: Any) -> None:
    """It may have been done: only a name makes it safe, and that is for the next run of the play."""
    target.answers = [AnsibleConnectionFailure("gone")]
    with pytest.raises(AnsibleConnectionFailure):
        run(task=COMMAND, wait=True)
    assert len(target.asked) == 1


def test_what_the_target_refuses_while_it_is_waited_for_is_told_with_the_job(
    target: Target, run: Any
) -> None:
    target.answers = [
        started("j1.1"),
        {"failed": True, "msg": "could not find job j1.1: it was removed just now"},
    ]
    result = run(task=COMMAND, wait=True)
    assert (result["failed"], result["ansible_job_id"]) == (True, "j1.1")
    assert result["msg"] == "could not find job j1.1: it was removed just now"


def test_no_jobs_are_not_waited_for(target: Target, run: Any) -> None:
    target.answers = [{"changed": False, "jobs": [], "waited": answer(done=True)}]
    result = run(jobs=[], wait=True)
    assert (result["failed"], result["jobs"], len(target.asked)) == (False, [], 1)


# lines


def test_lines_are_shown_as_they_come(target: Target, run: Any, shown: list[str]) -> None:
    target.answers = [
        started("j1.1"),
        answer(status("j1.1"), since=[lines("a")]),
        answer(status("j1.1", "succeeded"), done=True, since=[lines("b", cursor="12:0")]),
    ]
    run(task=COMMAND, wait=True, stream=True)
    assert "wait" not in target.order
    assert [args["jobs"][0]["cursor"] for args in target.waits] == ["0:0", "9:0"]
    assert shown == ["web1 | a", "web1 | b"]


def test_a_job_of_this_task_shows_its_lines_although_it_has_ended_at_the_first_look(
    target: Target, run: Any, shown: list[str]
) -> None:
    target.answers = [
        started("j1.1"),
        answer(status("j1.1", "succeeded"), done=True, since=[lines("a")]),
    ]
    run(task=COMMAND, wait=True, stream=True)
    assert shown == ["web1 | a"]


def test_lines_of_a_job_that_is_attached_to_go_on_from_where_they_were_shown(
    target: Target, run: Any, shown: list[str]
) -> None:
    attached = started("j1.1", attached=True)
    attached["jobs"][0]["shown"] = "7:2"
    target.answers = [
        attached,
        answer(status("j1.1"), since=[lines("c")]),
        answer(status("j1.1", "succeeded"), done=True, since=[lines("d")]),
    ]
    result = run(task=COMMAND, name="n", wait=True, stream=True)
    assert target.waits[0]["jobs"] == [{"results_file": "/a/j1.1", "cursor": "7:2"}]
    assert shown == ["web1 | c", "web1 | d"]
    assert result["attached"] is True


@pytest.mark.parametrize("case", ["no_log", "json"])
def test_lines_are_not_asked_for_where_they_are_not_to_be_shown(
    target: Target, run: Any, shown: list[str], monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    if case == "json":
        monkeypatch.setattr(C, "DEFAULT_STDOUT_CALLBACK", "ansible.posix.jsonl")
    target.answers = [started("j1.1"), answer(status("j1.1", "succeeded"), done=True)]
    run(task=COMMAND, wait=True, stream=True, keywords={"no_log": case == "no_log"})
    assert target.waits[0]["jobs"] == [{"results_file": "/a/j1.1"}]
    assert shown == []


# check mode


def test_in_check_mode_the_module_predicts_and_nothing_is_started(target: Target, run: Any) -> None:
    target.answers = [{"changed": True, "msg": "would have run"}]
    result = run(task=COMMAND, attributes={"check_mode": True})
    ((name, args),) = target.asked
    assert name in ("ansible.builtin.command", "ansible.legacy.command", "command")
    assert args["_raw_params"] == "sleep 1"
    assert (result["changed"], result["msg"]) == (True, "would have run")
    assert "ansible_job_id" not in result


def test_in_check_mode_steps_are_predicted_one_by_one_without_what_rescues(
    target: Target, run: Any
) -> None:
    target.answers = [{"changed": False, "ping": "pong"}, {"changed": True}]
    result = run(
        steps=[{"ansible.builtin.ping": None}],
        rescue=[COMMAND],
        always=[dict(COMMAND, name="Always")],
        attributes={"check_mode": True},
    )
    assert [(step["block"], step["module"]) for step in result["steps"]] == [
        ("steps", "ansible.builtin.ping"),
        ("always", "ansible.builtin.command"),
    ]
    assert result["changed"] is True
    assert len(target.asked) == 2


def test_in_check_mode_what_cannot_be_meant_is_refused_all_the_same(
    target: Target, run: Any
) -> None:
    result = run(task=COMMAND, timeout="soon", attributes={"check_mode": True})
    assert result["msg"].startswith("timeout: 'soon' is not a valid duration")
    assert target.asked == []
