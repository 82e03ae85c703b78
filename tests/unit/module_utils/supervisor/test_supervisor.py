# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the owner of a job does: limits, requests, ends. All processes are real."""

import json
import os
import re
import signal
import sys

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system.kernel import System

# a tree that holds on: its leaves left the session, the parent and the environment behind
STUBBORN = """
    import signal
    def leaf(name):
        pid = os.fork()
        if pid == 0:
            os.setsid()
            if os.fork() == 0:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                open(os.path.join({root!r}, name), "w").write("%d\\n" % os.getpid())
                os.execve("/bin/sleep", ["sleep", "300"], {{}})
            os._exit(0)
        os.waitpid(pid, 0)
    leaf("first")
    leaf("second")
    process = subprocess.Popen("echo out; echo err >&2; exec sleep 300", shell=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.communicate()
    print("{{}}")
"""


def stubborn(place):
    return place.ansiballz(STUBBORN.format(root=str(place.root)))


def assert_all_gone(place, processes):
    for process in processes:
        assert not place.alive(*process)
    for process in processes:
        place.gone(process)


@pytest.fixture
def escaped():
    """Processes without a mark of the place in their environment: ended here, whatever the test did."""
    processes = []
    yield processes
    for pid, start in processes:
        System.kill(pid, start, signal.SIGKILL)


def test_at_the_deadline_the_whole_tree_ends_and_the_output_is_kept(place, escaped):
    jid = place.start(stubborn(place), limit=1, environ={"ANSIBLE_ASYNC_GRACE": "0.3"})
    escaped += [place.noted("first"), place.noted("second")]
    module = place.module(jid)
    found = place.ended(jid)
    assert (found["failed"], found["msg"]) == (True, "Timeout exceeded")
    assert (found["stdout"], found["stderr"]) == ("out\n", "err\n")
    assert (found["stdout_lines"], found["stderr_lines"]) == (["out"], ["err"])
    assert found["child_pid"] == module[0]
    assert found["ansible_job_id"] == jid
    view = found["async_job"]
    assert (view["state"], view["reason"], view["remaining"]) == ("timed_out", "deadline", None)
    assert view["output"]["stdout_tail"] == ["out"]
    assert 1.0 <= view["elapsed"] < 10
    assert_all_gone(place, escaped + [module])
    place.all_gone()


def test_a_request_cancels_the_whole_tree(place, escaped):
    jid = place.start(stubborn(place), environ={"ANSIBLE_ASYNC_GRACE": "0.2"})
    place.printed(jid, "out")
    escaped += [place.noted("first"), place.noted("second")]
    place.kill(place.supervisor(jid), signal.SIGTERM)
    found = place.ended(jid)
    assert (found["failed"], found["msg"]) == (True, "the job was cancelled")
    assert found["stdout"] == "out\n"
    assert (found["async_job"]["state"], found["async_job"]["reason"]) == ("cancelled", "request")
    assert_all_gone(place, escaped)
    place.all_gone()


def test_within_its_grace_a_process_can_clean_up(place):
    text = """
        trap 'echo cleaning >&2; echo cleaned > {}; exit 0' TERM
        echo ready >&2
        while :; do sleep 0.05; done
    """.format(place.root / "trapped")
    jid = place.start(
        place.script(text), interpreter="/bin/sh", environ={"ANSIBLE_ASYNC_GRACE": "15"}
    )
    place.until(lambda: place.view(jid)["output"]["stderr_tail"] == ["ready"])
    place.kill(place.supervisor(jid), signal.SIGTERM)
    found = place.ended(jid)
    assert (place.root / "trapped").read_text() == "cleaned\n"
    assert found["stderr_lines"][-1] == "cleaning"
    assert found["async_job"]["state"] == "cancelled"


