# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nice and ionice, tried on processes of their own: what this one gives away it may not take back."""

import errno
import json
import os
import pwd
import resource
import subprocess

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.errors import JobError
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system import priority
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system.kernel import System
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system.priority import (
    Priority,
    check_priority,
    parse_io_class,
    set_priority,
)

NOBODY = 65534
IMPORTED = (pwd, resource)  # now: nobody may not read where this interpreter has its library


def in_child(do):
    """What a function answers in a process of its own; the message of a JobError, the number of an OSError."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reader)
            try:
                answer = do()
            except JobError as error:
                answer = error.message
            except OSError as error:
                answer = error.errno
            os.write(writer, json.dumps(answer).encode("ascii"))
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader, "rb") as source:
        text = source.read()
    os.waitpid(pid, 0)
    assert text, "the process failed"
    return json.loads(text.decode("ascii"))


def as_nobody(do):
    """For root: an ordinary user may not have all."""

    def other():
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        return do()

    return in_child(other)


def io_class():
    """As util-linux calls it."""
    return subprocess.check_output(["ionice"]).decode("ascii").strip()


@pytest.mark.parametrize(
    "text, found",
    [
        ("idle", (3, 0)),
        ("best-effort", (2, 4)),
        ("best-effort:0", (2, 0)),
        ("best-effort:7", (2, 7)),
        ("realtime", (1, 4)),
        (" realtime:3 ", (1, 3)),
    ],
)
def test_a_class_is_what_ionice_calls_it(text, found):
    assert parse_io_class(text) == found


@pytest.mark.parametrize(
    "text",
    ["", "best", "3", "idle:0", "idle:", "best-effort:", "best-effort:8", "realtime:-1", "best-effort:07", ":3", "none"],
)  # fmt: skip
def test_what_is_no_class_is_refused_with_what_would_be_one(text):
    with pytest.raises(ValueError) as caught:
        parse_io_class(text)
    message = str(caught.value)
    assert message.startswith(repr(text))
    assert "is not a valid class: give idle, best-effort or realtime" in message
    assert "best-effort:7" in message


def test_a_process_is_as_nice_as_it_sets_itself_and_this_one_is_not():
    before = os.getpriority(os.PRIO_PROCESS, 0)

    def do():
        set_priority(Priority(19, None))
        return os.getpriority(os.PRIO_PROCESS, 0)

    assert in_child(do) == 19
    assert os.getpriority(os.PRIO_PROCESS, 0) == before


@pytest.mark.parametrize("text, told", [("idle", "idle"), ("best-effort:6", "best-effort: prio 6")])
def test_input_and_output_have_the_class_and_level(text, told):
    def do():
        set_priority(Priority(None, parse_io_class(text)))
        return io_class()

    assert in_child(do) == told


def test_nothing_that_is_not_asked_for_is_changed():
    def do():
        before = os.getpriority(os.PRIO_PROCESS, 0)
        set_priority(Priority(None, None))
        return os.getpriority(os.PRIO_PROCESS, 0) == before

    assert in_child(do) is True


def test_what_may_be_is_no_error_and_changes_nothing_here():
    before = os.getpriority(os.PRIO_PROCESS, 0)
    check_priority(System(), Priority(19, (3, 0)))
    check_priority(System(), Priority(None, None))
    assert os.getpriority(os.PRIO_PROCESS, 0) == before


def test_an_ordinary_user_may_not_be_less_nice_and_is_told():
    message = as_nobody(lambda: check_priority(System(), Priority(-20, None)))
    assert message.startswith("nice: could not set it for jobs of ")
    assert "(EACCES)" in message or "(EPERM)" in message


def test_an_ordinary_user_may_not_have_the_realtime_class_and_is_told():
    message = as_nobody(lambda: check_priority(System(), Priority(5, (1, 4))))
    assert message.startswith("ionice: could not set it for jobs of ")
    assert "(EPERM)" in message


def test_an_ordinary_user_may_be_nicer():
    def do():
        check_priority(System(), Priority(19, (2, 7)))
        return "well"

    assert as_nobody(do) == "well"


@pytest.mark.parametrize("uname", [("Linux", "pdp11"), ("Darwin", "x86_64")])
def test_where_the_kernel_has_no_such_call_that_is_told(monkeypatch, uname):
    system, machine = uname
    found = os.uname_result((system, "host", "1", "1", machine))
    monkeypatch.setattr(priority.os, "uname", lambda: found)
    with pytest.raises(JobError) as caught:
        check_priority(System(), Priority(None, (3, 0)))
    assert caught.value.message.startswith("ionice: ")
    assert "(ENOSYS)" in caught.value.message
    assert caught.value.details["option"] == "ionice"


def test_a_process_that_cannot_be_tried_in_is_an_error(faulty_system):
    with pytest.raises(JobError) as caught:
        check_priority(faulty_system(fork="EAGAIN"), Priority(5, None))
    assert f"({errno.errorcode[errno.EAGAIN]})" in caught.value.message
