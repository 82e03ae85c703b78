# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection longrun.jobs: may change in any release.
"""A job's output: bytes as clean lines, offsets into a capped spool, and the hiding of secrets."""

import re
from typing import Iterable, List, NamedTuple, Tuple

REDACTED = b"********"

# Each repetition is over a single character class, so that even a hostile line costs linear time.
_OUTPUT_CONTROL = r"[\x00-\x08\x0b-\x1f\x7f-\x9f]"
_OUTPUT_CONTROL_BUT_BACKSPACE = r"[\x00-\x07\x0b-\x1f\x7f-\x9f]"
_OUTPUT_TO_LINE_START = r"(?:\x1b\[|\x9b)[01]?G"
_OUTPUT_ESCAPE = (
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    # OSC, DCS, SOS, PM and APC carry a string (ECMA-48, xterm). Its end, BEL or ST, is removed as a control character.
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\r]*"
    r"|\x1b[ -/]*[0-~]?"
)


def quoted_value(text: str) -> str:
    """Return a value as error messages show it: quoted, and shortened to at most 60 characters."""
    return repr(text if len(text) <= 60 else text[:57] + "...")


def decode_output(data: bytes) -> str:
    """Return the text of UTF-8 data. Each invalid byte sequence becomes U+FFFD."""
    return data.decode("utf-8", "replace")


def _apply_backspaces(text: str) -> str:
    """Return the text as it looks when each backspace has moved the cursor back by one."""
    if "\b" not in text:
        return text
    cells: List[str] = []
    column = 0
    for char in text:
        if char == "\b":
            column = max(0, column - 1)
        else:
            cells[column : column + 1] = [char]
            column += 1
    # Programs erase by overwriting with spaces, which are not part of the text.
    return "".join(cells).rstrip(" ")


def clean_line(text: str) -> str:
    """Return one line as a terminal would leave it.

    Text that was overwritten after a carriage return or a backspace is dropped, as are all escape sequences and all
    control characters except the tab.
    """
    if re.search(_OUTPUT_CONTROL, text) is None:
        return text
    text = re.sub(_OUTPUT_TO_LINE_START, "\r", text)
    text = re.sub(_OUTPUT_ESCAPE, "", text)
    blank = ""
    for segment in reversed(text.split("\r")):
        line = _apply_backspaces(re.sub(_OUTPUT_CONTROL_BUT_BACKSPACE, "", segment))
        if line.strip():
            return line
        blank = blank or line
    return blank


def output_lines(data: bytes) -> List[str]:
    """Return the lines of the data, each cleaned by ``clean_line``.

    Only a line feed ends a line. An unterminated last line is included unless nothing of it is visible.
    """
    if not data:
        return []
    lines = [clean_line(line) for line in decode_output(data).split("\n")]
    if not lines[-1]:
        lines.pop()
    return lines


def tail_lines(data: bytes, count: int) -> List[str]:
    """Return the last *count* lines of ``output_lines(data)`` without cleaning the others."""
    if count <= 0:
        return []
    begin = len(data)
    # As many lines lie between one line feed more, and the text after the last line feed may be empty or not visible.
    # Where it is visible, a line too many is found and cut off below.
    for _unused in range(count + 1):
        begin = data.rfind(b"\n", 0, begin)
        if begin < 0:
            break
    return output_lines(data[begin + 1 :])[-count:]


class Cursor(NamedTuple):
    """How much of each stream a reader has seen: bytes since the start of the job. Its str() is ``18233:0``."""

    stdout: int
    stderr: int

    def __str__(self) -> str:
        return f"{self.stdout:d}:{self.stderr:d}"


