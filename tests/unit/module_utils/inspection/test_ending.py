# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import json
import os

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.inspection.ending import (
    conclude,
    encode,
    whole_result,
    write_end,
)
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.record import (
    begin,
    new_record,
)
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.settings import Settings
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system.kernel import System

JID = "j1.2"


class Ended:
    """A job whose module has come to its end, on a kernel of choice."""

    def __init__(self, place, system=None, name=None, output="out\n"):
        self.place = place
        self.system = system or System()
        place.job_dir(JID).mkdir(parents=True, mode=0o700)
        for path in (place.async_dir, place.async_dir / ".longrun"):
            path.chmod(0o700)
        self.temporary = place.task_dir()
        self.record = new_record(
            JID, "m", 60, Settings(name=name), str(place.async_dir / JID), False
        )
        begin(self.record, System.boot_id(), System.time(), System.monotonic())
        self.record["remove"] = [str(self.temporary)]
        self.async_dir = place.directory(self.system)
        plain = place.directory().child(".longrun").child(JID)
        plain.write_file("record.json", encode(self.record))
        plain.reserve()
        self.job_dir = self.async_dir.child(".longrun").child(JID)
        self.put("result", '{"changed": true}')
        self.put("exit", "0")
        self.put("stdout", output)
        (place.async_dir / JID).write_text('{"started": true, "finished": false}')

    def put(self, name, text):
        (self.place.job_dir(JID) / name).write_text(text)

    def end(self, state=None, reason="exit"):
        public = conclude(self.system, self.job_dir, self.record, state, reason)
        write_end(self.system, self.async_dir, self.job_dir, self.record, public)
        return self.public()

    def public(self):
        return json.loads((self.place.async_dir / JID).read_text())

    def stored(self):
        return json.loads((self.place.job_dir(JID) / "record.json").read_text())

    def names(self):
        return sorted(os.listdir(str(self.place.job_dir(JID))))


def test_an_end_is_in_the_job_file_and_in_the_record_and_what_worked_for_it_is_gone(place):
    job = Ended(place)
    found = job.end()
    assert (found["changed"], found["finished"], found["async_job"]["state"]) == (
        True,
        True,
        "succeeded",
    )
    assert (job.stored()["state"], job.stored()["reason"]) == ("succeeded", "exit")
    assert job.names() == ["record.json", "stdout"]
    assert not job.temporary.exists()


@pytest.mark.parametrize("exit_file, result, whole", [
    ("0", "", True), ("0", "junk", True), (None, '{"a": 1}', True), (None, '{"a": 1', False), (None, "", False), ("", "", False),
    (None, None, False),
])  # fmt: skip
def test_a_result_is_whole_when_its_module_ended_or_it_reads_as_one(
    place, exit_file, result, whole
):
    job = Ended(place)
    for name, text in (("exit", exit_file), ("result", result)):
        (place.job_dir(JID) / name).unlink()
        if text is not None:
            job.put(name, text)
    assert whole_result(job.job_dir) is whole


@pytest.mark.parametrize("number", ["ENOSPC", "EDQUOT", "EFBIG"])
def test_a_full_disk_gets_the_reserve_back_and_takes_a_short_result(place, faulty_system, number):
    reserve = place.job_dir(JID) / "reserve"
    seen = []

    def large(_fd, data):
        seen.append(reserve.exists())
        return len(data) > 3000

    job = Ended(place, faulty_system(write=(number, large)))
    job.put("result", json.dumps({"big": "x" * 5000}))
    found = job.end()
    assert seen[0] is False
    assert "big" not in found
    assert found["failed"] is False
    assert found["msg"].startswith("the job's result could not be kept: ")
    assert (found["async_job"]["state"], found["async_job"]["reason"]) == ("succeeded", "no_space")
    assert (job.stored()["state"], job.stored()["reason"]) == ("succeeded", "no_space")
    assert job.names() == ["record.json", "stdout"]


def test_a_failed_job_whose_result_is_not_kept_has_still_failed(place, faulty_system):
    job = Ended(place, faulty_system(write=("ENOSPC", lambda _fd, data: len(data) > 3000)))
    job.put("result", json.dumps({"big": "x" * 5000, "failed": True}))
    found = job.end()
    assert (found["failed"], found["async_job"]["state"]) == (True, "failed")


