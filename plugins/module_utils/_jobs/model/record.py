# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""The record of a job: what its supervisor writes, and what everybody is shown of it."""

import json
import time
from typing import TYPE_CHECKING, Any, Dict, List, Optional

from .settings import Settings
from .states import END_STATES, STATE_QUEUED, STATE_RUNNING, advance

if TYPE_CHECKING:
    from typing import TypedDict  # novm  # read by mypy alone

    class ProcessId(TypedDict):
        """A process for good: its pid, and its start time in clock ticks since boot."""

        pid: int
        start: int

    class Step(TypedDict):
        """A step of a chain: what it is, and how it ended."""

        name: Optional[str]
        block: str
        module: Optional[str]
        state: str
        reason: str

    class RunningStep(TypedDict):
        """The step that runs. number: how many steps of this attempt have ended before it."""

        name: Optional[str]
        block: str
        module: Optional[str]
        number: int

    class Scope(TypedDict):
        """A systemd scope: its unit, and the path of its cgroup."""

        unit: str
        cgroup: str

    class Usage(TypedDict):
        """What a job has used of the machine."""

        cpu_seconds: float
        max_rss_bytes: int

    class Record(TypedDict):
        """Everything that is written down about a job of ours.

        Durations are in seconds. began: monotonic seconds, which mean something only within the boot of
        ``boot_id``; began_wall, ended_wall: seconds since the epoch. created_at, started_at, finished_at: see
        ``timestamp``.
        """

        version: int
        id: str
        name: Optional[str]
        state: str
        reason: Optional[str]
        module: Optional[str]
        created_at: Optional[str]
        started_at: Optional[str]
        finished_at: Optional[str]
        elapsed: Optional[float]
        timeout: Optional[float]  # 0 is none; None where core does not tell it
        grace: float
        idle_timeout: Optional[float]
        retention: Optional[float]  # None keeps the job for ever
        output_limit: int  # bytes kept of each stream
        progress_regex: Optional[str]
        no_log: bool
        conceals: bool  # whether its result is kept without arguments and output
        results_file: str
        attempt: int
        attempts: int
        retry_delay: float
        retry_backoff: float  # by which the delay is multiplied after each attempt
        queue: Optional[str]
        steps: Optional[
            List[Step]
        ]  # the steps of a chain that have ended; None for a single module
        step: Optional[RunningStep]
        scope: Optional[Scope]
        fingerprint: Optional[str]  # tells whether a job of the same name does the same
        recovered: bool
        boot_id: Optional[str]
        began: Optional[float]
        began_wall: Optional[float]
        ended_wall: Optional[float]
        supervisor: Optional[ProcessId]
        process: Optional[ProcessId]  # of the module
        remove: List[str]  # temporary directories that are removed when the job ends
        usage: Optional[Usage]
        exit_status: Optional[int]  # negative for a signal, as in subprocess
        refusal: Optional[str]  # why it could not go on

else:  # on the target a record is a plain dict
    ProcessId = Step = RunningStep = Scope = Usage = Record = dict

# what a status holds: the module's result, core's keys, async_job
Status = Dict[str, Any]
# async_job: the same keys in every module and every state
View = Dict[str, Any]

RECORD_VERSION = 1
_ALWAYS_SECONDS = 60.0


def timestamp(seconds: float) -> str:
    """Return seconds since the epoch as ``2026-11-23T02:56:19.103Z``."""
    whole = int(seconds)
    return (
        time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))
        + f".{int((seconds - whole) * 1000):03d}Z"
    )


def encode(data: Any) -> bytes:
    """Return the bytes of a record, or of a file beside it, as they are on disk: JSON in ASCII."""
    return json.dumps(data).encode("ascii")


def new_record(
    jid: str,
    module: Optional[str],
    timeout: float,
    settings: Settings,
    results_file: str,
    no_log: bool,
) -> Record:
    """Return the record of a job that has not begun.

    module: its full name, None where nobody knows it. timeout: seconds, 0 for none.
    """
    return {
        "version": RECORD_VERSION,
        "id": jid,
        "name": settings.name,
        "state": STATE_QUEUED,
        "reason": None,
        "module": module,
        "created_at": None,
        "started_at": None,
        "finished_at": None,
        "elapsed": None,
        "timeout": int(timeout) if timeout == int(timeout) else timeout,
        "grace": settings.grace,
        "idle_timeout": settings.idle_timeout,
        "retention": settings.retention,
        "output_limit": 0 if no_log else settings.output_limit,
        "progress_regex": settings.progress_regex,
        "no_log": no_log,
        "conceals": False,
        "results_file": results_file,
        "attempt": 1,
        "attempts": 1,
        "retry_delay": 0.0,
        "retry_backoff": 1.0,
        "queue": None,
        "steps": None,
        "step": None,
        "scope": None,
        "fingerprint": None,
        "recovered": False,
        "boot_id": None,
        "began": None,
        "began_wall": None,
        "ended_wall": None,
        "supervisor": None,
        "process": None,
        "remove": [],
        "usage": None,
        "exit_status": None,
        "refusal": None,
    }


