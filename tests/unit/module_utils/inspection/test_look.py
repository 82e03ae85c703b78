# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The truth about a job whose supervisor, module or host did not live to tell it. All processes are real."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.inspection.look import Job
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.inspection.view import (
    DEFAULT_EXCERPT,
    Excerpt,
)
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.errors import (
    JobError,
    Unbelieved,
)
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system.kernel import System
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system.store import (
    LOCK_FILE,
    MODULE_LOCK_FILE,
)

PACKAGE = Path(__file__).resolve().parents[4] / "plugins" / "module_utils"
TAIL_THEN_WAIT = """
    process = subprocess.Popen("echo one; echo two >&2", shell=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.communicate()
    open({gate!r}).readline()
    print(json.dumps(dict(changed=True, done="yes")))
"""


class OtherBoot(System):
    @staticmethod
    def boot_id():
        return "another"


@pytest.fixture
def waiting(place):
    """A job that has printed and waits at a gate; and the gate."""
    gate = place.gate()
    jid = place.start(place.ansiballz(TAIL_THEN_WAIT.format(gate=gate.path)), preserve=False)
    gate.reached()
    return jid, gate


def test_a_running_job_shows_what_is_known_of_it(place, waiting):
    jid, gate = waiting
    found = place.status(jid)
    view = found.pop("async_job")
    assert found == {
        "started": True,
        "finished": False,
        "ansible_job_id": jid,
        "results_file": str(place.async_dir / jid),
    }
    assert set(view) == {
        "id", "name", "state", "reason", "module", "created_at", "started_at", "finished_at", "elapsed", "timeout",
        "remaining", "supervised", "recovered", "attempt", "attempts", "queue", "steps", "progress", "output", "usage",
    }  # fmt: skip
    assert (view["id"], view["state"], view["reason"], view["supervised"]) == (
        jid,
        "running",
        None,
        True,
    )
    assert view["output"]["stdout_tail"] == ["one"]
    assert view["output"]["stderr_tail"] == ["two"]
    assert view["output"]["cursor"] == "4:4"
    assert 0 <= view["elapsed"] < 60
    assert 0 < view["remaining"] <= view["timeout"] == 60
    assert view["usage"]["max_rss_bytes"] > 1 << 20
    gate.open()
    after = place.ended(jid)["async_job"]
    assert set(after) == set(view)
    assert (after["state"], after["reason"], after["recovered"]) == ("succeeded", "exit", False)
    assert after["output"]["stdout_tail"] == ["one"]
    assert (after["remaining"], after["supervised"]) == (None, False)
    assert after["finished_at"] > after["started_at"]


def test_without_its_supervisor_a_job_runs_on_and_its_result_is_adopted(place, waiting):
    jid, gate = waiting
    place.kill(place.supervisor(jid))
    view = place.view(jid)
    assert (view["state"], view["supervised"]) == ("running", False)
    assert view["output"]["stdout_tail"] == ["one"]
    gate.open()
    found = place.ended(jid)
    assert (found["changed"], found["done"]) == (True, "yes")
    assert found["async_job"]["state"] == "succeeded"
    assert found["async_job"]["reason"] == "exit"
    assert found["async_job"]["recovered"] is True
    assert found["async_job"]["output"]["stdout_tail"] == ["one"]
    assert json.loads((place.async_dir / jid).read_text())["finished"] is True
    assert place.record(jid)["state"] == "succeeded"
    assert place.files() == [
        f".longrun/{jid}/{n}" for n in ("lock", "progress", "record.json", "stderr", "stdout")
    ] + [jid]


def test_the_temporary_directory_goes_with_an_adopted_result_too(place, waiting):
    jid, gate = waiting
    (directory,) = place.record(jid)["remove"]
    place.kill(place.supervisor(jid))
    place.view(jid)
    assert os.path.isdir(directory)
    gate.open()
    place.ended(jid)
    assert not os.path.exists(directory)


def test_a_module_that_is_killed_has_failed_and_says_by_what(place, waiting):
    jid, _gate = waiting
    place.kill(place.module(jid))
    found = place.ended(jid)
    assert found["failed"] is True
    assert found["msg"] == "the module was ended by SIGKILL and left no result"
    assert (found["stdout"], found["stderr"]) == ("one\n", "two\n")
    assert found["rc"] == -signal.SIGKILL
    assert (found["async_job"]["state"], found["async_job"]["reason"]) == (
        "failed",
        "module_killed",
    )


