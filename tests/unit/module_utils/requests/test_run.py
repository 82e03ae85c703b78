# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starting jobs in one request, as the target carries it out: with the library that came along, and real processes."""

import functools
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.carrier.boot import KEPT
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.carrier.parcel import pack
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.settings import Settings
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.requests.cancel import (
    answer_cancel,
)
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.requests.run import IF_EXISTS
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system.kernel import System
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system.names import resolve_names

SECONDS = 20.0
HEAD = "#!{}\n# -*- coding: utf-8 -*-\n_ANSIBALLZ_WRAPPER = True\nimport json, os, subprocess, sys, time\n"
# the rest of a module's text; {0} is what it waits at, or notes to
WELL = "print(json.dumps(dict(changed=True, said='well')))"
FAIL = "print(json.dumps(dict(failed=True, msg='it broke')))"
AT_GATE = "open({0!r}).readline()\nprint(json.dumps(dict(changed=True, said='through')))"
FAULTY = """
import errno, os
Faulty = System
def fails(number):
    raise OSError(number, os.strerror(number))
"""
NOTE = "fd = os.open({0!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND)\nos.write(fd, b'{1}\\n')\n"


class Module:
    """A module as the controller builds it, and how it is run as a step."""

    def __init__(self, text, style="new", shebang="#!" + sys.executable, args=None, **more):
        self.text = textwrap.dedent(text)
        if style == "new":
            self.text = HEAD.format(sys.executable) + self.text
        self.parcel = {"style": style, "shebang": shebang, "args": args}
        self.parcel["module"] = more.get("module", "longrun.test.demo")
        self.name = more.get("name")
        self.environ = more.get("environ", {})


