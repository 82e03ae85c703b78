# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import json
import os

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.errors import JobError
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.requests.status import (
    STATUS_OPTIONS,
    answer_status,
)
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system.kernel import System

OUTPUT = """
    subprocess.Popen("seq 1 30; seq 31 32 >&2", shell=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE).communicate()
    print("{}")
"""


@pytest.fixture
def ended(place):
    jid = place.start(place.ansiballz(OUTPUT))
    place.ended(jid)
    return jid


@pytest.mark.parametrize(
    "options, said",
    [
        ({"tail_lines": -1}, "tail_lines: -1 is out of range; give 0 to 10000"),
        ({"tail_lines": 10001}, "tail_lines: 10001 is out of range"),
        ({"cursor": "x"}, "cursor: 'x' is not a valid cursor"),
        ({"cursor": "1:-1"}, "cursor: '1:-1' is not a valid cursor"),
        ({"wait": -1.0}, "wait: -1 is not a valid number of seconds"),
        ({"wait": float("nan")}, "wait: nan is not a valid number of seconds"),
        ({"wait": float("inf")}, "wait: inf is not a valid number of seconds"),
        ({"jid": "../../etc/passwd"}, "jid: '../../etc/passwd' is not a job id"),
        ({"jid": "/etc/passwd"}, "jid: '/etc/passwd' is not a job id"),
        (
            {"jid": "/etc/passwd", "mode": "cleanup", "force": True},
            "jid: '/etc/passwd' is not a job id",
        ),
        ({"results_file": "../j1.2"}, "results_file: '../j1.2' is not an absolute path"),
        (
            {"results_file": "/etc/passwd", "mode": "cleanup", "force": True},
            "jid: 'passwd' is not a job id",
        ),
    ],
)
def test_an_option_that_is_no_good_is_refused_before_anything_is_touched(place, options, said):
    class Untouched(System):
        @staticmethod
        def open(*_args, **_options):
            raise AssertionError("a path was opened")

    params = dict(
        {name: option.get("default") for name, option in STATUS_OPTIONS.items()}, jid="j1.2"
    )
    with pytest.raises(JobError) as caught:
        answer_status(Untouched(), dict(params, **options), place.environ, False)
    assert caught.value.message.startswith(said)


def test_as_many_last_lines_as_asked_for_are_shown(place, ended):
    for count in (0, 1, 10, 10000):
        output = place.status(ended, tail_lines=count)["async_job"]["output"]
        assert (
            output["stdout_tail"] == [str(number) for number in range(1, 31)][30 - min(count, 30) :]
        )
        assert output["stderr_tail"] == ["31", "32"][2 - min(count, 2) :]


def test_from_a_cursor_on_only_what_is_new_is_shown(place, ended):
    first = place.status(ended, cursor="0:0")["async_job"]["output"]
    assert (len(first["stdout_tail"]), first["stderr_tail"]) == (30, ["31", "32"])
    again = place.status(ended, cursor=first["cursor"])["async_job"]["output"]
    assert (again["stdout_tail"], again["stderr_tail"], again["cursor"]) == (
        [],
        [],
        first["cursor"],
    )
    part = place.status(ended, cursor="2:3")["async_job"]["output"]
    assert (part["stdout_tail"][0], part["stderr_tail"]) == ("2", ["32"])


def test_lines_for_an_action_come_beside_those_of_the_task(place, ended):
    found = place.status(ended, tail_lines=1, _since="0:0")
    assert found["async_job"]["output"]["stdout_tail"] == ["30"]
    assert len(found["_since"]["stdout_tail"]) == 30


def test_a_results_file_finds_its_job_whatever_the_home(place, ended):
    found = place.status(None, results_file=str(place.async_dir / ended), _async_dir="~/elsewhere")
    assert found["ansible_job_id"] == ended


def test_clean_up_removes_every_trace_of_an_ended_job(place, ended):
    answer = place.status(ended, mode="cleanup")
    assert answer == {
        "changed": False,
        "ansible_job_id": ended,
        "erased": str(place.async_dir / ended),
    }
    assert place.files() == []
    with pytest.raises(JobError, match=f"could not find job {ended}"):
        place.status(ended)


def test_a_status_can_clean_up_behind_itself(place, ended):
    found = place.status(ended, cleanup=True)
    assert (found["async_job"]["state"], found["erased"]) == (
        "succeeded",
        str(place.async_dir / ended),
    )
    assert place.files() == []


def test_check_mode_removes_nothing_and_answers_the_same(place, ended):
    params = dict(
        {name: option.get("default") for name, option in STATUS_OPTIONS.items()}, jid=ended
    )
    params["_async_dir"] = str(place.async_dir)
    before = place.files()
    for options in ({"mode": "cleanup"}, {"cleanup": True}):
        answer = answer_status(System(), dict(params, **options), place.environ, True)
        assert answer["erased"] == str(place.async_dir / ended)
        assert place.files() == before


def test_a_running_job_is_removed_only_by_force(place):
    gate = place.gate()
    jid = place.start(place.ansiballz(f"open({gate.path!r}).readline()\nprint('{{}}')"))
    with pytest.raises(JobError, match=f"job {jid} is running and was not removed"):
        place.status(jid, mode="cleanup")
    found = place.status(jid, cleanup=True)
    assert "erased" not in found
    assert place.view(jid)["state"] == "running"
    assert place.status(jid, mode="cleanup", force=True)["erased"]
    assert place.files() == []


def test_a_wait_ends_with_the_job_and_at_the_latest_in_time(place):
    gate = place.gate()
    jid = place.start(place.ansiballz(f"open({gate.path!r}).readline()\nprint('{{}}')"))
    begin = System.monotonic()
    assert place.status(jid, wait=0.3)["finished"] is False
    assert 0.3 <= System.monotonic() - begin < 10
    gate.open()
    assert place.ended(jid)["finished"] is True


def test_many_looks_leave_no_descriptor_behind(place, ended):
    place.status(ended)
    before = len(os.listdir("/proc/self/fd"))
    for _unused in range(20):
        place.status(ended, cursor="0:0")
        with pytest.raises(JobError):
            place.status("j9.9")
    assert len(os.listdir("/proc/self/fd")) == before


def test_the_job_file_alone_is_enough_for_stock_core(place, ended):
    """core's status reads the file and believes started and finished."""
    data = json.loads((place.async_dir / ended).read_text())
    assert ("started" not in data) or data["finished"] is True
    assert data["ansible_job_id"] == ended


def test_a_damaged_record_is_an_error_that_names_the_job(place):
    gate = place.gate()
    jid = place.start(place.ansiballz(f"open({gate.path!r}).readline()\nprint('{{}}')"))
    (place.job_dir(jid) / "record.json").write_text("{")
    with pytest.raises(JobError, match=jid):
        place.status(jid)
