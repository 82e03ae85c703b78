# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import json
import os
import random
import threading

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.inspection.view import (
    Excerpt,
    history,
    output_view,
    partial_output,
    progress_view,
    remember_duration,
    show,
)
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.errors import JobError
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.output import (
    Cursor,
    parse_cursor,
)
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.record import (
    begin,
    end,
    new_record,
)
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.settings import Settings
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system.kernel import System
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system.spool import SpoolWriter
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system.store import open_async_dir

START = "0:0"


@pytest.fixture
def job_dir(tmp_path):
    tmp_path.chmod(0o700)
    directory = open_async_dir(System(), str(tmp_path)).child("j1.1", create=True)
    yield directory
    directory.close()


def spool(job_dir, limit=1 << 20, stream="stdout"):
    return SpoolWriter(job_dir.path, stream, limit)


def since(job_dir, cursor, ended=False):
    return output_view(job_dir, Excerpt(10, parse_cursor(cursor)), ended)


def last(job_dir, count=10, ended=False):
    return output_view(job_dir, Excerpt(count, None), ended)


def test_nothing_printed_is_shown_as_nothing(job_dir):
    assert (
        last(job_dir)
        == since(job_dir, START)
        == {
            "stdout_tail": [],
            "stderr_tail": [],
            "stdout_bytes": 0,
            "stderr_bytes": 0,
            "stdout_path": os.path.join(job_dir.path, "stdout"),
            "stderr_path": os.path.join(job_dir.path, "stderr"),
            "truncated": False,
            "cursor": START,
        }
    )
    without = output_view(None, Excerpt(10, None), True)
    assert set(without) == set(last(job_dir))
    assert without["stdout_path"] is None


def test_the_last_lines_are_shown_and_the_cursor_goes_on_behind_them(job_dir):
    spool(job_dir).write(b"one\ntwo\nthree\n")
    spool(job_dir, stream="stderr").write(b"oops\n")
    view = last(job_dir, 2)
    assert (view["stdout_tail"], view["stderr_tail"], view["cursor"]) == (
        ["two", "three"],
        ["oops"],
        "14:5",
    )
    spool(job_dir).write(b"four\n")
    view = since(job_dir, view["cursor"])
    assert (view["stdout_tail"], view["stderr_tail"], view["cursor"]) == (["four"], [], "19:5")


def test_a_line_that_is_not_yet_whole_waits_for_its_end(job_dir):
    writer = spool(job_dir)
    writer.write(b"one\nhal")
    view = since(job_dir, START)
    assert (view["stdout_tail"], view["cursor"]) == (["one"], "4:0")
    assert last(job_dir)["stdout_tail"] == ["one", "hal"]
    assert last(job_dir)["cursor"] == "4:0"
    writer.write(b"f\n")
    assert since(job_dir, view["cursor"])["stdout_tail"] == ["half"]


def test_at_the_end_an_unfinished_line_is_one(job_dir):
    spool(job_dir).write(b"one\nhal")
    view = since(job_dir, START, ended=True)
    assert (view["stdout_tail"], view["cursor"]) == (["one", "hal"], "7:0")
    assert since(job_dir, view["cursor"], ended=True)["stdout_tail"] == []
    assert last(job_dir, ended=True)["cursor"] == "7:0"


@pytest.mark.parametrize("cursor", ["100:0", "999999999999999999:999999999999999999"])
def test_a_cursor_behind_the_end_shows_nothing_and_stays(job_dir, cursor):
    spool(job_dir).write(b"one\n")
    assert since(job_dir, cursor)["stdout_tail"] == []
    assert since(job_dir, cursor)["cursor"] == cursor


def test_what_is_more_than_one_answer_bears_comes_with_the_next(job_dir):
    lines = [f"line {number}" for number in range(300000)]
    spool(job_dir, 1 << 30).write("".join(line + "\n" for line in lines).encode("ascii"))
    seen, cursor = [], START
    for _unused in range(10):
        view = since(job_dir, cursor)
        seen += view["stdout_tail"]
        cursor = view["cursor"]
    assert seen == lines


def test_a_line_that_is_longer_than_one_answer_is_shown_in_parts(job_dir):
    spool(job_dir, 1 << 30).write(b"x" * 3000000 + b"\nend\n")
    seen, cursor = [], START
    for _unused in range(6):
        view = since(job_dir, cursor)
        seen += view["stdout_tail"]
        cursor = view["cursor"]
    assert "".join(seen) == "x" * 3000000 + "end"
    assert seen[-1] == "end"


def test_a_reader_that_goes_on_from_its_cursor_misses_no_line_and_sees_none_twice(job_dir):
    """While a writer appends pieces of lines as they come."""
    chance = random.Random(7)
    count = 3000
    printed = b"".join(
        b"line %d %s\n" % (number, b"x" * chance.randrange(60)) for number in range(count)
    )

    def write():
        writer, position = spool(job_dir, 1 << 20), 0
        while position < len(printed):
            step = chance.randrange(1, 400)
            writer.write(printed[position : position + step])
            position += step

    thread = threading.Thread(target=write)
    thread.start()
    seen, cursor = [], START
    while thread.is_alive():
        view = since(job_dir, cursor)
        seen += view["stdout_tail"]
        cursor = view["cursor"]
    seen += since(job_dir, cursor, ended=True)["stdout_tail"]
    assert seen == printed.decode("ascii").splitlines()


