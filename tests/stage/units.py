# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Unit tests: of the controller's code under every ansible-core, of the target's under every Python, the others here."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from . import environments, host
from .bench import Bench
from .images import Image
from .interpreters import interpreter
from .matrix import Outcome, under_each
from .process import StageError, every, run, show, transcript
from .summary import table
from .versions import OLDEST_TARGET, Core, numbers

_TARGET_TESTS = "tests/unit/module_utils"
_CONTROLLER_TESTS = "tests/unit/controller"
_PYTEST = ("-m", "pytest", "-p", "no:cacheprovider", "--color=no")


def main(bench: Bench) -> None:
    """All unit tests pass: those of the controller's code under each ansible-core, all others in the main environment."""
    workers = len(os.sched_getaffinity(0))
    command = [bench.tool("pytest"), "--ansible-unit-inject-only", f"-n{workers}"]
    env = {
        **bench.environment,
        # the tree comes first: the tests are of these sources, not of the tarball
        "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join(
            (str(bench.workspace.tree_root), bench.environment["ANSIBLE_COLLECTIONS_PATH"])
        ),
    }
    command.append(f"--ignore={_CONTROLLER_TESTS}")
    headings = ("Ran", "Python", "Where", "Tests")
    every(
        lambda: run([*command, "tests/unit"], cwd=bench.sources, env=env),
        lambda: under_each(
            bench, bench.cores, headings, lambda core: _controller_tests_under(core, bench)
        ),
    )


def _controller_tests_under(core: Core, bench: Bench) -> Outcome:
    chosen = interpreter(core)
    root = bench.workspace.tree_root
    status, text = chosen.run(
        bench,
        (*_PYTEST, _CONTROLLER_TESTS),
        libraries=(
            root,
            environments.pytest(chosen.python),
            environments.rich(chosen.python),
        ),
        variables={
            "ANSIBLE_COLLECTIONS_PATH": str(root),
            "HYPOTHESIS_STORAGE_DIRECTORY": "/tmp/hypothesis",
        },
    )
    it = Run(chosen.python, chosen.where, status, text)
    # as tests/unit/controller/conftest.py has pytest say
    ran = re.search(r"^ansible-core (\S+)$", text, re.MULTILINE)
    release = ran[1] if ran else "?"
    right = release == environments.release(core.version)
    return Outcome((release, it.version, it.where, it.closing), it.passed and right, text)


@dataclass(frozen=True)
class Run:
    """How the tests went under one Python."""

    python: str
    where: str
    status: int
    text: str

    @property
    def version(self) -> str:
        """The version of the Python that ran, by pytest's own account."""
        match = re.search(r"^platform linux -- Python (\S+?),", self.text, re.MULTILINE)
        return match[1] if match else "?"

    @property
    def closing(self) -> str:
        """pytest's last line, such as ``5 passed in 0.20s``."""
        lines = re.findall(r"^=+ (.* in [\d.]+s.*?) =+$", self.text, re.MULTILINE)
        return lines[-1] if lines else "no tests ran"

    @property
    def passed(self) -> bool:
        """Whether tests ran, under the Python asked for, and all passed."""
        return self.status == 0 and f"{self.version}.".startswith(f"{self.python}.")


def targets(bench: Bench) -> None:
    """The tests of what travels to the target pass under every Python that there is.

    Debian's Pythons always run, in containers, as an ordinary user. Interpreters of this machine
    fill the gaps between them where there are any.
    """
    debian = {image.python: image for image in bench.images.values()}
    local = {
        version: path
        for version, path in host.interpreters().items()
        if version not in debian and numbers(version) >= numbers(OLDEST_TARGET)
    }
    with bench.crew() as pool:
        runs = [pool.submit(_in_container, bench, image) for image in debian.values()]
        runs += [pool.submit(_here, bench, version, path) for version, path in local.items()]
        results = sorted((it.result() for it in runs), key=lambda it: numbers(it.python))
    for result in results:
        show(result.text)
    rows = [
        (it.python, it.version, it.where, it.closing, "passed" if it.passed else "FAILED")
        for it in results
    ]
    print(table(("Target Python", "Version", "Where", "Tests", "Result"), rows), flush=True)
    failed = [it.python for it in results if not it.passed]
    if failed:
        raise StageError(f"under Python {', '.join(failed)}")


def _in_container(bench: Bench, image: Image) -> Run:
    wheels = environments.pytest(image.python)
    variables = _variables(Path("/tree"), Path("/wheels"))
    command = [
        *host.podman(),
        *("run", "--rm", "--init", "--network=none", "--user=deploy"),
        f"--label=longrun.jobs.stage={bench.workspace.directory}",
        *(f"--volume={bench.workspace.tree_root}:/tree:ro", f"--volume={wheels}:/wheels:ro"),
        "--workdir=/tree/ansible_collections/longrun/jobs",
        *(f"--env={name}={value}" for name, value in variables.items()),
        *(image.name, "python3", *_PYTEST, _TARGET_TESTS),
    ]
    return Run(image.python, f"Debian {image.suite}", *transcript(command))


def _here(bench: Bench, version: str, python: Path) -> Run:
    variables = _variables(bench.workspace.tree_root, environments.pytest(version))
    env = {**bench.environment, **variables}
    return Run(
        version,
        "this machine",
        *transcript([str(python), *_PYTEST, _TARGET_TESTS], cwd=bench.sources, env=env),
    )


def _variables(tree_root: Path, wheels: Path) -> Mapping[str, str]:
    return {
        "HYPOTHESIS_STORAGE_DIRECTORY": "/tmp/hypothesis",
        "LC_ALL": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": f"{tree_root}{os.pathsep}{wheels}",
    }
