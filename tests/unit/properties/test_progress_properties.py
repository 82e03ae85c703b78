# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import json

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.progress import (
    measure_progress,
)

seconds = st.floats(0, 1e9)
pieces = st.sampled_from(
    [
        "1",
        "45",
        "100",
        "0",
        ",",
        ".",
        "/",
        "%",
        " ",
        "[",
        "]",
        "(",
        ")",
        " of ",
        "MB",
        "kB",
        ":",
        "-",
    ]
    + [
        "Step ",
        "files",
        "{",
        "}",
        '"percent"',
        '"current"',
        '"total"',
        '"message"',
        "\n",
        "\r",
        "é",
    ]
)
text = st.lists(pieces, max_size=20).map("".join) | st.text(max_size=30)


@given(text, st.lists(text, max_size=5), st.lists(st.floats(), max_size=5), seconds)
def test_every_answer_holds_to_its_contract(report, lines, durations, elapsed):
    pattern = r"(?P<percent>\S+)?x(?P<current>\S+)?(?P<total>\S+)?"
    progress = measure_progress(report, pattern, lines, durations, elapsed, None)
    if progress is None:
        return
    assert set(progress) == set("percent current total unit message eta source updated_at".split())
    assert progress["percent"] is None or 0 <= progress["percent"] <= 100
    assert progress["eta"] is None or progress["eta"] >= 0
    assert progress["total"] is None or progress["total"] > 0
    assert progress["message"] is None or 0 < len(progress["message"]) <= 200
    json.dumps(progress, allow_nan=False)


@given(st.integers(0, 100), st.text(st.characters(codec="ascii", categories=["L"]), min_size=1))
def test_no_cut_of_a_report_line_gives_another_number(percent, message):
    line = f"{percent} {message}\n"
    for end in range(len(line)):
        assert measure_progress(line[:end], None, [], [], 1.0, None) is None


@given(st.integers(0, 10**9), st.integers(1, 10**9))
def test_counts_are_believed_only_up_to_their_total(current, total):
    for form in ("[{0}/{1}]", "({0}/{1})", "{0} of {1}", "Step {0}/{1}"):
        progress = measure_progress("", None, [form.format(current, total)], [], 1.0, None)
        if current > total:
            assert progress is None
        else:
            assert (progress["current"], progress["total"]) == (current, total)
            assert abs(progress["percent"] - 100.0 * current / total) <= 0.1
