# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""A module's result, read from what the module printed, and the results of jobs that printed none."""

import json
import re
import signal
from typing import Any, Dict, List, Optional, Tuple

from .core_formats import remove_instructions
from .output import decode_output

_JUNK_WARNING = "Module invocation had junk after the JSON data: %s"
_ENCODING_WARNING = "The module's result had bytes that are not valid UTF-8; they are written as escapes such as \\xff"
_CANDIDATES = 100  # how many lines that begin like JSON are tried
_SHOWN_CHARS = 65536  # kept of each end of output that is not JSON


def parse_result(text: str) -> Tuple[Dict[str, Any], List[str]]:
    """Return the first JSON object that begins a line, and a list of warnings about junk that followed it.

    Junk before it is ignored. Raise ValueError if there is no such object.
    """
    decoder = json.JSONDecoder()
    position = 0
    for _unused in range(_CANDIDATES):
        while position < len(text) and text[position] in " \t\r\n":
            position += 1
        if text.startswith("{", position):
            try:
                found, end = decoder.raw_decode(text, position)
            except (ValueError, RecursionError):  # nested deeper than Python reads it
                pass
            else:
                junk = text[end:].strip()
                return found, [_JUNK_WARNING % junk] if junk else []
        position = _next_object_line(text, position)
        if position < 0:
            break
    raise ValueError("no JSON object")


def visible_bytes(text: str) -> str:
    """Return the text with each byte that is not valid UTF-8 as an escape such as ``\\xff``.

    Python keeps such bytes as lone surrogates (PEP 383). Any other lone surrogate becomes ``\\ud800``.
    """

    def escape(match: Any) -> str:
        code = ord(match.group())
        return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"

    return re.sub("[\ud800-\udfff]", escape, text)


def _visible(value: Any) -> Any:
    """Return a JSON value in which ``visible_bytes`` was applied to every text, keys included."""
    if isinstance(value, str):
        return visible_bytes(value)
    if isinstance(value, list):
        return [_visible(item) for item in value]
    if isinstance(value, dict):
        return {visible_bytes(key): _visible(item) for key, item in value.items()}
    return value


def _next_object_line(text: str, position: int) -> int:
    """Return where the next line that begins with a brace has its brace, -1 if there is none."""
    while True:
        position = text.find("\n", position)
        if position < 0:
            return -1
        position += 1
        line_start = position
        while line_start < len(text) and text[line_start] in " \t\r":
            line_start += 1
        if text.startswith("{", line_start):
            return line_start


def signal_name(number: int) -> str:
    """Return the name of a signal, such as SIGTERM, or ``signal 250`` for one without a name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def module_result(
    stdout: bytes, stderr: bytes, status: Optional[int], command: str
) -> Dict[str, Any]:
    """Return the module's own result, or a failed one that shows what the module printed instead.

    Keys that core would take for its own instructions are removed, as core does for a task that waits.

    status: exit status, negative for the signal that ended the process, None if it is unknown. command: put into
    ``cmd`` of a failed result.
    """
    text = stdout.decode("utf-8", "surrogateescape")
    errors = decode_output(stderr)
    try:
        result, warnings = parse_result(text)
    except ValueError:
        return _no_result(visible_bytes(text), errors, status, command)
    remove_instructions(result)
    if re.search("[\ud800-\udfff]|\\\\u[dD][89a-fA-F]", text):
        # from 2.19 on, core refuses a result with these, and asks for it again until the time limit has passed
        clean = _visible(result)
        if clean != result:
            warnings.append(_ENCODING_WARNING)
        result = clean
    if warnings:
        present = result.get("warnings", [])
        result["warnings"] = (present if isinstance(present, list) else [present]) + warnings
    if errors:
        # core overwrites the module's own stderr here; we keep every key of the module as it is
        result["module_stderr" if result.get("stderr") else "stderr"] = errors
    return result


def _no_result(text: str, errors: str, status: Optional[int], command: str) -> Dict[str, Any]:
    """Return the failed result of a module whose output *text* has no JSON object."""
    how = "" if status is None else f", exit status {status}"
    if status is not None and status < 0:
        message = f"the module was ended by {signal_name(-status)} and left no result"
    elif not text.strip():
        message = f"the module printed nothing where its JSON result was expected{how}"
    else:
        message = f"the module printed no JSON result{how}; what it printed is in data"
    result = {
        "failed": True,
        "msg": message,
        "cmd": command,
        "data": _shortened(text),
        "stderr": _shortened(errors),
    }
    if status is not None:
        result["rc"] = status
    return result


def _shortened(text: str) -> str:
    if len(text) <= 2 * _SHOWN_CHARS:
        return text
    gap = len(text) - 2 * _SHOWN_CHARS
    return f"{text[:_SHOWN_CHARS]}\n[{gap} characters not shown]\n{text[-_SHOWN_CHARS:]}"


# the keys of a result under which modules return their arguments and their output
_REVEALING = (
    "cmd",
    "data",
    "diff",
    "invocation",
    "module_stderr",
    "module_stdout",
    "stderr",
    "stdout",
)


def concealed(result: Dict[str, Any]) -> Dict[str, Any]:
    """Return the result without arguments and output, for a job that must not write these to disk."""
    revealing = _REVEALING + tuple(f"{key}_lines" for key in _REVEALING)
    return {key: value for key, value in result.items() if key not in revealing}


def ended_result(
    message: str, stdout: str, stderr: str, child_pid: Optional[int] = None
) -> Dict[str, Any]:
    """Return the failed result of a job that did not end by itself, with what it had printed until then.

    message: put into ``msg``. child_pid: as core has it in the result of a time-out (modules/async_wrapper.py).
    """
    result: Dict[str, Any] = {
        "failed": True,
        "msg": message,
        "stdout": stdout,
        "stdout_lines": stdout.splitlines(),
        "stderr": stderr,
        "stderr_lines": stderr.splitlines(),
    }
    if child_pid is not None:
        result["child_pid"] = child_pid
    return result
