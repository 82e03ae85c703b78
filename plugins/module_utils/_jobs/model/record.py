# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""The record of a job: what its supervisor writes, and what everybody is shown of it."""

import json
import re
import time
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Mapping, Optional

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
MAX_RECORD_BYTES = 1 << 20
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


def parse_record(text: bytes, jid: str) -> Record:
    """Read the record of a job from the bytes on disk. Raise ValueError, saying what is wrong, if it is not one.

    Whoever owns the job directory can write anything there. So nothing is taken on trust: each key has the type and
    the range that ``new_record`` and those who change it give it, and the id is that of the job.
    """
    try:
        data = json.loads(text.decode("ascii"))
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None
    if not isinstance(data, dict) or data.get("version") != RECORD_VERSION:
        raise ValueError("it is not a record of this version of the collection")
    for key, valid in _VALID.items():
        if key not in data or not valid(data[key]):
            raise ValueError(f"its {key} is not valid")
    if data["id"] != jid:
        raise ValueError("it has the id of another job")
    record: Record = data  # type: ignore[assignment]  # each key was checked
    return record


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _MAX_TEXT


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _is_seconds(value: object) -> bool:
    """Return whether a value is a number of seconds: not negative, and finite."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and 0 <= value < _MAX_SECONDS  # type: ignore[operator]  # a number


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63


def _is_status(value: object) -> bool:
    """Return whether a value is an exit status, negative for a signal."""
    return isinstance(value, int) and not isinstance(value, bool) and -1000 < value < 1000


def _is_moment(value: object) -> bool:
    """Return whether a value is a time as ``timestamp`` writes it."""
    pattern = r"[0-9]{4,5}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z\Z"
    return isinstance(value, str) and re.match(pattern, value) is not None


def _is_path(value: object) -> bool:
    return isinstance(value, str) and value.startswith("/") and len(value) <= 4096


def _is_usage(value: object) -> bool:
    return _has(value, {"cpu_seconds": _is_seconds, "max_rss_bytes": _is_count})


def _is_process(value: object) -> bool:
    return _has(value, {"pid": _is_count, "start": _is_count}) and value["pid"] > 0  # type: ignore[index]  # a dict


def _is_scope(value: object) -> bool:
    return _has(value, {"unit": _is_text, "cgroup": _is_path})


def _is_step(value: object) -> bool:
    keys = {"name": _optional(_is_text), "block": _is_text, "module": _optional(_is_text)}
    return _has(value, dict(keys, state=_is_text, reason=_is_text))


def _is_running_step(value: object) -> bool:
    keys = {"name": _optional(_is_text), "block": _is_text, "module": _optional(_is_text)}
    return _has(value, dict(keys, number=_is_count))


def _has(value: object, keys: "Mapping[str, Callable[[object], bool]]") -> bool:
    """Return whether a value is a dict with these keys, each of which is valid."""
    return isinstance(value, dict) and all(
        key in value and valid(value[key]) for key, valid in keys.items()
    )


def _optional(valid: "Callable[[object], bool]") -> "Callable[[object], bool]":
    return lambda value: value is None or valid(value)


def _list_of(valid: "Callable[[object], bool]") -> "Callable[[object], bool]":
    return lambda value: (
        isinstance(value, list) and len(value) <= _MAX_ITEMS and all(map(valid, value))
    )


_MAX_TEXT = 65536
_MAX_SECONDS = 1e15
_MAX_ITEMS = 100000
_VALID: "Dict[str, Callable[[object], bool]]" = {
    "id": _is_text,
    "name": _optional(_is_text),
    "state": lambda value: value in (STATE_QUEUED, STATE_RUNNING) + END_STATES,
    "reason": _optional(_is_text),
    "module": _optional(_is_text),
    "created_at": _optional(_is_moment),
    "started_at": _optional(_is_moment),
    "finished_at": _optional(_is_moment),
    "elapsed": _optional(_is_seconds),
    "timeout": _is_seconds,
    "grace": _is_seconds,
    "idle_timeout": _optional(_is_seconds),
    "retention": _optional(_is_seconds),
    "output_limit": _is_count,
    "progress_regex": _optional(_is_text),
    "no_log": _is_flag,
    "conceals": _is_flag,
    "results_file": _is_path,
    "attempt": _is_count,
    "attempts": _is_count,
    "retry_delay": _is_seconds,
    "retry_backoff": _is_seconds,
    "queue": _optional(_is_text),
    "steps": _optional(_list_of(_is_step)),
    "step": _optional(_is_running_step),
    "scope": _optional(_is_scope),
    "fingerprint": _optional(_is_text),
    "recovered": _is_flag,
    "boot_id": _optional(_is_text),
    "began": _optional(_is_seconds),
    "began_wall": _optional(_is_seconds),
    "ended_wall": _optional(_is_seconds),
    "supervisor": _optional(_is_process),
    "process": _optional(_is_process),
    "remove": _list_of(_is_path),
    "usage": _optional(_is_usage),
    "exit_status": _optional(_is_status),
    "refusal": _optional(_is_text),
}


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