def test_with_both_killed_the_job_is_lost_and_keeps_its_output(place, waiting):
    jid, _gate = waiting
    supervisor, module = place.supervisor(jid), place.module(jid)
    place.kill(supervisor)
    place.kill(module)
    found = place.status(jid)
    assert (found["failed"], found["finished"]) == (True, True)
    assert "its supervisor and its module were both killed" in found["msg"]
    assert found["stdout_lines"] == ["one"]
    assert (found["async_job"]["state"], found["async_job"]["reason"]) == (
        "lost",
        "supervisor_killed",
    )
    assert place.status(jid) == found


def test_a_waiter_hears_of_a_loss_at_once(place, waiting):
    jid, _gate = waiting
    supervisor, module = place.supervisor(jid), place.module(jid)
    place.kill(supervisor)
    killer = subprocess.Popen(["/bin/sh", "-c", f"sleep 0.3; kill -9 {module[0]}"])
    try:
        assert place.ended(jid)["async_job"]["state"] == "lost"
    finally:
        killer.wait()


def test_after_another_boot_a_job_is_lost_for_that_reason(place, waiting):
    jid, _gate = waiting
    supervisor, module = place.supervisor(jid), place.module(jid)
    place.kill(supervisor)
    place.kill(module)
    found = place.status(jid, system=OtherBoot(), wait=5)
    assert (found["async_job"]["state"], found["async_job"]["reason"]) == ("lost", "rebooted")
    assert "the host was started again" in found["msg"]
    assert found["stdout"] == "one\n"


def test_a_whole_result_is_adopted_after_another_boot_too(place, waiting):
    jid, _gate = waiting
    place.kill(place.supervisor(jid))
    place.kill(place.module(jid))
    (place.job_dir(jid) / "result").write_text('{"changed": false}')
    found = place.status(jid, system=OtherBoot())
    assert (found["async_job"]["state"], found["async_job"]["recovered"]) == ("succeeded", True)


def test_half_a_result_is_not_adopted(place, waiting):
    jid, _gate = waiting
    place.kill(place.supervisor(jid))
    place.kill(place.module(jid))
    (place.job_dir(jid) / "result").write_text('{"changed": false, "more": "')
    assert place.status(jid)["async_job"]["state"] == "lost"


def test_whoever_looks_enforces_the_deadline_that_nobody_else_does(place):
    path = place.ansiballz("""
        subprocess.Popen(["setsid", "sh", "-c", "echo $$ > {}; exec sleep 300"])
        process = subprocess.Popen("echo started; exec sleep 300", shell=True, stdout=subprocess.PIPE)
        process.stdout.readline()
        process.wait()
        """.format(place.root / "escaped"))
    jid = place.start(path, limit=2, environ={"ANSIBLE_ASYNC_GRACE": "1"})
    place.printed(jid, "started")
    escaped, module = place.noted("escaped"), place.module(jid)
    place.kill(place.supervisor(jid))
    assert place.view(jid)["supervised"] is False
    found = place.ended(jid)
    assert (found["async_job"]["state"], found["async_job"]["reason"]) == ("timed_out", "deadline")
    assert found["msg"] == "Timeout exceeded"
    assert found["stdout"] == "started\n"
    assert found["async_job"]["elapsed"] >= 2
    assert not place.alive(*escaped)
    assert not place.alive(*module)
    place.all_gone()


LOOK = """
import sys
sys.path.insert(0, {package!r})
from _jobs.inspection.look import Job
from _jobs.inspection.view import DEFAULT_EXCERPT
from _jobs.system.kernel import System
from _jobs.system.store import open_async_dir
print(Job(System(), open_async_dir(System(), sys.argv[1]), sys.argv[2]).look(DEFAULT_EXCERPT)["async_job"]["state"])
"""


def test_one_who_waits_for_a_job_does_not_keep_others_from_looking(place, waiting):
    jid, _gate = waiting
    place.kill(place.supervisor(jid))
    first = place.job(jid)
    first.look(DEFAULT_EXCERPT)
    command = [sys.executable, "-c", LOOK.format(package=str(PACKAGE)), str(place.async_dir), jid]
    assert subprocess.check_output(command, timeout=10).decode("ascii").strip() == "running"


