# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection longrun.jobs: may change in any release.
"""What a job printed: lines, offsets into a capped spool, and the hiding of secrets."""

import re
from typing import Iterable, List, NamedTuple, Tuple

REDACTED = b"********"

# All repetitions are over single character classes, so a hostile line costs linear time.
_OUTPUT_CONTROL = r"[\x00-\x08\x0b-\x1f\x7f-\x9f]"
_OUTPUT_CONTROL_BUT_BACKSPACE = r"[\x00-\x07\x0b-\x1f\x7f-\x9f]"
_OUTPUT_TO_LINE_START = r"(?:\x1b\[|\x9b)[01]?G"
_OUTPUT_ESCAPE = (
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    # OSC, DCS, SOS, PM and APC carry a string; what ends it, BEL or ST, goes like any control.
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\r]*"
    r"|\x1b[ -/]*[0-~]?"
)


def quoted_value(text: str) -> str:
    """A value as error messages show it: quoted, and not longer than a line."""
    return repr(text if len(text) <= 60 else text[:57] + "...")


def decode_output(data: bytes) -> str:
    """Text of UTF-8 data; each invalid byte sequence becomes U+FFFD."""
    return data.decode("utf-8", "replace")


def _apply_backspaces(text: str) -> str:
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
    # Erasing is done by overwriting with spaces; they are not part of the text.
    return "".join(cells).rstrip(" ")


def clean_line(text: str) -> str:
    """One line as a terminal would leave it: what was overwritten after a carriage return or a
    backspace is gone, and so is every escape sequence and control character but the tab."""
    if re.search(_OUTPUT_CONTROL, text) is None:
        return text
    text = re.sub(_OUTPUT_TO_LINE_START, "\r", text)
    text = re.sub(_OUTPUT_ESCAPE, "", text)
    blank = ""
    for segment in reversed(text.split("\r")):
        shown = _apply_backspaces(re.sub(_OUTPUT_CONTROL_BUT_BACKSPACE, "", segment))
        if shown.strip():
            return shown
        blank = blank or shown
    return blank


def output_lines(data: bytes) -> List[str]:
    """The lines of the data, cleaned by clean_line. Only a line feed ends a line; an unterminated
    last line counts unless nothing of it is visible."""
    if not data:
        return []
    lines = [clean_line(line) for line in decode_output(data).split("\n")]
    if not lines[-1]:
        lines.pop()
    return lines


def tail_lines(data: bytes, count: int) -> List[str]:
    """The last count of output_lines(data), at the cost of those lines only."""
    if count <= 0:
        return []
    begin = len(data)
    # One more than asked for, since the text after the last line feed may be no line; and one more
    # because that many line feeds end, not begin, so many lines.
    for _unused in range(count + 1):
        begin = data.rfind(b"\n", 0, begin)
        if begin < 0:
            break
    return output_lines(data[begin + 1 :])[-count:]


class Cursor(NamedTuple):
    """How much of each stream a reader has seen, in bytes since the start of the job."""

    stdout: int
    stderr: int

    def __str__(self) -> str:
        return f"{self.stdout:d}:{self.stderr:d}"


def parse_cursor(text: str) -> Cursor:
    """The cursor whose str() is text. Raises ValueError."""
    match = re.match(r"([0-9]{1,18}):([0-9]{1,18})\Z", text)
    if match is None:
        raise ValueError(
            f"{quoted_value(text)} is no cursor: give the async_job.output.cursor of an earlier "
            "status, such as '18233:0' (in quotes, since YAML takes a bare 18233:0 for a number)"
        )
    return Cursor(int(match.group(1)), int(match.group(2)))


class Piece(NamedTuple):
    """A file of a spool: its length in bytes and the offset in the stream at which it starts.
    The pieces of one stream do not overlap; what lies between them was not kept."""

    start: int
    length: int
    name: str


def plan_reads(pieces: List[Piece], begin: int, limit: int) -> List[Tuple[str, int, int]]:
    """(name, offset in that piece, byte count) of what is kept from stream offset begin on, in
    order, at most limit bytes in all."""
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
    """How many bytes the stream had, kept or not."""
    return max((piece.start + piece.length for piece in pieces), default=0)


def missing_bytes(pieces: List[Piece]) -> int:
    """How many of total_bytes were not kept."""
    total = total_bytes(pieces)
    return total - sum(count for _name, _offset, count in plan_reads(pieces, 0, total))


def tail_begin(pieces: List[Piece], count_bytes: int) -> int:
    """The smallest stream offset at which a kept byte lies and from which at most count_bytes kept
    bytes remain; the end of the stream for a count of 0."""
    begin = total_bytes(pieces)
    for piece in sorted(pieces, reverse=True):
        count = min(piece.length, count_bytes)
        if count > 0:
            begin = piece.start + piece.length - count
            count_bytes -= count
    return begin


class Redactor:
    """Replaces secrets in a stream that arrives in chunks, as if it were one string: the leftmost
    secret first, of those the longest. As core does, it takes every secret that is not empty."""

    def __init__(self, secrets: Iterable[bytes]) -> None:
        self._secrets = sorted({bytes(secret) for secret in secrets if secret}, key=len)[::-1]
        self._pattern = re.compile(b"|".join(re.escape(secret) for secret in self._secrets))
        self._held = b""

    def feed(self, chunk: bytes) -> bytes:
        """What can be shown now; an end that may be the beginning of a secret is held back."""
        if not self._secrets:
            return chunk
        data = self._held + chunk
        shown: List[bytes] = []
        position = 0
        held = self._held_from(data, position)
        match = self._pattern.search(data)
        # A match at or after the held end waits too: a longer or an earlier one may yet arise.
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
        """The rest, once the stream has ended."""
        held, self._held = self._held, b""
        return self._pattern.sub(REDACTED, held) if self._secrets else held

    def _held_from(self, data: bytes, begin: int) -> int:
        # The first offset from which the data is a proper prefix of a secret.
        held = len(data)
        for secret in self._secrets:
            at = data.find(secret[:1], max(begin, len(data) - len(secret) + 1), held)
            while at >= 0:
                if secret.startswith(data[at:]):
                    held = at
                    break
                at = data.find(secret[:1], at + 1, held)
        return held
