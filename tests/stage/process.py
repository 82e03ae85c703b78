# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Start a program, show what it prints, and say how it ended."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

# No program of the stage takes this long; one that hangs must not hang the stage.
DEADLINE = 30 * 60

Env = Mapping[str, str] | None

_running: set[subprocess.Popen[str]] = set()


class StageError(Exception):
    """Something the stage needs could not be had, or a check failed."""


def say(message: str) -> None:
    """Print a line of the stage's own, in order with what its programs print."""
    print(f"== {message}", flush=True)


def run(command: Sequence[str], *, env: Env = None, cwd: Path | None = None) -> None:
    """Run *command* with its output shown; raise StageError when it fails."""
    print(f"$ {shlex.join(command)}", flush=True)
    status = _run(command, env, cwd, stdout=None, stderr=None)
    if status.returncode != 0:
        raise StageError(f"exit status {status.returncode}: {shlex.join(command)}")


def output(command: Sequence[str], *, env: Env = None, cwd: Path | None = None) -> str:
    """Return what *command* writes to stdout; raise StageError with its stderr when it fails."""
    status = _run(command, env, cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if status.returncode != 0:
        raise StageError(f"exit status {status.returncode}: {shlex.join(command)}\n{status.stderr}")
    return status.stdout


def transcript(
    command: Sequence[str], *, env: Env = None, cwd: Path | None = None
) -> tuple[int, str]:
    """Run *command* quietly; return its exit status and both its streams as one text.

    For checks that run side by side, whose output would otherwise be shuffled together.
    """
    status = _run(command, env, cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return status.returncode, f"$ {shlex.join(command)}\n{status.stdout}"


def _run(
    command: Sequence[str], env: Env, cwd: Path | None, *, stdout: int | None, stderr: int | None
) -> subprocess.CompletedProcess[str]:
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
        try:
            out, err = program.communicate(timeout=DEADLINE)
        except subprocess.TimeoutExpired as error:
            program.kill()
            raise StageError(f"no end after {DEADLINE} seconds: {shlex.join(command)}") from error
        except BaseException:
            program.terminate()
            raise
        finally:
            _running.discard(program)
    return subprocess.CompletedProcess(command, program.returncode, out, err)


def end_running() -> None:
    """End the programs that other threads wait for."""
    for program in list(_running):
        program.terminate()


def show(text: str) -> None:
    """Print a transcript."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")
    sys.stdout.flush()
