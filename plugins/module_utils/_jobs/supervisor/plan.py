# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""What a job runs, and what surrounds it while it does."""

from typing import TYPE_CHECKING, Dict, List, Mapping, NamedTuple, Optional

from ..model.chain import BLOCK_STEPS, Chain, Place
from .payload import Payload

if TYPE_CHECKING:  # what only some jobs need is not imported for all
    from ..system.priority import Priority
    from ..system.scope import Limits
    from ..system.tickets import Ticket


class Plan(NamedTuple):
    """What a job runs.

    blocks: the modules of each block of its chain; a job of one module has it as its only step. chained: whether the
    job's result is that of a chain. ticket: its place in a queue. limits: those of a systemd scope of its own; None
    for no scope. priority: of its modules. environ: the variables that its modules have besides the task's.
    """

    blocks: Dict[str, List[Payload]]
    chained: bool = False
    ticket: "Optional[Ticket]" = None
    limits: "Optional[Limits]" = None
    priority: "Optional[Priority]" = None
    environ: Mapping[str, str] = {}

    def payload(self, place: Place) -> Payload:
        """Return the module of a step."""
        return self.blocks[place.block][place.number]

    def chain(self) -> Chain:
        """Return the chain at its beginning, for one attempt."""
        return Chain({block: len(payloads) for block, payloads in self.blocks.items()})


def plan_of_one(payload: Payload) -> Plan:
    """Return the plan of a job that runs one module and has no queue, scope or priority."""
    return Plan({BLOCK_STEPS: [payload]})
