# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.errors import JobError
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.jid import (
    check_jid,
    make_jid,
)


@pytest.mark.parametrize(
    "jid", ["j402058509351.34914", "402058509351.34914", "j0.0", "j" + "9" * 20 + "." + "9" * 10]
)
def test_what_core_makes_is_a_job_id(jid):
    assert check_jid(jid) == jid


@pytest.mark.parametrize(
    "jid",
    [
        "", "j", "j1", "j1.", ".1", "j1.1.1", "../../etc/passwd", "/etc/passwd", "j1.1/../x", "j1.1/", "j1.1\n", "\nj1.1",
        "J1.1", "jj1.1", "j-1.1", "j1.-1", "j 1.1", " j1.1", "j1.1 ", "j1.1\0", ".longrun", ".", "..", "history", "j\u0661.1",
        "j1.\u0661", "j" + "1" * 21 + ".1", "j1." + "1" * 11, None, 1.5, 11, b"j1.1", ["j1.1"], {"a": 1}, True,
    ],
)  # fmt: skip
def test_nothing_else_is_one_and_the_message_shows_what_was_given(jid):
    with pytest.raises(JobError) as caught:
        check_jid(jid)
    assert caught.value.message.startswith(f"jid: {jid!r} is not a job id; a job id looks like j")


def test_a_job_id_is_made_of_what_the_controller_gave_and_a_pid():
    assert make_jid("j123", 45) == "j123.45"
    assert make_jid("123", 45) == "123.45"


@pytest.mark.parametrize("given", ["", "j", "../j1", "j1/", "j1.2", "j1\n", "j" + "1" * 21])
def test_what_cannot_begin_a_job_id_is_refused(given):
    with pytest.raises(JobError, match="cannot begin a job id"):
        make_jid(given, 1)
