# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for jobs from the controller: one request a host and interval, however many they are, until they have ended.

Private to the collection longrun.jobs: may change in any release.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import Any

from ansible.errors import (
    AnsibleAuthenticationFailure,
    AnsibleConnectionFailure,
    AnsibleError,
)
from ansible.utils.display import Display

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.states import STATE_SUCCEEDED
from ansible_collections.longrun.jobs.plugins.plugin_utils._batches.budget import ErrorBudget
from ansible_collections.longrun.jobs.plugins.plugin_utils._core.carrier import CarrierAction
from ansible_collections.longrun.jobs.plugins.plugin_utils._core.connection import reset_connection
from ansible_collections.longrun.jobs.plugins.plugin_utils._core.display import show_lines
from ansible_collections.longrun.jobs.plugins.plugin_utils._core.events import send_poll_event
from ansible_collections.longrun.jobs.plugins.plugin_utils._waiting.live import LiveOutput
from ansible_collections.longrun.jobs.plugins.plugin_utils._waiting.waited import (
    unfinished,
    with_lines,
)

_RECONNECT_SECONDS = 2.0  # between attempts to reach a host that went away
_LEAST_INTERVAL = 0.2  # a request is an exec on the target: no interval makes it spin
# of an answer to a request: what core wants to see in the task's result
_PASSED_ON = ("ansible_facts", "deprecations", "warnings")


@dataclass
class Awaited:
    """A job as the task named it, and what is known of it. twin: whether it was named before in another way."""

    reference: dict[str, str]
    live: LiveOutput | None = None
    status: dict[str, Any] = field(default_factory=dict)
    twin: bool = False

    def asked(self) -> dict[str, str]:
        """The job as a request names it."""
        return dict(self.reference, cursor=self.live.cursor) if self.live else self.reference


@dataclass
class Waiter:
    """wanted: ``for`` of the task. deadline: monotonic seconds, None to wait as long as there is an answer.

    reconnect: seconds for which a host that cannot be reached is asked again; None is until the deadline. budget: of
    errors, shared with other hosts: when it is exceeded, the wait is over, and ``over_budget`` set. passed_on: what the
    requests had to say besides, for the task's result.
    """

    action: CarrierAction
    task_vars: dict[str, Any] | None
    wanted: str
    interval: float
    tail_lines: int
    async_dir: str
    deadline: float | None
    reconnect: float | None = None
    budget: ErrorBudget | None = None
    over_budget: bool = False
    passed_on: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.interval = max(_LEAST_INTERVAL, self.interval)
        self._parent = os.getppid()
        self._host = str((self.task_vars or {}).get("inventory_hostname", ""))

    def _left(self) -> float:
        """Seconds for a request that is to take as long as it may."""
        if self.deadline is None:
            return self.interval
        return min(self.interval, max(0.0, self.deadline - time.monotonic()))

    def _options(self, seconds: float) -> dict[str, Any]:
        """What a request says besides the jobs."""
        options = {"for": self.wanted, "seconds": seconds, "tail_lines": self.tail_lines}
        return dict(options, _async_dir=self.async_dir)

    def wait(
        self, jobs: list[Awaited], seconds: float, several: bool
    ) -> tuple[dict[str, Any], bool]:
        """What the target refused, if it did, and whether what is waited for has come about.

        seconds: of the first request; the others take an interval each. several: whether lines need a job's name.
        """
        waiting = jobs
        while waiting:
            # one that has ended is not asked after again: its result may be large
            answer = self.ask(waiting, seconds)
            if answer.get("failed"):
                return answer, False
            self._take(waiting, answer, several)
            self._watch_budget(waiting)
            if answer["done"]:
                return {}, True
            asked = [job for job in waiting if not job.twin]
            waiting = [job for job in asked if not job.status["finished"]]
            if self.over_budget:
                return {}, False
            if self.deadline is not None and time.monotonic() >= self.deadline:
                return {}, False
            if not self.action._task.no_log:
                # also of those that have ended: their bars end with them, not with the last job
                for job in asked:
                    send_poll_event(self.action, self._host, job.status)
            seconds = self.interval
        return {}, True

    def _watch_budget(self, asked: list[Awaited]) -> None:
        if self.budget is None:
            return
        if any(
            job.status["finished"] and job.status["async_job"]["state"] != STATE_SUCCEEDED
            for job in asked
        ):
            self.budget.note(self._host)
        self.over_budget = self.budget.exceeded()

    def _take(self, waiting: list[Awaited], answer: dict[str, Any], several: bool) -> None:
        """Keep and show what a request found out."""
        self.passed_on.update((key, answer[key]) for key in _PASSED_ON if key in answer)
        known = set()
        for job, status, since in zip(waiting, answer["statuses"], answer["since"], strict=True):
            job.status = with_lines(status)
            job.twin = (
                status["results_file"] in known
            )  # which job a name means, the target alone can tell
            known.add(status["results_file"])
            if not job.twin:
                _show(self._host, job, since, several)

    def ask(self, jobs: list[Awaited], seconds: float) -> dict[str, Any]:
        """One request; again, on a new connection, for as long as the host cannot be reached and there is time."""
        given_up: float | None = None
        warned = False
        while True:
            if os.getppid() != self._parent:
                # this is a worker, which outlives a controller that was killed, and would mark as shown what nobody
                # sees
                raise AnsibleError("the controller is gone; the jobs go on")
            params = self._options(min(seconds, self._left()))
            params["jobs"] = [job.asked() for job in jobs]
            try:
                return dict(
                    self.action._execute_module(
                        module_name="longrun.jobs.async_wait",
                        module_args=params,
                        task_vars=self.task_vars,
                    )
                )
            except AnsibleAuthenticationFailure:
                raise  # asking again would lock the account
            except AnsibleConnectionFailure as error:
                now = time.monotonic()
                if given_up is None:
                    within = None if self.reconnect is None else now + self.reconnect
                    limits = [one for one in (self.deadline, within) if one is not None]
                    given_up = min(limits, default=now)
                if now >= given_up:
                    raise
                if not warned:
                    Display().warning(
                        f"{self._host} cannot be reached, and is asked again for {given_up - now:.0f} s: "
                        f"{error.message}"
                    )
                    warned = True
                reset_connection(self.action)
                time.sleep(min(_RECONNECT_SECONDS, given_up - now))

    def cancel(self, jobs: list[Awaited]) -> dict[str, Any]:
        """Cancel those that have not ended, and ask once more after them; what async_cancel answered."""
        late = [job for job in jobs if not job.status["finished"]]
        answer = dict(
            self.action._execute_module(
                module_name="longrun.jobs.async_cancel",
                module_args={
                    "results_files": unfinished([job.status for job in late]),
                    "_async_dir": self.async_dir,
                },
                task_vars=self.task_vars,
            )
        )
        if not answer.get("failed"):
            for job in late:
                job.live = None
            self.deadline = time.monotonic()
            # what they had printed until then is in their results
            after = self.ask(late, 0.0)
            if not after.get("failed"):
                for job, status in zip(late, after["statuses"], strict=True):
                    job.status = with_lines(status)
        return answer


def _show(host: str, job: Awaited, since: dict[str, Any] | None, several: bool) -> None:
    """The new lines of a job; with several jobs the job's name, or jid, behind the host."""
    if job.live is None or not since:
        return
    if several:
        view = job.status["async_job"]
        job.live.label = f"{host} {view['name'] or view['id']}"
    show_lines(job.live.lines(since, job.status["finished"]))
