# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A place of its own for each test that starts jobs, and the end of every process that it leaves."""

import base64
import errno
import hashlib
import importlib.util
import json
import os
import random
import re
import signal
import stat
import subprocess
import sys
import textwrap
import threading
import time
import zlib
from pathlib import Path

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.inspection.look import Job
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.requests.status import (
    answer_status,
)
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system.kernel import (
    System,
    process_start,
)
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system.store import open_async_dir

COLLECTION = Path(__file__).resolve().parents[3]
LIBRARY = COLLECTION / "plugins" / "module_utils" / "_jobs"
SECONDS = 20.0  # for what takes a tenth of a second on an idle machine
# the controller's part of jids: tests under another Python, at the same time, end jobs by theirs
GIVEN = f"j{random.randrange(10**11, 10**12)}"

# async_wrapper with another kernel below it: the text defines what fails
FAULTY_WRAPPER = """
import errno, importlib.util, json, os, sys, time
spec = importlib.util.spec_from_file_location("wrapper_under_test", sys.argv[1])
w = importlib.util.module_from_spec(spec)
spec.loader.exec_module(w)
library = w.CarriedLibrary("", {{}}, w.TEXTS)
sys.meta_path.insert(0, library)
from longrun_jobs.requests import wrapper
from longrun_jobs.system import kernel
w.System = kernel.System
def fails(number):
    raise OSError(number, os.strerror(number))
class Faulty(w.System):
    pass
{faults}
answer, status = wrapper.wrap(Faulty(), sys.argv[1:], dict(os.environ), library, wrapper.Chores())
sys.stdout.write(json.dumps(answer) + "\\n")
sys.stdout.flush()
os._exit(status)
"""


