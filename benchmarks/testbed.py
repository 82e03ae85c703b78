# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The target that is measured, the controller on which Ansible runs, and how plays are run there."""

from __future__ import annotations

import json
import shlex
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .contenders import Contender
from .links import Link
from .meter import Meter, Run

_HERE = Path(__file__).parent
PLAYS = _HERE / "plays"
_TARGET_SCRIPTS = _HERE / "target"
# Seconds. No run takes this long; one that hangs must not hang the benchmarks.
_DEADLINE = 600


class BenchmarkError(Exception):
    """Something could not be measured. The message says what, with the output of the command that failed."""


@dataclass(frozen=True)
class Testbed:
    """What the stage has prepared, see tests/stage/performance.py.

    *controller* and *target* are command prefixes: a command appended to one runs there. *ports* are the ports that
    lead to the target, by the milliseconds of their round trips.
    """

    directory: Path
    controller: Sequence[str]
    inventory: Path
    host: str
    port: int
    target: Sequence[str]
    target_pid: int
    collection: Path
    mitogen: Path
    versions: Mapping[str, str]
    ports: dict[int, int] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Testbed:
        """Return the testbed that the JSON file at *path* describes."""
        described: dict[str, Any] = json.loads(path.read_text())
        for place in ("directory", "inventory", "collection", "mitogen"):
            described[place] = Path(described[place])
        return cls(**described)

    def play(self, name: str, contender: Contender, link: Link, **variables: Any) -> Run:
        """Run the playbook *name* in a process of its own, configured for *contender*. Return what the meter got."""
        variables |= {
            # Mitogen replaces connections only if they are given by their short names
            "ansible_connection": "ssh",
            "ansible_port": self.ports[link.round_trip],
            "ansible_pipelining": link.pipelining,
        }
        places = {"collection": self.collection, "mitogen": self.mitogen}
        config = self.directory / "ansible.cfg"
        # all that differs from core's defaults is in the contender's variables
        config.write_text("[defaults]\n")
        environment = {
            "ANSIBLE_CONFIG": str(config),
            "ANSIBLE_CALLBACKS_ENABLED": "moments",
            # as a variable of Ansible's, since Mitogen does not read the options of ssh
            "ANSIBLE_HOST_KEY_CHECKING": "False",
            **{key: value.format(**places) for key, value in contender.variables.items()},
        }
        with Meter(self.target_pid) as meter:
            environment["BENCHMARK_METER"] = meter.name
            command = [
                *self.controller,
                # compile once, like an installed package, and not again in each process
                *("env", "--unset=PYTHONDONTWRITEBYTECODE"),
                f"PYTHONPYCACHEPREFIX={self.directory / 'bytecode'}",
                *(f"{key}={value}" for key, value in environment.items()),
                *("python3", "-m", "ansible", "playbook"),
                *(f"--inventory={self.inventory}", f"--limit={self.host}"),
                *(f"--extra-vars={json.dumps(variables)}", str(PLAYS / f"{name}.yml")),
            ]
            self._execute(command)
        return meter.run

    def clean(self) -> None:
        """End what jobs have left on the target, and remove their files, so that each run finds it the same."""
        self._on_target("clean.py")

    def footprint(self) -> dict[str, dict[str, Any]]:
        """Return the processes on the target, without those of its system and of logins, see target/footprint.py."""
        found: dict[str, dict[str, Any]] = json.loads(self._on_target("footprint.py"))
        return found

    def wait_for(self, jobs: int) -> None:
        """Wait until a number of jobs run the command ``sleep``. Until then their modules are still starting."""
        deadline = time.monotonic() + _DEADLINE
        while True:
            running = sum(process["name"] == "sleep" for process in self.footprint().values())
            if running >= jobs:
                return
            if time.monotonic() > deadline:
                raise BenchmarkError(f"{running} of {jobs} jobs run")
            time.sleep(0.5)

    def interpreter(self) -> int:
        """Return the memory (PSS, in bytes) of an interpreter that has imported nothing."""
        return int(self._on_target("interpreter.py"))

    def _on_target(self, script: str) -> str:
        text = (_TARGET_SCRIPTS / script).read_text()
        return self._execute([*self.target, "/usr/bin/python3", "-"], text)

    def _execute(self, command: Sequence[str], text: str = "") -> str:
        try:
            done = subprocess.run(
                command, input=text, capture_output=True, text=True, timeout=_DEADLINE, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise BenchmarkError(f"no end after {_DEADLINE} s: {shlex.join(command)}") from error
        if done.returncode != 0:
            # the variables in it may make the command long
            shown = shlex.join(command)[-2000:]
            raise BenchmarkError(f"{shown}\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}")
        return done.stdout
