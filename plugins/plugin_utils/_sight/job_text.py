# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes jobs as plain text: lines about one that runs or has ended, a table of several. No I/O.

Private to the collection longrun.jobs: may change in any release.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.states import (
    END_STATES,
    STATE_QUEUED,
    STATE_RUNNING,
    STATE_SUCCEEDED,
)
from ansible_collections.longrun.jobs.plugins.plugin_utils._sight.seen import SeenJob

_ORDER = (STATE_QUEUED, STATE_RUNNING, *END_STATES)
_LONGEST_LINE = 160
_LONGEST_CELL = 48
_COLUMNS = ("JOB", "HOST", "STATE", "ELAPSED", "CPU", "PEAK MEMORY")
_RIGHT = frozenset(("ELAPSED", "CPU", "PEAK MEMORY"))


def duration(seconds: float) -> str:
    """Return seconds as ``41.2 s`` or, from a minute on, as ``1:41``, ``1:02:03`` or ``2d 03:04:05``."""
    if seconds < 59.95:
        return f"{max(0.0, seconds):.1f} s"
    return clock(seconds)


def clock(seconds: float) -> str:
    """Return seconds as ``0:41``, ``1:02:03`` or ``2d 03:04:05``."""
    minutes, second = divmod(max(0, int(seconds)), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return f"{days}d {hour:02d}:{minute:02d}:{second:02d}"
    return f"{hour}:{minute:02d}:{second:02d}" if hour else f"{minute}:{second:02d}"


def size(count: float) -> str:
    """Return a number of bytes as ``38.3 MiB``."""
    units = ("B", "KiB", "MiB", "GiB", "TiB")
    unit = 0
    while count >= 1024 and unit < len(units) - 1:
        count, unit = count / 1024, unit + 1
    return f"{count:.1f} {units[unit]}" if unit else f"{count:.0f} B"


def shortened(text: str, length: int) -> str:
    """Return the text, cut to this length with an ellipsis at its end if it is longer."""
    return text if len(text) <= length else text[: max(0, length - 1)] + "…"


def _count(value: float) -> str:
    return f"{value:.0f}" if value == int(value) else f"{value:.1f}"


def amount(job: SeenJob) -> str:
    """Return how much a job has done, such as ``123/273 packages``, or an empty text if it counts nothing."""
    if job.current is None:
        return ""
    of_total = f"/{_count(job.total)}" if job.total is not None else ""
    return f"{_count(job.current)}{of_total} {job.unit}".rstrip()


def state_words(job: SeenJob) -> str:
    """Return the job's state, with its reason unless that is the usual one: ``failed (deadline)``, ``succeeded``."""
    return f"{job.state} ({job.reason})" if job.reason not in ("", "exit") else job.state


def progress_line(job: SeenJob, now: float) -> str:
    """Return a line of a log about a job that runs."""
    facts = [state_words(job) if job.percent is None else f"{job.percent:.0f}%"]
    if amount(job):
        facts.append(amount(job))
    facts.append(f"{duration(job.seconds(now))} so far")
    left = job.left(now)
    if left is not None and left >= 1:
        facts.append(f"about {duration(left)} left")
    latest = job.progress_message or job.last_line
    text = f"{job.host} {job.label}: {', '.join(facts)}"
    return shortened(f"{text}: {latest}" if latest else text, _LONGEST_LINE)


def end_line(job: SeenJob, now: float) -> str:
    """Return a line about a job that has ended."""
    used = []
    if job.cpu_seconds is not None:
        used.append(f"{job.cpu_seconds:.1f} s cpu")
    if job.max_rss_bytes is not None:
        used.append(size(job.max_rss_bytes))
    text = f"{job.host} {job.label}: {state_words(job)} after {duration(job.seconds(now))}"
    if used:
        text += f", {', '.join(used)}"
    if job.message:
        text += f": {job.message}"
    return shortened(text, _LONGEST_LINE)


def counts(jobs: Iterable[SeenJob]) -> str:
    """Return how many jobs are in each state: ``412 running, 585 succeeded, 3 failed``."""
    tally: dict[str, int] = {}
    for job in jobs:
        tally[job.state] = tally.get(job.state, 0) + 1
    order = {state: number for number, state in enumerate(_ORDER)}
    states = sorted(tally, key=lambda state: order.get(state, len(order)))
    return ", ".join(f"{tally[state]} {state}" for state in states)


def plural(number: int, word: str) -> str:
    """Return ``1 job``, ``2 jobs``."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def overview(jobs: Sequence[SeenJob]) -> str:
    """Return a summary: ``12 jobs on 3 hosts: 5 running, 7 succeeded``."""
    hosts = len({job.host for job in jobs})
    return f"{plural(len(jobs), 'job')} on {plural(hosts, 'host')}: {counts(jobs)}"


def table(jobs: Sequence[SeenJob], now: float, most: int) -> list[tuple[str, str]]:
    """Return the lines of a table as (state, line): its head, each job, and a line for the jobs that were left out.

    The state is empty for a line that is not a job's. most: how many jobs the table has at most, 0 for all. If there
    are more, it has those that did not succeed first, then those that took longest.
    """
    shown = list(jobs)
    if most and len(shown) > most:
        shown.sort(key=lambda job: (job.state == STATE_SUCCEEDED, -job.seconds(now)))
    shown, rest = (shown[:most], shown[most:]) if most else (shown, [])
    rows = [_row(job, now) for job in shown]
    widths = [max(map(len, column)) for column in zip(_COLUMNS, *rows, strict=True)]
    lines = [("", _aligned(_COLUMNS, widths))]
    lines += [(job.state, _aligned(row, widths)) for job, row in zip(shown, rows, strict=True)]
    if rest:
        lines.append(("", f"and {len(rest)} more: {counts(rest)}"))
    return lines


def _row(job: SeenJob, now: float) -> tuple[str, ...]:
    return (
        shortened(job.label, _LONGEST_CELL),
        shortened(job.host, _LONGEST_CELL),
        state_words(job),
        duration(job.seconds(now)),
        "-" if job.cpu_seconds is None else f"{job.cpu_seconds:.1f} s",
        "-" if job.max_rss_bytes is None else size(job.max_rss_bytes),
    )


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [
        cell.rjust(width) if head in _RIGHT else cell.ljust(width)
        for head, cell, width in zip(_COLUMNS, row, widths, strict=True)
    ]
    return "  ".join(cells).rstrip()
