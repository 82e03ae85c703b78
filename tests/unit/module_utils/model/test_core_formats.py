# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What core sends and calls, read from texts written here; the controller's tests build the real ones."""

import base64
import os

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.core_formats import (
    Invocation,
    embedded_zip,
    is_core_wrapper,
    parse_invocation,
    payload_zip,
    removed_by_wrapper,
)


@pytest.mark.parametrize(
    "arguments, call",
    [
        ("j1 60 true /t/m py /t/m", Invocation("j1", 60.0, True, "/t/m", ["py", "/t/m"])),
        ("j1 60 False /t/m py /t/m", Invocation("j1", 60.0, False, "/t/m", ["py", "/t/m"])),
        (
            "j1 60 false /t/m /t/m /t/args",
            Invocation("j1", 60.0, False, "/t/m", ["/t/m", "/t/args"]),
        ),
        (
            "j1 0.5 /t/ansible-tmp-1/m _",
            Invocation("j1", 0.5, False, "/t/ansible-tmp-1/m", ["/t/ansible-tmp-1/m"]),
        ),
        (
            "j1 60 /t/ansible-tmp-1/m /t/ansible-tmp-1/args -preserve_tmp",
            Invocation(
                "j1",
                60.0,
                True,
                "/t/ansible-tmp-1/m",
                ["/t/ansible-tmp-1/m", "/t/ansible-tmp-1/args"],
            ),
        ),
        # a directory that is no temporary one of Ansible's is not removed
        ("j1 60 /home/me/m _", Invocation("j1", 60.0, True, "/home/me/m", ["/home/me/m"])),
    ],
)
def test_both_of_cores_conventions_are_understood(arguments, call):
    assert parse_invocation(["async_wrapper.py"] + arguments.split()) == call


@pytest.mark.parametrize("arguments", ["", "j1", "j1 60", "j1 60 true"])
def test_too_few_arguments_are_refused_with_the_usage(arguments):
    with pytest.raises(ValueError, match="usage: async_wrapper <jid> <time limit>"):
        parse_invocation(["async_wrapper.py"] + arguments.split())


@pytest.mark.parametrize("limit", ["x", "-1", "nan", "inf", "1e11", ""])
def test_a_time_limit_that_is_none_is_refused(limit):
    with pytest.raises(ValueError, match="time limit: .* is not a valid number of seconds"):
        parse_invocation(["async_wrapper.py", "j1", limit, "/t/m", "_"])


@pytest.mark.parametrize("quote", ["'", '"', "'''", '"""'])
def test_the_zip_in_a_payload_is_found_as_every_core_writes_it(quote):
    data = base64.b64encode(b"PK\x03\x04" + os.urandom(2000))
    text = f"#!/usr/bin/python3\nX = {quote}short{quote}\nZIPDATA = {quote}{data.decode('ascii')}{quote}\n"
    assert embedded_zip(text.encode("ascii")) == data


@pytest.mark.parametrize("text", [b"", b"print('x')", b"'" + b"A" * 5000 + b"'"])
def test_what_holds_no_zip_has_none(text):
    assert embedded_zip(text) is None


@pytest.mark.parametrize(
    "directory, path",
    [
        (
            "/tmp/ansible_command_payload_ab12",
            "/tmp/ansible_command_payload_ab12/ansible_command_payload.zip",
        ),
        ("/tmp/ansible_x.y_payload_1", "/tmp/ansible_x.y_payload_1/ansible_x.y_payload.zip"),
        ("/tmp/ansible_command", None),
        ("/tmp/my_payload_ab12", None),
        ("/tmp/ansible_command_payload_ab12/inner", None),
    ],
)
def test_only_the_directory_of_an_ansiballz_has_its_zip(directory, path):
    assert payload_zip(directory) == path


TASK = b"/root/.ansible/tmp/ansible-tmp-1-2-3"


@pytest.mark.parametrize(
    "words, removed",
    [
        (
            [b"python3", TASK + b"/async_wrapper.py", b"j1", b"60", TASK + b"/m.py", b"_"],
            TASK.decode(),
        ),
        (
            [
                b"python3",
                TASK + b"/async_wrapper.py",
                b"j1",
                b"60",
                TASK + b"/m.py",
                b"_",
                b"-preserve_tmp",
            ],
            None,
        ),
        (
            [b"python3", TASK + b"/async_wrapper.py", b"j1", b"60", b"false", TASK + b"/m.py"],
            TASK.decode(),
        ),
        ([b"python3", TASK + b"/async_wrapper.py", b"j1", b"60", b"true", TASK + b"/m.py"], None),
        ([b"python3", TASK + b"/async_wrapper.py", b"j1", b"60", b"True", TASK + b"/m.py"], None),
        ([b"python3", b"/opt/async_wrapper.py", b"j1", b"60", b"false", b"/opt/m.py"], None),
    ],
)
def test_a_wrapper_of_cores_removes_its_tasks_directory_unless_it_is_told_to_keep_it(
    words, removed
):
    assert is_core_wrapper(words)
    assert removed_by_wrapper(words) == removed


def test_another_program_is_no_wrapper():
    assert not is_core_wrapper([b"python3", b"/opt/async_wrapper.pyc", b"j1"])
    assert removed_by_wrapper([b"sleep", b"1"]) is None
