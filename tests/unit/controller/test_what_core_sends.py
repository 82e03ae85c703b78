# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The facts in ``model/core_formats.py``, held to what the ansible-core that runs these tests really sends and calls."""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model import core_formats
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.core_formats import (
    ANSIBALLZ_ENTRIES,
    embedded_zip,
    guess_no_log,
    imported_name,
    is_ansiballz,
    is_core_wrapper,
    is_task_dir,
    module_name,
    parse_invocation,
    removed_by_wrapper,
)

# stands in the place of core's async_wrapper, and keeps what it is called with
RECORDER = """#!/usr/bin/python
import json, os, sys
with open("/proc/self/cmdline", "rb") as source:
    words = source.read().decode().split("\\0")[:-1]
def text(path):
    with open(path) as source:
        return source.read()
here = os.path.dirname(os.path.abspath(sys.argv[0]))
files = {word: text(word) for word in sys.argv[1:] if os.path.dirname(word) == here}
with open(os.environ["RECORDED"], "w") as target:
    json.dump({"argv": sys.argv, "words": words, "files": files}, target)
print(json.dumps({"started": 1, "finished": 0, "ansible_job_id": "j1.1", "results_file": "/nowhere"}))
"""
# does what unmodified modules do with commands
SECRETIVE = """#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.respawn import has_respawned, respawn_module
from ansible.module_utils.common.locale import get_best_parsable_locale
import sys
module = AnsibleModule(argument_spec={"password": {"no_log": True}})
if not has_respawned():
    module.run_command(["/bin/echo", "said"])
    get_best_parsable_locale(module)
    respawn_module(sys.executable)
module.exit_json(changed=False)
"""
# runs an AnsiballZ, and writes down what it makes and runs
DRIVER = """
import json, os, runpy, subprocess, sys, tempfile
path, facts, out = sys.argv[1:]
told = {"zips": [], "commands": []}
code = {}
with open(facts) as source:
    exec(source.read(), code)
make, Popen = tempfile.mkdtemp, subprocess.Popen
def mkdtemp(*given, **named):
    made = make(*given, **named)
    told["zips"].append(code["payload_zip"](made))
    return made
class Watched(Popen):
    def __init__(self, args, *more, **named):
        frame = sys._getframe(1)
        told["commands"].append({
            "args": [os.fsdecode(one) for one in args] if isinstance(args, list) else args,
            "secrets": [one.decode() for one in code["no_log_values"](frame)],
            "run_command": code["is_run_command"](frame.f_code),
            "respawn": code["is_respawn"](args, named.get("stdin")),
            "locales": code["asks_for_locales"](args),
        })
        super().__init__(args, *more, **named)
tempfile.mkdtemp, subprocess.Popen = mkdtemp, Watched
sys.argv = [path]
try:
    runpy.run_path(path, run_name="__main__")
finally:
    with open(out, "w") as target:
        json.dump(told, target)
"""
PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  tasks:
    - {action}
      async: 7
      poll: 0
      no_log: {no_log}
"""


@pytest.fixture
def recorded(tmp_path: Path) -> Any:
    """Start a task with ``async``; return what core calls async_wrapper with: argv, words, files."""

    def record(action: str, no_log: bool = False) -> dict[str, Any]:
        library = tmp_path / "library"
        library.mkdir(exist_ok=True)
        (library / "async_wrapper.py").write_text(RECORDER)
        (library / "secretive.py").write_text(SECRETIVE)
        playbook = tmp_path / "play.yml"
        playbook.write_text(PLAYBOOK.format(action=action, no_log=no_log))
        env = dict(
            {name: text for name, text in os.environ.items() if not name.startswith("ANSIBLE_")},
            ANSIBLE_LIBRARY=str(library),
            ANSIBLE_REMOTE_TEMP=str(tmp_path / "tmp"),
            ANSIBLE_LOCAL_TEMP=str(tmp_path / "local"),
            ANSIBLE_HOME=str(tmp_path / "home"),
            ANSIBLE_KEEP_REMOTE_FILES="0",
            ANSIBLE_PYTHON_INTERPRETER=sys.executable,
            RECORDED=str(tmp_path / "recorded.json"),
            LC_ALL="C.UTF-8",
        )
        command = [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,", "-c", "local"]
        done = subprocess.run(
            [*command, str(playbook)], env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        found: dict[str, Any] = json.loads((tmp_path / "recorded.json").read_text())
        return found

    return record


def test_core_calls_its_wrapper_in_a_way_that_is_understood(recorded: Any) -> None:
    told = recorded("ansible.builtin.command: echo said")
    call = parse_invocation(told["argv"])
    assert (call.timeout, call.preserve_tmp) == (7.0, False)
    assert call.path in told["files"]
    assert call.command[-1] == call.path
    assert is_task_dir(os.path.dirname(call.path))
    words = [word.encode() for word in told["words"]]
    assert is_core_wrapper(words)
    assert removed_by_wrapper(words) == os.path.dirname(call.path)


def test_what_core_builds_of_a_python_module_is_recognised(recorded: Any) -> None:
    told = recorded("ansible.builtin.command: echo said")
    path = parse_invocation(told["argv"]).path
    text = told["files"][path].encode()
    assert is_ansiballz(text[:8192])
    assert imported_name(text) == "ansible.modules.command"
    assert module_name(path, text) == "ansible.builtin.command"
    assert module_name(path, b"#!/bin/sh") == "command"
    data = embedded_zip(text)
    assert data is not None
    names = zipfile.ZipFile(io.BytesIO(base64.b64decode(data))).namelist()
    assert "ansible/modules/command.py" in names
    assert [it for it in ANSIBALLZ_ENTRIES if it.replace(".", "/") + ".py" in names]


@pytest.mark.parametrize("no_log", [True, False])
def test_whether_a_task_has_no_log_can_be_guessed_of_what_core_sends(
    recorded: Any, no_log: bool
) -> None:
    told = recorded("ansible.builtin.command: echo said", no_log)
    assert guess_no_log("".join(told["files"].values()).encode()) is no_log


def test_what_a_module_of_cores_does_with_commands_is_recognised(
    recorded: Any, tmp_path: Path
) -> None:
    told = recorded("secretive: {password: hunter2}")
    path = parse_invocation(told["argv"]).path
    payload = tmp_path / "AnsiballZ_secretive.py"
    payload.write_text(told["files"][path])
    out = tmp_path / "out.json"
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, str(payload), str(core_formats.__file__), str(out)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert json.loads(done.stdout.splitlines()[-1])["changed"] is False, done.stderr
    seen = json.loads(out.read_text())
    assert [Path(it).name for it in seen["zips"] if it] == ["ansible_secretive_payload.zip"]
    echo, locales, respawn = seen["commands"]
    assert echo["args"] == ["/bin/echo", "said"]
    assert (echo["secrets"], echo["run_command"]) == (["hunter2"], True)
    assert (locales["locales"], echo["locales"], respawn["locales"]) == (True, False, False)
    assert (respawn["respawn"], echo["respawn"], locales["respawn"]) == (True, False, False)
