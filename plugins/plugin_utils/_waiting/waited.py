# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of async_wait, and the results of tasks that waited for jobs.

Private to the collection longrun.jobs: may change in any release.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.states import STATE_SUCCEEDED
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.requests.wait import WAIT_FOR
from ansible_collections.longrun.jobs.plugins.plugin_utils._sight.neutral import neutral

WAIT_TASK_OPTIONS: dict[str, dict[str, Any]] = {
    "jobs": {"type": "raw", "required": True},
    "for": {"type": "str", "choices": list(WAIT_FOR), "default": "all"},
    "timeout": {"type": "float", "default": 3600},
    "reconnect": {"type": "float"},
    "error_budget": {
        "type": "dict",
        "options": {
            "name": {"type": "str", "required": True},
            "hosts": {"type": "int", "default": 0},
            "on_exceeded": {"type": "str", "choices": ["leave", "cancel"], "default": "leave"},
        },
    },
    "on_timeout": {"type": "str", "choices": ["leave", "cancel"], "default": "leave"},
    "interval": {"type": "float", "default": 5},
    "stream": {"type": "bool", "default": False},
    "tail_lines": {"type": "int", "default": 10},
    "async_dir": {"type": "str"},
}


def _label(status: dict[str, Any]) -> str:
    """Return what a message calls a job: its name, else its id, neutral for a terminal."""
    view = status["async_job"]
    return neutral(str(view["name"] or view["id"]))


def with_lines(status: dict[str, Any]) -> dict[str, Any]:
    """Add ``stdout_lines`` and ``stderr_lines`` to a status and return it.

    core adds them to the result of a task, but not to the results in a list.
    """
    for stream in ("stdout", "stderr"):
        text = status.get(stream)
        if isinstance(text, str):
            status.setdefault(f"{stream}_lines", text.splitlines())
    return status


def unfinished(statuses: list[dict[str, Any]]) -> list[str]:
    """Return the job files of the jobs that have not ended."""
    return [str(status["results_file"]) for status in statuses if not status["finished"]]


def waited_result(
    statuses: list[dict[str, Any]], done: bool, timeout: float | None
) -> dict[str, Any]:
    """Return the result of a wait, with all statuses in their order. It has failed if a job has, or if it is not done.

    done: whether the condition of ``for`` holds. timeout: seconds, for the message, None if the wait had no limit.
    """
    failed = [
        _label(status)
        for status in statuses
        if status["finished"] and status["async_job"]["state"] != STATE_SUCCEEDED
    ]
    pending = [_label(status) for status in statuses if not status["finished"]]
    result: dict[str, Any] = {
        "changed": False,
        "failed": bool(failed) or not done,
        "timed_out": not done,
        "jobs": statuses,
        "failed_jobs": failed,
        "pending_jobs": pending,
    }
    if not done:
        within = "in time" if timeout is None else f"within {timeout:g} s"
        result["msg"] = (
            f"{len(pending)} of {len(statuses)} jobs have not ended {within}: {', '.join(pending)}"
        )
    elif failed:
        result["msg"] = (
            f"{len(failed)} of {len(statuses)} jobs did not succeed: {', '.join(failed)}"
        )
    return result


def over_budget_result(result: dict[str, Any]) -> dict[str, Any]:
    """Return *result* changed to that of a wait that stopped because too many hosts had failed."""
    pending = result["pending_jobs"]
    msg = (
        f"too many hosts have failed; {len(pending)} of {len(result['jobs'])} jobs have not ended: "
        f"{', '.join(pending)}"
    )
    return dict(result, timed_out=False, budget_exceeded=True, msg=msg)


def cancelled_result(
    result: dict[str, Any], statuses: list[dict[str, Any]], answer: dict[str, Any]
) -> dict[str, Any]:
    """Return *result* changed to that of a wait that cancelled the jobs that had not ended.

    statuses: of all jobs, after that. answer: that of async_cancel.
    """
    if answer.get("failed"):
        return dict(result, msg=f"{result['msg']}; they were not cancelled: {answer.get('msg')}")
    cancelled = answer.get("cancelled", [])
    return dict(
        result,
        changed=bool(cancelled),
        jobs=statuses,
        msg=f"{result['msg']}; cancelled {len(cancelled)} of them",
    )
