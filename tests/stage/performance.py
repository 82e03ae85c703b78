# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make bench`: a machine to measure on, a controller with every contender, and the benchmarks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from . import environments, host, workspace
from .bench import Bench, remove_machines
from .process import StageError, output, run
from .versions import MEASURED
from .workspace import CHECKOUT

_TARGET = "bookworm"


def bench(options: Sequence[str]) -> None:
    """Run the benchmarks with the collection as it would be installed, and keep what they find."""
    if "--help" in options:
        run([f"{environments.venv('main')}/bin/python", "-m", "benchmarks", "--help"], cwd=CHECKOUT)
        return
    host.install(host.PACKAGES)
    for remains in workspace.abandoned():
        remove_machines(remains)
        remains.remove()
    with workspace.temporary() as place:
        it = Bench(place, CHECKOUT)
        try:
            place.install_collection(it.venv, CHECKOUT)
            _measure(it, options)
        finally:
            remove_machines(place)


def smallest(bench: Bench) -> None:
    """Every part of the benchmarks yields figures; how large they are is not looked at."""
    results = bench.workspace.directory / "figures.json"
    _measure(bench, ["--smallest", f"--results={results}", "--publish=nowhere"])
    if not json.loads(results.read_text())["figures"]:
        raise StageError("the benchmarks found nothing")


def _measure(bench: Bench, options: Sequence[str]) -> None:
    directory = bench.workspace.directory / "benchmarks"
    directory.mkdir()
    bench.start_machines(directory, hosts=_TARGET)
    controller = bench.controller(MEASURED)
    mitogen = environments.mitogen(controller.image.python)
    label = f"label=longrun.jobs.stage={directory}"
    (container,) = output([*host.podman(), "ps", "--quiet", "--filter", label]).split()
    facts = ["inspect", "--format", "{{.State.Pid}}", container]
    testbed = {
        "directory": str(directory),
        "controller": controller.container(bench.sources, directory, libraries=[mitogen]),
        "inventory": str(bench.inventory / "hosts.yml"),
        "host": _TARGET,
        "port": int((directory / "ports" / _TARGET).read_text()),
        # privileged, to see the memory of other users' processes
        "target": [*host.podman(), "exec", "--privileged", "--interactive", container],
        "target_pid": int(output([*host.podman(), *facts])),
        "collection": str(bench.workspace.collection),
        "mitogen": str(mitogen),
        "versions": {
            "core": _version(controller.wheels, "ansible_core"),
            "mitogen": environments.MITOGEN,
            "controller": f"Debian {controller.image.suite}, Python {controller.image.python}",
            "target": f"Debian {_TARGET}, Python {bench.images[_TARGET].python}",
        },
    }
    described = directory / "testbed.json"
    described.write_text(json.dumps(testbed))
    run(
        [bench.tool("python"), "-m", "benchmarks", f"--testbed={described}", *options],
        cwd=bench.sources,
        env=bench.environment,
    )


def _version(wheels: Path, distribution: str) -> str:
    (metadata,) = wheels.glob(f"{distribution}-*.dist-info")
    return metadata.name.removesuffix(".dist-info").partition("-")[2]
