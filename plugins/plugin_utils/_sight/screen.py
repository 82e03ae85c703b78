# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lowest lines of a terminal, drawn again and again below whatever else is printed.

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

# After a line was printed the drawing comes back at once, but not for each line of a burst.
_LEAST_BETWEEN_DRAWINGS = 0.02
_ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
_BEGINNING_AND_CLEAR = "\r\x1b[J"

Frame = Callable[[int, int], list[str]]


def cells(line: str) -> int:
    """How many columns a drawn line takes."""
    text = _ESCAPE.sub("", line)
    return sum(
        2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
        if not unicodedata.combining(char)
    )


def erasing(lines: list[str], width: int) -> str:
    """What removes these lines from a terminal that has this width now: a narrower one has folded them."""
    rows = sum(max(1, -(-cells(line) // max(1, width))) for line in lines)
    up = f"\x1b[{rows}A" if rows else ""
    return up + _BEGINNING_AND_CLEAR


class Screen:
    """Draws what *frame*, given columns and rows, returns. All under *lock*, which whoever prints holds, too.

    The process forks with that lock held, so no child is made while this thread is in the middle of something.
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
        """Draw what has changed; the first time, begin to draw again at every refresh."""
        with self._lock:
            if self._stopped.is_set() or os.getpid() != self._owner:
                return
            if self._thread is None:
                self._thread = threading.Thread(target=self._turn, name="longrun-bars", daemon=True)
                self._thread.start()
            self._due = True

    @contextmanager
    def cleared(self) -> Iterator[None]:
        """Something else is printed meanwhile. Only strings are written here: whoever prints must not meet an error of ours."""
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
        """Remove what was drawn, for good."""
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
            self._stopped.set()  # after an error, which threading shows, the play goes on without bars

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
        # the last column stays free: a terminal that folds there would have a line more than was counted
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
            self._stopped.set()  # the terminal has gone; the play goes on without it
