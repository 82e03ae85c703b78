# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Python that runs one ansible-core: one of this machine, or that of the core's Debian container."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import environments, host
from .bench import Bench
from .images import PYTHONS
from .process import transcript
from .versions import Core, numbers


@dataclass(frozen=True)
class Interpreter:
    """The Python *python*, such as 3.13, for *core*: at *path*, or in the core's container if there is no path."""

    core: Core
    python: str
    path: Path | None

    @property
    def where(self) -> str:
        """The place, for a table."""
        return f"Debian {self.core.suite}" if self.path is None else "this machine"

    def run(
        self,
        bench: Bench,
        arguments: Sequence[str],
        *,
        libraries: Sequence[Path] = (),
        variables: Mapping[str, str] | None = None,
    ) -> tuple[int, str]:
        """Run Python with *arguments* in the sources; return its exit status and both streams as one text.

        It imports the core's wheels, then *libraries*. variables: what its environment has besides.
        """
        if self.path is None:
            controller = bench.controller(self.core.version)
            # the settings of the drop-in are a controller's, not a test's
            change = ["env", "--unset=ANSIBLE_CONFIG"]
            change += [f"{name}={value}" for name, value in (variables or {}).items()]
            directory = bench.workspace.directory
            container = controller.container(bench.sources, directory, libraries=libraries)
            return transcript([*container, *change, "python3", *arguments])
        wheels = environments.core(self.core.version, self.python)
        env = {
            **bench.environment,
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": os.pathsep.join(map(str, (wheels, *libraries))),
            **(variables or {}),
        }
        return transcript([str(self.path), *arguments], env=env, cwd=bench.sources)


def of_this_machine() -> dict[str, Path]:
    """Return every Python 3 of this machine by its version, this one included."""
    own = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return {**host.interpreters(), own: Path(sys.executable)}


def interpreter(core: Core) -> Interpreter:
    """Return the Python for *core*: of this machine where one is right, preferably of the container's version."""
    usual = PYTHONS[core.suite]
    here = of_this_machine()
    right = [version for version in here if numbers(version)[1] in core.pythons]
    if not right:
        return Interpreter(core, usual, None)
    version = usual if usual in right else max(right, key=numbers)
    return Interpreter(core, version, here[version])
