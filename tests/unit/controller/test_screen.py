# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import io
import threading
import time

import pytest

from ansible_collections.longrun.jobs.plugins.plugin_utils._sight.screen import (
    Screen,
    cells,
    erasing,
)


@pytest.mark.parametrize(
    ("line", "columns"),
    [("", 0), ("abc", 3), ("\x1b[1;32mab\x1b[0m", 2), ("漢字", 4), ("e\u0301", 1)],
)
def test_columns_are_counted_as_a_terminal_does(line: str, columns: int) -> None:
    assert cells(line) == columns


def test_lines_that_a_narrower_terminal_folded_are_erased_whole() -> None:
    assert erasing(["x" * 100, ""], 120) == "\x1b[2A\r\x1b[J"
    assert erasing(["x" * 100, ""], 50) == "\x1b[3A\r\x1b[J"
    assert erasing(["x" * 101, ""], 50) == "\x1b[4A\r\x1b[J"
    assert erasing([], 50) == "\r\x1b[J"


class Drawn:
    """A screen on a stream, and what is written to it."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        self.lock = threading.RLock()
        self.lines = ["bar"]
        self.screen = Screen(self.stream, self.lock, lambda columns, rows: self.lines, 0.05)

    def written(self) -> str:
        with self.lock:
            return self.stream.getvalue()

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + 10
        while text not in self.written():
            assert time.monotonic() < deadline, repr(self.written())
            time.sleep(0.01)


def test_what_is_printed_comes_above_what_is_drawn() -> None:
    drawn = Drawn()
    drawn.screen.update()
    drawn.wait_for("bar\n")
    with drawn.screen.cleared():
        drawn.stream.write("line\n")
        assert drawn.written().endswith("\x1b[1A\r\x1b[Jline\n")
    drawn.wait_for("line\nbar\n")
    drawn.screen.stop()
    assert drawn.written().endswith("bar\n\x1b[1A\r\x1b[J")


def test_nothing_is_drawn_while_something_else_has_the_terminal() -> None:
    drawn = Drawn()
    drawn.screen.update()
    drawn.wait_for("bar\n")
    with drawn.screen.cleared():
        before = drawn.written()
        time.sleep(0.3)
        assert drawn.written() == before
    drawn.screen.stop()


def test_nothing_is_drawn_after_the_end() -> None:
    drawn = Drawn()
    drawn.screen.update()
    drawn.wait_for("bar\n")
    drawn.screen.stop()
    before = drawn.written()
    drawn.screen.update()
    with drawn.screen.cleared():
        pass
    time.sleep(0.2)
    assert drawn.written() == before


def test_where_nothing_is_to_be_drawn_nothing_is_written() -> None:
    drawn = Drawn()
    drawn.lines = []
    drawn.screen.update()
    time.sleep(0.2)
    drawn.screen.stop()
    assert drawn.written() == ""


def test_a_terminal_that_has_gone_is_no_error() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(5, "Input/output error")

    screen = Screen(Gone(), threading.RLock(), lambda columns, rows: ["bar"], 0.05)
    screen.update()
    time.sleep(0.2)
    with screen.cleared():
        pass
    screen.stop()


def test_a_drawing_that_fails_hits_nobody_who_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = threading.Event()
    monkeypatch.setattr(threading, "excepthook", lambda arguments: failed.set())

    def broken(columns: int, rows: int) -> list[str]:
        raise RuntimeError("broken on purpose")

    stream = io.StringIO()
    screen = Screen(stream, threading.RLock(), broken, 0.05)
    screen.update()
    assert failed.wait(10)
    screen.update()
    with screen.cleared():
        stream.write("line\n")
    screen.stop()
    assert stream.getvalue() == "line\n"
