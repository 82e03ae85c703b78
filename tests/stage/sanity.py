# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ansible-test sanity, in the same form in which Ansible's own infrastructure runs it."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from . import cache, host
from .bench import Bench
from .lint import with_git
from .process import StageError, show, transcript

# ansible-test bootstraps its virtual environments with a script that it would download. Every
# interpreter brings a pip along, which serves as well. The names are those that it looks for.
_GET_PIP_VERSIONS = ("21_3_1", "23_1_2", "24_2", "25_2", "26_0")
_GET_PIP = """\
# Stand-in for the get-pip script: installs the pip that is bundled with the interpreter.
import ensurepip

ensurepip.bootstrap()
"""


def sanity(bench: Bench) -> None:
    """Every sanity test passes under the main environment's ansible-core."""
    with_git(bench)
    home = cache.provide("ansible-test", "home", [_GET_PIP, *_GET_PIP_VERSIONS], _make_home)
    own = f"{sys.version_info[0]}.{sys.version_info[1]}"
    interpreters = {**host.interpreters(), own: Path(sys.executable)}
    directories = dict.fromkeys(str(path.parent) for path in interpreters.values())
    env = {
        **bench.environment,
        "HOME": str(home),
        # real interpreters first: a shim in front of them may stand for one that is not there
        "PATH": os.pathsep.join([*directories, bench.environment["PATH"]]),
    }
    command = [bench.tool("ansible-test"), "sanity", "--local", "--color=no", "-v"]
    with cache.lock("ansible-test"):  # its virtual environments are made on first use
        status, text = transcript(command, cwd=bench.sources, env=env)
    show(text)
    if status != 0:
        raise StageError(f"ansible-test sanity: exit status {status}")
    # A Python that is missing is only a warning to ansible-test, so look at what it did.
    ran = set(re.findall(r"Running sanity test \"import\" on Python (3\.\d+)", text))
    if own not in ran:
        raise StageError(f"the import test did not run on Python {own}, only on {sorted(ran)}")


def _make_home(place: Path) -> None:
    scripts = place / ".ansible" / "test" / "cache"
    scripts.mkdir(parents=True)
    for version in _GET_PIP_VERSIONS:
        (scripts / f"get_pip_{version}.py").write_text(_GET_PIP)
