# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""What a job runs, and what is done before it does."""

from typing import Any, Callable, Dict, List, NamedTuple, Optional

from ..model.chain import BLOCK_STEPS, Chain, Place
from .payload import Payload


class Plan(NamedTuple):
    """What a job runs.

    blocks: the modules of each block of its chain; a job of one module has it as its only step. chained: whether
    the job's result is that of a chain. ticket: its place in a queue, if it has one. settle: called in the supervisor,
    with the record, before the first module; JobError: it cannot begin. prepare: called in the process of each module
    before the module, with it.
    """

    blocks: Dict[str, List[Payload]]
    chained: bool = False
    ticket: Any = None
    settle: Optional[Callable[[Dict[str, Any]], None]] = None
    prepare: Optional[Callable[[Payload], None]] = None

    def payload(self, place: Place) -> Payload:
        return self.blocks[place.block][place.number]

    def chain(self) -> Chain:
        return Chain({block: len(payloads) for block, payloads in self.blocks.items()})


def plan_of_one(payload: Payload) -> Plan:
    return Plan({BLOCK_STEPS: [payload]})
