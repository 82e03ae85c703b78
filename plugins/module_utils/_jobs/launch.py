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
from .store import PRIVATE_DIR, create_async_dir, write_all
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
        apart: bool = False,
    ) -> None:
        """settle: called in the supervisor, with the record, before anything of the job is there. JobError: no start.

        sweeps: whether this start removes some jobs whose retention is over; of many at once, one is enough.

        gate: a descriptor, if any, at whose end the module may begin.

        apart: whether this process is that of ``in_own_session`` already.
        """
        self._system = system
        self._apart = apart
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
                apart,
                lambda: _supervise(
                    system, async_dir, home, record, plan, tap_text, settle, sweeps, writer, gate
                ),
            )
        system.close(writer)

    def finish(self) -> Dict[str, Any]:
        """The record of the job, when it and the job file are on disk. JobError: nothing was started, and why."""
        system = self._system
        if not self._apart:
            system.waitpid(self._pid, 0)
        said = _hear(system, self._reader, _START_SECONDS)
        if said is None:
            # closing our end tells a supervisor that is merely late that nobody waits for it: it runs nothing
            raise JobError(
                f"the supervisor of {self._jid} ended, or took {_START_SECONDS:g} s, without a word"
            )
        return dict(said["record"])


def in_own_session(system: Any, work: Callable[[], Dict[str, Any]]) -> Dict[str, Any]:
    """What the work answers, done in a process of a session of its own. JobError: what it raises, or no such process.

    For several starts: none of them needs a process in between, and all are orphans when that one ends.
    """
    try:
        reader, writer = system.pipe()
        pid = system.fork()
    except OSError as error:
        raise refused("start", "the process that starts the jobs", error) from error
    if pid == 0:
        try:
            system.close(reader)
            system.setsid()
            try:
                _say(system, writer, dict(work(), error=None))
            except JobError as error:
                _say_error(system, writer, error)
        finally:
            failure = sys.exc_info()[1]
            try:
                if failure is not None:
                    fault = _unexpected("the process that starts the jobs", failure)
                    _say_error(system, writer, fault)
            finally:  # also where nobody waits for the answer any more
                system.exit(0)
    system.close(writer)
    said = _hear(system, reader, None)
    system.waitpid(pid, 0)  # the modules may begin at its end
    if said is None:
        raise JobError(f"the process that starts the jobs, {pid}, ended without a word")
    del said["error"]
    return said


def _hear(system: Any, reader: int, seconds: Optional[float]) -> Optional[Dict[str, Any]]:
    """What the process at the other end says; None if it ended, or the seconds passed, before that. JobError: its refusal."""
    answer = b""
    deadline = None if seconds is None else system.monotonic() + seconds
    while reader in system.select(
        [reader], None if deadline is None else max(0.0, deadline - system.monotonic())
    ):
        piece = system.read(reader, 65536)
        answer += piece
        if not piece or answer.endswith(b"\n"):
            break
    system.close(reader)
    if not answer.endswith(b"\n"):
        return None
    said = json.loads(answer.decode("ascii"))
    if said["error"]:
        raise JobError(said["error"], **said["details"])
    return dict(said)


def _daemonize(
    system: Any, jid: str, keep: Tuple[int, ...], apart: bool, supervise: Callable[[], None]
) -> None:
    """In the first child: a session of its own, then a process that can never get a terminal. No return.

    keep: the descriptors that stay open; through the first, an error is told. apart: one more process is not needed.
    """
    try:
        if apart:
            os.setpgid(0, 0)
        else:
            system.setsid()
        if apart or system.fork() == 0:
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
            fault = _unexpected(f"the supervisor of {record['id']}", failure)
            if not told:
                _say_error(system, writer, fault)
            elif supervisor is not None:
                text = fault.details["exception"]
                supervisor.job_dir.write_file(_ERROR_FILE, text.encode("utf-8", "replace"))
        system.exit(1)


def _unexpected(who: str, failure: BaseException) -> JobError:
    import traceback

    return JobError(f"{who} failed: {failure!r}", exception=traceback.format_exc())


def _say(system: Any, writer: int, answer: Dict[str, Any]) -> None:
    write_all(system, writer, encode(answer) + b"\n")
    system.close(writer)


def _say_error(system: Any, writer: int, error: JobError) -> None:
    _say(system, writer, {"error": error.message, "details": error.details})
