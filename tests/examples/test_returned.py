# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A job has the keys that are documented, in the descriptions and in the samples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

MODULES = Path(__file__).parents[2] / "plugins" / "modules"


def returned(module: str) -> Any:
    """What the documentation of a module says that it returns."""
    text = (MODULES / f"{module}.py").read_text()
    return yaml.safe_load(text.split('RETURN = r"""')[1].split('"""')[0])


def keys(value: Any, path: str = "") -> set[str]:
    """The keys of a dict and of those in it, with dots between them."""
    if not isinstance(value, dict):
        return set()
    return {path + key for key in value} | {
        inner for key, one in value.items() for inner in keys(one, f"{path}{key}.")
    }


def described(contains: dict[str, Any], path: str = "") -> set[str]:
    """The keys that are described, lists of dicts left out: a job of one module has no steps."""
    found = set()
    for key, one in contains.items():
        found.add(path + key)
        if one["type"] == "dict":
            found |= described(one["contains"], f"{path}{key}.")
    return found


def test_every_key_of_a_job_is_described_and_no_other(sample: Any) -> None:
    assert described(returned("async_status")["async_job"]["contains"]) == keys(sample["async_job"])


@pytest.mark.parametrize(("module", "key"), (("async_status", "async_job"), ("async_info", "jobs")))
def test_the_sample_of_a_job_is_a_whole_one(module: str, key: str, sample: Any) -> None:
    shown = returned(module)[key]["sample"]
    assert keys(shown[0] if isinstance(shown, list) else shown) == keys(sample["async_job"])
