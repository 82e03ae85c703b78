# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ansible-test sanity under every supported ansible-core, as Ansible's own infrastructure runs it.

An interpreter of this machine runs a core where one is right for it, and then all others that are here import the
plugins, too. Else the core's Debian container does, with nothing but its own Python, and without a network.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from . import cache, dependencies, environments, host, workspace
from .bench import Bench
from .controllers import SUITES
from .process import StageError, output, run, show, transcript
from .summary import table

# ansible-test bootstraps its virtual environments with a script that it would download. Every
# interpreter brings a pip along, which serves as well. The names are those that it looks for.
_GET_PIP_VERSIONS = ("21_3_1", "23_1_2", "24_2", "25_2", "26_0")
_GET_PIP = """\
# Stand-in for the get-pip script: installs the pip that is bundled with the interpreter.
import ensurepip

ensurepip.bootstrap()
"""

_OWN = f"{sys.version_info[0]}.{sys.version_info[1]}"

# The Pythons, by their minor version, on which each ansible-core has ansible-test run.
_PYTHONS = {
    "2.16": range(10, 13),
    "2.17": range(10, 13),
    "2.18": range(11, 14),
    "2.19": range(11, 14),
    "2.20": range(12, 15),
    "2.21": range(12, 15),
}
_OLDEST, *_BETWEEN, _NEWEST = _PYTHONS
_SANITY = ("sanity", "--local", "--color=no", "-v")


@dataclass(frozen=True)
class Run:
    """How it went under one ansible-core."""

    core: str
    where: str
    python: str
    version: str
    status: int
    text: str
    seconds: float

    @property
    def imported_by(self) -> list[str]:
        """The Pythons that imported the plugins: a missing one is only a warning to ansible-test."""
        return re.findall(r"Running sanity test \"import\" on Python (3\.\d+)", self.text)

    @property
    def passed(self) -> bool:
        """Whether the core that was asked for ran, on the Python that was meant, and found nothing."""
        right = self.version.startswith(f"{self.core}.") and self.python in self.imported_by
        return self.status == 0 and right


def sanity(bench: Bench) -> None:
    """Every sanity test passes under every supported ansible-core.

    All sources under the oldest and the newest, under those between them what is installed.
    """
    with bench.crew() as pool:
        runs = [pool.submit(_sanity_under, core, bench) for core in _PYTHONS]
        results = [it.result() for it in runs]
    rows = []
    for it in results:
        show(it.text)
        result = "passed" if it.passed else "FAILED"
        ran = (it.version, it.python, it.where, " ".join(it.imported_by))
        rows.append((*ran, f"{it.seconds:.0f}", result))
    headings = ("ansible-core", "Python", "Where", "Imported by Python", "Seconds", "Result")
    print(table(headings, rows), flush=True)
    failed = [it.core for it in results if not it.passed]
    if failed:
        raise StageError(f"ansible-test sanity of ansible-core {', '.join(failed)}")


def _sanity_under(core: str, bench: Bench) -> Run:
    here = {**host.interpreters(), _OWN: Path(sys.executable)}
    fitting = [python for python in here if int(python.split(".")[1]) in _PYTHONS[core]]
    place = bench.workspace.directory / f"sanity-{core}"
    tree = place / "ansible_collections" / "longrun" / "jobs"
    if core in _BETWEEN:
        shutil.copytree(bench.workspace.collection, tree)
        (tree / "tests").mkdir()
        shutil.copy(bench.sources / "tests" / "config.yml", tree / "tests")
    else:
        workspace.copy_sources(tree)
    begin = time.monotonic()
    # each core has its own home, and this lock: ansible-test makes its environments on first use
    with cache.lock(f"ansible-test-{core}"):
        if fitting:
            python = _OWN if _OWN in fitting else fitting[-1]
            version, status, text = _here(core, here, python, tree, bench)
        else:
            python = bench.images[SUITES[core]].python
            version, status, text = _in_container(core, place, bench)
    where = "this machine" if fitting else f"Debian {SUITES[core]}"
    return Run(core, where, python, version, status, text, time.monotonic() - begin)


def _here(
    core: str, interpreters: dict[str, Path], python: str, tree: Path, bench: Bench
) -> tuple[str, int, str]:
    venv = environments.core_venv(core, interpreters[python])
    directories = [str(path.parent) for path in interpreters.values()]
    environment = bench.workspace.environment(venv, dependencies.provide())
    env = {
        **environment,
        "HOME": str(_home(core, "here")),
        # real interpreters only: a shim may stand for one that is not there
        "PATH": os.pathsep.join(
            place
            for place in dict.fromkeys([*directories, *environment["PATH"].split(os.pathsep)])
            if not place.endswith("/shims")
        ),
    }
    # it asks git which files there are
    run(["git", "init", "--quiet", "."], cwd=tree, env=env)
    run(["git", "add", "--all"], cwd=tree, env=env)
    program = f"{venv}/bin/ansible-test"
    version = output([program, "--version"], env=env, cwd=tree).split()[-1]
    return version, *transcript([program, *_SANITY], cwd=tree, env=env)


def _in_container(core: str, place: Path, bench: Bench) -> tuple[str, int, str]:
    image = bench.images[SUITES[core]]
    wheels = environments.core(core, image.python)
    box = environments.sanity_wheels(core, image.python)
    config = place / "pip.conf"
    config.write_text("[global]\nno-index = true\nfind-links = /box\n")
    command = [
        *host.podman(),
        *("run", "--rm", "--init", "--network=none"),
        f"--label=longrun.jobs.stage={bench.workspace.directory}",
        *(f"--volume={place}:/tree", f"--volume={wheels}:/wheels:ro", f"--volume={box}:/box:ro"),
        *(f"--volume={_home(core, image.suite)}:/root", f"--volume={config}:/etc/pip.conf:ro"),
        "--workdir=/tree/ansible_collections/longrun/jobs",
        *("--env=LC_ALL=C.UTF-8", "--env=PYTHONPATH=/wheels"),
        *(image.name, "python3", "/wheels/bin/ansible-test"),
    ]
    version = output([*command, "--version"]).split()[-1]
    return version, *transcript([*command, *_SANITY])


def _home(core: str, where: str) -> Path:
    """Return a home with the scripts that ansible-test would download, where it keeps its environments."""

    def make(place: Path) -> None:
        scripts = place / ".ansible" / "test" / "cache"
        scripts.mkdir(parents=True)
        for version in _GET_PIP_VERSIONS:
            (scripts / f"get_pip_{version}.py").write_text(_GET_PIP)

    return cache.provide("ansible-test", f"{core}-{where}", [_GET_PIP, *_GET_PIP_VERSIONS], make)