def test_a_reader_that_a_capped_spool_outruns_sees_no_line_twice(job_dir):
    """Pieces are removed while they are read: what is gone is a gap, never an error and never a repetition."""
    count = 40000
    done = threading.Event()

    def write():
        writer = spool(job_dir, 64 * 1024)
        for number in range(count):
            writer.write(b"%d:%d\n" % (number, number))
        done.set()

    thread = threading.Thread(target=write)
    thread.start()
    seen, cursor = [], START
    while not done.is_set():
        last(job_dir)
        partial_output(job_dir, "stdout")
        view = since(job_dir, cursor)
        assert parse_cursor(view["cursor"]) >= parse_cursor(cursor)
        seen += view["stdout_tail"]
        cursor = view["cursor"]
    thread.join()
    view = since(job_dir, cursor, ended=True)
    seen += view["stdout_tail"]
    halves = [line.split(":") for line in seen]
    numbers = [
        int(pair[0]) for pair in halves if len(pair) == 2 and pair[0] == pair[1]
    ]  # the others a gap has cut
    assert all(one < other for one, other in zip(numbers, numbers[1:]))
    assert numbers[-1] == count - 1
    assert view["truncated"] is True
    assert view["cursor"] == "{}:0".format(view["stdout_bytes"])


def test_a_gap_counts_as_seen(job_dir):
    writer = spool(job_dir, 80)
    writer.write(b"0123456\n" * 5 + b"abcdefg\n" * 100)
    view = since(job_dir, START, ended=True)
    assert view["truncated"] is True
    assert view["stdout_tail"][:5] == ["0123456"] * 5
    assert view["cursor"] == "840:0" == str(Cursor(view["stdout_bytes"], 0))
    assert since(job_dir, view["cursor"], ended=True)["stdout_tail"] == []


def test_lines_that_a_gap_cut_are_not_shown_as_one(job_dir):
    writer = spool(job_dir, 80)
    writer.write(b"0123456\n" * 4 + b"the head ends in mid-line" + b"x" * 500 + b"tail\n")
    lines = since(job_dir, START, ended=True)["stdout_tail"]
    assert lines[4] == "the head"
    assert lines[5].endswith("xtail") and "the head" not in lines[5]


def test_the_output_in_a_result_is_bounded_and_says_so(job_dir):
    writer = spool(job_dir, 10 << 20)
    writer.write(b"first\n")
    assert partial_output(job_dir, "stdout") == "first\n"
    writer.write(b"x" * (2 << 20) + b"\nlast\n")
    text = partial_output(job_dir, "stdout")
    note = "[the first {0} of {1} bytes are left out here]\n"
    total = (2 << 20) + 12
    assert text.startswith(note.format(total - (1 << 20), total))
    assert text.endswith("x\nlast\n")
    assert len(text) < (1 << 20) + 200


# progress and history


def record_of(name=None, regex=None):
    settings = Settings(name=name, progress_regex=regex)
    record = new_record("j1.1", "m", 100, settings, "/x/j1.1", False)
    system = System()
    begin(record, system.boot_id(), system.time(), system.monotonic())
    return record


def test_progress_is_what_the_job_reports_before_what_it_prints(job_dir):
    spool(job_dir).write(b"10%\n")
    record = record_of()
    progress = progress_view(System(), job_dir, record, 1.0)
    assert (progress["percent"], progress["source"]) == (10.0, "builtin")
    assert progress["updated_at"].endswith("Z")
    with open(os.path.join(job_dir.path, "progress"), "w") as report:
        report.write("20 better\n")
    progress = progress_view(System(), job_dir, record, 1.0)
    assert (progress["percent"], progress["source"], progress["message"]) == (
        20.0,
        "reported",
        "better",
    )


def test_progress_is_found_by_the_users_pattern(job_dir):
    spool(job_dir, stream="stderr").write(b"did 3 from 4 files\n")
    progress = progress_view(
        System(), job_dir, record_of(regex=r"did (?P<current>\d+) from (?P<total>\d+)"), 1.0
    )
    assert (progress["percent"], progress["source"]) == (75.0, "pattern")


def test_a_progress_file_that_is_no_regular_file_does_not_hang_a_look(job_dir):
    os.mkfifo(os.path.join(job_dir.path, "progress"))
    try:
        assert progress_view(System(), job_dir, record_of(), 1.0) is None
    except JobError as error:
        assert "progress is not believed" in error.message


def test_the_durations_of_a_name_are_kept_newest_last_and_bounded(job_dir, tmp_path):
    private = open_async_dir(System(), str(tmp_path))
    for number in range(30):
        remember_duration(private, "nightly backup", float(number))
    remember_duration(private, "another", 1.0)
    found = history(job_dir, "nightly backup")
    assert found == [float(number) for number in range(10, 30)]
    assert history(job_dir, None) == history(job_dir, "unknown") == []
    assert history(job_dir, "another") == [1.0]


def test_a_name_cannot_lead_out_of_the_history(job_dir, tmp_path):
    private = open_async_dir(System(), str(tmp_path))
    remember_duration(private, "../../x", 1.0)
    assert sorted(os.listdir(str(tmp_path))) == ["history", "j1.1"]
    assert len(os.listdir(str(tmp_path / "history"))) == 1


def test_a_damaged_history_is_no_history(job_dir, tmp_path):
    private = open_async_dir(System(), str(tmp_path))
    remember_duration(private, "x", 1.0)
    (path,) = (tmp_path / "history").iterdir()
    path.write_bytes(b"\xff not a number")
    assert history(job_dir, "x") == []


def test_a_view_has_the_same_keys_in_every_state(job_dir):
    record = record_of("named")
    running = show(System(), job_dir, record, True)
    end(record, "succeeded", "exit", 1.0, 2.0)
    ended = show(System(), job_dir, record, False)
    assert set(running) == set(ended)
    assert set(running["output"]) == set(ended["output"])
    json.dumps([running, ended])
