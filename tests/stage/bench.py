# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything that a check may need, made when it is first asked for."""

from __future__ import annotations

import functools
from pathlib import Path

from . import dependencies, environments, host, images
from .controllers import Controller
from .process import output, run
from .workspace import Workspace

_MACHINES = Path("extensions", "molecule")


class Bench:
    """One workspace together with the environments, the images and the machines under test."""

    def __init__(self, workspace: Workspace, sources: Path) -> None:
        self.workspace = workspace
        self.sources = sources
        self.inventory = sources / _MACHINES / "inventory"

    @functools.cached_property
    def venv(self) -> Path:
        """The main environment: the controller, and every tool that checks the sources."""
        return environments.venv("main")

    def tool(self, name: str) -> str:
        """Return the path of a program of the main environment."""
        return str(self.venv / "bin" / name)

    @functools.cached_property
    def images(self) -> dict[str, images.Image]:
        """The container images by Debian suite."""
        return images.provide()

    @functools.cached_property
    def environment(self) -> dict[str, str]:
        """The environment of programs that touch no machine."""
        return self.workspace.environment(self.venv, dependencies.provide())

    @functools.cached_property
    def machine_environment(self) -> dict[str, str]:
        """The environment of programs that make or use the machines under test."""
        host.podman_shim(self.workspace.bin)
        return {
            **self.environment,
            "ANSIBLE_CONFIG": str(self.workspace.drop_in_config),
            "MOLECULE_EPHEMERAL_DIRECTORY": str(self.workspace.directory / "molecule"),
            **{f"LONGRUN_JOBS_IMAGE_{key.upper()}": it.name for key, it in self.images.items()},
        }

    def controller(self, core: str) -> Controller:
        """Return a controller with ansible-core *core*, such as 2.16."""
        return Controller.provide(core, self.workspace, self.images)

    def start_machines(self) -> None:
        """Start the machines under test, outside of molecule."""
        self._playbook("create.yml")

    def remove_machines(self) -> None:
        """Remove the machines under test, whoever started them."""
        remove_machines(self.workspace)

    def _playbook(self, name: str) -> None:
        playbook = self.sources / _MACHINES / "default" / name
        command = [self.tool("ansible-playbook"), f"--inventory={self.inventory}", str(playbook)]
        run(command, env=self.machine_environment, cwd=self.workspace.directory)


def remove_machines(workspace: Workspace) -> None:
    """Remove the containers that carry the label of *workspace*."""
    label = f"label=longrun.jobs.stage={workspace.directory}"
    found = output([*host.podman(), "ps", "--all", "--quiet", "--filter", label]).split()
    if found:
        output([*host.podman(), "rm", "--force", "--time=0", *found])
    for port in (workspace.directory / "ports").glob("*"):
        port.unlink()
