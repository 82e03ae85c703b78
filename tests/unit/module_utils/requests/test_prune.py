# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is removed, and what is not. Whatever lives is real; ages are made by setting times back."""

import json
import os
import subprocess
import time

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.errors import JobError
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.requests import prune
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.requests.prune import (
    PRUNE_OPTIONS,
    answer_prune,
)
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system.kernel import System
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system.store import LOCK_EX

DAY = 86400.0


def sweep_up(place, check_mode=False, system=None, **options):
    params = {name: option.get("default") for name, option in PRUNE_OPTIONS.items()}
    params.update(
        {"async_dir": str(place.async_dir), "remote_tmp": str(place.root / "tmp")}, **options
    )
    return answer_prune(system or place.system, params, place.environ, check_mode)


def aged(path, days):
    moment = time.time() - days * DAY
    os.utime(str(path), (moment, moment), follow_symlinks=False)
    return path


@pytest.fixture
def core_jobs(place):
    """Write jobs of core's that have ended: by number, so many days ago."""
    place.async_dir.mkdir(mode=0o700)

    def make(number, days, result='{"rc": 0}'):
        jid = f"j{number}.1"
        (place.async_dir / jid).write_text(result)
        aged(place.async_dir / jid, days)
        return jid

    return make


@pytest.fixture
def waiting(place):
    """A job that runs until its gate is opened."""
    gate = place.gate()
    jid = place.start(place.ansiballz(f"open({gate.path!r}).readline()\nprint('{{}}')"))
    gate.reached()
    return jid, gate


def test_check_mode_tells_exactly_what_goes_and_a_second_run_changes_nothing(place, core_jobs):
    old, young = core_jobs(1, 8), core_jobs(2, 6)
    mine = place.result(place.ansiballz("print('{}')"))["ansible_job_id"]
    stray = aged_file(place, ".j5.5.77")
    before = place.files()
    checks = [sweep_up(place, True) for _unused in range(2)]
    assert place.files() == before
    real = sweep_up(place)
    assert checks[0] == checks[1] == real
    assert (real["changed"], real["removed"], real["orphans"]) == (True, [old], [str(stray)])
    assert real["diff"] == {
        "before": f"job {old}\nunfinished write {stray}\n",
        "after": "",
    }
    for check_mode in (True, False):
        again = sweep_up(place, check_mode)
        assert (again["changed"], again["removed"], again["diff"]["before"]) == (False, [], "")
    assert sorted(os.listdir(str(place.async_dir))) == sorted([".longrun", young, mine])


def aged_file(place, name):
    path = place.async_dir / name
    path.write_text("x")
    return aged(path, 30)


def test_of_a_job_everything_goes_and_a_running_one_stays_whatever_is_asked(place, waiting):
    jid, gate = waiting
    over = place.result(place.ansiballz("print('{}')"))["ansible_job_id"]
    found = sweep_up(place, older_than="0")
    assert found["removed"] == [over]
    assert not place.job_dir(over).exists()
    assert place.view(jid)["state"] == "running"
    gate.open()
    assert place.ended(jid)["async_job"]["state"] == "succeeded"
    assert sweep_up(place, older_than="0")["removed"] == [jid]
    assert place.files() == []


def test_a_job_that_runs_without_a_supervisor_stays_also_without_its_job_file(place, waiting):
    jid, gate = waiting
    place.kill(place.supervisor(jid))
    assert sweep_up(place, older_than="0")["removed"] == []
    (place.async_dir / jid).unlink()
    aged(place.job_dir(jid), 30)
    found = sweep_up(place, older_than="0")
    assert (found["removed"], found["orphans"]) == ([], [])
    gate.open()
    assert place.ended(jid)["async_job"]["recovered"] is True


