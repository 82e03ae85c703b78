# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.errors import JobError
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.states import (
    END_STATES,
    advance,
)

STATES = ("queued", "running", "succeeded", "failed", "timed_out", "cancelled", "lost")
FOLLOWERS = {
    "queued": {"running", "failed", "cancelled", "lost"},
    "running": {"succeeded", "failed", "timed_out", "cancelled", "lost"},
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("new", STATES)
def test_only_these_states_follow_each_other(state, new):
    if new in FOLLOWERS.get(state, ()):
        assert advance(state, new) == new
    else:
        with pytest.raises(JobError, match=f"a job that is {state} cannot become {new}"):
            advance(state, new)


def test_a_job_has_ended_in_five_states_and_those_are_final():
    assert set(END_STATES) == set(STATES) - set(FOLLOWERS)


def test_an_unknown_state_is_refused():
    for pair in (("running", "done"), ("done", "running")):
        with pytest.raises(JobError):
            advance(*pair)
