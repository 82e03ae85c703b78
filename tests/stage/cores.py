# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drop-in scenario under every supported ansible-core, against the same machines."""

from __future__ import annotations

import re
import time

from .bench import Bench
from .controllers import SUITES
from .process import StageError, say, show, transcript
from .summary import table

_SCENARIO = "extensions/molecule/drop_in"
_PLAYBOOKS = ("prepare.yml", "converge.yml", "verify.yml", "cleanup.yml")


def cores(bench: Bench) -> None:
    """The drop-in works under each core, the one that was asked for and no other."""
    scenario = bench.sources / _SCENARIO
    playbooks = [str(scenario / name) for name in _PLAYBOOKS if (scenario / name).exists()]
    if not playbooks:
        raise StageError(f"{_SCENARIO} has no playbook to run")
    guard = str(bench.sources / "tests" / "stage" / "playbooks" / "core_version.yml")
    bench.start_machines()
    rows: list[tuple[str, str, str, str]] = []
    for core in SUITES:
        controller = bench.controller(core)
        say(f"ansible-core {core}")
        begin = time.monotonic()
        options = [
            f"--inventory={bench.inventory}",
            "--limit=localhost,ssh",
            f"--extra-vars=stage_core={core}",
        ]
        # one process for all of them, so the version that is asserted is the version that ran
        program = ["ansible-playbook", *options, guard, *playbooks]
        status, text = transcript(controller.command(program, scenario))
        show(text)
        ran = re.search(r"ran ansible-core (\S+) on Python ([\d.]+)", text)
        passed = status == 0 and ran is not None and ran[1].startswith(f"{core}.")
        version, python = (ran[1], ran[2]) if ran else (core, "?")
        seconds = f"{time.monotonic() - begin:.0f}"
        rows.append((version, python, seconds, "passed" if passed else "FAILED"))
    print(table(("ansible-core", "Python", "Seconds", "Result"), rows), flush=True)
    failed = [row[0] for row in rows if row[-1] != "passed"]
    if failed:
        raise StageError(f"under ansible-core {', '.join(failed)}")