def test_jobs_are_chosen_by_state_name_and_module(place, core_jobs):
    failed = core_jobs(1, 9, '{"rc": 1}')
    good = core_jobs(2, 9)
    named = place.result(
        place.ansiballz("print('{}')", "AnsiballZ_demo.py"),
        environ={"ANSIBLE_ASYNC_NAME": "backup-a"},
    )
    jid, module = named["ansible_job_id"], named["async_job"]["module"]
    assert sweep_up(place, True, older_than="0", state=["failed"])["removed"] == [failed]
    assert sweep_up(place, True, older_than="0", name="backup-*")["removed"] == [jid]
    assert sweep_up(place, True, older_than="0", module=module)["removed"] == [jid]
    assert sweep_up(place, True, older_than="0", module=module, state=["failed"])["removed"] == []
    assert set(sweep_up(place, True, older_than="0")["removed"]) == {failed, good, jid}


def test_the_newest_that_match_are_kept_however_old_they_are(place, core_jobs):
    one, two, three, four = (core_jobs(number, 20 - number) for number in (1, 2, 3, 4))
    bad = core_jobs(5, 1, '{"rc": 1}')
    assert sweep_up(place, True, keep=2)["removed"] == [one, two, three]
    assert sweep_up(place, True, keep=2, state=["succeeded"])["removed"] == [one, two]
    assert sweep_up(place, True, keep=2, older_than="18.5d")["removed"] == [one]
    assert sweep_up(place, True, keep=5)["removed"] == []
    assert sweep_up(place, True, keep=6)["removed"] == []
    assert sweep_up(place, True, keep=99)["removed"] == []
    assert sweep_up(place, keep=1, older_than="0")["removed"] == [one, two, three, four]
    assert (place.async_dir / bad).exists()


@pytest.mark.parametrize(
    "options, said",
    [
        ({"older_than": "soon"}, "older_than: 'soon' is not a valid duration"),
        ({"keep": -1}, "keep: -1 is not a valid number of jobs to keep; give 0 or more"),
        ({"name": ""}, "name: '' names nothing"),
    ],
)
def test_an_option_that_is_no_good_is_refused_before_anything_goes(place, core_jobs, options, said):
    jid = core_jobs(1, 30)
    with pytest.raises(JobError) as caught:
        sweep_up(place, **options)
    assert caught.value.message.startswith(said)
    assert (place.async_dir / jid).exists()


def test_where_nothing_was_ever_started_nothing_goes(place):
    found = sweep_up(place)
    assert (found["changed"], found["removed"], found["orphans"]) == (False, [], [])


@pytest.mark.parametrize("what", ["running", "gone"])
def test_between_the_listing_and_the_removal_a_job_is_looked_at_again(place, core_jobs, what):
    jid, other = core_jobs(1, 9), core_jobs(2, 8)
    path = place.async_dir / jid

    class Meanwhile(System):
        """Another play starts a job under the very name, or cleans up, right before the removal."""

        looks = 0

        @staticmethod
        def stat(name, **options):
            if name == jid:
                Meanwhile.looks += 1
                if Meanwhile.looks == 2:
                    path.unlink()
                    if what == "running":
                        path.write_text('{"started": 1, "finished": 0}')
            return os.stat(name, **options)

        @staticmethod
        def processes():
            return {}

    found = sweep_up(place, system=Meanwhile(), orphans=False)
    assert found["removed"] == [other]
    assert "failed" not in found
    assert path.exists() is (what == "running")


def test_a_supervisor_that_still_writes_is_let_finish(place, monkeypatch):
    jid = place.result(place.ansiballz("print('{}')"))["ansible_job_id"]
    directory = place.job(jid).job_dir
    place.until(lambda: not directory.held("lock"))
    holder = directory.lock("lock", LOCK_EX)
    monkeypatch.setattr(prune, "_WRITE_SECONDS", 0.2)
    found = sweep_up(place, older_than="0")
    assert (found["failed"], found["removed"], found["changed"]) == (True, [], False)
    assert found["msg"] == f"job {jid} was not removed: something is still being written there"
    assert place.status(jid)["finished"] is True
    os.close(holder)
    assert sweep_up(place, older_than="0")["removed"] == [jid]


