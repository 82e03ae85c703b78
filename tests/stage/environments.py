# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Python environments: virtual ones for this interpreter, and sets of wheels for any other.

A set of wheels is a directory for PYTHONPATH. It is filled by this machine's pip for another
Python, so the container or interpreter that uses it needs neither pip nor a network.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from . import cache
from .host import ensure_venv_module
from .process import output, run

REQUIREMENTS = Path(__file__).with_name("requirements")
MITOGEN = "0.3.54"


def venv(name: str) -> Path:
    """Return a virtual environment with ``requirements/<name>.txt`` in it."""
    return _venv(name, (REQUIREMENTS / f"{name}.txt").read_text())


def core_venv(version: str, interpreter: Path) -> Path:
    """Return a virtual environment of *interpreter* with ansible-core *version* (such as 2.16) alone."""
    return _venv(f"core-{version}", f"ansible-core=={version}.*\n", interpreter)


def _venv(name: str, requirements: str, interpreter: Path = Path(sys.executable)) -> Path:
    def build(place: Path) -> None:
        ensure_venv_module()
        listed = place / "requirements.txt"
        listed.write_text(requirements)
        run([str(interpreter), "-m", "venv", str(place)])
        run([f"{place}/bin/python", "-m", "pip", "install", "-qq", "-r", str(listed)])

    version = output([str(interpreter), "-I", "-c", "import sys; print(sys.version, end='')"])
    return cache.provide("venvs", name, [requirements, version, str(interpreter)], build)


def core(version: str, python: str) -> Path:
    """Return the wheels of the newest ansible-core *version* (such as 2.16) for *python*."""
    return _wheels(f"core-{version}", python, f"ansible-core=={version}.*\n")


def rich(python: str) -> Path:
    """Return the wheels of rich for *python*."""
    return _wheels("rich", python, "rich>=15,<16\n")


def mitogen(python: str) -> Path:
    """Return the wheels of Mitogen for *python*."""
    return _wheels("mitogen", python, f"mitogen=={MITOGEN}\n")


def pytest(python: str) -> Path:
    """Return the wheels of a pytest and a hypothesis that run under *python*."""
    pinned = REQUIREMENTS / f"pytest-{python}.txt"
    if not pinned.exists():
        pinned = REQUIREMENTS / "pytest.txt"
    # Pinned in whole, because pip reads the markers of dependencies (`python_version < "3.11"`)
    # for the interpreter that it runs under, not for the one that it installs for.
    return _wheels("pytest", python, pinned.read_text(), "--no-deps")


def sanity_wheels(version: str, python: str) -> Path:
    """Return a directory of wheels, not unpacked, that sanity tests of ansible-core *version* install under *python*."""
    listed = sorted(
        (core(version, python) / "ansible_test" / "_data" / "requirements").glob("*.txt")
    )
    needed = [path for path in listed if path.stem == "ansible" or path.stem.startswith("sanity.")]

    def build(place: Path) -> None:
        pip = [f"{venv('main')}/bin/python", "-m", "pip", "download", "-qq", *_for(python)]
        for path in needed:  # one by one, because they do not agree with each other
            run([*pip, "--dest", str(place), "-r", str(path)])

    recipe = [version, python, *(path.read_text() for path in needed)]
    return cache.provide("wheels", f"sanity-{version}-py{python}", recipe, build)


def _for(python: str) -> list[str]:
    """Return pip's options that choose wheels for another Python than its own."""
    return ["--python-version", python, "--implementation", "cp", "--only-binary", ":all:"]


def _wheels(name: str, python: str, requirements: str, *options: str) -> Path:
    def build(place: Path) -> None:
        listed = place / "requirements.txt"
        listed.write_text(requirements)
        pip = [f"{venv('main')}/bin/python", "-m", "pip"]
        select = _for(python)
        # In two steps: only `pip download` chooses by what the other Python requires.
        box, library = place / "wheels", place / "lib"
        run([*pip, "download", "-qq", *options, *select, "--dest", str(box), "-r", str(listed)])
        unpack = ["--no-deps", "--no-index", "--ignore-requires-python", "--no-compile"]
        run(
            [
                *pip,
                "install",
                "-qq",
                *unpack,
                *select,
                "--target",
                str(library),
                *map(str, box.iterdir()),
            ]
        )
        shutil.rmtree(box)

    return (
        cache.provide("wheels", f"{name}-py{python}", [requirements, python, *options], build)
        / "lib"
    )
