# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import json
import time

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.progress import (
    check_progress_regex,
    measure_progress,
)

WHEN = "2026-11-23T02:56:19.103Z"
KEYS = {"percent", "current", "total", "unit", "message", "eta", "source", "updated_at"}


def measure(report="", pattern=None, lines=(), durations=(), elapsed=10.0):
    return measure_progress(report, pattern, list(lines), list(durations), elapsed, WHEN)


def values(progress):
    return tuple(progress[key] for key in ("percent", "current", "total", "unit", "message"))


def test_nothing_is_said_where_nothing_is_known():
    assert measure() is None
    assert measure(lines=["Hello", "", "24/7"]) is None


def test_every_answer_has_the_same_keys():
    reported = measure("45 Copying\n")
    assert reported == {
        "percent": 45.0,
        "current": None,
        "total": None,
        "unit": None,
        "message": "Copying",
        "eta": 12.2,
        "source": "reported",
        "updated_at": WHEN,
    }
    for other in (
        measure('{"message": "x"}\n'),
        measure(lines=["45%"]),
        measure(pattern=r"(?P<current>\d+)", lines=["45"]),
        measure(durations=[20.0]),
    ):
        assert set(other) == KEYS


@pytest.mark.parametrize(
    "line, expected",
    [
        ("45", (45.0, None, None, None, None)),
        ("45 Copying files", (45.0, None, None, None, "Copying files")),
        ("45% Copying", (45.0, None, None, None, "Copying")),
        ("45 % Copying", (45.0, None, None, None, "Copying")),
        ("45: Copying", (45.0, None, None, None, "Copying")),
        ("45.5", (45.5, None, None, None, None)),
        ("33.333333333333336 thirds", (33.3, None, None, None, "thirds")),
        ("  45\r", (45.0, None, None, None, None)),
        ("150 too much", (100.0, None, None, None, "too much")),
        ("-5", (0.0, None, None, None, None)),
        ("0", (0.0, None, None, None, None)),
        ("3/10 step", (30.0, 3, 10, None, "step")),
        ("3 / 10: step", (30.0, 3, 10, None, "step")),
        ("1.5/3", (50.0, 1.5, 3, None, None)),
        ("12/10", (100.0, 12, 10, None, None)),
        ("5/0 unknown", (None, 5, None, None, "unknown")),
        ('{"percent": 45.26}', (45.3, None, None, None, None)),
        ('{"percent": "45 %"}', (45.0, None, None, None, None)),
        (
            '{"current": 123, "total": 273, "unit": "packages", "message": "libc6"}',
            (45.1, 123, 273, "packages", "libc6"),
        ),
        ('{"percent": 50, "current": 1, "total": 10}', (50.0, 1, 10, None, None)),
        ('{"current": "1,234", "total": "5,000"}', (24.7, 1234, 5000, None, None)),
        ('{"current": 7}', (None, 7, None, None, None)),
        ('{"current": 7, "total": 0}', (None, 7, None, None, None)),
        ('{"message": "Restarting", "step": 4}', (None, None, None, None, "Restarting")),
        ('{"percent": true, "current": 5}', (None, 5, None, None, None)),
        ('{"percent": NaN, "current": 5}', (None, 5, None, None, None)),
        ('{"percent": 1' + "0" * 400 + ', "current": 5}', (None, 5, None, None, None)),
        ('{"percent": 5, "message": "a\\u001b]0;t\\u0007b\\nc"}', (5.0, None, None, None, "ab c")),
        ('{"percent": 5, "message": 7, "unit": []}', (5.0, None, None, None, None)),
    ],
)
def test_a_job_reports_in_any_of_the_documented_forms(line, expected):
    progress = measure(line + "\n")
    assert progress["source"] == "reported"
    assert values(progress) == expected


@pytest.mark.parametrize(
    "line",
    [
        "",
        "Copying",
        "45,5",
        "10:45:01 Copying",
        "2026-11-23 Copying",
        "2026/11/23 Copying",
        "45files",
        "v45",
        "{broken",
        "{}",
        "[45]",
        '{"total": 5, "unit": "x"}',
        '{"percent": null}',
        '{"a": ' + "[" * 1900 + "]" * 50,
        "nan",
        "1e2",
    ],
)
def test_a_report_line_that_is_none_leaves_the_one_before_it_standing(line):
    assert measure("20 before\n" + line + "\n")["message"] == "before"
    assert measure(line + "\n") is None


@pytest.mark.parametrize("partial", ["4", "45", "45 Copy", "3/1", '{"percent": 4', "{"])
def test_a_half_written_report_line_does_not_count(partial):
    assert measure("20 before\n" + partial)["percent"] == 20.0
    assert measure(partial) is None


