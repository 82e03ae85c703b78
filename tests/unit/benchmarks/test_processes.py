# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
import sys

from benchmarks.processes import Process, parent, parse, running, seconds_below


def test_a_name_may_have_blanks_and_parentheses() -> None:
    tick = os.sysconf("SC_CLK_TCK")
    fields = "S 12 34 34 0 -1 4194560 1 2 3 4 10 20 30 40 20 0 1 0 100"
    assert parse(f"77 (a ) (b) {fields}") == Process(77, 12, 100 / tick)


def test_a_tree_is_all_that_came_of_its_root() -> None:
    tree = [Process(1, 0, 1.0), Process(2, 1, 2.0), Process(3, 2, 4.0), Process(4, 0, 8.0)]
    assert seconds_below(1, tree) == 7.0
    assert seconds_below(2, tree) == 6.0


def test_a_process_is_found_below_its_parent() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as child:
        try:
            assert parent(child.pid) == os.getpid()
            assert child.pid in {it.pid for it in running() if it.parent == os.getpid()}
        finally:
            child.kill()
