# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import fcntl
import json
import os

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.record import (
    begin,
    end,
    new_record,
)
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.settings import Settings
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system.kernel import System
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system.retention import sweep

NOW = 1000000.0
DAY = 86400.0


class At(System):
    def __init__(self, now=NOW):
        self.now = now
        self.opened = 0

    def time(self):
        return self.now

    def open(self, *args, **options):
        self.opened += 1
        return os.open(*args, **options)


@pytest.fixture
def job(place):
    (place.async_dir / ".longrun").mkdir(parents=True, mode=0o700)
    place.async_dir.chmod(0o700)

    def make(number, ended=NOW - 8 * DAY, retention=7 * DAY, began=NOW - 60):
        jid = f"j{number}.1"
        record = new_record(jid, "m", 60, Settings(retention=retention), "/x", False)
        begin(record, "boot", began, 1.0)
        if ended is not None:
            end(record, "succeeded", "exit", ended, 1.0)
        place.job_dir(jid).mkdir(mode=0o700)
        (place.job_dir(jid) / "record.json").write_text(json.dumps(record))
        (place.job_dir(jid) / "stdout").write_text("x")
        (place.async_dir / jid).write_text("{}")
        return jid

    return make


def left(place):
    return sorted(name for name in os.listdir(str(place.async_dir)) if name != ".longrun")


def test_what_was_kept_for_long_enough_goes_with_everything_of_it(place, job):
    old, young, running, forever = job(1), job(2, NOW - 6 * DAY), job(3, None), job(4, 1.0, None)
    assert sweep(At(), place.directory()) == 1
    assert left(place) == sorted([young, running, forever])
    assert not place.job_dir(old).exists()
    assert sorted(os.listdir(str(place.async_dir / ".longrun"))) == left(place)


def test_a_job_whose_end_nobody_ever_saw_goes_when_its_time_is_long_over(place, job):
    lost, young = job(1, None, began=NOW - 8 * DAY), job(2, None, began=NOW - 6 * DAY)
    assert sweep(At(), place.directory()) == 1
    assert left(place) == [young] and lost != young


def test_a_job_that_lives_does_not_go_however_old_it_is(place, job):
    jid = job(1, None, began=NOW - 8 * DAY)
    with (place.job_dir(jid) / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert sweep(At(), place.directory()) == 0
    assert left(place) == [jid]


def test_a_start_pays_the_same_for_few_jobs_and_for_many(place, job):
    for number in range(200):
        job(number)
    system = At()
    assert sweep(system, place.directory(system)) == 16
    assert system.opened < 500
    assert len(left(place)) == 184


def test_a_start_pays_the_same_when_there_is_nothing_to_remove(place, job):
    for number in range(200):
        job(number, ended=NOW)
    system = At()
    assert sweep(system, place.directory(system)) == 0
    assert system.opened < 200


def test_all_jobs_get_their_turn(place, job):
    for number in range(200):
        job(number, ended=NOW - DAY if number % 2 else NOW - 8 * DAY)
    for step in range(200):
        sweep(At(NOW + step * 0.0371), place.directory())
    assert len(left(place)) == 100


def test_files_of_core_and_of_others_are_left_alone(place, job):
    job(1)
    (place.async_dir / "j77.1").write_text('{"a": 1}')
    os.utime(str(place.async_dir / "j77.1"), (1, 1))
    (place.async_dir / "notes").write_text("mine")
    sweep(At(), place.directory())
    assert left(place) == ["j77.1", "notes"]


@pytest.mark.parametrize("record", [b"", b"{", b"[]", b"\xff\xfe", b"{}", None])
def test_a_record_that_cannot_be_read_keeps_its_job_and_not_the_others(place, job, record):
    broken, old = job(1), job(2)
    path = place.job_dir(broken) / "record.json"
    path.unlink()
    if record is not None:
        path.write_bytes(record)
    for step in range(4):
        sweep(At(NOW + step * 0.001), place.directory())
    assert left(place) == [broken]
    assert not place.job_dir(old).exists()


@pytest.mark.parametrize("what", ["file", "link", "foreign mode"])
def test_what_is_no_job_directory_does_not_stop_the_sweep(place, job, what):
    old = job(5)
    stray = place.async_dir / ".longrun" / "j1.1"
    if what == "file":
        stray.write_text("")
    elif what == "link":
        (place.root / "elsewhere").mkdir()
        stray.symlink_to(place.root / "elsewhere")
    else:
        stray.mkdir()
        stray.chmod(0o777)
    sweep(At(NOW), place.directory())
    sweep(At(NOW + 0.001), place.directory())
    assert old not in left(place)
    assert os.path.lexists(str(stray))


def test_an_async_dir_without_jobs_of_ours_is_no_trouble(place):
    place.async_dir.mkdir(mode=0o700)
    assert sweep(At(), place.directory()) == 0


def test_a_sweep_that_may_not_remove_is_no_trouble(place, job, faulty_system):
    job(1)
    assert (
        sweep(faulty_system(unlink="EACCES"), place.directory(faulty_system(unlink="EACCES"))) == 0
    )


def test_a_start_sweeps(place):
    first = place.result(place.ansiballz("print('{}')"))["ansible_job_id"]
    record = place.record(first)
    record["ended_wall"] -= 8 * DAY
    (place.job_dir(first) / "record.json").write_text(json.dumps(record))
    second = place.result(place.ansiballz("print('{}')"))["ansible_job_id"]
    assert left(place) == [second]
    kept = place.kept_by_wrapper().name
    assert sorted(os.listdir(str(place.async_dir / ".longrun"))) == sorted([second, kept])
