# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action of longrun.jobs.async_wait."""

from __future__ import annotations

import time
from typing import Any

from ansible.errors import AnsibleConnectionFailure

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.errors import JobError
from ansible_collections.longrun.jobs.plugins.plugin_utils._batches.budget import ErrorBudget
from ansible_collections.longrun.jobs.plugins.plugin_utils._core.carrier import CarrierAction
from ansible_collections.longrun.jobs.plugins.plugin_utils._core.configuration import (
    local_tmp,
    shows_text,
)
from ansible_collections.longrun.jobs.plugins.plugin_utils._core.connection import (
    async_dir_option,
    is_windows,
)
from ansible_collections.longrun.jobs.plugins.plugin_utils._requests.references import (
    job_references,
)
from ansible_collections.longrun.jobs.plugins.plugin_utils._requests.refusal import (
    refusal,
    windows_refusal,
)
from ansible_collections.longrun.jobs.plugins.plugin_utils._waiting.live import LiveOutput
from ansible_collections.longrun.jobs.plugins.plugin_utils._waiting.waited import (
    WAIT_TASK_OPTIONS,
    cancelled_result,
    over_budget_result,
    waited_result,
)
from ansible_collections.longrun.jobs.plugins.plugin_utils._waiting.waiter import Awaited, Waiter


class ActionModule(CarrierAction):
    """The action: the target does the waiting; the controller repeats the request each interval and shows new lines."""

    _supports_check_mode = True
    _supports_async = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        if is_windows(self):
            return windows_refusal("async_wait")
        super().run(tmp, task_vars)
        _unused, options = self.validate_argument_spec(argument_spec=WAIT_TASK_OPTIONS)
        for option in ("timeout", "interval", "reconnect"):
            if options[option] is not None and not 0 <= options[option] < 1e9:
                return refusal(f"{option}: {options[option]:g} is not a valid number of seconds")
        try:
            references = job_references(options["jobs"])
        except JobError as error:
            return refusal(error.message)
        host = str((task_vars or {}).get("inventory_hostname", ""))
        streams = options["stream"] and not self._task.no_log and shows_text()
        jobs = [
            Awaited(reference, LiveOutput(host) if streams else None) for reference in references
        ]
        shared = options["error_budget"]
        budget = shared and ErrorBudget(local_tmp(), shared["name"], shared["hosts"])
        waiter = Waiter(
            self,
            task_vars,
            options["for"],
            options["interval"],
            options["tail_lines"],
            str(options["async_dir"] or async_dir_option(self)),
            time.monotonic() + options["timeout"],
            options["reconnect"],
            budget,
        )
        # The first request does not wait if lines are to be shown, to find out which jobs had ended before: their
        # lines are not shown. Nor does it with a budget, which other hosts may have exceeded before this one began.
        first = 0.0 if options["stream"] or budget else waiter.interval
        try:
            refused, done = waiter.wait(jobs, first, len(jobs) > 1)
        except AnsibleConnectionFailure:
            if budget:
                budget.note(host)
            raise
        if refused:
            if budget:
                budget.note(host)
            return refused
        jobs = [job for job in jobs if not job.twin]
        statuses = [job.status for job in jobs]
        result = dict(waiter.passed_on, **waited_result(statuses, done, options["timeout"]))
        if done:
            return result
        at_end = options["on_timeout"]
        if waiter.over_budget:
            result = over_budget_result(result)
            at_end = shared["on_exceeded"]
        if at_end != "cancel" or self._task.check_mode:
            return result
        answer = waiter.cancel(jobs)
        return cancelled_result(result, [job.status for job in jobs], answer)