def test_a_whole_json_object_counts_without_a_line_end():
    assert measure('20 before\n{"percent": 45}')["percent"] == 45.0


def test_the_last_report_counts_and_no_more_than_200_are_looked_at():
    assert measure("10\n20\n")["percent"] == 20.0
    assert measure("10\n" + "x\n" * 199)["percent"] == 10.0
    assert measure("10\n" + "x\n" * 200) is None


def test_a_message_is_bounded():
    assert measure("45 " + "m" * 5000 + "\n")["message"] == "m" * 200
    assert measure(lines=["45% " + "m" * 5000])["message"] == "45% " + "m" * 196


@pytest.mark.parametrize(
    "pattern, line, expected",
    [
        (r"done (?P<percent>[\d.]+)", "done 45.5 pct", (45.5, None, None, None, "done 45.5 pct")),
        (r"done (?P<percent>\S+)", " done 45,5% ", (45.5, None, None, None, "done 45,5%")),
        (
            r"(?P<current>[\d,]+) < (?P<total>\S+)",
            "1,234 < 5,000",
            (24.7, 1234, 5000, None, "1,234 < 5,000"),
        ),
        (
            r"(?P<current>\d+) (?P<unit>\w+): (?P<message>.*)",
            "7 rows: go",
            (None, 7, None, "rows", "go"),
        ),
        (r"phase: (?P<message>\w+)", "phase: unpack", (None, None, None, None, "unpack")),
        (r"(?P<current>\d+)>(?P<total>\d+)", "9>3", (100.0, 9, 3, None, "9>3")),
        (r"(?P<percent>\d+)!(?P<message>x)?", "45!", (45.0, None, None, None, "45!")),
    ],
)
def test_a_pattern_of_the_user_finds_progress(pattern, line, expected):
    progress = measure(pattern=pattern, lines=[line])
    assert progress["source"] == "pattern"
    assert values(progress) == expected


def test_the_last_line_that_a_pattern_matches_counts():
    pattern = r"at (?P<percent>\w+)"
    assert measure(pattern=pattern, lines=["at 10", "at 20", "at last", "then"])["percent"] == 20.0


def test_lines_are_looked_at_no_further_back_than_200():
    assert measure(lines=["45%"] + ["x"] * 199)["percent"] == 45.0
    assert measure(lines=["45%"] + ["x"] * 200) is None


