# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action of longrun.jobs.async_run: it builds the modules on the controller and starts all jobs in one exec."""

from __future__ import annotations

import secrets
import time
from typing import Any

from ansible.errors import AnsibleError

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.errors import JobError
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.settings import (
    parse_duration,
)
from ansible_collections.longrun.jobs.plugins.plugin_utils._core.building import (
    build_module,
    run_action,
)
from ansible_collections.longrun.jobs.plugins.plugin_utils._core.carrier import CarrierAction
from ansible_collections.longrun.jobs.plugins.plugin_utils._core.configuration import shows_text
from ansible_collections.longrun.jobs.plugins.plugin_utils._core.connection import (
    async_dir_option,
    is_windows,
)
from ansible_collections.longrun.jobs.plugins.plugin_utils._core.modules import (
    BuiltModule,
    module_and_arguments,
    packed_modules,
    task_keywords,
)
from ansible_collections.longrun.jobs.plugins.plugin_utils._ordering.orders import (
    RUN_TASK_OPTIONS,
    Order,
    Step,
    fingerprint,
    read_orders,
)
from ansible_collections.longrun.jobs.plugins.plugin_utils._ordering.started import (
    predicted_result,
    started_result,
    waited_run_result,
)
from ansible_collections.longrun.jobs.plugins.plugin_utils._requests.refusal import (
    refusal,
    windows_refusal,
)
from ansible_collections.longrun.jobs.plugins.plugin_utils._waiting.live import LiveOutput
from ansible_collections.longrun.jobs.plugins.plugin_utils._waiting.waiter import Awaited, Waiter

_RECONNECT_SECONDS = (
    600.0  # how long to retry an unreachable host when the task sets no wait_timeout
)


class _Payloads:
    """The modules of all jobs; a module that several jobs run is held once."""

    def __init__(self) -> None:
        self._modules: list[BuiltModule] = []
        self._known: dict[BuiltModule, int] = {}

    def number(self, module: BuiltModule) -> int:
        """Return the module's index in the request's list of payloads, adding the module if it is new."""
        if module not in self._known:
            self._known[module] = len(self._modules)
            self._modules.append(module)
        return self._known[module]

    def packed(self) -> dict[str, Any]:
        """Return the request's parameters ``payloads`` and ``_texts``."""
        return packed_modules(self._modules)


