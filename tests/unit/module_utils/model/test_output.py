# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.output import (
    REDACTED,
    Cursor,
    Piece,
    Redactor,
    clean_line,
    decode_output,
    missing_bytes,
    output_lines,
    parse_cursor,
    plan_reads,
    tail_begin,
    tail_lines,
    total_bytes,
)


def test_text_is_utf_8_and_what_is_not_is_marked():
    assert decode_output("Grüße ✓".encode()) == "Grüße ✓"
    assert decode_output(b"a\xff\xc3b") == "a\ufffd\ufffdb"


@pytest.mark.parametrize(
    "data, lines",
    [
        (b"", []),
        (b"\n", [""]),
        (b"one", ["one"]),
        (b"one\n", ["one"]),
        (b"one\ntwo", ["one", "two"]),
        (b"one\n\ntwo\n\n", ["one", "", "two", ""]),
        (b"one\r\ntwo\r\n", ["one", "two"]),
        (b"one\r\r\n", ["one"]),
        (b"one\ttwo\n", ["one\ttwo"]),
        (b"\xe2\x80\xa8\x0b\x0c\x1c one line\n", ["\u2028 one line"]),
    ],
)
def test_only_a_line_feed_ends_a_line(data, lines):
    assert output_lines(data) == lines


@pytest.mark.parametrize(
    "data, line",
    [
        (b" 10%\r 45%\r100%\n", "100%"),
        (b" 10%\r 45%\r", " 45%"),
        (b" 10%\r 45%\r\r\n", " 45%"),
        (b"100%\r    \rdone\n", "done"),
        (b"100%\r\x1b[K\n", "100%"),
        (b"100%\r    \r\n", "100%"),
        (b"long text\rshort\n", "short"),
        (b"  \r\n", "  "),
        (b"\x1b[2K\x1b[1Gfetching 1\x1b[2K\x1b[1Gfetching 2\n", "fetching 2"),
        (b"one\x1b[0Gtwo\x1b[Gthree", "three"),
        (b"at column\x1b[12G12\n", "at column12"),
    ],
)
def test_a_progress_bar_leaves_its_last_state(data, line):
    assert output_lines(data) == [line]


@pytest.mark.parametrize(
    "data, line",
    [
        (b"abc\b\bX\n", "aXc"),
        (b"inode tables:  0/87\b\b\b\b\b 1/87\n", "inode tables:  1/87"),
        (b"|\b/\b-\n", "-"),
        (b"wait|\b \b\n", "wait"),
        (b"\b\b\bstart\n", "start"),
        (b"b\bbo\bol\bld\n", "bold"),
        (b"x\r\b\by\n", "y"),
    ],
)
def test_backspaces_overwrite_what_was_before_them(data, line):
    assert output_lines(data) == [line]


@pytest.mark.parametrize(
    "data, line",
    [
        (b"\x1b[1;31mred\x1b[0m", "red"),
        (b"\x1b[?25lhidden cursor\x1b[?25h", "hidden cursor"),
        (b"\x1b[38:2:1:2:3mtrue colour", "true colour"),
        (b"\x1b[2J\x1b[H\x1bcwiped", "wiped"),
        (b"\x1b(Bcharset\x1b7saved\x1b8", "charsetsaved"),
        (b"\x1b]0;title\x07text", "text"),
        (b"\x1b]8;;http://x/\x1b\\link\x1b]8;;\x1b\\ after", "link after"),
        (b"\x1b]52;c;ZXZpbA==\x07clipboard", "clipboard"),
        (b"\x1bPq#0;2\x1b\\sixel", "sixel"),
        (b"\x1b_apc\x1b\\\x1b^pm\x1b\\\x1bXsos\x1b\\all", "all"),
        (b"kept \x1b]0;never ended", "kept "),
        (b"kept \x1b]0;x\x1b[1mtext", "kept text"),
        (b"gone \x1b]0;x\rtext", "text"),
        (b"kept \x1b[12", "kept "),
        (b"kept \x1b", "kept "),
        ("\x9b31mC1 CSI \x9d0;t\x9cOSC".encode(), "C1 CSI OSC"),
        (b"bell\x07 nul\x00 del\x7f so\x0e", "bell nul del so"),
        ("next\x85line \x80".encode(), "nextline "),
        (b"\x9b31mno UTF-8", "\ufffd31mno UTF-8"),
        ("sekundäre Größe ✓".encode(), "sekundäre Größe ✓"),
    ],
)
def test_nothing_that_drives_a_terminal_is_left(data, line):
    assert output_lines(data + b"\n") == [line]