def parse_cursor(text: str) -> Cursor:
    """Return the cursor whose str() is *text*. Raise ValueError, naming the value, if there is none."""
    match = re.match(r"([0-9]{1,18}):([0-9]{1,18})\Z", text)
    if match is None:
        raise ValueError(
            f"{quoted_value(text)} is not a valid cursor: give the async_job.output.cursor of an earlier "
            "status, such as '18233:0' (in quotes, since YAML reads a bare 18233:0 as a number)"
        )
    return Cursor(int(match.group(1)), int(match.group(2)))


class Piece(NamedTuple):
    """A file of a spool: the offset in the stream at which it starts, its length in bytes, and its name.

    The pieces of one stream do not overlap. Output between them was not kept.
    """

    start: int
    length: int
    name: str


def plan_reads(pieces: List[Piece], begin: int, limit: int) -> List[Tuple[str, int, int]]:
    """Return which parts of the pieces to read for the output that is kept from stream offset *begin* on.

    A list, in order, of (name, offset in that piece, byte count); at most *limit* bytes in all.
    """
    reads: List[Tuple[str, int, int]] = []
    position = begin
    for piece in sorted(pieces):
        position = max(position, piece.start)
        count = min(piece.start + piece.length - position, limit)
        if count > 0:
            reads.append((piece.name, position - piece.start, count))
            position += count
            limit -= count
    return reads


def total_bytes(pieces: List[Piece]) -> int:
    """Return how many bytes were written to the stream, whether they were kept or not."""
    return max((piece.start + piece.length for piece in pieces), default=0)


def missing_bytes(pieces: List[Piece]) -> int:
    """Return how many of the stream's bytes were not kept."""
    total = total_bytes(pieces)
    return total - sum(count for _name, _offset, count in plan_reads(pieces, 0, total))


def tail_begin(pieces: List[Piece], count_bytes: int) -> int:
    """Return the stream offset at which the last *count_bytes* of the kept bytes begin.

    With fewer kept bytes, the offset of the first of them; with a count of 0, the end of the stream.
    """
    begin = total_bytes(pieces)
    for piece in sorted(pieces, reverse=True):
        count = min(piece.length, count_bytes)
        if count > 0:
            begin = piece.start + piece.length - count
            count_bytes -= count
    return begin


class Redactor:
    """Replaces secrets in a stream that arrives in chunks, as if it were one string.

    The leftmost secret is replaced first; of several that begin at the same place, the longest. Every secret that is
    not empty is replaced, as in core.
    """

    def __init__(self, secrets: Iterable[bytes]) -> None:
        self._secrets = sorted({bytes(secret) for secret in secrets if secret}, key=len)[::-1]
        self._pattern = re.compile(b"|".join(re.escape(secret) for secret in self._secrets))
        self._held = b""

    def feed(self, chunk: bytes) -> bytes:
        """Return the bytes that can be shown now. An end that may be the beginning of a secret is held back."""
        if not self._secrets:
            return chunk
        data = self._held + chunk
        shown: List[bytes] = []
        position = 0
        held = self._held_from(data, position)
        match = self._pattern.search(data)
        # A match at or after the held end waits, too: the next chunk may make it a longer one, or begin an earlier one.
        while match is not None and match.start() < held:
            shown += (data[position : match.start()], REDACTED)
            position = match.end()
            if position > held:
                held = self._held_from(data, position)
            match = self._pattern.search(data, position)
        shown.append(data[position:held])
        self._held = data[held:]
        return b"".join(shown)

    def flush(self) -> bytes:
        """Return the bytes that were held back. Call it when the stream has ended."""
        held, self._held = self._held, b""
        return self._pattern.sub(REDACTED, held) if self._secrets else held

    def _held_from(self, data: bytes, begin: int) -> int:
        """Return the first offset from which the rest of the data is the beginning of a secret, else its length."""
        held = len(data)
        for secret in self._secrets:
            at = data.find(secret[:1], max(begin, len(data) - len(secret) + 1), held)
            while at >= 0:
                if secret.startswith(data[at:]):
                    held = at
                    break
                at = data.find(secret[:1], at + 1, held)
        return held
