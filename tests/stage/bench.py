# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything that a check may need, made when it is first asked for."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import dependencies, environments, host, images, versions
from .controllers import Controller
from .process import StageError, end_running, output, say, show, transcript
from .workspace import Workspace

_MACHINES = Path("extensions", "molecule")


class Bench:
    """One workspace together with the environments, the images and the machines under test.

    cores: the versions of ansible-core that the checks are to run under. warnings: what a check has to tell that does
    not make it fail.
    """

    def __init__(
        self,
        workspace: Workspace,
        sources: Path,
        cores: Sequence[versions.Core] = versions.CORES,
    ) -> None:
        self.workspace = workspace
        self.sources = sources
        self.cores = cores
        self.warnings: list[str] = []
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

    def warn(self, warning: str) -> None:
        """Keep *warning* for the summary, and print it."""
        self.warnings.append(warning)
        say(f"warning: {warning}")

    def controller(self, core: str) -> Controller:
        """Return a controller with ansible-core *core*, such as 2.16."""
        return Controller.provide(core, self.workspace, self.images)

    @contextlib.contextmanager
    def crew(self, more: int = 0) -> Iterator[ThreadPoolExecutor]:
        """Give as many threads as there are processors, and some *more*; an interrupted run takes them along."""
        with ThreadPoolExecutor(max_workers=len(os.sched_getaffinity(0)) + more) as pool:
            try:
                yield pool
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                end_running()
                # a program in a container outlives the podman that was waiting for it
                remove_machines(self.workspace)
                raise

    def start_machines(
        self,
        stage: Path,
        *playbooks: Path,
        inventory: Path | None = None,
        hosts: str = "all",
    ) -> None:
        """Start the machines under test among *hosts*, outside of molecule, with their key and ports in *stage*.

        *inventory*: others than those of the scenarios. *playbooks* are run on them then.
        """
        create = self.sources / _MACHINES / "default" / "create.yml"
        stage.mkdir(exist_ok=True)
        option = f"--inventory={inventory or self.inventory}"
        status, text = transcript(
            [self.tool("ansible-playbook"), option, f"--limit={hosts}", str(create)]
            + list(map(str, playbooks)),
            env={**self.machine_environment, "LONGRUN_JOBS_STAGE": str(stage)},
            cwd=self.workspace.directory,
        )
        if status != 0:
            show(text)
            raise StageError("the machines under test did not start")


def remove_machines(workspace: Workspace) -> None:
    """Remove every container that was made for *workspace*."""
    remove_stage(workspace.directory)
    for key in workspace.directory.glob("*/id_ed25519"):
        remove_stage(key.parent)


def remove_stage(stage: Path) -> None:
    """Remove the containers whose key and ports are in *stage*."""
    label = f"label=longrun.jobs.stage={stage}"
    found = output([*host.podman(), "ps", "--all", "--quiet", "--filter", label]).split()
    if found:
        # one that was started with --rm may be going by itself just now
        status, text = transcript([*host.podman(), "rm", "--force", "--ignore", "--time=0", *found])
        if status != 0:
            show(text)
    for port in (stage / "ports").glob("*"):
        port.unlink()
