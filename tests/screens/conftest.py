# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the tests of this directory run playbooks. ``make screens`` prepares what they need and sets its variables."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PLAYBOOKS = HERE / "playbooks"
INVENTORY = HERE / "inventory"
sys.path.insert(0, str(HERE))

from terminal import Terminal  # it is found only now

# the versions of ansible-core that there is a controller for, and of those the pre-releases, such as 2.22.0rc1
_VERSIONS = tuple(json.loads(os.environ["LONGRUN_JOBS_CONTROLLERS"]))
_PRE_RELEASES = os.environ["LONGRUN_JOBS_PRE_RELEASES"].split()
_FINAL = [it for it in _VERSIONS if not any(one.startswith(f"{it}.") for one in _PRE_RELEASES)]
CORES = [
    *_FINAL,
    *(pytest.param(it, marks=pytest.mark.pre_release) for it in _VERSIONS if it not in _FINAL),
]
OLDEST = _FINAL[0]
OLDEST_AND_NEWEST = [OLDEST, _FINAL[-1]]

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def controllers() -> dict[str, dict[str, list[str]]]:
    """By core: the words that run ansible-playbook in a terminal, there without rich, and into a file."""
    found: dict[str, dict[str, list[str]]] = json.loads(os.environ["LONGRUN_JOBS_CONTROLLERS"])
    return found


@pytest.fixture
def jobs_dir(tmp_path: Path) -> Iterator[Path]:
    """An async dir of this test's own, which ssh and containers do not need."""
    yield tmp_path / "jobs"
    shutil.rmtree(tmp_path / "jobs", ignore_errors=True)


@pytest.fixture
def playbook(tmp_path: Path, jobs_dir: Path) -> Run:
    """Run ansible-playbook here, quietly; its variables, then its arguments."""

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "ANSIBLE_NOCOLOR": "1", **variables}
        return subprocess.run(
            ["ansible-playbook", f"--inventory={INVENTORY / 'hosts.yml'}"]
            + [f"--extra-vars=jobs_dir={jobs_dir}", *arguments],
            cwd=tmp_path,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    """Terminals, closed when the test is over."""
    opened: list[Terminal] = []

    def start(command: list[str], columns: int = 120, rows: int = 40) -> Terminal:
        opened.append(Terminal(tmp_path / f"tmux{len(opened)}", command, columns, rows))
        return opened[-1]

    yield start
    for one in opened:
        one.close()
