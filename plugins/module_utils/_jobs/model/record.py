# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""The record of a job: what its supervisor writes, and what everybody is shown of it."""

import json
import time
from typing import Any, Dict, Optional

from .settings import Settings
from .states import END_STATES, STATE_QUEUED, STATE_RUNNING, advance

RECORD_VERSION = 1
_ALWAYS_SECONDS = 60.0


def timestamp(seconds: float) -> str:
    """Seconds since the epoch as ``2026-11-23T02:56:19.103Z``."""
    whole = int(seconds)
    return (
        time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))
        + f".{int((seconds - whole) * 1000):03d}Z"
    )


def encode(data: Dict[str, Any]) -> bytes:
    """As the record, and what lies beside it, are on disk."""
    return json.dumps(data).encode("ascii")


def new_record(
    jid: str,
    module: Optional[str],
    timeout: float,
    settings: Settings,
    results_file: str,
    no_log: bool,
) -> Dict[str, Any]:
    return {
        "version": RECORD_VERSION,
        "id": jid,
        "name": settings.name,
        "state": STATE_RUNNING,
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
        "conceals": False,  # whether its result is kept without arguments and output
        "results_file": results_file,
        "attempt": 1,
        "attempts": 1,
        "retry_delay": 0.0,
        "retry_backoff": 1.0,
        "queue": None,
        "steps": None,  # of a chain: [{name, block, module, state, reason}]
        "step": None,  # the one that runs: {name, block, module, number}
        "scope": None,  # {unit, cgroup}
        "fingerprint": None,  # of what was asked for; tells whether a job of the same name does the same
        "recovered": False,
        "boot_id": None,
        "began": None,  # monotonic seconds; means something only within the same boot
        "began_wall": None,
        "ended_wall": None,
        "supervisor": None,  # {pid, start}; None until there is one
        "process": None,  # {pid, start} of the module
        "remove": [],  # temporary directories that go when the job ends
        "usage": None,
        "exit_status": None,
        "refusal": None,  # what it met with that could not go on
    }


def enqueue(record: Dict[str, Any], boot_id: Optional[str], wall: float) -> None:
    """It is there, and waits for its turn."""
    record.update(state=STATE_QUEUED, boot_id=boot_id, created_at=timestamp(wall))


def begin(record: Dict[str, Any], boot_id: Optional[str], wall: float, monotonic: float) -> None:
    if record["state"] == STATE_QUEUED:
        record["state"] = advance(STATE_QUEUED, STATE_RUNNING)
    record.update(boot_id=boot_id, began=monotonic, began_wall=wall)
    record["started_at"] = timestamp(wall)
    record["created_at"] = record["created_at"] or record["started_at"]


def end(record: Dict[str, Any], state: str, reason: str, wall: float, elapsed: float) -> None:
    """The one place where a record's state changes."""
    record["state"] = advance(record["state"], state)
    record.update(
        reason=reason, ended_wall=wall, finished_at=timestamp(wall), elapsed=round(elapsed, 3)
    )


def elapsed_seconds(
    record: Dict[str, Any], boot_id: Optional[str], wall: float, monotonic: float
) -> Optional[float]:
    """How long the job has run, or ran; by the monotonic clock as long as that is the same clock."""
    if record.get("elapsed") is not None:
        return float(record["elapsed"])
    if record.get("began") is None:
        return None
    if record["boot_id"] == boot_id:
        return max(0.0, monotonic - float(record["began"]))
    return max(0.0, wall - float(record["began_wall"]))


def always_seconds(record: Dict[str, Any]) -> float:
    """How long a chain that must end has for the steps that are always run; 0 for a job that is no chain."""
    return 0.0 if record["steps"] is None else max(_ALWAYS_SECONDS, float(record["grace"]))


def expired(record: Dict[str, Any], wall: float) -> bool:
    """Whether an ended job has been kept for as long as its retention says."""
    ended = record.get("ended_wall")
    return (
        record.get("state") in END_STATES
        and ended is not None
        and record.get("retention") is not None
        and wall - ended > record["retention"]
    )


def abandoned(record: Dict[str, Any], wall: float) -> bool:
    """Whether a job whose end nobody wrote down must have ended longer ago than its retention says."""
    if record.get("state") in END_STATES or record.get("retention") is None:
        return False
    if not record.get("timeout") or record.get("began_wall") is None:
        return False
    return bool(wall - record["began_wall"] - record["timeout"] > record["retention"])


def job_view(
    record: Dict[str, Any],
    elapsed: Optional[float],
    supervised: bool,
    progress: Optional[Dict[str, Any]],
    output: Dict[str, Any],
    usage: Optional[Dict[str, Any]],
) -> Dict[str, Any]:
    """``async_job``: the same keys in every module and every state."""
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


def job_file(record: Dict[str, Any], result: Dict[str, Any]) -> Dict[str, Any]:
    """What the public job file holds: a result that every core's async_status can read.

    core's contract owns four keys; the module's others stand as they are.
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
    """Whether Ansible would call this result failed."""
    if "failed" in result:
        return bool(result["failed"])
    return result.get("rc", 0) not in (0, "0", None)
