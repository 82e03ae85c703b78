# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Very many jobs on one host, and how time and memory grow with their number."""

from __future__ import annotations

from ..contenders import INFO, RUN, WAIT
from ..figures import Key
from ..links import MAIN
from .part import Bench, Part

_DURATION = 3000


def measure(bench: Bench) -> None:
    """Start jobs, list them, wait for them, measure their memory. Without core and Mitogen: the README says why."""
    for size in bench.scale.many:
        jobs = size + 1  # with the one by which the play opens its connection
        started = bench.testbed.play(
            "start_run", RUN, MAIN, duration=_DURATION, sizes=[size], directory="~/jobs"
        )
        asked = {"sizes": [size], "jids": started.told, "directory": "~/jobs"}
        bench.testbed.wait_for(jobs)
        found = bench.testbed.footprint()
        for what, contender, run in (
            ("start", RUN, started),
            ("status", INFO, bench.testbed.play("status_info", INFO, MAIN, **asked)),
            ("status", WAIT, bench.testbed.play("status_wait", WAIT, MAIN, **asked)),
        ):
            bench.add_task("many", what, contender, size, MAIN, run.tasks[-1])
        pss = sum(process["pss"] for process in found.values()) / (1 << 20)
        bench.figures.add(Key("many", "start", RUN.name, size, MAIN, "PSS"), pss / jobs)
        bench.testbed.clean()
        bench.say(f"many: {size}")


PART = Part("many", "up to 1,000 jobs on one host", measure)
