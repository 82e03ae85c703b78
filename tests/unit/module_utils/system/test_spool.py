# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import os

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.output import (
    Piece,
    missing_bytes,
    total_bytes,
)
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system.spool import (
    SpoolWriter,
    spool_pieces,
)


def pieces(directory, stream="stdout"):
    found = spool_pieces(os.listdir(str(directory)), stream)
    return [Piece(start, (directory / name).stat().st_size, name) for start, name in found]


def content(directory):
    return {name: (directory / name).read_bytes() for name in os.listdir(str(directory))}


def test_the_pieces_of_a_stream_are_told_by_their_names():
    names = [
        "stdout.20",
        "stderr",
        "stdout",
        "stdout.3",
        "stdout.x",
        "stdoutx",
        "record.json",
        "stderr.7",
    ]
    assert spool_pieces(names, "stdout") == [(0, "stdout"), (3, "stdout.3"), (20, "stdout.20")]
    assert spool_pieces(names, "stderr") == [(0, "stderr"), (7, "stderr.7")]


def test_little_output_is_one_file(tmp_path):
    writer = SpoolWriter(str(tmp_path), "stdout", 80)
    writer.write(b"one\n")
    writer.write(b"two\n")
    assert content(tmp_path) == {"stdout": b"one\ntwo\n"}


def test_head_and_tail_of_much_output_are_kept_and_the_gap_is_known(tmp_path):
    writer = SpoolWriter(str(tmp_path), "stdout", 80)
    printed = b"".join(b"%04d\n" % number for number in range(1000))
    for begin in range(0, len(printed), 7):
        writer.write(printed[begin : begin + 7])
        assert sum(piece.length for piece in pieces(tmp_path)) <= 80
    found = pieces(tmp_path)
    assert (tmp_path / "stdout").read_bytes() == printed[:40]
    for piece in found:
        assert (tmp_path / piece.name).read_bytes() == printed[
            piece.start : piece.start + piece.length
        ]
    assert total_bytes(found) == len(printed)
    assert missing_bytes(found) == len(printed) - sum(piece.length for piece in found)
    assert sum(piece.length for piece in found[1:]) > 20


def test_one_write_may_fill_many_pieces(tmp_path):
    printed = bytes(bytearray(range(256))) * 10
    SpoolWriter(str(tmp_path), "stdout", 100).write(printed)
    found = pieces(tmp_path)
    assert [(piece.start, piece.length) for piece in found] == [(0, 50), (2525, 25), (2550, 10)]
    assert (tmp_path / "stdout.2550").read_bytes() == printed[2550:]


def test_a_limit_of_nought_keeps_nothing(tmp_path):
    writer = SpoolWriter(str(tmp_path), "stdout", 0)
    writer.write(b"secret")
    writer.close()
    assert (os.listdir(str(tmp_path)), (tmp_path / "stdout").stat().st_size) == (["stdout"], 0)


def test_what_is_not_kept_is_still_seen_to_have_been_printed(tmp_path):
    writer = SpoolWriter(str(tmp_path), "stdout", 0)
    writer.write(b"secret")
    os.utime(str(tmp_path / "stdout"), (1, 1))
    writer.write(b"secret")
    assert (tmp_path / "stdout").stat().st_mtime > 1
    writer.close()


def test_a_second_writer_goes_on_where_the_first_ended(tmp_path):
    SpoolWriter(str(tmp_path), "stdout", 1000).write(b"one\n")
    SpoolWriter(str(tmp_path), "stdout", 1000).write(b"two\n")
    found = pieces(tmp_path)
    assert [(piece.start, piece.length) for piece in found] == [(0, 4), (4, 4)]
    assert (total_bytes(found), missing_bytes(found)) == (8, 0)


@pytest.mark.parametrize("call", ["write", "open"])
def test_what_a_full_disk_does_not_take_becomes_a_gap(tmp_path, monkeypatch, call):
    writer = SpoolWriter(str(tmp_path), "stdout", 1000)
    writer.write(b"before\n")
    if call == "open":
        writer.close()

    def full(*_args, **_options):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os." + call, full)
        writer.write(b"lost\n")
        writer.write(b"lost too\n")
    writer.write(b"after\n")
    # no empty piece, which would push out one that holds something
    assert content(tmp_path) == {"stdout": b"before\n", "stdout.21": b"after\n"}
    assert missing_bytes(pieces(tmp_path)) == len(b"lost\nlost too\n")


def test_a_job_directory_that_is_gone_costs_output_only(tmp_path):
    directory = tmp_path / "job"
    directory.mkdir()
    writer = SpoolWriter(str(directory), "stdout", 8)
    writer.write(b"1")
    (directory / "stdout").unlink()
    directory.rmdir()
    writer.write(b"2345678901234567890")
    assert os.listdir(str(tmp_path)) == []


def test_a_link_in_the_place_of_a_piece_is_not_written_through(tmp_path):
    (tmp_path / "target").write_bytes(b"")
    (tmp_path / "stdout").symlink_to(tmp_path / "target")
    SpoolWriter(str(tmp_path), "stdout", 100).write(b"x")
    assert (tmp_path / "target").read_bytes() == b""


def test_pieces_are_for_their_owner_alone(tmp_path):
    before = os.umask(0)
    try:
        SpoolWriter(str(tmp_path), "stdout", 10).write(b"0123456789")
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