def test_one_job_that_cannot_be_removed_does_not_keep_the_others(place, core_jobs, faulty_system):
    stuck, other = core_jobs(1, 9), core_jobs(2, 8)
    system = faulty_system(unlink=("EROFS", lambda name, **_options: name == stuck))
    found = sweep_up(place, system=system)
    assert (found["failed"], found["changed"], found["removed"]) == (True, True, [other])
    assert (
        found["msg"] == f"could not remove {place.async_dir / stuck}: Read-only file system (EROFS)"
    )


def test_a_job_directory_with_a_directory_in_it_is_an_error_that_names_it(place):
    jid = place.result(place.ansiballz("print('{}')"))["ansible_job_id"]
    (place.job_dir(jid) / "mine").mkdir()
    found = sweep_up(place, older_than="0")
    assert found["failed"] is True
    assert found["msg"].startswith(f"could not remove {place.async_dir / jid}")


def test_what_cannot_be_read_is_told_of_and_stays(place, core_jobs):
    old = core_jobs(1, 9)
    (place.root / "secret").mkdir()
    (place.root / "secret" / "file").write_text("x")
    (place.async_dir / ".longrun").mkdir(mode=0o700)
    place.job_dir("j2.2").symlink_to(place.root / "secret")
    os.mkfifo(str(place.async_dir / "j3.3"))
    (place.async_dir / "j4.4").symlink_to(place.root / "secret" / "file")
    for path in (place.job_dir("j2.2"), place.async_dir / "j3.3", place.async_dir / "j4.4"):
        aged(path, 30)
    found = sweep_up(place, older_than="0")
    assert (found["removed"], found["orphans"]) == ([old], [])
    assert [said["id"] for said in found["unreadable"]] == ["j2.2", "j3.3", "j4.4"]
    assert (place.root / "secret" / "file").exists()
    assert os.path.lexists(str(place.job_dir("j2.2")))


# what belongs to no job any more


def test_a_job_directory_whose_job_file_stock_clean_up_took_goes_when_it_is_old(place):
    jid = place.result(place.ansiballz("print('{}')"))["ansible_job_id"]
    (place.async_dir / jid).unlink()
    assert sweep_up(place, older_than="0")["orphans"] == []  # it might be one that only begins
    aged(place.job_dir(jid), 1)
    assert sweep_up(place, older_than="0", orphans=False)["changed"] is False
    found = sweep_up(place, older_than="1h")
    assert (found["removed"], found["orphans"]) == ([], [str(place.job_dir(jid))])
    assert os.listdir(str(place.async_dir / ".longrun")) == [place.kept_by_wrapper().name]


def test_the_old_directory_of_a_job_that_has_its_job_file_is_no_leftover(place):
    jid = place.result(place.ansiballz("print('{}')"))["ansible_job_id"]
    aged(place.job_dir(jid), 30)
    assert sweep_up(place, True)["changed"] is False


def test_a_job_that_only_begins_is_not_taken_for_a_leftover(place):
    (place.async_dir / ".longrun" / "j1.1").mkdir(parents=True, mode=0o700)
    place.async_dir.chmod(0o700)
    (place.async_dir / ".longrun").chmod(0o700)
    (place.async_dir / ".j1.1.77").write_text("{")
    (place.async_dir / "j1.1.tmp").write_text("{")
    task = place.root / "tmp" / "ansible-tmp-1-1-1"
    task.mkdir(parents=True)
    assert sweep_up(place, older_than="0")["changed"] is False


def test_unfinished_writes_of_ours_and_of_cores_go_and_nothing_else(place, core_jobs):
    core_jobs(1, 1)
    ours, cores = aged_file(place, ".j7.7.123"), aged_file(place, "j7.7.tmp")
    kept = [aged_file(place, name) for name in ("notes.tmp", ".j7.7", ".profile", "x.j7.7.1")]
    (place.async_dir / "j8.8.tmp").mkdir()
    aged(place.async_dir / "j8.8.tmp", 30)
    found = sweep_up(place)
    assert found["orphans"] == [str(ours), str(cores)]
    assert "failed" not in found
    assert all(path.exists() for path in kept)


