# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import json
import signal
import time

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.result import (
    ended_result,
    module_result,
    parse_result,
    signal_name,
    visible_bytes,
)

JUNK = "Module invocation had junk after the JSON data: "


@pytest.mark.parametrize(
    "text, found, warnings",
    [
        ('{"a": 1}', {"a": 1}, []),
        ('  \r\n {"a": 1}\n\n', {"a": 1}, []),
        ('{"a":\n1\n}', {"a": 1}, []),
        ('junk\n{"a": 1}', {"a": 1}, []),
        ('junk {"b": 2}\n{"a": 1}', {"a": 1}, []),
        ('{junk\n{"a": 1}', {"a": 1}, []),
        ('{"cut": \n{"a": 1}', {"a": 1}, []),
        ('\t{"a": 1}\t', {"a": 1}, []),
        ('{"a": 1} junk', {"a": 1}, [JUNK + "junk"]),
        ('{"a": 1}\njunk\nmore\n', {"a": 1}, [JUNK + "junk\nmore"]),
        ('{"a": 1}{"b": 2}', {"a": 1}, [JUNK + '{"b": 2}']),
        ('{"a": "}\\n{"}', {"a": "}\n{"}, []),
        ('{"a": NaN}', None, None),
        ("{}", {}, []),
    ],
)
def test_the_object_that_begins_a_line_is_the_result(text, found, warnings):
    parsed = parse_result(text)
    if found is not None:
        assert parsed == (found, warnings)
    else:
        assert list(parsed[0]) == ["a"]


@pytest.mark.parametrize(
    "text",
    [
        "", " \n\t", "junk", "[1]", '"text"', "1", "null", '{"a": 1', "{'a': 1}", 'a {"a": 1}', "{" * 50, "\x00\x01",
        '{"a": ' + "[" * 200000, "\n".join(["{x"] * 5000),
    ],
)  # fmt: skip
def test_without_such_an_object_there_is_no_result(text):
    with pytest.raises(ValueError):
        parse_result(text)


def test_much_that_looks_like_json_and_is_not_costs_little():
    began = time.process_time()
    with pytest.raises(ValueError):
        parse_result("\n".join(["{" + "x" * 100] * 100000))
    with pytest.raises(ValueError):
        parse_result("{\n" * 1000000)
    assert time.process_time() - began < 5


def test_warnings_are_added_to_the_modules_own():
    assert module_result(b'{"warnings": ["own"]} x', b"", 0, "m")["warnings"] == ["own", JUNK + "x"]
    assert module_result(b'{"warnings": "own"} x', b"", 0, "m")["warnings"] == ["own", JUNK + "x"]
    assert "warnings" not in module_result(b"{}", b"", 0, "m")


def test_nothing_of_the_modules_is_overwritten():
    assert module_result(b'{"stderr": "own"}', b"said", 0, "m") == {
        "stderr": "own",
        "module_stderr": "said",
    }
    assert module_result(b'{"stderr": ""}', b"said", 0, "m") == {"stderr": "said"}
    assert module_result(b'{"rc": 5, "cmd": "c"}', b"", 1, "m") == {"rc": 5, "cmd": "c"}


@pytest.mark.parametrize(
    "stdout, status, message",
    [
        (b"", 0, "the module printed nothing where its JSON result was expected, exit status 0"),
        (b" \n", 3, "the module printed nothing where its JSON result was expected, exit status 3"),
        (b"", None, "the module printed nothing where its JSON result was expected"),
        (
            b"junk",
            1,
            "the module printed no JSON result, exit status 1; what it printed is in data",
        ),
        (b"junk", -9, "the module was ended by SIGKILL and left no result"),
        (b"", -11, "the module was ended by SIGSEGV and left no result"),
    ],
)
def test_without_a_result_there_is_a_failed_one_that_says_why(stdout, status, message):
    found = module_result(stdout, b"said", status, "demo")
    assert (found["failed"], found["msg"], found["stderr"]) == (True, message, "said")
    assert found["data"] == stdout.decode("ascii")
    assert found.get("rc") == status


def test_what_was_printed_instead_is_shown_from_both_ends():
    found = module_result(b"begin" + b"x" * 1000000 + b"end", b"y" * 1000000, 1, "demo")
    assert found["data"].startswith("beginx")
    assert found["data"].endswith("xend")
    assert "characters not shown]" in found["data"]
    assert len(found["data"]) < 140000
    assert len(found["stderr"]) < 140000


@pytest.mark.parametrize(
    "stdout, found",
    [
        (b'{"a": "x\xffy"}', "x\\xffy"),
        (b'{"a": "x\\udcffy"}', "x\\xffy"),
        (b'{"a": "x\\ud83dy"}', "x\\ud83dy"),
        (b'{"a": "\\ud83d\\ude00"}', "\U0001f600"),
        ('{"a": "gr\u00fcn \U0001f600"}'.encode("utf-8"), "gr\u00fcn \U0001f600"),
    ],
)
def test_a_result_is_text_that_every_core_takes(stdout, found):
    result = module_result(stdout, b"", 0, "m")
    assert result["a"] == found
    json.dumps(result, ensure_ascii=False).encode("utf-8")
    assert ("warnings" in result) == ("\\" in found)


def test_bytes_that_are_no_text_are_written_out_in_names_and_depths_as_well():
    result = module_result(
        b'{"\xfe": [{"b": ["\xff"]}], "n": 1, "t": true, "z": null}', b"\xff", 0, "m"
    )
    assert result["\\xfe"] == [{"b": ["\\xff"]}]
    assert (result["n"], result["t"], result["z"], result["stderr"]) == (1, True, None, "\ufffd")
    assert visible_bytes("plain") == "plain"


def test_a_signal_has_its_name():
    assert signal_name(signal.SIGTERM) == "SIGTERM"
    assert signal_name(250) == "signal 250"


def test_the_result_of_an_end_from_without_has_the_output_until_then():
    assert ended_result("why", "a\nb\n", "e", 7) == {
        "failed": True,
        "msg": "why",
        "stdout": "a\nb\n",
        "stdout_lines": ["a", "b"],
        "stderr": "e",
        "stderr_lines": ["e"],
        "child_pid": 7,
    }
    assert "child_pid" not in ended_result("why", "", "")


@pytest.mark.parametrize(
    "forged",
    [
        {"add_host": {"host_name": "x"}},
        {"add_group": {}},
        {"_ansible_no_log": False},
        {"results": [{"add_host": {}, "_ansible_item_label": "x"}]},
    ],
)
def test_what_core_takes_for_its_own_instructions_is_not_a_part_of_a_result(forged):
    printed = json.dumps(dict({"changed": True, "results": []}, **forged)).encode("ascii")
    found = module_result(printed, b"", 0, "m")
    assert "add_host" not in json.dumps(found) and "_ansible" not in json.dumps(found)
    assert (found["changed"], len(found["results"])) == (True, len(forged.get("results", [])))
