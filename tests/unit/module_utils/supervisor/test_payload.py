# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a job runs: which interpreter runs it, what its module may print, how it may end."""

import json
import os
import signal
import sys

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.errors import JobError
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.supervisor.payload import (
    payload_from_memory,
    read_payload,
    shebang,
)

HEAD = b"_ANSIBALLZ_WRAPPER = True\n"


@pytest.mark.parametrize(
    "head, words",
    [
        (b"#!/bin/sh\nrest", ["/bin/sh"]),
        (b"#! /usr/bin/env  python3 -I\n", ["/usr/bin/env", "python3 -I"]),
        (b"#!/bin/sh", ["/bin/sh"]),
        (b"\x7fELF", []),
        (b"", []),
        (b"#!\n", []),
    ],
)
def test_an_interpreter_line_is_read_as_the_kernel_reads_it(head, words):
    assert shebang(head) == words


def made(tmp_path, data, name="AnsiballZ_demo.py"):
    path = tmp_path / name
    path.write_bytes(data)
    return str(path)


@pytest.mark.parametrize(
    "name, code, module",
    [
        ("AnsiballZ_apt.py", b"mod_name = 'ansible.modules.apt'", "ansible.builtin.apt"),
        ("AnsiballZ_apt.py", b"module_fqn='ansible.modules.apt'", "ansible.builtin.apt"),
        (
            "AnsiballZ_x.py",
            b"'module_fqn': 'ansible_collections.a.b.plugins.modules.c.d'",
            "a.b.c.d",
        ),
        ("AnsiballZ_x.py", b"ansible_module", "x"),
        ("script.sh", b"", "script"),
    ],
)
def test_the_full_name_of_the_module_is_the_one_in_its_payload(tmp_path, name, code, module):
    path = made(tmp_path, HEAD + code, name)
    assert read_payload([sys.executable, path], path).module == module
    assert read_payload(["/bin/other", path], path).module == module


NO_LOG = [
    (b'ANSIBALLZ_PARAMS = \'{"ANSIBLE_MODULE_ARGS": {"a": 1, "_ansible_no_log": true}}\'', True),
    (b'ANSIBALLZ_PARAMS = "{\\"_ansible_no_log\\": true}"', True),
    (b"'_ansible_no_log': True", True),
    (b"_ansible_no_log=True", True),
    (b'{"_ansible_no_log": false, "_ansible_verbose": true}', False),
    (b"", False),
]


@pytest.mark.parametrize("interpreter", [sys.executable, "/bin/other"], ids=["this", "other"])
@pytest.mark.parametrize("text, no_log", NO_LOG)
def test_no_log_of_a_start_by_core_is_guessed_whoever_runs_the_payload(
    tmp_path, text, no_log, interpreter
):
    path = made(tmp_path, HEAD + b"#" * 9000 + b"\n" + text)
    assert read_payload([interpreter, path], path).no_log is no_log


@pytest.mark.parametrize("text, no_log", NO_LOG)
def test_no_log_of_a_start_by_core_is_guessed_from_an_arguments_file_and_from_the_module_itself(
    tmp_path, text, no_log
):
    path, args = made(tmp_path, b"#!/bin/sh\n"), made(tmp_path, text, "args")
    assert read_payload([path, args], path).no_log is no_log
    path = made(tmp_path, b"#!/usr/bin/perl\n" + text)
    assert read_payload([path], path).no_log is no_log


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("text", [text for text, _guessed in NO_LOG])
def test_no_log_of_a_request_is_what_it_tells_whatever_the_module_says(text, told):
    for style, args in (("new", None), ("non_native_want_json", text)):
        payload = payload_from_memory(style, "#!/bin/x", HEAD + text, args, "a.b.c", told)
        assert payload.no_log is told


def test_only_an_ansiballz_for_this_very_interpreter_runs_in_it(tmp_path):
    path = made(tmp_path, HEAD)
    assert read_payload([sys.executable, path], path).code == HEAD
    for command in (
        ["/bin/other", path],
        [sys.executable, "-I", path],
        [sys.executable, path, path],
    ):
        payload = read_payload(command, path)
        assert (payload.code, payload.command) == (None, command)
    script = made(tmp_path, b"#!/bin/sh -e\n", "script")
    assert read_payload([script], script).command == ["/bin/sh", "-e", script]
    binary = made(tmp_path, b"\x7fELF\xff", "binary")
    assert read_payload([binary], binary).command == [binary]


def test_a_python_of_a_virtual_environment_is_not_this_one(tmp_path):
    environment = tmp_path / "venv"
    (environment / "bin").mkdir(parents=True)
    (environment / "pyvenv.cfg").write_text("")
    other = environment / "bin" / "python"
    other.symlink_to(os.path.realpath(sys.executable))
    path = made(tmp_path, HEAD)
    assert read_payload([str(other), path], path).code is None


