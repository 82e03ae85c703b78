# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The floor, which nothing can undercut: one exec, one start of an interpreter, one task."""

from __future__ import annotations

from ..contenders import FLOOR
from ..figures import Key
from .part import Bench, Part

_TASKS = {
    "exec in a task": "Execute nothing in a task",
    "interpreter in a task": "Start an interpreter in a task",
}


def measure(bench: Bench) -> None:
    """Measure the floor over each link."""
    for link in bench.scale.links:
        run = bench.testbed.play("floor", FLOOR, link, times=bench.scale.floor)
        for what in ("exec", "interpreter"):
            key = Key("floor", what, FLOOR.name, 1, link)
            bench.figures.add(key, *map(float, run.told[what]))
        for what, name in _TASKS.items():
            for task in run.named(name):
                bench.add_task("floor", what, FLOOR, 1, link, task)
        bench.testbed.clean()
        bench.say(f"floor: {link}")


PART = Part("floor", "what nothing on the connection can be faster than", measure)
