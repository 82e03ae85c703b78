# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""Answer async_status: check the options, return a job's status or remove the job."""

import os
from typing import Any, Dict, Mapping

from ..inspection.look import Job, look_until_end
from ..inspection.view import Excerpt, check_tail_lines, output_view
from ..model.errors import JobError
from ..model.output import parse_cursor
from ..model.record import Status
from ..model.states import END_STATES
from ..system.find import written_async_dir
from ..system.kernel import System

# an argument spec, as AnsibleModule and an action's validate_argument_spec accept it
STATUS_OPTIONS: Dict[str, Dict[str, Any]] = {
    "jid": {"type": "str"},
    "results_file": {"type": "str"},
    "async_dir": {"type": "str"},
    "mode": {"type": "str", "choices": ["cleanup", "status"], "default": "status"},
    "wait": {"type": "float", "default": 0},
    "tail_lines": {"type": "int", "default": 10},
    "cursor": {"type": "str"},
    "cleanup": {"type": "bool", "default": False},
    "force": {"type": "bool", "default": False},
}


def _excerpt(params: Mapping[str, Any]) -> Excerpt:
    """Return how much output the caller wants. Raise JobError if tail_lines or cursor is not valid."""
    check_tail_lines(params["tail_lines"])
    if params["cursor"] is None:
        return Excerpt(params["tail_lines"], None)
    try:
        return Excerpt(params["tail_lines"], parse_cursor(params["cursor"]))
    except ValueError as error:
        raise JobError(f"cursor: {error}") from None


def answer_status(
    system: System, params: Mapping[str, Any], environ: Mapping[str, str], check_mode: bool
) -> Dict[str, Any]:
    """Return a job's status, or the result of its clean-up. params: the options in STATUS_OPTIONS.

    Raise JobError if an option is not valid, before anything is done; JobNotFound if there is no such job.
    """
    excerpt = _excerpt(params)
    if not 0 <= params["wait"] < 1e7:
        raise JobError(f"wait: {params['wait']:g} is not a valid number of seconds")
    with Job.open_referenced(system, params, written_async_dir(params), environ) as job:
        if params["mode"] == "cleanup":
            return _clean_up(job, params["force"], check_mode)
        return _status(job, params, excerpt, check_mode)


def status_refusal(_error: JobError, params: Mapping[str, Any]) -> Dict[str, Any]:
    """Return what a failed result says of the job: it is finished, as in core's, so that loops end."""
    jid = params["jid"] or os.path.basename(params["results_file"])
    return {"ansible_job_id": jid, "started": True, "finished": True}


def _status(job: Job, params: Mapping[str, Any], excerpt: Excerpt, check_mode: bool) -> Status:
    """Return the job's status, after waiting for its end for ``wait`` seconds at most. Remove it if that is wanted."""
    status = look_until_end(job, excerpt, params["wait"])
    if params.get("_since"):
        # for our action, which shows new lines as they come: output besides the excerpt that the task wants
        ended = status["async_job"]["state"] in END_STATES
        status["_since"] = output_view(
            job.job_dir, Excerpt(0, parse_cursor(params["_since"])), ended
        )
    if params["cleanup"] and status["async_job"]["state"] in END_STATES:
        status["erased"] = job.async_dir.join(job.jid)
        if not check_mode:
            job.remove()
    return status


def _clean_up(job: Job, force: bool, check_mode: bool) -> Dict[str, Any]:
    """Remove the job. Return core's result of a clean-up. Raise JobError if it has not ended and *force* is false."""
    state = None if force else job.look(Excerpt(0, None))["async_job"]["state"]
    if state is not None and state not in END_STATES:
        raise JobError(
            f"job {job.jid} is {state} and was not removed: wait for its end, or set force to lose its result"
        )
    if not check_mode:
        job.remove()
    return {"changed": False, "ansible_job_id": job.jid, "erased": job.async_dir.join(job.jid)}
