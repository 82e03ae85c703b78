# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task orders, as its options come out of the argument spec."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.chain import BLOCKS
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.errors import JobError
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.settings import Settings
from ansible_collections.longrun.jobs.plugins.plugin_utils._ordering import orders
from ansible_collections.longrun.jobs.plugins.plugin_utils._ordering.orders import (
    JOB_OPTIONS,
    RUN_TASK_OPTIONS,
    Order,
    fingerprint,
    read_orders,
)

KEYWORDS = frozenset(
    ["name", "environment", "args", "action", "when", "become", "register", "async", "loop"]
)
TASK = {"command": "sleep 1"}


def read(async_seconds: int = 0, no_log: bool = False, **options: Any) -> list[Order]:
    found = ArgumentSpecValidator(RUN_TASK_OPTIONS).validate(options)
    assert not found.error_messages
    return read_orders(found.validated_parameters, KEYWORDS, async_seconds, no_log)


def one(**options: Any) -> Order:
    (found,) = read(**dict({"task": TASK}, **options))
    return found


def refusal(**options: Any) -> str:
    with pytest.raises(JobError) as caught:
        read(**options)
    return caught.value.message


# what holds when nothing is said


def test_the_least_that_can_be_ordered_has_these_defaults() -> None:
    order = one()
    assert (order.label, order.chained) == ("", False)
    (step,) = order.blocks["steps"]
    assert set(order.blocks) == {"steps"}
    assert (step.label, step.name, step.written, step.environment) == ("task", None, TASK, {})
    assert order.target == {
        "settings": Settings()._asdict(),
        "chained": False,
        "timeout": 86400.0,
        "attempts": 1,
        "retry_delay": 5.0,
        "retry_backoff": 1.0,
        "queue": None,
        "max_running": 1,
        "nice": None,
        "ionice": None,
        "scope": False,
        "memory_max": None,
        "cpu_quota": None,
        "environ": {},
        "if_exists": "restart_finished",
        "no_log": False,
    }


def test_what_is_given_is_told_in_units_of_the_target() -> None:
    target = one(
        name="os upgrade",
        if_exists="attach",
        timeout="2h",
        grace=30,
        idle_timeout="10m",
        retention="forever",
        output_limit="1MiB",
        progress_regex=r"(?P<percent>\d+)%",
        retries=4,
        retry_delay="1m",
        retry_backoff=2,
        queue="downloads",
        max_running=3,
        nice=10,
        ionice="best-effort:7",
        scope=True,
        memory_max="512M",
        cpu_quota="150%",
        env={"A": 1, "B": None},
        no_log=True,
    ).target
    assert target["settings"] == {
        "name": "os upgrade",
        "grace": 30.0,
        "idle_timeout": 600.0,
        "retention": None,
        "output_limit": 1048576,
        "progress_regex": r"(?P<percent>\d+)%",
    }
    del target["settings"]
    assert target == {
        "chained": False,
        "timeout": 7200.0,
        "attempts": 5,
        "retry_delay": 60.0,
        "retry_backoff": 2.0,
        "queue": "downloads",
        "max_running": 3,
        "nice": 10,
        "ionice": "best-effort:7",
        "scope": True,
        "memory_max": 536870912,
        "cpu_quota": 150.0,
        "environ": {"A": "1", "B": ""},
        "if_exists": "attach",
        "no_log": True,
    }


@pytest.mark.parametrize(
    ("options", "timeout"),
    [
        ({"async_seconds": 30}, 30.0),
        ({"async_seconds": 30, "timeout": "1m"}, 60.0),
        ({"timeout": 0}, 0.0),
        ({"async_seconds": 30, "timeout": 0}, 0.0),
    ],
)
def test_async_of_the_task_is_the_time_limit_unless_there_is_one(
    options: dict[str, Any], timeout: float
) -> None:
    assert one(**options).target["timeout"] == timeout