class Requests:
    """What a controller would send, and what comes back."""

    def __init__(self, place, carried_program):
        self.place = place
        self._carried_program = carried_program
        self.log = place.root / "log"

    def job(self, *steps, **options):
        """An order: of one module, or, with rescue or always or several, of steps."""
        blocks = {"steps": list(steps)}
        for block in ("rescue", "always"):
            blocks[block] = list(options.pop(block, ()))
        chained = len(steps) > 1 or any(blocks[block] for block in ("rescue", "always"))
        settings = Settings()._asdict()
        for name in settings:
            settings[name] = options.pop(name, settings[name])
        order = {"settings": settings, "chained": options.pop("chained", chained), "timeout": 60}
        order.update(attempts=1, retry_delay=0, retry_backoff=1, queue=None, max_running=1)
        order.update(nice=None, ionice=None, scope=False, memory_max=None, cpu_quota=None)
        order.update(environ={}, if_exists="restart_finished", no_log=False, fingerprint=None)
        order.update(prefix=self.place.given, blocks=blocks)
        unknown = set(options) - set(order)
        assert not unknown
        order.update(options)
        return order

    def program(self, jobs, faults="", **changed):
        """faults: text behind that of system.py; changed: text behind that of other parts of the library."""
        modules, told = [], []
        for job in jobs:
            blocks = {}
            for block, steps in job["blocks"].items():
                blocks[block] = []
                for module in steps:
                    step = {"payload": len(modules), "name": module.name, "environ": module.environ}
                    blocks[block].append(step)
                    modules.append(module)
            told.append(dict(job, blocks=blocks))
        parcels, texts = pack(
            [module.text.encode("utf-8") for module in modules],
            [module.parcel["module"] for module in modules],
        )
        for parcel, module in zip(parcels, modules):
            parcel.update(module.parcel)

        def behind(more):
            return lambda text: text + "\n" + textwrap.dedent(more)

        parts = {part: behind(more) for part, more in dict(changed, kernel=faults).items()}
        params = {"payloads": parcels, "jobs": told, "_async_dir": str(self.place.async_dir)}
        return self._carried_program("async_run", params, texts=texts, **parts)

    def begin(self, *jobs, **how):
        """A request that is under way."""
        self.place.started = True
        flags = how.pop("flags", ())
        environ = dict(self.place.environ, **how.pop("environ", {}))
        text = self.program(jobs, **how)
        process = subprocess.Popen(
            [sys.executable, *flags, "-"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environ,
            cwd=str(self.place.root),
        )
        process.stdin.write(text.encode("ascii"))
        process.stdin.close()
        process.stdin = None
        return process

    @staticmethod
    def finish(process):
        stdout, stderr = process.communicate(timeout=SECONDS * 2)
        assert (stderr.decode("utf-8", "replace"), process.returncode) == ("", 0)
        answer = json.loads(stdout.decode("ascii"))
        answer.pop(KEPT)
        return answer

    def ask(self, *jobs, **how):
        return self.finish(self.begin(*jobs, **how))

    def start(self, *jobs, **how):
        """The jids of jobs that were all started."""
        answer = self.ask(*jobs, **how)
        assert not answer.get("failed"), answer
        assert not [job for job in answer["jobs"] if job.get("failed")], answer
        return [job["ansible_job_id"] for job in answer["jobs"]]

    def result(self, job, **how):
        return self.place.ended(self.start(job, **how)[0])

    def cancel(self, *jids):
        params = {"jids": list(jids), "results_files": None, "signal": None, "grace": None}
        params.update(state=None, name=None, module=None, older_than=None, newer_than=None)
        params["_async_dir"] = str(self.place.async_dir)
        return answer_cancel(self.place.system, params, self.place.environ, False)

    def state(self, jid):
        return self.place.view(jid)["state"]

    def runs(self, jid):
        self.place.until(lambda: self.state(jid) == "running")

    # what modules note, line by line

    def noting(self, word, text=WELL):
        return Module(NOTE.format(str(self.log), word) + text)

    def noted(self):
        return self.log.read_text().split() if self.log.exists() else []


@pytest.fixture
def requests(place, carried_program):
    return Requests(place, carried_program)


@pytest.fixture
def held(place, requests):
    """A job that runs until its gate is opened, with options; its jid and the gate."""

    def held(**options):
        gate = place.gate(f"gate{len(place._gates)}")
        (jid,) = requests.start(requests.job(Module(AT_GATE.format(gate.path)), **options))
        gate.reached()
        return jid, gate

    return held


# one and many


def test_a_start_says_how_its_job_began(place, requests):
    gate = place.gate()
    answer = requests.ask(requests.job(Module(AT_GATE.format(gate.path))))
    (job,) = answer.pop("jobs")
    assert answer == {"changed": True}
    view = job.pop("async_job")
    jid = job["ansible_job_id"]
    assert job == {
        "started": True,
        "finished": False,
        "ansible_job_id": jid,
        "results_file": str(place.async_dir / jid),
        "changed": True,
        "attached": False,
    }
    assert set(view) == set(place.view(jid))
    assert (view["id"], view["state"], view["module"]) == (jid, "running", "longrun.test.demo")
    assert (view["elapsed"], view["attempt"], view["attempts"]) == (0.0, 1, 1)
    gate.open()
    found = place.ended(jid)
    assert (found["said"], found["async_job"]["state"]) == ("through", "succeeded")


def test_many_jobs_are_started_in_one_request_each_with_its_own_module(place, requests):
    names = [f"number {number}" for number in range(70)]
    jobs = [requests.job(Module(f"print(json.dumps(dict(said={name!r})))")) for name in names]
    jids = requests.start(*jobs)
    assert len(set(jids)) == 70
    assert [place.ended(jid)["said"] for jid in jids] == names
    place.all_gone()


def test_no_job_of_several_can_be_reached_by_what_is_meant_for_another(place, requests):
    """Neither a terminal nor a signal to a process group: they share the session of a process that is gone."""
    text = """
        above = os.getppid()
        print(json.dumps(dict(session=os.getsid(0), group=os.getpgid(0), above=above, its=os.getpgid(above), pid=os.getpid())))
    """
    jids = requests.start(*[requests.job(Module(text)) for _unused in range(3)])
    found = [place.ended(jid) for jid in jids]
    assert len({one["session"] for one in found}) == 1
    assert found[0]["session"] not in {os.getsid(0), *(one["above"] for one in found)}
    assert [one["its"] for one in found] == [one["above"] for one in found]
    assert [one["group"] for one in found] == [one["pid"] for one in found]
    assert len({one["above"] for one in found}) == 3


@pytest.mark.parametrize(
    "fault, said",
    [
        (
            "Faulty.fork = staticmethod(lambda: fails(errno.EAGAIN))",
            " and 1 more: Resource temporarily unavailable (EAGAIN)",
        ),
        (
            "Faulty.setsid = staticmethod(lambda: fails(errno.EPERM))",
            " and 1 more: Operation not permitted (EPERM)",
        ),
        (
            "Faulty.setsid = staticmethod(lambda: os.kill(os.getpid(), 9))",
            " and 1 more ended without a word",
        ),
    ],
    ids=["no process", "no session", "killed"],
)
def test_a_failure_of_what_starts_several_is_told_of_each(place, requests, fault, said):
    answer = requests.ask(*[requests.job(Module(WELL))] * 2, faults=FAULTY + fault)
    assert [job["failed"] for job in answer["jobs"]] == [True, True]
    assert all(job["msg"].endswith(said) for job in answer["jobs"]), answer
    assert [name for name in place.files() if "library" not in name] == []
    assert not place.processes()


def test_several_that_are_refused_a_supervisor_end_so_and_the_others_run(place, requests):
    faults = """
        _forks = []
        def _refusing():
            _forks.append(os.getpid())
            # no other process forks two
            if _forks.count(os.getpid()) == 2:
                fails(errno.EAGAIN)
            return os.fork()
        Faulty.fork = staticmethod(_refusing)
    """
    jobs = [requests.job(requests.noting(name)) for name in ("first", "second", "third")]
    jids = requests.start(*jobs, faults=FAULTY + textwrap.dedent(faults))
    first, second, third = [place.ended(jid) for jid in jids]
    assert (first["said"], third["said"]) == ("well", "well")
    assert (second["failed"], second["async_job"]["state"]) == (True, "failed")
    assert second["async_job"]["reason"] == "not_started"
    assert second["msg"] == (
        f"the job could not continue: could not start the supervisor of {jids[1]}: "
        "Resource temporarily unavailable (EAGAIN)"
    )
    assert sorted(requests.noted()) == ["first", "third"]
    place.all_gone()


def told_of(place, jid, word):
    return word in place.text(jid, "supervisor_error")


def test_what_starts_several_fails_behind_the_answer_and_each_job_tells_it(place, requests):
    text = "def find_prctl():\n    return 1 / 0\n"
    jids = requests.start(*[requests.job(Module(WELL), queue="q")] * 2, launch=text)
    for jid in jids:
        found = place.ended(jid)
        assert found["async_job"]["reason"] == "not_started"
        assert found["msg"].startswith(
            f"the job could not continue: the process that starts {jid} failed: ZeroDivisionError('division by zero'"
        )
        # kept when the end is written, which matters more
        place.until(functools.partial(told_of, place, jid, "find_prctl"))
    place.all_gone()
    assert requests.result(requests.job(Module(WELL), queue="q"))["said"] == "well"


def test_the_answer_does_not_wait_for_what_starts_several(place, requests):
    """Who asks one of them to end meanwhile is heard as soon as it can hear."""
    gate, never = place.gate(), place.gate("never")
    text = f"def find_prctl():\n    open({gate.path!r}).readline()\n"
    jobs = [requests.job(Module(AT_GATE.format(never.path)))] * 2
    jids = requests.start(*jobs, launch=text)
    assert [requests.state(jid) for jid in jids] == ["running", "running"]
    assert [place.view(jid)["supervised"] for jid in jids] == [True, True]
    assert [place.record(jid)["supervisor"] for jid in jids] == [None, None]
    threading.Timer(0.2, gate.open).start()
    answer = requests.cancel(*jids)
    assert not answer.get("failed"), answer
    assert sorted(answer["cancelled"]) == sorted(jids)
    assert {place.ended(jid)["async_job"]["state"] for jid in jids} == {"cancelled"}


def test_what_starts_several_is_killed_and_each_job_is_lost(place, requests):
    text = "def find_prctl():\n    os.kill(os.getpid(), 9)\n"
    for jid in requests.start(*[requests.job(requests.noting("run"))] * 2, launch=text):
        view = place.ended(jid)["async_job"]
        assert (view["state"], view["reason"]) == ("lost", "supervisor_killed")
    assert requests.noted() == []


def test_nothing_to_start_is_nothing_changed(requests):
    assert requests.ask() == {"changed": False, "jobs": []}


def test_a_request_leaves_no_descriptor_open_and_warns_of_nothing(place, requests):
    """ResourceWarning included."""
    jobs = [
        requests.job(Module(WELL), queue="q"),
        requests.job(Module(WELL), name="n"),
        requests.job(Module(WELL), Module(WELL), attempts=2),
    ]
    for jid in requests.start(*jobs, flags=("-W", "error")):
        assert place.ended(jid)["async_job"]["state"] == "succeeded"


def test_the_module_has_the_interpreter_of_a_module_and_prints_live(place, requests):
    gate = place.gate()
    text = """
        import site
        subprocess.Popen("echo one; echo two >&2", shell=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE).communicate()
        open({0!r}).readline()
        print(json.dumps(dict(name=__name__, argv=sys.argv, flags=sys.flags.no_site, cwd=os.getcwd())))
    """
    (jid,) = requests.start(requests.job(Module(text.format(gate.path))))
    place.printed(jid, "one")
    gate.open()
    found = place.ended(jid)
    assert (found["name"], found["argv"], found["flags"]) == ("__main__", [""], 0)
    assert found["cwd"] == os.path.realpath(str(place.root))


def test_settings_are_those_of_the_order(place, requests):
    options = {"grace": 3.0, "retention": 60.0, "output_limit": 65536, "idle_timeout": 30.0}
    (jid,) = requests.start(requests.job(Module(WELL), timeout=17.5, name="n", **options))
    record = place.record(jid)
    assert {key: record[key] for key in options} == options
    assert (record["name"], record["timeout"]) == ("n", 17.5)
    place.ended(jid)


# a start that fails


REFUSED = """
    _mkdir = os.mkdir
    def _refusing(name, *more, **options):
        if "0001." in str(name):
            raise OSError(28, os.strerror(28))
        return _mkdir(name, *more, **options)
    System.mkdir = staticmethod(_refusing)
"""


@pytest.mark.parametrize("queue", [None, "q"])
def test_one_that_cannot_be_started_is_told_and_the_others_run(place, requests, queue):
    gate = place.gate()
    options = {"queue": queue}
    jobs = [
        requests.job(Module(AT_GATE.format(gate.path)), **options),
        requests.job(requests.noting("never"), name="second", **options),
        requests.job(Module(WELL), **options),
    ]
    first, second, third = requests.ask(*jobs, faults=REFUSED)["jobs"]
    assert (second["failed"], second["changed"], second["name"]) == (True, False, "second")
    assert second["msg"].startswith(f"could not write the job to {place.async_dir}/")
    assert "(ENOSPC)" in second["msg"]
    assert "ansible_job_id" not in second
    gate.open()
    for job in (first, third):
        assert place.ended(job["ansible_job_id"])["async_job"]["state"] == "succeeded"
    assert requests.noted() == []


def test_a_queue_that_cannot_be_made_is_told_of_each_of_its_jobs(place, requests):
    faults = REFUSED.replace('"0001." in str(name)', 'str(name) == "queues"')
    jobs = [requests.job(Module(WELL), queue="q"), requests.job(Module(WELL))]
    jobs.append(requests.job(Module(WELL), queue="q"))
    answer = requests.ask(*jobs, faults=faults)["jobs"]
    assert [job.get("failed", False) for job in answer] == [True, False, True]
    assert "/.longrun/queues: No space left on device (ENOSPC)" in answer[0]["msg"]
    assert place.ended(answer[1]["ansible_job_id"])["said"] == "well"


def test_where_no_job_can_be_kept_that_is_the_answer(place, requests):
    faults = REFUSED.replace('"0001." in str(name)', 'str(name) == ".longrun"')
    answer = requests.ask(requests.job(Module(WELL), queue="q"), faults=faults)
    assert answer["failed"] is True
    assert answer["msg"].startswith(f"could not make {place.async_dir}/.longrun: ")


# queues


def test_of_twenty_jobs_three_run_at_once_in_their_order(place, requests):
    gate = place.gate()
    modules = []
    for number in range(20):
        begins = NOTE.format(str(requests.log), f"+{number}")
        waits = f"os.read(os.open({gate.path!r}, os.O_RDONLY), 1)\n"
        modules.append(Module(begins + waits + NOTE.format(str(requests.log), f"-{number}") + WELL))
    jobs = [requests.job(module, queue="q", max_running=3) for module in modules]
    answer = requests.ask(*jobs)["jobs"]
    assert [job["async_job"]["state"] for job in answer] == ["running"] * 3 + ["queued"] * 17
    assert {job["async_job"]["queue"] for job in answer} == {"q"}

    def begun():
        return [int(word[1:]) for word in requests.noted() if word[0] == "+"]

    for number in range(3, 20):
        place.until(lambda number=number: len(begun()) == number)
        gate.open("x")
        place.until(lambda number=number: len(begun()) > number)
    gate.open("xxx")
    for job in answer:
        assert place.ended(job["ansible_job_id"])["async_job"]["state"] == "succeeded"
    running = 0
    for word in requests.noted():
        running += 1 if word[0] == "+" else -1
        assert running <= 3, "more ran at once"
    assert sorted(begun()[:3]) == [0, 1, 2]
    assert begun()[3:] == list(range(3, 20))


def test_a_queued_job_tells_that_it_has_not_begun(place, requests, held):
    held(queue="q")
    (jid,) = requests.start(requests.job(Module(WELL), queue="q", timeout=5))
    view = place.view(jid)
    assert (view["state"], view["queue"], view["supervised"]) == ("queued", "q", True)
    assert (view["started_at"], view["elapsed"], view["remaining"]) == (None, None, None)
    assert view["created_at"] is not None
    assert place.record(jid)["process"] is None


def test_those_of_different_queues_do_not_wait_for_each_other(place, requests, held):
    held(queue="a")
    assert requests.result(requests.job(Module(WELL), queue="b"))["said"] == "well"
    assert requests.result(requests.job(Module(WELL)))["said"] == "well"


def test_the_time_limit_counts_from_the_beginning(place, requests, held):
    _first, gate = held(queue="q")
    begun = time.monotonic()
    (jid,) = requests.start(requests.job(Module(WELL), queue="q", timeout=3))
    place.until(lambda: time.monotonic() - begun > 3.2)
    assert requests.state(jid) == "queued"
    gate.open()
    assert place.ended(jid)["async_job"]["state"] == "succeeded"


def test_what_was_killed_frees_its_slot(place, requests, held):
    first, _gate = held(queue="q")
    second_gate = place.gate("second")
    second, third = requests.start(
        requests.job(Module(AT_GATE.format(second_gate.path)), queue="q"),
        requests.job(Module(WELL), queue="q"),
    )
    supervisor, module = place.supervisor(first), place.module(first)
    place.kill(supervisor)
    # its module goes on, and so does what the queue is for
    assert (requests.state(second), requests.state(third)) == ("queued", "queued")
    place.kill(module)
    second_gate.reached()
    assert (requests.state(second), requests.state(third)) == ("running", "queued")
    view = place.view(first)
    assert (view["state"], view["reason"]) == ("lost", "supervisor_killed")
    second_gate.open()
    assert place.ended(third)["said"] == "well"


def test_a_module_without_supervisor_keeps_its_slot_until_it_ends(place, requests, held):
    first, gate = held(queue="q")
    (second,) = requests.start(requests.job(Module(WELL), queue="q"))
    place.kill(place.supervisor(first))
    assert requests.state(second) == "queued"
    gate.open()
    assert place.ended(second)["said"] == "well"
    found = place.ended(first)
    assert (found["said"], found["async_job"]["recovered"]) == ("through", True)


def test_a_queued_job_whose_supervisor_is_killed_is_lost_and_the_queue_goes_on(
    place, requests, held
):
    _first, gate = held(queue="q")
    second, third = requests.start(
        requests.job(requests.noting("never"), queue="q"), requests.job(Module(WELL), queue="q")
    )
    place.kill(place.supervisor(second))
    found = place.status(second)
    view = found["async_job"]
    assert (found["failed"], found["finished"]) == (True, True)
    assert (view["state"], view["reason"], view["started_at"]) == (
        "lost",
        "supervisor_killed",
        None,
    )
    assert requests.state(third) == "queued"
    gate.open()
    assert place.ended(third)["said"] == "well"
    assert requests.noted() == []


def test_who_waits_for_a_queued_job_is_told_when_its_supervisor_is_killed(place, requests, held):
    held(queue="q")
    (jid,) = requests.start(requests.job(Module(WELL), queue="q"))

    class Killing(System):
        killed = False

        @staticmethod
        def flock_within(fd, operation, seconds):
            if not Killing.killed:
                Killing.killed = True
                place.kill(place.supervisor(jid))
            return System.flock_within(fd, operation, seconds)

    found = place.status(jid, system=Killing(), wait=SECONDS)
    assert Killing.killed
    assert found["async_job"]["state"] == "lost"


def test_a_queued_job_can_be_cancelled_and_the_queue_goes_on(place, requests, held):
    _first, gate = held(queue="q")
    second, third = requests.start(
        requests.job(requests.noting("never"), queue="q"), requests.job(Module(WELL), queue="q")
    )
    answer = requests.cancel(second)
    assert (answer["cancelled"], answer["jobs"][0]["state"]) == ([second], "cancelled")
    found = place.status(second)
    assert (found["failed"], found["msg"]) == (True, "the job was cancelled")
    view = found["async_job"]
    assert (view["reason"], view["started_at"], view["elapsed"]) == ("request", None, 0.0)
    assert requests.cancel(second)["cancelled"] == []
    assert requests.state(third) == "queued"
    gate.open()
    assert place.ended(third)["said"] == "well"
    assert requests.noted() == []


def test_what_a_job_leaves_running_keeps_nobody_waiting(place, requests):
    gate = place.gate()
    daemon = """
        if os.fork() == 0:
            os.setsid()
            os.close(1)
            os.close(2)
            open({0!r}).readline()
            os._exit(0)
    """
    (first,) = requests.start(
        requests.job(Module(textwrap.dedent(daemon).format(gate.path) + WELL), queue="q")
    )
    place.ended(first)
    gate.reached()
    assert requests.result(requests.job(Module(WELL), queue="q"))["said"] == "well"


def test_more_jobs_than_are_started_at_once_keep_their_order(place, requests):
    faults = """
        import resource
        _hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (164, _hard))
    """
    text = "print(json.dumps(dict(session=os.getsid(0))))"
    jobs = [requests.job(requests.noting(number, text), queue="q") for number in range(20)]
    jids = requests.start(*jobs, faults=faults)
    sessions = [place.ended(jid)["session"] for jid in jids]
    assert requests.noted() == [str(number) for number in range(20)]
    # the jobs of a go share a session: as many of them as descriptors allow
    assert [sessions.count(one) for one in sorted(set(sessions), key=sessions.index)] == [16, 4]


# names


def test_a_named_job_that_runs_is_attached_to(place, requests, held):
    jid, gate = held(name="backup")
    for how in ("attach", "restart_finished"):
        job = requests.job(requests.noting("never"), name="backup", if_exists=how)
        answer = requests.ask(job)
        (found,) = answer["jobs"]
        assert answer["changed"] is False
        assert (found["ansible_job_id"], found["attached"], found["changed"]) == (jid, True, False)
        assert found["async_job"]["state"] == "running"
        assert "differs" not in found
    gate.open()
    assert place.ended(jid)["said"] == "through"
    assert requests.noted() == []


@pytest.mark.parametrize("other, differs", [("b", True), ("a", False), (None, False)])
def test_other_arguments_than_those_of_the_job_are_told(requests, held, other, differs):
    held(name="backup", fingerprint="a")
    (found,) = requests.ask(requests.job(Module(WELL), name="backup", fingerprint=other))["jobs"]
    assert found.get("differs", False) is differs


def test_a_job_that_must_not_exist_is_an_error_and_nothing_is_started(place, requests, held):
    jid, _gate = held(name="backup")
    jobs = [
        requests.job(requests.noting("never")),
        requests.job(requests.noting("never"), name="other"),
        requests.job(requests.noting("never"), name="backup", if_exists="fail"),
    ]
    answer = requests.ask(*jobs)
    assert (answer["failed"], answer["existing"]) == (True, jid)
    assert answer["msg"].startswith(f"name: the job 'backup' exists: it is running, {jid}; ")
    assert [name for name in os.listdir(str(place.async_dir)) if name[0] == "j"] == [jid]


def test_a_job_that_runs_is_replaced(place, requests, held):
    jid, _gate = held(name="backup", grace=1.0)
    module = place.module(jid)
    (new,) = requests.start(requests.job(Module(WELL), name="backup", if_exists="replace"))
    assert new != jid
    assert place.view(jid)["state"] == "cancelled"
    place.gone(module)
    assert place.ended(new)["said"] == "well"


@pytest.mark.parametrize("how", IF_EXISTS)
def test_a_named_job_that_has_ended(place, requests, how):
    (jid,) = requests.start(requests.job(Module(FAIL), name="backup"))
    place.ended(jid)
    answer = requests.ask(requests.job(Module(WELL), name="backup", if_exists=how))
    if how == "fail":
        assert answer["msg"].startswith(f"name: the job 'backup' exists: it is failed, {jid}; ")
        return
    (found,) = answer["jobs"]
    assert found["attached"] is (how == "attach")
    assert (found["ansible_job_id"] == jid) is (how == "attach")
    if how == "attach":
        assert (found["finished"], found["failed"], found["msg"]) == (True, True, "it broke")
    else:
        assert place.ended(found["ansible_job_id"])["said"] == "well"


def test_a_named_job_that_is_lost_is_started_again(place, requests, held):
    jid, _gate = held(name="backup")
    supervisor, module = place.supervisor(jid), place.module(jid)
    place.kill(supervisor)
    place.kill(module)
    found = requests.result(requests.job(Module(WELL), name="backup"))
    assert (found["said"], found["ansible_job_id"] != jid) == ("well", True)


def test_a_name_is_attached_to_where_the_job_is_still_queued(requests, held):
    held(queue="q")
    (jid,) = requests.start(requests.job(Module(WELL), queue="q", name="second"))
    (found,) = requests.ask(requests.job(Module(WELL), queue="q", name="second"))["jobs"]
    assert (found["ansible_job_id"], found["async_job"]["state"]) == (jid, "queued")


def test_a_name_is_that_of_the_newest_job(place, requests, held):
    for _unused in range(2):
        place.ended(requests.start(requests.job(Module(WELL), name="backup"))[0])
    jid, _gate = held(name="backup")
    (found,) = requests.ask(requests.job(Module(WELL), name="backup"))["jobs"]
    assert found["ansible_job_id"] == jid
    (named,) = resolve_names(
        place.system, [{"name": "backup"}], str(place.async_dir), place.environ
    )
    assert named["results_file"] == str(place.async_dir / jid)


def test_several_who_start_a_name_at_once_start_it_once(place, requests):
    gate = place.gate()
    text = NOTE.format(str(requests.log), "ran") + AT_GATE.format(gate.path)
    # so long between the look and the start that without a lock they all saw none
    slow = """
        _newest_jobs = newest_jobs
        def newest_jobs(*given):
            import time
            found = _newest_jobs(*given)
            time.sleep(1)
            return found
    """
    jobs = [requests.job(Module(text), name="backup"), requests.job(Module(WELL))]
    starters = [requests.begin(*jobs, names=slow) for _unused in range(4)]
    answers = [requests.finish(starter) for starter in starters]
    named = [answer["jobs"][0] for answer in answers]
    assert len({job["ansible_job_id"] for job in named}) == 1
    assert sorted(job["changed"] for job in named) == [False, False, False, True]
    gate.open()
    assert place.ended(named[0]["ansible_job_id"])["said"] == "through"
    assert requests.noted() == ["ran"]
    for answer in answers:
        place.ended(answer["jobs"][1]["ansible_job_id"])


def test_of_several_names_those_that_run_are_attached_to_and_the_others_started(requests, held):
    jid, _gate = held(name="b")
    jobs = [requests.job(Module(WELL), name=name) for name in "abc"] + [requests.job(Module(WELL))]
    answer = requests.ask(*jobs)
    assert [job["attached"] for job in answer["jobs"]] == [False, True, False, False]
    assert [job["async_job"]["name"] for job in answer["jobs"]] == ["a", "b", "c", None]
    assert answer["jobs"][1]["ansible_job_id"] == jid


def test_names_that_another_has_locked_for_ever_are_an_error(place, requests):
    place.ended(requests.start(requests.job(Module(WELL), name="n"))[0])
    fd = os.open(str(place.async_dir / ".longrun" / "names.lock"), os.O_RDWR)
    System.flock(fd, 2)
    answer = requests.ask(requests.job(Module(WELL), name="n"), names="_NAMING_SECONDS = 0.1")
    os.close(fd)
    assert answer["msg"] == (
        f"another start of named jobs has held {place.async_dir}/.longrun/names.lock for 0.1 s"
    )


def test_up_to_where_lines_were_shown_before_comes_with_what_is_attached_to(place, requests, held):
    jid, _gate = held(name="n")
    (place.job_dir(jid) / "shown").write_text("12:3")
    assert requests.ask(requests.job(Module(WELL), name="n"))["jobs"][0]["shown"] == "12:3"


# attempts


def failing_until(requests, last):
    """A module that succeeds when it runs for the last time."""
    text = """
        count = len(open({0!r}).read().split())
        subprocess.Popen("echo attempt %d" % count, shell=True, stdout=subprocess.PIPE).communicate()
        print(json.dumps(dict(changed=True, failed=count < {1}, msg="attempt %d" % count)))
    """
    return requests.noting("ran", textwrap.dedent(text).format(str(requests.log), last))


def test_a_module_that_fails_is_run_again_until_it_succeeds(place, requests):
    found = requests.result(requests.job(failing_until(requests, 3), attempts=5))
    assert (found["failed"], found["msg"]) == (False, "attempt 3")
    view = found["async_job"]
    assert (view["state"], view["attempt"], view["attempts"]) == ("succeeded", 3, 5)
    assert requests.noted() == ["ran"] * 3
    assert view["output"]["stdout_tail"] == ["attempt 1", "attempt 2", "attempt 3"]


def test_after_the_last_attempt_its_failure_is_the_result(place, requests):
    found = requests.result(requests.job(failing_until(requests, 9), attempts=3))
    view = found["async_job"]
    assert (found["failed"], found["msg"]) == (True, "attempt 3")
    assert (view["state"], view["reason"], view["attempt"]) == ("failed", "exit", 3)
    assert requests.noted() == ["ran"] * 3


def test_the_pause_between_attempts_grows(place, requests):
    text = f"open({str(requests.log)!r}, 'a').write('%f\\n' % time.monotonic())\n" + FAIL
    options = {"attempts": 3, "retry_delay": 0.3, "retry_backoff": 3}
    requests.result(requests.job(Module(text), **options))
    first, second, third = map(float, requests.noted())
    assert second - first >= 0.3
    assert third - second >= 0.9


def test_a_module_that_is_killed_is_run_again(place, requests):
    text = "if len(open({!r}).read().split()) == 1: os.kill(os.getpid(), 9)\n"
    module = requests.noting("ran", text.format(str(requests.log)) + WELL)
    found = requests.result(requests.job(module, attempts=2))
    assert (found["said"], found["async_job"]["attempt"]) == ("well", 2)


def pausing(place, requests, **options):
    """A job between two attempts that are far from each other."""
    module = failing_until(requests, 2)
    (jid,) = requests.start(requests.job(module, attempts=2, retry_delay=1000, **options))
    place.until(lambda: requests.noted() == ["ran"])
    place.gone(place.module(jid))
    return jid


def test_between_two_attempts_a_job_runs_and_can_be_cancelled(place, requests):
    jid = pausing(place, requests)
    assert requests.state(jid) == "running"
    assert requests.cancel(jid)["cancelled"] == [jid]
    found = place.status(jid)
    assert (found["msg"], found["async_job"]["state"]) == ("the job was cancelled", "cancelled")
    assert found["async_job"]["attempt"] == 1
    assert found["stdout"] == "attempt 1\n"
    assert requests.noted() == ["ran"]


def test_the_time_limit_holds_between_attempts_and_for_all_of_them(place, requests):
    jid = pausing(place, requests, timeout=2)
    view = place.ended(jid)["async_job"]
    assert (view["state"], view["reason"], view["attempt"]) == ("timed_out", "deadline", 1)


def test_a_supervisor_that_is_killed_between_attempts_leaves_the_result_of_the_last(
    place, requests
):
    jid = pausing(place, requests)
    place.kill(place.supervisor(jid))
    found = place.ended(jid)
    assert (found["failed"], found["msg"]) == (True, "attempt 1")
    assert (found["async_job"]["state"], found["async_job"]["recovered"]) == ("failed", True)


def test_what_is_ended_for_its_time_is_not_run_again(place, requests):
    module = requests.noting("ran", "time.sleep(60)")
    view = requests.result(requests.job(module, attempts=3, idle_timeout=0.5, grace=1.0))[
        "async_job"
    ]
    assert (view["state"], view["reason"]) == ("timed_out", "idle")
    assert requests.noted() == ["ran"]


def test_a_retried_job_without_supervisor_tells_how_many_attempts_there_were(place, requests):
    gate = place.gate()
    text = "if len(open({!r}).read().split()) == 2: open({!r}).readline()\n" + FAIL
    module = requests.noting("ran", text.format(str(requests.log), gate.path))
    (jid,) = requests.start(requests.job(module, attempts=3))
    gate.reached()
    place.kill(place.supervisor(jid))
    assert requests.state(jid) == "running"
    gate.open()
    view = place.ended(jid)["async_job"]
    assert (view["state"], view["attempt"], view["recovered"]) == ("failed", 2, True)


# steps


def step(block, module, state="succeeded", reason="exit", name=None):
    return {"name": name, "block": block, "module": module, "state": state, "reason": reason}


def told(found):
    """The steps of a result, each with what its module said, or why it was ended."""
    return [
        (one["block"], one["state"], one["result"].get("said") or one["result"].get("msg"))
        for one in found["steps"]
    ]


def test_steps_run_one_after_another_and_each_has_its_result(place, requests):
    text = "print(json.dumps(dict(changed={}, said={!r}, log=open({!r}).read().split())))"
    steps = [
        Module(
            NOTE.format(str(requests.log), word)
            + text.format(word == "b", word, str(requests.log)),
            module="t.t." + word,
            name=name,
        )
        for word, name in (("a", "First"), ("b", None))
    ]
    found = requests.result(requests.job(*steps))
    first, second = found["steps"]
    assert (first["result"]["log"], second["result"]["log"]) == (["a"], ["a", "b"])
    assert {key: first[key] for key in first if key != "result"} == step(
        "steps", "t.t.a", name="First"
    )
    assert (found["changed"], found["failed"]) == (True, False)
    view = found["async_job"]
    assert view["steps"] == [step("steps", "t.t.a", name="First"), step("steps", "t.t.b")]
    assert (view["state"], view["module"]) == ("succeeded", None)


def test_one_step_that_is_a_chain_has_the_result_of_one(requests):
    found = requests.result(requests.job(Module(WELL), chained=True))
    assert told(found) == [("steps", "succeeded", "well")]


def test_the_first_failure_ends_the_steps(requests):
    found = requests.result(requests.job(Module(WELL), Module(FAIL), requests.noting("never")))
    assert told(found) == [("steps", "succeeded", "well"), ("steps", "failed", "it broke")]
    assert (found["failed"], found["changed"]) == (True, True)
    assert found["msg"] == "steps: longrun.test.demo: it broke"
    assert (found["async_job"]["state"], found["async_job"]["reason"]) == ("failed", "exit")
    assert requests.noted() == []


def test_what_rescues_makes_the_job_succeed_and_what_is_always_run_is(requests):
    job = requests.job(
        Module(FAIL, name="Cut"), rescue=[Module(WELL)], always=[requests.noting("always")]
    )
    found = requests.result(job)
    assert told(found) == [
        ("steps", "failed", "it broke"),
        ("rescue", "succeeded", "well"),
        ("always", "succeeded", "well"),
    ]
    assert (found["failed"], found["async_job"]["state"]) == (False, "succeeded")
    assert found["msg"] == "rescued from: steps: Cut: it broke"
    assert requests.noted() == ["always"]


def test_without_a_failure_nothing_rescues(requests):
    job = requests.job(Module(WELL), rescue=[requests.noting("never")], always=[Module(WELL)])
    assert [block for block, _state, _said in told(requests.result(job))] == ["steps", "always"]
    assert requests.noted() == []


def test_a_rescue_that_fails_is_a_failure_and_what_is_always_run_is(requests):
    job = requests.job(Module(FAIL), rescue=[Module(FAIL)], always=[Module(WELL)])
    found = requests.result(job)
    assert (found["failed"], found["async_job"]["state"]) == (True, "failed")
    assert [one[:2] for one in told(found)] == [
        ("steps", "failed"), ("rescue", "failed"), ("always", "succeeded")
    ]  # fmt: skip


def test_a_step_that_is_killed_is_a_failure_of_the_steps(requests):
    killed = Module("os.kill(os.getpid(), 9)")
    found = requests.result(requests.job(killed, Module(WELL), always=[Module(WELL)]))
    assert [one["state"] for one in found["steps"]] == ["failed", "succeeded"]
    assert found["async_job"]["state"] == "failed"


def test_an_attempt_begins_with_the_first_step_and_only_the_last_is_told(requests):
    job = requests.job(
        requests.noting("first"), failing_until(requests, 4), attempts=3, always=[Module(WELL)]
    )
    found = requests.result(job)
    assert requests.noted() == ["first", "ran", "first", "ran"]
    assert told(found) == [
        ("steps", "succeeded", "well"), ("steps", "succeeded", "attempt 4"), ("always", "succeeded", "well")
    ]  # fmt: skip
    assert (found["async_job"]["attempt"], len(found["async_job"]["steps"])) == (2, 3)


def in_second_step(place, requests, changed=None, **options):
    """A job that waits in the second of three steps; its gate. changed: text behind that of parts of the library."""
    gate = place.gate()
    steps = [Module(WELL), Module(AT_GATE.format(gate.path)), requests.noting("third")]
    (jid,) = requests.start(requests.job(*steps, **options), **(changed or {}))
    gate.reached()
    return jid, gate


def test_while_it_runs_the_steps_that_have_ended_are_shown(place, requests):
    jid, gate = in_second_step(place, requests)
    view = place.view(jid)
    assert (view["state"], view["steps"]) == ("running", [step("steps", "longrun.test.demo")])
    assert place.record(jid)["step"]["number"] == 1
    gate.open()
    assert len(place.ended(jid)["async_job"]["steps"]) == 3


def test_at_its_deadline_what_is_always_run_is_run_and_nothing_else(place, requests):
    always = requests.noting("always")
    jid, _gate = in_second_step(
        place, requests, timeout=3, rescue=[requests.noting("rescue")], always=[always]
    )
    found = place.ended(jid)
    assert told(found) == [
        ("steps", "succeeded", "well"),
        ("steps", "timed_out", "Timeout exceeded"),
        ("always", "succeeded", "well"),
    ]
    assert (found["failed"], found["changed"], found["msg"]) == (True, True, "Timeout exceeded")
    assert (found["async_job"]["state"], found["async_job"]["reason"]) == ("timed_out", "deadline")
    assert requests.noted() == ["always"]


def test_when_it_is_cancelled_what_is_always_run_is_run_and_nothing_else(place, requests):
    jid, _gate = in_second_step(place, requests, always=[requests.noting("always")])
    module = place.module(jid)
    assert requests.cancel(jid)["cancelled"] == [jid]
    found = place.status(jid)
    assert told(found)[1:] == [
        ("steps", "cancelled", "the job was cancelled"), ("always", "succeeded", "well")
    ]  # fmt: skip
    assert (found["failed"], found["async_job"]["state"]) == (True, "cancelled")
    assert requests.noted() == ["always"]
    place.gone(module)


def test_what_is_always_run_has_its_time_too(place, requests):
    always = [requests.noting("always", "time.sleep(60)"), requests.noting("never")]
    jid, _gate = in_second_step(
        place, requests, {"record": "_ALWAYS_SECONDS = 0.5"}, grace=1.0, always=always
    )
    assert requests.cancel(jid)["cancelled"] == [jid]
    found = place.status(jid)
    assert [one["state"] for one in found["steps"]] == ["succeeded", "cancelled", "timed_out"]
    assert found["async_job"]["state"] == "cancelled"
    assert requests.noted() == ["always"]
    place.all_gone()


def test_supervisor_and_step_killed_the_job_is_lost_with_the_steps_so_far(place, requests):
    jid, _gate = in_second_step(place, requests, always=[requests.noting("always")])
    supervisor, module = place.supervisor(jid), place.module(jid)
    place.kill(supervisor)
    assert requests.state(jid) == "running"
    place.kill(module)
    found = place.ended(jid)
    assert told(found) == [("steps", "succeeded", "well")]
    assert (found["failed"], found["changed"]) == (True, True)
    view = found["async_job"]
    assert (view["state"], view["reason"]) == ("lost", "supervisor_killed")
    assert found["msg"].startswith("the job is lost: ")
    assert requests.noted() == []


def test_a_step_that_ends_without_a_supervisor_is_told_and_what_came_next_is_lost(place, requests):
    jid, gate = in_second_step(place, requests)
    place.kill(place.supervisor(jid))
    gate.open()
    found = place.ended(jid)
    assert told(found) == [("steps", "succeeded", "well"), ("steps", "succeeded", "through")]
    assert (found["failed"], found["async_job"]["state"]) == (True, "lost")
    assert requests.noted() == []


def test_a_chain_without_supervisor_is_ended_at_its_deadline(place, requests):
    jid, _gate = in_second_step(place, requests, timeout=3)
    module = place.module(jid)
    place.kill(place.supervisor(jid))
    view = place.ended(jid)["async_job"]
    assert (view["state"], view["reason"]) == ("timed_out", "deadline")
    place.gone(module)


def test_steps_wait_for_their_turn_as_one_job(place, requests, held):
    first, gate = held(queue="q")
    (jid,) = requests.start(requests.job(Module(WELL), Module(WELL), queue="q"))
    assert place.view(jid)["steps"] == []
    gate.open()
    assert len(place.ended(jid)["steps"]) == 2


def test_a_step_that_is_refused_a_process_fails_the_job_with_the_steps_so_far(place, requests):
    faults = """
        _fork, _forks = os.fork, [0]
        def _refusing():
            _forks[0] += 1
            # two on the way to the supervisor, the module, its result, and the second module
            if _forks[0] == 5:
                raise OSError(11, os.strerror(11))
            return _fork()
        System.fork = staticmethod(_refusing)
    """
    found = requests.result(requests.job(Module(WELL), requests.noting("never")), faults=faults)
    assert told(found) == [("steps", "succeeded", "well")]
    assert found["msg"] == (
        f"the job could not continue: could not start a module of {found['ansible_job_id']}: "
        "Resource temporarily unavailable (EAGAIN)"
    )
    assert found["async_job"]["reason"] == "not_started"
    assert requests.noted() == []


def test_a_step_whose_result_cannot_be_written_fails_the_job_and_is_told_so(place, requests):
    faults = """
        _write = os.write
        def _refusing(fd, data):
            if b"KEPT NOWHERE" in bytes(data) and b"attempt" in bytes(data):
                _write(fd, bytes(data)[:20])
                raise OSError(28, os.strerror(28))
            return _write(fd, data)
        System.write = staticmethod(_refusing)
    """
    lost = Module("print(json.dumps(dict(said='KEPT NOWHERE')))")
    job = requests.job(Module(WELL), lost, requests.noting("never"), always=[Module(WELL)])
    found = requests.result(job, faults=faults)
    assert told(found) == [("steps", "succeeded", "well"), ("always", "succeeded", "well")]
    assert found["msg"] == "a step came to its end, but its result could not be written"
    assert (found["failed"], found["async_job"]["state"]) == (True, "failed")
    states = [one["state"] for one in found["async_job"]["steps"]]
    assert states == ["succeeded", "failed", "succeeded"]
    assert requests.noted() == []


# what a module has


ENVIRONMENT = "print(json.dumps(dict(said={name: os.environ.get(name) for name in ('A', 'B', 'C', 'ANSIBLE_ASYNC_PROGRESS')})))"


def test_variables_of_a_step_go_before_those_of_the_job_and_those_before_the_tasks(place, requests):
    module = Module(ENVIRONMENT, environ={"A": "step"})
    job = requests.job(module, environ={"A": "job", "B": "job"})
    found = requests.result(job, environ={"A": "task", "B": "task", "C": "task"})["said"]
    assert found.pop("ANSIBLE_ASYNC_PROGRESS").startswith(str(place.async_dir))
    assert found == {"A": "step", "B": "job", "C": "task"}


def test_what_one_job_has_another_has_not(requests, place):
    jobs = [requests.job(Module(ENVIRONMENT), environ={name: "1"}) for name in "AB"]
    found = [place.ended(jid)["said"] for jid in requests.start(*jobs)]
    assert [(one["A"], one["B"]) for one in found] == [("1", None), (None, "1")]


def test_a_job_is_as_nice_as_it_is_asked_to_be_and_its_supervisor_is_not(place, requests):
    here = os.getpriority(os.PRIO_PROCESS, 0)
    nice = min(19, here + 7)
    gate = place.gate()
    text = AT_GATE.format(gate.path).replace("'through'", "os.getpriority(os.PRIO_PROCESS, 0)")
    (jid,) = requests.start(requests.job(Module(text), nice=nice))
    gate.reached()
    assert os.getpriority(os.PRIO_PROCESS, place.supervisor(jid)[0]) == here
    gate.open()
    assert place.ended(jid)["said"] == nice


def test_what_the_host_refuses_to_all_jobs_is_known_before_any_is_started(place, requests):
    refuse = """
        def set_priority(priority):
            raise PermissionError(1, "Operation not permitted")
    """
    jobs = [requests.job(requests.noting("never")), requests.job(Module(WELL), nice=-5)]
    answer = requests.ask(*jobs, priority=refuse)
    assert (answer["failed"], answer["option"]) == (True, "nice")
    assert answer["msg"].startswith("nice: could not set it for jobs of ")
    assert not place.async_dir.exists()


def test_a_scope_where_there_is_no_systemd_is_refused_before_any_job_is_started(place, requests):
    jobs = [requests.job(requests.noting("never")), requests.job(Module(WELL), scope=True)]
    answer = requests.ask(*jobs, scope="_RUNTIME = '/nonexistent'")
    assert (
        answer["msg"] == "scope: systemd does not run on this host; leave out scope"
    ) and answer["failed"]
    assert not place.async_dir.exists()


def test_secrets_are_on_no_disk(place, requests):
    gate = place.gate()
    text = """
        secret = "hunter" + "seventeen"
        "HIDDEN ARGUMENT"
        subprocess.Popen("echo " + secret, shell=True, stdout=subprocess.PIPE).communicate()
        open(os.environ["ANSIBLE_ASYNC_PROGRESS"], "a").write("45 " + secret)
        open({0!r}).readline()
        print(json.dumps(dict(said="well")))
    """
    module = Module(text.format(gate.path), environ={"TOKEN": "hunterseventeen"})
    job = requests.job(module, no_log=True, environ={"OTHER": "hunterseventeen"})
    (jid,) = requests.start(job)
    gate.reached()
    for secret in ("hunterseventeen", "HIDDEN ARGUMENT"):
        assert place.text_on_disk(secret) == []
    assert place.view(jid)["output"]["stdout_tail"] == []
    gate.open()
    assert place.ended(jid)["said"] == "well"
    assert place.text_on_disk("hunterseventeen") == []


def test_a_python_module_and_its_arguments_are_on_no_disk_without_no_log_either(place, requests):
    gate = place.gate()
    (jid,) = requests.start(
        requests.job(Module("'HIDDEN ARGUMENT'\n" + AT_GATE.format(gate.path), args=None))
    )
    gate.reached()
    assert place.text_on_disk("HIDDEN ARGUMENT") == []
    gate.open()
    place.ended(jid)


# modules in other languages


SHELL = """\
#!/bin/sh
echo said by the module >&2
read line < {gate}
printf '{{"changed": true, "said": "%s", "given": %s}}' "$0" "$(cat "$1")"
"""


@pytest.mark.parametrize(
    "style, shebang", [("non_native_want_json", "#!/bin/sh"), ("binary", None)]
)
def test_a_module_that_is_no_python_is_run_from_files_that_go_with_it(
    place, requests, style, shebang
):
    gate = place.gate()
    module = Module(SHELL.format(gate=gate.path), style, shebang, args='{"hunter2": "argument"}')
    (jid,) = requests.start(requests.job(module))
    gate.reached()
    files = {name for name in os.listdir(str(place.job_dir(jid))) if name[0] in "ap"}
    assert files >= {"arguments", "payload"}
    for name, mode in (("arguments", 0o600), ("payload", 0o700)):
        assert os.stat(str(place.job_dir(jid) / name)).st_mode & 0o777 == mode
    gate.open()
    found = place.ended(jid)
    assert found["said"] == str(place.job_dir(jid) / "payload")
    assert found["given"] == {"hunter2": "argument"}
    assert found["async_job"]["output"]["stderr_tail"] == ["said by the module"]
    place.all_gone()
    assert place.text_on_disk("hunter2") == [
        os.path.join("async", jid)
    ], "only in the module's own result"
    assert not {"arguments", "payload"} & set(os.listdir(str(place.job_dir(jid))))


def test_steps_of_several_kinds_do_not_find_each_others_files(place, requests):
    shell = '#!/bin/sh\nprintf \'{"said": "%s"}\' "$(cat "$1")"'
    steps = [
        Module(shell, "old", "#!/bin/sh", args="one"),
        Module(f"print(json.dumps(dict(said=os.listdir({str(place.async_dir)!r}))))"),
        Module(shell, "old", "#!/bin/sh", args="two"),
    ]
    found = requests.result(requests.job(*steps))
    assert [found["steps"][number]["result"]["said"] for number in (0, 2)] == ["one", "two"]


def test_a_python_module_for_another_interpreter_is_run_by_that(place, requests):
    other = place.script(f'OTHER=yes exec {sys.executable} "$@"', "python9")
    text = "print(json.dumps(dict(said=os.environ.get('OTHER'), file=__file__)))"
    (jid,) = requests.start(requests.job(Module(text, shebang=f"#!{other}")))
    found = place.ended(jid)
    assert (found["said"], found["file"]) == ("yes", str(place.job_dir(jid) / "payload"))
    place.all_gone()
    assert "payload" not in os.listdir(str(place.job_dir(jid)))


def test_an_interpreter_that_there_is_not_is_the_result(place, requests):
    found = requests.result(requests.job(Module(WELL, shebang="#!/no/python9")))
    assert found["failed"] is True
    assert "/no/python9" in json.dumps(found)


def test_a_module_that_hangs_on_a_signal_is_ended_with_its_tree(place, requests, held):
    jid, _gate = held(timeout=60, grace=1.0)
    module = place.module(jid)
    place.kill(module, signal.SIGSTOP)
    requests.cancel(jid)
    place.gone(module)
    assert place.view(jid)["state"] == "cancelled"
