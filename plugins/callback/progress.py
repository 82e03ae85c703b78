# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stdout callback longrun.jobs.progress: core's default callback, with bars or lines for jobs."""

from __future__ import annotations

DOCUMENTATION = r"""
name: progress
type: stdout
short_description: Show the progress of jobs while a play waits for them
version_added: 0.1.0
author:
  - longrun.jobs contributors (@longrun)
description:
  - Prints what P(ansible.builtin.default#callback) prints, and shows asynchronous tasks (jobs) while a play waits for them.
  - On a terminal, and if the Python package C(rich) is installed beside ansible-core, each running job has a bar. A job that has
    ended becomes one line, and lines that jobs print appear above the bars.
  - Elsewhere, such as in a log file, in CI or under AWX, it prints plain lines without control characters. It prints at most one line
    per job in each O(interval), only if something has changed, and another one when the job has ended.
  - At the end of the run it prints a table of all jobs.
  - It shows the jobs of tasks with C(async) and C(poll), of C(until) loops over M(longrun.jobs.async_status) or
    M(ansible.builtin.async_status), of M(longrun.jobs.async_run) with C(wait), and of M(longrun.jobs.async_wait).
  - Its bars and lines replace the lines C(ASYNC POLL), C(ASYNC OK), C(ASYNC FAILED) and, for jobs that run, C(FAILED - RETRYING).
    With C(-vv) these are printed as well.
extends_documentation_fragment:
  - default_callback
  - result_format_callback
options:
  bars:
    description:
      - Whether to draw bars.
      - V(auto) draws them on a terminal if C(rich) is installed. V(never) prints plain lines on a terminal, too.
    type: str
    choices: [auto, never]
    default: auto
    env:
      - name: LONGRUN_PROGRESS_BARS
    ini:
      - section: callback_longrun_progress
        key: bars
  max_bars:
    description:
      - The maximum number of bars. A line sums up the other jobs. V(0) shows as many as the terminal has room for.
    type: int
    default: 0
    env:
      - name: LONGRUN_PROGRESS_MAX_BARS
    ini:
      - section: callback_longrun_progress
        key: max_bars
  refresh:
    description:
      - The number of seconds between two drawings of the bars, from V(0.05) to V(60).
    type: float
    default: 0.25
    env:
      - name: LONGRUN_PROGRESS_REFRESH
    ini:
      - section: callback_longrun_progress
        key: refresh
  interval:
    description:
      - The minimum number of seconds between two lines about the same job, where there are no bars.
      - How often there is news of a job depends on the task, on its C(poll), C(delay) or O(longrun.jobs.async_wait#module:interval).
    type: float
    default: 10
    env:
      - name: LONGRUN_PROGRESS_INTERVAL
    ini:
      - section: callback_longrun_progress
        key: interval
  table_rows:
    description:
      - The maximum number of jobs in the table at the end, first those that did not succeed and then those that took longest.
        A line sums up the others. V(0) shows all of them, V(-1) prints no table.
    type: int
    default: 50
    env:
      - name: LONGRUN_PROGRESS_TABLE_ROWS
    ini:
      - section: callback_longrun_progress
        key: table_rows
requirements:
  - set as stdout in configuration
  - rich, for the bars
notes:
  - Between two reports of a job, its time is counted on the controller.
  - To switch off the live lines of tasks, use the variable C(longrun_live_output). This callback has no option for it.
seealso:
  - plugin: longrun.jobs.timeline
    plugin_type: callback
  - name: Watching
    description: Bars, lines, pages, and how others look at jobs.
    link: https://github.com/longrun/jobs/blob/main/docs/docsite/rst/guide_watching.rst
"""

EXAMPLES = r"""
# ansible.cfg
# [defaults]
# stdout_callback = longrun.jobs.progress
#
# [callback_longrun_progress]
# interval = 30

- name: Run a backup, which has a bar on a terminal, and a line every 30 seconds in a log file
  longrun.jobs.async_run:
    name: backup shop
    task:
      ansible.builtin.command: /usr/local/bin/backup shop
    wait: true
"""

