# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection longrun.jobs: may change in any release.
"""The settings of a job, which reach it through the environment of its task, and the formats of their values."""

import math
import re
from typing import Any, Dict, Mapping, NamedTuple, Optional

from .output import quoted_value
from .progress import check_progress_regex

DEFAULT_GRACE = 10.0
DEFAULT_RETENTION = 7 * 86400.0
DEFAULT_OUTPUT_LIMIT = 10 * 1024 * 1024
MIN_OUTPUT_LIMIT = 64 * 1024
MAX_NAME_LENGTH = 200
# Longer durations make dates and timers overflow.
_MAX_DURATION = 100 * 366 * 86400.0
_DURATION_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


class SettingError(ValueError):
    """A variable has a value that is not valid. The message names both, and says what is valid."""


class Settings(NamedTuple):
    """The settings of one job. None is no name, no idle timeout, no pattern; for retention, it is for ever."""

    name: Optional[str] = None
    grace: float = DEFAULT_GRACE  # seconds between SIGTERM and SIGKILL
    idle_timeout: Optional[float] = None  # seconds without output
    retention: Optional[float] = DEFAULT_RETENTION  # seconds for which an ended job is kept
    output_limit: int = DEFAULT_OUTPUT_LIMIT  # bytes kept of each stream; 0 keeps none
    progress_regex: Optional[str] = None


def parse_duration(text: str) -> float:
    """Return the seconds of a duration: a number, alone or with a unit s, m, h, d or w.

    Raise ValueError, naming the value, if it is not valid.
    """
    match = re.match(r"([0-9]{1,18}(?:\.[0-9]{1,18})?) ?([smhdw]?)\Z", text.strip())
    if match is None:
        raise ValueError(
            f"{quoted_value(text)} is not a valid duration: give seconds (30, 1.5) or a number with a unit "
            "s, m, h, d or w (10m)"
        )
    seconds = float(match.group(1)) * _DURATION_UNITS[match.group(2)]
    if not math.isfinite(seconds) or seconds > _MAX_DURATION:
        raise ValueError(f"{quoted_value(text)} is too long: give at most 100 years (36500d)")
    return seconds


def parse_size(text: str) -> int:
    """Return the bytes of a size: a number, alone or with a unit K, M, G or T, also written KiB or KB.

    All units are powers of 1024, in upper or lower case. Raise ValueError, naming the value, if it is not valid.
    """
    match = re.match(
        r"([0-9]{1,18})(\.[0-9]{1,18})? ?(?:([KMGT])(?:I?B)?|B)?\Z", text.strip().upper()
    )
    if match is None or (match.group(2) and not match.group(3)):
        raise ValueError(
            f"{quoted_value(text)} is not a valid size: give bytes (1048576) or a number with a unit "
            "KiB, MiB, GiB or TiB, in short K, M, G or T (10MiB, 512K)"
        )
    factor: int = 1024 ** (" KMGT".index(match.group(3)) if match.group(3) else 0)
    return int(match.group(1)) * factor + int(float(match.group(2) or 0) * factor)


def _parse_name(text: str) -> str:
    if not 0 < len(text) <= MAX_NAME_LENGTH or not text.isprintable():
        raise ValueError(
            f"{quoted_value(text)} is not a valid name: give 1 to {MAX_NAME_LENGTH} printable characters"
        )
    return text


def _parse_retention(text: str) -> Optional[float]:
    if text == "forever":
        return None
    try:
        seconds = parse_duration(text)
    except ValueError as err:
        raise ValueError(f"{err}, or forever") from err
    if seconds == 0:
        # With 0, the next start would remove a result before anybody could read it.
        raise ValueError(f"{quoted_value(text)} keeps no result: give more than 0, or forever")
    return seconds


def _parse_output_limit(text: str) -> int:
    limit = parse_size(text)
    if 0 < limit < MIN_OUTPUT_LIMIT:
        raise ValueError(
            f"{quoted_value(text)} is too small: give 64KiB or more, or 0 to keep no output"
        )
    return limit


def _parse_progress_regex(text: str) -> str:
    check_progress_regex(text)
    return text


_SETTING_PARSERS = {
    "name": _parse_name,
    "grace": parse_duration,
    "idle_timeout": lambda text: parse_duration(text) or None,
    "retention": _parse_retention,
    "output_limit": _parse_output_limit,
    "progress_regex": _parse_progress_regex,
}


def parse_setting(field: str, text: str) -> Any:
    """Return the value of one field of ``Settings``, parsed from a user's text.

    Raise ValueError, naming the text, if it is not valid.
    """
    # Spaces at the ends have a meaning only in a regular expression.
    return _SETTING_PARSERS[field](text if field == "progress_regex" else text.strip())


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Return the settings in ANSIBLE_ASYNC_NAME, _GRACE, _IDLE_TIMEOUT, _RETENTION, _OUTPUT_LIMIT and _PROGRESS_REGEX.

    A variable that is unset or blank has its default. Raise SettingError if the value of one is not valid.
    """
    values: Dict[str, Any] = {}
    for field in _SETTING_PARSERS:
        variable = "ANSIBLE_ASYNC_" + field.upper()
        value = environ.get(variable, "")
        if not value.strip():
            continue
        try:
            values[field] = parse_setting(field, value)
        except ValueError as err:
            raise SettingError(f"{variable}: {err}") from err
    return Settings(**values)
