# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long it takes from the end of a job until the play knows of it."""

from __future__ import annotations

from ..contenders import CORE, CORE_UNTIL, DROP_IN, DROP_IN_UNTIL, MITOGEN, WAIT, Contender
from ..figures import Key
from ..links import ALL, Link
from .part import Bench, Part

_UNTIL = {CORE_UNTIL.name, DROP_IN_UNTIL.name}


def measure(bench: Bench) -> None:
    """Measure the contenders in turns. Each has jobs that end at the same moments between two polls."""
    for link in (link for link in ALL if link in bench.scale.links and link.pipelining):
        for poll in bench.scale.polls if link.round_trip == 0 else bench.scale.polls[:1]:
            contenders = [CORE, WAIT, MITOGEN, DROP_IN]
            if poll == bench.scale.polls[0]:
                contenders += [CORE_UNTIL, DROP_IN_UNTIL]
            # long polls are measured once
            turns = 1 if poll > bench.scale.polls[0] else bench.scale.repetitions
            for repetition, contender in bench.turns(*contenders, repetitions=turns):
                # spread the ends evenly between two polls, so that luck plays no part
                moment = (repetition + 0.5) / turns
                _measure(bench, contender, poll, 1 + poll * moment, link)
            bench.say(f"detection, every {poll} s: {link}")


def _measure(bench: Bench, contender: Contender, poll: int, duration: float, link: Link) -> None:
    play = "detection_until" if contender.name in _UNTIL else "detection_poll"
    if contender is WAIT:
        play = "detection_wait"
    run = bench.testbed.play(play, contender, link, duration=round(duration, 3), poll=poll)
    (task,) = run.named("Wait")
    key = Key("detection", f"every {poll} s", contender.name, 1, link)
    bench.figures.add(key, task.ended - float(run.told["ended"]))
    bench.testbed.clean()


PART = Part("detection", "from a job's end to the play knowing", measure)
