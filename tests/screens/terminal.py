# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A terminal that can be looked at: a tmux server of its own, with one window."""

from __future__ import annotations

import shlex
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path


class Terminal:
    """Runs a command, and stays as it is when that has ended."""

    def __init__(self, directory: Path, command: list[str], columns: int, rows: int) -> None:
        directory.mkdir(parents=True)
        # apart from the directory: a socket's path may have a hundred characters and no more
        self._home = tempfile.TemporaryDirectory(prefix="longrun-tmux-")
        self._log = directory / "tmux.conf"
        self._log.write_text(
            "set -g remain-on-exit on\nset -g history-limit 50000\nset -g default-terminal screen-256color\n"
        )
        size = [f"-x{columns}", f"-y{rows}"]
        self._tmux("-f", str(self._log), "new-session", "-d", *size, shlex.join(command))

    def _tmux(self, *words: str) -> str:
        command = ["tmux", "-u", "-S", f"{self._home.name}/socket", *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def screen(self) -> list[str]:
        """What is to be seen at this moment."""
        return self._tmux("capture-pane", "-p").rstrip("\n").split("\n")

    def everything(self) -> list[str]:
        """What was scrolled out of sight as well; lines that were folded are whole again."""
        return self._tmux("capture-pane", "-p", "-J", "-S", "-").rstrip("\n").split("\n")

    def coloured(self) -> str:
        """Everything, with escape sequences for its colours."""
        return self._tmux("capture-pane", "-p", "-e", "-J", "-S", "-").rstrip("\n")

    def ended(self) -> bool:
        return self._tmux("list-panes", "-F", "#{pane_dead}").strip() == "1"

    def keys(self, *names: str) -> None:
        self._tmux("send-keys", *names)

    def resize(self, columns: int, rows: int) -> None:
        self._tmux("resize-window", f"-x{columns}", f"-y{rows}")

    def screens(self, seconds: float = 90.0) -> Iterator[list[str]]:
        """What is to be seen, several times a second, until the command has ended."""
        deadline = time.monotonic() + seconds
        while not self.ended():
            assert time.monotonic() < deadline, "\n".join(self.screen())
            yield self.screen()
            time.sleep(0.2)

    def wait_for(self, found: Callable[[list[str]], bool], seconds: float = 60.0) -> list[str]:
        """The first screen of which that is true."""
        for screen in self.screens(seconds):
            if found(screen):
                return screen
        raise AssertionError("it ended before: " + "\n".join(self.everything()))

    def close(self) -> None:
        subprocess.run(
            ["tmux", "-S", f"{self._home.name}/socket", "kill-server"],
            check=False,
            capture_output=True,
        )
        self._home.cleanup()
