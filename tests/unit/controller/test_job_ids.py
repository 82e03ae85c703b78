# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from jinja2 import Environment

from ansible_collections.longrun.jobs.plugins.filter.job_ids import FilterModule, job_ids

FILE = "/home/me/.ansible_async/j1.2"
STARTED = {"ansible_job_id": "j1.2", "results_file": FILE, "started": 1, "finished": 0}
SKIPPED = {"skipped": True, "changed": False}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (STARTED, ["j1.2"]),
        ({"results": [STARTED, SKIPPED, {"ansible_job_id": "j3.4"}]}, ["j1.2", "j3.4"]),
        (["j3.4", FILE, "j1.2", STARTED], ["j3.4", "j1.2"]),
        ([FILE, "/root/.ansible_async/j1.2"], ["j1.2"]),
        ({"results": []}, []),
    ],
)
def test_the_ids_come_in_order_each_once(given: Any, found: list[str]) -> None:
    assert job_ids(given) == found


def test_it_takes_what_other_filters_give() -> None:
    environment = Environment()
    environment.filters.update(FilterModule().filters())
    template = environment.compile_expression(
        "started.results | map(attribute='ansible_job_id') | job_ids"
    )
    assert template(started={"results": [STARTED]}) == ["j1.2"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("web1", "job_ids: 'web1' is not a job id; a job id looks like j402058509351.34914"),
        (
            3,
            "job_ids: 3 does not name a job; give a jid, a results_file, a name or a registered result",
        ),
        (
            {"rc": 0},
            "job_ids: a result without ansible_job_id does not name a job; its keys are rc",
        ),
        ({"failed": True, "msg": "no"}, "job_ids: a job was never started: no"),
    ],
)
def test_what_names_no_job_is_an_error_of_the_filter(given: Any, message: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        job_ids(given)
    assert message in str(caught.value)
