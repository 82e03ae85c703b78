# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ansible-test sanity under every ansible-core, as Ansible's own infrastructure runs it.

An interpreter of this machine runs a core where one is right for it, and then all others that are here import the
plugins, too. Else the core's Debian container does, with nothing but its own Python, and without a network.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from . import cache, dependencies, environments, host, workspace
from .bench import Bench
from .interpreters import interpreter, of_this_machine
from .matrix import Outcome, under_each
from .process import output, run, transcript
from .versions import NEWEST, OLDEST, Core

# ansible-test bootstraps its virtual environments with a script that it would download. Every
# interpreter brings a pip along, which serves as well. The names are those that it looks for.
_GET_PIP_VERSIONS = ("21_3_1", "23_1_2", "24_2", "25_2", "26_0")
_GET_PIP = """\
# Stand-in for the get-pip script: installs the pip that is bundled with the interpreter.
import ensurepip

ensurepip.bootstrap()
"""

_SANITY = ("sanity", "--local", "--color=no", "-v")


def sanity(bench: Bench) -> None:
    """Every sanity test passes under every ansible-core.

    All sources under the oldest that is supported, the newest, and those to come; under the others what is installed.
    """
    headings = ("Ran", "Python", "Where", "Imported by Python")
    under_each(bench, bench.cores, headings, lambda core: _sanity_under(core, bench))


def _sanity_under(core: Core, bench: Bench) -> Outcome:
    place = bench.workspace.directory / f"sanity-{core.version}"
    tree = place / "ansible_collections" / "longrun" / "jobs"
    if core is OLDEST or core is NEWEST or core.unreleased:
        workspace.copy_sources(tree)
    else:
        shutil.copytree(bench.workspace.collection, tree)
        (tree / "tests").mkdir()
        shutil.copy(bench.sources / "tests" / "config.yml", tree / "tests")
    chosen = interpreter(core)
    # each core has its own home, and this lock: ansible-test makes its environments on first use
    with cache.lock(f"ansible-test-{core.version}"):
        if chosen.path is None:
            version, status, text = _in_container(core, place, bench)
        else:
            version, status, text = _here(core.version, chosen.path, tree, bench)
    # a Python that is missing is only a warning to ansible-test
    imported_by = re.findall(r"Running sanity test \"import\" on Python (3\.\d+)", text)
    right = version == environments.release(core.version) and chosen.python in imported_by
    cells = (version, chosen.python, chosen.where, " ".join(imported_by))
    return Outcome(cells, status == 0 and right, text)


def _here(core: str, python: Path, tree: Path, bench: Bench) -> tuple[str, int, str]:
    venv = environments.core_venv(core, python)
    directories = [str(path.parent) for path in of_this_machine().values()]
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


def _in_container(core: Core, place: Path, bench: Bench) -> tuple[str, int, str]:
    image = bench.images[core.suite]
    wheels = environments.core(core.version, image.python)
    box = environments.sanity_wheels(core.version, image.python)
    config = place / "pip.conf"
    config.write_text("[global]\nno-index = true\nfind-links = /box\n")
    command = [
        *host.podman(),
        *("run", "--rm", "--init", "--network=none"),
        f"--label=longrun.jobs.stage={bench.workspace.directory}",
        *(f"--volume={place}:/tree", f"--volume={wheels}:/wheels:ro", f"--volume={box}:/box:ro"),
        *(
            f"--volume={_home(core.version, image.suite)}:/root",
            f"--volume={config}:/etc/pip.conf:ro",
        ),
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
