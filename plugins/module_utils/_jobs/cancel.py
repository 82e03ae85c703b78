# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""The end of a job on request: by its supervisor; by us, if that is gone; core's jobs as far as is safe."""

import json
import signal
import time
from typing import Any, Dict, List, Mapping, Optional

from .core_job import core_wrappers
from .ending import encode
from .errors import JobError
from .find import candidate_dirs, find_job, job_of_results_file
from .jid import check_jid
from .listing import FILTER_OPTIONS, Filter, given_async_dir, list_jobs
from .look import Job, look_until_end
from .result import ended_result
from .settings import DEFAULT_GRACE, parse_duration
from .states import END_STATES, REASON_REQUEST, STATE_CANCELLED
from .store import REQUEST_FILE
from .tree import Process, descendants, end_tree, signal_tree
from .view import DEFAULT_SHOWN

_END_SECONDS = 20.0  # beyond its grace, for a supervisor to write down the end
CANCEL_OPTIONS = dict(
    FILTER_OPTIONS,
    async_dir={"type": "str"},
    jids={"type": "list", "elements": "str"},
    results_files={"type": "list", "elements": "str"},
    signal={"type": "str"},
    grace={"type": "str"},
)  # type: Dict[str, Dict[str, Any]]


def signal_number(name: str) -> int:
    """HUP, SIGHUP or 1. JobError names what is none of these."""
    text = name.upper()
    try:
        if text.isdigit():
            return int(signal.Signals(int(text)))
        return int(signal.Signals[text if text.startswith("SIG") else f"SIG{text}"])
    except (KeyError, ValueError):
        raise JobError(f"signal: {name!r} is no signal; give a name such as HUP or USR1") from None


def cancel_job(job: Job, grace: Optional[float]) -> Dict[str, Any]:
    """End a job and answer its status. One that has ended stays as it is."""
    public = job.look(DEFAULT_SHOWN)
    if public["async_job"]["state"] in END_STATES:
        return public
    record = job.record()
    if record is None:
        _cancel_core_job(job, DEFAULT_GRACE if grace is None else grace)
        return job.look(DEFAULT_SHOWN)
    seconds = float(record["grace"] if grace is None else grace)
    if not public["async_job"]["supervised"]:
        return job.end_unsupervised(STATE_CANCELLED, REASON_REQUEST, seconds)
    if grace is not None and job.job_dir is not None:
        job.job_dir.write_file(REQUEST_FILE, encode({"grace": grace}))
    supervisor = record["supervisor"]
    job.system.kill(supervisor["pid"], supervisor["start"], signal.SIGTERM)
    public = look_until_end(job, DEFAULT_SHOWN, seconds + _END_SECONDS)
    if not public["finished"]:
        raise JobError(f"job {job.jid} was asked to end and has not ended within {seconds + _END_SECONDS:g} s")
    return public


def _cancel_core_job(job: Job, grace: float) -> None:
    """core's wrappers hold no record of their tree: what is below them now is ended, and the job file written."""
    system = job.system
    wrappers = core_wrappers(system, job.jid)
    for pid, start in wrappers:
        end_tree(system, job.jid, 0, Process(pid, start), grace, time.sleep)
    result = ended_result("the job was cancelled", "", "")
    job.async_dir.write_file(job.jid, json.dumps(dict(result, ansible_job_id=job.jid, finished=True)).encode("ascii"))


def send_signal(job: Job, number: int) -> int:
    """Send a signal to what the job's module runs, the module itself left alone; to how many processes."""
    record = job.record()
    processes = job.system.processes()
    if record is None:
        roots = [pid for pid, _start in core_wrappers(job.system, job.jid)]
    else:
        roots = [record["process"]["pid"]]
        if processes.get(roots[0], (0, -1, ""))[1] != record["process"]["start"]:
            return 0
    tree = [Process(pid, processes[pid][1]) for pid in sorted(descendants(processes, roots))]
    signal_tree(job.system, tree, number)
    return len(tree)


def _meant(system: Any, params: Mapping[str, Any], environ: Mapping[str, str]) -> List[Job]:
    """The jobs that the options name: by jid, by results file, or by what they are."""
    given = params["_async_dir"]
    jobs = []
    for path in params["results_files"] or []:
        directory, jid = job_of_results_file(path)
        jobs.append(Job(system, find_job(system, jid, [directory], None), jid))
    for text in params["jids"] or []:
        jid = check_jid(text)
        home_part = given[2:] if given.startswith("~/") else None
        dirs = candidate_dirs(system, given, environ)
        jobs.append(Job(system, find_job(system, jid, dirs, home_part), jid))
    filters = [option for option in FILTER_OPTIONS if params.get(option)]
    if jobs and filters:
        raise JobError(f"{filters[0]}: give either jobs by jids or results_files, or what they are, not both")
    if not jobs and not filters and params["jids"] is None and params["results_files"] is None:
        raise JobError("no job is named: give jids, results_files, or at least one of " + ", ".join(FILTER_OPTIONS))
    if filters:
        _path, async_dir = given_async_dir(system, params, environ)
        if async_dir is not None:
            listed, _unreadable = list_jobs(system, async_dir, Filter(params), DEFAULT_SHOWN)
            jobs = [Job(system, async_dir, one.jid) for one in listed]
    return jobs


def answer_cancel(
    system: Any, params: Mapping[str, Any], environ: Mapping[str, str], check_mode: bool
) -> Dict[str, Any]:
    """Cancel jobs, or send them a signal."""
    number = None if params["signal"] is None else signal_number(params["signal"])
    try:
        grace = None if params["grace"] is None else parse_duration(params["grace"])
    except ValueError as error:
        raise JobError(f"grace: {error}") from None
    answer = {"changed": False, "jobs": [], "cancelled": [], "signalled": []}  # type: Dict[str, Any]
    for job in _meant(system, params, environ):
        before = job.look(DEFAULT_SHOWN)["async_job"]
        if before["state"] not in END_STATES:
            answer["changed"] = True
            answer["cancelled" if number is None else "signalled"].append(job.jid)
            if not check_mode and number is None:
                before = cancel_job(job, grace)["async_job"]
            elif not check_mode and number is not None:
                send_signal(job, number)
        answer["jobs"].append(before)
    return answer
