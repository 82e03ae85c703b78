# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an earlier version has left in an async dir is read, told of and removed. See fixtures/README.md."""

import json
import os
from pathlib import Path

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.requests.info import (
    INFO_OPTIONS,
    answer_info,
)
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.requests.prune import (
    PRUNE_OPTIONS,
    answer_prune,
)
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system.kernel import System

FIXTURES = Path(__file__).with_name("fixtures")
VERSIONS = sorted(path.stem for path in FIXTURES.glob("*.json"))
DAY = 86400.0
# state and reason of each job, by its name, in another boot than it ran in
ENDS = {
    "succeeded": ("succeeded", "exit"),
    "failed": ("failed", "exit"),
    "timed_out": ("timed_out", "deadline"),
    "cancelled": ("cancelled", "request"),
    "rescued": ("succeeded", "exit"),
    "pieces": ("succeeded", "exit"),
    "secret": ("succeeded", "exit"),
    "drop_in": ("succeeded", "exit"),
    "recovered": ("succeeded", "exit"),
    "lost": ("lost", "rebooted"),
    "lost_queued": ("lost", "rebooted"),
    None: ("succeeded", "exit"),  # that of ansible-core
}


class Earlier:
    """A place with the async dir of an earlier version, at a time when all of it is a day old."""

    def __init__(self, place, version):
        for name, text in json.loads((FIXTURES / f"{version}.json").read_text()).items():
            path = place.async_dir / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.place = place
        self.records = {}  # by name
        for path in place.async_dir.glob(".longrun/j*/record.json"):
            record = json.loads(path.read_text())
            self.records[record["name"]] = record
        self.jids = {name: record["id"] for name, record in self.records.items()}
        for path in place.async_dir.glob("j*"):
            if path.name not in self.jids.values():
                self.jids[None] = path.name
        made = max(record["ended_wall"] or 0.0 for record in self.records.values())
        # what git does not keep
        for path in [place.async_dir, *place.async_dir.rglob("*")]:
            path.chmod(0o700 if path.is_dir() else 0o600)
            os.utime(str(path), (made, made))

        class DayLater(System):
            boot = "another than the jobs ran in"

            def time(self):
                return made + DAY

            def boot_id(self):
                return self.boot

        self.system = DayLater()

    def status(self, name, **options):
        return self.place.status(self.jids[name], self.system, **options)

    def in_the_same_boot(self):
        """Have the jobs run in the boot that goes on: the processes of all of them are dead all the same."""
        self.system.boot = self.records["lost"]["boot_id"]

    def info(self):
        params = {name: option.get("default") for name, option in INFO_OPTIONS.items()}
        params["async_dir"] = str(self.place.async_dir)
        return answer_info(self.system, params, self.place.environ, False)

    def prune(self, **options):
        params = {name: option.get("default") for name, option in PRUNE_OPTIONS.items()}
        params.update(async_dir=str(self.place.async_dir), remote_tmp=str(self.place.root / "tmp"))
        params.update(options)
        return answer_prune(self.system, params, self.place.environ, False)


@pytest.fixture(params=VERSIONS)
def earlier(request, place):
    return Earlier(place, request.param)


def test_there_is_one_job_of_each_kind(earlier):
    assert set(earlier.jids) == set(ENDS)


@pytest.mark.parametrize("name", ENDS)
def test_the_end_of_each_job_is_told_as_it_was(earlier, name):
    found = earlier.status(name)
    view = found["async_job"]
    assert (view["state"], view["reason"]) == ENDS[name]
    assert (view["id"], view["name"]) == (earlier.jids[name], name)
    assert (found["started"], found["finished"]) == (True, True)
    assert found["ansible_job_id"] == earlier.jids[name]
    again = earlier.status(name)["async_job"]
    assert (again["state"], again["reason"]) == ENDS[name]


def test_a_job_of_an_earlier_version_has_the_keys_of_one_of_today(earlier):
    today = earlier.place.view(earlier.place.start(earlier.place.ansiballz("print('{}')")))
    assert {name for name in ENDS if set(earlier.status(name)["async_job"]) != set(today)} == set()