def test_an_unterminated_line_of_which_nothing_is_visible_is_no_line():
    assert output_lines(b"one\n\x1b[0m") == ["one"]


def test_a_hostile_line_is_cleaned_in_linear_time():
    for part in ("\x1b]", "\x1b[", "\x1b[0", "\x1b ", "\r ", "\b", "a\b", "\x9d"):
        clean_line(part * 200000)


@pytest.mark.parametrize(
    "count, lines",
    [(-1, []), (0, []), (1, ["d"]), (2, ["", "d"]), (3, ["b", "", "d"]), (9, ["a", "b", "", "d"])],
)
@pytest.mark.parametrize("end", [b"", b"\n", b"\n\x1b[0m"])
def test_a_tail_is_the_last_lines(count, lines, end):
    assert tail_lines(b"a\nb\n\nd" + end, count) == lines


def test_a_tail_of_nothing_is_empty():
    assert tail_lines(b"", 5) == []


def test_a_cursor_is_read_back_as_it_was_written():
    cursor = Cursor(stdout=18233, stderr=0)
    assert str(cursor) == "18233:0"
    assert f"{cursor}" == "18233:0"
    assert parse_cursor("18233:0") == cursor


@pytest.mark.parametrize(
    "text", ["", "5", "5:", ":5", "-1:0", "1:2:3", "1:2\n", " 1:2", "a:b", "٣:1", "9" * 30 + ":0"]
)
def test_what_is_no_cursor_is_refused_with_a_word_on_what_would_be_right(text):
    with pytest.raises(ValueError) as caught:
        parse_cursor(text)
    assert repr(text) in str(caught.value)
    assert "'18233:0'" in str(caught.value)


def test_a_long_value_is_not_shown_in_full():
    with pytest.raises(ValueError) as caught:
        parse_cursor("x" * 100000)
    assert len(str(caught.value)) < 300


HEAD, MIDDLE, END = Piece(0, 100, "out"), Piece(150, 50, "out.150"), Piece(200, 30, "out.200")


@pytest.mark.parametrize(
    "pieces, begin, limit, reads",
    [
        ([], 0, 10, []),
        ([HEAD], 0, 1000, [("out", 0, 100)]),
        ([HEAD], 40, 10, [("out", 40, 10)]),
        ([HEAD], 100, 10, []),
        ([HEAD], 5000, 10, []),
        ([HEAD], -5, 10, [("out", 0, 10)]),
        ([HEAD], 0, 0, []),
        ([HEAD], 0, -1, []),
        ([HEAD, MIDDLE, END], 0, 1000, [("out", 0, 100), ("out.150", 0, 50), ("out.200", 0, 30)]),
        ([END, HEAD, MIDDLE], 90, 65, [("out", 90, 10), ("out.150", 0, 50), ("out.200", 0, 5)]),
        ([HEAD, MIDDLE, END], 120, 10, [("out.150", 0, 10)]),
        ([HEAD, MIDDLE, END], 160, 40, [("out.150", 10, 40)]),
        ([HEAD, MIDDLE, END], 199, 2, [("out.150", 49, 1), ("out.200", 0, 1)]),
        ([HEAD, Piece(150, 0, "out.150")], 0, 1000, [("out", 0, 100)]),
    ],
)
def test_reads_go_forward_through_the_pieces_and_skip_gaps(pieces, begin, limit, reads):
    assert plan_reads(pieces, begin, limit) == reads