@pytest.mark.parametrize(
    "line, percent, current, total, unit",
    [
        ("45%", 45.0, None, None, None),
        ("45.3 %", 45.3, None, None, None),
        ("done: 45,3%", 45.3, None, None, None),
        ("100%", 100.0, None, None, None),
        ("######## 45.3%", 45.3, None, None, None),
        ("[=====>     ] 45%", 45.0, None, None, None),
        ("---->45%", 45.0, None, None, None),
        ("[12/87]", 13.8, 12, 87, None),
        ("(12/87)", 13.8, 12, 87, None),
        ("( 12 / 87 )", 13.8, 12, 87, None),
        ("12 of 87", 13.8, 12, 87, None),
        ("12 out of 87 replicas updated", 13.8, 12, 87, "replicas"),
        ("copied 1,234 of 5,000 files.", 24.7, 1234, 5000, "files"),
        ("[12/87 files]", 13.8, 12, 87, "files"),
        ("(3/10 done)", 30.0, 3, 10, None),
        ("[007/120] padded", 5.8, 7, 120, None),
        ("3/10", 30.0, 3, 10, None),
        ("3/10 Installing", 30.0, 3, 10, None),
        # apt, dpkg
        ("12% [3 linux-image 4,567 kB/68.2 MB 7%]", 12.0, None, None, None),
        ("Progress: [ 45%] [####....] ", 45.0, None, None, None),
        ("(Reading database ... 45%", 45.0, None, None, None),
        ("pmstatus:libc6:45.4545:Unpacking libc6 (amd64)", 45.5, None, None, None),
        ("dlstatus:3:12.34:Retrieving file 3", 12.3, None, None, None),
        # dnf, zypper
        ("  Installing       : bash-5.1.8-6.el9.x86_64           12/87 ", 13.8, 12, 87, None),
        ("  Running scriptlet: bash-5.1.8-6.el9.x86_64           12/87 ", 13.8, 12, 87, None),
        ("(12/87): bash-5.1.8-6.rpm  1.2 MB/s | 345 kB     00:00", 13.8, 12, 87, None),
        ("[ 1/12] bash-0:5.2.26  100% |  10.1 MiB/s |   1.8 MiB |  00m00s", 8.3, 1, 12, None),
        ("(3/120) Installing: libfoo-1.2-3.x86_64 [..45%]", 2.5, 3, 120, None),
        # pip
        ("   ━━━━━━━━━━ 12.3/45.6 MB 5.6 MB/s eta 0:00:07", 27.0, 12.3, 45.6, "MB"),
        ("     |██████   | 20.5 MB 1.2 MB/s eta 0:00:12", None, None, None, None),
        # docker
        ("Step 3/12 : RUN apt-get update", 25.0, 3, 12, None),
        ("#9 [ 2/7] RUN apt-get update", 28.6, 2, 7, None),
        ("1a2b3c: Downloading [===>    ]  12.3MB/45.6MB", 27.0, 12.3, 45.6, "MB"),
        ("1a2b3c: Downloading [>       ]  512kB/12.8MB", 4.0, 0.512, 12.8, "MB"),
        ("#6 sha256:123 12.58MB / 45.60MB 1.2s", 27.6, 12.58, 45.6, "MB"),
        ("[+] Running 3/5", 60.0, 3, 5, None),
        # rsync
        ("  1,238,099  45%  146.38kB/s    0:00:08 (xfr#5, to-chk=169/396)", 45.0, None, None, None),
        ("  1,238,099  99%  146.38kB/s    0:00:08 (xfr#5, to-chk=393/396)", 99.0, None, None, None),
        # curl
        (
            " 45 10.0M   45 4621k    0     0  1234k      0  0:00:08  0:00:03  0:00:05 1234k",
            45.0,
            None,
            None,
            None,
        ),
        (
            "  0     0    0  4621k    0     0  1234k      0 --:--:--  0:00:03 --:--:-- 1234k",
            None,
            None,
            None,
            None,
        ),
        # wget, aria2, pv
        ("   50K .......... ..........  45% 1.2M 5s", 45.0, None, None, None),
        ("file.iso   45%[====>      ] 12.34M  1.2MB/s  eta 5s", 45.0, None, None, None),
        ("[#2089b0 400.0KiB/33.2MiB(1%) CN:1 DL:115.7KiB ETA:4m51s]", 1.2, 0.391, 33.2, "MiB"),
        # tqdm, keras
        ("copy:  45%|####5     | 45/100 [00:04<00:05, 10.00it/s]", 45.0, 45, 100, None),
        ("45%|████▌     | 12.3M/27.2M [00:04<00:05, 1.2MB/s]", 45.0, 12.3, 27.2, None),
        ("Epoch 3/10", 30.0, 3, 10, None),
        # git, ninja, cmake, pytest
        ("Receiving objects:  45% (123/273), 1.2 MiB | 1.1 MiB/s", 45.0, 123, 273, None),
        ("[12/87] Building CXX object a/b.o", 13.8, 12, 87, None),
        ("[ 45%] Building CXX object a/b.o", 45.0, None, None, None),
        ("tests/unit/test_a.py ......   [ 45%]", 45.0, None, None, None),
        # storage, databases, backups
        ("Writing inode tables:  1/87", 1.1, 1, 87, None),
        ("    (45.23/100%)", 45.2, None, None, None),
        ("12345/67890 kB (18%), 0/1 tablespace", 18.2, 12345, 67890, "kB"),
        ("[0:05] 45.30%  123 / 273 files 1.2 GiB", 45.3, 123, 273, "files"),
        ("[==>..]  recovery = 45.3% (123456/272530) finish=12.3min", 45.3, 123456, 272530, None),
    ],
)
def test_lines_of_common_tools_are_understood(line, percent, current, total, unit):
    progress = measure(lines=["Hello", line, "Bye"])
    if percent is None:
        assert progress is None
        return
    assert progress["source"] == "builtin"
    assert values(progress) == (percent, current, total, unit, line.strip())


@pytest.mark.parametrize(
    "line",
    [
        "2026/11/23 10:45:01 started",
        "11/23 10:45:01 started",
        "11/23/2026",
        "[11/23/2026] started",
        "[11/23 10:45:01] started",
        "(02/2026)",
        "[23/Nov/2026:10:45:01] GET /1/2",
        "we are here 24/7",
        "(24/7)",
        "/dev/sda/1/2 mounted",
        "copying a/1/3/b",
        "reading 1/2/3",
        "wrote 3/10.5",
        "Unpacking libc6:amd64 (2.36-9+deb12u1) over (2.36-9)",
        "HTTP/1.1 200",
        "versions 1.2/3.4",
        "10.0.0.0/8 via 10.1.2.3/24",
        "inet6 ::1/128 scope host",
        "Link is up at 10/100 Mbps",
        "web-1   0/1   Pending   0   5s",
        "/dev/sda1   20G   9G   11G  45% /",
        "/dev/sda1   20G   9G   11G  45% /var/lib/docker",
        "3 packets transmitted, 3 received, 0% packet loss",
        "Mem: 45% used",
        "GET /a%20b/45%2F HTTP",
        "250% of one core",
        "-5% against yesterday",
        "printf('%45%d')",
        "1.2.45% odd",
        "echo %45% done",
        "a/45% b",
        "(0/0)",
        "(5/0)",
        "12 of 87.5",
        "87 of 12",
        "1.2 MB/s",
        "(1/a)",
        "12.3MB/4.5MB",
        "1,2345 of 5 files",
    ],
)
def test_what_only_looks_like_progress_is_passed_over(line):
    assert measure(lines=[line]) is None


