# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The same tarball from what ansible-galaxy builds, whenever and on whatever file system."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import tarfile
from pathlib import Path

import pytest

PROGRAM = Path(__file__).resolve().parents[3] / "tools" / "tarball.py"
EPOCH = 1_700_000_000


@pytest.fixture
def tool():
    spec = importlib.util.spec_from_file_location("tarball_under_test", PROGRAM)
    assert spec is not None and spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool


def as_galaxy_builds(path: Path, names: list[str], mtime: int) -> Path:
    """A tarball with files of these names, listed and packed in this order."""
    files = json.dumps({"files": [{"name": name, "ftype": "file"} for name in names], "format": 1})
    manifest = {"file_manifest_file": {"chksum_sha256": hashlib.sha256(files.encode()).hexdigest()}}
    contents = {"MANIFEST.json": json.dumps(manifest), "FILES.json": files}
    contents.update((name, f"text of {name}") for name in names)
    with tarfile.open(path, "w:gz") as box:
        for name, text in contents.items():
            member = tarfile.TarInfo(name)
            member.mtime, member.size, member.uname = mtime, len(text), f"user{mtime}"
            box.addfile(member, io.BytesIO(text.encode()))
    return path


def test_the_order_of_a_file_system_and_the_time_do_not_matter(tool, tmp_path):
    one = as_galaxy_builds(tmp_path / "one", ["a", "b/c", "b/d"], mtime=1)
    two = as_galaxy_builds(tmp_path / "two", ["b/d", "a", "b/c"], mtime=2_000_000)
    assert one.read_bytes() != two.read_bytes()
    for built in (one, two):
        tool.normalise(built, built.with_suffix(".normal"), EPOCH)
    first, second = (built.with_suffix(".normal") for built in (one, two))
    assert first.read_bytes() == second.read_bytes()


def test_the_manifest_comes_first_and_vouches_for_the_list_of_files(tool, tmp_path):
    built = as_galaxy_builds(tmp_path / "built", ["b", "a"], mtime=1)
    tool.normalise(built, tmp_path / "normal", EPOCH)
    with tarfile.open(tmp_path / "normal") as box:
        assert box.getnames() == ["MANIFEST.json", "FILES.json", "a", "b"]
        assert {member.mtime for member in box} == {EPOCH}
        read = {name: box.extractfile(name).read() for name in box.getnames()}
    checksum = json.loads(read["MANIFEST.json"])["file_manifest_file"]["chksum_sha256"]
    assert checksum == hashlib.sha256(read["FILES.json"]).hexdigest()
    assert read["a"] == b"text of a"


def test_what_is_no_tarball_of_a_collection_is_refused(tool, tmp_path):
    with tarfile.open(tmp_path / "built", "w:gz"):
        pass
    with pytest.raises(tool.TarballError, match="is not the tarball of a collection"):
        tool.normalise(tmp_path / "built", tmp_path / "normal", EPOCH)


def test_the_time_is_the_one_that_is_given(tool, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert tool.epoch_of(tmp_path) == 86400
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(tool.TarballError, match="SOURCE_DATE_EPOCH"):
        tool.epoch_of(tmp_path)
