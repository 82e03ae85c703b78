# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drop-in, the jobs that async_run starts, and what is done with jobs, under every supported ansible-core.

Each has a machine of its own: what differs between cores is on the controller, and on all of the machines under one of them
the scenarios run in the check ``molecule``.
"""

from __future__ import annotations

import re

from . import environments
from .bench import Bench, remove_stage
from .matrix import Outcome, under_each
from .process import StageError, transcript
from .versions import Core

_SCENARIOS = (
    "extensions/molecule/drop_in",
    "extensions/molecule/run",
    "extensions/molecule/control",
)
_PLAYBOOKS = ("prepare.yml", "converge.yml", "verify.yml", "cleanup.yml")
_GUARD = "tests/stage/playbooks/core_version.yml"


def cores(bench: Bench) -> None:
    """The drop-in and all modules work under each core, the one that was asked for and no other.

    One more runs at once than there are processors, for most of the time goes into waiting for jobs.
    """
    playbooks = [str(bench.sources / _GUARD)]
    for scenario in _SCENARIOS:
        found = [bench.sources / scenario / name for name in _PLAYBOOKS]
        found = [playbook for playbook in found if playbook.exists()]
        if not found:
            raise StageError(f"{scenario} has no playbook to run")
        playbooks += map(str, found)
    under_each(
        bench,
        bench.cores,
        ("Ran", "Python", "Target"),
        lambda core: _scenarios_under(core, playbooks, bench),
        more=1,
    )


def _scenarios_under(core: Core, playbooks: list[str], bench: Bench) -> Outcome:
    controller = bench.controller(core.version)
    bench.start_machines(controller.home, hosts=core.machine)
    options = [f"--inventory={bench.inventory}", f"--limit=localhost,{core.machine}"]
    # one process for all of them, so the version that is asserted is the version that ran
    program = ["ansible-playbook", *options, f"--extra-vars=stage_core={core.version}", *playbooks]
    try:
        status, text = transcript(controller.command(program, bench.sources, controller.home))
    finally:
        remove_stage(controller.home)
    ran = re.search(r"ran ansible-core (\S+) on Python ([\d.]+)", text)
    version, python = (ran[1], ran[2]) if ran else ("?", "?")
    passed = status == 0 and version == environments.release(core.version)
    return Outcome((version, python, core.machine), passed, text)
