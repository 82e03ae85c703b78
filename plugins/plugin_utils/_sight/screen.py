# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lowest lines of a terminal, redrawn below everything else that is printed.

Private to the collection longrun.jobs: may change in any release.
"""

from __future__ import annotations

import os
import re
import shutil
import threading
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TextIO

# Seconds. After a line has been printed the drawing returns at once, but not after each line of a burst.
_LEAST_BETWEEN_DRAWINGS = 0.02
_ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
_BEGINNING_AND_CLEAR = "\r\x1b[J"

Frame = Callable[[int, int], list[str]]


def cells(line: str) -> int:
    """Return how many columns a line takes on the terminal."""
    text = _ESCAPE.sub("", line)
    return sum(
        2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
        if not unicodedata.combining(char)
    )


def erasing(lines: list[str], width: int) -> str:
    """Return the control characters that remove these lines from a terminal.

    width: the terminal's present one, in columns. One that has become narrower has folded the lines.
    """
    rows = sum(max(1, -(-cells(line) // max(1, width))) for line in lines)
    up = f"\x1b[{rows}A" if rows else ""
    return up + _BEGINNING_AND_CLEAR


class Screen:
    """Draws the lines that *frame* returns for a number of columns and rows, every *refresh* seconds.

    It draws under *lock*, which core holds while it prints, so that they do not mix. core holds it while it forks, too,
    so no child process begins while this thread is in the middle of something.
    """

    def __init__(
        self, stream: TextIO, lock: AbstractContextManager[object], frame: Frame, refresh: float
    ) -> None:
        self._stream = stream
        self._lock = lock
        self._frame = frame
        self._refresh = refresh
        self._drawn: list[str] = []
        self._drawn_at = 0.0
        self._suspended = 0
        self._due = False
        self._owner = os.getpid()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def update(self) -> None:
        """Redraw soon, because something has changed. The first call starts the thread that draws."""
        with self._lock:
            if self._stopped.is_set() or os.getpid() != self._owner:
                return
            if self._thread is None:
                self._thread = threading.Thread(target=self._turn, name="longrun-bars", daemon=True)
                self._thread.start()
            self._due = True

    @contextmanager
    def cleared(self) -> Iterator[None]:
        """Remove the drawing while the body of ``with`` prints something else, then draw it again.

        It writes only strings that are ready, and calls no *frame*: an error there must not reach the code that prints.
        """
        if os.getpid() != self._owner:
            yield
            return
        with self._lock:
            self._suspended += 1
            before = self._drawn
            self._erase()
        try:
            yield
        finally:
            with self._lock:
                self._suspended -= 1
                self._due = self._due or bool(before)
                if not self._suspended and self._waited(_LEAST_BETWEEN_DRAWINGS):
                    self._show(before, self._size()[0])

    def stop(self) -> None:
        """Remove the drawing for good."""
        if os.getpid() != self._owner:
            return
        self._stopped.set()
        with self._lock:
            self._erase()

    def _turn(self) -> None:
        try:
            while not self._stopped.wait(_LEAST_BETWEEN_DRAWINGS):
                with self._lock:
                    if self._due or self._waited(self._refresh):
                        self._draw()
        finally:
            self._stopped.set()  # after an error, which threading shows, the play continues without bars

    def _waited(self, seconds: float) -> bool:
        return time.monotonic() - self._drawn_at >= seconds

    def _erase(self) -> None:
        if self._drawn:
            self._write(erasing(self._drawn, self._size()[0]))
            self._drawn = []

    def _draw(self) -> None:
        if self._suspended or self._stopped.is_set():
            return
        columns, rows = self._size()
        # The last column stays free: a terminal that wraps there would have one line more than was counted.
        lines = self._frame(columns - 1, rows)
        self._due = False
        if lines or self._drawn:
            self._show(lines, columns)

    def _show(self, lines: list[str], columns: int) -> None:
        if self._stopped.is_set():
            return
        before = erasing(self._drawn, columns) if self._drawn else ""
        self._write(before + "".join(f"{line}\n" for line in lines))
        self._drawn = lines
        self._drawn_at = time.monotonic()

    def _size(self) -> tuple[int, int]:
        try:
            size = os.get_terminal_size(self._stream.fileno())
        except OSError:
            size = shutil.get_terminal_size()
        return size.columns or 80, size.lines or 24

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:
            self._stopped.set()  # the terminal is gone; the play continues without it
