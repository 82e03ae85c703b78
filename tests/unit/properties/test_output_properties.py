# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import re

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.output import (
    REDACTED,
    Cursor,
    Piece,
    Redactor,
    missing_bytes,
    output_lines,
    parse_cursor,
    plan_reads,
    tail_begin,
    tail_lines,
    total_bytes,
)

# Bytes that mean something to a terminal, and some that do not.
terminal_data = st.lists(
    st.sampled_from(
        [b"\n", b"\r", b"\b", b"\t", b"\x1b", b"[", b"]", b"0", b";", b"m", b"G", b"\\", b"\x07"]
        + [b"a", b" ", b"\xc2", b"\x9b", b"\x9c", b"\x85", b"\xff", "é".encode()]
    )
    | st.binary(max_size=3),
    max_size=60,
).map(b"".join)

offset = st.integers(0, 50)


@st.composite
def spools(draw):
    pieces, end = [], 0
    for number, (gap, length) in enumerate(draw(st.lists(st.tuples(offset, offset), max_size=5))):
        start = end + (gap if number else 0)
        pieces.append(Piece(start, length, str(start) + "." + str(number)))
        end = start + length
    return draw(st.permutations(pieces))


def kept_offsets(pieces):
    return sorted(at for piece in pieces for at in range(piece.start, piece.start + piece.length))


def planned_offsets(pieces, reads):
    starts = {piece.name: piece.start for piece in pieces}
    return [
        at
        for name, begin, count in reads
        for at in range(starts[name] + begin, starts[name] + begin + count)
    ]


@given(terminal_data)
def test_no_control_character_but_the_tab_survives(data):
    for line in output_lines(data):
        assert re.search("[\x00-\x08\x0a-\x1f\x7f-\x9f]", line) is None


@given(terminal_data)
def test_cleaned_lines_are_clean(data):
    lines = output_lines(data)
    again = "".join(line + "\n" for line in lines).encode("utf-8")
    assert output_lines(again) == lines


@given(terminal_data, st.integers(0, 8))
def test_a_tail_is_the_end_of_all_lines(data, count):
    assert tail_lines(data, count) == (output_lines(data)[-count:] if count else [])


@given(st.integers(0, 10**15), st.integers(0, 10**15))
def test_cursors_round_trip(stdout, stderr):
    assert parse_cursor(str(Cursor(stdout, stderr))) == (stdout, stderr)


@given(spools(), st.integers(-5, 300), st.integers(0, 200))
def test_reads_are_the_first_kept_bytes_from_there_on(pieces, begin, limit):
    wanted = [at for at in kept_offsets(pieces) if at >= begin][:limit]
    assert planned_offsets(pieces, plan_reads(pieces, begin, limit)) == wanted


@given(spools())
def test_what_is_kept_and_what_is_missing_is_all_there_was(pieces):
    kept = len(kept_offsets(pieces))
    assert kept + missing_bytes(pieces) == total_bytes(pieces)


@given(spools(), st.integers(0, 200))
def test_reading_from_the_begin_of_a_tail_gives_the_last_kept_bytes(pieces, count):
    wanted = kept_offsets(pieces)[-count:] if count else []
    reads = plan_reads(pieces, tail_begin(pieces, count), 10**6)
    assert planned_offsets(pieces, reads) == wanted


letters = st.text("ab*", max_size=4).map(str.encode)


@given(st.lists(letters, max_size=4), st.lists(st.text("ab*c", max_size=6).map(str.encode)))
def test_redaction_does_not_depend_on_how_the_stream_is_cut(secrets, chunks):
    redactor = Redactor(secrets)
    shown = b"".join([redactor.feed(chunk) for chunk in chunks] + [redactor.flush()])
    pattern = b"|".join(re.escape(s) for s in sorted(filter(None, secrets), key=len, reverse=True))
    data = b"".join(chunks)
    assert shown == (re.sub(pattern, REDACTED, data) if pattern else data)


@given(st.lists(letters, max_size=4), st.lists(st.text("abc", max_size=6).map(str.encode)))
def test_never_more_than_the_beginning_of_a_secret_is_held_back(secrets, chunks):
    redactor = Redactor(secrets)
    for chunk in chunks:
        redactor.feed(chunk)
    held = redactor._held
    assert held == b"" or any(s.startswith(held) and s != held for s in secrets)