@pytest.mark.parametrize(
    "call, number",
    [
        ("write", "EIO"),
        ("fsync", "EIO"),
        ("rename", "EROFS"),
        ("rename", "EIO"),
        ("fsync", "ENOSPC"),
        ("write", "ENOSPC"),
    ],
)
def test_an_end_that_cannot_be_written_at_all_leaves_the_old_state_whole(
    place, faulty_system, call, number
):
    job = Ended(place, faulty_system(**{call: number}))
    with pytest.raises(OSError) as caught:
        job.end()
    assert caught.value.errno == getattr(__import__("errno"), number)
    assert job.public() == {"started": True, "finished": False}
    assert job.stored()["state"] == "running"
    assert "result" in job.names()  # so that whoever looks later can take it
    assert not [name for name in place.files() if name.split("/")[-1].startswith(".")]


def test_a_history_that_cannot_be_written_keeps_no_end_from_being_complete(place, faulty_system):
    job = Ended(place, faulty_system(mkdir="ENOSPC"), name="nightly")
    assert job.end()["async_job"]["state"] == "succeeded"
    assert job.names() == ["record.json", "stdout"]
    assert job.stored()["state"] == "succeeded"


@pytest.mark.parametrize(
    "reason, state, message",
    [
        ("deadline", "timed_out", "Timeout exceeded"),
        ("idle", "timed_out", "Timeout exceeded: the job printed nothing for 2.5 seconds"),
        ("request", "cancelled", "the job was cancelled"),
        ("rebooted", "lost", "the job is lost: the host was started again before it ended"),
        (
            "supervisor_killed",
            "lost",
            "the job is lost: its supervisor and its module were both killed, and the module left no result",
        ),
    ],
)
def test_every_end_from_without_says_why_and_shows_the_output(place, reason, state, message):
    job = Ended(place)
    job.record["idle_timeout"] = 2.5
    found = job.end(state, reason)
    assert (found["failed"], found["msg"], found["stdout"]) == (True, message, "out\n")
    assert (found["async_job"]["state"], found["async_job"]["reason"]) == (state, reason)
    assert found["ansible_job_id"] == JID


def test_a_job_that_was_removed_is_not_brought_back_and_its_temporary_directory_goes(place):
    job = Ended(place)
    public = conclude(job.system, job.job_dir, job.record, None, "exit")
    place.status(JID, mode="cleanup", force=True)
    write_end(job.system, job.async_dir, job.job_dir, job.record, public)
    assert place.files() == []
    assert not job.temporary.exists()


def test_only_success_says_how_long_such_a_job_takes(place):
    job = Ended(place, name="nightly")
    job.end("timed_out", "deadline")
    assert not (place.async_dir / ".longrun" / "history").exists()


# what is removed with a job


@pytest.mark.parametrize("noted", [False, True], ids=["record", "payload_dirs"])
@pytest.mark.parametrize(
    "name", ["precious", "ansible_x_payload", "ansible-tmp-1/inner", "x/../ansible-tmp-2"]
)
def test_what_has_not_the_name_of_a_temporary_directory_is_not_removed(place, name, noted):
    job = Ended(place)
    (place.root / "x").mkdir()
    directory = place.root / name
    directory.mkdir(parents=True)
    if noted:
        job.put("payload_dirs", f"{directory}\n")
    else:
        job.record["remove"] = [str(directory)]
    job.end()
    assert directory.is_dir()


def test_a_link_in_the_place_of_a_temporary_directory_is_not_followed(place):
    job = Ended(place)
    precious = place.root / "precious"
    precious.mkdir()
    link = place.root / "ansible-tmp-9"
    link.symlink_to(precious)
    job.record["remove"] = [str(link)]
    job.end()
    assert precious.is_dir() and link.is_symlink()


def test_root_removes_for_another_users_job_only_what_is_that_users(place):
    """As any other user, who cannot have such a job, it removes what is its own."""
    job = Ended(place)
    mine, theirs = place.task_dir(), place.task_dir()
    if os.geteuid() == 0:
        os.chown(str(theirs), 65534, 65534)
        os.chown(str(place.job_dir(JID)), 65534, 65534)
    job.record["remove"] = [str(mine), str(theirs)]
    job.end()
    assert mine.is_dir() is (os.geteuid() == 0)
    assert not theirs.exists()
