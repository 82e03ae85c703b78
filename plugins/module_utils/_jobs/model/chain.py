# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""Which of a job's steps comes next: the rules of a block with rescue and always, without running anything."""

from typing import Mapping, NamedTuple, Optional

BLOCK_STEPS = "steps"
BLOCK_RESCUE = "rescue"
BLOCK_ALWAYS = "always"
BLOCKS = (BLOCK_STEPS, BLOCK_RESCUE, BLOCK_ALWAYS)


class Place(NamedTuple):
    """Where a step stands."""

    block: str
    number: int


class Chain:
    """sizes: how many steps each block has. Ask ``current``, run it, ``note`` how it ended, until there is none."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self._sizes = {block: sizes.get(block, 0) for block in BLOCKS}
        self._place = Place(BLOCK_STEPS, 0)
        self.failed = False  # whether the job, were this its end, would have failed
        self._settle()

    @property
    def current(self) -> Optional[Place]:
        """The step to run; None at the end."""
        block, number = self._place
        return self._place if number < self._sizes[block] else None

    def note(self, succeeded: bool) -> None:
        """The current step has ended by itself."""
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
        """The current step was ended: what must always be done is left, and nothing of that if it was in it."""
        self.failed = True
        number = self._sizes[BLOCK_ALWAYS] if self._place.block == BLOCK_ALWAYS else 0
        self._place = Place(BLOCK_ALWAYS, number)

    def _settle(self) -> None:
        """Behind the last of the steps, or of those that rescue, come those that are always run."""
        block, number = self._place
        if block != BLOCK_ALWAYS and number >= self._sizes[block]:
            self._place = Place(BLOCK_ALWAYS, 0)
