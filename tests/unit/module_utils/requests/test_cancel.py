# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The end of jobs on request. All processes are real."""

import json
import os
import signal
import subprocess
import sys

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.errors import JobError
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.requests import cancel
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.requests.cancel import (
    CANCEL_OPTIONS,
    answer_cancel,
    signal_number,
)
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system.kernel import (
    System,
    process_start,
)

# a tree of three: one in the job's group, one in a session of its own, one that has detached itself twice
FAMILY = """
    detach = "import os, time; os.fork() and os._exit(0); os.setsid(); os.fork() and os._exit(0); "
    detach += "open({root!r} + '/detached', 'w').write('%d\\\\n' % os.getpid()); time.sleep(300)"
    subprocess.Popen([sys.executable, "-c", detach]).wait()
    subprocess.Popen(["setsid", "sh", "-c", "echo $$ > {root}/session; exec sleep 300"])
    process = subprocess.Popen("echo $$ > {root}/group; echo begun; exec sleep 300", shell=True, stdout=subprocess.PIPE)
    process.communicate()
"""
# core's wrapper: a process that watches, one that runs the module, the module with a command of its own
CORE_WRAPPER = """
import os, subprocess, sys, time
if os.fork():
    os.wait()
    os._exit(0)
subprocess.Popen([sys.executable, "-c", sys.argv[-1], "async_wrapper.py-is-not-my-name"]).wait()
time.sleep(300)
"""
CORE_MODULE = """
import subprocess
subprocess.Popen(["sh", "-c", "trap '' TERM; echo $$ > {root}/stubborn; while :; do sleep 1; done"])
subprocess.Popen(["sh", "-c", "echo $$ > {root}/obedient; exec sleep 300"]).wait()
"""


def ask(place, check_mode=False, system=None, **options):
    params = {name: option.get("default") for name, option in CANCEL_OPTIONS.items()}
    params.update({"async_dir": str(place.async_dir)}, **options)
    return answer_cancel(system or place.system, params, place.environ, check_mode)


@pytest.fixture
def family(place):
    """A running job and its three processes."""
    jid = place.start(place.ansiballz(FAMILY.format(root=str(place.root))))
    return jid, [place.noted(name) for name in ("detached", "session", "group")]


@pytest.fixture
def start_sleeper(place):
    """Start a job that sleeps, under a name."""

    def start(name="", grace="10"):
        text = "subprocess.Popen('echo begun; exec sleep 300', shell=True, stdout=subprocess.PIPE).communicate()"
        environ = {"ANSIBLE_ASYNC_NAME": name, "ANSIBLE_ASYNC_GRACE": grace}
        jid = place.start(place.ansiballz(text), environ=environ)
        place.printed(jid, "begun")
        return jid

    return start


def test_every_process_of_a_cancelled_job_ends_and_its_output_stays(place, family):
    jid, processes = family
    place.printed(jid, "begun")
    found = ask(place, jids=[jid])
    assert (found["changed"], found["cancelled"], found["signalled"]) == (True, [jid], [])
    (view,) = found["jobs"]
    assert (view["state"], view["reason"]) == ("cancelled", "request")
    assert view["output"]["stdout_tail"] == ["begun"]
    assert not any(place.alive(*process) for process in processes)
    place.all_gone()
    status = place.status(jid)
    assert (status["failed"], status["msg"], status["stdout"]) == (
        True,
        "the job was cancelled",
        "begun\n",
    )


def test_check_mode_tells_what_would_be_and_a_second_run_changes_nothing(place, start_sleeper):
    jid = start_sleeper()
    checks = [ask(place, True, jids=[jid]) for _unused in range(2)]
    for check in checks:
        assert (check["changed"], check["cancelled"]) == (True, [jid])
        assert check["jobs"][0]["state"] == "running"
    assert place.view(jid)["state"] == "running"
    real = ask(place, jids=[jid])
    assert real["diff"] == checks[0]["diff"]
    assert real["diff"] == {"before": jid + " running\n", "after": jid + " cancelled\n"}
    for check_mode in (True, False):
        again = ask(place, check_mode, jids=[jid])
        assert (again["changed"], again["cancelled"]) == (False, [])
        assert again["jobs"][0]["state"] == "cancelled"
        assert again["diff"]["before"] == again["diff"]["after"]


def test_a_job_that_ended_by_itself_is_left_as_it_is(place):
    jid = place.result(place.ansiballz("print('{\"changed\": true}')"))["ansible_job_id"]
    before = (place.async_dir / jid).read_bytes()
    found = ask(place, jids=[jid])
    assert (found["changed"], found["jobs"][0]["state"]) == (False, "succeeded")
    assert (place.async_dir / jid).read_bytes() == before


