# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The jobs that a task orders with async_run: its options checked and turned into what the target is told.

Private to the collection longrun.jobs: may change in any release.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.chain import (
    BLOCK_ALWAYS,
    BLOCK_RESCUE,
    BLOCK_STEPS,
    BLOCKS,
)
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.errors import JobError
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.settings import (
    Settings,
    parse_duration,
    parse_setting,
    parse_size,
)
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.requests.run import IF_EXISTS
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system.priority import (
    parse_io_class,
)

# The options of one job. A task with ``jobs`` may also set them for all of its jobs.
JOB_OPTIONS: dict[str, dict[str, Any]] = {
    "task": {"type": "dict"},
    "steps": {"type": "list", "elements": "dict"},
    "rescue": {"type": "list", "elements": "dict"},
    "always": {"type": "list", "elements": "dict"},
    "name": {"type": "str"},
    "if_exists": {"type": "str", "choices": list(IF_EXISTS)},
    "timeout": {"type": "str"},
    "grace": {"type": "str"},
    "idle_timeout": {"type": "str"},
    "retention": {"type": "str"},
    "output_limit": {"type": "str"},
    "progress_regex": {"type": "str"},
    "retries": {"type": "int"},
    "retry_delay": {"type": "str"},
    "retry_backoff": {"type": "float"},
    "queue": {"type": "str"},
    "max_running": {"type": "int"},
    "nice": {"type": "int"},
    "ionice": {"type": "str"},
    "scope": {"type": "bool"},
    "memory_max": {"type": "str"},
    "cpu_quota": {"type": "str"},
    "env": {"type": "dict"},
}
RUN_TASK_OPTIONS: dict[str, dict[str, Any]] = {
    **JOB_OPTIONS,
    "jobs": {"type": "list", "elements": "dict", "options": JOB_OPTIONS},
    "wait": {"type": "bool", "default": False},
    "wait_timeout": {"type": "str"},
    "stream": {"type": "bool", "default": False},
    "interval": {"type": "float", "default": 5},
    "tail_lines": {"type": "int", "default": 10},
    "async_dir": {"type": "str"},
}
DEFAULT_TIMEOUT = "1d"
_DEFAULTS: dict[str, Any] = {
    "if_exists": "restart_finished",
    "timeout": DEFAULT_TIMEOUT,
    "retries": 0,
    "retry_delay": "5",
    "retry_backoff": 1.0,
    "max_running": 1,
    "scope": False,
}
# What a job runs, as opposed to how: a task with ``jobs`` cannot set these for all of them.
_OWN = ("task", "steps", "rescue", "always", "name")
_SETTINGS = ("name", "grace", "idle_timeout", "retention", "output_limit", "progress_regex")
_STEP_KEYWORDS = ("name", "environment", "args", "action")
_MOST_JOBS = 10000
_LONGEST_QUEUE_NAME = 200


@dataclass(frozen=True)
class Step:
    """One module of a job as it is written, with its name and environment."""

    label: str  # where it is among the options, such as jobs[0].task, for messages
    name: str | None
    written: dict[str, Any]
    environment: dict[str, str]


@dataclass(frozen=True)
class Order:
    """One job. blocks: its steps by block. target: what the target is told about it, except for its modules."""

    label: str
    blocks: dict[str, list[Step]]
    target: dict[str, Any]

    @property
    def chained(self) -> bool:
        """Whether the job has steps, instead of one task."""
        return bool(self.target["chained"])


def read_orders(
    options: Mapping[str, Any], keywords: frozenset[str], async_seconds: int, no_log: bool
) -> list[Order]:
    """Return the jobs of a task. Raises JobError, which names the option, its value and what would be valid.

    options: the task's own, as its argument spec returned them. keywords: what a task may have beside its module.
    async_seconds: the task's ``async``, 0 if it has none.
    """
    several = options["jobs"]
    own = [option for option in _OWN if options[option] is not None]
    if several is None:
        if not own:
            raise JobError("one of task, steps and jobs is required: there is nothing to run")
        return [_order("", options, {}, keywords, async_seconds, no_log)]
    if own:
        raise JobError(
            f"{own[0]}: cannot be used together with jobs; give it to each job that needs it"
        )
    if len(several) > _MOST_JOBS:
        raise JobError(
            f"jobs: {len(several)} jobs are too many for one task; give at most {_MOST_JOBS}"
        )
    orders = [
        _order(f"jobs[{number}].", job, options, keywords, async_seconds, no_log)
        for number, job in enumerate(several)
    ]
    names: dict[str, str] = {}
    for order in orders:
        name = order.target["settings"]["name"]
        if name is not None and name in names:
            raise JobError(
                f"{order.label}name: {name!r} is already the name of {names[name]}; give each job a name of its own"
            )
        if name is not None:
            names[name] = order.label.rstrip(".")
    return orders