def test_a_job_that_is_quiet_for_too_long_ends(place):
    text = """
        for line in ("a", "b", "c"):
            subprocess.Popen(["echo", line], stdout=subprocess.PIPE).communicate()
            time.sleep(0.4)
        subprocess.Popen(["sleep", "300"]).wait()
    """
    jid = place.start(
        place.ansiballz(text),
        environ={"ANSIBLE_ASYNC_IDLE_TIMEOUT": "1", "ANSIBLE_ASYNC_GRACE": "0.2"},
    )
    found = place.ended(jid)
    assert found["msg"] == "Timeout exceeded: the job printed nothing for 1 seconds"
    assert found["stdout_lines"] == ["a", "b", "c"]
    assert (found["async_job"]["state"], found["async_job"]["reason"]) == ("timed_out", "idle")
    assert found["async_job"]["elapsed"] >= 1.8
    place.all_gone()


def test_progress_that_is_reported_counts_as_a_sign_of_life(place):
    text = """
        for number in range(5):
            open(os.environ["ANSIBLE_ASYNC_PROGRESS"], "a").write("%d x\\n" % number)
            time.sleep(0.4)
        print(json.dumps(dict(done=True)))
    """
    jid = place.start(place.ansiballz(text), environ={"ANSIBLE_ASYNC_IDLE_TIMEOUT": "1"})
    assert place.ended(jid)["done"] is True


def test_a_job_that_prints_without_end_is_not_idle(place):
    """Its spool's pieces come and go while the supervisor looks at their times."""
    text = """
        process = subprocess.Popen(["yes"], stdout=subprocess.PIPE)
        end = time.time() + 2.5
        while time.time() < end:
            process.stdout.read(65536)
        process.kill()
        print(json.dumps(dict(done=True)))
    """
    environ = {"ANSIBLE_ASYNC_IDLE_TIMEOUT": "1", "ANSIBLE_ASYNC_OUTPUT_LIMIT": "64K"}
    jid = place.start(place.ansiballz(text), environ=environ)
    while not place.status(jid)["finished"]:  # whoever looks meanwhile always gets an answer, too
        pass
    found = place.ended(jid)
    assert found["done"] is True
    assert found["async_job"]["recovered"] is False


@pytest.mark.parametrize("environ", [{"ANSIBLE_ASYNC_OUTPUT_LIMIT": "0"}, {}])
def test_a_job_whose_output_is_not_kept_is_not_idle_while_it_prints(place, environ):
    text = """
        PARAMS = '{"_ansible_no_log": NO_LOG}'
        process = subprocess.Popen(["yes"], stdout=subprocess.PIPE)
        end = time.time() + 2.5
        while time.time() < end:
            process.stdout.read(65536)
        process.kill()
        print(json.dumps(dict(done=True)))
    """.replace("NO_LOG", "false" if environ else "true")
    jid = place.start(place.ansiballz(text), environ=dict(environ, ANSIBLE_ASYNC_IDLE_TIMEOUT="1"))
    assert place.ended(jid)["done"] is True


def test_daemons_of_a_job_that_ends_by_itself_live_on(place):
    text = """
        subprocess.Popen(["setsid", "sh", "-c", "echo $$ > {0}; exec sleep 300"], stdout=subprocess.DEVNULL)
        while not os.path.exists({0!r}):
            time.sleep(0.01)
        print(json.dumps(dict(changed=True)))
    """.format(str(place.root / "daemon"))
    found = place.result(place.ansiballz(text))
    assert (found["changed"], found["async_job"]["state"]) == (True, "succeeded")
    assert place.alive(*place.noted("daemon"))
    assert place.processes() == [place.noted("daemon")]


def test_an_idle_supervisor_does_not_wake_up(place):
    gate = place.gate()
    jid = place.start(
        place.ansiballz(f"print('{{}}')\nsys.stdout.flush()\nopen({gate.path!r}).readline()")
    )
    place.until(lambda: place.text(jid, "result"))
    pid = place.supervisor(jid)[0]

    def switches():
        text = System.process_file(pid, "status").decode("ascii")
        return re.search(r"^voluntary_ctxt_switches:\s+(\d+)", text, re.MULTILINE).group(1)

    place.until(lambda: System.processes()[pid][2] == "S")
    before = switches()
    assert not place.status(jid, wait=1.0)["finished"]
    assert switches() == before
    gate.open()
    place.ended(jid)


