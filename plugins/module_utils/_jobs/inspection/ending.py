# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""Decide how a job has ended, and write it down. Used by its supervisor, or by a process that finds it gone."""

import json
import os
import stat
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ..model.core_formats import is_task_dir, payload_zip
from ..model.errors import NO_SPACE_ERRORS, JobError
from ..model.record import Record, Status, elapsed_seconds, encode, end, failed_state, job_file
from ..model.result import concealed, ended_result, module_result, parse_result
from ..model.states import (
    REASON_DEADLINE,
    REASON_EXIT,
    REASON_IDLE,
    REASON_MODULE_KILLED,
    REASON_NO_SPACE,
    REASON_NOT_STARTED,
    REASON_REBOOTED,
    REASON_REQUEST,
    REASON_SUPERVISOR_KILLED,
    STATE_FAILED,
    STATE_LOST,
    STATE_SUCCEEDED,
)
from ..system.kernel import System
from ..system.store import (
    ARGUMENTS_FILE,
    EXIT_FILE,
    MODULE_LOCK_FILE,
    MODULE_STDERR_FILE,
    NO_SPACE_FILE,
    PAYLOAD_DIRS_FILE,
    PAYLOAD_FILE,
    RECORD_FILE,
    REQUEST_FILE,
    RESERVE_FILE,
    RESULT_FILE,
    STEPS_FILE,
    Directory,
    write_all,
)
from .view import partial_output, remember_duration, show

# the files of one run of a module
_MAX_NOTED_BYTES = 65536  # of the paths of temporary directories
_RUN_FILES = (
    RESULT_FILE,
    MODULE_STDERR_FILE,
    EXIT_FILE,
    NO_SPACE_FILE,
    PAYLOAD_FILE,
    ARGUMENTS_FILE,
)
# the files that are removed when the job has ended
_WORKING_FILES = (
    *_RUN_FILES,
    STEPS_FILE,
    PAYLOAD_DIRS_FILE,
    RESERVE_FILE,
    REQUEST_FILE,
    MODULE_LOCK_FILE,
)


def exit_status(job_dir: Directory) -> Optional[int]:
    """Return the exit status that the module's process wrote; None if it was ended before it could write it."""
    text = job_dir.read_file(EXIT_FILE, limit=16)
    return int(text) if text else None


def _refused_by_full_disk(job_dir: Directory) -> bool:
    """Return whether a full disk refused the module's result."""
    return NO_SPACE_FILE in job_dir.names()


def whole_result(job_dir: Directory) -> bool:
    """Return whether the module ended by itself, so that what it printed is its whole result."""
    if exit_status(job_dir) is not None or _refused_by_full_disk(job_dir):
        return True
    try:
        parse_result((job_dir.read_file(RESULT_FILE) or b"").decode("utf-8", "replace"))
    except ValueError:
        return False
    return True


def result_of_module(
    job_dir: Directory, record: Record, module: Optional[str]
) -> Tuple[str, str, Dict[str, Any]]:
    """Return state, reason and result of a module that was not ended by us. module: its full name."""
    status = exit_status(job_dir)
    if status is None:
        status = record["exit_status"]
    printed = job_dir.read_file(RESULT_FILE) or b""
    errors = job_dir.read_file(MODULE_STDERR_FILE) or b""
    result = module_result(printed, errors, status, module or "")
    killed = status is not None and status < 0 and "cmd" in result and result.get("rc") == status
    if killed:
        partial = ended_result(
            result["msg"], partial_output(job_dir, "stdout"), partial_output(job_dir, "stderr")
        )
        partial["rc"] = status
        if errors:
            partial["module_stderr"] = result["stderr"]
        return STATE_FAILED, REASON_MODULE_KILLED, partial
    if "cmd" in result and "data" in result and _refused_by_full_disk(job_dir):
        return STATE_FAILED, REASON_NO_SPACE, result_of_end(job_dir, record, REASON_NO_SPACE)
    return (STATE_FAILED if failed_state(result) else STATE_SUCCEEDED), REASON_EXIT, result