def until(question, seconds=SECONDS):
    """The first true answer to the question; a failed test if there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > deadline:
            pytest.fail(f"waited for {seconds:g} seconds in vain")
        time.sleep(0.01)


def alive(pid, start):
    """Whether the very process lives; a zombie does not."""
    return process_start(pid) == start and System.processes().get(pid, (0, 0, "Z"))[2] not in "ZX"


def _open_paths(pid):
    """What a process has open; nothing if it has ended or is not ours to look at."""
    directory = f"/proc/{pid}/fd"
    try:
        return [os.readlink(f"{directory}/{name}") for name in os.listdir(directory)]
    except OSError:
        return []


class Gate:
    """What a module waits at until the test opens it: ``open(path).readline()``."""

    def __init__(self, path):
        self.path = str(path)
        os.mkfifo(self.path)
        self._fd = os.open(self.path, os.O_RDWR | os.O_NONBLOCK)

    def reached(self):
        """Wait until a module has come to it: one that was started may not have run a line yet."""
        until(self._has_reader)

    def _has_reader(self):
        for pid in System.processes():
            if pid != os.getpid() and self.path in _open_paths(pid):
                return True
        return False

    def open(self, line="\n"):
        os.write(self._fd, line.encode("ascii"))

    def close(self):
        os.close(self._fd)


class Place:
    """An async dir, a home and a temporary directory as a task on a target has them."""

    given = GIVEN
    until = staticmethod(until)
    alive = staticmethod(alive)

    def __init__(self, root, wrapper):
        self.root = root
        self.wrapper = wrapper
        self.async_dir = root / "async"
        self.home = root / "home"
        self.home.mkdir()
        self.system = System()
        self.environ = dict(os.environ, HOME=str(self.home), ANSIBLE_ASYNC_DIR=str(self.async_dir))
        self.environ["TMPDIR"] = str(root)
        self.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        self._gates = []
        self._count = 0
        self.started = False  # whether there can be processes to end

    # what a task has

    def gate(self, name="gate"):
        gate = Gate(self.root / name)
        self._gates.append(gate)
        return gate

    def task_dir(self):
        self._count += 1
        path = self.root / f"ansible-tmp-{self._count}-1-1"
        path.mkdir(mode=0o700)
        return path

    def script(self, text, name="module", first_line="#!/bin/sh"):
        path = self.task_dir() / name
        path.write_bytes(
            (first_line + "\n").encode("utf-8") + textwrap.dedent(text).encode("utf-8")
        )
        path.chmod(0o700)
        return path

    def ansiballz(self, text, name="AnsiballZ_demo.py"):
        """A Python file that the wrapper takes for an AnsiballZ."""
        head = "# -*- coding: utf-8 -*-\n_ANSIBALLZ_WRAPPER = True\nimport json, os, subprocess, sys, time\n"
        return self.script(head + textwrap.dedent(text), name, "#!" + sys.executable)

    # starting

    def argv(
        self, path, limit=60, args=None, preserve=True, since_2_21=True, interpreter=sys.executable
    ):
        if since_2_21:
            argv = [GIVEN, str(limit), "true" if preserve else "false", str(path)]
            argv += ([interpreter] if interpreter else []) + [str(path)]
            return argv + ([str(args)] if args else [])
        return [GIVEN, str(limit), str(path), str(args or "_")] + (
            ["-preserve_tmp"] if preserve else []
        )

    def run(self, command, environ=None, umask=None, cwd=None, pass_fds=()):
        self.started = True
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(self.environ, **(environ or {})),
            cwd=str(cwd or self.root),
            preexec_fn=(lambda: os.umask(umask)) if umask is not None else None,
            pass_fds=pass_fds,
        )
        try:
            stdout, stderr = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        assert stderr == b"", stderr.decode("utf-8", "replace")
        assert stdout.count(b"\n") == 1
        return json.loads(stdout.decode("ascii")), process.returncode

    def call(self, path, environ=None, umask=None, cwd=None, pass_fds=(), by=(), **how):
        """Run async_wrapper as core does; its answer and exit status. by: the command that runs it, if one does."""
        command = [*by, sys.executable, str(self.wrapper)] + self.argv(path, **how)
        return self.run(command, environ, umask, cwd, pass_fds)

    def start(self, path, **how):
        """The jid of a job that was started."""
        answer, status = self.call(path, **how)
        assert (status, answer["failed"], answer["started"], answer["finished"]) == (
            0,
            False,
            True,
            False,
        ), answer
        return answer["ansible_job_id"]

    def call_faulty(self, faults, path, environ=None, **how):
        """Run async_wrapper on a kernel that fails: ``faults`` sets methods of the class Faulty."""
        text = FAULTY_WRAPPER.format(faults=textwrap.dedent(faults))
        return self.run(
            [sys.executable, "-c", text, str(self.wrapper)] + self.argv(path, **how), environ
        )

    def start_faulty(self, faults, path, **how):
        answer, status = self.call_faulty(faults, path, **how)
        assert status == 0, answer
        return answer["ansible_job_id"]

    # looking

    def directory(self, system=None):
        return open_async_dir(system or self.system, str(self.async_dir))

    def job(self, jid, system=None):
        return Job.open(system or self.system, str(self.async_dir), jid)

    def status(self, jid, system=None, **options):
        params = {
            "jid": jid,
            "results_file": None,
            "mode": "status",
            "wait": 0,
            "tail_lines": 10,
            "cursor": None,
        }
        params.update(cleanup=False, force=False, _async_dir=str(self.async_dir))
        params.update(options)
        return answer_status(system or self.system, params, self.environ, False)

    def ended(self, jid, **options):
        """The status of a job that ends by itself, in time."""
        found = self.status(jid, wait=SECONDS, **options)
        assert found["finished"] is True, found
        return found

    def result(self, path, **how):
        return self.ended(self.start(path, **how))

    def view(self, jid):
        return self.status(jid)["async_job"]

    def job_dir(self, jid):
        return self.async_dir / ".longrun" / jid

    def text(self, jid, name):
        """What a file in the job directory holds by now; nothing if it is not yet there."""
        path = self.job_dir(jid) / name
        return path.read_text() if path.exists() else ""

    def record(self, jid):
        return json.loads((self.job_dir(jid) / "record.json").read_text())

    def supervisor(self, jid):
        """That of a job that was started just now is still to come."""
        found = until(lambda: self.record(jid)["supervisor"])
        return found["pid"], found["start"]

    def module(self, jid):
        found = until(lambda: self.record(jid)["process"])
        return found["pid"], found["start"]

    def printed(self, jid, line):
        """Wait until a line of stdout can be seen."""
        until(lambda: line in self.view(jid)["output"]["stdout_tail"])

    def noted(self, name):
        """Wait for the process that a module writes to a file: its pid and start time."""
        path = self.root / name
        until(lambda: path.exists() and path.read_text().endswith("\n"))
        pid = int(path.read_text())
        return pid, process_start(pid)

    def kill(self, process, number=signal.SIGKILL):
        pid, start = process
        assert System.kill(pid, start, number)
        if number == signal.SIGKILL:
            self.gone(process)

    def gone(self, process, seconds=SECONDS):
        until(lambda: not alive(*process), seconds)

    def processes(self):
        """Everything that was started here: what it started in turn has the same variable."""
        mark = b"ANSIBLE_ASYNC_DIR=" + os.fsencode(str(self.async_dir))
        found = []
        for pid, (_parent, start, state) in System.processes().items():
            if state not in "ZX" and mark in System.process_file(pid, "environ").split(b"\0"):
                found.append((pid, start))
        return found

    def all_gone(self):
        """Wait until nothing that was started here is left: a supervisor ends after the last word about its job."""
        until(lambda: not self.processes())

    def close(self):
        for gate in self._gates:
            gate.close()
        deadline = time.monotonic() + SECONDS
        while self.started and time.monotonic() < deadline:
            left = self.processes()
            if not left:
                break
            for pid, start in left:
                System.kill(pid, start, signal.SIGKILL)
            time.sleep(0.01)

    def kept_by_wrapper(self):
        """Where async_wrapper keeps its compiled parts."""
        digest = re.search(r"run_wrapper\(TEXTS, .(\w+).\)", self.wrapper.read_text()).group(1)
        return self.async_dir / ".longrun" / f"library-{sys.hexversion:x}-{digest}.code"

    def files(self):
        """Every file below the async dir, as a path relative to it; but for the code that is kept for the next start."""
        kept = self.kept_by_wrapper()
        found = []
        for path, _unused, names in os.walk(str(self.async_dir)):
            found += [
                os.path.relpath(os.path.join(path, name), str(self.async_dir))
                for name in names
                if os.path.join(path, name) != str(kept)
            ]
        return sorted(found)

    def text_on_disk(self, text):
        """The files below this place that hold a text."""
        found = []
        for path, _unused, names in os.walk(str(self.root)):
            for name in names:
                full = os.path.join(path, name)
                try:
                    regular = stat.S_ISREG(os.lstat(full).st_mode)
                    data = Path(full).read_bytes() if regular else b""
                except FileNotFoundError:
                    continue  # a temporary file that has its last name by now
                if text.encode("utf-8") in data:
                    found.append(os.path.relpath(full, str(self.root)))
        return found


@pytest.fixture(autouse=True)
def _deadline():
    """No test hangs for ever: one that would fails where it stands."""

    def stop(_number, _frame):
        pytest.fail("the test takes longer than a minute")

    # not by SIGALRM, which a wait for a job uses itself
    previous = signal.signal(signal.SIGUSR2, stop)
    timer = threading.Timer(60, os.kill, (os.getpid(), signal.SIGUSR2))
    timer.start()
    yield
    timer.cancel()
    timer.join()
    signal.signal(signal.SIGUSR2, previous)


@pytest.fixture(scope="session")
def amalgamation():
    """The tool that makes async_wrapper of the sources."""
    path = COLLECTION / "tools" / "amalgamate.py"
    spec = importlib.util.spec_from_file_location("amalgamate_for_tests", str(path))
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool


@pytest.fixture(scope="session")
def generated_wrapper(amalgamation, tmp_path_factory):
    """async_wrapper as the sources are now: the one in the collection may be of yesterday."""
    path = tmp_path_factory.mktemp("wrapper") / "async_wrapper.py"
    path.write_text(amalgamation.amalgamate(), encoding="utf-8")
    return path


@pytest.fixture
def place(tmp_path, generated_wrapper):
    place = Place(tmp_path, generated_wrapper)
    try:
        yield place
    finally:
        place.close()


class FaultySystem(System):
    """The kernel, but for the calls named: ``FaultySystem(fsync="EIO")``, or with a function that says when."""

    def __init__(self, **faults):
        for name, fault in faults.items():
            number, when = fault if isinstance(fault, tuple) else (fault, None)
            setattr(self, name, self._failing(getattr(System, name), getattr(errno, number), when))

    @staticmethod
    def _failing(call, number, when):
        def failing(*args, **options):
            if when is None or when(*args, **options):
                raise OSError(number, os.strerror(number))
            return call(*args, **options)

        return failing


@pytest.fixture
def faulty_system():
    return FaultySystem


def _packed(value):
    return base64.b64encode(zlib.compress(json.dumps(value).encode("utf-8"))).decode("ascii")


@pytest.fixture
def carried_program():
    """What the carrier sends, as ``carrier.program`` makes it, on any Python."""

    def program(operation, params, check_mode=False, texts=(), with_library=True, **changed):
        """changed: the text of some parts of the library, or what becomes of it."""
        library = {}
        for path in LIBRARY.rglob("*.py"):
            words = path.relative_to(LIBRARY).with_suffix("").parts
            part = ".".join(words[:-1] if words[-1] == "__init__" else words)
            library[part] = path.read_text(encoding="utf-8")
        boot = library.pop("carrier.boot")
        library.pop("carrier.wrapper_boot")
        for part, text in changed.items():
            (part,) = [name for name in library if name.rpartition(".")[2] == part]
            library[part] = text(library[part]) if callable(text) else text
        packed = _packed(library)
        digest = hashlib.sha256(packed.encode("ascii")).hexdigest()[:16]
        directory = os.path.join(params.get("_async_dir") or "~/.ansible_async", ".longrun")
        request = {"operation": operation, "params": params, "check_mode": check_mode}
        given = (packed if with_library else None, digest, directory, _packed(request), list(texts))
        return f"{boot}\n\nboot{given!a}\n"

    return program