def peak(pid):
    found = re.search(rb"VmHWM:\s+(\d+) kB", System.process_file(pid, "status"))
    return int(found.group(1)) * 1024 if found else 0


def test_what_a_job_prints_costs_its_supervisor_nothing(place):
    """200 MB: the head and the tail are kept, in a spool of bounded size."""
    gate = place.gate()
    text = f"""
        script = "echo first line; head -c 200000000 /dev/zero | tr '\\\\0' '\\\\n'; echo; echo last line"
        process = subprocess.Popen(script, shell=True, stdout=subprocess.PIPE)
        while process.stdout.read(1 << 20):
            pass
        process.wait()
        open({gate.path!r}).readline()
        print("{{}}")
    """
    jid = place.start(place.ansiballz(text))
    place.printed(jid, "last line")
    output = place.view(jid)["output"]
    assert output["stdout_bytes"] == 200000000 + len("first line\n" + "\n" + "last line\n")
    assert output["truncated"] is True
    pieces = [path for path in place.job_dir(jid).iterdir() if path.name.startswith("stdout")]
    limit = 10 << 20
    assert limit * 3 // 4 <= sum(path.stat().st_size for path in pieces) <= limit
    with (place.job_dir(jid) / "stdout").open("rb") as head:
        assert head.readline() == b"first line\n"
    assert peak(place.supervisor(jid)[0]) < 30 << 20
    assert peak(place.module(jid)[0]) < 40 << 20
    gate.open()
    found = place.ended(jid)["async_job"]
    assert found["output"]["stdout_tail"][-1] == "last line"
    assert found["usage"]["cpu_seconds"] > 0


def test_a_large_result_costs_its_supervisor_nothing(place):
    gate = place.gate()
    jid = place.start(
        place.ansiballz(
            f"open({gate.path!r}).readline()\nprint(json.dumps({{'big': 'x' * 30000000}}))"
        )
    )
    pid, start = place.supervisor(jid)
    peaks = [peak(pid)]
    gate.open()

    def ended():
        peaks.append(peak(pid))
        return not place.alive(pid, start)

    place.until(ended)
    assert 5 << 20 < max(peaks) < 30 << 20
    found = place.ended(jid)
    assert len(found["big"]) == 30000000
    assert found["async_job"]["recovered"] is False


def test_a_job_that_is_removed_while_it_runs_is_not_brought_back(place):
    gate = place.gate()
    path = place.ansiballz(f"print('{{}}')\nsys.stdout.flush()\nopen({gate.path!r}).readline()")
    jid = place.start(path, preserve=False, environ={"ANSIBLE_ASYNC_IDLE_TIMEOUT": "30"})
    place.until(lambda: place.text(jid, "result"))
    supervisor = place.supervisor(jid)
    place.status(jid, mode="cleanup", force=True)
    assert place.files() == []
    gate.open()
    place.gone(supervisor)
    assert place.files() == []
    assert not path.parent.exists()


def test_the_limits_of_a_job_that_was_removed_still_hold(place):
    path = place.ansiballz("subprocess.Popen(['sleep', '300']).wait()")
    jid = place.start(path, preserve=False, limit=1, environ={"ANSIBLE_ASYNC_GRACE": "0.2"})
    supervisor = place.supervisor(jid)
    place.status(jid, mode="cleanup", force=True)
    place.gone(supervisor)
    place.all_gone()
    assert not path.parent.exists()
    assert place.files() == []


def test_a_limit_of_nought_is_none(place):
    gate = place.gate()
    jid = place.start(place.ansiballz(f"open({gate.path!r}).readline()\nprint('{{}}')"), limit=0)
    view = place.view(jid)
    assert (view["timeout"], view["remaining"]) == (0, None)
    gate.open()
    assert place.ended(jid)["async_job"]["state"] == "succeeded"


