# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one table of the ansible-core versions that the collection is tested with.

To add a version, add a row. The check ``versions`` compares the rows with what each ansible-core says of itself, and
the other files that name a version with the rows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .process import StageError


@dataclass(frozen=True)
class Core:
    """One ansible-core, such as 2.16, and what it is tested with.

    suite: the Debian release whose Python runs it as a controller.
    machine: the machine under test in the check ``cores``.
    pythons: the minor versions of the Pythons 3 that run it and its ansible-test.
    oldest_target: the oldest Python 3 that it supports on a target.
    unreleased: whether it had no final release when this row was last edited.
    """

    version: str
    suite: str
    machine: str
    pythons: range
    oldest_target: str
    unreleased: bool = False

    @property
    def oldest_python(self) -> str:
        """The oldest Python that runs it as a controller, such as 3.10."""
        return f"3.{self.pythons[0]}"


CORES = (
    Core("2.16", "bookworm", "trixie", range(10, 13), "3.6"),
    Core("2.17", "bookworm", "bullseye", range(10, 13), "3.7"),
    Core("2.18", "bookworm", "bookworm", range(11, 14), "3.8"),
    Core("2.19", "bookworm", "bullseye", range(11, 14), "3.8"),
    Core("2.20", "trixie", "bookworm", range(12, 15), "3.9"),
    Core("2.21", "trixie", "trixie", range(12, 15), "3.9"),
    Core("2.22", "trixie", "bullseye", range(13, 16), "3.9", unreleased=True),
)

SUPPORTED = tuple(core for core in CORES if not core.unreleased)
OLDEST, NEWEST = SUPPORTED[0], SUPPORTED[-1]

# what the benchmarks measure: the newest that the Mitogen of environments.py supports, too
MEASURED = "2.21"


def numbers(version: str) -> tuple[int, ...]:
    """Return 3.10 as (3, 10), which compares as versions do."""
    return tuple(map(int, version.split(".")))


OLDEST_PYTHON = min((core.oldest_python for core in SUPPORTED), key=numbers)
OLDEST_TARGET = min((core.oldest_target for core in SUPPORTED), key=numbers)


def find(version: str) -> Core:
    """Return the row of ansible-core *version*, such as 2.16. Raises StageError if there is none."""
    for core in CORES:
        if core.version == version:
            return core
    known = ", ".join(core.version for core in CORES)
    raise StageError(f"no such ansible-core: {version}; there are {known}")


def is_pre_release(release: str) -> bool:
    """Return whether *release*, such as 2.22.0rc1, is not a final release (PEP 440: a, b, rc and dev mark one)."""
    return re.search(r"\d\.?(a|b|rc|dev)\d", release) is not None


def newest_of(version: str, releases: list[str]) -> str:
    """Return the newest of *releases*, newest first, of ansible-core *version*.

    A pre-release is returned only while there is no final release. Raises StageError if there is none at all.
    """
    own = [release for release in releases if release.startswith(f"{version}.")]
    if not own:
        raise StageError(f"there is no release of ansible-core {version}")
    return next((release for release in own if not is_pre_release(release)), own[0])
