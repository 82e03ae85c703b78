# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""What a module printed, read as the result that Ansible expects."""

import json
import re
import signal
from typing import Any, Dict, List, Optional, Tuple

from .output import decode_output

_JUNK_WARNING = "Module invocation had junk after the JSON data: %s"
_ENCODING_WARNING = (
    "The module's result had bytes that are no UTF-8; they are written out, as in \\xff"
)
_CANDIDATES = 100  # lines that begin like JSON and are not: looked at no further
_SHOWN_BYTES = 65536  # of output that is no JSON, at either end


def parse_result(text: str) -> Tuple[Dict[str, Any], List[str]]:
    """The JSON object that begins a line, junk around it put aside, and warnings about what followed it.

    ValueError: there is none.
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
    """Bytes that are no UTF-8 (lone surrogates, as Python keeps them) written out: ``\\xff``."""

    def written(match: Any) -> str:
        code = ord(match.group())
        return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"

    return re.sub("[\ud800-\udfff]", written, text)


def _visible(value: Any) -> Any:
    if isinstance(value, str):
        return visible_bytes(value)
    if isinstance(value, list):
        return [_visible(item) for item in value]
    if isinstance(value, dict):
        return {visible_bytes(key): _visible(item) for key, item in value.items()}
    return value


def _next_object_line(text: str, position: int) -> int:
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
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def module_result(
    stdout: bytes, stderr: bytes, status: Optional[int], command: str
) -> Dict[str, Any]:
    """The module's own result; or a failed one that shows what was printed instead.

    status: exit status, negative for the signal that ended the process, None if nobody saw it.
    """
    text = stdout.decode("utf-8", "surrogateescape")
    said = decode_output(stderr)
    try:
        result, warnings = parse_result(text)
    except ValueError:
        return _no_result(visible_bytes(text), said, status, command)
    if re.search("[\ud800-\udfff]|\\\\u[dD][89a-fA-F]", text):
        # a result with these is refused by core from 2.19 on, and asked for again until the time limit
        clean = _visible(result)
        if clean != result:
            warnings.append(_ENCODING_WARNING)
        result = clean
    if warnings:
        present = result.get("warnings", [])
        result["warnings"] = (present if isinstance(present, list) else [present]) + warnings
    if said:
        # core overwrites a stderr of the module's own here; nothing of a module is overwritten by us
        result["module_stderr" if result.get("stderr") else "stderr"] = said
    return result


def _no_result(text: str, said: str, status: Optional[int], command: str) -> Dict[str, Any]:
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
        "stderr": _shortened(said),
    }
    if status is not None:
        result["rc"] = status
    return result


def _shortened(text: str) -> str:
    if len(text) <= 2 * _SHOWN_BYTES:
        return text
    gap = len(text) - 2 * _SHOWN_BYTES
    return f"{text[:_SHOWN_BYTES]}\n[{gap} characters not shown]\n{text[-_SHOWN_BYTES:]}"


# where modules tell their arguments, and what they printed
_TOLD = ("cmd", "data", "diff", "invocation", "module_stderr", "module_stdout", "stderr", "stdout")


def concealed(result: Dict[str, Any]) -> Dict[str, Any]:
    """The result without arguments and output, for a job of which nothing of these is to be written down."""
    told = _TOLD + tuple(f"{key}_lines" for key in _TOLD)
    return {key: value for key, value in result.items() if key not in told}


def ended_result(
    message: str, stdout: str, stderr: str, child_pid: Optional[int] = None
) -> Dict[str, Any]:
    """The result of a job that was not left to end by itself, with what it had printed until then."""
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
