# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run's jobs as one HTML page that loads nothing from anywhere.

Private to the collection longrun.jobs: may change in any release.
"""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.states import (
    END_STATES,
    STATE_QUEUED,
    STATE_RUNNING,
)
from ansible_collections.longrun.jobs.plugins.plugin_utils._sight.job_text import (
    amount,
    clock,
    counts,
    duration,
    plural,
    size,
    state_words,
)
from ansible_collections.longrun.jobs.plugins.plugin_utils._sight.seen import SeenJob

_PARTS = Path(__file__).with_name("timeline_page")
_STATES = (STATE_QUEUED, STATE_RUNNING, *END_STATES)
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200)
_DAY = 86400
_MOST_TICKS = 10
_LEAST_WIDTH = (
    0.3  # percent: a job of a second in a run of a day must be visible and easy to point at
)


@dataclass(frozen=True)
class Mark:
    """Something that happened at a moment. at: in percent of the page's span of time. text: what."""

    at: float
    text: str


@dataclass(frozen=True)
class Bar:
    """A job on the page. style: its class in the style sheet. says: for screen readers. begin, width: in percent."""

    label: str
    state: str
    style: str
    says: str
    begin: float
    width: float
    marks: Sequence[Mark]
    retries: Sequence[Mark]
    facts: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class HostBars:
    """The jobs of a host on the page."""

    host: str
    bars: Sequence[Bar]


@dataclass(frozen=True)
class Timeline:
    """The contents of a page, for its template."""

    title: str
    subtitle: str
    ticks: Sequence[Mark]
    hosts: Sequence[HostBars]
    states: Sequence[tuple[str, int]]
    jobs: int


def timeline(title: str, jobs: Iterable[SeenJob], begin: float, now: float) -> Timeline:
    """Return the page's contents. begin: when the run began. Times are seconds since the epoch."""
    listed = list(jobs)
    first = min([begin, *(job.began for job in listed)])
    last = max([job.began + job.seconds(now) for job in listed], default=now)
    span = max(1.0, last - first)
    hosts: dict[str, list[SeenJob]] = {}
    tally: dict[str, int] = {}
    for job in listed:
        hosts.setdefault(job.host, []).append(job)
        tally[_style(job.state)] = tally.get(_style(job.state), 0) + 1
    started = time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(first))
    return Timeline(
        title=title,
        subtitle=f"{plural(len(listed), 'job')} on {plural(len(hosts), 'host')}: "
        f"{counts(listed) or 'none'}. From {started}, for {duration(span)}.",
        ticks=[Mark(_share(tick, span), clock(tick)) for tick in ticks(span)],
        hosts=[
            HostBars(host, [_bar(job, first, span, now) for job in hosts[host]])
            for host in sorted(hosts)
        ],
        states=[(state, tally[state]) for state in (*_STATES, "other") if state in tally],
        jobs=len(listed),
    )


def ticks(span: float) -> list[float]:
    """Return round offsets in seconds, at intervals of equal length over a span: at most ten intervals."""
    step = next((step for step in _STEPS if span / step <= _MOST_TICKS), 0)
    if not step:
        step = _DAY
        while span / step > _MOST_TICKS:
            step *= 2
    return [float(step * number) for number in range(int(span // step) + 1)]


def _share(seconds: float, span: float) -> float:
    """Return seconds in percent of the span, from 0 to 100."""
    return round(min(100.0, max(0.0, 100 * seconds / span)), 3)


def _style(state: str) -> str:
    """Return the class of a state in the style sheet. It never is a text that a target has sent."""
    return state if state in _STATES else "other"


def _bar(job: SeenJob, first: float, span: float, now: float) -> Bar:
    begin = _share(job.began - first, span)
    width = max(_LEAST_WIDTH, _share(job.began + job.seconds(now) - first, span) - begin)
    return Bar(
        label=job.label,
        state=state_words(job),
        style=_style(job.state),
        says=f"{job.label} on {job.host}: {state_words(job)}, {duration(job.seconds(now))}",
        begin=min(begin, 100 - _LEAST_WIDTH),
        width=round(width, 3),
        marks=[Mark(_share(when - first, span), f"{percent:.0f}%") for when, percent in job.marks],
        retries=[Mark(_share(when - first, span), text) for when, text in job.retries],
        facts=[(term, text) for term, text in _facts(job, now) if text],
    )


def _facts(job: SeenJob, now: float) -> list[tuple[str, str]]:
    progress = "" if job.percent is None else f"{job.percent:.0f}%"
    parts = (progress, amount(job), job.progress_message)
    return [
        ("Job", job.label),
        ("Host", job.host),
        ("State", state_words(job)),
        ("Failure", job.message),
        ("Task", job.task),
        ("Module", job.module),
        ("Job id", job.jid),
        ("Began", time.strftime("%H:%M:%S", time.localtime(job.began))),
        ("Took" if job.ended else "So far", duration(job.seconds(now))),
        ("Time limit", "" if not job.timeout else duration(job.timeout)),
        ("Progress", ", ".join(part for part in parts if part)),
        ("Attempt", "" if job.attempt == 1 else str(job.attempt)),
        ("Retries", "; ".join(text for _when, text in job.retries)),
        ("CPU", "" if job.cpu_seconds is None else f"{job.cpu_seconds:.1f} s"),
        ("Peak memory", "" if job.max_rss_bytes is None else size(job.max_rss_bytes)),
        ("Last line", job.last_line),
    ]


def render(contents: Timeline) -> str:
    """Return the page's HTML.

    All texts from jobs and hosts are escaped. The page's policy allows no style and no script but its own, by hash.
    """
    style, script = (_part(name) for name in ("page.css", "page.js"))
    template = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    ).from_string(_part("page.html.j2"))
    return template.render(
        page=contents,
        style=Markup(style),
        script=Markup(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
    )


def _part(name: str) -> str:
    return (_PARTS / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
