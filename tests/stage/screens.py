# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people and other programs see of jobs: terminals, log files, a browser, ansible-runner, ARA."""

from __future__ import annotations

import json
import os
from pathlib import Path

from . import dependencies, environments, host
from .bench import Bench
from .controllers import SUITES
from .process import run

_PACKAGES = (
    "tmux",
    "chromium",
    # without a font a browser shows boxes
    "fonts-dejavu-core",
)
_TESTS = Path("tests", "screens")


def screens(bench: Bench) -> None:
    """Bars move under every core, pages open in a browser, and others get valid output."""
    host.install(_PACKAGES)
    # most of the time goes into waiting for jobs
    workers = 1 + len(os.sched_getaffinity(0))
    venv = environments.venv("screens")
    command = [f"{venv}/bin/python", "-m", "pytest", "-p", "no:cacheprovider", f"-n{workers}"]
    run([*command, str(_TESTS)], cwd=bench.sources, env=environment(bench, venv))


def environment(bench: Bench, venv: Path) -> dict[str, str]:
    """The environment of these tests: how to run a playbook under each core, with a terminal and without."""
    directory = bench.sources / _TESTS / "playbooks"
    commands: dict[str, dict[str, list[str]]] = {}
    for core in SUITES:
        controller = bench.controller(core)
        rich = environments.rich(controller.image.python)
        commands[core] = {
            name: controller.command(
                ["ansible-playbook"],
                directory,
                bench.workspace.directory,
                terminal=terminal,
                libraries=libraries,
            )
            for name, terminal, libraries in (
                ("terminal", True, [rich]),
                ("terminal without rich", True, []),
                ("file", False, [rich]),
            )
        }
    host.podman_shim(bench.workspace.bin)
    return {
        **bench.workspace.environment(venv, dependencies.provide()),
        "ANSIBLE_CONFIG": str(bench.workspace.drop_in_config),
        "LONGRUN_JOBS_CONTROLLERS": json.dumps(commands),
        "PYTHONDONTWRITEBYTECODE": "1",
        # what is drawn and rendered is imported as the collection's own code is
        "PYTHONPATH": str(bench.workspace.collections),
    }
