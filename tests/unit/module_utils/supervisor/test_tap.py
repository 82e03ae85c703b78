# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a module's children print is seen while they run, however the module reads it. All processes are real."""

import ast
import collections
import io
import json
import os
import sys

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.carrier.boot import CarriedLibrary
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.supervisor.tap import (
    TAP_PARTS,
    _TappedFile,
)

# every way in which modules read their children; {gate} keeps the child from its end
READERS = {
    "communicate": "out, err = popen(['sh', '-c', SCRIPT], stdout=PIPE, stderr=PIPE).communicate()",
    "communicate, stdout alone": "out, err = popen(['sh', '-c', SCRIPT], stdout=PIPE, stderr=subprocess.STDOUT).communicate()[0], b'err\\n'",
    "communicate in text mode": "out, err = popen(SCRIPT, shell=True, stdout=PIPE, stderr=PIPE, universal_newlines=True).communicate()",
    "communicate with input": "out, err = popen(['sh', '-c', 'read x; ' + SCRIPT], stdin=PIPE, stdout=PIPE, stderr=PIPE).communicate(b'x\\n')",
    "check_output": "out = subprocess.check_output(['sh', '-c', SCRIPT + ' 2>/dev/null']); err = b'err\\n'",
    "run": "done = subprocess.run(SCRIPT, shell=True, stdout=PIPE, stderr=PIPE); out, err = done.stdout, done.stderr",
    "iterating lines": """
        process = popen(SCRIPT, shell=True, stdout=PIPE, stderr=PIPE)
        out = b''.join(line for line in process.stdout)
        err = process.stderr.read()
        process.wait()
    """,
    "iterating lines of text": """
        process = popen(SCRIPT, shell=True, stdout=PIPE, stderr=PIPE, universal_newlines=True, bufsize=1)
        out = ''.join(iter(process.stdout.readline, ''))
        err = ''.join(process.stderr)
        process.wait()
    """,
    "reading without a buffer": """
        process = popen(SCRIPT, shell=True, stdout=PIPE, stderr=PIPE, bufsize=0)
        out = b''.join(iter(lambda: process.stdout.read(1), b''))
        err = process.stderr.read()
        process.wait()
    """,
    "readinto": """
        process = popen(SCRIPT, shell=True, stdout=PIPE, stderr=PIPE)
        out, buffer = b'', bytearray(3)
        while True:
            count = process.stdout.readinto(buffer)
            if not count:
                break
            out += bytes(buffer[:count])
        err = process.stderr.read1(100)
        process.wait()
    """,
    "selectors, as run_command does": """
        import fcntl, selectors
        process = popen(SCRIPT, shell=True, stdin=PIPE, stdout=PIPE, stderr=PIPE, close_fds=True)
        selector = selectors.DefaultSelector()
        for stream in (process.stdout, process.stderr):
            selector.register(stream, selectors.EVENT_READ)
            fcntl.fcntl(stream.fileno(), fcntl.F_SETFL, fcntl.fcntl(stream.fileno(), fcntl.F_GETFL) | os.O_NONBLOCK)
        process.stdin.close()
        got = {process.stdout: b'', process.stderr: b''}
        while selector.get_map():
            for key, _event in selector.select(1):
                chunk = key.fileobj.read(9000)
                if not chunk:
                    selector.unregister(key.fileobj)
                else:
                    got[key.fileobj] += chunk
        out, err = got[process.stdout], got[process.stderr]
        process.stdout.close()
        process.stderr.close()
        process.wait()
    """,
    "threads": """
        import threading
        process = popen(SCRIPT, shell=True, stdout=PIPE, stderr=PIPE)
        got = [b'', b'']
        def read(index, stream):
            got[index] = stream.read()
        threads = [threading.Thread(target=read, args=pair) for pair in enumerate((process.stdout, process.stderr))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        out, err = got
        process.wait()
    """,
    "a context": """
        with popen(SCRIPT, shell=True, stdout=PIPE, stderr=PIPE) as process:
            out, err = process.communicate()
    """,
}
MODULE = """
    from subprocess import PIPE
    popen = subprocess.Popen
    SCRIPT = "echo out; echo err >&2; read line < {gate}; printf end"
{reader}
    if isinstance(out, bytes):
        out, err = out.decode("utf-8"), err.decode("utf-8")
    print(json.dumps(dict(out=out, err=err)))
"""


def indented(text):
    lines = text.strip("\n").splitlines()
    shift = 4 - (len(lines[0]) - len(lines[0].lstrip()))
    return "\n".join(" " * shift + line if shift >= 0 else line[-shift:] for line in lines)


