# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The results of tasks with async_run: with and without waiting, and in check mode.

Private to the collection longrun.jobs: may change in any release.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.longrun.jobs.plugins.plugin_utils._ordering.orders import Order
from ansible_collections.longrun.jobs.plugins.plugin_utils._sight.neutral import neutral
from ansible_collections.longrun.jobs.plugins.plugin_utils._waiting.waited import waited_result

# a module's prediction in check mode: name of the step, its block, the module's full name, and its result
Prediction = tuple[str | None, str, str, dict[str, Any]]


def _label(order: Order) -> str:
    """Return what a message calls a job: its name in quotes, else its place in the options, such as ``jobs[0]``."""
    name = order.target["settings"]["name"]
    return repr(name) if name else order.label.rstrip(".") or "the job"


def started_result(
    answer: dict[str, Any], started: list[dict[str, Any]], orders: Sequence[Order], several: bool
) -> dict[str, Any]:
    """Return the result of a task that does not wait. It has failed if a job could not be started, and names the job.

    answer: the target's, without its ``jobs``, which are *started*, in the order of *orders*. several: whether the task
    has ``jobs``; without, the result is that of the one job.
    """
    warnings = list(answer.get("warnings", []))
    refusals = []
    for order, job in zip(orders, started, strict=True):
        job.pop("shown", None)
        if job.get("failed") and not job.get("finished"):
            refusals.append(f"{_label(order)} was not started: {job['msg']}")
        if job.pop("differs", False):
            state = job["async_job"]["state"]
            warnings.append(
                f"{_label(order)} is already {state}, with arguments other than these: it was left as it is "
                f"(if_exists: {order.target['if_exists']})"
            )
    result = dict(answer)
    if warnings:
        result["warnings"] = warnings
    if not several:
        return dict(result, **started[0])
    result["jobs"] = started
    if refusals:
        result.update(failed=True, msg="; ".join(refusals))
    return result


def waited_run_result(
    passed_on: dict[str, Any],
    statuses: list[dict[str, Any]],
    started: list[dict[str, Any]],
    several: bool,
    done: bool,
) -> dict[str, Any]:
    """Return the result of a task that waited: for one job the module's own, as if it had run synchronously.

    For several jobs it is the result that async_wait would return. passed_on: what else the requests returned for the
    task's result, such as warnings. statuses, started: of each job, in the same order. done: whether all have ended.
    """
    passed_on = {key: value for key, value in passed_on.items() if value}
    for status, start in zip(statuses, started, strict=True):
        status["attached"] = start["attached"]
    if several:
        result = dict(passed_on, **waited_result(statuses, done, None))
        result["changed"] = any(bool(status.get("changed")) for status in statuses)
        return result
    (status,) = statuses
    result = dict(status)
    result.setdefault("changed", False)
    if "warnings" in passed_on:
        result["warnings"] = [*result.get("warnings", []), *passed_on.pop("warnings")]
    if not done:
        view = status["async_job"]
        result.update(
            failed=True,
            timed_out=True,
            msg=f"the job {neutral(str(view['name'] or view['id']))} is still "
            f"{neutral(str(view['state']))}; it was left as it is",
        )
    return dict(passed_on, **result)


def predicted_result(
    predictions: list[tuple[str | None, bool, list[Prediction]]], several: bool
) -> dict[str, Any]:
    """Return the result of a task in check mode.

    predictions: for each job its name, whether it is a chain, and what its modules predict.
    """
    jobs = [_prediction(name, chained, results) for name, chained, results in predictions]
    if not several:
        return jobs[0]
    failed = [job for job in jobs if job.get("failed")]
    result: dict[str, Any] = {
        "changed": any(bool(job.get("changed")) for job in jobs),
        "jobs": jobs,
    }
    if failed:
        result.update(failed=True, msg=failed[0].get("msg", "a module failed"))
    return result


def _prediction(name: str | None, chained: bool, results: list[Prediction]) -> dict[str, Any]:
    """Return the predicted result of one job: its module's, or for a chain ``{changed, steps}``."""
    if not chained:
        return dict(results[0][3])
    steps = [
        {"name": step, "block": block, "module": module, "result": result}
        for step, block, module, result in results
    ]
    failed = [result for _step, _block, _module, result in results if result.get("failed")]
    prediction: dict[str, Any] = {
        "changed": any(bool(result.get("changed")) for _s, _b, _m, result in results),
        "steps": steps,
    }
    if failed:
        message = failed[0].get("msg", f"a module of {name or 'the job'} failed")
        prediction.update(failed=True, msg=message)
    return prediction