@pytest.mark.parametrize(
    "pieces, total, missing",
    [
        ([], 0, 0),
        ([HEAD], 100, 0),
        ([HEAD, MIDDLE], 200, 50),
        ([END, MIDDLE, HEAD], 230, 50),
        ([HEAD, END], 230, 100),
        ([MIDDLE], 200, 150),
        ([HEAD, Piece(150, 0, "out.150")], 150, 50),
    ],
)
def test_the_gaps_of_a_capped_stream_are_counted(pieces, total, missing):
    assert (total_bytes(pieces), missing_bytes(pieces)) == (total, missing)


@pytest.mark.parametrize(
    "pieces, count, begin",
    [
        ([], 10, 0),
        ([HEAD], 0, 100),
        ([HEAD], 10, 90),
        ([HEAD], 100, 0),
        ([HEAD], 1000, 0),
        ([END, HEAD, MIDDLE], 30, 200),
        ([END, HEAD, MIDDLE], 31, 199),
        ([END, HEAD, MIDDLE], 80, 150),
        ([END, HEAD, MIDDLE], 81, 99),
        ([END, HEAD, MIDDLE], 1000, 0),
    ],
)
def test_a_tail_begins_where_no_more_than_the_asked_bytes_are_left(pieces, count, begin):
    assert tail_begin(pieces, count) == begin


def redact(secrets, *chunks):
    redactor = Redactor(secrets)
    return [redactor.feed(chunk) for chunk in chunks] + [redactor.flush()]


@pytest.mark.parametrize(
    "secrets, data, shown",
    [
        ([], b"text", b"text"),
        ([b""], b"text", b"text"),
        ([b"secret"], b"a secret, a secret", b"a ********, a ********"),
        ([b"x"], b"axb", b"a********b"),
        ([b"pass", b"password"], b"password pass", b"******** ********"),
        ([b"password", b"pass"], b"password pass", b"******** ********"),
        ([b"a.c"], b"abc a.c", b"abc ********"),
        ([b"ab", b"bc"], b"abc", b"********c"),
        ([b"aa"], b"aaa", b"********a"),
        ([b"line\nbreak"], b"a line\nbreak", b"a ********"),
        ([b"*"], b"*", b"********"),
        ([b"\xff\x00"], b"1\xff\x002", b"1********2"),
    ],
)
def test_secrets_are_replaced_however_the_data_is_cut(secrets, data, shown):
    assert b"".join(redact(secrets, data)) == shown
    assert b"".join(redact(secrets, *[data[i : i + 1] for i in range(len(data))])) == shown
    for cut in range(len(data)):
        assert b"".join(redact(secrets, data[:cut], data[cut:])) == shown


@pytest.mark.parametrize(
    "secrets, chunks, shown",
    [
        ([b"secret"], [b"all of it"], [b"all of it", b""]),
        ([b"secret"], [b"a sec", b"ond"], [b"a ", b"second", b""]),
        ([b"secret"], [b"a sec", b"ret!"], [b"a ", REDACTED + b"!", b""]),
        ([b"secret"], [b"the sec"], [b"the ", b"sec"]),
        ([b"secret"], [b"secret"], [REDACTED, b""]),
        ([b"pass", b"password"], [b"pass", b"!"], [b"", REDACTED + b"!", b""]),
        ([b"pass", b"password"], [b"passw"], [b"", REDACTED + b"w"]),
        ([b"abcx", b"bc"], [b"abc", b"d"], [b"", b"a" + REDACTED + b"d", b""]),
        ([b"secret"], [b"sese", b"cret"], [b"se", REDACTED, b""]),
    ],
)
def test_only_the_possible_beginning_of_a_secret_is_held_back(secrets, chunks, shown):
    assert redact(secrets, *chunks) == shown
