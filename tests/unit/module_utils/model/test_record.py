# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import json

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.errors import JobError
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.record import (
    begin,
    elapsed_seconds,
    encode,
    end,
    expired,
    failed_state,
    job_file,
    job_view,
    new_record,
    parse_record,
    timestamp,
)
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.settings import Settings

KEYS = [
    "id", "name", "state", "reason", "module", "created_at", "started_at", "finished_at", "elapsed", "timeout", "remaining",
    "supervised", "recovered", "attempt", "attempts", "queue", "steps", "progress", "output", "usage",
]  # fmt: skip


def made(timeout=100, no_log=False, **settings):
    return new_record("j1.2", "a.b.c", timeout, Settings(**settings), "/async/j1.2", no_log)


def running(**options):
    record = made(**options)
    begin(record, "boot", 1000.5, 50.0)
    return record


@pytest.mark.parametrize(
    "seconds, text",
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1795402579.125, "2026-11-23T02:56:19.125Z"),
        (1795402579.9999, "2026-11-23T02:56:19.999Z"),
        (951782400, "2000-02-29T00:00:00.000Z"),
    ],
)
def test_a_time_is_told_in_utc_with_milliseconds(seconds, text):
    assert timestamp(seconds) == text


def test_a_record_is_json_and_comes_back_the_same():
    record = running(name="n", progress_regex=r"(?P<percent>\d+)")
    assert json.loads(json.dumps(record)) == record
    assert (record["state"], record["attempt"], record["recovered"]) == ("running", 1, False)


def test_whole_seconds_are_shown_as_such():
    assert repr(made(timeout=3600.0)["timeout"]) == "3600"
    assert made(timeout=0.5)["timeout"] == 0.5


def test_no_log_keeps_no_output_whatever_the_settings_say():
    assert made(no_log=True, output_limit=1 << 20)["output_limit"] == 0
    assert made(output_limit=1 << 20)["output_limit"] == 1 << 20


def test_an_end_is_written_once():
    record = running()
    end(record, "failed", "exit", 1010.25, 9.87654)
    assert (record["state"], record["reason"], record["elapsed"]) == ("failed", "exit", 9.877)
    assert (record["finished_at"], record["ended_wall"]) == ("1970-01-01T00:16:50.250Z", 1010.25)
    with pytest.raises(JobError):
        end(record, "succeeded", "exit", 1011.0, 1.0)
    assert record["state"] == "failed"


@pytest.mark.parametrize(
    "boot, wall, monotonic, elapsed",
    [
        ("boot", 9999.0, 60.0, 10.0),  # the wall clock was set
        ("boot", 0.0, 40.0, 0.0),
        ("other", 1002.5, 7.0, 2.0),
        ("other", 900.0, 7.0, 0.0),
        (None, 1001.5, 99.0, 1.0),
    ],
)
def test_elapsed_time_is_of_the_monotonic_clock_within_a_boot(boot, wall, monotonic, elapsed):
    assert elapsed_seconds(running(), boot, wall, monotonic) == elapsed


def test_elapsed_time_stands_still_after_the_end_and_is_unknown_before_the_start():
    record = running()
    end(record, "lost", "rebooted", 2000.0, 12.5)
    assert elapsed_seconds(record, "boot", 5000.0, 900.0) == 12.5
    assert elapsed_seconds(made(), "boot", 5000.0, 900.0) is None


@pytest.mark.parametrize(
    "state, retention, wall, gone",
    [
        ("succeeded", 100.0, 1111.0, True),
        ("lost", 100.0, 1111.0, True),
        ("succeeded", 100.0, 1110.0, False),
        ("succeeded", None, 1e12, False),
        (None, 100.0, 1e12, False),  # it runs
    ],
)
def test_a_job_is_kept_for_its_retention_and_while_it_runs(state, retention, wall, gone):
    record = running(retention=retention)
    if state:
        end(record, state, "exit", 1010.0, 9.5)
    assert expired(record, wall) is gone


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"state": "failed"},
        {"state": "failed", "ended_wall": 1.0},
        {"ended_wall": 1, "retention": 1},
    ],
)
def test_half_a_record_is_never_over(record):
    assert expired(record, 1e12) is False


def test_a_view_has_these_keys_in_this_order():
    record = running()
    view = job_view(record, 40.04, True, None, {}, None)
    assert list(view) == KEYS
    assert (view["elapsed"], view["remaining"], view["supervised"]) == (40.0, 60.0, True)
    end(record, "succeeded", "exit", 1010.0, 9.0)
    after = job_view(record, 9.0, False, {"percent": 1}, {"a": 1}, {"cpu_seconds": 1})
    assert list(after) == KEYS
    assert (after["remaining"], after["progress"], after["output"]) == (
        None,
        {"percent": 1},
        {"a": 1},
    )


