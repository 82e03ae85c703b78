# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""async_wrapper, run as core runs it: both conventions, what it answers, what it leaves."""

import json
import marshal
import os
import stat
import sys
import zlib

import pytest

MODULE = "print(json.dumps({'changed': True, 'argv': sys.argv}))"
OLD_AND_NEW = pytest.mark.parametrize("since_2_21", [True, False], ids=["2.21", "before"])


@OLD_AND_NEW
def test_a_start_answers_once_the_job_can_be_found(place, since_2_21):
    gate = place.gate()
    path = place.ansiballz(f"open({gate.path!r}).readline()\n" + MODULE)
    answer, status = place.call(path, since_2_21=since_2_21)
    jid = answer["ansible_job_id"]
    assert status == 0
    assert jid.startswith(f"{place.given}.") and jid.partition(".")[2].isdigit()
    assert answer == {
        "failed": False,
        "started": True,
        "finished": False,
        "ansible_job_id": jid,
        "results_file": str(place.async_dir / jid),
        "_ansible_suppress_tmpdir_delete": False,
    }
    assert json.loads((place.async_dir / jid).read_text()) == {
        "started": True,
        "finished": False,
        "ansible_job_id": jid,
        "results_file": answer["results_file"],
    }
    view = place.view(jid)
    assert (view["state"], view["supervised"], view["module"]) == ("running", True, "demo")
    gate.open()
    assert place.ended(jid)["changed"] is True


@OLD_AND_NEW
def test_an_ansiballz_runs_and_its_result_is_the_jobs(place, since_2_21):
    path = place.ansiballz(MODULE)
    result = place.result(path, since_2_21=since_2_21)
    assert result["changed"] is True
    assert result["argv"] == [str(path)]
    assert result["started"] is True
    assert result["async_job"]["state"] == "succeeded"
    assert result["async_job"]["reason"] == "exit"


@OLD_AND_NEW
def test_a_module_of_another_language_is_executed_with_its_arguments_file(place, since_2_21):
    path = place.script('echo "{\\"args\\": \\"$1\\", \\"said\\": \\"$(cat "$1")\\"}"')
    args = path.parent / "args"
    args.write_text("a=1")
    interpreter = "/bin/sh" if since_2_21 else None
    result = place.result(path, args=args, since_2_21=since_2_21, interpreter=interpreter)
    assert (result["args"], result["said"]) == (str(args), "a=1")
    assert result["async_job"]["state"] == "succeeded"


def test_an_ansiballz_for_another_interpreter_runs_under_that(place):
    other = place.root / "other-python"
    other.write_text(f'#!/bin/sh\nOTHER=yes exec {sys.executable} "$@"\n')
    other.chmod(0o700)
    path = place.ansiballz("print(json.dumps({'other': os.environ.get('OTHER')}))")
    assert place.result(path, interpreter=str(other))["other"] == "yes"


@OLD_AND_NEW
def test_the_temporary_directory_goes_with_the_job_unless_it_is_to_be_preserved(place, since_2_21):
    for preserve in (True, False):
        path = place.ansiballz(MODULE)
        answer, _status = place.call(path, preserve=preserve, since_2_21=since_2_21)
        assert answer["_ansible_suppress_tmpdir_delete"] is not preserve
        place.ended(answer["ansible_job_id"])
        assert path.parent.exists() is preserve


def test_no_payload_is_on_disk_while_the_job_runs(place):
    gate = place.gate()
    path = place.ansiballz(f"open({gate.path!r}).readline()\nprint({{}})\n# top secret argument\n")
    jid = place.start(path, preserve=False)
    assert place.alive(*place.module(jid))
    assert place.text_on_disk("top secret argument") == []
    gate.open()
    place.ended(jid)
    assert not path.parent.exists()


@pytest.mark.parametrize(
    "environ, said",
    [
        ({"ANSIBLE_ASYNC_GRACE": "soon"}, "ANSIBLE_ASYNC_GRACE: 'soon' is not a valid duration"),
        ({"ANSIBLE_ASYNC_OUTPUT_LIMIT": "1"}, "ANSIBLE_ASYNC_OUTPUT_LIMIT: '1' is too small"),
    ],
)
def test_a_setting_that_is_no_good_fails_the_start_and_removes_the_temporary_directory(
    place, environ, said
):
    path = place.ansiballz(MODULE)
    answer, status = place.call(path, preserve=False, environ=environ)
    assert status == 1
    assert answer["failed"] is True
    assert answer["msg"].startswith(said)
    assert answer["_ansible_suppress_tmpdir_delete"] is True
    assert not path.parent.exists()
    assert not place.async_dir.exists()


