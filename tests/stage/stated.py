# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare the table in versions.py with what each ansible-core says of itself, and with the files that repeat the table."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from . import environments
from .bench import Bench
from .images import PYTHONS
from .process import StageError
from .versions import (
    CORES,
    NEWEST,
    OLDEST,
    OLDEST_PYTHON,
    OLDEST_TARGET,
    Core,
    is_pre_release,
    numbers,
)

_NEWEST_PYTHON = max(PYTHONS.values(), key=numbers)
_NEXT = f"2.{numbers(NEWEST.version)[1] + 1}"
_BELOW_NEXT = r"ansible-core>=2\.\d+,<([\d.]+)"

# files that name versions: which, the pattern whose groups are the versions, and what the table says of them
_STATEMENTS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("README.md", r"ansible-core ([\d.]+) to ([\d.]+), with any", (OLDEST.version, NEWEST.version)),
    ("README.md", r"On the target, Python ([\d.]+) to ([\d.]+),", (OLDEST_TARGET, _NEWEST_PYTHON)),
    ("meta/runtime.yml", r'requires_ansible: ">=([\d.]+)\.0"', (OLDEST.version,)),
    ("roles/*/meta/main.yml", r'min_ansible_version: "([\d.]+)"', (OLDEST.version,)),
    ("tests/config.yml", r'python_requires: ">=([\d.]+)"', (OLDEST_TARGET,)),
    ("pyproject.toml", r'python_version = "([\d.]+)"', (OLDEST_PYTHON,)),
    ("pyproject.toml", r'target-version = "py(3\d+)"', (OLDEST_PYTHON.replace(".", ""),)),
    ("tests/stage/requirements/main.txt", _BELOW_NEXT, (_NEXT,)),
    ("tests/stage/requirements/galaxy-importer.txt", _BELOW_NEXT, (_NEXT,)),
    ("tests/stage/requirements/screens.txt", _BELOW_NEXT, (_NEXT,)),
    ("docs/execution-environment/execution-environment.yml", _BELOW_NEXT, (_NEXT,)),
)


def versions(bench: Bench) -> None:
    """Each row is what that ansible-core supports, and no file names other versions than the table."""
    wrong = [*_of_rows(bench), *of_files(bench.sources)]
    if wrong:
        raise StageError("the table in versions.py does not agree: " + "; ".join(wrong))


def _of_rows(bench: Bench) -> list[str]:
    wrong = []
    for core in bench.cores:
        release = environments.release(core.version)
        if core.unreleased and not is_pre_release(release):
            bench.warn(f"ansible-core {release} is final: remove `unreleased` from its row")
        python = PYTHONS[core.suite]
        if numbers(python)[1] not in core.pythons:
            wrong.append(f"Python {python} of {core.suite} does not run ansible-core {release}")
        if numbers(PYTHONS[core.machine]) < numbers(core.oldest_target):
            wrong.append(f"ansible-core {release} does not support the Python of {core.machine}")
        own = own_pythons(environments.core(core.version, python))
        if own != _in_row(core):
            wrong.append(f"ansible-core {release} has {own}, its row {_in_row(core)}")
    if list(CORES) != sorted(CORES, key=lambda core: numbers(core.version)):
        wrong.append("its rows are not in order")
    return wrong


def _in_row(core: Core) -> tuple[str, str, str]:
    """Return the oldest and the newest Python of a controller, and the oldest Python 3 of a target."""
    return f"3.{core.pythons[0]}", f"3.{core.pythons[-1]}", core.oldest_target


def own_pythons(wheels: Path) -> tuple[str, str, str]:
    """Return the same from two constants of ansible-test, which are literals in all of these versions."""
    constants = wheels / "ansible_test" / "_util" / "target" / "common" / "constants.py"
    assigned = {
        target.id: statement.value
        for statement in ast.parse(constants.read_text()).body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
    controller = ast.literal_eval(assigned["CONTROLLER_PYTHON_VERSIONS"])
    target_only = ast.literal_eval(assigned["REMOTE_ONLY_PYTHON_VERSIONS"])
    oldest_target = min((it for it in target_only if it.startswith("3.")), key=numbers)
    return min(controller, key=numbers), max(controller, key=numbers), oldest_target


def of_files(sources: Path) -> list[str]:
    wrong = []
    for names, pattern, expected in _STATEMENTS:
        paths = sorted(sources.glob(names))
        if not paths:
            wrong.append(f"there is no {names}")
        for path in paths:
            found = re.findall(pattern, path.read_text())
            stated = [match if isinstance(match, tuple) else (match,) for match in found]
            name = path.relative_to(sources)
            if not stated:
                wrong.append(f"{name} does not say: {pattern}")
            wrong += [
                f"{name} says {' to '.join(words)}, not {' to '.join(expected)}"
                for words in stated
                if words != expected
            ]
    return wrong
