# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError

from ansible_collections.longrun.jobs.plugins.test.states import TestModule as States

DOCUMENTATION = Path(__file__).resolve().parents[3] / "plugins" / "test"
NAMES = (
    *("queued_job", "running_job", "succeeded_job", "failed_job"),
    *("timed_out_job", "cancelled_job", "lost_job"),
)


def test_every_state_has_a_test_and_every_test_its_documentation() -> None:
    assert sorted(States().tests()) == sorted(NAMES)
    documents = {
        path.stem: path.read_text(encoding="utf-8") for path in DOCUMENTATION.glob("*.yml")
    }
    assert sorted(documents) == sorted(NAMES)
    for name, text in documents.items():
        told = yaml.safe_load(text)
        assert told["DOCUMENTATION"]["name"] == name
        assert f"longrun.jobs.{name}" in told["EXAMPLES"]
        assert f"V({name[: -len('_job')]})" in str(told["DOCUMENTATION"]["description"])


@pytest.mark.parametrize("name", NAMES)
def test_a_job_is_in_one_state_and_no_other(name: str) -> None:
    view = {"state": name[: -len("_job")], "id": "j1.2"}
    for value in (view, {"async_job": view, "rc": 0, "state": "directory"}):
        assert [test for test, holds in States().tests().items() if holds(value)] == [name]


@pytest.mark.parametrize(
    "value",
    [
        3,
        None,
        "lost",
        [],
        {},
        {"state": "directory"},
        {"async_job": None},
        {"async_job": {"state": 1}},
    ],
)
def test_what_is_no_status_is_an_error_and_not_false(value: Any) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        States().tests()["lost_job"](value)
    assert f"lost_job: {value!r} is not the status of a job; give what async_status " in str(
        caught.value
    )
