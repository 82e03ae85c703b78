# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for many jobs at once. All jobs are real, but for two hundred that have ended."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.errors import JobError
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.requests import wait
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.requests.wait import (
    WAIT_FOR,
    answer_wait,
    condition_holds,
)
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system.kernel import System

SECONDS = 20.0  # for what takes a tenth of a second on an idle machine
LONG = 50.0  # that no wait may last: what is waited for comes about before
MODULE = """
    process = subprocess.Popen("echo one; echo two >&2", shell=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.communicate()
    gate = open({gate!r})
    word = gate.readline().strip()
    if word == "say":
        subprocess.Popen("echo three", shell=True, stdout=subprocess.PIPE).communicate()
        word = gate.readline().strip()
    print(json.dumps(dict(changed=True, failed=word == "fail", done=word)))
"""
CORE_JID = "j402058509351.34914"


class Jobs:
    """Jobs that end when they are told to, by number, and the wait for them."""

    def __init__(self, place):
        self.place = place
        self.jids = []
        self._gates = []

    def start(self, count=1, **how):
        for _unused in range(count):
            gate = self.place.gate(f"gate{len(self._gates)}")
            module = self.place.ansiballz(MODULE.format(gate=gate.path))
            self.jids.append(self.place.start(module, **how))
            self._gates.append(gate)
        for gate in self._gates[-count:]:
            gate.reached()
        return self.jids

    def end(self, number, word="well"):
        self._gates[number].open(word + "\n")

    def end_all(self):
        for gate in self._gates:
            gate.open()

    def ended(self, number):
        """Until the end of a job is written down; a status would need the main thread."""
        path = self.place.async_dir / self.jids[number]
        self.place.until(lambda: json.loads(path.read_text())["finished"])

    def wait(self, seconds=LONG, jobs=None, system=None, **options):
        params = {"jobs": jobs or [{"jid": jid} for jid in self.jids]}
        params.update({"for": "all", "seconds": seconds, "tail_lines": 10})
        params.update(options, _async_dir=str(self.place.async_dir))
        begun = time.monotonic()
        answer = answer_wait(system or self.place.system, params, self.place.environ, False)
        assert time.monotonic() - begun < LONG - 5, "nothing woke it before its time was over"
        return answer


class Asleep(System):
    """Tells when the wait has nothing to do but sleep, and how often it woke up."""

    def __init__(self):
        self.sleeping = threading.Event()
        self.returned = threading.Event()
        self.pauses = []

    def select(self, fds, timeout):
        self.pauses.append(timeout)
        self.sleeping.set()
        return System.select(fds, timeout)

    def sleeps(self):
        assert not self.returned.is_set(), "it has returned"


@pytest.fixture
def jobs(place):
    return Jobs(place)


@pytest.fixture
def wait_while(jobs):
    """Wait, and once the wait sleeps let something happen: in a thread, the wait needs the main one."""

    def wait(happens, system=None, **options):
        system = system or Asleep()
        failures = []

        def run():
            try:
                assert system.sleeping.wait(SECONDS), "it never slept"
                happens(system)
            except BaseException as error:
                failures.append(error)
                jobs.end_all()  # so that the wait returns, and the failure is seen

        thread = threading.Thread(target=run)
        thread.start()
        try:
            return jobs.wait(system=system, **options)
        finally:
            system.returned.set()
            thread.join()
            if failures:
                raise failures[0]

    return wait


def states(answer):
    return [status["async_job"]["state"] for status in answer["statuses"]]


