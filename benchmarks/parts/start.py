# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long it takes to start jobs."""

from __future__ import annotations

from ..contenders import CORE, DROP_IN, MITOGEN, RUN, WRAPPER
from .part import Bench, Part

# Seconds: the jobs outlast the measurement, and are ended after it.
_DURATION = 3000


def measure(bench: Bench) -> None:
    """Measure in turns: the loop of a playbook with each contender, and one task with async_run."""
    for link in bench.scale.links:
        for repetition, contender in bench.turns(CORE, RUN, MITOGEN, DROP_IN, WRAPPER):
            sizes = bench.scale.sizes(bench.scale.start, link, repetition)
            if not sizes:
                continue
            run = bench.testbed.play(
                "start_run" if contender is RUN else "start_loop",
                contender,
                link,
                duration=_DURATION,
                sizes=sizes,
                directory="~/jobs",
            )
            for size in dict.fromkeys(sizes):
                for task in run.named(f"Start {size}"):
                    bench.add_task("start", "start", contender, size, link, task)
            bench.testbed.clean()
        bench.say(f"start: {link}")


PART = Part("start", "starting jobs", measure)
