# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a timer runs: the program that the role installs, on jobs that have ended."""

import collections
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.errors import JobError
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.requests.housekeeping import (
    read_policy,
)

COLLECTION = Path(__file__).resolve().parents[4]
LIBRARY = COLLECTION / "plugins" / "module_utils" / "_jobs"
POLICY = {
    "async_dirs": ["~/jobs"],
    "older_than": "1d",
    "state": None,
    "name": None,
    "module": None,
    "keep": 0,
    "orphans": False,
    "remote_tmp": None,
}
Done = collections.namedtuple("Done", "returncode stdout stderr")


@pytest.fixture
def program(amalgamation, tmp_path):
    """The directory of the program, with what the module housekeeping_program puts into it."""
    place = tmp_path / "program"
    parts = amalgamation.parts_in_order("requests.housekeeping")
    for part in parts + amalgamation.packages_of(parts):
        source = amalgamation.file_of(part)
        copy = place / "longrun_jobs" / source.relative_to(LIBRARY)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(source.read_bytes())
    module = (COLLECTION / "plugins" / "modules" / "housekeeping_program.py").read_text()
    starter = re.search(r'^STARTER = """\\\n(.*?)"""$', module, re.MULTILINE | re.DOTALL).group(1)
    (place / "__main__.py").write_text(starter)
    return place


@pytest.fixture
def house(program, tmp_path):
    """Run the program: ``house(policy, *options)``. ``house.jobs`` is the async dir, with one old job and a young one."""
    jobs = tmp_path / "jobs"
    jobs.mkdir(mode=0o700)
    for jid, days in (("j1.1", 3), ("j2.2", 0)):
        (jobs / jid).write_text('{"rc": 0}')
        moment = time.time() - days * 86400
        os.utime(str(jobs / jid), (moment, moment))
    # as the role has it run
    variables = (COLLECTION / "roles" / "housekeeping" / "vars" / "main.yml").read_text()
    (python_options,) = re.findall(
        r"^__housekeeping_command: .*}} (-.*) {{", variables, re.MULTILINE
    )

    def house(policy, *options, python=sys.executable, cwd=None, environ=None):
        path = tmp_path / "policy.json"
        path.write_text(policy if isinstance(policy, str) else json.dumps(policy))
        with subprocess.Popen(
            [str(python), *python_options.split(), str(program), *options, str(path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=str(cwd or tmp_path),
            env=dict(environ or {}, HOME=str(tmp_path), LC_ALL="C"),
        ) as process:
            out, err = process.communicate(timeout=60)
        return Done(process.returncode, out.decode("ascii"), err.decode("ascii"))

    house.jobs = jobs
    return house


def test_it_removes_what_is_old_and_tells_so_in_one_line(house):
    done = house(POLICY)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(path.name for path in house.jobs.iterdir()) == ["j2.2"]
    (line,) = done.stdout.splitlines()
    assert json.loads(line) == {
        "msg": "removed 1 jobs and 0 leftovers",
        "failed": False,
        "async_dirs": ["~/jobs"],
        "removed": ["j1.1"],
        "orphans": [],
        "unreadable": [],
    }


@pytest.fixture
def trapped_python(tmp_path):
    """This Python with packages of its own, of which one ends it: as a virtual environment, whose packages are the host's here."""
    place = tmp_path / "venv"
    packages = place / "lib" / "python{}.{}".format(*sys.version_info) / "site-packages"
    packages.mkdir(parents=True)
    (packages / "sitecustomize.py").write_text("raise SystemExit('of the host')\n")
    real = Path(os.path.realpath(sys.executable))
    (place / "pyvenv.cfg").write_text(f"home = {real.parent}\n")
    (place / "bin").mkdir()
    (place / "bin" / "python").symlink_to(real)
    return place / "bin" / "python"


def test_nothing_of_the_user_and_of_the_hosts_packages_is_imported_and_nothing_is_written(
    house, program, trapped_python, tmp_path
):
    trap = tmp_path / "trap"
    trap.mkdir()
    for name in ("json", "longrun_jobs", "sitecustomize", "usercustomize"):
        (trap / f"{name}.py").write_text("raise SystemExit('of the user')\n")
    environ = {"PYTHONPATH": str(trap), "PYTHONSTARTUP": str(trap / "json.py")}
    done = house(POLICY, python=trapped_python, cwd=trap, environ=environ)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["removed"] == ["j1.1"]
    assert not [path for path in program.rglob("*") if path.suffix not in ("", ".py")]


def test_what_cannot_be_trusted_keeps_it_from_nothing_else_and_is_a_failure(house, tmp_path):
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    done = house(dict(POLICY, async_dirs=[str(tmp_path / "open"), "~/jobs", "/nowhere"]))
    assert (done.returncode, done.stdout) == (1, "")
    told = json.loads(done.stderr)
    assert told["removed"] == ["j1.1"]
    assert "is refused" in told["msg"]
    assert told["failed"]


def test_a_long_list_is_cut_and_counted(house):
    for number in range(30):
        (house.jobs / f"j9{number}.1").write_text('{"rc": 0}')
    told = json.loads(house(dict(POLICY, older_than="0s")).stdout)
    assert told["msg"] == "removed 32 jobs and 0 leftovers"
    assert len(told["removed"]) == 20


def test_reading_a_policy_removes_nothing(house):
    done = house(POLICY, "--check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert len(list(house.jobs.iterdir())) == 2


def test_a_policy_that_is_no_good_is_told_and_nothing_goes(house):
    done = house(dict(POLICY, older_than="soon"))
    assert done.returncode == 1
    assert "cannot be used: older_than: 'soon' is not a valid duration" in done.stderr
    assert len(list(house.jobs.iterdir())) == 2


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("[]", "it is no JSON object"),
        ("{", "Expecting property name"),
        ({}, "async_dirs is missing"),
        (dict(POLICY, async_dir="/x"), "async_dir is no option"),
        (dict(POLICY, async_dirs=None), "async_dirs: None is no list"),
        (dict(POLICY, keep="5"), "keep: '5' is no int"),
        (dict(POLICY, keep=True), "keep: True is no int"),
        (dict(POLICY, keep=-1), "keep: -1 is not a valid number"),
        (dict(POLICY, state=["running"]), "state: 'running' is none of succeeded, failed"),
    ],
)
def test_what_is_wrong_with_a_policy_is_told(policy, message):
    with pytest.raises((ValueError, JobError)) as caught:
        read_policy(policy if isinstance(policy, str) else json.dumps(policy))
    assert message in str(caught.value)