class ActionModule(CarrierAction):
    """The action: checks the options, builds the modules and sends the request; the target does the rest."""

    _supports_check_mode = True
    _supports_async = True

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        if is_windows(self):
            return windows_refusal("async_run")
        super().run(tmp, task_vars)
        _unused, options = self.validate_argument_spec(argument_spec=RUN_TASK_OPTIONS)
        try:
            orders = self._orders(options)
            if self._task.check_mode:
                return self._predict(orders, options["jobs"] is not None, task_vars)
            params = self._request(orders, task_vars)
        except JobError as error:
            return refusal(error.message)
        return self._start(options, orders, params, task_vars)

    def _orders(self, options: dict[str, Any]) -> list[Order]:
        """Return the jobs that the task orders. Raises JobError if an option's value is not valid."""
        task = self._task
        if not 0 <= options["interval"] < 1e9:
            raise JobError(f"interval: {options['interval']:g} is not a valid number of seconds")
        if options["wait_timeout"] is not None:
            _seconds("wait_timeout", options["wait_timeout"])
            if not options["wait"]:
                raise JobError("wait_timeout: needs wait; set wait to true")
        if options["stream"] and not options["wait"]:
            raise JobError("stream: needs wait; set wait to true, or stream with async_wait")
        if task.async_val and options["wait"]:
            raise JobError("wait: cannot be used together with async; leave one of them out")
        if task.async_val and task.poll and options["jobs"] is not None:
            raise JobError(
                "jobs: async with poll waits for one job only; leave async out and set wait to true"
            )
        return read_orders(options, task_keywords(), task.async_val, bool(task.no_log))

    def _named(self, step: Step) -> tuple[str, str, dict[str, Any]]:
        """Return a step's module as written, its full name, and its arguments. Raises JobError if it does not exist."""
        try:
            return module_and_arguments(self, step.written)
        except AnsibleError as error:
            raise JobError(f"{step.label}: {error.message}") from error

    def _predict(
        self, orders: list[Order], several: bool, task_vars: dict[str, Any] | None
    ) -> dict[str, Any]:
        """Run each module in check mode in this task and return the result with their predictions; start no job."""
        predictions = []
        for order in orders:
            results = []
            # rescue is left out: it only runs after a failure, and a prediction expects none
            for block in ("steps", "always"):
                for step in order.blocks.get(block, []):
                    name, full, arguments = self._named(step)
                    result = run_action(self, name, full, arguments, task_vars)
                    results.append((step.name, block, full, result))
            predictions.append((order.target["settings"]["name"], order.chained, results))
        return predicted_result(predictions, several)

    def _request(self, orders: list[Order], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        """Build all modules and return the parameters of the request. Raises JobError if a module cannot be a job."""
        payloads = _Payloads()
        prefix = f"j{secrets.randbelow(10**10)}"
        jobs = []
        for order in orders:
            modules: list[tuple[str, dict[str, Any]]] = []
            blocks: dict[str, list[dict[str, Any]]] = {}
            for block, steps in order.blocks.items():
                blocks[block] = []
                for step in steps:
                    name, full, arguments = self._named(step)
                    modules.append((full, arguments))
                    try:
                        built = build_module(self, name, full, arguments, task_vars)
                    except AnsibleError as error:
                        raise JobError(f"{step.label}: {error.message}") from error
                    payload = {"payload": payloads.number(built), "name": step.name}
                    blocks[block].append(dict(payload, environ=step.environment))
            job = dict(order.target, prefix=prefix, blocks=blocks)
            jobs.append(dict(job, fingerprint=fingerprint(order, modules)))
        return dict(payloads.packed(), jobs=jobs)

    def _start(
        self,
        options: dict[str, Any],
        orders: list[Order],
        params: dict[str, Any],
        task_vars: dict[str, Any] | None,
    ) -> dict[str, Any]:
        """Start the jobs, wait for them if the task says so, and return the task's result."""
        async_dir = str(options["async_dir"] or async_dir_option(self))
        params["_async_dir"] = async_dir
        waiter = None
        if options["wait"]:
            limit = options["wait_timeout"]
            waiter = Waiter(
                self,
                task_vars,
                "all",
                options["interval"],
                options["tail_lines"],
                async_dir,
                None if limit is None else time.monotonic() + _seconds("wait_timeout", limit),
                _RECONNECT_SECONDS if limit is None else None,
            )
        answer = dict(
            self._execute_module(
                module_name="longrun.jobs.async_run", module_args=params, task_vars=task_vars
            )
        )
        if "jobs" not in answer:
            return answer
        started = answer.pop("jobs")
        several = options["jobs"] is not None
        shown_cursors = [start.get("shown") for start in started]
        result = started_result(answer, started, orders, several)
        if waiter is None or result.get("failed"):
            return result
        jobs = [Awaited({"results_file": start["results_file"]}) for start in started]
        if options["stream"] and not self._task.no_log and shows_text():
            host = str((task_vars or {}).get("inventory_hostname", ""))
            for job, start, cursor in zip(jobs, started, shown_cursors, strict=True):
                job.live = LiveOutput(host, cursor, started_here=not start["attached"])
        # Waiting is a request of its own: a job may cut the connection, and its jid must be known before that.
        refused, done = waiter.wait(jobs, waiter.interval, several)
        if refused:
            return dict(result, **refused)
        statuses = [job.status for job in jobs]
        passed_on = dict(waiter.passed_on, warnings=result.get("warnings", []))
        return waited_run_result(passed_on, statuses, started, several, done)


def _seconds(option: str, text: str) -> float:
    """Return a duration such as ``2h`` in seconds. Raises JobError, which names the option, if it is not valid."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise JobError(f"{option}: {error}") from None
