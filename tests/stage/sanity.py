# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ansible-test sanity, in the same form in which Ansible's own infrastructure runs it."""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path

from . import cache, dependencies, environments, host
from .bench import Bench
from .lint import with_git
from .process import StageError, output, show, transcript
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


def sanity(bench: Bench) -> None:
    """Every sanity test passes under every supported ansible-core."""
    with_git(bench)
    rows: list[tuple[str, str, str, str, str]] = []
    for core in _PYTHONS:
        begin = time.monotonic()
        version, python, pythons, status = _sanity_under(core, bench)
        passed = status == 0 and version.startswith(f"{core}.") and python in pythons
        seconds = f"{time.monotonic() - begin:.0f}"
        rows.append((version, python, " ".join(pythons), seconds, "passed" if passed else "FAILED"))
    headings = ("ansible-core", "Python", "Imported by Python", "Seconds", "Result")
    print(table(headings, rows), flush=True)
    failed = [row[0] for row in rows if row[-1] != "passed"]
    if failed:
        raise StageError(f"ansible-test sanity of ansible-core {', '.join(failed)}")


def _sanity_under(core: str, bench: Bench) -> tuple[str, str, list[str], int]:
    """Return the version of ansible-core, its Python, the Pythons that imported the plugins, the exit status."""
    interpreters = {**host.interpreters(), _OWN: Path(sys.executable)}
    python = next(
        p
        for p in (_OWN, *reversed(interpreters))
        if p in interpreters and int(p.split(".")[1]) in _PYTHONS[core]
    )
    venv = environments.core_venv(core, interpreters[python])
    home = cache.provide("ansible-test", "home", [_GET_PIP, *_GET_PIP_VERSIONS], _make_home)
    directories = [str(path.parent) for path in interpreters.values()]
    environment = bench.workspace.environment(venv, dependencies.provide())
    env = {
        **environment,
        "HOME": str(home),
        # real interpreters only: a shim may stand for one that is not there
        "PATH": os.pathsep.join(
            place
            for place in dict.fromkeys([*directories, *environment["PATH"].split(os.pathsep)])
            if not place.endswith("/shims")
        ),
    }
    version = output([f"{venv}/bin/ansible-test", "--version"], env=env, cwd=bench.sources).split()[
        -1
    ]
    command = [f"{venv}/bin/ansible-test", "sanity", "--local", "--color=no", "-v"]
    with cache.lock("ansible-test"):  # its virtual environments are made on first use
        status, text = transcript(command, cwd=bench.sources, env=env)
    show(text)
    # A Python that is missing is only a warning to ansible-test, so look at what it did.
    pythons = re.findall(r"Running sanity test \"import\" on Python (3\.\d+)", text)
    return version, python, pythons, status


def _make_home(place: Path) -> None:
    scripts = place / ".ansible" / "test" / "cache"
    scripts.mkdir(parents=True)
    for version in _GET_PIP_VERSIONS:
        (scripts / f"get_pip_{version}.py").write_text(_GET_PIP)