def test_a_job_that_ends_by_itself_just_before_was_not_cancelled(place):
    gate = place.gate()
    jid = place.start(place.ansiballz(f"open({gate.path!r}).readline()\nprint('{{}}')"))
    gate.reached()

    class Late(System):
        """The job ends between our look and our signal."""

        @staticmethod
        def kill(pid, start, number):
            gate.open()
            place.until(lambda: process_start(pid) is None)
            return System.kill(pid, start, number)

    found = ask(place, system=Late(), jids=[jid])
    assert (found["changed"], found["cancelled"]) == (False, [])
    assert found["jobs"][0]["state"] == "succeeded"


def test_who_ignores_sigterm_is_killed_after_the_grace_that_was_asked_for(place):
    text = """
        process = subprocess.Popen("trap '' TERM; echo begun; while :; do sleep 0.1; done", shell=True, stdout=subprocess.PIPE)
        signal_module = __import__("signal")
        signal_module.signal(signal_module.SIGTERM, signal_module.SIG_IGN)
        process.communicate()
    """
    jid = place.start(place.ansiballz(text), environ={"ANSIBLE_ASYNC_GRACE": "300"})
    place.printed(jid, "begun")
    begin = System.monotonic()
    found = ask(place, jids=[jid], grace="1s")
    assert 1 <= System.monotonic() - begin < 20
    assert found["jobs"][0]["state"] == "cancelled"
    place.all_gone()


def test_many_jobs_end_at_the_same_time(place):
    text = """
        import signal
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        open({0!r}, "w").write("%d\\n" % os.getpid())
        time.sleep(300)
    """
    jids = []
    for number in range(4):
        path = place.root / f"stubborn{number}"
        jids.append(place.start(place.ansiballz(text.format(str(path)))))
        place.noted(path.name)
    begin = System.monotonic()
    assert ask(place, jids=jids, grace="2s")["cancelled"] == jids
    assert 2 <= System.monotonic() - begin < 7


def test_a_job_is_named_once_however_often_it_was_given(place, start_sleeper):
    jid = start_sleeper()
    found = ask(place, jids=[jid, jid], results_files=[str(place.async_dir / jid)])
    assert (found["cancelled"], len(found["jobs"])) == ([jid], 1)


def test_jobs_are_named_by_what_they_are_and_only_those_that_run(place, start_sleeper):
    one, two, other = start_sleeper("up-one"), start_sleeper("up-two"), start_sleeper()
    place.result(place.ansiballz("print('{}')"), environ={"ANSIBLE_ASYNC_NAME": "up-over"})
    assert sorted(ask(place, True, name="up-*")["cancelled"]) == sorted([one, two])
    assert ask(place, name="up-t*")["cancelled"] == [two]
    assert ask(place, name="up-*")["cancelled"] == [one]
    assert ask(place, name="up-*")["jobs"] == []
    assert ask(place, name="*")["cancelled"] == []
    assert place.view(other)["state"] == "running"
    assert ask(place, older_than="1h")["cancelled"] == []
    assert ask(place, state=["running"], newer_than="1h")["cancelled"] == [other]


def test_without_an_async_dir_there_is_nothing_to_cancel(place):
    assert ask(place, state=["running"])["changed"] is False


@pytest.mark.parametrize(
    "options, said",
    [
        ({}, "no job is named: give jids, results_files, or at least one of state, name,"),
        ({"state": []}, "no job is named"),
        ({"name": ""}, "name: '' names nothing"),
        ({"jids": ["j1.2"], "name": "x"}, "name: select jobs by jids or results_files, or"),
        ({"jids": [], "state": ["running"]}, "state: select jobs by jids or results_files"),
        ({"jids": ["../x"]}, "jid: '../x' is not a job id"),
        ({"results_files": ["j1.2"]}, "results_file: 'j1.2' is not an absolute path"),
        ({"jids": ["j1.2"], "grace": "soon"}, "grace: 'soon' is not a valid duration"),
        ({"jids": ["j1.2"], "signal": "FOO"}, "signal: 'FOO' is not a valid signal"),
        ({"jids": ["j1.2"], "signal": "0"}, "signal: '0' is not a valid signal"),
        ({"jids": ["j1.2"], "signal": "HUP", "grace": "1"}, "grace: means nothing with signal"),
        ({"jids": ["j1.2"]}, "could not find job j1.2"),
    ],
)
def test_what_is_no_good_is_refused_by_name(place, options, said):
    place.async_dir.mkdir(mode=0o700)
    with pytest.raises(JobError) as caught:
        ask(place, **options)
    assert caught.value.message.startswith(said)


