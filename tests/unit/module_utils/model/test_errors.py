# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import json
import os

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.errors import (
    JobError,
    Refused,
)


def test_an_error_is_text_and_details_for_a_failed_result():
    error = JobError("it failed", path="/x", count=1)
    assert str(error) == error.message == "it failed"
    assert error.details == {"path": "/x", "count": 1}
    assert JobError("it failed").details == {}


@pytest.mark.parametrize(
    "number, name",
    [
        (28, "ENOSPC"),
        (13, "EACCES"),
        (122, "EDQUOT"),
        (30, "EROFS"),
        (11, "EAGAIN"),
        (37, "ENOLCK"),
    ],
)
def test_what_the_kernel_refused_names_action_path_and_errno(number, name):
    error = Refused("write", "/x/y", OSError(number, os.strerror(number)))
    assert error.message == f"could not write /x/y: {os.strerror(number)} ({name})"
    assert error.details == {"path": "/x/y", "errno": name}
    json.dumps(error.details)


def test_a_hint_follows_the_error():
    assert Refused("read", "/x", OSError(2, "No such file"), "do that").message.endswith(
        "(ENOENT); do that"
    )


def test_an_error_without_a_number_is_told_as_it_is():
    error = Refused("read", "/x", OSError("strange"))
    assert error.message == "could not read /x: strange (unknown errno)"
