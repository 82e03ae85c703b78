# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Work on the collection by hand: machines that stay, and the checkout in place of the tarball."""

from __future__ import annotations

import subprocess

from . import host, workspace
from .bench import Bench, remove_machines
from .process import StageError, say
from .workspace import CHECKOUT


def up() -> None:
    """Start the machines under test and leave them running."""
    bench = _bench()
    bench.start_machines(bench.workspace.directory)
    say(f"up; their key and ports are in {bench.workspace.directory}")


def down() -> None:
    """Remove the machines under test."""
    remove_machines(_bench().workspace)


def execute(program: list[str]) -> int:
    """Run *program* in the main environment, in this directory, with the drop-in switched on."""
    if not program:
        raise StageError("exec what?")
    bench = _bench()
    env = {**bench.machine_environment, "ANSIBLE_INVENTORY": str(bench.inventory)}
    return subprocess.run(program, env=env, check=False).returncode


def execute_under(core: str, program: list[str]) -> int:
    """Run *program* under ansible-core *core*, in the checkout, with the drop-in switched on."""
    bench = _bench()
    command = bench.controller(core).command(program, CHECKOUT, bench.workspace.directory)
    return subprocess.run(command, check=False).returncode


def _bench() -> Bench:
    host.install(host.PACKAGES)
    place = workspace.lasting()
    place.link_collection()
    return Bench(place, CHECKOUT)