def test_a_time_limit_of_all_jobs_goes_before_async_and_that_of_one_before_both() -> None:
    jobs = [{"task": TASK}, {"task": TASK, "timeout": 3}]
    assert [order.target["timeout"] for order in read(9, jobs=jobs)] == [9.0, 3.0]
    assert [order.target["timeout"] for order in read(9, jobs=jobs, timeout=5)] == [5.0, 3.0]


# modules


def test_a_task_is_copied_as_it_stands_with_its_name_and_environment_taken_out() -> None:
    task = {"name": "Wait", "environment": {"A": 1}, "command": "x", "args": {"chdir": "/"}}
    (step,) = one(task=task).blocks["steps"]
    assert (step.name, step.environment) == ("Wait", {"A": "1"})
    assert step.written == {"command": "x", "args": {"chdir": "/"}}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ([{"A": 1, "B": 2}, {"B": 3}], {"A": "1", "B": "3"}),
        ([], {}),
        (None, {}),
        ({}, {}),
        ({"A": None, "B": True}, {"A": "", "B": "True"}),
    ],
)
def test_environment_is_what_a_task_may_have(given: Any, found: dict[str, str]) -> None:
    (step,) = one(task={"command": "x", "environment": given}).blocks["steps"]
    assert step.environment == found


def test_steps_are_a_chain_with_all_its_blocks() -> None:
    (order,) = read(steps=[TASK, {"ping": {}}], rescue=[TASK], always=[{"name": "Z", "ping": None}])
    assert order.chained and order.target["chained"]
    labels = {block: [step.label for step in steps] for block, steps in order.blocks.items()}
    assert labels == {
        "steps": ["steps[0]", "steps[1]"],
        "rescue": ["rescue[0]"],
        "always": ["always[0]"],
    }
    assert order.blocks["always"][0].name == "Z"
    (alone,) = read(steps=[TASK])
    assert {block: len(steps) for block, steps in alone.blocks.items()} == {
        block: int(block == "steps") for block in BLOCKS
    }


# several


def test_jobs_have_what_the_task_says_for_all_unless_they_say_it_themselves() -> None:
    jobs = [{"task": TASK}, {"task": TASK, "queue": "own", "retries": 0, "nice": 3, "name": "n"}]
    first, second = read(
        jobs=jobs, queue="all", max_running=4, retries=2, grace=7, if_exists="fail"
    )
    told = ("queue", "max_running", "attempts", "nice", "if_exists")
    assert [first.target[key] for key in told] == ["all", 4, 3, None, "fail"]
    assert [second.target[key] for key in told] == ["own", 4, 1, 3, "fail"]
    assert [order.target["settings"]["grace"] for order in (first, second)] == [7.0, 7.0]
    assert [order.target["settings"]["name"] for order in (first, second)] == [None, "n"]
    assert [order.label for order in (first, second)] == ["jobs[0].", "jobs[1]."]


def test_variables_of_a_job_are_put_over_those_of_all() -> None:
    jobs = [{"task": TASK}, {"task": TASK, "env": {"B": 3}}]
    first, second = read(jobs=jobs, env={"A": 1, "B": 2})
    assert first.target["environ"] == {"A": "1", "B": "2"}
    assert second.target["environ"] == {"A": "1", "B": "3"}


def test_a_job_may_say_false_where_all_say_true() -> None:
    jobs = [{"task": TASK}, {"task": TASK, "scope": False}]
    assert [order.target["scope"] for order in read(jobs=jobs, scope=True)] == [True, False]


def test_no_jobs_are_no_orders() -> None:
    assert read(jobs=[]) == []


def test_every_option_of_a_job_may_be_said_for_all() -> None:
    assert set(JOB_OPTIONS) < set(RUN_TASK_OPTIONS)
    assert RUN_TASK_OPTIONS["jobs"]["options"] == JOB_OPTIONS
    # defaults are ours: one of the argument spec would hide what is said for all
    assert not [option for option in JOB_OPTIONS.values() if "default" in option]


