# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action of longrun.jobs.async_wait: one request a host and interval, however many jobs, until they have ended."""

from __future__ import annotations

import time
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.errors import JobError
from ansible_collections.longrun.jobs.plugins.plugin_utils import _core
from ansible_collections.longrun.jobs.plugins.plugin_utils.live import LiveOutput
from ansible_collections.longrun.jobs.plugins.plugin_utils.references import job_references
from ansible_collections.longrun.jobs.plugins.plugin_utils.waited import (
    WAIT_TASK_OPTIONS,
    unfinished,
    waited_result,
)

_RECONNECT_SECONDS = 2.0  # between attempts to reach a host that went away


class ActionModule(_core.CarrierAction):
    """Waits on the target; here only the intervals are counted and what comes is shown."""

    _carried_module = "async_wait"
    _supports_check_mode = True
    _supports_async = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        if _core.is_windows(self):
            raise AnsibleActionFail("longrun.jobs.async_wait needs a target with a POSIX shell and Python")
        super().run(tmp, task_vars)
        _unused, given = self.validate_argument_spec(argument_spec=WAIT_TASK_OPTIONS)
        try:
            jobs = job_references(given["jobs"])
        except JobError as error:
            raise AnsibleActionFail(error.message) from None
        for option in ("timeout", "interval"):
            if not 0 <= given[option] < 1e9:
                raise AnsibleActionFail(f"{option}: {given[option]:g} is no number of seconds")
        host = str((task_vars or {}).get("inventory_hostname", ""))
        streams = given["stream"] and not self._task.no_log and _core.shows_text()
        lives = [LiveOutput(host) for _job in jobs] if streams else []
        deadline = time.monotonic() + given["timeout"]
        answer: dict[str, Any] = {"statuses": [], "done": not jobs}
        while not answer["done"]:
            left = deadline - time.monotonic()
            named = [dict(job, cursor=live.cursor) for job, live in zip(jobs, lives)]
            asked = dict(given, jobs=named or jobs)
            asked["seconds"] = max(0.0, min(given["interval"], left))
            answer = self._ask(asked, task_vars, deadline)
            if answer.get("failed"):
                return answer
            self._show(host, answer, lives)
            if answer["done"] or time.monotonic() >= deadline:
                break
            for status in answer["statuses"]:
                if not status["finished"] and not self._task.no_log:
                    _core.send_poll_event(self, host, status)
        result = waited_result(answer["statuses"], answer["done"], given["timeout"])
        if not answer["done"] and given["on_timeout"] == "cancel" and not self._task.check_mode:
            self._cancel(unfinished(answer["statuses"]), task_vars)
        return result

    def _ask(
        self, given: dict[str, Any], task_vars: dict[str, Any] | None, deadline: float
    ) -> dict[str, Any]:
        """One request; again, on a new connection, for as long as the host cannot be reached and there is time."""
        params = {key: given[key] for key in ("jobs", "for", "seconds", "tail_lines")}
        params["_async_dir"] = given["async_dir"] or _core.async_dir_option(self)
        while True:
            try:
                return dict(
                    self._execute_module(
                        module_name="longrun.jobs.async_wait", module_args=params, task_vars=task_vars
                    )
                )
            except AnsibleConnectionFailure:
                if time.monotonic() >= deadline:
                    raise
                _core.reset_connection(self)
                time.sleep(min(_RECONNECT_SECONDS, max(0.0, deadline - time.monotonic())))

    def _cancel(self, results_files: list[str], task_vars: dict[str, Any] | None) -> None:
        self._carried_module = "async_cancel"
        params = {"results_files": results_files, "_async_dir": _core.async_dir_option(self)}
        answer = self._execute_module(
            module_name="longrun.jobs.async_cancel", module_args=params, task_vars=task_vars
        )
        if answer.get("failed"):
            raise AnsibleActionFail(f"the time is over, and the jobs were not cancelled: {answer.get('msg')}")

    def _show(self, host: str, answer: dict[str, Any], lives: list[LiveOutput]) -> None:
        """The new lines of each job; with several jobs the job's name, or jid, behind the host."""
        for status, since, live in zip(answer["statuses"], answer["since"], lives):
            view = status["async_job"]
            if len(lives) > 1:
                live.label = f"{host} {view['name'] or view['id']}"
            if since:
                _core.show_lines(live.lines(since, status["finished"]))