def test_a_module_that_goes_on_behind_its_result_still_runs(place):
    gate = place.gate()
    path = place.script(f'echo "{{\\"changed\\": true}}"; read line < {gate.path}')
    jid = place.start(path, interpreter="/bin/sh")
    place.until(lambda: place.text(jid, "result").endswith("\n"))
    place.kill(place.supervisor(jid))
    view = place.view(jid)
    assert (view["state"], view["supervised"]) == ("running", False)
    gate.open()
    found = place.ended(jid)
    assert (found["changed"], found["async_job"]["recovered"]) == (True, True)


def test_the_truth_is_told_even_if_it_cannot_be_written_down(place, waiting, faulty_system):
    jid, _gate = waiting
    place.kill(place.supervisor(jid))
    place.kill(place.module(jid))
    system = faulty_system(rename="EROFS")
    for _unused in range(2):
        found = place.status(jid, system=system)
        assert (found["finished"], found["async_job"]["state"]) == (True, "lost")
    assert json.loads((place.async_dir / jid).read_text())["finished"] is False
    assert place.status(jid)["async_job"]["state"] == "lost"
    assert json.loads((place.async_dir / jid).read_text())["finished"] is True


def test_locks_that_the_file_system_has_not_are_an_error_that_names_them(
    place, waiting, faulty_system
):
    jid, _gate = waiting
    with pytest.raises(JobError) as caught:
        place.status(jid, system=faulty_system(flock="ENOLCK"))
    assert caught.value.details["errno"] == "ENOLCK"
    assert "become" not in caught.value.message


def test_a_job_of_another_user_says_whom_to_become(place, waiting, faulty_system):
    jid, _gate = waiting
    system = faulty_system(open=("EACCES", lambda path, *_more, **_options: path == jid))
    with pytest.raises(JobError) as caught:
        place.status(jid, system=system)
    owner = System.owner_name(os.geteuid())
    assert caught.value.details["errno"] == "EACCES"
    assert f"it belongs to {owner}: become {owner} to look at the job" in caught.value.message


def test_a_job_that_stock_cores_clean_up_took_is_not_found(place, waiting):
    jid, gate = waiting
    gate.open()
    place.ended(jid)
    (place.async_dir / jid).unlink()
    with pytest.raises(JobError, match=f"could not find job {jid}"):
        place.status(jid)


def test_the_locks_are_held_by_the_supervisor_and_by_the_module_alone(place):
    gate = place.gate()
    path = place.ansiballz("""
        subprocess.Popen(["sh", "-c", "echo $$ > {}; exec sleep 300"])
        open({!r}).readline()
        print("{{}}")
        """.format(place.root / "child", gate.path))
    jid = place.start(path)
    child = place.noted("child")
    job_dir = place.job(jid).job_dir
    assert job_dir.held(LOCK_FILE)
    assert job_dir.held(MODULE_LOCK_FILE)
    place.kill(place.supervisor(jid))
    assert not job_dir.held(LOCK_FILE)
    assert job_dir.held(MODULE_LOCK_FILE)
    place.kill(place.module(jid))
    assert not job_dir.held(MODULE_LOCK_FILE)
    assert place.alive(*child)


def test_a_job_directory_that_is_removed_while_somebody_looks_is_a_job_that_is_gone(place, waiting):
    jid, gate = waiting
    gate.open()
    place.ended(jid)
    job = place.job(jid)
    job.remove()
    with pytest.raises(JobError, match="could not find job"):
        job.look(DEFAULT_EXCERPT)
    assert place.files() == []


# what it opens


def test_a_job_that_is_not_believed_leaves_nothing_open(place):
    jid = place.start(place.ansiballz("print('{}')"))
    place.ended(jid)
    place.all_gone()
    place.job_dir(jid).chmod(0o777)
    before = len(os.listdir("/proc/self/fd"))
    results_file = str(place.async_dir / jid)
    for reference in ({"jid": jid}, {"results_file": results_file}):
        with pytest.raises(Unbelieved, match="is not believed: it belongs to"):
            Job.open_referenced(place.system, reference, str(place.async_dir), place.environ)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_job_closes_what_it_opened_and_no_more(place):
    jid = place.start(place.ansiballz("print('{}')"))
    place.ended(jid)
    before = len(os.listdir("/proc/self/fd"))
    with place.directory() as async_dir:
        with Job(place.system, async_dir, jid) as job:
            assert job.look(Excerpt(0, None))["finished"] is True
        assert jid in async_dir.names()
    with Job.open(place.system, str(place.async_dir), jid) as job:
        assert job.look(Excerpt(0, None))["finished"] is True
    assert len(os.listdir("/proc/self/fd")) == before