def test_the_durations_of_jobs_of_a_name_are_remembered(place):
    environ = {"ANSIBLE_ASYNC_NAME": "nightly"}
    for text in ("print('{}')", "print('{}')", "print(json.dumps(dict(failed=True)))"):
        place.result(place.ansiballz(text), environ=environ)
    (history,) = (place.async_dir / ".longrun" / "history").iterdir()
    assert len(history.read_text().split()) == 2
    gate = place.gate()
    jid = place.start(
        place.ansiballz(f"open({gate.path!r}).readline()\nprint('{{}}')"), environ=environ
    )
    view = place.view(jid)
    assert (view["name"], view["progress"]["source"]) == ("nightly", "history")
    gate.open()
    place.ended(jid)


def test_progress_that_a_job_reports_is_shown(place):
    gate = place.gate()
    text = f"""
        with open(os.environ["ANSIBLE_ASYNC_PROGRESS"], "a") as report:
            report.write("45 Copying files\\n")
        open({gate.path!r}).readline()
        print("{{}}")
    """
    jid = place.start(place.ansiballz(text))
    progress = place.until(lambda: place.view(jid)["progress"])
    assert (progress["percent"], progress["message"], progress["source"]) == (
        45.0,
        "Copying files",
        "reported",
    )
    assert progress["updated_at"]
    gate.open()
    place.ended(jid)


def test_the_error_that_ends_a_supervisor_is_kept_and_its_job_is_adopted(place):
    """The result is there whether or not its own supervisor could write it down."""
    gate = place.gate()
    path = place.ansiballz(f"open({gate.path!r}).readline()\nprint(json.dumps(dict(done=True)))")
    jid = place.start_faulty(
        """
        def rename(source, target, **options):
            if target[:1] == "j" and os.path.exists({!r}):
                fails(errno.EIO)
            return os.rename(source, target, **options)
        Faulty.rename = staticmethod(rename)
        """.format(str(place.root / "broken")),
        path,
    )
    supervisor = place.supervisor(jid)
    (place.root / "broken").touch()
    gate.open()
    place.gone(supervisor)
    assert "Input/output error" in (place.job_dir(jid) / "supervisor_error").read_text()
    assert json.loads((place.async_dir / jid).read_text())["finished"] is False
    found = place.ended(jid)
    assert (found["done"], found["async_job"]["recovered"]) == (True, True)


@pytest.mark.parametrize("number", ["ENOSPC", "EDQUOT"])
def test_a_result_that_a_full_disk_does_not_take_is_replaced_by_a_short_one(place, number):
    path = place.ansiballz("print(json.dumps(dict(big='x' * 100000, changed=True)))")
    jid = place.start_faulty(
        f"""
        def write(fd, data):
            if len(data) > 50000:
                fails(errno.{number})
            return os.write(fd, data)
        Faulty.write = staticmethod(write)
        """,
        path,
    )
    found = place.ended(jid)
    assert found["failed"] is False  # it did what it was asked
    assert found["msg"] == "the job's result could not be kept: {}".format(
        os.strerror(getattr(__import__("errno"), number))
    )
    assert (found["async_job"]["state"], found["async_job"]["reason"]) == ("succeeded", "no_space")
    assert place.record(jid)["reason"] == "no_space"
    assert "big" not in found
    assert not [name for name in place.files() if name.endswith("reserve") or "/." in name[1:]]


def test_a_disk_that_is_full_for_the_output_costs_output_only(place):
    text = """
        import resource, signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
        script = "head -c 50000 /dev/zero | tr '\\\\0' x; read line; echo; echo end"
        process = subprocess.Popen(script, shell=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        # what comes behind a gap tells how wide that is
        out = process.stdout.read(50000)
        process.stdin.write(b"on\\n")
        process.stdin.flush()
        out += process.stdout.read()
        print(json.dumps(dict(length=len(out))))
    """
    found = place.result(place.ansiballz(text))
    assert found["length"] == 50005
    assert found["async_job"]["output"]["stdout_bytes"] == 50005
    assert found["async_job"]["state"] == "succeeded"


def test_a_python_that_runs_the_supervisor_is_the_one_of_the_task(place):
    found = place.result(place.ansiballz("print(json.dumps(dict(executable=sys.executable)))"))
    assert found["executable"] == sys.executable