# refusals


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "one of task, steps and jobs is required: there is nothing to run"),
        ({"task": TASK, "steps": [TASK]}, "task: give either task, for one module, or steps, for several"),
        ({"name": "n"}, "task: give either task, for one module, or steps, for several"),
        ({"jobs": [{}]}, "jobs[0].task: give either task, for one module, or steps, for several"),
        ({"jobs": [{"task": TASK}], "task": TASK}, "task: cannot be used together with jobs; give it to each job that needs it"),
        ({"jobs": [{"task": TASK}], "name": "n"}, "name: cannot be used together with jobs; give it to each job that needs it"),
        ({"jobs": [{"task": TASK}], "always": [TASK]}, "always: cannot be used together with jobs; give it to each job that needs it"),
        ({"task": TASK, "rescue": [TASK]}, "rescue: needs steps; give steps in place of task"),
        ({"jobs": [{"task": TASK, "always": []}]}, "jobs[0].always: needs steps; give steps in place of task"),
        ({"steps": []}, "steps: an empty list runs nothing; give at least one step"),
        ({"task": TASK, "max_running": 3}, "max_running: needs queue; give the queue that it limits"),
        ({"task": TASK, "memory_max": "1G"}, "memory_max: needs scope; set scope to true"),
        ({"jobs": [{"task": TASK, "cpu_quota": "50"}]}, "jobs[0].cpu_quota: needs scope; set scope to true"),
        ({"jobs": [{"task": TASK, "name": "n"}, {"task": TASK}, {"task": TASK, "name": " n"}]},
         "jobs[2].name: 'n' is already the name of jobs[0]; give each job a name of its own"),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_refused(options: dict[str, Any], message: str) -> None:
    assert refusal(**options) == message


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("timeout", "soon", "'soon' is not a valid duration: give seconds (30, 1.5) or a number with a unit s, m, h, d or w (10m)"),
        ("timeout", "-1", "'-1' is not a valid duration: give"),
        ("grace", "1y", "'1y' is not a valid duration: give"),
        ("idle_timeout", "", "'' is not a valid duration: give"),
        ("retention", "0", "'0' keeps no result: give more than 0, or forever"),
        ("retention", "never", "'never' is not a valid duration: give seconds (30, 1.5) or a number with a unit s, m, h, d or w (10m), or forever"),
        ("output_limit", "1K", "'1K' is too small: give 64KiB or more, or 0 to keep no output"),
        ("output_limit", "much", "'much' is not a valid size: give"),
        ("progress_regex", "(", ""),
        ("name", "", "'' is not a valid name: give 1 to 200 printable characters"),
        ("name", "a\nb", "is not a valid name: give 1 to 200 printable characters"),
        ("name", "x" * 201, "is not a valid name: give 1 to 200 printable characters"),
        ("retry_delay", "soon", "'soon' is not a valid duration: give"),
        ("retries", -1, "-1 is out of range; give 0 to 1000"),
        ("retries", 1001, "1001 is out of range; give 0 to 1000"),
        ("retry_backoff", 0.5, "0.5 is out of range; give 1 to 100"),
        ("retry_backoff", float("nan"), "nan is out of range; give 1 to 100"),
        ("queue", " ", "' ' is not a valid name of a queue: give 1 to 200 printable characters"),
        ("queue", "a\x00", "is not a valid name of a queue: give 1 to 200 printable characters"),
        ("queue", "x" * 201, "is not a valid name of a queue: give 1 to 200 printable characters"),
        ("max_running", 0, "0 is out of range; give 1 to 1000"),
        ("nice", 20, "20 is out of range; give -20 to 19"),
        ("nice", -21, "-21 is out of range; give -20 to 19"),
        ("ionice", "best", "'best' is not a valid class: give idle, best-effort or realtime"),
        ("memory_max", "lots", "'lots' is not a valid size: give"),
        ("cpu_quota", "0.5%", "'0.5%' is not a valid share of a CPU: give a percentage, such as 50%, or 200% for two CPUs"),
        ("cpu_quota", "all", "'all' is not a valid share of a CPU: give a percentage, such as 50%, or 200% for two CPUs"),
        ("env", {"A=B": "1"}, "'A=B' is not a valid name of a variable"),
        ("env", {"": "1"}, "'' is not a valid name of a variable"),
    ],
)  # fmt: skip
def test_a_value_that_is_no_good_is_named_with_what_would_be(
    option: str, value: Any, message: str
) -> None:
    found = refusal(task=TASK, **{option: value})
    assert found.startswith(f"{option}: ")
    assert message in found
    inner = refusal(jobs=[{"task": TASK}, {"task": TASK, option: value}])
    assert inner == f"jobs[1].{found}"


