# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""From the process that Ansible waits for to a supervisor of its own session, and the word that it runs."""

import json
import os
import sys
from typing import Any, Callable, Dict, Optional, Tuple

from .ending import encode
from .errors import JobError, refused
from .retention import remove_job, sweep
from .store import PRIVATE_DIR, create_async_dir
from .supervisor import Plan, Supervisor

_START_SECONDS = 60.0  # for a supervisor to make its job durable, before the start is given up
_ERROR_FILE = "supervisor_error"


class Start:
    """One job on its way to a supervisor of its own. Several may be, until ``finish`` is asked of each."""

    def __init__(
        self,
        system: Any,
        async_dir: str,
        home: str,
        record: Dict[str, Any],
        plan: Plan,
        tap_text: Callable[[], str],
        settle: Optional[Callable[[Dict[str, Any]], None]] = None,
        sweeps: bool = True,
        gate: int = -1,
    ) -> None:
        """settle: called in the supervisor, with the record, before anything of the job is there. JobError: no start.

        sweeps: whether this start removes some jobs whose retention is over; of many at once, one is enough.

        gate: a descriptor, if any, at whose end the module may begin.
        """
        self._system = system
        self._jid = record["id"]
        try:
            self._reader, writer = system.pipe()
            self._pid = system.fork()
        except OSError as error:
            raise refused("start a process for", self._jid, error) from error
        if self._pid == 0:
            system.close(self._reader)
            keep = (writer, *(plan.ticket.fds if plan.ticket is not None else ()))
            keep += (gate,) if gate >= 0 else ()
            _daemonize(
                system,
                self._jid,
                keep,
                lambda: _supervise(
                    system, async_dir, home, record, plan, tap_text, settle, sweeps, writer, gate
                ),
            )
        system.close(writer)

    def finish(self) -> Dict[str, Any]:
        """The record of the job, when it and the job file are on disk. JobError: nothing was started, and why."""
        system = self._system
        system.waitpid(self._pid, 0)
        answer = b""
        deadline = system.monotonic() + _START_SECONDS
        while self._reader in system.select(
            [self._reader], max(0.0, deadline - system.monotonic())
        ):
            piece = system.read(self._reader, 65536)
            answer += piece
            if not piece or answer.endswith(b"\n"):
                break
        system.close(self._reader)
        if not answer:
            # closing our end tells a supervisor that is merely late that nobody waits for it: it runs nothing
            raise JobError(
                f"the supervisor of {self._jid} ended, or took {_START_SECONDS:g} s, without a word"
            )
        said = json.loads(answer.decode("ascii"))
        if said.get("error"):
            raise JobError(said["error"], **said["details"])
        return dict(said["record"])


def _daemonize(system: Any, jid: str, keep: Tuple[int, ...], supervise: Callable[[], None]) -> None:
    """In the first child: a session of its own, then a process that can never get a terminal. No return.

    keep: the descriptors that stay open; through the first, an error is told.
    """
    try:
        system.setsid()
        if system.fork() == 0:
            null = system.open(os.devnull, os.O_RDWR)
            for fd in (0, 1, 2):
                system.dup2(null, fd)
            system.close_others(keep)
            supervise()
    except OSError as error:
        _say_error(system, keep[0], refused("start the supervisor of", jid, error))
    finally:
        system.exit(0)


def _supervise(
    system: Any,
    async_dir: str,
    home: str,
    record: Dict[str, Any],
    plan: Plan,
    tap_text: Callable[[], str],
    settle: Optional[Callable[[Dict[str, Any]], None]],
    sweeps: bool,
    writer: int,
    gate: int,
) -> None:
    supervisor = None
    told = False
    try:
        try:
            directory = create_async_dir(system, async_dir, home)
            record["results_file"] = directory.join(record["id"])
            if settle is not None:
                settle(record)
            supervisor = Supervisor(system, directory, record, plan, tap_text)
            try:
                go = supervisor.start()
            except OSError as error:
                raise refused("write the job to", directory.join(record["id"]), error) from error
        except JobError as error:
            _say_error(system, writer, error)
            return
        try:
            _say(system, writer, {"error": None, "record": record})
        except OSError:  # nobody waits for it any more: the start has failed, so there is no job
            remove_job(directory, directory.child(PRIVATE_DIR), record["id"])
            return
        told = True
        if gate >= 0:
            system.read(gate, 1)
            system.close(gate)
        go()
        if sweeps:
            sweep(system, directory)
        supervisor.supervise()
    finally:
        failure = sys.exc_info()[1]
        if failure is not None:
            import traceback

            text = traceback.format_exc()
            if not told:
                _say_error(
                    system,
                    writer,
                    JobError(
                        f"the supervisor of {record['id']} failed: {failure!r}", exception=text
                    ),
                )
            elif supervisor is not None:
                supervisor.job_dir.write_file(_ERROR_FILE, text.encode("utf-8", "replace"))
        system.exit(1)


def _say(system: Any, writer: int, answer: Dict[str, Any]) -> None:
    system.write(writer, encode(answer) + b"\n")
    system.close(writer)


def _say_error(system: Any, writer: int, error: JobError) -> None:
    _say(system, writer, {"error": error.message, "details": error.details})
