# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Python environments: virtual ones for this interpreter, and sets of wheels for any other.

A set of wheels is a directory for PYTHONPATH. It is filled by this machine's pip for another
Python, so the container or interpreter that uses it needs neither pip nor a network.
"""

from __future__ import annotations

import functools
import inspect
import re
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

from . import cache, versions
from .host import ensure_venv_module
from .process import StageError, output, run, say

REQUIREMENTS = Path(__file__).with_name("requirements")
MITOGEN = "0.3.54"
_A_DAY = 24 * 60 * 60.0


def venv(name: str) -> Path:
    """Return a virtual environment with ``requirements/<name>.txt`` in it."""
    return _venv(name, (REQUIREMENTS / f"{name}.txt").read_text())


def core_venv(version: str, interpreter: Path) -> Path:
    """Return a virtual environment of *interpreter* with ansible-core *version* (such as 2.16) alone."""
    return _venv(
        f"core-{version}", f"ansible-core=={release(version)}\n", interpreter, _take_from_index
    )


def release(version: str) -> str:
    """Return the newest release of ansible-core *version*: 2.21.5 of 2.21.

    Of a version without a final release it is the newest pre-release, such as 2.22.0rc1. Raises StageError if the
    package index knows none.
    """
    return versions.newest_of(version, _releases())


@functools.cache
def _releases() -> list[str]:
    """Return all releases of ansible-core, newest first, as the package index gave them within the last day.

    What was made of one release is cached under its name, so only this question lets a run see a new one.
    """
    known = cache.root() / "ansible-core-releases.txt"
    with cache.lock(known.name):
        if not known.exists() or time.time() - known.stat().st_mtime > _A_DAY:
            newest_python = max(core.pythons[-1] for core in versions.CORES)
            pip = [f"{venv('main')}/bin/python", "-m", "pip", "index", "versions", "--pre"]
            # of every release, not only of those for pip's own Python
            options = ["--only-binary", ":all:", "--python-version", f"3.{newest_python}"]
            try:
                said = output([*pip, *options, "ansible-core"])
            except StageError as error:
                if not known.exists():
                    raise
                say(f"the releases of ansible-core are those of an earlier day: {error}")
            else:
                listed = re.search(r"^Available versions: (.+)$", said, re.MULTILINE)
                if not listed:
                    raise StageError(f"pip names no release of ansible-core:\n{said}")
                known.write_text(listed[1].replace(", ", "\n"))
        return known.read_text().split()


def _take_from_index(place: Path) -> None:
    """Have the ansible-test below *place* install by name what it would download from elsewhere than a package index.

    In 2.22 that is dill: an archive that supports Python 3.15, in place of a release that supports the older ones.
    """
    for listed in place.rglob("ansible_test/_data/requirements/*.txt"):
        text = listed.read_text()
        named = re.sub(r"^([\w.-]+) @ https?://\S+", r"\1", text, flags=re.MULTILINE)
        if named != text:
            listed.write_text(named)


def _venv(
    name: str,
    requirements: str,
    interpreter: Path = Path(sys.executable),
    finish: Callable[[Path], None] | None = None,
) -> Path:
    def build(place: Path) -> None:
        ensure_venv_module()
        listed = place / "requirements.txt"
        listed.write_text(requirements)
        run([str(interpreter), "-m", "venv", str(place)])
        run([f"{place}/bin/python", "-m", "pip", "install", "-qq", "-r", str(listed)])
        if finish is not None:
            finish(place)

    version = output([str(interpreter), "-I", "-c", "import sys; print(sys.version, end='')"])
    recipe = [requirements, version, str(interpreter), *_recipe(finish)]
    return cache.provide("venvs", name, recipe, build)


def _recipe(finish: Callable[[Path], None] | None) -> list[str]:
    return [] if finish is None else [inspect.getsource(finish)]


def core(version: str, python: str) -> Path:
    """Return the wheels of the newest ansible-core *version* (such as 2.16) for *python*."""
    return _wheels(
        f"core-{version}",
        python,
        f"ansible-core=={release(version)}\n",
        finish=_take_from_index,
    )


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


def _wheels(
    name: str,
    python: str,
    requirements: str,
    *options: str,
    finish: Callable[[Path], None] | None = None,
) -> Path:
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
        if finish is not None:
            finish(library)

    recipe = [requirements, python, *options, *_recipe(finish)]
    return cache.provide("wheels", f"{name}-py{python}", recipe, build) / "lib"
