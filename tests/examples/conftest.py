# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Readers for the tests of this directory. ``make examples`` starts their machines and sets the variables."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))

from story import Story, copy_checkout  # it is found only now

_SAMPLE = HERE / "playbooks" / "sample.yml"


@pytest.fixture(scope="session")
def machines(worker_id: str) -> Path:
    """The directory with the key and the ports of this worker's machines."""
    sets: list[str] = json.loads(os.environ["LONGRUN_JOBS_MACHINES"])
    return Path(sets[0 if worker_id == "master" else int(worker_id.removeprefix("gw"))])


@pytest.fixture(scope="session")
def collection() -> Path:
    """The installed collection."""
    return Path(os.environ["LONGRUN_JOBS_COLLECTION"])


@pytest.fixture(scope="session")
def sample(machines: Path, collection: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A status of a job that reports progress, as documents show parts of it."""
    place = tmp_path_factory.mktemp("sample")
    reader = Story(place, machines, dict)
    reader.install(collection)
    reader.prepare()
    reader.play(_SAMPLE, f"--extra-vars=sample_file={place}/sample.json")
    return json.loads((place / "sample.json").read_text())


@pytest.fixture
def story(
    request: pytest.FixtureRequest, tmp_path: Path, machines: Path, collection: Path
) -> Iterator[Story]:
    """A reader of the document, whose machines have no jobs."""
    # few documents show a part of a status
    reader = Story(tmp_path, machines, lambda: request.getfixturevalue("sample"))
    if request.node.callspec.params["document"] == "README.md":
        # it begins with a checkout, and installs the collection itself
        copy_checkout(ROOT, reader.project)
        reader.home.mkdir()
    else:
        reader.install(collection)
    reader.prepare()
    yield reader
    if not reader.left:
        reader.leave()