def test_if_one_job_is_not_found_none_is_touched(place, start_sleeper):
    jid = start_sleeper()
    with pytest.raises(JobError, match="could not find job j9.9"):
        ask(place, jids=[jid, "j9.9"])
    assert place.view(jid)["state"] == "running"


def test_no_job_by_an_empty_list_is_no_error(place):
    assert ask(place, jids=[])["changed"] is False


def test_a_job_without_supervisor_is_ended_with_all_its_processes(place, family):
    jid, processes = family
    place.kill(place.supervisor(jid))
    assert place.view(jid)["supervised"] is False
    begin = System.monotonic()
    found = ask(place, jids=[jid], grace="5s")
    assert System.monotonic() - begin < 10
    assert found["cancelled"] == [jid]
    assert (found["jobs"][0]["state"], found["jobs"][0]["reason"]) == ("cancelled", "request")
    assert not any(place.alive(*process) for process in processes)
    assert place.record(jid)["state"] == "cancelled"


def test_a_supervisor_that_is_killed_while_it_ends_the_job_is_stood_in_for(
    place, family, monkeypatch
):
    jid, processes = family
    monkeypatch.setattr(cancel, "_END_SECONDS", 0.5)
    supervisor = place.supervisor(jid)

    class Killing(System):
        @staticmethod
        def kill(pid, start, number):
            if pid == supervisor[0]:
                number = signal.SIGKILL
            return System.kill(pid, start, number)

    found = ask(place, system=Killing(), jids=[jid], grace="1s")
    assert (found["cancelled"], found["jobs"][0]["state"]) == ([jid], "cancelled")
    assert not any(place.alive(*process) for process in processes)


def test_without_supervisor_what_ignores_sigterm_and_has_no_mark_is_killed_too(place):
    """Its parent ends by SIGTERM, and nothing but that it was seen before tells whose it is."""
    text = """
        stubborn = "trap '' TERM; echo $$ > {0}; while :; do sleep 0.1; done"
        subprocess.Popen(["env", "-i", "PATH=" + os.environ["PATH"], "sh", "-c", stubborn]).wait()
    """
    jid = place.start(place.ansiballz(text.format(place.root / "stubborn")))
    stubborn = place.noted("stubborn")
    place.kill(place.supervisor(jid))
    assert ask(place, jids=[jid], grace="1s")["cancelled"] == [jid]
    assert not place.alive(*stubborn)


def test_a_stopped_supervisor_is_woken_and_a_stopped_process_too(place, family):
    jid, processes = family
    for process in processes:
        place.kill(process, signal.SIGSTOP)
    place.kill(place.supervisor(jid), signal.SIGSTOP)
    begin = System.monotonic()
    found = ask(place, jids=[jid])
    assert System.monotonic() - begin < 8  # its grace is 10 seconds: nobody had to be killed
    assert found["cancelled"] == [jid]
    assert not any(place.alive(*process) for process in processes)


def test_a_supervisor_that_does_not_answer_is_an_error_and_does_not_keep_the_others(
    place, start_sleeper, monkeypatch
):
    monkeypatch.setattr(cancel, "_END_SECONDS", 0.5)
    deaf, other = start_sleeper(), start_sleeper()
    deaf_supervisor = place.supervisor(deaf)

    class Deaf(System):
        @staticmethod
        def kill(pid, start, number):
            return True if pid == deaf_supervisor[0] else System.kill(pid, start, number)

    found = ask(place, system=Deaf(), jids=[deaf, other], grace="0.1")
    assert (found["failed"], found["cancelled"]) == (True, [other])
    assert found["msg"] == f"job {deaf} was asked to end and has not ended"
    assert [view["state"] for view in found["jobs"]] == ["running", "cancelled"]


def test_who_may_not_signal_is_told_so(place, start_sleeper, faulty_system):
    jid = start_sleeper()
    found = ask(place, system=faulty_system(kill="EPERM"), jids=[jid])
    assert (found["failed"], found["changed"]) == (True, False)
    assert found["msg"].startswith(f"could not cancel {place.async_dir}/{jid}")
    assert "EPERM" in found["msg"]


