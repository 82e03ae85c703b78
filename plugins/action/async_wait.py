# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action of longrun.jobs.async_wait: one request a host and interval, however many jobs, until they have ended."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from ansible.errors import (
    AnsibleAuthenticationFailure,
    AnsibleConnectionFailure,
)
from ansible.utils.display import Display

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.errors import JobError
from ansible_collections.longrun.jobs.plugins.plugin_utils import _core
from ansible_collections.longrun.jobs.plugins.plugin_utils.live import LiveOutput
from ansible_collections.longrun.jobs.plugins.plugin_utils.references import job_references
from ansible_collections.longrun.jobs.plugins.plugin_utils.waited import (
    WAIT_TASK_OPTIONS,
    cancelled_result,
    unfinished,
    waited_result,
    with_lines,
)

_RECONNECT_SECONDS = 2.0  # between attempts to reach a host that went away
_LEAST_INTERVAL = 0.2  # a request is an exec on the target: no interval makes it spin
# of an answer to a request: what core wants to see in the task's result
_PASSED_ON = ("ansible_facts", "deprecations", "warnings")


@dataclass
class _Awaited:
    """A job as the task named it, and what is known of it."""

    reference: dict[str, str]
    live: LiveOutput | None
    status: dict[str, Any] = field(default_factory=dict)

    def asked(self) -> dict[str, str]:
        return dict(self.reference, cursor=self.live.cursor) if self.live else self.reference


def _failed(message: str) -> dict[str, Any]:
    """As a result: core up to 2.18 shows a traceback for what is raised."""
    return {"failed": True, "msg": message}


class ActionModule(_core.CarrierAction):
    """Waits on the target; here only the intervals are counted and what comes is shown."""

    _carried_module = "async_wait"
    _supports_check_mode = True
    _supports_async = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        if _core.is_windows(self):
            return _failed(
                "longrun.jobs.async_wait needs a target with a POSIX shell and Python; this is Windows"
            )
        super().run(tmp, task_vars)
        _unused, given = self.validate_argument_spec(argument_spec=WAIT_TASK_OPTIONS)
        for option in ("timeout", "interval"):
            if not 0 <= given[option] < 1e9:
                return _failed(f"{option}: {given[option]:g} is no number of seconds")
        try:
            references = job_references(given["jobs"])
        except JobError as error:
            return _failed(error.message)
        host = str((task_vars or {}).get("inventory_hostname", ""))
        streams = given["stream"] and not self._task.no_log and _core.shows_text()
        jobs = [_Awaited(one, LiveOutput(host) if streams else None) for one in references]
        passed_on: dict[str, Any] = {}
        refusal, done = self._wait(jobs, given, host, task_vars, passed_on)
        if refusal:
            return refusal
        result = dict(
            passed_on, **waited_result([job.status for job in jobs], done, given["timeout"])
        )
        if done or given["on_timeout"] != "cancel" or self._task.check_mode:
            return result
        return self._cancel(jobs, result, given, task_vars)

    def _wait(
        self,
        jobs: list[_Awaited],
        given: dict[str, Any],
        host: str,
        task_vars: dict[str, Any] | None,
        passed_on: dict[str, Any],
    ) -> tuple[dict[str, Any], bool]:
        """What the target refused, if it did, and whether what is waited for has come about."""
        deadline = time.monotonic() + given["timeout"]
        interval = max(_LEAST_INTERVAL, given["interval"])
        # with lines to show, a first look tells which jobs had ended before: those show nothing
        seconds = 0.0 if given["stream"] else interval
        waiting = jobs
        while waiting:
            # one that has ended is not asked after again: its result may be large
            answer = self._ask(waiting, given, seconds, deadline, task_vars)
            if answer.get("failed"):
                return answer, False
            passed_on.update((key, answer[key]) for key in _PASSED_ON if key in answer)
            for job, status, since in zip(
                waiting, answer["statuses"], answer["since"], strict=True
            ):
                job.status = with_lines(status)
                self._show(host, job, since, len(jobs) > 1)
            asked, waiting = waiting, [job for job in waiting if not job.status["finished"]]
            if answer["done"] or time.monotonic() >= deadline:
                return {}, answer["done"]
            seconds = interval
            if not self._task.no_log:
                # also of those that have ended: their bars end with them, not with the last job
                for job in asked:
                    _core.send_poll_event(self, host, job.status)
        return {}, True

    def _ask(
        self,
        jobs: list[_Awaited],
        given: dict[str, Any],
        seconds: float,
        deadline: float,
        task_vars: dict[str, Any] | None,
    ) -> dict[str, Any]:
        """One request; again, on a new connection, for as long as the host cannot be reached and there is time."""
        params = {"jobs": [job.asked() for job in jobs], "for": given["for"]}
        params.update(tail_lines=given["tail_lines"], _async_dir=self._async_dir(given))
        host = (task_vars or {}).get("inventory_hostname")
        warned = False
        while True:
            left = max(0.0, deadline - time.monotonic())
            params["seconds"] = min(seconds, left)
            try:
                return dict(
                    self._execute_module(
                        module_name="longrun.jobs.async_wait",
                        module_args=params,
                        task_vars=task_vars,
                    )
                )
            except AnsibleAuthenticationFailure:
                raise  # asking again would lock the account
            except AnsibleConnectionFailure as error:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise
                if not warned:
                    Display().warning(
                        f"{host} cannot be reached, and is asked again for {left:.0f} s: {error.message}"
                    )
                    warned = True
                _core.reset_connection(self)
                time.sleep(min(_RECONNECT_SECONDS, left))

    def _async_dir(self, given: dict[str, Any]) -> str:
        return str(given["async_dir"] or _core.async_dir_option(self))

    def _cancel(
        self,
        jobs: list[_Awaited],
        result: dict[str, Any],
        given: dict[str, Any],
        task_vars: dict[str, Any] | None,
    ) -> dict[str, Any]:
        """The result, with what became of the jobs that had not ended in time."""
        late = [job for job in jobs if not job.status["finished"]]
        self._carried_module = "async_cancel"
        answer = self._execute_module(
            module_name="longrun.jobs.async_cancel",
            module_args={
                "results_files": unfinished([job.status for job in late]),
                "_async_dir": self._async_dir(given),
            },
            task_vars=task_vars,
        )
        self._carried_module = "async_wait"
        if not answer.get("failed"):
            for job in late:
                job.live = None
            # what they had printed until then is in their results
            after = self._ask(late, given, 0.0, time.monotonic(), task_vars)
            if not after.get("failed"):
                for job, status in zip(late, after["statuses"], strict=True):
                    job.status = with_lines(status)
        return cancelled_result(result, [job.status for job in jobs], answer)

    def _show(self, host: str, job: _Awaited, since: dict[str, Any] | None, several: bool) -> None:
        """The new lines of a job; with several jobs the job's name, or jid, behind the host."""
        if job.live is None or not since:
            return
        if several:
            view = job.status["async_job"]
            job.live.label = f"{host} {view['name'] or view['id']}"
        _core.show_lines(job.live.lines(since, job.status["finished"]))
