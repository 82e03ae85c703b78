# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs that stock core started, their files written here by hand as core writes them."""

import json
import os
import random
import subprocess
import sys

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.inspection.core_job import (
    core_finished,
    parse_job_file,
)
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.errors import JobError
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system.kernel import System

# of this run alone: whether a job's wrapper lives is seen in the processes of the whole machine
GIVEN = f"j{random.SystemRandom().randrange(10**11, 10**12)}"
JID = GIVEN + ".34914"


@pytest.fixture
def job_file(place):
    place.async_dir.mkdir(mode=0o700)

    def write(data, jid=JID):
        path = place.async_dir / jid
        path.write_bytes(data if isinstance(data, bytes) else json.dumps(data).encode("utf-8"))
        return path

    return write


@pytest.fixture
def wrapper(place):
    """A process that looks like core's wrapper of a job."""
    program = place.root / "async_wrapper.py"
    program.write_text("import sys; print(flush=True); sys.stdin.readline()")
    started = []
    place.started = True

    def start(given):
        process = subprocess.Popen(
            [sys.executable, str(program), given, "60", "/tmp/module", "_"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=place.environ,
        )
        process.stdout.readline()  # for a moment after it was started, /proc shows no arguments of it
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.stdin.close()
        process.stdout.close()
        process.wait()


@pytest.mark.parametrize(
    "text, data",
    [
        (b'{"a": 1}', {"a": 1}),
        (b"", None),
        (None, None),
        (b'{"a": ', None),
        (b"[1]", None),
        (b"1", None),
        (b"\xff", None),
    ],
)
def test_a_job_file_that_is_no_object_is_none(text, data):
    assert parse_job_file(text) == data


@pytest.mark.parametrize(
    "data, finished",
    [
        (None, False),
        ({"started": 1, "finished": 0}, False),
        ({"started": True, "finished": False}, False),
        ({"started": 1}, False),
        ({"started": 1, "finished": 1}, True),
        ({"changed": True}, True),
        ({}, True),
    ],
)
def test_cores_own_rule_says_whether_a_file_is_a_result(data, finished):
    assert core_finished(data) is finished


@pytest.mark.parametrize("started, finished", [(1, 0), (True, False)], ids=["to 2.18", "from 2.19"])
def test_a_job_of_cores_runs_as_long_as_its_wrapper_does(
    place, job_file, wrapper, started, finished
):
    path = job_file({"started": started, "finished": finished, "ansible_job_id": JID})
    process = wrapper(GIVEN)
    found = place.status(JID)
    view = found.pop("async_job")
    assert found == {
        "started": True,
        "finished": False,
        "ansible_job_id": JID,
        "results_file": str(path),
    }
    assert (view["state"], view["reason"], view["supervised"]) == ("running", None, True)
    assert view["elapsed"] >= 0
    assert view["output"]["stdout_tail"] == []
    process.kill()
    process.wait()
    found = place.ended(JID)
    assert (found["failed"], found["msg"]) == (
        True,
        "the job is lost: its wrapper was killed before it ended, and it left no result",
    )
    assert (found["async_job"]["state"], found["async_job"]["reason"]) == (
        "lost",
        "supervisor_killed",
    )


@pytest.mark.parametrize("data", [b"", b'{"started": 1, "fin'])
def test_an_empty_or_cut_off_file_of_a_dead_wrapper_is_a_lost_job(place, job_file, data):
    job_file(data)
    assert place.status(JID)["async_job"]["state"] == "lost"


def test_the_wrapper_of_another_job_does_not_keep_this_one_alive(place, job_file, wrapper):
    job_file({"started": 1, "finished": 0, "ansible_job_id": JID})
    wrapper(GIVEN + "0")
    assert place.status(JID)["async_job"]["state"] == "lost"


def test_a_file_older_than_the_boot_was_lost_by_it(place, job_file):
    path = job_file({"started": 1, "finished": 0, "ansible_job_id": JID})
    os.utime(str(path), (1000000, 1000000))
    found = place.status(JID)
    assert (found["async_job"]["state"], found["async_job"]["reason"]) == ("lost", "rebooted")
    assert "the host was started again" in found["msg"]


def test_without_proc_nobody_knows_and_the_job_runs(place, job_file):
    class NoProc(System):
        @staticmethod
        def processes():
            return {}

    job_file({"started": 1, "finished": 0, "ansible_job_id": JID})
    assert place.status(JID, system=NoProc())["async_job"]["state"] == "running"


def test_the_processes_of_another_user_may_be_hidden_and_the_job_runs(place, job_file):
    class Other(System):
        @staticmethod
        def geteuid():
            return os.geteuid() + 12345

        @staticmethod
        def fstat(fd):
            found = list(os.fstat(fd))
            found[4] = 0
            return os.stat_result(found)

    job_file({"started": 1, "finished": 0, "ansible_job_id": JID})
    assert place.status(JID, system=Other())["async_job"]["state"] == "running"


@pytest.mark.parametrize(
    "result, state",
    [
        ({"changed": True, "rc": 0, "ansible_job_id": JID}, "succeeded"),
        ({"changed": False, "failed": True, "msg": "no"}, "failed"),
        ({"rc": 2}, "failed"),
        ({"started": 1, "finished": 1, "a": {"__ansible_type": "x"}}, "succeeded"),
    ],
)
def test_a_result_of_cores_is_untouched(place, job_file, result, state):
    path = job_file(result)
    found = place.status(JID)
    assert found.pop("async_job")["state"] == state
    assert found == dict(
        result, started=True, finished=True, ansible_job_id=JID, results_file=str(path)
    )


def test_a_wait_for_a_job_of_cores_ends_with_it(place, job_file, wrapper):
    job_file({"started": 1, "finished": 0, "ansible_job_id": JID})
    wrapper(GIVEN)
    assert place.status(JID, wait=0.3)["finished"] is False
    text = "import os, sys, time; time.sleep(0.3); open(sys.argv[1] + 'x', 'w').write('{\"a\": 1}'); os.rename(sys.argv[1] + 'x', sys.argv[1])"
    writer = subprocess.Popen([sys.executable, "-c", text, str(place.async_dir / JID)])
    try:
        found = place.ended(JID)
    finally:
        writer.wait()
    assert (found["a"], found["async_job"]["state"]) == (1, "succeeded")


def test_a_job_of_cores_is_removed_like_any_other(place, job_file):
    path = job_file({"a": 1})
    assert place.status(JID, mode="cleanup")["erased"] == str(path)
    assert not path.exists()


@pytest.mark.parametrize("what", ["link", "fifo", "directory"])
def test_what_is_no_regular_file_is_no_job(place, what):
    place.async_dir.mkdir(mode=0o700)
    (place.root / "secret").write_text('{"secret": 1}')
    path = place.async_dir / JID
    if what == "link":
        path.symlink_to(place.root / "secret")
    elif what == "fifo":
        os.mkfifo(str(path))
    else:
        path.mkdir()
    with pytest.raises(JobError) as caught:
        place.status(JID)
    assert str(path) in caught.value.message
    assert "secret" not in caught.value.message
