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


class StageError(Exception):
    """Something the stage needs could not be had, or a check failed."""


def say(message: str) -> None:
    """Print a line of the stage's own, in order with what its programs print."""
    print(f"== {message}", flush=True)


def run(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> None:
    """Run *command* with its output shown; raise StageError when it fails."""
    print(f"$ {shlex.join(command)}", flush=True)
    status = subprocess.run(command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, check=False)
    if status.returncode != 0:
        raise StageError(f"exit status {status.returncode}: {shlex.join(command)}")


def output(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> str:
    """Return what *command* writes to stdout; raise StageError with its stderr when it fails."""
    status = subprocess.run(
        command,
        env=env,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if status.returncode != 0:
        raise StageError(f"exit status {status.returncode}: {shlex.join(command)}\n{status.stderr}")
    return status.stdout


def transcript(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> tuple[int, str]:
    """Run *command* quietly; return its exit status and both its streams as one text.

    For checks that run side by side, whose output would otherwise be shuffled together.
    """
    status = subprocess.run(
        command,
        env=env,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    return status.returncode, f"$ {shlex.join(command)}\n{status.stdout}"


def show(text: str) -> None:
    """Print a transcript."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")
    sys.stdout.flush()
