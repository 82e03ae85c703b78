# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ways to the target: how long a round trip takes, and whether connections pipeline."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Link:
    """A way to the target. *round_trip* is in milliseconds."""

    round_trip: int
    pipelining: bool

    def __str__(self) -> str:
        return f"{self.round_trip} ms, pipelining {'on' if self.pipelining else 'off'}"


MAIN = Link(0, True)
ALL = (MAIN, Link(0, False), Link(50, True), Link(50, False))


@contextlib.contextmanager
def delayed(port: int, round_trip: int) -> Iterator[int]:
    """Provide a port of loopback that leads to *port* with a delay of *round_trip* milliseconds."""
    if round_trip == 0:
        yield port
        return
    command = [sys.executable, "-m", "benchmarks.delay_proxy", str(port), str(round_trip)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as proxy:
        assert proxy.stdout is not None
        try:
            yield int(proxy.stdout.readline())
        finally:
            proxy.terminate()