def test_a_payload_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(
        JobError, match="could not read the module's payload .*/missing: No such file .*ENOENT"
    ):
        read_payload([sys.executable, str(tmp_path / "missing")], str(tmp_path / "missing"))
    path = made(tmp_path, b"")
    with pytest.raises(JobError, match="does not name the module"):
        read_payload([sys.executable, "other"], path)
    with pytest.raises(JobError, match="/args: No such file"):
        read_payload([path, str(tmp_path / "args")], path)


# what modules print, and how they end, in real jobs


@pytest.mark.parametrize(
    "printed, expected",
    [
        ("'{\"a\": 1}'", {"a": 1}),
        ("'junk\\n{\"a\": 1}'", {"a": 1}),
        (
            "'{\"a\": 1}\\nmore junk'",
            {"a": 1, "warnings": ["Module invocation had junk after the JSON data: more junk"]},
        ),
        ('\'{"a": 1, "failed": true}\'', {"a": 1, "failed": True}),
        (
            '\'{"started": "2020", "finished": 0, "a": 1}\'',
            {"a": 1, "started": True, "finished": True},
        ),
        (
            '\'{"ansible_job_id": "x", "a": {"__ansible_type": "y"}}\'',
            {"a": {"__ansible_type": "y"}},
        ),
        (
            "''",
            {
                "failed": True,
                "msg": "the module printed nothing where its JSON result was expected, exit status 0",
            },
        ),
        (
            "'no json'",
            {
                "failed": True,
                "msg": "the module printed no JSON result, exit status 0; what it printed is in data",
                "data": "no json",
            },
        ),
        ("'[1, 2]'", {"failed": True, "data": "[1, 2]"}),
        ("'{\"a\": 1'", {"failed": True, "data": '{"a": 1'}),
        ("'{\"a\": ' + '[' * 100000", {"failed": True}),
    ],
)
def test_whatever_a_module_prints_the_job_ends_with_a_result(place, printed, expected):
    found = place.result(place.ansiballz(f"sys.stdout.write({printed})"))
    assert {key: found.get(key) for key in expected} == expected
    state = "failed" if expected.get("failed") else "succeeded"
    assert (found["async_job"]["state"], found["async_job"]["reason"]) == (state, "exit")
    assert found["ansible_job_id"] == found["async_job"]["id"]


@pytest.mark.parametrize(
    "printed", ['b\'{"a": "x\\xff\\xfey"}\'', "b'\\xff\\x00\\x01{\\x80'", "os.urandom(5000)"]
)
def test_bytes_that_are_no_text_do_not_keep_a_job_from_its_end(place, printed):
    jid = place.start(place.ansiballz(f"sys.stdout.buffer.write({printed})"))
    found = place.ended(jid)
    json.dumps(found, ensure_ascii=False).encode("utf-8")  # no half of a surrogate pair in it
    assert json.loads((place.async_dir / jid).read_text())["finished"] is True


def test_what_a_module_says_on_stderr_is_in_its_result(place):
    found = place.result(place.ansiballz("sys.stderr.write('careful\\n')\nprint('{}')"))
    assert found["stderr"] == "careful\n"
    found = place.result(
        place.ansiballz("sys.stderr.write('careful\\n')\nprint(json.dumps({'stderr': 'own'}))")
    )
    assert (found["stderr"], found["module_stderr"]) == ("own", "careful\n")


@pytest.mark.parametrize(
    "ending, rc, said",
    [
        ("raise ValueError('my fault')", 1, "ValueError: my fault"),
        ("sys.exit(3)", 3, ""),
        ("sys.exit('a message')", 1, "a message"),
        ("sys.exit()", 0, ""),
        ("os._exit(5)", 5, ""),
    ],
)
def test_an_end_without_a_result_shows_the_exit_status(place, ending, rc, said):
    found = place.result(place.ansiballz(ending))
    assert (found["failed"], found["rc"]) == (True, rc)
    assert said in found["stderr"]
    assert found["msg"].endswith(f"exit status {rc}")


def test_a_traceback_shows_the_line_of_the_module(place):
    path = place.ansiballz("def inner():\n    raise ValueError('my fault')\ninner()")
    found = place.result(path)
    assert f'File "{path}", line' in found["stderr"]


def test_what_an_interpreter_does_at_its_end_is_done(place):
    path = place.ansiballz("""
        import atexit, threading
        def late():
            time.sleep(0.1)
            sys.stdout.write('"thread": true, ')
        atexit.register(lambda: sys.stdout.write('"exit": true}'))
        sys.stdout.write("{")
        threading.Thread(target=late).start()
        """)
    found = place.result(path)
    assert (found["thread"], found["exit"]) == (True, True)