def descriptors():
    return sorted(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize(
    "found, wanted, holds",
    [
        ("", "all", True),
        ("", "any", True),
        ("rr", "all", False),
        ("sr", "all", False),
        ("sf", "all", True),
        ("rr", "any", False),
        ("rs", "any", True),
        ("rf", "any", True),
        ("rs", "first_failure", False),
        ("ss", "first_failure", True),
        ("rf", "first_failure", True),
        ("rt", "first_failure", True),
        ("rc", "first_failure", True),
        ("rl", "first_failure", True),
        ("qs", "all", False),
    ],
)
def test_what_is_waited_for_has_come_about(found, wanted, holds):
    words = ("running", "queued", "succeeded", "failed", "timed_out", "cancelled", "lost")
    views = [{"state": word} for letter in found for word in words if word[0] == letter]
    assert condition_holds(views, wanted) is holds


@pytest.mark.parametrize("wanted", WAIT_FOR)
def test_nothing_to_wait_for_is_done(jobs, wanted):
    answer = jobs.wait(jobs=(), **{"for": wanted})
    assert answer == {"changed": False, "done": True, "statuses": [], "since": []}


def test_all_results_come_in_the_order_of_the_jobs_when_the_last_has_ended(place, jobs, wait_while):
    jobs.start(3)

    def happens(system):
        for number in (2, 0):
            jobs.end(number, f"n{number}")
            jobs.ended(number)
            system.sleeps()
        jobs.end(1, "n1")

    answer = wait_while(happens)
    assert answer["done"] is True
    assert [status["done"] for status in answer["statuses"]] == ["n0", "n1", "n2"]
    assert [status["ansible_job_id"] for status in answer["statuses"]] == jobs.jids
    assert states(answer) == ["succeeded"] * 3
    assert answer["since"] == [None] * 3


def test_it_sleeps_until_a_job_ends_and_looks_at_nothing_meanwhile(jobs, wait_while):
    jobs.start(2)
    system = Asleep()
    wait_while(lambda _system: jobs.end_all(), system)
    # a job whose two locks are free before it is asked after again is waited for in short steps, and woken at once
    assert LONG - SECONDS < system.pauses[0] <= LONG
    # each job frees two locks, and nothing else woke it
    assert len(system.pauses) <= 4


def test_for_any_it_ends_with_the_first_and_tells_how_the_others_are_now(place, jobs, wait_while):
    jobs.start(2)

    def happens(_system):
        jobs.end(0, "say")
        place.printed(jobs.jids[0], "three")
        jobs.end(1)

    answer = wait_while(happens, **{"for": "any"})
    assert (answer["done"], states(answer)) == (True, ["running", "succeeded"])
    assert answer["statuses"][0]["async_job"]["output"]["stdout_tail"] == ["one", "three"]


def test_for_the_first_failure_it_goes_on_past_what_succeeds(place, jobs, wait_while):
    jobs.start(3)

    def happens(system):
        jobs.end(0)
        jobs.ended(0)
        system.sleeps()
        jobs.end(1, "fail")

    answer = wait_while(happens, **{"for": "first_failure"})
    assert (answer["done"], states(answer)) == (True, ["succeeded", "failed", "running"])


def test_when_the_time_is_over_it_tells_what_is_there(place, jobs):
    jobs.start(2)
    jobs.end(1)
    place.ended(jobs.jids[1])
    answer = jobs.wait(0.3)
    assert (answer["done"], states(answer)) == (False, ["running", "succeeded"])
    assert answer["statuses"][0]["async_job"]["output"]["stdout_tail"] == ["one"]
    assert answer["statuses"][1]["done"] == "well"


def test_no_seconds_are_one_look(jobs):
    jobs.start()
    system = Asleep()
    assert jobs.wait(0, system=system)["done"] is False
    assert system.pauses == []
    jobs.end(0)
    jobs.place.ended(jobs.jids[0])
    assert jobs.wait(0, system=system)["done"] is True


def test_jobs_that_end_one_by_one_are_looked_at_one_by_one(jobs, wait_while, monkeypatch):
    jobs.start(4)
    looked = []
    usual = wait.Job.look
    monkeypatch.setattr(
        wait.Job, "look", lambda job, shown: looked.append(job.jid) or usual(job, shown)
    )

    def happens(_system):
        assert sorted(looked) == sorted(jobs.jids)
        for number in range(4):
            jobs.end(number)
            jobs.ended(number)

    wait_while(happens)
    # at the beginning, and when each of its two locks was freed
    assert len(looked) <= 4 + 4 * 2


def test_the_time_limit_of_a_job_without_supervisor_is_kept_by_the_wait(place, jobs):
    jid = jobs.start(limit=4)[0]
    module = place.module(jid)
    place.kill(place.supervisor(jid))
    answer = jobs.wait()
    view = answer["statuses"][0]["async_job"]
    assert (answer["done"], view["state"], view["reason"]) == (True, "timed_out", "deadline")
    place.gone(module)


def test_a_job_whose_supervisor_is_killed_meanwhile_is_waited_for_to_its_end(
    place, jobs, wait_while
):
    jid = jobs.start()[0]

    def happens(system):
        place.kill(place.supervisor(jid))
        place.until(lambda: len(system.pauses) > 1)
        system.sleeps()
        jobs.end(0)

    system = Asleep()
    status = wait_while(happens, system)["statuses"][0]
    assert min(system.pauses) > SECONDS
    assert (status["done"], status["async_job"]["recovered"]) == ("well", True)


def test_a_job_that_is_killed_meanwhile_ends_the_wait(place, jobs, wait_while):
    jid = jobs.start()[0]
    supervisor, module = place.supervisor(jid), place.module(jid)

    def happens(_system):
        place.kill(supervisor)
        place.kill(module)

    answer = wait_while(happens)
    assert (answer["done"], states(answer)) == (True, ["lost"])


def test_after_another_boot_there_is_nothing_to_wait_for(jobs):
    class OtherBoot(Asleep):
        @staticmethod
        def boot_id():
            return "another"

    jobs.start()
    system = OtherBoot()
    answer = jobs.wait(system=system)
    assert (answer["done"], states(answer), system.pauses) == (True, ["lost"], [])
    assert answer["statuses"][0]["async_job"]["reason"] == "rebooted"


def test_a_job_of_cores_is_waited_for_beside_ours(place, jobs, wait_while):
    jobs.start()
    program = place.root / "async_wrapper.py"
    program.write_text("import sys; sys.stdin.readline()")
    command = [sys.executable, str(program), CORE_JID.split(".", 1)[0], "60", "/tmp/module", "_"]
    wrapper = subprocess.Popen(command, stdin=subprocess.PIPE, env=place.environ)
    path = place.async_dir / CORE_JID
    path.write_text(json.dumps({"started": 1, "finished": 0, "ansible_job_id": CORE_JID}))

    def happens(system):
        jobs.end(0)
        jobs.ended(0)
        system.sleeps()
        new = place.async_dir / "new"
        new.write_text(json.dumps({"changed": True, "ansible_job_id": CORE_JID, "rc": 0}))
        new.rename(path)

    try:
        jobs.jids.append(CORE_JID)
        answer = wait_while(happens)
    finally:
        wrapper.kill()
        wrapper.stdin.close()
        wrapper.wait()
    assert (answer["done"], states(answer)) == (True, ["succeeded", "succeeded"])
    assert answer["statuses"][1]["rc"] == 0


def test_a_job_that_is_given_twice_is_told_twice(place, jobs, wait_while):
    jid = jobs.start()[0]
    given = [{"jid": jid}, {"results_file": str(place.async_dir / jid)}]
    answer = wait_while(lambda _system: jobs.end(0), jobs=given)
    assert [status["ansible_job_id"] for status in answer["statuses"]] == [jid, jid]
    assert (answer["done"], states(answer)) == (True, ["succeeded", "succeeded"])


def test_new_lines_come_with_a_cursor_of_each_job(place, jobs):
    first, second, third = jobs.start(3)
    given = [{"jid": first, "cursor": "0:0"}, {"jid": second}, {"jid": third, "cursor": "4:0"}]
    answer = jobs.wait(0, jobs=given)
    assert [one and (one["stdout_tail"], one["stderr_tail"]) for one in answer["since"]] == [
        (["one"], ["two"]),
        None,
        ([], ["two"]),
    ]
    assert [one and one["cursor"] for one in answer["since"]] == ["4:4", None, "4:4"]
    again = [dict(one, cursor="4:4") for one in given]
    assert [one["stdout_tail"] for one in jobs.wait(0, jobs=again)["since"]] == [[], [], []]


def test_a_job_that_is_missing_is_named_and_nothing_is_waited_for(place, jobs):
    jobs.start()
    before = descriptors()
    with pytest.raises(JobError) as caught:
        jobs.wait(jobs=[{"jid": jobs.jids[0]}, {"jid": "j1.2"}])
    assert caught.value.message.startswith("could not find job j1.2 as ")
    assert str(place.async_dir) in caught.value.message
    assert descriptors() == before


def test_a_job_that_is_removed_meanwhile_is_named(place, jobs, wait_while):
    jid = jobs.start(2)[0]

    def happens(_system):
        shutil.rmtree(str(place.job_dir(jid)))
        (place.async_dir / jid).unlink()
        jobs.end(0)

    with pytest.raises(JobError) as caught:
        wait_while(happens)
    assert caught.value.message == f"could not find job {jid}: it was removed just now"


@pytest.mark.parametrize("count", [-1, 10001])
def test_nobody_can_mean_so_many_lines(jobs, count):
    with pytest.raises(JobError) as caught:
        jobs.wait(jobs=[{"jid": "j1.2"}], tail_lines=count)
    assert caught.value.message == f"tail_lines: {count} is out of range; give 0 to 10000"


def test_two_hundred_jobs_that_have_ended_are_answered_at_once_with_few_descriptors(place, jobs):
    jid = jobs.start()[0]
    jobs.end(0)
    place.ended(jid)
    for number in range(1, 200):
        other = f"j{number}.7"
        shutil.copytree(str(place.job_dir(jid)), str(place.job_dir(other)))
        for path in (place.async_dir, place.async_dir / ".longrun"):
            name = jid if path == place.async_dir else f"{jid}/record.json"
            text = (path / name).read_text()
            (path / name.replace(jid, other)).write_text(text.replace(jid, other))
        jobs.jids.append(other)
    before, opened = descriptors(), []

    class Counting(Asleep):
        @staticmethod
        def monotonic():
            opened.append(len(descriptors()))
            return time.monotonic()

    system = Counting()
    answer = jobs.wait(system=system)
    assert answer["done"] is True
    assert [status["ansible_job_id"] for status in answer["statuses"]] == jobs.jids
    assert system.pauses == []
    assert max(opened) < len(before) + 20
    assert descriptors() == before


def test_no_descriptor_is_left_open(place, jobs, wait_while):
    jobs.start(2)
    before = descriptors()
    jobs.wait(0.2)
    wait_while(lambda _system: jobs.end(0), **{"for": "any"})
    # a thread is asleep on each job that goes on, and leaves with it
    place.until(lambda: len(descriptors()) == len(before) + 2 * 2)
    jobs.end(1)
    place.until(lambda: descriptors() == before)


def test_without_threads_it_looks_in_steps(jobs, wait_while, monkeypatch):
    jobs.start()
    before = descriptors()

    class NoThread(threading.Thread):
        def start(self):
            raise RuntimeError("can't start new thread")

    class Threading:
        Lock = staticmethod(threading.Lock)
        Thread = NoThread
        stack_size = staticmethod(threading.stack_size)

    monkeypatch.setattr(wait, "threading", Threading)
    assert wait_while(lambda _system: jobs.end(0))["done"] is True
    assert descriptors() == before


def test_more_jobs_than_threads_are_all_waited_for(jobs, wait_while, monkeypatch):
    monkeypatch.setattr(wait, "_MOST_SLEEPERS", 1)
    jobs.start(3)
    assert states(wait_while(lambda _system: jobs.end_all())) == ["succeeded"] * 3
