# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A batch, which is the same jobs on many hosts, wave after wave: its waves, its names, its outcome. No I/O.

Private to the collection longrun.jobs: may change in any release.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.states import (
    END_STATES,
    STATE_CANCELLED,
    STATE_FAILED,
    STATE_SUCCEEDED,
)

HOST_UNREACHABLE = "unreachable"
HOST_NOT_STARTED = "not_started"
# the states of a host: three of a job's and two of its own
HOST_STATES = (
    STATE_SUCCEEDED,
    STATE_FAILED,
    HOST_UNREACHABLE,
    STATE_CANCELLED,
    HOST_NOT_STARTED,
)
_BAD = (STATE_FAILED, HOST_UNREACHABLE)
_OF_VIEW = ("id", "name", "module", "state", "reason", "started_at", "finished_at", "elapsed")


def _share(option: str, value: Any, fleet: int) -> int:
    """Return a number of hosts that is given as such or in percent of the fleet, rounded down. Raises ValueError."""
    found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]+)?) ?(%?)", str(value).strip())
    if found is None or isinstance(value, bool) or not (found[2] or found[1].isdigit()):
        raise ValueError(
            f"{option}: {value!r} is not a valid number of hosts; give a number, or a percentage of them"
        )
    return int(float(found[1]) * fleet / 100) if found[2] else int(found[1])


def cut_waves(hosts: Sequence[str], sizes: Any) -> list[list[str]]:
    """Return the hosts, in their order, as a list of waves.

    sizes: the hosts of a wave, as a number or in percent of all, or a list of these, whose last is repeated. Raises
    ValueError if a size is not valid.
    """
    several = list(sizes) if isinstance(sizes, (list, tuple)) else [sizes]
    if not several:
        raise ValueError("waves: an empty list makes no waves; give at least one size")
    waves: list[list[str]] = []
    begin = 0
    while begin < len(hosts):
        size = several[min(len(waves), len(several) - 1)]
        count = _share("waves", size, len(hosts))
        if not count and not str(size).strip().endswith("%"):
            raise ValueError(
                "waves: 0 hosts do not make a wave; give 1 or more, or a percentage of them"
            )
        end = begin + max(1, count)
        waves.append(list(hosts[begin:end]))
        begin = end
    return waves


def jobs_of_batch(
    jobs: Sequence[Mapping[str, Any]], batch_id: str, succeeded: Sequence[str]
) -> list[dict[str, Any]]:
    """Return the jobs with their names in this batch, so that none that succeeded in it or still runs is started again.

    succeeded: names of jobs of this batch that succeeded on the host. Without an id, the jobs are returned unchanged.
    """
    if not batch_id:
        return [dict(job) for job in jobs]
    named_jobs = []
    for number, job in enumerate(jobs, 1):
        name = f"{batch_id} {job.get('name') or number}"
        again = "attach" if name in succeeded else "restart_finished"
        named_jobs.append(dict(job, name=name, if_exists=again))
    return named_jobs


def _job(status: Mapping[str, Any]) -> dict[str, Any]:
    """Return a job's entry in the report."""
    view = status.get("async_job")
    if not isinstance(view, Mapping):
        # No job was started: this is what its module predicts in check mode, or why it could not be started.
        failed = bool(status.get("failed"))
        state = STATE_FAILED if failed else STATE_SUCCEEDED
        entry: dict[str, Any] = dict(dict.fromkeys(_OF_VIEW), state=state, attempts=0, usage=None)
    else:
        entry = {key: view.get(key) for key in _OF_VIEW}
        entry.update(attempts=view.get("attempt", 1), usage=view.get("usage"))
    entry["attached"] = bool(status.get("attached"))
    entry["msg"] = "" if entry["state"] == STATE_SUCCEEDED else str(status.get("msg") or "")
    return entry


