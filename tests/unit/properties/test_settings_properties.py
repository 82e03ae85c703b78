# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.settings import (
    SettingError,
    parse_duration,
    parse_size,
    read_settings,
)

VARIABLES = ["NAME", "GRACE", "IDLE_TIMEOUT", "RETENTION", "OUTPUT_LIMIT", "PROGRESS_REGEX"]
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
values = st.text(max_size=20) | st.text("0123456789.smhdwKMGTiB -+e", max_size=8)


@given(st.integers(0, 5000), st.sampled_from(sorted(UNITS)))
def test_a_unit_multiplies(number, unit):
    assert parse_duration(str(number) + unit) == number * UNITS[unit]


@given(values)
def test_what_is_parsed_is_finite_and_not_negative(text):
    for parse in (parse_duration, parse_size):
        try:
            value = parse(text)
        except ValueError as err:
            assert repr(text) in str(err)
        else:
            assert math.isfinite(value) and value >= 0


@given(st.integers(0, 10**17))
def test_a_whole_size_is_exact(number):
    assert parse_size(str(number)) == number
    assert parse_size(str(number) + "MiB") == number * 1024 * 1024


@given(st.sampled_from(VARIABLES), values)
def test_a_variable_is_read_or_refused_by_its_name(variable, value):
    try:
        read_settings({"ANSIBLE_ASYNC_" + variable: value})
    except SettingError as err:
        assert str(err).startswith("ANSIBLE_ASYNC_" + variable + ": ")


@given(st.sampled_from(VARIABLES))
def test_every_variable_can_be_refused(variable):
    with pytest.raises(SettingError):
        read_settings({"ANSIBLE_ASYNC_" + variable: "(\0"})