def test_on_a_full_disk_a_job_ends_with_its_own_grace_and_a_warning(
    place, start_sleeper, faulty_system
):
    jid = start_sleeper(grace="7")
    full = faulty_system(write=("ENOSPC", lambda _fd, data: bytes(data).startswith(b'{"grace"')))
    found = ask(place, system=full, jids=[jid], grace="1s")
    assert found["cancelled"] == [jid]
    (warning,) = found["warnings"]
    assert warning.startswith(f"job {jid} ends with its own grace of 7 s: ")
    assert "ENOSPC" in warning


def test_what_cannot_be_read_is_told_of_and_left_alone(place, start_sleeper):
    jid = start_sleeper()
    os.mkfifo(str(place.async_dir / "j5.5"))
    found = ask(place, state=["running"])
    assert found["cancelled"] == [jid]
    assert [said["id"] for said in found["unreadable"]] == ["j5.5"]


def test_a_thousand_jobs_are_cancelled_with_few_descriptors(place):
    place.async_dir.mkdir(mode=0o700)
    for number in range(1000):
        (place.async_dir / f"j8{number}.1").write_text('{"rc": 0}')
    jids = [f"j8{number}.1" for number in range(1000)]
    before = len(os.listdir("/proc/self/fd"))
    highest = []

    class Watching(System):
        @staticmethod
        def open(*args, **options):
            highest.append(os.open(*args, **options))
            return highest[-1]

    assert len(ask(place, system=Watching(), jids=jids)["jobs"]) == 1000
    assert len(os.listdir("/proc/self/fd")) == before
    assert max(highest) < before + 20


# signals


@pytest.mark.parametrize(
    "name, number",
    [("HUP", 1), ("SIGHUP", 1), ("hup", 1), ("1", 1), (" usr1 ", signal.SIGUSR1), ("KILL", 9)],
)
def test_a_signal_has_a_name_or_a_number(name, number):
    assert signal_number(name) == number


@pytest.fixture
def listening(place):
    """A job whose command handles USR1 while another does not, and one that waits behind the shell."""
    text = """
        subprocess.Popen("echo $$ > {root}/deaf; exec sleep 300", shell=True)
        script = "trap 'echo heard' USR1; echo begun; while :; do sleep 0.1; done"
        subprocess.Popen(script, shell=True, stdout=subprocess.PIPE).communicate()
    """
    jid = place.start(place.ansiballz(text.format(root=place.root)))
    place.printed(jid, "begun")
    return jid, place.noted("deaf")


def test_a_notice_goes_to_those_that_handle_it_and_ends_nobody(place, listening):
    jid, deaf = listening
    assert ask(place, True, jids=[jid], signal="USR1")["signalled"] == [jid]
    found = ask(place, jids=[jid], signal="USR1")
    assert (found["changed"], found["signalled"], found["cancelled"]) == (True, [jid], [])
    place.printed(jid, "heard")
    assert place.alive(*deaf)
    assert place.alive(*place.module(jid))
    assert place.view(jid)["state"] == "running"


def test_a_notice_that_nobody_handles_is_no_change(place, start_sleeper):
    jid = start_sleeper()
    for name in ("USR1", "USR2", "HUP"):
        found = ask(place, jids=[jid], signal=name)
        assert (found["changed"], found["signalled"]) == (False, [])
    assert place.view(jid)["state"] == "running"


def test_any_other_signal_goes_to_all_commands_and_not_to_the_module(place):
    text = """
        status = subprocess.Popen("echo begun; exec sleep 300", shell=True, stdout=subprocess.PIPE)
        status.communicate()
        print(json.dumps(dict(ended_by=-status.returncode)))
    """
    jid = place.start(place.ansiballz(text))
    place.printed(jid, "begun")
    assert ask(place, jids=[jid], signal="TERM")["signalled"] == [jid]
    found = place.ended(jid)
    assert (found["ended_by"], found["async_job"]["state"]) == (signal.SIGTERM, "succeeded")
    assert ask(place, jids=[jid], signal="TERM")["changed"] is False


# jobs of core's


@pytest.fixture
def core_job(place):
    """A job as core's wrapper runs it: jid and the processes that its module has started."""
    place.async_dir.mkdir(mode=0o700)
    program = place.task_dir() / "async_wrapper.py"
    program.write_text(CORE_WRAPPER)
    jid = f"{place.given}.34914"
    (place.async_dir / jid).write_text(json.dumps({"started": 1, "finished": 0}))
    module = CORE_MODULE.format(root=place.root)
    place.started = True  # what is left of it is ended with the test
    wrapper = subprocess.Popen(
        [sys.executable, str(program), place.given, "60", "/tmp/module", module],
        env=place.environ,
        start_new_session=True,
    )
    yield jid, [place.noted("stubborn"), place.noted("obedient")]
    wrapper.kill()
    wrapper.wait()


