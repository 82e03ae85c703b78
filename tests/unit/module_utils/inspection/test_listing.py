# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The jobs of an async dir. Those that run are real; those that have ended are written as a supervisor writes them."""

import json
import os

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.inspection.ending import encode
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.inspection.listing import (
    Filter,
    Listing,
    epoch_seconds,
)
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.inspection.view import (
    Excerpt,
    show,
)
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.errors import JobError
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.record import (
    begin,
    end,
    job_file,
    new_record,
    timestamp,
)
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.settings import Settings
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.requests.info import (
    INFO_OPTIONS,
    answer_info,
)
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system.kernel import System
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system.store import open_async_dir

NOW = 2000000000.0
HOUR = 3600.0


class At(System):
    def time(self):
        return NOW


@pytest.fixture
def ended(place):
    """Write a job that has ended: number, how many seconds ago, after how many, how."""
    private = place.async_dir / ".longrun"
    private.mkdir(parents=True, mode=0o700)
    place.async_dir.chmod(0o700)

    def make(number, ago=HOUR, took=10.0, name=None, module="m", state="succeeded"):
        jid = f"j{number}.1"
        record = new_record(jid, module, 60, Settings(name=name), str(place.async_dir / jid), False)
        begin(record, "boot", NOW - ago - took, 1.0)
        end(record, state, "exit", NOW - ago, took)
        place.job_dir(jid).mkdir(mode=0o700)
        (place.job_dir(jid) / "stdout").write_text("one\ntwo\nthree\nfour\n")
        directory = open_async_dir(place.system, str(place.job_dir(jid)))
        public = dict(
            job_file(record, {"changed": True}), async_job=show(At(), directory, record, False)
        )
        directory.close()
        (place.job_dir(jid) / "record.json").write_bytes(encode(record))
        (place.async_dir / jid).write_bytes(encode(public))
        return jid

    return make


def info(place, system=None, **options):
    params = {name: option.get("default") for name, option in INFO_OPTIONS.items()}
    params.update({"async_dir": str(place.async_dir)}, **options)
    return answer_info(system or At(), params, place.environ, False)


def ids(place, **options):
    return [view["id"] for view in info(place, **options)["jobs"]]


def test_where_nothing_was_ever_started_there_are_no_jobs(place):
    assert info(place) == {
        "changed": False,
        "async_dir": str(place.async_dir),
        "jobs": [],
        "unreadable": [],
    }
    assert not place.async_dir.exists()


def test_an_async_dir_that_cannot_be_read_is_an_error_and_not_an_empty_list(place):
    place.async_dir.mkdir(mode=0o700)
    (place.root / "file").write_text("")
    with pytest.raises(JobError, match="ENOTDIR"):
        info(place, async_dir=str(place.root / "file"))
    place.async_dir.chmod(0o777)
    with pytest.raises(JobError, match="is refused: it belongs to"):
        info(place)


def test_a_forbidden_async_dir_is_an_error_and_not_an_empty_list(place, faulty_system):
    place.async_dir.mkdir(mode=0o700)
    with pytest.raises(JobError, match="EACCES"):
        info(place, system=faulty_system(open="EACCES"))
    with pytest.raises(JobError, match="could not read the async dir .*EIO"):
        info(place, system=faulty_system(listdir="EIO"))


def test_running_and_ended_jobs_of_ours_and_of_cores_have_the_same_keys(place, ended):
    over = ended(1)
    gate = place.gate()
    jid = place.start(place.ansiballz(f"open({gate.path!r}).readline()\nprint('{{}}')"))
    gate.reached()
    (place.async_dir / "j77.7").write_text('{"rc": 1}')
    views = {view["id"]: view for view in info(place, system=place.system)["jobs"]}
    assert {jid: view["state"] for jid, view in views.items()} == {
        over: "succeeded",
        jid: "running",
        "j77.7": "failed",
    }
    assert set(views[over]) == set(views[jid]) == set(views["j77.7"])
    gate.open()
    place.ended(jid)


def test_the_last_lines_are_shown_three_unless_asked_otherwise(place, ended):
    ended(1)
    for options, lines in (
        ({}, ["two", "three", "four"]),
        ({"tail_lines": 0}, []),
        ({"tail_lines": 9}, ["one", "two", "three", "four"]),
    ):
        assert info(place, **options)["jobs"][0]["output"]["stdout_tail"] == lines