_MESSAGES = {
    # core's words (modules/async_wrapper.py), which playbooks look for
    REASON_DEADLINE: "Timeout exceeded",
    REASON_IDLE: "Timeout exceeded: the job printed nothing for {idle_timeout:g} seconds",
    REASON_REQUEST: "the job was cancelled",
    REASON_NO_SPACE: "the module came to its end, but its result could not be written: No space left on device",
    REASON_NOT_STARTED: "the job could not continue: {refusal}",
    REASON_REBOOTED: "the job is lost: the host was started again before it ended",
}
_NOT_KEPT = "a step came to its end, but its result could not be written"
_LOST = (
    "the job is lost: its supervisor and its module were both killed, and the module left no result"
)


def _message(record: Record, reason: str) -> str:
    return _MESSAGES.get(reason, _LOST).format(**record)


def result_of_end(job_dir: Directory, record: Record, reason: str) -> Dict[str, Any]:
    """Return the result of a job that did not end by itself."""
    process = record["process"]
    return ended_result(
        _message(record, reason),
        partial_output(job_dir, "stdout"),
        partial_output(job_dir, "stderr"),
        process["pid"] if process else None,
    )


def forget_run(job_dir: Directory) -> None:
    """Remove the files of the last run of a module, which have been read, before the job's next one."""
    for name in _RUN_FILES:
        job_dir.remove_file(name)