def enqueue(record: Record, boot_id: Optional[str], wall: float) -> None:
    """Note when a job that waits for its turn was created."""
    record["boot_id"] = boot_id
    record["created_at"] = timestamp(wall)


def begin(record: Record, boot_id: Optional[str], wall: float, monotonic: float) -> None:
    """Change a job to running, and note when it began."""
    record["state"] = advance(record["state"], STATE_RUNNING)
    record["boot_id"] = boot_id
    record["began"] = monotonic
    record["began_wall"] = wall
    record["started_at"] = timestamp(wall)
    record["created_at"] = record["created_at"] or record["started_at"]


def end(record: Record, state: str, reason: str, wall: float, elapsed: float) -> None:
    """Change a job to one of the end states, and note when and why it ended."""
    record["state"] = advance(record["state"], state)
    record["reason"] = reason
    record["ended_wall"] = wall
    record["finished_at"] = timestamp(wall)
    record["elapsed"] = round(elapsed, 3)


def elapsed_seconds(
    record: Record, boot_id: Optional[str], wall: float, monotonic: float
) -> Optional[float]:
    """Return how many seconds the job has run, or ran; None if it has not begun.

    By the monotonic clock within the boot in which it began, else by the wall clock.
    """
    if record.get("elapsed") is not None:
        return float(record["elapsed"] or 0.0)
    if record["began"] is None or record["began_wall"] is None:
        return None
    if record["boot_id"] == boot_id:
        return max(0.0, monotonic - record["began"])
    return max(0.0, wall - record["began_wall"])


def always_seconds(record: Record) -> float:
    """Return how many seconds a chain that must end has for its ``always`` steps; 0 for a single module."""
    return 0.0 if record["steps"] is None else max(_ALWAYS_SECONDS, float(record["grace"]))


def expired(record: Record, wall: float) -> bool:
    """Return whether an ended job has been kept for longer than its retention."""
    ended, retention = record.get("ended_wall"), record.get("retention")
    return (
        record.get("state") in END_STATES
        and ended is not None
        and retention is not None
        and wall - ended > retention
    )


def abandoned(record: Record, wall: float) -> bool:
    """Return whether a job whose end nobody wrote must have ended longer ago than its retention."""
    retention, timeout = record.get("retention"), record.get("timeout")
    began = record.get("began_wall")
    if record.get("state") in END_STATES or retention is None or not timeout or began is None:
        return False
    return wall - began - timeout > retention


def job_view(
    record: Record,
    elapsed: Optional[float],
    supervised: bool,
    progress: Optional[Dict[str, Any]],
    output: Dict[str, Any],
    usage: Optional[Usage],
) -> View:
    """Return ``async_job``: the same keys in every module and every state."""
    running = record["state"] not in END_STATES
    timeout = record["timeout"]
    remaining = None
    if running and timeout and elapsed is not None:
        remaining = round(max(0.0, timeout - elapsed), 1)
    return {
        "id": record["id"],
        "name": record["name"],
        "state": record["state"],
        "reason": record["reason"],
        "module": record["module"],
        "created_at": record["created_at"],
        "started_at": record["started_at"],
        "finished_at": record["finished_at"],
        "elapsed": None if elapsed is None else round(elapsed, 1),
        "timeout": timeout,
        "remaining": remaining,
        "supervised": supervised,
        "recovered": record["recovered"],
        "attempt": record["attempt"],
        "attempts": record["attempts"],
        "queue": record["queue"],
        "steps": record["steps"],
        "progress": progress,
        "output": output,
        "usage": usage,
    }


def job_file(record: Record, result: Dict[str, Any]) -> Status:
    """Return what the public job file holds: a result that the async_status of every core can read.

    core's contract owns four keys; all others are the module's.
    """
    running = record["state"] not in END_STATES
    contract = {
        "started": True,
        "finished": not running,
        "ansible_job_id": record["id"],
        "results_file": record["results_file"],
    }
    return dict(result, **contract)


def failed_state(result: Dict[str, Any]) -> bool:
    """Return whether Ansible takes this result for a failure."""
    if "failed" in result:
        return bool(result["failed"])
    return result.get("rc", 0) not in (0, "0", None)
