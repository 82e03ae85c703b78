# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long one whole play takes: start jobs, wait for all of them, collect their results, clean up."""

from __future__ import annotations

import random

from ..contenders import CORE, DROP_IN, FLOOR, MITOGEN, RUN
from ..figures import Key
from ..links import MAIN
from ..meter import Task
from .part import Bench, Part


def measure(bench: Bench) -> None:
    """Measure the contenders in turns, with jobs of the same durations."""
    chosen = random.Random(0)
    durations = [f"{chosen.uniform(0.5, 3):.2f}" for _job in range(bench.scale.whole)]
    jobs = [
        {
            "name": f"part-{number}",
            "task": {"ansible.builtin.shell": f"sleep {seconds}; echo slept {seconds}"},
        }
        for number, seconds in enumerate(durations)
    ]
    for _repetition, contender in bench.turns(CORE, RUN, MITOGEN, DROP_IN):
        play = "whole_run" if contender is RUN else "whole_loop"
        run = bench.testbed.play(play, contender, MAIN, durations=durations, jobs=jobs)
        whole = Task(
            "whole",
            sum(task.seconds for task in run.tasks),
            sum(task.controller_cpu for task in run.tasks),
            sum(task.target_cpu for task in run.tasks),
            run.tasks[-1].ended,
        )
        bench.add_task("whole", "whole play", contender, len(durations), MAIN, whole)
        bench.testbed.clean()
    longest = max(map(float, durations))
    bench.figures.add(Key("whole", "whole play", FLOOR.name, len(durations), MAIN), longest)
    bench.say("whole play")


PART = Part("whole", "starting, waiting, collecting and cleaning up", measure)
