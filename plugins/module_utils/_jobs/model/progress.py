# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection longrun.jobs: may change in any release.
"""How far a job has come, computed from what it wrote, at the moment when somebody asks."""

import json
import math
import re
from typing import Any, Dict, List, Optional, Union

from .output import clean_line, quoted_value

PROGRESS_GROUPS = ("percent", "current", "total", "unit", "message")
PROGRESS_LINES = 200  # how many of the last lines of each source are read
PROGRESS_LINE_CHARS = 2000
_PROGRESS_MESSAGE_CHARS = 200
_PROGRESS_UNIT_CHARS = 40

# The patterns below name these parts in angle brackets, and are compiled when they are first used. All repetitions
# are bounded, and all beginnings guarded, so that no line costs more than linear time.
_PROGRESS_PARTS = {
    "<count>": r"([0-9]{1,3}(?:,[0-9]{3}){1,4}|[0-9]{1,12})",
    "<amount>": r"([0-9]{1,3}(?:,[0-9]{3}){1,4}(?:\.[0-9]{1,6})?|[0-9]{1,12}(?:\.[0-9]{1,6})?)",
    "<unit>": r"([kKMGTP]i?B|B|[Bb]ytes)",
    "<suffix>": r"([kKMGTP]i?B?|B|[Bb]ytes)",
    "<slash>": r"\s{0,2}/\s{0,3}",
    # The characters beside a count must not make it part of a path, a date, a time or a longer number.
    "<begin>": r"(?<![\w/.:,=+-])",
    "<end>": r"(?![\w/-]|[.,:][0-9])",
    "<thing>": (
        r"(?:archive|batch(?:e)?|block|byte|chunk|commit|container|document|epoch|file|host|image|item|"
        r"iteration|job|layer|link|module|node|object|package|page|part|phase|record|replica|repo|"
        r"request|row|rpm|sector|segment|stage|step|table|tablespace|target|task|test|unit|update)s?"
    ),
    "<doing>": (
        r"(?:progress|(?:analy[sz]|appl[iy]|build|check|clean|compil|complet|convert|cop[iy]|creat|"
        r"delet|deploy|download|encod|export|extract|fetch|finish|generat|import|index|install|load|"
        r"migrat|process|pull|push|read|receiv|remov|render|restor|run|scan|send|sync|transfer|"
        r"unpack|updat|upgrad|upload|verif[iy]|writ)[a-z]{0,6})"
    ),
}
_PROGRESS_COMPILED: Dict[str, Any] = {}
# Each matches one way of writing progress. Where a line has several, the leftmost is the overall progress.
_COUNT_PATTERNS = (
    r"[\[(]\s{0,6}<count><slash><count>(?=(?:\s{1,2}[A-Za-z]{2,20})?\s{0,4}[\])])",
    r"<begin><count>\s(?:out\s)?of\s<count><end>",
    r"(?i)\b(?:<thing>|<doing>)[:#]?\s{1,4}<count><slash><count><end>",
    r"(?i)<begin><count><slash><count>(?=\s<thing>\b)",
    r"\A<count><slash><count>(?=\Z|:?\s{1,4}[^\d\s])",
)
_SIZE_PATTERN = r"<begin><amount>\s?<unit>?<slash><amount>\s?<unit>(?![\w/])"
_PERCENT_PATTERN = (
    r"(?<![\w/+%])(?<!\d[.,])(?<![^-]-)(?<!^-)([0-9]{1,3}(?:[.,][0-9]{1,6})?)(?:\s?/100)?\s?%(?!\w)"
    # Percentages that df, ping and load monitors print are not progress.
    r"(?!\s{1,20}/\S{0,200}\Z)(?!\s?(?i:packet loss|used|free|idle|cpu))"
)
# Used only where it agrees with a percentage in the same line.
_RATIO_PATTERN = (
    r"<begin><amount>\s?<suffix>?<slash><amount>\s?<suffix>?(?![\w/%]|[.,][0-9])"
    r"(?:\s((?i:<thing>))\b)?"
)
_DNF_PATTERN = r"\A[A-Z][a-z]{2,20}(?: [a-z]{2,20})?\s{0,20}:\s.{0,2000}\s<count>/<count>\Z"
_CURL_PATTERN = (
    r"\A([0-9]{1,3})\s{1,9}(?!0\s)[0-9.]{1,6}[kMGTP]?(?:\s{1,9}[0-9]{1,3}\s{1,9}[0-9.]{1,6}[kMGTP]?){2}"
    r"(?:\s{1,9}[0-9.]{1,6}[kMGTP]?){2}(?:\s{1,9}[-0-9]{1,3}:[-0-9]{2}:[-0-9]{2}){3}"
)
_APT_STATUS_PATTERN = r"\A(?:pm|dl)status:[^:]{1,200}:([0-9]{1,3}(?:\.[0-9]{1,9})?):"