def host_outcome(started: Mapping[str, Any], waited: Mapping[str, Any]) -> dict[str, Any]:
    """Return the outcome of the jobs of one host: ``{state, msg, jobs}``.

    started, waited: the registered results of async_run, without waiting, and of async_wait. The latter has no jobs if
    the task was skipped.
    """
    starts = {str(start.get("ansible_job_id")): start for start in started.get("jobs", [])}
    jobs = []
    for status in waited.get("jobs") or started.get("jobs") or []:
        start = starts.get(str(status.get("ansible_job_id")), status)
        jobs.append(_job(dict(status, attached=start.get("attached"))))
    over_budget = bool(waited.get("budget_exceeded"))
    for source in (started, waited):
        if source.get("unreachable"):
            return {"state": HOST_UNREACHABLE, "msg": str(source.get("msg") or ""), "jobs": jobs}
    if not jobs:
        return {"state": STATE_FAILED, "msg": str(started.get("msg") or "no job"), "jobs": []}
    good = (STATE_SUCCEEDED, STATE_CANCELLED) if over_budget else (STATE_SUCCEEDED,)
    bad = [job for job in jobs if job["state"] not in good]
    if not bad:
        state = (
            STATE_CANCELLED if any(j["state"] == STATE_CANCELLED for j in jobs) else STATE_SUCCEEDED
        )
        return {"state": state, "msg": "", "jobs": jobs}
    failures = ", ".join(
        f"{job['name'] or job['module'] or 'a job'} "
        + (job["state"] if job["state"] in END_STATES else f"is still {job['state']}")
        for job in bad
    )
    return {"state": STATE_FAILED, "msg": failures, "jobs": jobs}


def report_of_batch(
    outcomes: Mapping[str, Mapping[str, Any]],
    waves: Sequence[Sequence[str]],
    error_budget: Any,
    lost: Sequence[str],
    batch_id: str,
) -> dict[str, Any]:
    """Return the report of a batch.

    outcomes: ``host_outcome`` of each host, missing or empty if nothing was started on it. error_budget: how many hosts
    may fail, as a number or in percent. lost: hosts that had left the play before the batch began. Raises ValueError if
    the error budget is not valid.
    """
    fleet = sum(map(len, waves)) + len(lost)
    tolerated = _share("error_budget", error_budget, fleet)
    hosts: dict[str, dict[str, Any]] = {}
    wave_entries: list[dict[str, Any]] = []
    for number, names in enumerate(waves, 1):
        for name in names:
            nothing = {"state": HOST_NOT_STARTED, "msg": "", "jobs": []}
            hosts[name] = dict(outcomes.get(name) or nothing, wave=number)
        ran = any(hosts[name]["state"] != HOST_NOT_STARTED for name in names)
        wave_entries.append({"number": number, "hosts": list(names), "ran": ran})
    for name in lost:
        msg = "it left the play before the batch began"
        hosts[name] = {"state": HOST_UNREACHABLE, "msg": msg, "jobs": [], "wave": None}
    by_state = {
        state: [name for name, host in hosts.items() if host["state"] == state]
        for state in HOST_STATES
    }
    failed = [name for name, host in hosts.items() if host["state"] in _BAD]
    jobs: dict[str, int] = {}
    for host in hosts.values():
        for job in host["jobs"]:
            jobs[job["state"]] = jobs.get(job["state"], 0) + 1
    waves_run = sum(wave["ran"] for wave in wave_entries)
    exceeded = len(failed) > tolerated
    summary = {state: len(names) for state, names in by_state.items()}
    return {
        "id": batch_id or None,
        "hosts": hosts,
        "waves": wave_entries,
        "waves_run": waves_run,
        "failed_hosts": failed,
        "not_started": by_state[HOST_NOT_STARTED],
        "tolerated": tolerated,
        "exceeded": exceeded,
        "summary": dict(summary, hosts=fleet, jobs=jobs),
        "msg": _summed_up(by_state, fleet, waves_run, len(waves), tolerated if exceeded else None),
    }


def _summed_up(
    by_state: Mapping[str, Sequence[str]], fleet: int, run: int, waves: int, exceeded: int | None
) -> str:
    """Return the line below the table. exceeded: the error budget, in hosts, if it was exceeded."""
    facts = [
        f"{len(by_state[STATE_SUCCEEDED])} of {fleet} hosts succeeded in {run} of {waves} waves"
    ]
    for state in HOST_STATES[1:]:
        if by_state[state]:
            facts.append(f"{state.replace('_', ' ')}: {', '.join(by_state[state])}")
    if exceeded is not None:
        facts.append(f"more hosts failed than the error budget of {exceeded} allows")
    return "; ".join(facts)
