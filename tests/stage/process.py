# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Start a program, show or keep what it prints, and say how it ended.

At a terminal everything is shown as it comes. Elsewhere, in a log of a hundred thousand lines, what failed would be hard
to find: there a check's programs print into a file of their own, and only what the stage itself says is shown.
"""

from __future__ import annotations

import contextlib
import shlex
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TextIO

# No program of the stage takes this long; one that hangs must not hang the stage.
DEADLINE = 30 * 60

Env = Mapping[str, str] | None

_running: set[subprocess.Popen[str]] = set()

# what the programs of the check that runs have printed; of one that prints more than this, the end
_shown: deque[str] = deque(maxlen=100_000)

# where they print; None while no check runs
_kept: TextIO | None = None


class StageError(Exception):
    """Something the stage needs could not be had, or a check failed."""


def every(*steps: Callable[[], None]) -> None:
    """Run all steps, also after one that fails, so that one run shows all there is to mend.

    Raises a StageError that has the messages of all that failed.
    """
    failed = []
    for step in steps:
        try:
            step()
        except StageError as error:
            failed.append(str(error))
    if failed:
        raise StageError("; ".join(failed))


def say(message: str) -> None:
    """Print a line of the stage's own, in order with what its programs print."""
    print(f"== {message}", flush=True)


@contextlib.contextmanager
def keeping(log: Path) -> Iterator[deque[str]]:
    """Have programs print into *log* where nobody sits at a terminal; yield the lines that they have printed."""
    global _kept
    log.parent.mkdir(parents=True, exist_ok=True)
    _shown.clear()
    with log.open("w", encoding="utf-8") as _kept:
        try:
            yield _shown
        finally:
            _kept = None


def run(command: Sequence[str], *, env: Env = None, cwd: Path | None = None) -> None:
    """Run *command* with its output shown; raise StageError when it fails."""
    show(f"$ {shlex.join(command)}")
    # whoever sits at a terminal has its colours, and reads what failed there
    status = _run(command, env, cwd) if sys.stdout.isatty() else _run_shown(command, env, cwd)
    if status != 0:
        raise StageError(f"exit status {status}: {shlex.join(command)}")


def output(command: Sequence[str], *, env: Env = None, cwd: Path | None = None) -> str:
    """Return what *command* writes to stdout; raise StageError with its stderr when it fails."""
    status = _collect(command, env, cwd, stderr=subprocess.PIPE)
    if status.returncode != 0:
        raise StageError(f"exit status {status.returncode}: {shlex.join(command)}\n{status.stderr}")
    return status.stdout


def transcript(
    command: Sequence[str], *, env: Env = None, cwd: Path | None = None
) -> tuple[int, str]:
    """Run *command* quietly; return its exit status and both its streams as one text.

    For checks that run side by side, whose output would otherwise be shuffled together.
    """
    status = _collect(command, env, cwd, stderr=subprocess.STDOUT)
    return status.returncode, f"$ {shlex.join(command)}\n{status.stdout}"


@contextlib.contextmanager
def _started(
    command: Sequence[str],
    env: Env,
    cwd: Path | None,
    *,
    stdout: int | None = None,
    stderr: int | None = None,
) -> Iterator[subprocess.Popen[str]]:
    """A program that is ended with its reader, and after the deadline."""
    with subprocess.Popen(
        command,
        env=env,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        encoding="utf-8",
        errors="replace",
    ) as program:
        _running.add(program)
        late = threading.Event()

        def end() -> None:
            late.set()
            program.kill()

        timer = threading.Timer(DEADLINE, end)
        timer.start()
        try:
            yield program
            program.wait()
        except BaseException:
            program.terminate()
            raise
        finally:
            timer.cancel()
            _running.discard(program)
    if late.is_set():
        raise StageError(f"no end after {DEADLINE} seconds: {shlex.join(command)}")


def _run(command: Sequence[str], env: Env, cwd: Path | None) -> int:
    with _started(command, env, cwd) as program:
        pass
    return program.returncode


def _run_shown(command: Sequence[str], env: Env, cwd: Path | None) -> int:
    with _started(command, env, cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as program:
        assert program.stdout is not None
        for line in program.stdout:
            show(line)
    return program.returncode


def _collect(
    command: Sequence[str], env: Env, cwd: Path | None, *, stderr: int
) -> subprocess.CompletedProcess[str]:
    with _started(command, env, cwd, stdout=subprocess.PIPE, stderr=stderr) as program:
        out, err = program.communicate()
    return subprocess.CompletedProcess(command, program.returncode, out, err)


def end_running() -> None:
    """End the programs that other threads wait for."""
    for program in list(_running):
        program.terminate()


def show(text: str) -> None:
    """Print a transcript, or a line of one; into the log, where one is kept and nobody is at a terminal."""
    _shown.extend(text.splitlines())
    to = _kept if _kept is not None and not sys.stdout.isatty() else sys.stdout
    to.write(text if text.endswith("\n") else text + "\n")
    to.flush()