def _order(
    label: str,
    own: Mapping[str, Any],
    common: Mapping[str, Any],
    keywords: frozenset[str],
    async_seconds: int,
    no_log: bool,
) -> Order:
    """Return one job. label: precedes its options in messages. own, common: the options of the job, and of the task."""

    def option(name: str) -> Any:
        for source in (own, {} if name in _OWN else common, _DEFAULTS):
            if source.get(name) is not None:
                return source[name]
        return None

    def parsed(name: str, parse: Any) -> Any:
        value = option(name)
        if value is None:
            return None
        try:
            return parse(value)
        except ValueError as error:
            raise JobError(f"{label}{name}: {error}") from None

    if (own["task"] is None) == (own["steps"] is None):
        raise JobError(f"{label}task: give either task, for one module, or steps, for several")
    chained = own["steps"] is not None
    for block in (BLOCK_RESCUE, BLOCK_ALWAYS):
        if own[block] is not None and not chained:
            raise JobError(f"{label}{block}: needs steps; give steps in place of task")
    blocks = {
        block: [
            _step(f"{label}{block}[{number}]", written, keywords)
            for number, written in enumerate(own[block] or [])
        ]
        for block in BLOCKS
        if chained
    } or {BLOCK_STEPS: [_step(f"{label}task", own["task"], keywords)]}
    if not blocks[BLOCK_STEPS]:
        raise JobError(f"{label}steps: an empty list runs nothing; give at least one step")
    settings = {
        name: parsed(name, lambda value, name=name: parse_setting(name, value))
        for name in _SETTINGS
    }
    defaults = Settings()._asdict()
    with_defaults = {
        name: defaults[name] if option(name) is None else settings[name] for name in _SETTINGS
    }
    timeout = parsed("timeout", parse_duration)
    if async_seconds and own["timeout"] is None and common.get("timeout") is None:
        timeout = float(async_seconds)
    target: dict[str, Any] = {
        "settings": with_defaults,
        "chained": chained,
        "timeout": timeout,
        "attempts": 1 + _number(label, "retries", option("retries"), 0, 1000),
        "retry_delay": parsed("retry_delay", parse_duration),
        "retry_backoff": _number(label, "retry_backoff", option("retry_backoff"), 1, 100),
        "queue": parsed("queue", _queue_name),
        "max_running": _number(label, "max_running", option("max_running"), 1, 1000),
        "nice": option("nice"),
        "ionice": option("ionice"),
        "scope": option("scope"),
        "memory_max": parsed("memory_max", parse_size),
        "cpu_quota": parsed("cpu_quota", _percent),
        "environ": _environment(f"{label}env", {**(common.get("env") or {}), **(own["env"] or {})}),
        "if_exists": option("if_exists"),
        "no_log": no_log,
    }
    if target["nice"] is not None:
        _number(label, "nice", target["nice"], -20, 19)
    parsed("ionice", parse_io_class)
    if option("queue") is None and (own["max_running"] or common.get("max_running")):
        raise JobError(f"{label}max_running: needs queue; give the queue that it limits")
    for name in ("memory_max", "cpu_quota"):
        if target[name] is not None and not target["scope"]:
            raise JobError(f"{label}{name}: needs scope; set scope to true")
    return Order(label, blocks, target)


def _step(label: str, written: Mapping[str, Any], keywords: frozenset[str]) -> Step:
    """Return a step. Raises JobError for a keyword that only the async_run task may have, and a bad environment."""
    for key in written:
        if key in keywords and key not in _STEP_KEYWORDS:
            raise JobError(
                f"{label}: {key} cannot be used on a module of a job; set it on the task with async_run"
            )
    module = {key: value for key, value in written.items() if key not in ("name", "environment")}
    name = written.get("name")
    environment: dict[str, Any] = {}
    value = written.get("environment") or {}
    for variables in value if isinstance(value, list) else [value]:
        if not isinstance(variables, Mapping):
            raise JobError(
                f"{label}: environment: {variables!r} is not a mapping of variables to values"
            )
        environment.update(variables)
    return Step(
        label,
        None if name is None else str(name),
        module,
        _environment(f"{label}: environment", environment),
    )


def _environment(label: str, variables: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables as texts, null as an empty one. Raises JobError for a name that no variable can have."""
    for name in variables:
        if not re.fullmatch(r"[^=\0]+", str(name)):
            raise JobError(f"{label}: {name!r} is not a valid name of a variable")
    return {str(name): "" if value is None else str(value) for name, value in variables.items()}


def _number(label: str, option: str, value: float, least: float, most: float) -> Any:
    """Return the value of an option. Raises JobError if it is not between *least* and *most*."""
    if not least <= value <= most:
        raise JobError(f"{label}{option}: {value:g} is out of range; give {least:g} to {most:g}")
    return value


def _queue_name(text: str) -> str:
    """Return the name of a queue. Raises ValueError if it is not valid."""
    if not text.strip() or len(text) > _LONGEST_QUEUE_NAME or not text.isprintable():
        raise ValueError(
            f"{text!r} is not a valid name of a queue: give 1 to {_LONGEST_QUEUE_NAME} printable characters"
        )
    return text


def _percent(text: str) -> float:
    """Return a percentage such as ``50%`` as a number. Raises ValueError if it is not one, or less than 1."""
    found = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,3})?) ?%?", text.strip())
    if found is None or float(found[1]) < 1:
        raise ValueError(
            f"{text!r} is not a valid share of a CPU: give a percentage, such as 50%, or 200% for two CPUs"
        )
    return float(found[1])


def fingerprint(order: Order, modules: list[tuple[str, dict[str, Any]]]) -> str | None:
    """Return a hash that is equal for jobs that do the same, or None with no_log, which allows nothing to be kept.

    modules: the name and arguments of each module, in order.
    """
    if order.target["no_log"]:
        return None
    environments = [
        [block, [dict(step.environment) for step in steps]] for block, steps in order.blocks.items()
    ]
    text = json.dumps([modules, environments, order.target["environ"]], sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
