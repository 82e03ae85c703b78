# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a target can be asked to do, whichever way the request came."""

import json
import os
import subprocess
import sys

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.errors import JobError
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.requests import operations
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.requests.operations import (
    Operation,
    answer_to,
    operation_of,
    perform,
    say,
)

OPERATIONS = {
    "async_status": "status",
    "async_info": "info",
    "async_cancel": "cancel",
    "async_prune": "prune",
    "async_run": "run",
    "async_wait": "wait",
}


@pytest.fixture
def put(monkeypatch):
    """Put an answer in the place of every operation's."""

    def put(answer, refusal=None, **options):
        operation = Operation(answer, options, refusal or (lambda _error, _params: {}))
        monkeypatch.setattr(operations, "operation_of", lambda _module: operation)

    return put


@pytest.mark.parametrize("module", sorted(OPERATIONS))
def test_every_operation_has_options_with_types(module):
    operation = operation_of(module)
    assert callable(operation.answer)
    assert all("type" in option for option in operation.options.values())


def test_an_operation_that_there_is_not_is_named():
    with pytest.raises(ValueError, match="there is no operation async_fetch"):
        operation_of("async_fetch")


def test_options_that_are_not_given_have_their_defaults(put):
    asked = []

    def answer(system, params, environ, check_mode):
        asked.append((params, environ, check_mode))
        return {"changed": False}

    put(answer, given={"type": "int", "default": 3}, left={"type": "int", "default": 4}, bare={})
    assert perform("async_status", {"given": 5, "_async_dir": "/a"}, True) == {"changed": False}
    params = {"given": 5, "left": 4, "bare": None, "_async_dir": "/a"}
    assert asked == [(params, os.environ, True)]


def test_a_refusal_is_an_answer_with_what_the_operation_adds_and_the_details(put):
    def answer(_system, _params, _environ, _check_mode):
        raise JobError("it is not there", looked_in=["/a"])

    put(answer, lambda error, params: {"told": error.message, "of": params["jid"]}, jid={})
    assert perform("async_status", {"jid": "j1.2"}, False) == {
        "failed": True,
        "msg": "it is not there",
        "looked_in": ["/a"],
        "told": "it is not there",
        "of": "j1.2",
    }


def test_what_is_no_refusal_is_not_hidden(put):
    def answer(_system, _params, _environ, _check_mode):
        raise ZeroDivisionError

    put(answer)
    with pytest.raises(ZeroDivisionError):
        perform("async_status", {}, False)


def test_a_status_that_is_refused_counts_as_finished_as_cores_does(place):
    place.async_dir.mkdir(mode=0o700)
    params = {"jid": "j1.2", "_async_dir": str(place.async_dir)}
    found = perform("async_status", params, False)
    assert found["msg"].startswith("could not find job j1.2 as ")
    assert found["looked_in"] == [str(place.async_dir)]
    assert (found["failed"], found["started"], found["finished"]) == (True, True, True)
    assert found["ansible_job_id"] == "j1.2"


def test_a_wait_that_is_refused_says_so_and_nothing_else(place):
    place.async_dir.mkdir(mode=0o700)
    params = {"jobs": [{"jid": "j1.2"}], "for": "all", "seconds": 0}
    found = perform("async_wait", dict(params, _async_dir=str(place.async_dir)), False)
    assert set(found) == {"failed", "msg", "looked_in"}


def test_an_answer_is_printed_as_it_is_on_one_line(capsys):
    said = {"changed": False, "text": "\u00fc\udc80\n", "__ansible_type": "x", "list": [1, None]}
    say(said)
    printed = capsys.readouterr().out
    assert printed.count("\n") == 2 and printed.endswith("\n")
    assert printed.isascii() if hasattr(printed, "isascii") else printed.encode("ascii")
    assert json.loads(printed) == said


def test_a_request_is_answered_with_what_came_with_it(put):
    put(lambda _system, params, _environ, check_mode: dict(params, check=check_mode))
    told = answer_to(
        {"operation": "async_status", "params": {"a": 1}, "check_mode": True},
        ["text"],
        {"library": 1},
    )
    assert told == {"a": 1, "check": True, "_texts": ["text"], "_library": {"library": 1}}


@pytest.mark.parametrize("module", sorted(OPERATIONS))
def test_only_what_is_asked_for_is_imported(module):
    """A carried library is compiled on the target, and each of its files takes its time."""
    package = "ansible_collections.longrun.jobs.plugins.module_utils._jobs"
    program = "import sys; from {0}.requests.operations import operation_of; operation_of({1!r}); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program.format(package, module)],
        stdout=subprocess.PIPE,
        check=True,
        env=dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path))),
    )
    imported = {
        name[len(package) + 1 :]
        for name in done.stdout.decode("ascii").split()
        if name.startswith(package)
    }
    assert f"requests.{OPERATIONS[module]}" in imported
    others = {f"requests.{word}" for word in OPERATIONS.values() if word != OPERATIONS[module]}
    assert not others & imported
    packages = {name.partition(".")[0] for name in imported}
    assert "supervisor" not in packages or module == "async_run"
    for part in ("carrier.parcel", "model.chain", "system.tickets", "system.scope"):
        assert part not in imported or module == "async_run"