import atexit
import os
import sys
import time
from typing import Any

from ansible import constants as C
from ansible.errors import AnsibleOptionsError
from ansible.plugins.callback.default import CallbackModule as DefaultCallback

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.states import STATE_SUCCEEDED
from ansible_collections.longrun.jobs.plugins.plugin_utils._core.display import (
    display_lock,
    print_within,
)
from ansible_collections.longrun.jobs.plugins.plugin_utils._core.events import (
    Event,
    event_of,
    waits_for_jobs,
)
from ansible_collections.longrun.jobs.plugins.plugin_utils._sight.bars import HAS_RICH, Painter
from ansible_collections.longrun.jobs.plugins.plugin_utils._sight.job_text import (
    end_line,
    progress_line,
    table,
)
from ansible_collections.longrun.jobs.plugins.plugin_utils._sight.screen import Screen
from ansible_collections.longrun.jobs.plugins.plugin_utils._sight.seen import SeenJob, SeenJobs
from ansible_collections.longrun.jobs.plugins.plugin_utils._sight.watching import Watching

_ROWS_LEFT_FREE = 6  # rows above the bars, so that what is printed there can be read
_CORE_VERBOSITY = 2  # from this verbosity on, core's own lines about polls are printed, too
_LIMITS: dict[str, tuple[float, float]] = {
    "max_bars": (0, 10_000),
    "refresh": (0.05, 60),
    "interval": (0, 1e9),
    "table_rows": (-1, 1e9),
}


