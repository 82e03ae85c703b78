# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection longrun.jobs: may change in any release.
"""How far a job is, computed from what it wrote, at the time somebody looks."""

import json
import math
import re
from typing import Any, Dict, List, Optional, Union

from .output import clean_line, quoted_value

PROGRESS_GROUPS = ("percent", "current", "total", "unit", "message")
PROGRESS_LINES = 200  # no source is looked at further back than this
PROGRESS_LINE_CHARS = 2000
_PROGRESS_MESSAGE_CHARS = 200
_PROGRESS_UNIT_CHARS = 40

# Patterns name these parts in angle brackets, and are compiled when first used. Repetitions are
# bounded and starts guarded, so that no line costs more than linear time.
_PROGRESS_PARTS = {
    "<count>": r"([0-9]{1,3}(?:,[0-9]{3}){1,4}|[0-9]{1,12})",
    "<amount>": r"([0-9]{1,3}(?:,[0-9]{3}){1,4}(?:\.[0-9]{1,6})?|[0-9]{1,12}(?:\.[0-9]{1,6})?)",
    "<unit>": r"([kKMGTP]i?B|B|[Bb]ytes)",
    "<suffix>": r"([kKMGTP]i?B?|B|[Bb]ytes)",
    "<slash>": r"\s{0,2}/\s{0,3}",
    # What stands beside it must not make a path, a date, a time or a longer number of it.
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
# Each finds one way of writing progress; of several in a line the leftmost is the outermost.
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
    # What df and ping print, and loads, are no progress.
    r"(?!\s{1,20}/\S{0,200}\Z)(?!\s?(?i:packet loss|used|free|idle|cpu))"
)
# Believed only where it agrees with a percentage in the same line.
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
    """The finite number in a value as users write it: 45, 45.3, '45 %', '45,3', '1,234'."""
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
    if not isinstance(value, str):
        return None
    return clean_line(value.replace("\n", " ")).strip()[:limit].rstrip() or None


def _found_progress(source: str, values: Dict[str, Any]) -> Optional[Dict[str, Any]]:
    """The values of PROGRESS_GROUPS, cleaned; None if they tell nothing."""
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
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return _found_progress("reported", values) if isinstance(values, dict) else None


def _report_line_progress(line: str) -> Optional[Dict[str, Any]]:
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
    # A line without its end may be half written: "4" of "45". Only a whole JSON object cannot be.
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
    try:
        compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return None
    for line in reversed(lines):
        match = compiled.search(line)
        if match is None:
            continue
        # The line as a message would make any match count, even one whose groups hold no number.
        found = _found_progress("pattern", match.groupdict())
        if found is not None:
            found["message"] = found["message"] or _progress_text(line, _PROGRESS_MESSAGE_CHARS)
            return found
    return None


def _progress_pattern(pattern: str) -> Any:
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
    """The values of a match of two counts, None if they cannot be progress."""
    written_current, written_total = match.groups()
    if written_current.startswith("0") and 1 < len(written_current) != len(written_total):
        return None  # 02/2026 is a month, while 002/120 counts
    current, total = (int(text.replace(",", "")) for text in match.groups())
    if current > total or total == 0:
        return None
    thing = _progress_pattern(r"(?i)\s(<thing>)\b").match(match.string, match.end())
    return {"current": current, "total": total, "unit": thing.group(1) if thing else None}


def _size_values(match: Any) -> Optional[Dict[str, Any]]:
    """The values of a match of two amounts, in the unit of the second; None as above."""
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
    """The values of a match of a percentage, with the ratio beside it that says the same."""
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
    """The values of a line that only the tool which prints it writes so."""
    for pattern in (_APT_STATUS_PATTERN, _CURL_PATTERN):
        match = _progress_pattern(pattern).match(text)
        if match:
            return _percent_values(match)
    match = _progress_pattern(_DNF_PATTERN).match(text)
    return _count_values(match) if match else None


def _builtin_line_values(text: str) -> Optional[Dict[str, Any]]:
    if "%" not in text and "/" not in text and " of " not in text and text.count(":") < 3:
        return None
    best = None
    start = len(text)
    # Of two that begin at the same place the first is taken: amounts also have a unit.
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
    for line in reversed(lines):
        values = _builtin_line_values(line.strip())
        if values is not None:
            return _found_progress("builtin", dict(values, message=line))
    return None


def _history_progress(durations: List[float], elapsed: float) -> Optional[Dict[str, Any]]:
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
    """How far a job is, by the first source that knows: what it reported, the user's pattern, the
    built-in patterns, the durations of earlier jobs. None if none knows.

    report: text of the file named by ANSIBLE_ASYNC_PROGRESS. pattern: a regular expression that
    check_progress_regex accepts; one that does not compile is passed over. lines: of output, as
    output_lines gives them. durations, elapsed: seconds. updated_at: when report or output last
    grew, handed on except for history, which nothing updates.

    Returns percent (0 to 100, one decimal), current, total, unit, message, eta (seconds), source
    (reported, pattern, builtin, history) and updated_at; None where unknown.
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
        # 100 is said of nothing that has yet to end: 99.97 is 99.9.
        percent = percent if percent == 100 else min(99.9, round(percent, 1))
    found.update(percent=percent, eta=found.get("eta"), updated_at=updated_at)
    return found


def check_progress_regex(text: str) -> None:
    """Raises ValueError, saying what is wrong, for a pattern that can find no progress."""
    shown = quoted_value(text)
    names = ", ".join(f"(?P<{name}>...)" for name in PROGRESS_GROUPS)
    try:
        groups = re.compile(text).groupindex
    except (re.error, OverflowError, RecursionError) as err:
        raise ValueError(f"{shown} is no regular expression of Python: {err}") from err
    unknown = sorted(set(groups) - set(PROGRESS_GROUPS))
    if unknown:
        raise ValueError(f"{shown} names the group {unknown[0]!r}: give groups of {names} only")
    if not set(groups) & {"percent", "current", "message"}:
        raise ValueError(
            f"{shown} finds no progress: give a named group percent, current or message, of {names}"
        )
