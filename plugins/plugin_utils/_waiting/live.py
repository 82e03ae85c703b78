# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A job's output on the controller's screen while it runs: every line once, in order, after the name of its host."""

from __future__ import annotations

from typing import Any

from ansible_collections.longrun.jobs.plugins.plugin_utils._sight.neutral import neutral

# lines of each stream per look: far more than anybody reads, but few enough not to hold up the other hosts
_SHOWN_AT_ONCE = 10_000


_watched: dict[tuple[str, str], LiveOutput] = {}


def live_output(host: str, job: str) -> LiveOutput:
    """Return the job's LiveOutput, the same one for all of its polls.

    core makes a new action for each retry, in the same process, so the object cannot belong to the action. job: the jid
    or job file that the task names.
    """
    return _watched.setdefault((host, job), LiveOutput(host))


class LiveOutput:
    """The output of one job. ``label`` precedes each line; ``cursor`` is up to where the output has been shown."""

    def __init__(self, label: str, cursor: str | None = None, started_here: bool = False) -> None:
        """cursor: up to where the output was shown earlier. started_here: whether this task has started the job."""
        self.label = label
        self._looked = started_here
        self.cursor = cursor or "0:0"

    def lines(self, output: dict[str, Any], finished: bool) -> list[str]:
        """Return the lines to print, neutral for a terminal, given ``async_job.output`` since the cursor, and move the cursor.

        There are none for a job that had already ended at the first look: its result has all of its output.
        """
        first, self._looked = not self._looked, True
        self.cursor = output["cursor"]
        if first and finished:
            return []
        printed = []
        label = neutral(self.label)
        for stream, mark in (("stdout_tail", "|"), ("stderr_tail", "!")):
            lines = output[stream]
            left_out = len(lines) - _SHOWN_AT_ONCE
            if left_out > 0:
                printed.append(f"{label} {mark} [{left_out} lines not shown here]")
            printed += [f"{label} {mark} {neutral(str(line))}" for line in lines[-_SHOWN_AT_ONCE:]]
        return printed