def test_a_module_that_is_not_there_fails_the_start(place):
    answer, status = place.call(place.root / "missing")
    assert (status, answer["failed"]) == (1, True)
    assert answer["msg"].startswith(
        "could not read the module's payload {}".format(place.root / "missing")
    )
    assert "ENOENT" in answer["msg"]
    assert not place.async_dir.exists()


def test_the_answer_is_json_whatever_the_locale(place):
    path = place.ansiballz("print(json.dumps({'text': u'gr\\u00fcn'}))")
    jid = place.start(path, environ={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"})
    assert place.ended(jid)["text"] == "gr\u00fcn"


def test_the_async_dir_of_the_default_is_below_home(place):
    jid = place.start(place.ansiballz(MODULE), environ={"ANSIBLE_ASYNC_DIR": "~/.ansible_async"})
    found = place.status(jid, _async_dir="~/.ansible_async", wait=20)
    assert found["results_file"] == str(place.home / ".ansible_async" / jid)
    assert found["async_job"]["state"] == "succeeded"


def test_what_is_made_is_private_under_a_permissive_umask(place):
    gate = place.gate()
    path = place.ansiballz(f"""
        subprocess.Popen("echo out; echo err >&2", shell=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE).communicate()
        print("x", file=sys.stderr)
        open(os.environ["ANSIBLE_ASYNC_PROGRESS"], "a").write("1 x\\n")
        open({gate.path!r}).readline()
        print("{{}}")
        """)
    jid = place.start(path, umask=0, environ={"ANSIBLE_ASYNC_NAME": "mine"})
    gate.reached()

    def modes():
        for directory, _inner, names in os.walk(str(place.async_dir)):
            for name in [""] + names:
                full = os.path.join(directory, name)
                yield os.path.relpath(full, str(place.async_dir)), stat.S_IMODE(
                    os.lstat(full).st_mode
                )

    running = dict(modes())
    gate.open()
    place.ended(jid)
    ended = dict(modes())
    job = f".longrun/{jid}/"
    assert job + "progress" in running
    for found in (running, ended):
        for name, mode in found.items():
            assert mode == (0o700 if (place.async_dir / name).is_dir() else 0o600), name
    assert {jid, job + "stdout", job + "stderr", job + "record.json", job + "module_stderr"} < set(
        running
    )


def test_a_job_sees_what_a_synchronous_task_sees(place):
    path = place.ansiballz("""
        mask = os.umask(0)
        print(json.dumps(dict(umask=mask, cwd=os.getcwd(), mine=os.environ.get("MINE"), lang=os.environ.get("LC_ALL"),
            flags=list(sys.flags), path=sys.path[1:], first=sys.path[0], sid=os.getsid(0), name=__name__, file=__file__,
            pgid=os.getpgid(0))))
        """)
    environ = {"MINE": "yes", "LC_ALL": "C.UTF-8"}
    there = place.root / "there"
    there.mkdir()
    found = place.result(path, umask=0o027, cwd=there, environ=environ)
    assert found["umask"] == 0o027
    assert found["cwd"] == str(there)
    assert (found["mine"], found["lang"]) == ("yes", "C.UTF-8")
    assert found["name"] == "__main__"
    assert found["file"] == str(path)
    assert found["sid"] != os.getsid(0)
    direct, _status = place.run([sys.executable, str(path)], environ, 0o027, there)
    for key in ("umask", "cwd", "mine", "lang", "flags", "path", "first", "name", "file"):
        assert found[key] == direct[key], key


def test_signals_are_as_a_synchronous_task_has_them(place):
    """Python ignores SIGPIPE and SIGXFSZ itself: what it starts must not."""
    path = place.ansiballz("""
        import signal
        names = ("SIGPIPE", "SIGCHLD", "SIGINT", "SIGTERM", "SIGHUP", "SIGALRM")
        print(json.dumps({name: str(signal.getsignal(getattr(signal, name))) for name in names}))
        """)
    direct, _status = place.run([sys.executable, str(path)])
    job = place.result(path)
    for name in direct:
        assert job[name].split(" at 0x")[0] == direct[name].split(" at 0x")[0], name
    script = place.script("""
        set -- $(grep -E '^Sig(Blk|Ign)' /proc/self/status)
        echo "{\\"blocked\\": \\"$2\\", \\"ignored\\": \\"$4\\"}"
        """)
    direct, _status = place.run([str(script)])
    job = place.result(script, interpreter="/bin/sh")
    assert (job["blocked"], job["ignored"]) == (direct["blocked"], direct["ignored"])


def descriptors(pid):
    """What a process has open; what it closes meanwhile is left out."""
    found = {}
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            found[int(fd)] = os.readlink(f"/proc/{pid}/fd/{fd}")
        except FileNotFoundError:
            continue
    return found


@pytest.mark.parametrize("kind", ["ansiballz", "script"])
def test_a_job_inherits_no_descriptor_of_its_caller(place, kind):
    gate = place.gate()
    if kind == "ansiballz":
        path = place.ansiballz(f"open({gate.path!r}).readline()\nprint('{{}}')")
    else:
        path = place.script(f"read line < {gate.path}; echo '{{}}'")
    inside, outside = os.pipe()
    try:
        interpreter = sys.executable if kind == "ansiballz" else "/bin/sh"
        jid = place.start(path, pass_fds=(outside,), interpreter=interpreter)
        pipe = os.readlink(f"/proc/self/fd/{outside}")
        supervisor, module = place.supervisor(jid)[0], place.module(jid)[0]
        processes = [pid for pid, _start in place.processes()]
        assert {supervisor, module} <= set(processes)
        for pid in processes:
            assert pipe not in descriptors(pid).values()
        held = descriptors(supervisor)
        assert {held[0], held[1], held[2]} == {"/dev/null"}
        assert descriptors(module)[0] == "/dev/null"
        gate.open()
        place.ended(jid)
    finally:
        os.close(inside)
        os.close(outside)


def test_a_jobs_standard_input_is_empty(place):
    assert (
        place.result(place.ansiballz("print(json.dumps({'read': sys.stdin.read()}))"))["read"] == ""
    )
    script = place.script('echo "{\\"read\\": \\"$(cat)\\"}"')
    assert place.result(script, interpreter="/bin/sh")["read"] == ""


@pytest.mark.parametrize("closed", ["<&-", "2>&-", "<&- 2>&-"])
def test_a_start_with_standard_descriptors_closed_is_one_like_any_other(place, closed):
    path = place.script("# WANT_JSON\nexec sleep 60")
    shell = ("/bin/sh", "-c", f'exec "$@" {closed}', "sh")
    answer, status = place.call(path, limit=1, by=shell, interpreter=None)
    assert (status, answer["started"]) == (0, True), answer
    view = place.ended(answer["ansible_job_id"])["async_job"]
    assert (view["state"], view["reason"]) == ("timed_out", "deadline")


# what is kept of it


def whole(data):
    return data[:8] == b"%08x" % zlib.crc32(data[8:])


def test_the_next_start_need_not_compile_it(place):
    place.result(place.ansiballz(MODULE))
    path = place.kept_by_wrapper()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    packed, codes = marshal.loads(path.read_bytes()[8:])
    lie = "import os, sys\ndef main(*_given):\n    print('{\"liar\": true}', flush=True)\n    os._exit(0)\n"
    codes["requests.wrapper"] = marshal.dumps(compile(lie, "lie", "exec"))
    data = marshal.dumps((packed, codes))
    path.write_bytes(b"%08x" % zlib.crc32(data) + data)
    assert place.call(place.ansiballz(MODULE)) == ({"liar": True}, 0)


@pytest.mark.parametrize("how", ["damaged", "writable"])
def test_what_is_kept_and_not_to_be_believed_is_made_anew(place, how):
    place.result(place.ansiballz(MODULE))
    path = place.kept_by_wrapper()
    if how == "damaged":
        path.write_bytes(path.read_bytes()[:1000])
    else:
        path.chmod(0o620)
    assert place.result(place.ansiballz(MODULE))["changed"] is True
    assert whole(path.read_bytes())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
