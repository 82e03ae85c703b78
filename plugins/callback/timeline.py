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
  - Writes one HTML page for each run in which there were asynchronous tasks (jobs), at its end, also if it is interrupted.
  - The page has a bar for each job of each host, coloured by its state, with marks where progress was seen. Hovering over one, or
    going to it with the keyboard, shows what is known of it, such as why it failed and how often it was tried again.
    Jobs can be filtered by host and state.
  - The page is one file and loads nothing from anywhere. What jobs print is shown as text.
  - It takes in what other callbacks get as well, tasks with C(no_log) are not in it.
options:
  path:
    description:
      - The file to write. Directories that are missing are made.
      - Conversions of C(strftime) stand for the time at which the run began, so that each run has a page of its own.
        C(%%) is a percent sign.
    type: str
    default: longrun-timeline.html
    env:
      - name: LONGRUN_TIMELINE_PATH
    ini:
      - section: callback_longrun_timeline
        key: path
  title:
    description:
      - The title of the page. By default the name of the playbook.
    type: str
    env:
      - name: LONGRUN_TIMELINE_TITLE
    ini:
      - section: callback_longrun_timeline
        key: title
requirements:
  - enable in configuration
notes:
  - Times are the controller's. A job is known of from the first time that a task has told of it.
  - A job that nobody waited for is shown as it was when it was last heard of.
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
    """Listens to all that is told of jobs, and writes it down once."""

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
        super().set_options(*args, **kwargs)
        path = str(self.get_option("path"))
        if not path or path.endswith("/") or "\0" in path:
            raise AnsibleOptionsError(f"longrun.jobs.timeline: path: {path!r} is no name of a file")

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
        """The name of the task that runs on the host: core's polls of a job have one of their own."""
        return self._tasks.get(event.host, event.task)

    def _write(self) -> None:
        # also called at the end of the process, which a run may meet without having got to its end
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