def test_the_sources_are_asked_in_order():
    everything = {
        "report": "10 reported\n",
        "pattern": r"at (?P<percent>\d+)",
        "lines": ["at 20", "30%"],
        "durations": [20.0],
    }
    assert measure(**everything)["source"] == "reported"
    everything["report"] = "nothing\n"
    assert values(measure(**everything))[0] == 20.0
    assert measure(**everything)["source"] == "pattern"
    everything["pattern"] = r"never (?P<percent>\d+)"
    assert measure(**everything)["source"] == "builtin"
    everything["pattern"] = r"(broken"
    assert measure(**everything)["source"] == "builtin"
    everything["lines"] = ["text"]
    assert measure(**everything)["source"] == "history"


@pytest.mark.parametrize(
    "durations, elapsed, percent, eta",
    [
        ([20.0], 10.0, 50.0, 10.0),
        ([30.0, 10.0, 20.0], 5.0, 25.0, 15.0),
        ([10.0, 30.0], 5.0, 25.0, 15.0),
        ([20.0], 0.0, 0.0, 20.0),
        ([20.0], -1.0, 0.0, 20.0),
        ([20.0], 19.99, 99.0, 0.0),
        ([20.0], 500.0, 99.0, 0.0),
        ([0.0, -1.0, float("nan"), float("inf"), 20.0], 10.0, 50.0, 10.0),
    ],
)
def test_earlier_jobs_tell_how_long_this_one_may_take(durations, elapsed, percent, eta):
    progress = measure(durations=durations, elapsed=elapsed)
    assert (progress["percent"], progress["eta"]) == (percent, eta)
    assert progress["source"] == "history"
    assert progress["updated_at"] is None


def test_without_a_usable_duration_history_says_nothing():
    assert measure(durations=[0.0, float("nan")]) is None


@pytest.mark.parametrize(
    "report, elapsed, percent, eta",
    [
        ("45", 41.2, 45.0, 50.4),
        ("0", 10.0, 0.0, None),
        ("100", 10.0, 100.0, 0.0),
        ("50", -5.0, 50.0, 0.0),
        ("99.97", 10.0, 99.9, 0.0),
        ("0.04", 1.0, 0.0, 2499.0),
        ('{"message": "x"}', 10.0, None, None),
    ],
)
def test_the_time_left_follows_from_the_time_gone(report, elapsed, percent, eta):
    progress = measure(report + "\n", elapsed=elapsed)
    assert (progress["percent"], progress["eta"]) == (percent, eta)


def test_every_answer_can_be_written_as_json():
    json.dumps(measure('{"percent": 1e-320}\n', elapsed=1e300), allow_nan=False)


@pytest.mark.parametrize(
    "part",
    [
        "1",
        "1,111",
        "1/",
        "1 /",
        "1 of ",
        "(1/1",
        "[",
        " ",
        "file ",
        "1%",
        "1%  /",
        "1 MB/",
        "a: ",
        "-",
        "{",
    ],
)
def test_hostile_lines_cost_little(part):
    lines = [part * 2000] * 200
    begin = time.process_time()
    measure("\n".join(lines) + "\n", lines=lines)
    assert time.process_time() - begin < 5


@pytest.mark.parametrize("name", ["percent", "current", "message"])
def test_a_regex_with_a_usable_group_is_accepted(name):
    check_progress_regex(rf"(?P<{name}>\d+) of (?P<total>\d+) (?P<unit>\w+)")


@pytest.mark.parametrize(
    "text, part",
    [
        ("(", "'(' is not a valid Python regular expression: "),
        ("a{99999999999999}", "is not a valid Python regular expression: "),
        (r"(\d+)%", "finds no progress: give a group percent, current or message"),
        (r"(?P<total>\d+)(?P<unit>x)", "finds no progress"),
        (r"(?P<percent>1)(?P<step>2)", "has the unknown group 'step': use only (?P<percent>...), "),
    ],
)
def test_a_regex_that_can_find_no_progress_is_refused(text, part):
    with pytest.raises(ValueError) as caught:
        check_progress_regex(text)
    assert part in str(caught.value)
    assert repr(text) in str(caught.value)