@pytest.mark.parametrize("keyword", ["when", "become", "register", "async", "loop"])
def test_keywords_that_are_for_a_task_alone_are_refused(keyword: str) -> None:
    task = dict(TASK, **{keyword: "x"})
    said = "cannot be used on a module of a job; set it on the task with async_run"
    assert refusal(task=task) == f"task: {keyword} {said}"
    assert refusal(steps=[TASK, task]) == f"steps[1]: {keyword} {said}"
    assert refusal(jobs=[{"steps": [TASK], "rescue": [task]}]) == (
        f"jobs[0].rescue[0]: {keyword} {said}"
    )


@pytest.mark.parametrize("given", ["PATH", [{"A": 1}, "PATH"], 3])
def test_an_environment_that_is_none_is_refused(given: Any) -> None:
    found = refusal(task=dict(TASK, environment=given))
    bad = given[-1] if isinstance(given, list) else given
    assert found == f"task: environment: {bad!r} is not a mapping of variables to values"


def test_a_variable_of_a_step_must_have_a_name() -> None:
    assert refusal(task=dict(TASK, environment={"A=B": 1})) == (
        "task: environment: 'A=B' is not a valid name of a variable"
    )


def test_too_many_jobs_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "_MOST_JOBS", 2)
    assert refusal(jobs=[{"task": TASK} for _unused in range(3)]) == (
        "jobs: 3 jobs are too many for one task; give at most 2"
    )
    assert len(read(jobs=[{"task": TASK} for _unused in range(2)])) == 2


# fingerprints


MODULES = [("ansible.builtin.command", {"_raw_params": "sleep 1", "chdir": "/"})]
PRINT = fingerprint(one(), MODULES)


@pytest.mark.parametrize(
    "options",
    [
        {"timeout": 5},
        {"name": "n"},
        {"task": dict(TASK, name="Sleep")},
        {"queue": "q"},
        {"env": {}},
    ],
)
def test_how_it_is_run_does_not_make_it_another_job(options: dict[str, Any]) -> None:
    modules: list[Any] = [("ansible.builtin.command", {"chdir": "/", "_raw_params": "sleep 1"})]
    assert fingerprint(one(**options), modules) == PRINT


def test_what_is_run_does() -> None:
    others = [
        fingerprint(one(), [("ansible.builtin.shell", MODULES[0][1])]),
        fingerprint(one(), [(MODULES[0][0], {"_raw_params": "sleep 2", "chdir": "/"})]),
        fingerprint(one(env={"A": "1"}), MODULES),
        fingerprint(one(task=dict(TASK, environment={"A": "1"})), MODULES),
        fingerprint(read(steps=[TASK])[0], MODULES),
        fingerprint(read(steps=[TASK], always=[TASK])[0], MODULES * 2),
        fingerprint(read(steps=[TASK, TASK])[0], MODULES * 2),
    ]
    assert len({PRINT, *others}) == len(others) + 1


def test_it_tells_nothing_of_what_it_was_made_from() -> None:
    assert PRINT is not None and len(PRINT) == 64
    assert fingerprint(one(no_log=True), MODULES) is None
    assert fingerprint(one(), [("a.b.c", {"key": "\udc80", "when": object})]) is not None
