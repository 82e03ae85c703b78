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
from .matrix import settle
from .process import every, run, show, transcript
from .versions import CORES, is_pre_release

_PACKAGES = (
    "tmux",
    "chromium",
    # without a font a browser shows boxes
    "fonts-dejavu-core",
)
_TESTS = Path("tests", "screens")
# of tests under an ansible-core that is a pre-release: they run apart, because their failure does not count
_MARK = "pre_release"


def screens(bench: Bench) -> None:
    """Bars move under every core, pages open in a browser, and others get valid output."""
    host.install(_PACKAGES)
    # most of the time goes into waiting for jobs
    workers = 1 + len(os.sched_getaffinity(0))
    venv = environments.venv("screens")
    command = [f"{venv}/bin/python", "-m", "pytest", "-p", "no:cacheprovider", f"-n{workers}"]
    env = environment(bench, venv)
    every_final = [*command, "-m", f"not {_MARK}", str(_TESTS)]
    apart = [*command, "-m", _MARK, str(_TESTS)]
    with bench.crew() as pool:
        under_pre_releases = pool.submit(transcript, apart, cwd=bench.sources, env=env)
        every(
            lambda: run(every_final, cwd=bench.sources, env=env),
            lambda: _settle(bench, *under_pre_releases.result()),
        )


def _settle(bench: Bench, status: int, text: str) -> None:
    """Tell how the tests went under pre-releases; where there are none, no test is found, and that is right."""
    show(text)
    if status != 0:
        settle(bench, _pre_releases())


def _pre_releases() -> list[str]:
    releases = [environments.release(core.version) for core in CORES]
    return [release for release in releases if is_pre_release(release)]


def environment(bench: Bench, venv: Path) -> dict[str, str]:
    """The environment of these tests: how to run a playbook under each core, with a terminal and without."""
    directory = bench.sources / _TESTS / "playbooks"
    commands: dict[str, dict[str, list[str]]] = {}
    for core in CORES:
        controller = bench.controller(core.version)
        rich = environments.rich(controller.image.python)
        commands[core.version] = {
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
        "LONGRUN_JOBS_PRE_RELEASES": " ".join(_pre_releases()),
        "PYTHONDONTWRITEBYTECODE": "1",
        # what is drawn and rendered is imported as the collection's own code is
        "PYTHONPATH": str(bench.workspace.collections),
    }