@pytest.mark.parametrize(
    "options, said",
    [
        ({"tail_lines": -1}, "tail_lines: -1 is out of range; give 0 to 10000"),
        ({"tail_lines": 10001}, "tail_lines: 10001 is out of range"),
        ({"older_than": "soon"}, "older_than: 'soon' is not a valid duration"),
        ({"newer_than": "-1"}, "newer_than: '-1' is not a valid duration"),
        ({"name": ""}, "name: '' names nothing; leave it out to select every job"),
        ({"module": "  "}, "module: '  ' names nothing"),
    ],
)
def test_an_option_that_is_no_good_is_refused_by_name(place, options, said):
    with pytest.raises(JobError) as caught:
        info(place, **options)
    assert caught.value.message.startswith(said)


def test_filters_take_what_all_of_them_take(place, ended):
    one = ended(1, name="backup-db", module="ansible.builtin.command", ago=2 * HOUR)
    two = ended(2, name="backup-www", state="failed", ago=HOUR)
    three = ended(3, ago=60.0)
    assert ids(place) == [one, two, three]
    assert ids(place, state=["failed", "lost"]) == [two]
    assert ids(place, name="backup-*") == [one, two]
    assert ids(place, name="Backup-*") == []
    assert ids(place, name="*") == [one, two]
    assert ids(place, module="*.command") == [one]
    assert ids(place, older_than="1h") == [one, two]
    assert ids(place, older_than="3601") == [one]
    assert ids(place, newer_than="1h") == [three]
    assert ids(place, older_than="60s", newer_than="2h") == [two, three]
    assert ids(place, name="backup-*", state=["succeeded"], older_than="1m") == [one]


def test_the_age_of_a_job_that_runs_counts_from_its_start(place):
    gate = place.gate()
    jid = place.start(place.ansiballz(f"open({gate.path!r}).readline()\nprint('{{}}')"))
    gate.reached()

    class Later(System):
        @staticmethod
        def time():
            return System.time() + 600

    assert [view["id"] for view in info(place, system=Later(), older_than="10m")["jobs"]] == [jid]
    assert info(place, system=Later(), older_than="12m")["jobs"] == []
    gate.open()
    place.ended(jid)


def test_every_order_and_among_equals_the_oldest_first(place, ended):
    # ended in the order 4 3 2 1, made in the order 1 2 3 4
    one = ended(1, ago=10, took=4000.0, name="b")
    two = ended(2, ago=20, took=3000.0, state="failed")
    three = ended(3, ago=30, took=2000.0, name="a", state="lost")
    four = ended(4, ago=40, took=1500.0, name="b")
    assert ids(place) == ids(place, sort="created") == [one, two, three, four]
    assert ids(place, sort="elapsed") == [one, two, three, four]
    assert ids(place, sort="name") == [three, one, four, two]
    assert ids(place, sort="state") == [one, four, two, three]


def test_jobs_that_ended_together_never_change_places(place, ended):
    jids = sorted(ended(number, took=1.0) for number in range(20))

    class Ticking(System):
        ticks = 0

        @staticmethod
        def time():
            Ticking.ticks += 1
            return NOW - Ticking.ticks

    async_dir = place.directory(Ticking())
    taken = Listing(Ticking(), async_dir).take(Filter({}), Excerpt(0, None))
    assert [job.jid for job in taken] == jids
    assert len({job.age for job in taken}) == 1
    async_dir.close()


def plant(place, what, jid):
    secret = place.root / "secret"
    secret.write_text('{"secret": 1}')
    path = place.async_dir / jid
    if what == "link":
        path.symlink_to(secret)
    elif what == "fifo":
        os.mkfifo(str(path))
    elif what == "directory":
        path.mkdir()
    elif what == "linked job directory":
        (place.root / "elsewhere").mkdir(mode=0o700)
        path = place.job_dir(jid)
        path.symlink_to(place.root / "elsewhere")
    elif what == "job directory of others":
        path = place.job_dir(jid)
        path.mkdir()
        path.chmod(0o777)
    elif what == "file for a job directory":
        path = place.job_dir(jid)
        path.write_text("")
    else:
        raise AssertionError(what)
    return path


@pytest.mark.parametrize(
    "what",
    [
        "link",
        "fifo",
        "directory",
        "linked job directory",
        "job directory of others",
        "file for a job directory",
    ],
)
def test_what_was_planted_is_told_of_and_not_followed_and_hides_no_job(place, ended, what):
    one, three = ended(1), ended(3)
    path = plant(place, what, "j2.2")
    found = info(place)
    assert [view["id"] for view in found["jobs"]] == [one, three]
    (said,) = found["unreadable"]
    assert said["id"] == "j2.2"
    assert said["path"].startswith(str(place.async_dir))
    assert str(path) in said["msg"]
    assert "secret" not in json.dumps(found)


