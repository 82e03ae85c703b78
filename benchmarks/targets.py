# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The targets for the figures, and whether they are met."""

from __future__ import annotations

from dataclasses import dataclass

from .contenders import CORE, DROP_IN, INFO, MITOGEN, NO_SPOOL, RUN, WAIT, WRAPPER, Contender
from .figures import UNITS, Figures, Key
from .links import MAIN, Link
from .scale import DEFAULT

_FAR = Link(50, True)


@dataclass(frozen=True)
class Target:
    """A limit: *figure*, divided by *over* if that is given, must not be above it."""

    about: str
    figure: Key
    over: Key | None
    limit: float

    @property
    def unit(self) -> str:
        """The unit of the limit, "" for a ratio."""
        return "" if self.over else UNITS[self.figure.quantity]


@dataclass(frozen=True)
class Verdict:
    """A target and the measured value, in the target's unit."""

    target: Target
    value: float

    @property
    def met(self) -> bool:
        """Whether the target is met."""
        return self.value <= self.target.limit


def _ratio(
    about: str,
    limit: float,
    part: str,
    what: str,
    contenders: tuple[Contender, Contender],
    size: int,
    quantity: str = "time",
) -> Target:
    ours, theirs = (Key(part, what, it.name, size, MAIN, quantity) for it in contenders)
    return Target(about, ours, theirs, limit)


_MANY = DEFAULT.many[-1]
_JOBS = DEFAULT.footprint
_together = Key("footprint", "together", RUN.name, _JOBS, MAIN, "PSS")
_apart = Key("footprint", "apart", DROP_IN.name, _JOBS, MAIN, "PSS")
_core_apart = Key("footprint", "apart", CORE.name, _JOBS, MAIN, "PSS")

TARGETS = (
    _ratio("async_run, 1 job / core", 0.15, "start", "start", (RUN, CORE), 1),
    _ratio("async_run, 1 job / Mitogen", 2, "start", "start", (RUN, MITOGEN), 1),
    _ratio("drop-in start, library alone / core", 0.5, "start", "start", (WRAPPER, CORE), 1),
    _ratio("drop-in start / core", 0.2, "start", "start", (DROP_IN, CORE), 1),
    _ratio("async_run, 50 jobs / core", 0.01, "start", "start", (RUN, CORE), 50),
    _ratio("async_run, 50 jobs / Mitogen", 0.3, "start", "start", (RUN, MITOGEN), 50),
    _ratio("async_info, 200 jobs / core", 0.005, "status", "status", (INFO, CORE), 200),
    _ratio("async_wait, 200 jobs / core", 0.005, "status", "status", (WAIT, CORE), 200),
    Target(
        "async_wait knows of the end",
        Key("detection", "every 1 s", WAIT.name, 1, MAIN),
        None,
        0.1,
    ),
    Target(
        "the drop-in's poll knows of the end",
        Key("detection", "every 1 s", DROP_IN.name, 1, MAIN),
        None,
        0.1,
    ),
    Target(
        "async_wait knows of the end, 50 ms away",
        Key("detection", "every 1 s", WAIT.name, 1, _FAR),
        None,
        0.15,
    ),
    _ratio("whole play / core", 0.3, "whole", "whole play", (RUN, CORE), DEFAULT.whole),
    Target("PSS of a job / core", _apart, _core_apart, 0.4),
    Target("PSS of a job started together", _together, None, 9.0),
    Target(
        "wake-ups of a supervisor",
        Key("footprint", "apart", DROP_IN.name, _JOBS, MAIN, "supervisor's wake-ups"),
        None,
        0,
    ),
    Target(
        "wake-ups of a supervisor, of jobs started together",
        Key("footprint", "together", RUN.name, _JOBS, MAIN, "supervisor's wake-ups"),
        None,
        0,
    ),
    Target(
        f"async_info, {_MANY:,} jobs",
        Key("many", "status", INFO.name, _MANY, MAIN),
        None,
        0.5,
    ),
    _ratio(
        "100 MB of live output / none kept",
        1.05,
        "output",
        "print",
        (DROP_IN, NO_SPOOL),
        DEFAULT.mebibytes,
    ),
)


def verdicts(figures: Figures) -> list[Verdict]:
    """Return a verdict on each target whose figures were measured."""
    found = []
    for target in TARGETS:
        value = figures.median(target.figure)
        if value is not None and target.over is not None:
            over = figures.median(target.over)
            value = value / over if over else None
        if value is not None:
            found.append(Verdict(target, value))
    return found