def test_what_the_module_returned_is_there(earlier):
    assert earlier.status("succeeded")["stdout"] == "20%\n45%"
    assert earlier.status("drop_in")["stdout"] == "of the drop-in"
    assert earlier.status(None)["stdout"] == "of core"
    failed = earlier.status("failed")
    assert (failed["rc"], failed["failed"], failed["cmd"]) == (2, True, ["ls", "/nowhere"])
    assert earlier.status("timed_out")["msg"] == "Timeout exceeded"
    assert earlier.status("timed_out")["stdout"] == "begun\n"
    assert earlier.status("cancelled")["msg"] == "the job was cancelled"
    secret = earlier.status("secret")
    assert (secret["rc"], secret["changed"]) == (0, True)
    assert not {"stdout", "cmd", "invocation"} & set(secret)
    rescued = earlier.status("rescued")
    told = [(step["block"], step["state"]) for step in rescued["steps"]]
    assert told == [
        ("steps", "succeeded"),
        ("steps", "failed"),
        ("rescue", "succeeded"),
        ("always", "succeeded"),
    ]
    assert [step["result"]["rc"] for step in rescued["steps"]] == [0, 2, 0, 0]
    assert [step["state"] for step in rescued["async_job"]["steps"]] == [
        state for _block, state in told
    ]


def test_what_was_known_of_a_job_is_told(earlier):
    succeeded = earlier.status("succeeded")["async_job"]
    assert succeeded["progress"]["percent"] == 45.0
    assert succeeded["output"]["stderr_tail"] == ["to stderr"]
    assert (succeeded["module"], succeeded["timeout"]) == ("ansible.builtin.shell", 86400)
    assert earlier.status("failed")["async_job"]["attempt"] == 2
    assert earlier.status("lost_queued")["async_job"]["queue"] == "turns"
    assert earlier.status("lost")["async_job"]["output"]["stdout_tail"] == ["begun"]


def test_output_in_several_pieces_is_read_to_its_end_with_a_gap_that_is_told(earlier):
    output = earlier.status("pieces")["async_job"]["output"]
    assert len(list(earlier.place.job_dir(earlier.jids["pieces"]).glob("stdout*"))) > 2
    assert output["stdout_tail"][-2:] == ["13999", "14000"]
    assert output["truncated"] is True
    assert output["stdout_bytes"] == sum(len(f"{number}\n") for number in range(1, 14001))
    # from the beginning on, over the gap
    lines = earlier.status("pieces", cursor="0:0")["async_job"]["output"]["stdout_tail"]
    assert lines[:2] + lines[-2:] == ["1", "2", "13999", "14000"]
    assert len(lines) < 14000


def test_a_result_that_no_supervisor_took_is_found(earlier):
    found = earlier.status("recovered")
    assert (found["stdout"], found["rc"]) == ("whole", 0)
    assert found["async_job"]["recovered"] is True


@pytest.mark.parametrize("name", ["lost", "lost_queued"])
def test_a_job_whose_processes_were_killed_since_the_host_was_started_is_lost(earlier, name):
    earlier.in_the_same_boot()
    found = earlier.status(name)
    assert found["async_job"]["state"] == "lost"
    assert found["async_job"]["reason"] == "supervisor_killed"
    assert found["failed"] is True


def test_a_whole_result_is_found_since_the_host_was_started_too(earlier):
    earlier.in_the_same_boot()
    found = earlier.status("recovered")
    assert (found["stdout"], found["async_job"]["recovered"]) == ("whole", True)


def test_all_are_listed(earlier):
    told = earlier.info()
    assert told["unreadable"] == []
    assert {view["name"]: (view["state"], view["reason"]) for view in told["jobs"]} == ENDS


def test_what_is_old_enough_is_pruned_and_nothing_else(earlier):
    old = {
        earlier.jids[name] for name in ENDS if not (name or "").startswith(("lost", "recovered"))
    }
    assert earlier.prune(older_than="2d")["removed"] == []
    told = earlier.prune(older_than="23h")
    assert (set(told["removed"]), told["unreadable"]) == (old, [])
    assert {view["name"] for view in earlier.info()["jobs"]} == {"lost", "lost_queued", "recovered"}
    # the ends of these were only found out now
    assert len(earlier.prune(older_than="0s")["removed"]) == 3
    assert earlier.info()["jobs"] == []
    assert [name for name in earlier.place.files() if "history" not in name] == [
        os.path.join(".longrun", "names.lock")
    ]


@pytest.mark.parametrize("name", ENDS)
def test_each_job_is_removed_on_request(earlier, name):
    earlier.status(name, mode="cleanup")
    assert not [path for path in earlier.place.files() if earlier.jids[name] in path]
    assert len(earlier.info()["jobs"]) == len(ENDS) - 1


def test_the_durations_of_earlier_jobs_tell_how_far_one_of_today_is(earlier):
    place = earlier.place
    gate = place.gate()
    module = place.ansiballz(f"open({gate.path!r}).readline()\nprint('{{}}')")
    jid = place.start(module, environ={"ANSIBLE_ASYNC_NAME": "succeeded"})
    gate.reached()
    assert place.view(jid)["progress"]["source"] == "history"
    gate.open()
    place.ended(jid)