def add_step(
    job_dir: Directory,
    record: Record,
    step: Mapping[str, Any],
    forced: Optional[Tuple[Optional[str], str]] = None,
) -> str:
    """Append the result of the step that has ended to the steps file. Return the step's state.

    step: its name, block and module. forced: state and reason of a step that did not end by itself. Raise OSError if
    the result cannot be written.
    """
    if forced is None:
        state, reason, result = result_of_module(job_dir, record, step["module"])
    else:
        state, reason = str(forced[0]), forced[1]
        # without its output, which is part of the job's output
        result = {"failed": True, "msg": _message(record, reason)}
    ended = dict(step, attempt=record["attempt"], state=state, reason=reason, result=result)
    fd = job_dir.open_file(STEPS_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        # begins with a line feed, in case a full disk cut off the line before
        write_all(job_dir.system, fd, b"\n" + encode(ended) + b"\n")
        job_dir.system.fsync(fd)
    finally:
        job_dir.system.close(fd)
    return state


def steps_done(job_dir: Directory, attempt: int) -> List[Dict[str, Any]]:
    """Return the steps of an attempt that have ended, each with its result. A line that was cut off is left out."""
    steps = []
    for line in (job_dir.read_file(STEPS_FILE) or b"").splitlines():
        try:
            step = json.loads(line.decode("ascii"))
        except ValueError:
            continue
        if step.pop("attempt") == attempt:
            steps.append(step)
    return steps


def result_of_chain(job_dir: Directory, record: Record, state: str, reason: str) -> Dict[str, Any]:
    """Return the result of a chain: ``steps``, each with its own ``result``, ``changed``, ``failed`` and ``msg``."""
    steps = steps_done(job_dir, record["attempt"])
    # the record may lack the newest step in the file, and the file may lack a step that a full disk refused
    steps += _unread_step(job_dir, record, max(len(steps), len(record["steps"] or ())))
    result: Dict[str, Any] = {
        "changed": any(bool(step["result"].get("changed")) for step in steps),
        "failed": state != STATE_SUCCEEDED,
        "steps": steps,
    }
    failed = [step for step in steps if step["state"] != STATE_SUCCEEDED]
    if state == STATE_SUCCEEDED:
        if failed:
            result["msg"] = f"rescued from: {_what_failed(failed[0])}"
        return result
    if reason == REASON_EXIT:
        result["msg"] = _what_failed(failed[0]) if failed else _NOT_KEPT
    else:
        ended = result_of_end(job_dir, record, reason)
        result.update((key, ended[key]) for key in ended if key not in result)
    return result


def _unread_step(job_dir: Directory, record: Record, read: int) -> List[Dict[str, Any]]:
    """Return in a list the step that ended when no supervisor was left to read its result; [] if none did.

    read: how many steps of this attempt the supervisor has read.
    """
    step = record["step"]
    if not step or step["number"] < read or not whole_result(job_dir):
        return []
    state, reason, result = result_of_module(job_dir, record, step["module"])
    if record["conceals"]:
        result = concealed(result)
    ended = {"name": step["name"], "block": step["block"], "module": step["module"]}
    return [dict(ended, state=state, reason=reason, result=result)]


def _what_failed(step: Dict[str, Any]) -> str:
    """Return which step failed and why, for a message."""
    message = step["result"].get("msg") or "its module failed"
    return f"{step['block']}: {step['name'] or step['module']}: {message}"


def conclude(
    system: System, job_dir: Directory, record: Record, state: Optional[str], reason: str
) -> Status:
    """Decide how a job has ended and put that into the record. Return the job's status. Nothing is written to disk.

    state, reason: those of the end. If state is None, the module's own result decides both.
    """
    if record["steps"] is not None:
        # its last module ended by itself, but the supervisor, which knows the next step, is gone
        if state is None:
            state, reason = STATE_LOST, REASON_SUPERVISOR_KILLED
        result = result_of_chain(job_dir, record, state, reason)
    elif state is None:
        state, reason, result = result_of_module(job_dir, record, record["module"])
    else:
        result = result_of_end(job_dir, record, reason)
    if record["conceals"]:
        result = concealed(result)
    elapsed = elapsed_seconds(record, system.boot_id(), system.time(), system.monotonic())
    end(record, state, reason, system.time(), elapsed or 0.0)
    status = job_file(record, result)
    status["async_job"] = show(system, job_dir, record, False)
    return status


def write_end(
    system: System,
    async_dir: Directory,
    job_dir: Directory,
    record: Record,
    status: Status,
) -> None:
    """Write a job's end to disk: first the job file, then the record. Then remove the files that it needs no more.

    Nothing is written if the job has been removed. The caller holds the lock of the supervisor or, where that is gone,
    the lock of the job directory. Raise OSError if something cannot be written; the job file and the record are then
    each either the old one or the new one, whole.
    """
    remove_leftovers(job_dir, record)
    if job_dir.gone():
        return
    job_dir.release()
    try:
        async_dir.write_file(record["id"], encode(status))
    except OSError as error:
        if error.errno not in NO_SPACE_ERRORS:
            raise
        message = f"the job's result could not be kept: {error.strerror}"
        if record["reason"] == REASON_NO_SPACE:
            message = _MESSAGES[REASON_NO_SPACE]
            # a partial result is useless, but the disk needs its blocks
            job_dir.remove_file(RESULT_FILE)
        short = ended_result(message, "", "")
        record["reason"] = REASON_NO_SPACE
        if record["state"] == STATE_SUCCEEDED:
            short["failed"] = False  # the module succeeded; only its result is lost
        kept = job_file(record, short)
        kept["async_job"] = dict(status["async_job"], reason=REASON_NO_SPACE)
        async_dir.write_file(record["id"], encode(kept))
    job_dir.write_file(RECORD_FILE, encode(record))
    if record["name"] and record["state"] == STATE_SUCCEEDED:
        _remember(job_dir, record["name"], record["elapsed"] or 0.0)
    for name in _WORKING_FILES:
        job_dir.remove_file(name)


def _remember(job_dir: Directory, name: str, seconds: float) -> None:
    """Add a successful job's duration to the history of its name. Failures are ignored: it is only for estimates."""
    try:
        with job_dir.parent() as private:
            remember_duration(private, name, seconds)
    except (OSError, JobError):
        pass  # the job's end is complete without it


def remove_leftovers(job_dir: Directory, record: Record) -> None:
    """Remove the temporary directories of the task, and those of a module that was killed before it could do so."""
    from shutil import rmtree  # late: it imports every compression module

    noted = (job_dir.read_file(PAYLOAD_DIRS_FILE, limit=_MAX_NOTED_BYTES) or b"").splitlines()
    owner = job_dir.system.fstat(job_dir.fd).st_uid
    for path in record["remove"] + [os.fsdecode(line) for line in noted]:
        if _may_remove(job_dir, path, owner):
            rmtree(path, ignore_errors=True)


def _may_remove(job_dir: Directory, path: str, owner: int) -> bool:
    """Return whether a path in the files of a job is a temporary directory of Ansible's that the job's owner owns.

    root may remove that of another user, whom its task became root from.
    """
    if not os.path.isabs(path) or os.path.normpath(path) != path:
        return False
    if not is_task_dir(path) and payload_zip(path) is None:
        return False
    try:
        info = job_dir.system.stat(path, follow_symlinks=False)
    except (OSError, ValueError):
        return False
    return stat.S_ISDIR(info.st_mode) and owner in (0, info.st_uid)
