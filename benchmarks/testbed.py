# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The machine that is measured, the controller that everything is run from, and what is run there."""

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
# No run takes this long; one that hangs must not hang the benchmarks.
_DEADLINE = 600


class BenchmarkError(Exception):
    """Something could not be measured; the message says what, with the output of what failed."""


@dataclass(frozen=True)
class Testbed:
    """What the stage has prepared, see tests/stage/performance.py.

    *controller* and *target* are commands to which one that is to run there is appended; *ports*
    are those that lead to the target, by milliseconds of round trip.
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
        """Return what is described in the JSON at *path*."""
        described: dict[str, Any] = json.loads(path.read_text())
        for place in ("directory", "inventory", "collection", "mitogen"):
            described[place] = Path(described[place])
        return cls(**described)

    def play(self, name: str, contender: Contender, link: Link, **variables: Any) -> Run:
        """Run the playbook *name* in the way of *contender*, in a process of its own."""
        variables |= {
            # Mitogen takes the place of connections by their short names only
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
            # Mitogen does not see that ssh is told so
            "ANSIBLE_HOST_KEY_CHECKING": "False",
            **{key: value.format(**places) for key, value in contender.variables.items()},
        }
        with Meter(self.target_pid) as meter:
            environment["BENCHMARK_METER"] = meter.name
            command = [
                *self.controller,
                # compiled once, as what is installed is, and not in each process anew
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
        """End what was left on the target, and remove its files, so that all find it the same."""
        self._on_target("clean.py")

    def footprint(self) -> dict[str, dict[str, Any]]:
        """Return what runs on the target besides its system and logins, see target/footprint.py."""
        found: dict[str, dict[str, Any]] = json.loads(self._on_target("footprint.py"))
        return found

    def wait_for(self, jobs: int) -> None:
        """Return when so many jobs run the command ``sleep``: until then, their modules begin."""
        deadline = time.monotonic() + _DEADLINE
        while True:
            running = sum(process["name"] == "sleep" for process in self.footprint().values())
            if running >= jobs:
                return
            if time.monotonic() > deadline:
                raise BenchmarkError(f"{running} of {jobs} jobs run")
            time.sleep(0.5)

    def interpreter(self) -> int:
        """Return the bytes (PSS) of an interpreter that has imported nothing."""
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
            # the command may be long for the variables in it
            shown = shlex.join(command)[-2000:]
            raise BenchmarkError(f"{shown}\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}")
        return done.stdout
