# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Draws jobs as bars for a terminal of a given size. No I/O. Needs the package rich, see HAS_RICH.

Private to the collection longrun.jobs: may change in any release.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

from ansible_collections.longrun.jobs.plugins.plugin_utils._sight.job_text import clock, overview
from ansible_collections.longrun.jobs.plugins.plugin_utils._sight.seen import SeenJob
from ansible_collections.longrun.jobs.plugins.plugin_utils._sight.watching import Waiting

try:
    from rich.console import Console
    from rich.progress_bar import ProgressBar
    from rich.spinner import Spinner
    from rich.table import Table
    from rich.text import Text
except ImportError:
    HAS_RICH = False
else:
    HAS_RICH = True

_LEAST_WIDTH = 20
_BAR_WIDTH = 24
_MANY_COLUMNS = 80  # a narrower terminal shows neither the time left nor the last line of output


class Painter:
    """Draws frames. It keeps one spinner for all of them, so that it turns evenly."""

    def __init__(self, colours: bool) -> None:
        self._colours = colours
        self._spinner = Spinner("dots")

    def frame(
        self,
        running: Sequence[SeenJob],
        waiting: Sequence[Waiting],
        known: Sequence[SeenJob],
        now: float,
        width: int,
        most: int,
    ) -> list[str]:
        """Return the lines to draw: a bar for each job and waiting task, and a last line that sums up all known jobs.

        There are none without jobs and waiting tasks. now: in terms of the clock of the jobs. width: in columns, which
        no line exceeds. most: how many bars there are at most.
        """
        rows = len(running) + len(waiting)
        if not rows:
            return []
        width = max(_LEAST_WIDTH, width)
        grid = Table.grid(padding=(0, 1))
        wide = width >= _MANY_COLUMNS
        for share in (3, 4):
            grid.add_column(
                no_wrap=True, overflow="ellipsis", max_width=max(6, width // 10 * share // 2)
            )
        grid.add_column(no_wrap=True, width=_BAR_WIDTH if wide else max(4, width // 5))
        grid.add_column(no_wrap=True, justify="right", min_width=4)
        grid.add_column(no_wrap=True, justify="right")
        if wide:
            grid.add_column(no_wrap=True, justify="right")
            grid.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
            grid.expand = True
        for job in running[:most]:
            cells = self._job_cells(job, now)
            grid.add_row(*(cells if wide else cells[:5]))
        for task in waiting[: max(0, most - len(running))]:
            cells = self._waiting_cells(task, now)
            grid.add_row(*(cells if wide else cells[:5]))
        return self._lines(grid, Text(_sum(known, rows, most), style="dim", no_wrap=True), width)

    def _job_cells(self, job: SeenJob, now: float) -> list[Text | ProgressBar]:
        left = job.left(now)
        latest = job.last_line or job.progress_message
        share = None if job.percent is None else min(100.0, max(0.0, job.percent))
        return [
            Text(job.host, style="bold"),
            Text(job.short_label, style="cyan"),
            (
                ProgressBar(total=100, completed=share, complete_style="green")
                if share is not None
                else ProgressBar(total=None, pulse=True, animation_time=now)
            ),
            Text(f"{share:.0f}%") if share is not None else self._turning(now),
            Text(clock(job.seconds(now)), style="blue"),
            Text("" if left is None else f"ETA {clock(left)}", style="magenta"),
            Text(latest if job.state == "running" else f"{job.state} {latest}", style="dim"),
        ]

    def _waiting_cells(self, waiting: Waiting, now: float) -> list[Text | ProgressBar]:
        return [
            Text(waiting.host, style="bold"),
            Text(waiting.task, style="cyan"),
            ProgressBar(total=None, pulse=True, animation_time=now),
            self._turning(now),
            Text(clock(now - waiting.began), style="blue"),
            Text(""),
            Text("no status yet", style="dim"),
        ]

    def _turning(self, now: float) -> Text:
        frame = self._spinner.render(now)
        return frame if isinstance(frame, Text) else Text("")

    def _lines(self, grid: Table, closing: Text, width: int) -> list[str]:
        page = io.StringIO()
        console = Console(
            file=page,
            width=width,
            force_terminal=True,
            color_system="256" if self._colours else None,
            no_color=not self._colours,
            legacy_windows=False,
            highlight=False,
            markup=False,
            emoji=False,
        )
        console.print(grid)
        console.print(closing, no_wrap=True, overflow="ellipsis")
        return page.getvalue().rstrip("\n").split("\n")


def _sum(known: Sequence[SeenJob], rows: int, most: int) -> str:
    """Return the last line: how many jobs are in each state, and how many have no bar."""
    summary = overview(known) if known else f"{rows} started"
    hidden = rows - most
    return f"{summary}; {hidden} more not shown" if hidden > 0 else summary
