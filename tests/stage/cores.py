# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drop-in, the jobs that async_run starts, and what is done with jobs, under every supported ansible-core.

Each has a machine of its own: what differs between cores is on the controller, and on all of the machines under one of them
the scenarios run in the check ``molecule``.
"""

from __future__ import annotations

import re
import time

from .bench import Bench, remove_stage
from .controllers import SUITES, Controller
from .process import StageError, say, show, transcript
from .summary import table

_SCENARIOS = (
    "extensions/molecule/drop_in",
    "extensions/molecule/run",
    "extensions/molecule/control",
)
# the machine by the core, each of them for an older and a newer one
_MACHINES = {
    "2.16": "trixie",
    "2.17": "bullseye",
    "2.18": "bookworm",
    "2.19": "bullseye",
    "2.20": "bookworm",
    "2.21": "trixie",
}
_PLAYBOOKS = ("prepare.yml", "converge.yml", "verify.yml", "cleanup.yml")
_GUARD = "tests/stage/playbooks/core_version.yml"

_Row = tuple[str, str, str, str, str]


def cores(bench: Bench) -> None:
    """The drop-in and all modules work under each core, the one that was asked for and no other.

    As many run at once as there are processors, for most of the time goes into waiting for jobs.
    """
    playbooks = [str(bench.sources / _GUARD)]
    for scenario in _SCENARIOS:
        found = [bench.sources / scenario / name for name in _PLAYBOOKS]
        found = [playbook for playbook in found if playbook.exists()]
        if not found:
            raise StageError(f"{scenario} has no playbook to run")
        playbooks += map(str, found)
    controllers = [bench.controller(core) for core in SUITES]
    with bench.crew() as pool:
        runs = [pool.submit(_scenarios_under, it, playbooks, bench) for it in controllers]
        rows = [run.result() for run in runs]
    print(table(("ansible-core", "Python", "Target", "Seconds", "Result"), rows), flush=True)
    failed = [row[0] for row in rows if row[-1] != "passed"]
    if failed:
        raise StageError(f"under ansible-core {', '.join(failed)}")


def _scenarios_under(controller: Controller, playbooks: list[str], bench: Bench) -> _Row:
    begin = time.monotonic()
    core = controller.core
    machine = _MACHINES[core]
    bench.start_machines(controller.home, hosts=machine)
    options = [f"--inventory={bench.inventory}", f"--limit=localhost,{machine}"]
    # one process for all of them, so the version that is asserted is the version that ran
    program = ["ansible-playbook", *options, f"--extra-vars=stage_core={core}", *playbooks]
    try:
        status, text = transcript(controller.command(program, bench.sources, controller.home))
    finally:
        remove_stage(controller.home)
    say(f"ansible-core {core}")
    show(text)
    ran = re.search(r"ran ansible-core (\S+) on Python ([\d.]+)", text)
    passed = status == 0 and ran is not None and ran[1].startswith(f"{core}.")
    version, python = (ran[1], ran[2]) if ran else (core, "?")
    return (
        version,
        python,
        machine,
        f"{time.monotonic() - begin:.0f}",
        "passed" if passed else "FAILED",
    )
