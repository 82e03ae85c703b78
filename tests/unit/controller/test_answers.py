# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a target answers must not steer the controller."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.utils.display import Display

from ansible_collections.longrun.jobs.plugins.plugin_utils._core.answers import clean_answer

ADD_HOST = {"host_name": "build_worker", "host_vars": {"ansible_connection": "local"}}


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """core warns of each fact that it removes."""
    monkeypatch.setattr(Display, "warning", lambda *_args, **_options: None)


@pytest.mark.parametrize(
    "forged",
    [
        {"add_host": ADD_HOST},
        {"add_group": {"group_name": "victims"}},
        {"_ansible_no_log": False, "_ansible_verbose_always": True},
        {"_ansible_delegated_vars": {"ansible_host": "elsewhere"}},
    ],
)
@pytest.mark.parametrize(
    "nest",
    [
        dict,
        lambda result: {"jobs": [dict(result)]},
        lambda result: {"statuses": [{"steps": [{"result": dict(result)}]}]},
        lambda result: {"statuses": [{"results": [[dict(result)]]}]},
    ],
    ids=["top", "job", "step", "deeper"],
)
def test_cores_instructions_are_removed_at_every_depth(forged: dict[str, Any], nest: Any) -> None:
    honest = {"changed": True, "stdout": "add_host", "rc": 0}
    assert clean_answer(nest({**honest, **forged})) == nest(honest)


def test_what_core_itself_says_at_the_top_stays_there_and_nowhere_else() -> None:
    answer = {"_ansible_parsed": True, "jobs": [{"_ansible_parsed": True, "rc": 0}]}
    assert clean_answer(answer) == {"_ansible_parsed": True, "jobs": [{"rc": 0}]}


@pytest.mark.parametrize(
    "fact",
    ["ansible_python_interpreter", "ansible_connection", "ansible_host", "ansible_become_user", "ansible_ssh_common_args", "_ansible_x"],
)  # fmt: skip
def test_facts_lose_what_decides_how_core_connects_at_every_depth(fact: str) -> None:
    facts = {"distribution": "Debian", fact: "/tmp/evil"}
    answer = {"ansible_facts": dict(facts), "jobs": [{"ansible_facts": dict(facts)}]}
    left = {"distribution": "Debian"}
    assert clean_answer(answer) == {"ansible_facts": left, "jobs": [{"ansible_facts": left}]}


def test_a_module_s_own_keys_are_left_alone() -> None:
    answer = {
        "jobs": [
            {"ansible_job_id": "j1.2", "__ansible_type": "x", "hosts": ["add_host"], "_own": 1}
        ]
    }
    assert clean_answer(dict(answer)) == answer


def test_a_result_that_is_nested_deeply_is_cleaned_to_its_end() -> None:
    answer: dict[str, Any] = {"add_host": ADD_HOST}
    for _unused in range(5000):
        answer = {"deeper": [answer]}
    found: Any = clean_answer(answer)
    for _unused in range(5000):
        found = found["deeper"][0]
    assert found == {}