def test_a_process_that_a_module_forks_does_not_end_the_job_for_it(place):
    gate = place.gate()
    path = place.ansiballz("""
        if os.fork() == 0:
            sys.exit(7)
        os.wait()
        print(json.dumps(dict(exit_file=os.path.exists(os.path.join({!r}, os.environ["ANSIBLE_ASYNC_JID"], "exit")))))
        """.format(str(place.async_dir / ".longrun")))
    gate.open()
    found = place.result(path)
    assert found["exit_file"] is False
    assert found["async_job"]["state"] == "succeeded"


@pytest.mark.parametrize(
    "text, expected",
    [
        ("echo '{\"a\": 1}'", {"a": 1}),
        ("echo '{\"a\": 1}'; exit 3", {"a": 1}),
        ("exit 3", {"failed": True, "rc": 3}),
        ("echo noise >&2; exit 3", {"failed": True, "rc": 3, "stderr": "noise\n"}),
        ("echo noise >&2; echo '{\"a\": 1}'", {"a": 1, "stderr": "noise\n"}),
        ("head -c 3000000 /dev/zero | tr '\\0' x >&2; echo '{\"a\": 1}'", {"a": 1}),
    ],
)
def test_a_script_is_a_module_like_any_other(place, text, expected):
    found = place.result(place.script(text), interpreter="/bin/sh")
    assert {key: found.get(key) for key in expected} == expected
    assert len(found.get("stderr", "")) <= 1 << 20


def test_the_stderr_of_a_script_can_be_read_while_it_runs(place):
    gate = place.gate()
    jid = place.start(
        place.script(f"echo hello >&2; read line < {gate.path}; echo '{{}}'"),
        interpreter="/bin/sh",
    )
    place.until(lambda: place.view(jid)["output"]["stderr_tail"] == ["hello"])
    gate.open()
    place.ended(jid)


def test_a_missing_interpreter_is_named(place):
    found = place.result(place.script("", first_line="#!/no/such/python"), since_2_21=False)
    assert (found["failed"], found["rc"]) == (True, 127)
    assert "could not run /no/such/python: No such file or directory (ENOENT)" in found["stderr"]


def test_a_module_that_is_no_program_is_named(place):
    found = place.result(place.script("\x00\x01", first_line="\x00\x01"), since_2_21=False)
    assert found["failed"] is True
    assert "ENOEXEC" in found["stderr"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_a_module_that_kills_itself_failed_by_that_signal(place, number):
    # the last line is an expression that ends the process in the middle of its work
    python = place.ansiballz(f"os.kill(os.getpid(), {int(number)})\ntime.sleep(60)")
    script = place.script(f"kill -{int(number)} $$; sleep 60")
    for path, interpreter in ((python, sys.executable), (script, "/bin/sh")):
        found = place.result(path, interpreter=interpreter)
        assert found["failed"] is True
        assert (
            found["msg"]
            == f"the module was ended by {signal.Signals(number).name} and left no result"
        )
        assert (found["async_job"]["state"], found["async_job"]["reason"]) == (
            "failed",
            "module_killed",
        )


def test_the_directory_that_a_killed_ansiballz_unpacked_itself_into_goes(place):
    path = place.ansiballz(f"""
        import tempfile
        directory = tempfile.mkdtemp(prefix="ansible_demo_payload_")
        kept = tempfile.mkdtemp(prefix="mine_")
        open(os.path.join({str(place.root)!r}, "made"), "w").write(directory + " " + kept + " ")
        os.kill(os.getpid(), 9)
        """)
    place.result(path)
    directory, kept = (place.root / "made").read_text().split()
    assert directory.startswith(str(place.root))
    assert not os.path.exists(directory)
    assert os.path.exists(kept)


@pytest.mark.parametrize("in_process", [True, False], ids=["this interpreter", "another"])
def test_no_log_leaves_nothing_but_the_result(place, in_process):
    gate = place.gate()
    text = f"""
        # {{"_ansible_no_log": true}}
        subprocess.Popen("echo hush", shell=True, stdout=subprocess.PIPE).communicate()
        sys.stderr.write("hush")
        open(os.environ["ANSIBLE_ASYNC_PROGRESS"], "a").write("50 hush")
        sys.stderr.flush()
        open({gate.path!r}).readline()
        print(json.dumps(dict(answer=1)))
    """
    other = place.root / "python"
    other.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    other.chmod(0o700)
    interpreter = sys.executable if in_process else str(other)
    jid = place.start(place.ansiballz(text), preserve=False, interpreter=interpreter)
    place.until(lambda: place.text(jid, "module_stderr") == "hush")
    view = place.view(jid)
    assert view["output"]["stdout_tail"] == view["output"]["stderr_tail"] == []
    assert view["progress"] is None
    names = os.listdir(str(place.job_dir(jid)))
    kept = [name for name in names if name.startswith(("stdout", "stderr", "progress"))]
    # an empty file's time may tell that something was printed
    assert not [name for name in kept if (place.job_dir(jid) / name).stat().st_size]
    gate.open()
    assert place.ended(jid)["answer"] == 1
    place.all_gone()
    assert place.text_on_disk("hush") == ["async/" + jid]
