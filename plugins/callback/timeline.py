# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The callback longrun.jobs.timeline: a page of what jobs ran when."""

from __future__ import annotations

DOCUMENTATION = r"""
name: timeline
type: aggregate
short_description: Write a page that shows the jobs of a run over time
version_added: 0.1.0
author:
  - longrun.jobs contributors (@longrun)
description:
  - Writes an HTML page at the end of each run that had asynchronous tasks (jobs), even if the run is interrupted.
  - The page has a bar for each job of each host, coloured by its state, with marks that show its progress. Hovering over a bar, or
    moving to it with the keyboard, shows what is known about the job, such as why it failed and how often it was retried.
    You can filter jobs by host and state.
  - The page is a single file and loads nothing from anywhere. What jobs print is shown as text.
  - It contains only what other callbacks receive, too. Tasks with C(no_log) are not in it.
options:
  path:
    description:
      - The file to write. Missing directories are created.
      - Conversions of C(strftime), such as C(%Y), are replaced with the time at which the run began, so that each run can have its own
        page. C(%%) is a percent sign.
    type: str
    default: longrun-timeline.html
    env:
      - name: LONGRUN_TIMELINE_PATH
    ini:
      - section: callback_longrun_timeline
        key: path
  title:
    description:
      - The title of the page. The default is the name of the playbook.
    type: str
    env:
      - name: LONGRUN_TIMELINE_TITLE
    ini:
      - section: callback_longrun_timeline
        key: title
requirements:
  - enable in configuration
notes:
  - Times are the controller's. The page knows a job from the moment when a task first reports it.
  - A job that nobody waited for is shown in the state in which it was last reported.
seealso:
  - plugin: longrun.jobs.progress
    plugin_type: callback
  - name: Watching
    description: Bars, lines, pages, and how others look at jobs.
    link: https://github.com/longrun/jobs/blob/main/docs/docsite/rst/guide_watching.rst
"""

EXAMPLES = r"""
# ansible.cfg
# [defaults]
# callbacks_enabled = longrun.jobs.timeline
#
# [callback_longrun_timeline]
# path = timelines/%Y-%m-%d-%H%M%S.html

- name: Run a backup, which will be in the page
  longrun.jobs.async_run:
    name: backup shop
    task:
      ansible.builtin.command: /usr/local/bin/backup shop
    wait: true
"""

import atexit
import os
import time
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleOptionsError
from ansible.plugins.callback import CallbackBase

from ansible_collections.longrun.jobs.plugins.plugin_utils._core.configuration import shows_text
from ansible_collections.longrun.jobs.plugins.plugin_utils._core.events import (
    Event,
    event_of,
    playbook_name,
)
from ansible_collections.longrun.jobs.plugins.plugin_utils._sight.page_file import write_page
from ansible_collections.longrun.jobs.plugins.plugin_utils._sight.seen import SeenJobs
from ansible_collections.longrun.jobs.plugins.plugin_utils._sight.timeline import render, timeline


class CallbackModule(CallbackBase):
    """The callback: collects what results and events report of jobs, and writes the page at the end of the run."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "longrun.jobs.timeline"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._seen = SeenJobs()
        self._tasks: dict[str, str] = {}
        self._began = time.time()
        self._owner = os.getpid()
        self._written = False
        self._playbook = "ansible"

    def set_options(self, *args: Any, **kwargs: Any) -> None:
        """Read the options. Raises AnsibleOptionsError if ``path`` cannot be the name of a file."""
        super().set_options(*args, **kwargs)
        path = str(self.get_option("path"))
        if not path or path.endswith("/") or "\0" in path:
            raise AnsibleOptionsError(
                f"longrun.jobs.timeline: path: {path!r} is not the name of a file"
            )

    def v2_playbook_on_start(self, playbook: Any) -> None:
        self._playbook = playbook_name(playbook)
        atexit.register(self._write)

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        self._tasks[host.get_name()] = task.get_name()

    def v2_runner_on_async_poll(self, result: Any) -> None:
        self._note(result)

    def v2_runner_on_async_ok(self, result: Any) -> None:
        self._note(result)

    def v2_runner_on_async_failed(self, result: Any) -> None:
        self._note(result)

    def v2_runner_on_ok(self, result: Any) -> None:
        self._note(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._note(result)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        self._note(result)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        self._note(result)

    def v2_runner_retry(self, result: Any) -> None:
        event = event_of(result)
        self._seen.note_retry(event.host, self._task(event), event.data, time.time())

    def v2_playbook_on_stats(self, stats: Any) -> None:
        self._write()

    def _note(self, result: Any) -> None:
        event = event_of(result)
        self._seen.note(event.host, self._task(event), event.data, time.time())

    def _task(self, event: Event) -> str:
        """Return the name of the task that the host runs. core's polls of a job come with a name of their own."""
        return self._tasks.get(event.host, event.task)

    def _write(self) -> None:
        # Also called at the end of the process, in case the run was interrupted. Worker processes must not write.
        if self._written or not len(self._seen) or os.getpid() != self._owner:
            return
        self._written = True
        title = self.get_option("title") or self._playbook
        page = render(timeline(title, self._seen, self._began, time.time()))
        path = Path(time.strftime(str(self.get_option("path")), time.localtime(self._began)))
        path = path.expanduser().absolute()
        try:
            write_page(path, page)
        except OSError as error:
            self._display.warning(
                f"longrun.jobs.timeline: path: {path} cannot be written: {error.strerror}"
            )
            return
        if shows_text():
            self._display.display(f"The timeline of {len(self._seen)} jobs is in {path}")