def test_a_job_of_cores_is_ended_with_what_is_below_its_wrapper(place, core_job):
    jid, processes = core_job
    check = ask(place, True, jids=[jid])
    assert (check["changed"], check["jobs"][0]["state"]) == (True, "running")
    found = ask(place, jids=[jid], grace="1s")
    assert found["cancelled"] == [jid]
    (view,) = found["jobs"]
    assert (view["state"], view["reason"]) == ("cancelled", "request")
    assert not any(place.alive(*process) for process in processes)
    assert place.until(lambda: [one for one in place.processes() if place.alive(*one)] == [])
    assert list(place.root.glob("ansible-tmp-*")) == []
    data = json.loads((place.async_dir / jid).read_text())
    assert (data["failed"], data["finished"], data["ansible_job_id"]) == (True, True, jid)
    assert data["msg"] == "the job was cancelled"
    again = ask(place, jids=[jid])
    assert (again["changed"], again["jobs"][0]["state"]) == (False, "cancelled")


def test_a_job_of_cores_that_ends_meanwhile_keeps_its_result(place, core_job):
    jid, _processes = core_job
    path = place.async_dir / jid

    class Late(System):
        @staticmethod
        def kill(pid, start, number):
            if number == signal.SIGKILL and "started" in path.read_text():
                path.write_text('{"rc": 0, "changed": true}')
            return System.kill(pid, start, number)

    found = ask(place, system=Late(), jids=[jid], grace="1s")
    assert (found["changed"], found["jobs"][0]["state"]) == (False, "succeeded")


def test_a_process_of_another_user_that_calls_itself_a_wrapper_is_left_alone(place, core_job):
    jid, processes = core_job
    text = "import sys; sys.stdin.readline()"
    words = [sys.executable, "-c", text, "async_wrapper.py", place.given]
    impostor = subprocess.Popen(words, stdin=subprocess.PIPE, env=place.environ)

    class Other(System):
        @staticmethod
        def stat(path, *args, **options):
            found = list(os.stat(path, *args, **options))
            if path == f"/proc/{impostor.pid}":
                found[4] = 54321
            return os.stat_result(found)

    try:
        assert ask(place, system=Other(), jids=[jid], grace="1s")["cancelled"] == [jid]
        assert not any(place.alive(*process) for process in processes)
        assert impostor.poll() is None
        # and it does not make a job that is over look as if it ran
        (place.async_dir / jid).write_text('{"started": 1, "finished": 0}')
        assert ask(place, system=Other(), jids=[jid])["jobs"][0]["state"] == "lost"
    finally:
        impostor.communicate(b"\n")


def test_of_another_users_job_no_directory_is_removed(place, core_job):
    jid, _processes = core_job

    class Root(System):
        @staticmethod
        def geteuid():
            return 54321

        @staticmethod
        def fstat(fd):
            found = list(os.fstat(fd))
            found[4] = 54321
            return os.stat_result(found)

    ask(place, system=Root(), jids=[jid], grace="1s")
    assert len(list(place.root.glob("ansible-tmp-*/async_wrapper.py"))) == 1


def test_a_signal_to_a_job_of_cores_goes_to_its_commands(place, core_job):
    jid, processes = core_job
    assert ask(place, jids=[jid], signal="INT")["signalled"] == [jid]
    place.until(lambda: not place.alive(*processes[1]) or place.alive(*processes[0]))
    assert (place.async_dir / jid).read_text() == json.dumps({"started": 1, "finished": 0})


def test_the_process_that_a_planted_record_names_is_signalled_only_if_it_is_that_users(place):
    """root cancels the job of another user, who names a process of root's. Other users have only jobs of their own."""
    gate = place.gate()
    jid = place.start(place.ansiballz(f"open({gate.path!r}).readline()"))
    gate.reached()
    bystander = subprocess.Popen(["sleep", "60"], env=place.environ)
    try:
        record = place.record(jid)
        record["supervisor"] = {"pid": bystander.pid, "start": process_start(bystander.pid)}
        (place.job_dir(jid) / "record.json").write_text(json.dumps(record))
        if os.geteuid() != 0:
            with place.job(jid) as job:
                assert job.foreign_owner() is None
            return
        private = place.async_dir / ".longrun"
        files = place.job_dir(jid).iterdir()
        for path in [place.async_dir, place.async_dir / jid, private, place.job_dir(jid), *files]:
            os.chown(str(path), 65534, 65534)
        found = ask(place, jids=[jid], grace="1s")
        assert "EPERM" in found["msg"]
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()