@pytest.mark.parametrize(
    "timeout, elapsed, remaining", [(100, 120.0, 0.0), (0, 5.0, None), (100, None, None)]
)
def test_the_time_that_remains_is_never_less_than_none(timeout, elapsed, remaining):
    assert (
        job_view(running(timeout=timeout), elapsed, True, None, {}, None)["remaining"] == remaining
    )


def test_the_job_file_of_a_running_job_is_what_every_core_waits_on():
    assert job_file(running(), {}) == {
        "started": True,
        "finished": False,
        "ansible_job_id": "j1.2",
        "results_file": "/async/j1.2",
    }


def test_the_job_file_of_an_ended_job_is_the_modules_result_and_cores_four_keys():
    record = running()
    end(record, "succeeded", "exit", 1010.0, 9.0)
    result = {
        "a": 1,
        "started": "2020",
        "finished": 0,
        "ansible_job_id": "x",
        "elapsed": 7,
        "state": "present",
        "failed": False,
    }
    found = job_file(record, result)
    assert found == {
        "a": 1,
        "elapsed": 7,
        "state": "present",
        "failed": False,
        "started": True,
        "finished": True,
        "ansible_job_id": "j1.2",
        "results_file": "/async/j1.2",
    }
    assert result["started"] == "2020"
    assert found["started"] is True
    assert found["finished"] is True


@pytest.mark.parametrize(
    "result, failed",
    [
        ({}, False),
        ({"failed": True}, True),
        ({"failed": False, "rc": 1}, False),
        ({"rc": 0}, False),
        ({"rc": 1}, True),
        ({"rc": "0"}, False),
        ({"rc": None}, False),
        ({"failed": 1}, True),
    ],
)
def test_a_result_has_failed_when_ansible_says_so(result, failed):
    assert failed_state(result) is failed


# read from disk, where others may have written it


def test_what_is_written_is_read_again():
    full = running(name="n")
    full.update(
        queue="q",
        steps=[
            {"name": None, "block": "steps", "module": "m", "state": "failed", "reason": "exit"}
        ],
        step={"name": "s", "block": "rescue", "module": "m", "number": 1},
        scope={"unit": "u.scope", "cgroup": "/sys/fs/cgroup/u.scope"},
        supervisor={"pid": 7, "start": 0},
        process={"pid": 8, "start": 9},
        remove=["/tmp/ansible-tmp-1"],
        usage={"cpu_seconds": 0.5, "max_rss_bytes": 9},
        exit_status=-9,
        refusal="no",
        fingerprint="f",
        retention=None,
        idle_timeout=5.0,
    )
    ended = running()
    end(ended, "succeeded", "exit", 2000.0, 5.0)
    for record in (made(), running(), full, ended):
        assert parse_record(encode(record), "j1.2") == record


WRONG = [[], {}, "x" * 100000, float("nan"), float("inf"), -1e300, 1e300, object]


@pytest.mark.parametrize("key", sorted(made()))
def test_a_record_with_a_key_that_is_not_valid_is_refused(key):
    for value in WRONG:
        record = running()
        record[key] = value if value is not object else {"pid": "1", "start": None, "unit": 3}
        if (key, value) in (("steps", []), ("remove", [])):
            continue
        with pytest.raises(ValueError, match=f"its {key} is not valid|version"):
            parse_record(encode(record), "j1.2")
    record = running()
    del record[key]
    with pytest.raises(ValueError, match=f"its {key} is not valid|version"):
        parse_record(encode(record), "j1.2")


@pytest.mark.parametrize(
    "key, value",
    [
        ("remove", ["relative"]),
        ("remove", [3]),
        ("supervisor", {"pid": 0, "start": 1}),
        ("supervisor", {"pid": -1, "start": 1}),
        ("process", {"pid": True, "start": 1}),
        ("process", {"pid": 5}),
        ("scope", {"unit": "u", "cgroup": "../x"}),
        ("grace", "1"),
        ("grace", True),
        ("state", "happy"),
        ("created_at", "yesterday"),
        ("results_file", "x/j1.2"),
    ],
)
def test_a_record_that_could_lead_elsewhere_is_refused(key, value):
    with pytest.raises(ValueError, match=f"its {key} is not valid"):
        parse_record(encode(dict(running(), **{key: value})), "j1.2")


@pytest.mark.parametrize("jid", ["/etc/profile.d/x.sh", "../j1.2", "j1.3"])
def test_a_record_with_the_id_of_another_job_is_refused(jid):
    with pytest.raises(ValueError, match="it has the id of another job"):
        parse_record(encode(dict(running(), id=jid)), "j1.2")


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100000, b'{"version": 2}']
)
def test_what_is_not_a_record_is_refused(text):
    with pytest.raises(ValueError, match="it is not"):
        parse_record(text, "j1.2")
