# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the carrier sends, run as a target runs it: by a bare interpreter that has nothing but its standard input."""

import base64
import json
import os
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.operations import perform

PACKAGE = Path(__file__).resolve().parents[3] / "plugins" / "module_utils" / "_jobs"


def packed(value):
    return base64.b64encode(zlib.compress(json.dumps(value).encode("utf-8"))).decode("ascii")


def program(operation, params, check_mode=False, **changed):
    """As ``carrier.program`` makes it, on any Python."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in PACKAGE.glob("*.py")}
    texts[""] = texts.pop("__init__")
    boot = texts.pop("boot")
    texts.update(changed)
    request = {"operation": operation, "params": params, "check_mode": check_mode}
    return f"{boot}\n\nboot({packed(texts)!r}, {packed(request)!r})\n"


def run(place, text, *flags):
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", *flags, "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=str(place.root),
        env={"HOME": str(place.home), "PATH": os.environ["PATH"], "LC_ALL": "C"},
    )
    stdout, stderr = process.communicate(text.encode("ascii"), timeout=20)
    return stdout.decode("ascii"), stderr.decode("utf-8"), process.returncode


def carried(place, operation, params, check_mode=False):
    stdout, stderr, status = run(place, program(operation, params, check_mode))
    assert (stderr, status) == ("", 0)
    assert (
        stdout.count("\n") == 2
    )  # an empty line first: what a login shell prints without one is no JSON
    return json.loads(stdout)


@pytest.fixture
def ended(place):
    return place.result(
        place.ansiballz("print(json.dumps({'changed': True, 'said': 'caf\\u00e9'}))")
    )["ansible_job_id"]


@pytest.mark.parametrize("module", ["async_status", "async_info", "async_cancel", "async_prune"])
def test_the_carried_answer_is_the_modules_own(place, ended, module, monkeypatch):
    params = {"_async_dir": str(place.async_dir), "remote_tmp": str(place.root / "tmp")}
    params.update({"jid": ended} if module == "async_status" else {})
    params.update({"jids": [ended]} if module == "async_cancel" else {})
    monkeypatch.setenv("HOME", str(place.home))
    assert carried(place, module, params, True) == perform(module, params, True)


def test_a_refusal_is_an_answer_too(place):
    found = carried(place, "async_status", {"jid": "j1.2", "_async_dir": str(place.async_dir)})
    assert (found["failed"], found["finished"]) == (True, True)
    assert found["msg"].startswith("could not find job j1.2")
    assert carried(place, "async_info", {"older_than": "soon"})["msg"].startswith(
        "older_than: 'soon'"
    )


def test_check_mode_is_carried(place, ended):
    params = {"jid": ended, "mode": "cleanup", "_async_dir": str(place.async_dir)}
    carried(place, "async_status", params, check_mode=True)
    assert (place.async_dir / ended).exists()
    carried(place, "async_status", params)
    assert not (place.async_dir / ended).exists()


def test_home_is_where_the_target_says(place, ended):
    os.rename(str(place.async_dir), str(place.home / ".ansible_async"))
    found = carried(place, "async_info", {"_async_dir": "~/.ansible_async"})
    assert found["async_dir"] == str(place.home / ".ansible_async")
    assert [view["id"] for view in found["jobs"]] == [ended]


def test_nothing_is_written_and_nothing_is_looked_for_on_the_target(place, ended):
    before = sorted(str(path) for path in place.root.rglob("*"))
    (place.root / "longrun_jobs.py").write_text("raise AssertionError('not this one')")
    (place.root / "json.py").write_text("raise AssertionError('not this one')")
    carried(place, "async_info", {"_async_dir": str(place.async_dir)})
    (place.root / "longrun_jobs.py").unlink()
    (place.root / "json.py").unlink()
    assert sorted(str(path) for path in place.root.rglob("*")) == before


def test_only_what_is_asked_for_is_compiled(place, ended):
    params = {"_async_dir": str(place.async_dir)}
    text = program("async_info", params, cancel="this is no Python", prune="nor is this")
    stdout, stderr, status = run(place, text)
    assert (stderr, status) == ("", 0)
    assert [view["id"] for view in json.loads(stdout)["jobs"]] == [ended]


def test_a_fault_names_the_part_of_the_library_in_which_it_is(place):
    broken = (PACKAGE / "listing.py").read_text(encoding="utf-8")
    broken += "\n\ndef answer_info(*_args):\n    raise ZeroDivisionError('on purpose')\n"
    stdout, stderr, status = run(place, program("async_info", {}, listing=broken))
    assert (stdout, status) == ("", 1)
    assert "<longrun_jobs.listing>" in stderr
    assert stderr.endswith("ZeroDivisionError: on purpose\n")


def test_warnings_as_errors_do_not_disturb_it(place, ended):
    """ResourceWarning included: what was opened is closed."""
    text = program("async_info", {"_async_dir": str(place.async_dir)})
    stdout, stderr, status = run(place, text, "-W", "error")
    assert (stderr, status) == ("", 0)
    assert len(json.loads(stdout)["jobs"]) == 1
