# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action of longrun.jobs.async_status. With the drop-in it also answers ``poll: N`` and ``until`` loops."""

from __future__ import annotations

import time
from typing import Any

from ansible.utils.vars import merge_hash

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.requests.status import (
    STATUS_OPTIONS,
)
from ansible_collections.longrun.jobs.plugins.plugin_utils._core.carrier import CarrierAction
from ansible_collections.longrun.jobs.plugins.plugin_utils._core.configuration import shows_text
from ansible_collections.longrun.jobs.plugins.plugin_utils._core.connection import (
    async_dir_option,
    is_windows,
)
from ansible_collections.longrun.jobs.plugins.plugin_utils._core.core_actions import core_action
from ansible_collections.longrun.jobs.plugins.plugin_utils._core.display import show_lines
from ansible_collections.longrun.jobs.plugins.plugin_utils._core.events import send_poll_event
from ansible_collections.longrun.jobs.plugins.plugin_utils._core.polling import polled_task
from ansible_collections.longrun.jobs.plugins.plugin_utils._waiting.live import (
    LiveOutput,
    live_output,
)

_LONGEST_REQUEST = (
    60.0  # seconds: firewalls and proxies may cut a connection that is silent for longer
)


class ActionModule(CarrierAction):
    """The action: asks for the job's status and shows its new lines. On a Windows target core's own action does it all.

    When core's own poller asks, the action answers only when the job has ended: it waits on the target, ``poll``
    seconds per request, and between requests sends the events that the poller would send.
    """

    _supports_check_mode = True
    _supports_async = False

    _polls_until: float | None = (
        None  # time.monotonic() at which waiting stops; from then on every request is answered at once
    )

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        if is_windows(self):
            return dict(core_action(self, "async_status").run(task_vars=task_vars))
        super().run(tmp, task_vars)
        _unused, options = self.validate_argument_spec(
            argument_spec=STATUS_OPTIONS,
            mutually_exclusive=[("jid", "results_file")],
            required_one_of=[("jid", "results_file")],
        )
        asks_status = options["mode"] == "status"
        asked: dict[str, Any] = {
            "started": asks_status,
            "finished": False,
            "stdout": "",
            "stderr": "",
            "stdout_lines": [],
            "stderr_lines": [],
        }
        if options["jid"]:
            asked["ansible_job_id"] = options["jid"]
        arguments = dict(options, _async_dir=async_dir_option(self))
        live = self._live_output(task_vars or {}) if asks_status else None
        polled = polled_task() if asks_status else None
        if polled is not None and self._polls_until is None:
            self._polls_until = time.monotonic() + polled.async_val
        while True:
            results = self._ask(dict(asked), arguments, live, task_vars)
            seconds_left = (
                0.0 if self._polls_until is None else self._polls_until - time.monotonic()
            )
            if polled is None or seconds_left <= 0 or results["finished"] or results.get("failed"):
                return results
            if not polled.no_log:
                host = str((task_vars or {}).get("inventory_hostname", ""))
                send_poll_event(self, host, results)
            arguments["wait"] = min(float(polled.poll), seconds_left, _LONGEST_REQUEST)

    def _ask(
        self,
        results: dict[str, Any],
        arguments: dict[str, Any],
        live: LiveOutput | None,
        task_vars: dict[str, Any] | None,
    ) -> dict[str, Any]:
        """Ask the target, show the job's new lines, and return ``results`` updated with the target's answer."""
        if live:
            arguments = dict(arguments, _since=live.cursor)
        answer = self._execute_module(
            module_name="longrun.jobs.async_status", module_args=arguments, task_vars=task_vars
        )
        since = answer.pop("_since", None)
        results = merge_hash(results, answer)
        for word in ("started", "finished"):
            results[word] = bool(results[word])
        if live and since:
            show_lines(live.lines(since, results["finished"]))
        return results

    def _live_output(self, task_vars: dict[str, Any]) -> LiveOutput | None:
        """Return what shows the job's lines while it runs, or None if the task or its variables hide them."""
        wanted = self._templar.template(task_vars.get("longrun_live_output", True))
        if (
            str(wanted).lower() in ("false", "no", "off", "0")
            or self._task.no_log
            or not shows_text()
        ):
            return None
        job = str(self._task.args.get("jid") or self._task.args.get("results_file"))
        return live_output(str(task_vars.get("inventory_hostname", "")), job)
