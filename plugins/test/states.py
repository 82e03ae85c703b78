# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A test for each state of a job, such as ``result is longrun.jobs.lost_job``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.inspection.listing import (
    ALL_STATES,
)


def is_in_state(state: str, value: Any) -> bool:
    """Return whether a job is in this state. value: its status or its ``async_job``."""
    view = value.get("async_job", value) if isinstance(value, Mapping) else None
    found_state = view.get("state") if isinstance(view, Mapping) else None
    if found_state not in ALL_STATES:
        raise AnsibleFilterError(
            f"{state}_job: {value!r} is not the status of a job; give what async_status returned, or an element of the "
            "jobs that async_wait or async_info returned"
        )
    return bool(found_state == state)


class TestModule:
    """The class in which Ansible looks for the tests."""

    def tests(self) -> dict[str, Callable[[Any], bool]]:
        """Return the tests by their names."""
        return {f"{state}_job": partial(is_in_state, state) for state in ALL_STATES}
