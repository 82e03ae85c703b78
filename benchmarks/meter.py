# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Receive from a run of Ansible when its tasks begin and end, and read the processor time at these moments."""

from __future__ import annotations

import json
import os
import socket
import struct
import threading
from dataclasses import dataclass, field
from typing import Any

from . import processes


@dataclass(frozen=True)
class Task:
    """A measured task: its duration, the processor time that it took (all in seconds), and the clock at its end."""

    name: str
    seconds: float
    controller_cpu: float
    target_cpu: float
    ended: float


@dataclass
class Run:
    """What one run of Ansible has reported: its measured tasks, and the facts that its play has set."""

    tasks: list[Task] = field(default_factory=list)
    told: dict[str, Any] = field(default_factory=dict)

    def named(self, name: str) -> list[Task]:
        """Return the tasks of this name."""
        return [task for task in self.tasks if task.name == name]


class Meter:
    """Listens while one run of Ansible goes on.

    The callback ``moments`` connects to the socket *name* in the abstract namespace: unix(7). It belongs to the network
    namespace, so a container that shares the host's can connect. The pid of the connecting process leads to the
    container's processes.
    """

    def __init__(self, target_pid: int) -> None:
        self.name = f"longrun-jobs-meter-{os.getpid()}-{os.urandom(4).hex()}"
        self.run = Run()
        self._target_pid = target_pid
        self._begun: dict[str, tuple[str, tuple[float, float]]] = {}
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind("\0" + self.name)
        self._listener.listen(1)
        self._thread = threading.Thread(target=self._listen)

    def __enter__(self) -> Meter:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        # wakes up the thread if nothing has connected
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _listen(self) -> None:
        try:
            connection, _address = self._listener.accept()
        except OSError:  # nothing has connected
            return
        with connection:
            peer = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
            # the container's first process, which also adopts orphans
            controller = processes.parent(struct.unpack("3i", peer)[0])
            for line in connection.makefile("rb"):
                self._hear(json.loads(line), controller)
                connection.sendall(b".")

    def _hear(self, event: dict[str, Any], controller: int) -> None:
        match event["event"]:
            case "begin":
                self._begun[event["task"]] = event["name"], self._look(controller)
            case "end":
                name, (controller_cpu, target_cpu) = self._begun.pop(event["task"])
                now = self._look(controller)
                used = now[0] - controller_cpu, now[1] - target_cpu
                self.run.tasks.append(Task(name, event["seconds"], *used, event["clock"]))
            case "told":
                self.run.told.update(event["told"])

    def _look(self, controller: int) -> tuple[float, float]:
        listed = list(processes.running())
        return (
            processes.seconds_below(controller, listed),
            processes.seconds_below(self._target_pid, listed),
        )
