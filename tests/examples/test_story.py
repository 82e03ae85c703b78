# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No example gets past the tests unseen."""

from __future__ import annotations

from pathlib import Path

import pytest
from blocks import blocks
from story import Failed, check_shown, missing


@pytest.mark.parametrize(
    "text",
    (
        "```perl\nprint 1\n```\n",
        "```\n$ true\n```\n",
        "Some text:\n\n    $ true\n",
    ),
)
def test_a_block_in_a_readme_that_nobody_can_run_is_an_error(text: str, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(text)
    with pytest.raises(ValueError, match="README.md:"):
        blocks(tmp_path, "README.md")


@pytest.mark.parametrize(
    "text",
    (
        ".. code-block:: perl\n\n    print 1\n",
        "Some text::\n\n    $ true\n",
        ".. literalinclude:: file\n",
        ".. code-block:: console\n    :emphasize-lines: 1\n\n    $ true\n",
    ),
)
def test_a_block_in_a_guide_that_nobody_can_run_is_an_error(text: str, tmp_path: Path) -> None:
    (tmp_path / "guide.rst").write_text(text)
    with pytest.raises(ValueError, match="guide.rst:"):
        blocks(tmp_path, "guide.rst")


def test_what_is_shown_must_be_printed_in_this_order() -> None:
    printed = "one 1.5 s\ntwo   words\nthree\n"
    check_shown("one 2 s\ntwo words\n", printed, "here")
    check_shown("one ...\n...\nthree\n", printed, "here")
    for shown in ("three\none 1 s\n", "four\n", "two\n", "one ... minutes\n"):
        with pytest.raises(Failed, match="here: this is not printed"):
            check_shown(shown, printed, "here")


def test_dots_alone_stand_for_any_lines() -> None:
    assert missing("...\n", "") == ""
    assert missing("...\nlast\n", "first\nsecond\nlast\n") == ""