_REPORT_NUMBER = r"([-+]?[0-9]{1,15}(?:\.[0-9]{1,20})?)"
_REPORT_COUNT_PATTERN = _REPORT_NUMBER + r"\s*/\s*" + _REPORT_NUMBER + r"(?::?\s+(.*))?\Z"
_REPORT_PERCENT_PATTERN = _REPORT_NUMBER + r"\s?%?(?::?\s+(.*))?\Z"

_ProgressNumber = Union[int, float]


def _progress_number(value: Any) -> Optional[_ProgressNumber]:
    """Return the finite number in a value as users write it: 45, 45.3, '45 %', '45,3', '1,234'. None if it has none."""
    if isinstance(value, str):
        text = value.strip().rstrip("%").rstrip()
        if re.match(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?\Z", text):
            text = text.replace(",", "")
        elif re.match(r"[0-9]+,[0-9]+\Z", text):
            text = text.replace(",", ".")
        if re.match(r"[-+]?[0-9]{1,15}\Z", text):
            return int(text)
        if re.match(r"[-+]?[0-9]{1,15}\.[0-9]{1,20}\Z", text):
            return float(text)
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:
        return None


def _progress_text(value: Any, limit: int) -> Optional[str]:
    """Return a value as one clean line of at most *limit* characters; None if it is not a text, or empty."""
    if not isinstance(value, str):
        return None
    return clean_line(value.replace("\n", " ")).strip()[:limit].rstrip() or None


def _found_progress(source: str, values: Dict[str, Any]) -> Optional[Dict[str, Any]]:
    """Return ``source`` and the cleaned values of PROGRESS_GROUPS; None if they contain no progress."""
    percent, current, total = (_progress_number(values.get(name)) for name in PROGRESS_GROUPS[:3])
    message = _progress_text(values.get("message"), _PROGRESS_MESSAGE_CHARS)
    if current is not None and current < 0:
        current = None
    if total is not None and total <= 0:
        total = None
    if percent is None and current is not None and total is not None:
        percent = 100.0 * current / total
    if percent is None and current is None and message is None:
        return None
    return {
        "percent": percent,
        "current": current,
        "total": total,
        "unit": _progress_text(values.get("unit"), _PROGRESS_UNIT_CHARS),
        "message": message,
        "source": source,
    }


def _json_progress(line: str) -> Optional[Dict[str, Any]]:
    """Return the progress in a report line that is a JSON object; None if it has none."""
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return _found_progress("reported", values) if isinstance(values, dict) else None


def _report_line_progress(line: str) -> Optional[Dict[str, Any]]:
    """Return the progress in a report line: JSON, ``12/87 message`` or ``45 message``; None if it has none."""
    if line.startswith("{"):
        return _json_progress(line)
    match = re.match(_REPORT_COUNT_PATTERN, line)
    if match:
        current, total, message = match.groups()
        return _found_progress("reported", {"current": current, "total": total, "message": message})
    match = re.match(_REPORT_PERCENT_PATTERN, line)
    if match:
        percent, message = match.groups()
        return _found_progress("reported", {"percent": percent, "message": message})
    return None


def _reported_progress(report: str) -> Optional[Dict[str, Any]]:
    """Return the progress in the last line of the report that has any; None if no line has."""
    # A line without a line feed may be half written, "4" of "45". Only a JSON object shows that it is complete.
    rows = report.rsplit("\n", PROGRESS_LINES + 1)
    if rows[-1].lstrip().startswith("{"):
        found = _json_progress(rows[-1][:PROGRESS_LINE_CHARS])
        if found is not None:
            return found
    for row in reversed(rows[:-1][-PROGRESS_LINES:]):
        found = _report_line_progress(row[:PROGRESS_LINE_CHARS].strip())
        if found is not None:
            return found
    return None


def _pattern_progress(pattern: str, lines: List[str]) -> Optional[Dict[str, Any]]:
    """Return the progress in the last line that the user's pattern finds any in; None if there is no such line."""
    try:
        compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return None
    for line in reversed(lines):
        match = compiled.search(line)
        if match is None:
            continue
        # The line is added as the message only now: with it, a match whose groups are all empty would be progress.
        found = _found_progress("pattern", match.groupdict())
        if found is not None:
            found["message"] = found["message"] or _progress_text(line, _PROGRESS_MESSAGE_CHARS)
            return found
    return None


def _progress_pattern(pattern: str) -> Any:
    """Return a pattern of this file with its parts put in, compiled. Each is compiled only once."""
    compiled = _PROGRESS_COMPILED.get(pattern)
    if compiled is None:
        text = pattern
        for name, part in _PROGRESS_PARTS.items():
            text = text.replace(name, part)
        compiled = _PROGRESS_COMPILED[pattern] = re.compile(text)
    return compiled


def _plain_number(number: float) -> _ProgressNumber:
    return int(number) if number == int(number) else number


def _count_values(match: Any) -> Optional[Dict[str, Any]]:
    """Return the values in a match of two counts; None if they cannot be progress."""
    written_current, written_total = match.groups()
    if written_current.startswith("0") and 1 < len(written_current) != len(written_total):
        return None  # 02/2026 is a month, 002/120 is a count
    current, total = (int(text.replace(",", "")) for text in match.groups())
    if current > total or total == 0:
        return None
    thing = _progress_pattern(r"(?i)\s(<thing>)\b").match(match.string, match.end())
    return {"current": current, "total": total, "unit": thing.group(1) if thing else None}


def _size_values(match: Any) -> Optional[Dict[str, Any]]:
    """Return the values in a match of two amounts, in the unit of the second; None if they cannot be progress."""
    written_current, current_unit, written_total, total_unit = match.groups()[:4]
    current, total = (float(text.replace(",", "")) for text in (written_current, written_total))
    if current_unit and current_unit != total_unit:
        if not total_unit:
            return None
        current = round(current * _unit_factor(current_unit) / _unit_factor(total_unit), 3)
    if current > total or total == 0:
        return None
    unit = total_unit if total_unit and total_unit[-1] in "Bs" else None
    return {"current": _plain_number(current), "total": _plain_number(total), "unit": unit}


def _unit_factor(unit: str) -> float:
    exponent = " KMGTP".find(unit[0].upper())
    return float((1024 if "i" in unit else 1000) ** max(0, exponent))


def _percent_values(match: Any) -> Optional[Dict[str, Any]]:
    """Return the values in a match of a percentage, and those of a ratio in the same line that agrees with it.

    None if the percentage is above 100.
    """
    percent = float(match.group(1).replace(",", "."))
    if percent > 100:
        return None
    values: Dict[str, Any] = {"percent": percent}
    for ratio in _progress_pattern(_RATIO_PATTERN).finditer(match.string):
        sizes = _size_values(ratio)
        if sizes and abs(100.0 * sizes["current"] / sizes["total"] - percent) <= 1:
            values.update(sizes, unit=sizes["unit"] or ratio.group(5))
            break
    return values


def _tool_values(text: str) -> Optional[Dict[str, Any]]:
    """Return the values in a line that has the special format of apt, curl or dnf; None for any other line."""
    for pattern in (_APT_STATUS_PATTERN, _CURL_PATTERN):
        match = _progress_pattern(pattern).match(text)
        if match:
            return _percent_values(match)
    match = _progress_pattern(_DNF_PATTERN).match(text)
    return _count_values(match) if match else None


def _builtin_line_values(text: str) -> Optional[Dict[str, Any]]:
    """Return the values that the leftmost built-in pattern finds in a line; None if none finds any."""
    if "%" not in text and "/" not in text and " of " not in text and text.count(":") < 3:
        return None
    best = None
    start = len(text)
    # Where two patterns match at the same place, the first is used: amounts come before counts, since they have a unit.
    readers = [(_SIZE_PATTERN, _size_values)]
    readers += [(pattern, _count_values) for pattern in _COUNT_PATTERNS]
    readers += [(_PERCENT_PATTERN, _percent_values)]
    for pattern, read in readers:
        for match in _progress_pattern(pattern).finditer(text):
            if match.start() >= start:
                break
            values = read(match)
            if values is not None:
                best, start = values, match.start()
                break
    return best or _tool_values(text)


def _builtin_progress(lines: List[str]) -> Optional[Dict[str, Any]]:
    """Return the progress in the last line that a built-in pattern finds any in; None if there is no such line."""
    for line in reversed(lines):
        values = _builtin_line_values(line.strip())
        if values is not None:
            return _found_progress("builtin", dict(values, message=line))
    return None


def _history_progress(durations: List[float], elapsed: float) -> Optional[Dict[str, Any]]:
    """Return the progress estimated from the median of earlier durations; None if there are none."""
    known = sorted(value for value in durations if value > 0 and math.isfinite(value))
    if not known:
        return None
    low, high = known[(len(known) - 1) // 2], known[len(known) // 2]
    median = low + (high - low) / 2
    found = _found_progress("history", {"percent": min(99.0, 100.0 * max(0.0, elapsed) / median)})
    if found is not None:
        found["eta"] = round(max(0.0, median - max(0.0, elapsed)), 1)
    return found


def measure_progress(
    report: str,
    pattern: Optional[str],
    lines: List[str],
    durations: List[float],
    elapsed: float,
    updated_at: Optional[str],
) -> Optional[Dict[str, Any]]:
    """Return how far a job has come, from the first source that has an answer. None if no source has one.

    The sources, in order: the job's own report, the user's pattern, the built-in patterns, the durations of earlier
    jobs.

    report: the text of the file named by ANSIBLE_ASYNC_PROGRESS. pattern: a regular expression that
    ``check_progress_regex`` accepts; one that does not compile is ignored. lines: of output, as ``output_lines``
    returns them. durations, elapsed: seconds. updated_at: when report or output last grew; returned as it is, or
    None for history, which nothing updates.

    The dict returned has percent (0 to 100, one decimal), current, total, unit, message, eta (seconds), source
    (reported, pattern, builtin, history) and updated_at. Unknown values are None.
    """
    recent = [line[:PROGRESS_LINE_CHARS] for line in lines[-PROGRESS_LINES:]]
    found = _reported_progress(report)
    if found is None and pattern:
        found = _pattern_progress(pattern, recent)
    if found is None:
        found = _builtin_progress(recent)
    if found is None:
        found = _history_progress(durations, elapsed)
        updated_at = None
    if found is None:
        return None
    percent = found["percent"]
    if percent is not None:
        percent = float(min(100, max(0, percent)))
        if "eta" not in found and percent > 0:
            eta = max(0.0, elapsed) * (100 - percent) / percent
            found["eta"] = round(eta, 1) if math.isfinite(eta) else None
        # Rounding must not turn 99.97 into 100: only a percentage of exactly 100 says that all is done.
        percent = percent if percent == 100 else min(99.9, round(percent, 1))
    found.update(percent=percent, eta=found.get("eta"), updated_at=updated_at)
    return found


def check_progress_regex(text: str) -> None:
    """Raise ValueError, saying what is wrong, if the text is not a pattern that can find progress."""
    quoted = quoted_value(text)
    names = ", ".join(f"(?P<{name}>...)" for name in PROGRESS_GROUPS)
    try:
        groups = re.compile(text).groupindex
    except (re.error, OverflowError, RecursionError) as err:
        raise ValueError(f"{quoted} is not a valid Python regular expression: {err}") from err
    unknown = sorted(set(groups) - set(PROGRESS_GROUPS))
    if unknown:
        raise ValueError(f"{quoted} has the unknown group {unknown[0]!r}: use only {names}")
    if not set(groups) & {"percent", "current", "message"}:
        raise ValueError(
            f"{quoted} finds no progress: give a group percent, current or message; the groups are {names}"
        )
