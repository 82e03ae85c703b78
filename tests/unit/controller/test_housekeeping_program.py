# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The program that the role housekeeping installs: sent by Ansible, in the files that it needs and no others."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

COLLECTION = Path(__file__).resolve().parents[3]
LIBRARY = COLLECTION / "plugins" / "module_utils" / "_jobs"


@pytest.fixture
def install(tmp_path):
    """Run the module on this machine: ``install(*options)`` of ``ansible``. ``install.place`` is where the program goes."""
    place = tmp_path / "program"

    def install(*options, path=place):
        command = [sys.executable, "-m", "ansible", "adhoc", "localhost", "--connection=local"]
        command += ["--module-name=longrun.jobs.housekeeping_program", f"--args=path={path}"]
        done = subprocess.run(
            [*command, *options],
            cwd=tmp_path,
            env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "0"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        diff, _unused, result = done.stdout.rpartition("localhost | ")
        return {"diff": diff, **json.loads(result.partition("=> ")[2])}

    install.place = place
    return install


def needed():
    """The files of the library that are imported, directly or not, by the one that the program begins with."""
    path = COLLECTION / "tools" / "amalgamate.py"
    spec = importlib.util.spec_from_file_location("amalgamate_for_program", path)
    assert spec is not None and spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    parts = tool.parts_in_order("requests.housekeeping")
    return {tool.file_of(part).relative_to(LIBRARY) for part in [*parts, *tool.packages_of(parts)]}


def contents(place):
    """The bytes of each file below a directory, by its path there."""
    return {
        path.relative_to(place): path.read_bytes() for path in place.rglob("*") if path.is_file()
    }


def test_it_is_what_is_needed_of_the_library_as_it_is_in_the_collection(install):
    told = install()
    installed = contents(install.place)
    starter = installed.pop(Path("__main__.py"))
    assert b"longrun_jobs.requests.housekeeping" in starter
    assert installed == {
        Path("longrun_jobs") / path: (LIBRARY / path).read_bytes() for path in needed()
    }
    assert told["changed"] is True
    everything = [install.place, *install.place.rglob("*")]
    assert sorted(told["installed"]) == sorted(map(str, everything))
    assert {path.stat().st_mode & 0o7777 for path in everything if path.is_dir()} == {0o755}
    assert {path.stat().st_mode & 0o7777 for path in everything if path.is_file()} == {0o644}


def test_a_second_time_nothing_changes(install):
    install()
    before = {path: path.stat().st_mtime_ns for path in install.place.rglob("*")}
    told = install()
    assert (told["changed"], told["installed"], told["removed"]) == (False, [], [])
    assert {path: path.stat().st_mtime_ns for path in install.place.rglob("*")} == before


def test_what_is_not_as_it_should_be_is_put_right_and_what_was_of_another_version_goes(install):
    install()
    whole = contents(install.place)
    package = install.place / "longrun_jobs"
    (package / "model" / "jid.py").write_bytes(b"changed = '\xff'\n")
    (package / "model" / "states.py").unlink()
    (package / "model" / "record.py").chmod(0o600)
    (package / "system").chmod(0o700)
    (package / "requests" / "prune.py").rename(package / "elsewhere.py")
    (package / "requests" / "prune.py").symlink_to(package / "elsewhere.py")
    (package / "inspection" / "view.py").unlink()
    (package / "inspection" / "view.py").mkdir()
    (package / "gone").mkdir()
    (package / "gone" / "part.py").write_text("")
    (install.place / "README").write_text("of somebody else")
    told = install("--diff")
    assert told["changed"] is True
    names = ["model/jid.py", "model/states.py", "model/record.py", "system"]
    names += ["requests/prune.py", "inspection/view.py"]
    assert sorted(told["installed"]) == sorted(str(package / name) for name in names)
    names = ["elsewhere.py", "gone", "inspection/view.py", "requests/prune.py"]
    assert sorted(told["removed"]) == [str(package / name) for name in names]
    assert told["foreign"] == ["README"]
    assert "-changed = '\\xff'" in told["diff"]
    assert (install.place / "README").read_text() == "of somebody else"
    (install.place / "README").unlink()
    assert contents(install.place) == whole
    assert not (package / "requests" / "prune.py").is_symlink()
    assert (package / "system").stat().st_mode & 0o7777 == 0o755
    assert (package / "model" / "record.py").stat().st_mode & 0o7777 == 0o644


def test_check_mode_tells_the_same_and_changes_nothing(install):
    told = install("--check")
    assert not install.place.exists()
    assert told["changed"] is True
    assert told["installed"] == install()["installed"]
    (install.place / "longrun_jobs" / "other.py").write_text("")
    (install.place / "longrun_jobs" / "model" / "jid.py").unlink()
    told = install("--check")
    assert told["removed"] == [str(install.place / "longrun_jobs" / "other.py")]
    assert told["installed"] == [str(install.place / "longrun_jobs" / "model" / "jid.py")]
    assert Path(told["removed"][0]).exists()
    assert not Path(told["installed"][0]).exists()


def test_a_path_that_cannot_be_meant_is_refused(install, tmp_path):
    told = install(path="here")
    assert told["msg"] == "the program cannot be installed: path: here is not an absolute path"
    told = install(path=tmp_path / "nowhere" / "program")
    assert "the program cannot be installed: " in told["msg"]
    assert "No such file or directory" in told["msg"]
    assert list(tmp_path.iterdir()) == []
