# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A slow network: a TCP proxy on loopback that delivers everything after a delay.

``python3 -m benchmarks.delay_proxy PORT MILLISECONDS`` prints the port that it listens on. It passes data on to PORT
after half of the round trip, and answers back after the other half. The amount of data under way is not limited.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Protocol

_CHUNK = 65536


class Source(Protocol):
    """What is read from."""

    async def read(self, size: int, /) -> bytes:
        """Return the data that has arrived, or b"" at the end."""


class Sink(Protocol):
    """What is written to."""

    def write(self, data: bytes, /) -> None:
        """Take *data*."""

    async def drain(self) -> None:
        """Return when there is room for more."""

    def can_write_eof(self) -> bool:
        """Return whether the end of the data can be passed on."""

    def write_eof(self) -> None:
        """Pass on the end of the data."""


async def carry(
    source: Source,
    sink: Sink,
    delay: float,
    clock: Callable[[], float],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Write everything that *source* delivers to *sink*, each piece *delay* seconds after it has arrived."""
    under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def take_in() -> None:
        while True:
            data = await source.read(_CHUNK)
            under_way.put_nowait((clock() + delay, data))
            if not data:
                return

    async def hand_out() -> None:
        while True:
            due, data = await under_way.get()
            await sleep(max(0.0, due - clock()))
            if not data:
                break
            sink.write(data)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()

    taking = asyncio.ensure_future(take_in())
    try:
        await hand_out()
    finally:
        taking.cancel()


async def serve(port: int, round_trip: float) -> asyncio.Server:
    """Return a server on a free port of loopback that forwards to *port*. *round_trip* is in seconds."""
    clock = asyncio.get_running_loop().time

    async def connected(near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        far_in, far_out = await asyncio.open_connection("127.0.0.1", port)
        try:
            await asyncio.gather(
                carry(near_in, far_out, round_trip / 2, clock),
                carry(far_in, near_out, round_trip / 2, clock),
            )
        except ConnectionError:  # one side has closed, so the other is closed
            pass
        finally:
            far_out.close()
            near_out.close()

    return await asyncio.start_server(connected, "127.0.0.1", 0)


async def _main(port: int, round_trip: float) -> None:
    server = await serve(port, round_trip)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), float(sys.argv[2]) / 1000))
