# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a running job costs the target: processes, memory, wake-ups."""

from __future__ import annotations

import time
from typing import Any

from ..contenders import CORE, DROP_IN, FLOOR, MITOGEN, RUN, WRAPPER, Contender
from ..figures import Key
from ..links import MAIN
from ..testbed import BenchmarkError
from .part import Bench, Part

_DURATION = 3000
_MEBIBYTE = 1 << 20
# Seconds to wait before wake-ups are counted, so that those of the start are not.
_SETTLED = 2.0


def measure(bench: Bench) -> None:
    """Measure each contender once, since memory hardly varies. Its connections are closed by then."""
    _interpreter(bench)
    size = bench.scale.footprint
    for contender in (CORE, RUN, MITOGEN, DROP_IN, WRAPPER):
        play = "start_run" if contender is RUN else "start_loop"
        variables = {"duration": _DURATION, "sizes": [size], "directory": "~/jobs"}
        bench.testbed.play(play, contender, MAIN, warm_up=False, **variables)
        bench.testbed.wait_for(size)
        time.sleep(_SETTLED)
        before = bench.testbed.footprint()
        begin = time.monotonic()
        time.sleep(bench.scale.window)
        after = bench.testbed.footprint()
        if not before or before.keys() - after.keys():
            raise BenchmarkError(f"jobs of {contender.label} ended while they were looked at")
        minutes = (time.monotonic() - begin) / 60
        what = "together" if contender is RUN else "apart"
        _add(bench, contender, what, size, before, after, minutes)
        bench.testbed.clean()
        bench.say(f"footprint: {contender.label}")


def _interpreter(bench: Bench) -> None:
    """Measure the floor: the memory of a bare interpreter, which no program in Python can undercut."""
    pss = bench.testbed.interpreter() / _MEBIBYTE
    bench.figures.add(Key("footprint", "interpreter", FLOOR.name, 1, MAIN, "PSS"), pss)


def _add(
    bench: Bench,
    contender: Contender,
    what: str,
    jobs: int,
    before: dict[str, Any],
    after: dict[str, Any],
    minutes: float,
) -> None:
    switches = {pid: after[pid]["switches"] - before[pid]["switches"] for pid in before}
    # the supervisor of a job is an orphan; the module is its child
    supervisors = [pid for pid in before if before[pid]["parent"] not in before]
    for quantity, amount in (
        ("processes", len(before)),
        ("PSS", sum(process["pss"] for process in before.values()) / _MEBIBYTE),
        ("wake-ups", sum(switches.values()) / minutes),
        ("supervisor's wake-ups", sum(switches[pid] for pid in supervisors) / minutes),
    ):
        key = Key("footprint", what, contender.name, jobs, MAIN, quantity)
        bench.figures.add(key, amount / jobs)


PART = Part("footprint", "processes, memory and wake-ups of a running job", measure)