def test_a_planted_directory_of_all_jobs_is_told_of(place, ended):
    jid = ended(1)
    os.rename(str(place.async_dir / ".longrun"), str(place.root / "moved"))
    (place.async_dir / ".longrun").symlink_to(place.root / "moved")
    found = info(place)
    assert found["jobs"] == []
    assert [said["id"] for said in found["unreadable"]] == [None, jid]
    assert all(".longrun" in said["msg"] for said in found["unreadable"])


@pytest.mark.parametrize(
    "record",
    [b"{", b"[]", b"\xff", b"{}", b'{"version": 99}', b"[" * 100000],
    ids=["cut", "list", "bytes", "empty", "newer", "deep"],
)
def test_a_damaged_record_is_told_of_and_hides_no_other_job(place, ended, record):
    broken, other = ended(1), ended(2)
    (place.job_dir(broken) / "record.json").write_bytes(record)
    found = info(place)
    assert [view["id"] for view in found["jobs"]] == [other]
    (said,) = found["unreadable"]
    assert said["id"] == broken
    assert "damaged" in said["msg"]


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.pop("async_job"),
        lambda data: data.update(async_job=7),
        lambda data: data["async_job"].update(state="happy"),
        lambda data: data["async_job"].update(name=["x"]),
        lambda data: data["async_job"].update(finished_at="yesterday"),
        lambda data: data["async_job"].update(elapsed="long"),
        lambda data: data["async_job"].pop("module"),
    ],
)
def test_a_job_file_that_somebody_else_wrote_is_told_of_and_hides_no_other_job(
    place, ended, change
):
    broken, other = ended(1), ended(2)
    path = place.async_dir / broken
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))
    found = info(place, sort="name")
    assert [view["id"] for view in found["jobs"]] == [other]
    assert [said["id"] for said in found["unreadable"]] == [broken]


def test_another_users_file_is_told_of_with_its_owner(place, ended):
    jid = ended(1)

    class Foreign(At):
        @staticmethod
        def fstat(fd):
            found = list(os.fstat(fd))
            if os.readlink(f"/proc/self/fd/{fd}").endswith(jid):
                found[4] = 54321
            return os.stat_result(found)

    (said,) = info(place, system=Foreign())["unreadable"]
    assert said["id"] == jid
    assert "54321" in said["msg"]


def test_a_job_whose_job_file_stock_clean_up_took_is_no_job_any_more(place, ended):
    gone, other = ended(1), ended(2)
    (place.async_dir / gone).unlink()
    found = info(place)
    assert [view["id"] for view in found["jobs"]] == [other]
    assert found["unreadable"] == []


def test_files_that_are_no_jobs_are_no_jobs(place, ended):
    jid = ended(1)
    for name in ("notes", "j1.1.tmp", ".j1.1.77", "j1", "1.2.3"):
        (place.async_dir / name).write_text("{}")
    (place.async_dir / ".longrun" / "history").mkdir(mode=0o700)
    found = info(place)
    assert [view["id"] for view in found["jobs"]] == [jid]
    assert found["unreadable"] == []


def test_a_lost_job_of_cores_costs_no_look_at_all_processes_of_its_own(place, ended):
    ended(1)
    for number in range(50):
        (place.async_dir / f"j8{number}.1").write_text('{"started": 1, "finished": 0}')

    class Counting(At):
        looks = 0

        def processes(self):
            Counting.looks += 1
            return System.processes()

    states = {view["state"] for view in info(place, system=Counting())["jobs"]}
    assert states == {"succeeded", "lost"}
    assert Counting.looks == 1


def test_a_thousand_jobs_leave_no_descriptor_behind_and_need_few(place, ended):
    for number in range(1000):
        ended(number)
    plant(place, "fifo", "j5000.1")
    plant(place, "file for a job directory", "j5001.1")
    before = len(os.listdir("/proc/self/fd"))
    highest = []

    class Watching(At):
        @staticmethod
        def open(*args, **options):
            fd = os.open(*args, **options)
            highest.append(fd)
            return fd

    found = info(place, system=Watching())
    assert (len(found["jobs"]), len(found["unreadable"])) == (1000, 2)
    assert len(os.listdir("/proc/self/fd")) == before
    assert max(highest) < before + 20


def test_a_time_is_read_as_it_was_written():
    for moment in (0.0, 1795402579.103, 4102444799.5):
        assert abs(epoch_seconds(timestamp(moment)) - moment) < 0.0011