class CallbackModule(DefaultCallback):
    """core's default callback, which also shows jobs as bars or as lines."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "longrun.jobs.progress"

    def __init__(self) -> None:
        super().__init__()
        self._lock = display_lock()
        self._seen = SeenJobs()
        self._watching = Watching()
        self._screen: Screen | None = None

    def set_options(self, *args: Any, **kwargs: Any) -> None:
        """Read the options. Raises AnsibleOptionsError if a number is out of range."""
        super().set_options(*args, **kwargs)
        for option, (least, most) in _LIMITS.items():
            value = self.get_option(option)
            if not least <= value <= most:
                raise AnsibleOptionsError(
                    f"longrun.jobs.progress: {option}: {value:g} is not between {least:g} and {most:g}"
                )

    def v2_playbook_on_start(self, playbook: Any) -> None:
        if self._can_draw():
            painter = Painter(colours="NO_COLOR" not in os.environ and not C.ANSIBLE_NOCOLOR)  # type: ignore[attr-defined]  # made at run time

            def frame(columns: int, rows: int) -> list[str]:
                wanted = self.get_option("max_bars") or max(2, rows - _ROWS_LEFT_FREE)
                # A drawing higher than the terminal cannot be erased, and tmux keeps one as high in its history.
                most = min(wanted, max(1, rows - 3))
                running, waiting = self._watching.shown()
                return painter.frame(
                    running, waiting, list(self._seen), time.monotonic(), columns, most
                )

            self._screen = Screen(sys.stdout, self._lock, frame, self.get_option("refresh"))
            print_within(self._screen.cleared)
            atexit.register(self._screen.stop)
        super().v2_playbook_on_start(playbook)

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        super().v2_runner_on_start(host, task)
        with self._lock:
            waits = waits_for_jobs(task)
            self._watching.start(host.get_name(), task.get_name(), waits, time.monotonic())
        if self._screen:
            self._screen.update()

    def v2_runner_on_async_poll(self, result: Any) -> None:
        if not self._look(result) or self._display.verbosity >= _CORE_VERBOSITY:
            super().v2_runner_on_async_poll(result)

    def v2_runner_retry(self, result: Any) -> None:
        jobs = self._look(result)
        # a retry although the job has ended does not just ask for its status: the task itself is run again
        again = not jobs or any(job.ended for job in jobs)
        if again or self._display.verbosity >= _CORE_VERBOSITY:
            super().v2_runner_retry(result)

    def v2_runner_on_async_ok(self, result: Any) -> None:
        if not self._end(result, False) or self._display.verbosity >= _CORE_VERBOSITY:
            super().v2_runner_on_async_ok(result)

    def v2_runner_on_async_failed(self, result: Any) -> None:
        if not self._end(result, False) or self._display.verbosity >= _CORE_VERBOSITY:
            super().v2_runner_on_async_failed(result)

    def v2_runner_on_ok(self, result: Any) -> None:
        try:
            self._end(result, True)
        finally:  # core's own line is printed even if ours fails
            super().v2_runner_on_ok(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        try:
            self._end(result, True)
        finally:  # core's own line is printed even if ours fails
            super().v2_runner_on_failed(result, ignore_errors)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        try:
            self._end(result, True)
        finally:  # core's own line is printed even if ours fails
            super().v2_runner_on_unreachable(result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        try:
            self._end(result, True)
        finally:  # core's own line is printed even if ours fails
            super().v2_runner_on_skipped(result)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        try:
            self._end(result, False)
        finally:  # core's own line is printed even if ours fails
            super().v2_runner_item_on_ok(result)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        try:
            self._end(result, False)
        finally:  # core's own line is printed even if ours fails
            super().v2_runner_item_on_failed(result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        try:
            self._close()
        finally:
            super().v2_playbook_on_stats(stats)

    def _close(self) -> None:
        """Remove the bars and print the table."""
        if self._screen:
            self._screen.stop()
        rows = self.get_option("table_rows")
        if len(self._seen) and rows >= 0:
            self._display.banner("JOBS")
            for state, line in table(list(self._seen), time.monotonic(), rows):
                self._display.display(line, color=_colour(state))

    def _look(self, result: Any) -> list[SeenJob]:
        """Update and show the jobs in an event of a task that waits, and return them."""
        event, now = event_of(result), time.monotonic()
        with self._lock:
            jobs = self._take_in(event, now)
            ended = self._watching.look(event.host, jobs, now)
            due = (
                [] if self._screen else self._watching.news(jobs, now, self.get_option("interval"))
            )
        self._print_ended(ended, now)
        for job in due:
            self._display.display(progress_line(job, now))
        if self._screen:
            self._screen.update()
        else:
            # core flushes only a full buffer or at the end, so the reader of a log would see nothing until then
            sys.stdout.flush()
        return jobs

    def _end(self, result: Any, whole_task: bool) -> bool:
        """Update the jobs in the result of a task or an item, and return whether there are any."""
        event, now = event_of(result), time.monotonic()
        with self._lock:
            jobs = self._take_in(event, now)
            ended = self._watching.end(event.host, jobs, whole_task)
        self._print_ended(ended, now)
        if self._screen:
            self._screen.update()
        return bool(jobs)

    def _take_in(self, event: Event, now: float) -> list[SeenJob]:
        task = self._watching.task_of(event.host) or event.task
        return self._seen.note(event.host, task, event.data, now)

    def _print_ended(self, ended: list[SeenJob], now: float) -> None:
        for job in ended:
            self._display.display(end_line(job, now), color=_colour(job.state))

    def _can_draw(self) -> bool:
        """Return whether to draw bars.

        Not in a subclass: ansible-runner and AWX derive their own callback from this one, run it on a terminal, and parse
        what it prints.
        """
        return bool(
            HAS_RICH
            and self.__class__ is CallbackModule
            and self.get_option("bars") == "auto"
            and sys.stdout.isatty()
            and os.environ.get("TERM", "dumb") not in ("", "dumb", "unknown")
        )


def _colour(state: str) -> str | None:
    """Return the configured colour for a job in this state, or None if it has not ended."""
    if not state or state in ("queued", "running"):
        return None
    found: str = C.COLOR_OK if state == STATE_SUCCEEDED else C.COLOR_ERROR  # type: ignore[attr-defined]  # made at run time
    return found