@pytest.mark.parametrize("how", sorted(READERS))
def test_output_is_seen_while_the_child_runs_and_the_module_reads_it_unchanged(place, how):
    gate = place.gate()
    jid = place.start(place.ansiballz(MODULE.format(gate=gate.path, reader=indented(READERS[how]))))
    # what a buffer of the module's own holds back is seen with the next that it reads
    waits = how not in ("iterating lines of text", "check_output", "communicate, stdout alone")
    place.printed(jid, "out")
    if waits and "communicate" in how:
        place.until(lambda: place.view(jid)["output"]["stderr_tail"] == ["err"])
    assert place.view(jid)["state"] == "running"
    gate.open()
    found = place.ended(jid)
    assert (found["err"]) == "err\n"
    assert found["out"].replace("err\n", "") == "out\nend"
    assert found["async_job"]["output"]["stdout_tail"][0] == "out"
    assert found["async_job"]["output"]["stdout_tail"][-1] == "end"
    assert found["async_job"]["output"]["stdout_bytes"] == len(found["out"])


@pytest.mark.parametrize("number", [2, 50])
def test_every_child_is_seen_and_descriptors_do_not_pile_up(place, number):
    text = """
        before = len(os.listdir("/proc/self/fd"))
        for number in range({0}):
            process = subprocess.Popen(["echo", str(number)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            process.communicate()
        del process
        print(json.dumps(dict(more=len(os.listdir("/proc/self/fd")) - before)))
    """
    found = place.result(place.ansiballz(text.format(number)))
    assert found["more"] <= 2  # the spools themselves
    output = found["async_job"]["output"]
    assert output["stdout_tail"] == [str(n) for n in range(number)][-10:]


def test_what_a_child_inherits_is_not_a_pipe_and_goes_its_way(place):
    """A child that writes where the module itself writes: its text is junk round the module's result."""
    text = """
        subprocess.Popen(["echo", "straight"], stderr=subprocess.DEVNULL).wait()
        subprocess.call(["sh", "-c", "echo also >&2"])
        print(json.dumps(dict(a=1)))
    """
    found = place.result(place.ansiballz(text))
    assert (found["a"], found["stderr"]) == (1, "also\n")


def test_a_command_that_is_not_there_fails_as_ever(place):
    text = """
        try:
            subprocess.Popen(["/no/such/command"], stdout=subprocess.PIPE)
        except OSError as error:
            print(json.dumps(dict(errno=error.errno, name=error.filename)))
    """
    found = place.result(place.ansiballz(text))
    assert (found["errno"], found["name"]) == (2, "/no/such/command")


def test_a_timeout_of_communicate_still_works(place):
    text = """
        process = subprocess.Popen("echo early; exec sleep 60", shell=True, stdout=subprocess.PIPE)
        try:
            process.communicate(timeout=1)
        except subprocess.TimeoutExpired:
            process.kill()
            print(json.dumps(dict(out=process.communicate()[0].decode("ascii"))))
    """
    found = place.result(place.ansiballz(text))
    assert found["out"] == "early\n"
    assert found["async_job"]["output"]["stdout_tail"] == ["early"]


def test_values_that_a_module_must_not_show_are_hidden(place):
    text = """
        class Module(object):
            no_log_values = set(["hunter2", u"gr\\u00fcn"])
            def run_command(self, command):
                process = subprocess.Popen(command, shell=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                return process.communicate()
        out, err = Module().run_command("printf 'pass hunt'; sleep 0.2; echo er2.; printf 'gr\\\\303\\\\274n!\\\\n' >&2")
        print(json.dumps(dict(out=out.decode("utf-8"))))
    """
    jid = place.start(place.ansiballz(text), preserve=False)
    found = place.ended(jid)
    assert found["out"] == "pass hunter2.\n"
    assert found["async_job"]["output"]["stdout_tail"] == ["pass ********."]
    assert found["async_job"]["output"]["stderr_tail"] == ["********!"]
    place.all_gone()
    assert place.text_on_disk("hunter2") == ["async/" + jid]  # in the module's own result, as ever


RESPAWN = """
secret_of_the_payload = 1
payload = '''
# -*- coding: utf-8 -*-
import json, os, subprocess, sys
out, err = subprocess.Popen("echo respawned; echo err >&2; read line < {gate}", shell=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE).communicate()
print(json.dumps(dict(out=out.decode("ascii"), name=__name__, argv=sys.argv[:1], text=u"gr\u00fcn")))
'''
reader, writer = os.pipe()
os.write(writer, payload.encode("utf-8"))
os.close(writer)
sys.exit(subprocess.call([{python!r}, "--"], stdin=reader))
"""


def test_a_module_that_respawns_is_seen_under_its_other_interpreter(place):
    gate = place.gate()
    path = place.ansiballz(RESPAWN.format(gate=gate.path, python=sys.executable))
    jid = place.start(path, preserve=False)
    place.printed(jid, "respawned")
    place.until(lambda: place.view(jid)["output"]["stderr_tail"] == ["err"])
    assert place.text_on_disk("secret_of_the_payload") == []
    gate.open()
    found = place.ended(jid)
    assert (found["out"], found["name"], found["argv"]) == ("respawned\n", "__main__", [""])
    assert found["text"] == "gr\u00fcn"
    assert found["async_job"]["state"] == "succeeded"


