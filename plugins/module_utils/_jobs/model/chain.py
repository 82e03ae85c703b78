# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""Which step of a job comes next, by the rules of Ansible's block, rescue and always. Nothing is run here."""

from typing import Mapping, NamedTuple, Optional

BLOCK_STEPS = "steps"
BLOCK_RESCUE = "rescue"
BLOCK_ALWAYS = "always"
BLOCKS = (BLOCK_STEPS, BLOCK_RESCUE, BLOCK_ALWAYS)


class Place(NamedTuple):
    """The position of a step: the name of its block, and its number in it, from 0."""

    block: str
    number: int


class Chain:
    """The order in which the steps of a job run.

    Run the step that ``current`` returns and tell ``note`` how it ended, until ``current`` is None. sizes: how many
    steps each block has; a block that is left out has none.
    """

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self._sizes = {block: sizes.get(block, 0) for block in BLOCKS}
        self._place = Place(BLOCK_STEPS, 0)
        self.failed = False  # whether the job would have failed if it ended now
        self._settle()

    @property
    def current(self) -> Optional[Place]:
        """Return the step to run, None when there are no more."""
        block, number = self._place
        return self._place if number < self._sizes[block] else None

    def note(self, succeeded: bool) -> None:
        """Move on to the next step after the current one has ended by itself."""
        block, number = self._place
        if succeeded:
            self._place = Place(block, number + 1)
            if block == BLOCK_RESCUE and number + 1 == self._sizes[block]:
                self.failed = False
        else:
            self.failed = True
            if block == BLOCK_STEPS and self._sizes[BLOCK_RESCUE]:
                self._place = Place(BLOCK_RESCUE, 0)
            elif block == BLOCK_ALWAYS:
                self._place = Place(BLOCK_ALWAYS, self._sizes[BLOCK_ALWAYS])
            else:
                self._place = Place(BLOCK_ALWAYS, 0)
        self._settle()

    def abandon(self) -> None:
        """Move on after the current step was ended by somebody: to the always steps, or past them if it was one."""
        self.failed = True
        number = self._sizes[BLOCK_ALWAYS] if self._place.block == BLOCK_ALWAYS else 0
        self._place = Place(BLOCK_ALWAYS, number)

    def _settle(self) -> None:
        """Move on to the always steps if the last step of another block is done."""
        block, number = self._place
        if block != BLOCK_ALWAYS and number >= self._sizes[block]:
            self._place = Place(BLOCK_ALWAYS, 0)