@pytest.fixture
def task_dir(place):
    """A temporary directory of a task, as core makes it."""

    def make(number, days):
        path = place.root / "tmp" / f"ansible-tmp-{number}-1-1"
        path.mkdir(parents=True)
        (path / "AnsiballZ_demo.py").write_text("import sys\nsys.stdin.readline()\n")
        aged(path / "AnsiballZ_demo.py", days)
        return aged(path, days)

    return make


def test_forgotten_temporary_directories_go_and_those_in_use_stay(place, task_dir):
    old, young, used, filled = task_dir(1, 8), task_dir(2, 6), task_dir(3, 9), task_dir(4, 9)
    (filled / "source").write_text("still being transferred")
    aged(filled, 9)
    (place.root / "tmp" / "mine").mkdir()
    aged(place.root / "tmp" / "mine", 30)
    user = subprocess.Popen(
        ["python3", str(used / "AnsiballZ_demo.py")], stdin=subprocess.PIPE, env=place.environ
    )
    try:
        assert sweep_up(place, True)["orphans"] == sweep_up(place)["orphans"] == [str(old)]
    finally:
        user.communicate(b"\n")
    assert not old.exists()
    assert all(path.exists() for path in (young, used, filled, place.root / "tmp" / "mine"))
    assert sweep_up(place)["orphans"] == [str(used)]


def test_a_link_in_the_place_of_a_temporary_directory_is_not_followed(place, task_dir):
    old = task_dir(1, 8)
    (place.root / "precious").mkdir()
    (place.root / "precious" / "file").write_text("x")
    link = place.root / "tmp" / "ansible-tmp-9-9-9"
    link.symlink_to(place.root / "precious")
    aged(link, 30)
    (old / "link").symlink_to(place.root / "precious")
    aged(old / "link", 8)
    aged(old, 8)
    assert sweep_up(place)["orphans"] == [str(old)]
    assert (place.root / "precious" / "file").exists()
    assert link.is_symlink()


@pytest.mark.parametrize("case", ["of another user", "hidden processes"])
def test_a_temporary_directory_of_which_nothing_is_known_stays(place, task_dir, case):
    old = task_dir(1, 8)

    class Restricted(System):
        @staticmethod
        def geteuid():
            return os.geteuid() + (54321 if case == "of another user" else 0)

        @staticmethod
        def processes():
            found = System.processes()
            if case == "hidden processes":
                found.pop(1)
            return found

    assert sweep_up(place, system=Restricted())["orphans"] == []
    assert old.exists()


def test_the_tasks_own_remote_tmp_is_looked_into_unless_another_is_given(place, task_dir):
    old = task_dir(1, 8)
    usual = f"~/.ansible/tmp:{old.parent}"
    assert sweep_up(place, True, remote_tmp=None, _remote_tmp=usual)["orphans"] == [str(old)]
    home = place.home / ".ansible" / "tmp"
    home.mkdir(parents=True)
    os.rename(str(old), str(home / old.name))
    assert sweep_up(place, True, remote_tmp=None, _remote_tmp=usual)["orphans"] == [
        str(home / old.name)
    ]


def test_a_thousand_removals_leave_no_descriptor_behind(place, core_jobs):
    (place.async_dir / ".longrun").mkdir(mode=0o700)
    for number in range(1000):
        place.job_dir(core_jobs(number, 8)).mkdir(mode=0o700)
    before = len(os.listdir("/proc/self/fd"))
    assert len(sweep_up(place)["removed"]) == 1000
    assert len(os.listdir("/proc/self/fd")) == before
    assert place.files() == []


def test_a_result_is_json_and_names_the_async_dir(place, core_jobs):
    core_jobs(1, 8)
    found = json.loads(json.dumps(sweep_up(place)))
    assert set(found) == {"changed", "async_dir", "removed", "orphans", "unreadable", "diff"}
    assert found["async_dir"] == str(place.async_dir)
