# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The time that live output costs a job that prints much."""

from __future__ import annotations

from ..contenders import CORE, DROP_IN, MITOGEN, NO_SPOOL, SYNCHRONOUS
from ..figures import Key
from ..links import MAIN
from .part import Bench, Part

_LIMIT = 600


def measure(bench: Bench) -> None:
    """Measure the contenders in turns. The job itself tells how long its command took: only the reading differs."""
    for _repetition, contender in bench.turns(CORE, DROP_IN, NO_SPOOL, SYNCHRONOUS, MITOGEN):
        run = bench.testbed.play(
            "output",
            contender,
            MAIN,
            mebibytes=bench.scale.mebibytes,
            limit=0 if contender is SYNCHRONOUS else _LIMIT,
            settings={"ANSIBLE_ASYNC_OUTPUT_LIMIT": "0"} if contender is NO_SPOOL else {},
        )
        key = Key("output", "print", contender.name, bench.scale.mebibytes, MAIN)
        bench.figures.add(key, float(run.told["seconds"]))
        bench.testbed.clean()
    bench.say("output")


PART = Part("output", "live output of a job that prints 100 MB", measure)
