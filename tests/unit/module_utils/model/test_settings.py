# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import math

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.settings import (
    SettingError,
    Settings,
    parse_duration,
    parse_size,
    read_settings,
)


@pytest.mark.parametrize(
    "text, seconds",
    [
        ("0", 0),
        ("30", 30),
        ("1.5", 1.5),
        ("0.25s", 0.25),
        ("10s", 10),
        ("10m", 600),
        ("2h", 7200),
        ("1.5h", 5400),
        ("7d", 604800),
        ("2w", 1209600),
        ("10 m", 600),
        (" 30 ", 30),
        ("36500d", 3153600000),
    ],
)
def test_a_duration_is_seconds_or_has_a_unit(text, seconds):
    duration = parse_duration(text)
    assert duration == seconds
    assert isinstance(duration, float)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "-1",
        "+1",
        "1e3",
        "inf",
        "nan",
        "1,5",
        "10M",
        "10min",
        "1h30m",
        ".5",
        "5.",
        "m",
        "٣",
    ],
)
def test_what_is_no_duration_is_refused_with_a_word_on_what_would_be_right(text):
    with pytest.raises(ValueError) as caught:
        parse_duration(text)
    assert str(caught.value) == (
        f"{text!r} is not a valid duration: give seconds (30, 1.5) or a number with a unit s, m, h, d or w (10m)"
    )


@pytest.mark.parametrize("text", ["101000d", "9" * 18 + "w", "9" * 18])
def test_a_duration_that_would_overflow_a_timer_is_refused(text):
    with pytest.raises(ValueError) as caught:
        parse_duration(text)
    assert "at most 100 years" in str(caught.value)


@pytest.mark.parametrize(
    "text, size",
    [
        ("0", 0),
        ("1048576", 1048576),
        ("512b", 512),
        ("512K", 524288),
        ("512k", 524288),
        ("512KB", 524288),
        ("512KiB", 524288),
        ("10MiB", 10485760),
        ("10 mib", 10485760),
        ("1.5M", 1572864),
        ("1G", 1073741824),
        ("2TiB", 2199023255552),
        ("999999999999999999", 999999999999999999),
    ],
)
def test_a_size_is_bytes_or_has_a_unit_that_counts_by_1024(text, size):
    assert parse_size(text) == size
    assert isinstance(parse_size(text), int)


@pytest.mark.parametrize("text", ["", "big", "-1", "1.5", "1.5B", "10X", "10KiBs", "1e6", "10M1K"])
def test_what_is_no_size_is_refused_with_a_word_on_what_would_be_right(text):
    with pytest.raises(ValueError) as caught:
        parse_size(text)
    assert str(caught.value).startswith(f"{text!r} is not a valid size: give bytes (1048576)")
    assert "10MiB" in str(caught.value)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"ANSIBLE_ASYNC_GRACE": "", "ANSIBLE_ASYNC_NAME": " ", "ANSIBLE_ASYNC_PROGRESS_REGEX": ""},
        {"ANSIBLE_ASYNC_DIR": "~/x", "ANSIBLE_ASYNC_GRACES": "soon", "ANSIBLE_ASYNC_JID": "j1.2"},
    ],
)
def test_what_is_not_set_has_its_default(environ):
    settings = read_settings(environ)
    assert settings == Settings(
        name=None,
        grace=10.0,
        idle_timeout=None,
        retention=7 * 86400.0,
        output_limit=10 * 1024 * 1024,
        progress_regex=None,
    )


@pytest.mark.parametrize(
    "variable, value, field, expected",
    [
        ("NAME", "os-upgrade", "name", "os-upgrade"),
        ("NAME", " größtes Update ", "name", "größtes Update"),
        ("NAME", "n" * 200, "name", "n" * 200),
        ("GRACE", "1m", "grace", 60.0),
        ("GRACE", "0", "grace", 0.0),
        ("IDLE_TIMEOUT", "90", "idle_timeout", 90.0),
        ("IDLE_TIMEOUT", "0", "idle_timeout", None),
        ("RETENTION", "30d", "retention", 2592000.0),
        ("RETENTION", "forever", "retention", None),
        ("OUTPUT_LIMIT", "64KiB", "output_limit", 65536),
        ("OUTPUT_LIMIT", "1G", "output_limit", 1073741824),
        ("OUTPUT_LIMIT", "0", "output_limit", 0),
        ("PROGRESS_REGEX", r" (?P<percent>\d+) ", "progress_regex", r" (?P<percent>\d+) "),
    ],
)
def test_each_variable_sets_its_own_setting_only(variable, value, field, expected):
    settings = read_settings({"ANSIBLE_ASYNC_" + variable: value})
    assert settings == Settings()._replace(**{field: expected})


@pytest.mark.parametrize(
    "variable, value, message",
    [
        ("NAME", "a\nb", "'a\\nb' is not a valid name: give 1 to 200 printable characters"),
        ("NAME", "\udc80", "'\\udc80' is not a valid name: give 1 to 200 printable characters"),
        (
            "NAME",
            "n" * 201,
            "'" + "n" * 57 + "...' is not a valid name: give 1 to 200 printable characters",
        ),
        (
            "GRACE",
            "soon",
            "'soon' is not a valid duration: give seconds (30, 1.5) or a number with a unit s, m, h, d or w "
            "(10m)",
        ),
        (
            "IDLE_TIMEOUT",
            "-1",
            "'-1' is not a valid duration: give seconds (30, 1.5) or a number with a unit s, m, h, d or w "
            "(10m)",
        ),
        (
            "RETENTION",
            "never",
            "'never' is not a valid duration: give seconds (30, 1.5) or a number with a unit s, m, h, d or "
            "w (10m), or forever",
        ),
        ("RETENTION", "0", "'0' keeps no result: give more than 0, or forever"),
        (
            "OUTPUT_LIMIT",
            "64000",
            "'64000' is too small: give 64KiB or more, or 0 to keep no output",
        ),
        (
            "OUTPUT_LIMIT",
            "lots",
            "'lots' is not a valid size: give bytes (1048576) or a number with a unit KiB, MiB, GiB or TiB, "
            "in short K, M, G or T (10MiB, 512K)",
        ),
        (
            "PROGRESS_REGEX",
            r"(\d+)%",
            r"'(\\d+)%' finds no progress: give a group percent, current or message; the groups are "
            "(?P<percent>...), (?P<current>...), (?P<total>...), (?P<unit>...), (?P<message>...)",
        ),
    ],
)
def test_a_bad_value_is_refused_with_its_variable_and_what_would_be_right(variable, value, message):
    with pytest.raises(SettingError) as caught:
        read_settings({"ANSIBLE_ASYNC_" + variable: value})
    assert str(caught.value) == f"ANSIBLE_ASYNC_{variable}: {message}"
    assert isinstance(caught.value, ValueError)


def test_no_duration_that_is_read_is_infinite():
    assert math.isfinite(parse_duration("36500d"))
