# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Controllers for every ansible-core that is supported: a Debian container each, with its Python.

The container has the Python; ansible-core comes from a directory of wheels, mounted into it. It
shares this machine's network, so it reaches the machines under test as the main environment does.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import dependencies, environments, versions
from .host import podman
from .images import Image
from .process import StageError
from .workspace import CHECKOUT, Workspace


@dataclass(frozen=True)
class Controller:
    """One ansible-core on one Python."""

    core: str
    image: Image
    wheels: Path
    workspace: Workspace

    @classmethod
    def provide(cls, core: str, workspace: Workspace, images: Mapping[str, Image]) -> Controller:
        """Return the controller for ansible-core *core*, such as 2.16."""
        image = images[versions.find(core).suite]
        return cls(core, image, environments.core(core, image.python), workspace)

    @property
    def home(self) -> Path:
        """The directory that this controller writes in."""
        return self.workspace.directory / f"core-{self.core}"

    def command(
        self,
        program: Sequence[str],
        directory: Path,
        stage: Path,
        *,
        terminal: bool = False,
        libraries: Sequence[Path] = (),
    ) -> list[str]:
        """Return the command that runs *program*, such as ``ansible-playbook``, in *directory*.

        The machines that it reaches are those whose key and ports are in *stage*. *terminal*: it has
        that of its caller. *libraries* are wheels that it finds beside its own.
        """
        name, dash, tool = (program[0] if program else "").partition("-")
        if name != "ansible":
            raise StageError("a controller runs ansible or ansible-<something>, with its arguments")
        container = self.container(directory, stage, terminal=terminal, libraries=libraries)
        return [*container, "python3", "-m", "ansible", tool if dash else "adhoc", *program[1:]]

    def container(
        self,
        directory: Path,
        stage: Path,
        *,
        terminal: bool = False,
        libraries: Sequence[Path] = (),
    ) -> list[str]:
        """Return the command to which a program is to be appended, and its arguments; see `command`."""
        home = self.home
        home.mkdir(exist_ok=True)
        collections = dependencies.provide()
        variables = {
            **self.workspace.ansible_variables(collections),
            "LONGRUN_JOBS_STAGE": str(stage),
            "ANSIBLE_CONFIG": str(self.workspace.drop_in_config),
            "ANSIBLE_HOME": str(home),
            # the container's own /tmp, so control sockets end with it
            "ANSIBLE_SSH_CONTROL_PATH_DIR": "/tmp/sockets",
            "HOME": str(home),
            "LC_ALL": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": os.pathsep.join(map(str, (self.wheels, *libraries))),
        }
        read_only = (CHECKOUT, self.wheels, *libraries, collections)
        return [
            *podman(),
            *("run", "--rm", "--init", "--network=host"),
            *(("--interactive", "--tty") if terminal else ()),
            f"--user={os.geteuid()}:{os.getegid()}",
            f"--workdir={directory}",
            f"--label=longrun.jobs.stage={stage}",
            f"--volume={self.workspace.directory}:{self.workspace.directory}",
            *(f"--volume={place}:{place}:ro" for place in read_only),
            *(f"--env={key}={value}" for key, value in variables.items()),
            self.image.name,
        ]
