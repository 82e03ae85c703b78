# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""From the process that Ansible waits for to a supervisor of its own session, and the word that it runs."""

import json
import os
import sys
from typing import Any, Callable, Dict

from .ending import encode
from .errors import JobError, refused
from .payload import Payload
from .retention import remove_job, sweep
from .store import PRIVATE_DIR, create_async_dir
from .supervisor import Supervisor

_START_SECONDS = 60.0  # for a supervisor to make its job durable, before the start is given up
_ERROR_FILE = "supervisor_error"


def start_job(
    system: Any,
    async_dir: str,
    home: str,
    record: Dict[str, Any],
    payload: Payload,
    tap_text: Callable[[], str],
) -> None:
    """Start one job under a supervisor. When this returns, its record and its job file are on disk.

    JobError: nothing was started, and why.
    """
    try:
        reader, writer = system.pipe()
        pid = system.fork()
    except OSError as error:
        raise refused("start a process for", record["id"], error) from error
    if pid == 0:
        system.close(reader)
        _daemonize(
            system,
            record["id"],
            writer,
            lambda: _supervise(system, async_dir, home, record, payload, tap_text, writer),
        )
    system.close(writer)
    system.wait4(pid, 0)
    answer = b""
    deadline = system.monotonic() + _START_SECONDS
    while reader in system.select([reader], max(0.0, deadline - system.monotonic())):
        piece = system.read(reader, 65536)
        answer += piece
        if not piece or answer.endswith(b"\n"):
            break
    system.close(reader)
    if not answer:
        # closing our end tells a supervisor that is merely late that nobody waits for it: it runs nothing
        raise JobError(
            f"the supervisor of {record['id']} ended, or took {_START_SECONDS:g} s, without a word"
        )
    said = json.loads(answer.decode("ascii"))
    if said.get("error"):
        raise JobError(said["error"], **said["details"])


def _daemonize(system: Any, jid: str, writer: int, supervise: Callable[[], None]) -> None:
    """In the first child: a session of its own, then a process that can never get a terminal. No return."""
    try:
        system.setsid()
        if system.fork() == 0:
            null = system.open(os.devnull, os.O_RDWR)
            for fd in (0, 1, 2):
                system.dup2(null, fd)
            system.close_others((writer,))
            supervise()
    except OSError as error:
        _say_error(system, writer, refused("start the supervisor of", jid, error))
    finally:
        system.exit(0)


def _supervise(
    system: Any,
    async_dir: str,
    home: str,
    record: Dict[str, Any],
    payload: Payload,
    tap_text: Callable[[], str],
    writer: int,
) -> None:
    supervisor = None
    told = False
    try:
        try:
            directory = create_async_dir(system, async_dir, home)
            record["results_file"] = directory.join(record["id"])
            supervisor = Supervisor(system, directory, record, payload, tap_text)
            try:
                go = supervisor.start()
            except OSError as error:
                raise refused("write the job to", directory.join(record["id"]), error) from error
        except JobError as error:
            _say_error(system, writer, error)
            return
        try:
            _say(system, writer, {"error": None})
        except OSError:  # nobody waits for it any more: the start has failed, so there is no job
            remove_job(directory, directory.child(PRIVATE_DIR), record["id"])
            return
        told = True
        go()
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
