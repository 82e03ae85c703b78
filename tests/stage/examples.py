# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every example in the documentation, run as its reader would run it, on machines like those that it speaks of."""

from __future__ import annotations

import json
import os
from pathlib import Path

from . import cache, environments, host
from .bench import Bench, remove_stage
from .process import run

_TESTS = Path("tests", "examples")
# what a reader may have set, or not; the examples are tried as by one who has set nothing
_UNSET = ("ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_CONFIG", "ANSIBLE_HOME")


def examples(bench: Bench) -> None:
    """What the guides, the README and the plugins' documentation show is what happens."""
    # most of the time goes into waiting for jobs
    workers = 1 + len(os.sched_getaffinity(0))
    stages = [bench.workspace.directory / f"examples-{number}" for number in range(workers)]
    inventory = bench.sources / _TESTS / "inventory"
    fixture = bench.sources / _TESTS / "playbooks" / "machines.yml"
    with bench.crew() as pool:
        for started in [
            pool.submit(bench.start_machines, it, fixture, inventory=inventory) for it in stages
        ]:
            started.result()
    venv = environments.venv("screens")
    command = [f"{venv}/bin/python", "-m", "pytest", "-p", "no:cacheprovider", "--dist=worksteal"]
    try:
        run(
            [*command, f"-n{workers}", str(_TESTS)],
            cwd=bench.sources,
            env=environment(bench, venv, stages),
        )
    finally:
        for stage in stages:
            remove_stage(stage)


def environment(bench: Bench, venv: Path, stages: list[Path]) -> dict[str, str]:
    """The environment of these tests: where machines are, one set of them for each worker."""
    host.podman_shim(bench.workspace.bin)
    inherited = bench.workspace.environment(venv)
    return {
        **{name: value for name, value in inherited.items() if name not in _UNSET},
        "LONGRUN_JOBS_CACHE": str(cache.root()),
        "LONGRUN_JOBS_COLLECTIONS": inherited["ANSIBLE_COLLECTIONS_PATH"],
        "LONGRUN_JOBS_MACHINES": json.dumps([str(stage) for stage in stages]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(bench.workspace.collections),
    }
