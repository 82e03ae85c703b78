# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every example in the documentation does what the documentation says."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from blocks import blocks, documents
from story import Story

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
GUIDES = "docs/docsite/rst/guide_"
# Jobs that do not succeed, because the text is about that. All others do, also those that nobody waits for.
FAILING = {
    f"{GUIDES}job_control.rst": {"bad"},
    f"{GUIDES}troubleshooting.rst": {"hanging", "slow"},
    "plugins/filter/batch_outcome.yml": {"breaks"},
}


@pytest.mark.parametrize("document", documents(ROOT))
def test_the_examples_run_as_they_are_shown(document: str, story: Story) -> None:
    presupposed: dict[str, dict[str, list[object]]] = yaml.safe_load(
        (HERE / "presupposed.yml").read_text()
    )
    tasks = {
        heading: yaml.safe_dump(listed, sort_keys=False, width=1000)
        for heading, listed in presupposed.get(document, {}).items()
    }
    story.run(blocks(ROOT, document), tasks)
    assert story.leave() == FAILING.get(document, set())
