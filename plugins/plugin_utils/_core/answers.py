# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a target answers, without what would steer the controller.

core takes some keys of a module's result for its own instructions: ``add_host`` changes the inventory, ``_ansible_*``
changes how a result is treated, and some facts change how the next tasks connect. It removes them from the top of what a
module returns. Our answers have results of modules further down, and actions lift these to the top afterwards.

Private to the collection longrun.jobs: may change in any release.
"""

from __future__ import annotations

from typing import Any

from ansible.vars.clean import clean_facts

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.core_formats import (
    remove_instructions,
)

__all__ = ("clean_answer",)

_PARSED = "_ansible_parsed"  # core puts it at the top of an answer itself
_FACTS = "ansible_facts"


def clean_answer(answer: dict[str, Any]) -> dict[str, Any]:
    """Remove from an answer, at every depth, the keys that core takes for instructions. Return the same dict.

    Facts lose, at every depth, what core's ``clean_facts`` takes out of a module's facts at the top of its result:
    interpreters, connection variables and other magic variables.
    """
    parsed = answer.pop(_PARSED, None)
    remove_instructions(answer)
    containers: list[Any] = [answer]
    while containers:
        container = containers.pop()
        if isinstance(container, dict):
            facts = container.get(_FACTS)
            if isinstance(facts, dict):
                container[_FACTS] = clean_facts(facts)
            container = list(container.values())
        containers += [value for value in container if isinstance(value, (dict, list))]
    if parsed is not None:
        answer[_PARSED] = parsed
    return answer
