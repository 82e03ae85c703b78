# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the documentation lists is what the code has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.inspection import ending
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model import settings, states

ROOT = Path(__file__).parents[2]
GUIDES = ROOT / "docs" / "docsite" / "rst"
TROUBLESHOOTING = (GUIDES / "guide_troubleshooting.rst").read_text()
README = (ROOT / "README.md").read_text()

STATES = {value for name, value in vars(states).items() if name.startswith("STATE_")}
REASONS = {value for name, value in vars(states).items() if name.startswith("REASON_")}


def rst_rows(text: str, heading: str) -> list[list[str]]:
    """The rows of the first table below a heading, without its head."""
    table = re.split(rf"^{heading}\n-+\n", text, flags=re.MULTILINE)[1].split(".. list-table::")[1]
    table = re.split(r"^\S", table, flags=re.MULTILINE)[0]
    rows = re.split(r"^   \* - ", table, flags=re.MULTILINE)[2:]
    return [
        [" ".join(cell.split()) for cell in re.split(r"^     -", row, flags=re.MULTILINE)]
        for row in rows
    ]


def words(cell: str) -> set[str]:
    return set(re.findall(r"`+(\w+)`+", cell))


def test_the_guide_lists_every_state_and_no_other() -> None:
    listed = [cell for row in rst_rows(TROUBLESHOOTING, "States") for cell in words(row[0])]
    assert sorted(listed) == sorted(STATES)


def test_the_guide_lists_every_reason_and_no_other() -> None:
    listed = {cell for row in rst_rows(TROUBLESHOOTING, "Reasons") for cell in words(row[0])}
    assert listed == REASONS | {"null"}


def test_the_guide_and_the_readme_tell_of_the_same_ends() -> None:
    in_guide = {
        (state, reason)
        for row in rst_rows(TROUBLESHOOTING, "Reasons")
        for reason in words(row[0])
        for state in words(row[1]) or {"any end"}
    }
    table = README.split("## States and reasons")[1].split("## ")[0]
    cells = [
        [cell.strip() for cell in row.split("|")[1:3]]
        for row in table.splitlines()
        if row.startswith("|")
    ]
    in_readme = {(cells_[0].strip("`"), cells_[1].strip("`")) for cells_ in cells[2:]}
    assert in_guide == in_readme


def test_every_end_in_the_guide_is_one_that_may_come() -> None:
    for row in rst_rows(TROUBLESHOOTING, "Reasons"):
        if words(row[0]) != {"null"} and words(row[1]):
            assert words(row[1]) <= set(states.END_STATES), row[0]


@pytest.mark.parametrize("reason", sorted(ending._MESSAGES))
def test_the_guide_has_the_message_of_an_end(reason: str) -> None:
    refusal = (
        "could not start a module of j402058509351.34914: Resource temporarily unavailable (EAGAIN)"
    )
    message = ending._MESSAGES[reason].format(idle_timeout=300, refusal=refusal)
    (row,) = [row for row in rst_rows(TROUBLESHOOTING, "Reasons") if words(row[0]) == {reason}]
    assert f"``{message}``" in " ".join(row)


def test_every_message_in_the_guide_is_one_of_the_code() -> None:
    texts = [path.read_text() for path in (ROOT / "plugins").rglob("*.py")]
    # literals that stand beside each other are one
    code = re.sub(r'"\s*f?"', "", "\n".join(texts))
    code = re.sub(r'Refused\(\s*"', '"could not ', code)
    code = re.sub(r"\{[^{}]*\}", "...", code).replace("'...'", "...")
    for row in rst_rows(TROUBLESHOOTING, "Messages"):
        for message in re.findall(r"``(.+?)``", row[0]):
            for part in re.split(r"\s?\.\.\.\s?", message):
                assert part.strip() in code, message


def test_every_setting_is_in_the_guide_and_the_readme() -> None:
    names = {f"ANSIBLE_ASYNC_{field.upper()}" for field in settings.Settings._fields}
    guide = (GUIDES / "guide_drop_in.rst").read_text()
    listed = {name for row in rst_rows(guide, "Settings") for name in words(row[0])}
    table = README.split("## Settings")[1].split("## ")[0]
    assert listed == names == set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE))


def test_every_guide_has_its_place_in_the_index() -> None:
    index = (ROOT / "docs" / "docsite" / "extra-docs.yml").read_text()
    assert set(re.findall(r"- (guide_\w+)", index)) == {path.stem for path in GUIDES.glob("*.rst")}
