# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import asyncio
import contextlib
import time

from benchmarks.delay_proxy import carry, serve


class Wire:
    """Both ends of a connection, with a clock that only moves when somebody sleeps."""

    def __init__(self, pieces: list[tuple[float, bytes]]) -> None:
        self.now = 0.0
        self.arrived: list[tuple[float, bytes]] = []
        self._pieces = [*pieces, (pieces[-1][0] if pieces else 0.0, b"")]

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self.now += seconds

    async def read(self, _size: int) -> bytes:
        moment, data = self._pieces.pop(0)
        self.now = max(self.now, moment)
        return data

    def write(self, data: bytes) -> None:
        self.arrived.append((self.now, data))

    async def drain(self) -> None:
        """There is room."""

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.arrived.append((self.now, b""))


def test_each_piece_is_late_by_the_delay_and_no_more() -> None:
    wire = Wire([(0.0, b"one"), (0.0, b"two")])
    asyncio.run(carry(wire, wire, 0.025, wire.clock, wire.sleep))
    assert wire.arrived == [(0.025, b"one"), (0.025, b"two"), (0.025, b"")]


async def _round_trip(seconds: float) -> tuple[bytes, float]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readexactly(4))
        await writer.drain()
        writer.close()

    async with contextlib.AsyncExitStack() as stack:
        far = await stack.enter_async_context(await asyncio.start_server(echo, "127.0.0.1", 0))
        far_port = far.sockets[0].getsockname()[1]
        proxy = await stack.enter_async_context(await serve(far_port, seconds))
        port = proxy.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        begin = time.monotonic()
        writer.write(b"ping")
        answer = await reader.readexactly(4)
        took = time.monotonic() - begin
        writer.close()
        return answer, took


def test_an_answer_takes_a_round_trip_at_least() -> None:
    answer, took = asyncio.run(asyncio.wait_for(_round_trip(0.2), 60))
    assert answer == b"ping"
    assert took >= 0.2