def test_the_same_goes_on_in_one_spool_before_and_after_a_respawn(place):
    text = f"""
        subprocess.Popen(["echo", "before"], stdout=subprocess.PIPE).communicate()
        reader, writer = os.pipe()
        os.write(writer, b"import subprocess; subprocess.Popen(['echo', 'after'], stdout=subprocess.PIPE).communicate(); print('{{}}')")
        os.close(writer)
        sys.exit(subprocess.call([{sys.executable!r}, "--"], stdin=reader))
    """
    output = place.result(place.ansiballz(text))["async_job"]["output"]
    assert (output["stdout_tail"], output["stdout_bytes"], output["truncated"]) == (
        ["before", "after"],
        13,
        False,
    )


def test_without_output_to_keep_nothing_is_tapped(place):
    text = """
        process = subprocess.Popen(["echo", "x"], stdout=subprocess.PIPE)
        print(json.dumps(dict(kind=type(process.stdout).__name__, out=process.communicate()[0].decode("ascii"))))
    """
    jid = place.start(place.ansiballz(text), environ={"ANSIBLE_ASYNC_OUTPUT_LIMIT": "0"})
    found = place.ended(jid)
    assert (found["out"], found["async_job"]["output"]["stdout_bytes"]) == ("x\n", 0)
    assert json.loads((place.async_dir / jid).read_text())["out"] == "x\n"


# run_command's way of reading, at the moment that counts: its select came back empty-handed, and the command has ended
GIVES_UP = """
def run_command(process):
    looks = []
    while True:
        status = process.poll()
        looks.append(status)
        if status is not None:
            return looks, b""
        data = process.stdout.read()
        if data:
            return looks, data
"""


@pytest.mark.parametrize(
    "file, said", [("/some/where/ansible/module_utils/basic.py", "late"), ("/other.py", "")]
)
def test_what_was_printed_last_is_read_before_run_command_is_told_of_the_end(place, file, said):
    module = f"""
        scope = {{}}
        exec(compile({GIVES_UP!r}, {file!r}, "exec"), scope)
        process = subprocess.Popen(["echo", "late"], stdout=subprocess.PIPE)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        looks, data = scope["run_command"](process)
        print(json.dumps(dict(looks=looks, said=data.decode().strip(), status=process.wait())))
    """
    found = place.result(place.ansiballz(module))
    assert (found["said"], found["status"]) == (said, 0)
    assert found["looks"] == ([None] if said else [0])


class Fed(list):
    """Notes what it is fed with, at that moment."""

    def feed(self, data):
        self.append(bytes(data))


@pytest.fixture
def pipe():
    reader, writer = os.pipe()
    fed = Fed()
    with io.BufferedReader(_TappedFile(open(reader, "rb", buffering=0), fed, {})) as tapped:
        with open(writer, "wb", buffering=0) as end:
            yield tapped, end, fed


def test_who_reads_to_the_end_reads_at_once_what_a_pipe_holds(pipe):
    tapped, end, fed = pipe
    printed = bytes(bytearray(range(256))) * 256
    end.write(printed)
    end.close()
    assert tapped.read() == printed
    assert fed == [printed, b""]


def test_reading_to_the_end_of_a_pipe_that_does_not_block_gives_what_there_is(pipe):
    tapped, end, fed = pipe
    os.set_blocking(tapped.fileno(), False)
    assert (tapped.read(), fed) == (None, [])
    end.write(b"some")
    assert (tapped.read(), fed) == (b"some", [b"some"])
    end.close()
    assert (tapped.read(), fed) == (b"", [b"some", b""])


def test_a_value_that_must_not_be_shown_is_hidden_where_one_reading_ends_within_it(place):
    text = """
        class Module(object):
            no_log_values = set(["hunter2"])
            def run_command(self, command):
                return subprocess.check_output(command, shell=True)
        out = Module().run_command("printf 'pass hunt'; sleep 0.2; echo er2.")
        print(json.dumps(dict(out=out.decode("ascii"))))
    """
    found = place.result(place.ansiballz(text))
    assert found["out"] == "pass hunter2.\n"
    assert found["async_job"]["output"]["stdout_tail"] == ["pass ********."]


def defined_names(tree):
    """The names that a module defines itself, each as often as it does."""
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                yield from (one.id for one in ast.walk(target) if isinstance(one, ast.Name))


def test_what_a_module_takes_along_is_one_text_that_stands_alone_and_defines_no_name_twice(
    amalgamation,
):
    texts = {part: amalgamation.file_of(part).read_text() for part in TAP_PARTS}
    assert amalgamation.parts_in_order(TAP_PARTS[-1]) == list(TAP_PARTS)
    tree = ast.parse(CarriedLibrary("", {}, texts).text_of(TAP_PARTS))
    levels = [node.level for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert levels and not any(levels)
    twice = [name for name, count in collections.Counter(defined_names(tree)).items() if count > 1]
    assert twice == []
