# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A job's output on the controller's screen while it runs: every line once, in order, its host before it."""

from __future__ import annotations

from typing import Any

# lines of each stream: far more than anybody reads, and few enough that a flood does not hold up the other hosts
_SHOWN_AT_ONCE = 10_000


_watched: dict[tuple[str, str], LiveOutput] = {}


def live_output(host: str, job: str) -> LiveOutput:
    """The same object for all the polls of a job: core makes a new action for each retry, in the same process."""
    return _watched.setdefault((host, job), LiveOutput(host))


class LiveOutput:
    """The lines of one job. ``label`` stands before each, ``cursor`` is what to ask the target for next."""

    def __init__(self, label: str, cursor: str | None = None, started_here: bool = False) -> None:
        """cursor: up to where the lines were shown before. started_here: whether the job is this task's own."""
        self.label = label
        self._looked = started_here
        self.cursor = cursor or "0:0"

    def lines(self, output: dict[str, Any], finished: bool) -> list[str]:
        """What to print of ``async_job.output`` since the cursor. Nothing for a job that had ended at the first look:
        its result has it all."""
        first, self._looked = not self._looked, True
        self.cursor = output["cursor"]
        if first and finished:
            return []
        shown = []
        for stream, mark in (("stdout_tail", "|"), ("stderr_tail", "!")):
            lines = output[stream]
            left_out = len(lines) - _SHOWN_AT_ONCE
            if left_out > 0:
                shown.append(f"{self.label} {mark} [{left_out} lines not shown here]")
            shown += [f"{self.label} {mark} {line}" for line in lines[-_SHOWN_AT_ONCE:]]
        return shown
