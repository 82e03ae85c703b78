# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""The spool of a stream: files of limited size that keep the beginning and the newest output, and count the gap.

The file ``stdout`` begins at byte 0 of the stream, ``stdout.<n>`` at byte n. Imports nothing of this library: a module
that respawns under another interpreter takes this text along.
"""

import os
from typing import List, Tuple


def spool_pieces(names: List[str], stream: str) -> List[Tuple[int, str]]:
    """Return the pieces of a stream among the names in a job directory: (offset in the stream, name), in order."""
    found = []
    for name in names:
        base, _unused, start = name.partition(".")
        if base == stream and (name == stream or start.isdigit()):
            found.append((int(start or 0), name))
    return sorted(found)


class SpoolWriter:
    """Appends to the spool of one stream. A write that fails loses output, but never ends the job.

    limit: how many bytes are kept: half of them of the beginning, up to half of the end. 0 keeps none.
    """

    def __init__(self, directory: str, stream: str, limit: int) -> None:
        self._directory = directory
        self._stream = stream
        self._limit = limit
        self._fd = -1
        self._piece = stream
        self._room = 0
        self._end = 0  # the offset in the stream of the next byte
        for start, name in spool_pieces(os.listdir(directory), stream):
            self._end = start + os.stat(os.path.join(directory, name)).st_size

    def write(self, data: bytes) -> None:
        """Append to the stream. Bytes that a full disk refuses become part of the gap."""
        view = memoryview(data)
        if not self._limit:
            self._touch()
            return
        while view:
            try:
                if self._fd < 0 or self._room <= 0:
                    self._next_piece()
                written = os.write(self._fd, view[: self._room])
            except OSError:
                # a full disk: these bytes become a gap, and the next write tries a new piece
                self._give_up_piece()
                self._end += len(view)
                return
            self._end += written
            self._room -= written
            view = view[written:]

    def _touch(self) -> None:
        """Set the time of an empty piece, which tells the idle timeout that something was printed."""
        try:
            if self._fd < 0:
                self._open_piece(self._stream)
            os.utime(self._fd)
        except OSError:
            self.close()

    def _give_up_piece(self) -> None:
        """Close the piece, and remove it if it is empty: else it would displace an older one that has output."""
        if self._fd < 0:
            return
        empty = os.fstat(self._fd).st_size == 0
        self.close()
        if empty:
            try:
                os.unlink(os.path.join(self._directory, self._piece))
            except OSError:
                pass  # it was removed with its job

    def _open_piece(self, name: str) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        self._fd = os.open(os.path.join(self._directory, name), flags, 0o600)
        self._piece = name

    def _next_piece(self) -> None:
        """Open a new piece for the next byte, and remove all pieces but the first and the two newest."""
        self.close()
        head = self._end == 0
        self._open_piece(self._stream if head else f"{self._stream}.{self._end}")
        self._room = max(1, self._limit // 2 if head else self._limit // 4)
        newer = [
            piece for piece in spool_pieces(os.listdir(self._directory), self._stream) if piece[0]
        ]
        for _unused, old in newer[:-2]:
            os.unlink(os.path.join(self._directory, old))

    def close(self) -> None:
        """Close the piece that is open. The next write opens a new one."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
