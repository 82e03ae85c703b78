# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long it takes to get the status of jobs that run."""

from __future__ import annotations

from ..contenders import CORE, DROP_IN, INFO, MITOGEN, RUN, WAIT
from ..links import MAIN
from .part import Bench, Part

_PLAYS = {INFO.name: "status_info", WAIT.name: "status_wait"}
_DURATION = 3000


def measure(bench: Bench) -> None:
    """Measure in turns: the status of each job in a loop, and of all in one task. The jobs are the same for all."""
    wanted = sorted({*bench.scale.status, *bench.scale.distant})
    prepared = bench.testbed.play(
        "start_run", RUN, MAIN, duration=_DURATION, sizes=wanted, directory="~/jobs"
    )
    bench.testbed.wait_for(sum(wanted) + 1)
    for link in bench.scale.links:
        for repetition, contender in bench.turns(CORE, INFO, MITOGEN, WAIT, DROP_IN):
            sizes = bench.scale.sizes(bench.scale.status, link, repetition)
            if not sizes:
                continue
            run = bench.testbed.play(
                _PLAYS.get(contender.name, "status_loop"),
                contender,
                link,
                sizes=sizes,
                jids=prepared.told,
                directory="~/jobs",
            )
            for size in dict.fromkeys(sizes):
                for task in run.named(f"Ask after {size}"):
                    bench.add_task("status", "status", contender, size, link, task)
        bench.say(f"status: {link}")
    bench.testbed.clean()


PART = Part("status", "asking after jobs", measure)
