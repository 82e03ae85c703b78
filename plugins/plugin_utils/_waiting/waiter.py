# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waits for jobs from the controller, with one request per host and interval, however many jobs there are.

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

_RECONNECT_SECONDS = 2.0  # between attempts to reach an unreachable host
_LEAST_INTERVAL = 0.2  # seconds: each request costs an exec on the target
# the keys of an answer that core expects in the task's result
_PASSED_ON = ("ansible_facts", "deprecations", "warnings")


@dataclass
class Awaited:
    """A job as the task named it, and its last status. twin: whether an earlier reference names the same job."""

    reference: dict[str, str]
    live: LiveOutput | None = None
    status: dict[str, Any] = field(default_factory=dict)
    twin: bool = False

    def asked(self) -> dict[str, str]:
        """Return the reference for a request, with the cursor if the job's lines are shown."""
        return dict(self.reference, cursor=self.live.cursor) if self.live else self.reference


@dataclass
class Waiter:
    """The wait of one task on one host.

    wanted: the task's ``for``. interval: seconds per request. tail_lines: how many lines of output each status has.
    deadline: in terms of time.monotonic(), None to wait as long as the host answers. reconnect: for how many seconds to
    retry a host that cannot be reached, None until the deadline. budget: the error budget that this host shares with
    others; the wait stops when it is exceeded, and sets ``over_budget``. passed_on: what else the answers had for the
    task's result, such as warnings.
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
        """Return how many seconds a request may wait on the target: the interval, or less if the deadline is near."""
        if self.deadline is None:
            return self.interval
        return min(self.interval, max(0.0, self.deadline - time.monotonic()))

    def _options(self, seconds: float) -> dict[str, Any]:
        """Return the parameters of a request, without its jobs. seconds: how long it waits on the target."""
        options = {"for": self.wanted, "seconds": seconds, "tail_lines": self.tail_lines}
        return dict(options, _async_dir=self.async_dir)

    def wait(
        self, jobs: list[Awaited], seconds: float, several: bool
    ) -> tuple[dict[str, Any], bool]:
        """Wait and return (refusal, done): the target's failed answer or ``{}``, and whether ``for`` is fulfilled.

        seconds: how long the first request waits; the others wait an interval each. several: whether the job's name
        precedes its lines.
        """
        waiting = jobs
        while waiting:
            # The target waits as long as it is told, unless it is done. One that does not, sets no pace here.
            earliest = time.monotonic() + min(seconds, self._left())
            # jobs that have ended are not asked for again: their results may be large
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
                # Also for the jobs that have just ended, so that their bars end now and not with the last job.
                for job in asked:
                    send_poll_event(self.action, self._host, job.status)
            if earliest > time.monotonic():
                time.sleep(earliest - time.monotonic())
            seconds = self.interval
        return {}, True

    def _watch_budget(self, asked: list[Awaited]) -> None:
        """Count this host as failed if one of its jobs has ended without success, and set ``over_budget``."""
        if self.budget is None:
            return
        if any(
            job.status["finished"] and job.status["async_job"]["state"] != STATE_SUCCEEDED
            for job in asked
        ):
            self.budget.note(self._host)
        self.over_budget = self.budget.exceeded()

    def _take(self, waiting: list[Awaited], answer: dict[str, Any], several: bool) -> None:
        """Store the statuses of an answer in their jobs, and show the new lines."""
        self.passed_on.update((key, answer[key]) for key in _PASSED_ON if key in answer)
        known = set()
        for job, status, since in zip(waiting, answer["statuses"], answer["since"], strict=True):
            job.status = with_lines(status)
            job.twin = (
                status["results_file"] in known
            )  # only the target knows which job a name refers to
            known.add(status["results_file"])
            if not job.twin:
                _show(self._host, job, since, several)

    def ask(self, jobs: list[Awaited], seconds: float) -> dict[str, Any]:
        """Send one request, and return its answer. While the host cannot be reached, repeat it on new connections.

        seconds: how long the request waits on the target. Raises AnsibleConnectionFailure if the host cannot be
        reached until the deadline or for ``reconnect`` seconds, AnsibleError if the controller has ended.
        """
        give_up_at: float | None = None
        warned = False
        while True:
            if os.getppid() != self._parent:
                # This worker process has outlived a controller that was killed. It must not go on marking lines as
                # shown that nobody sees.
                raise AnsibleError("the controller has ended; the jobs keep running")
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
                raise  # repeated attempts could lock the account
            except AnsibleConnectionFailure as error:
                now = time.monotonic()
                if give_up_at is None:
                    within = None if self.reconnect is None else now + self.reconnect
                    limits = [limit for limit in (self.deadline, within) if limit is not None]
                    give_up_at = min(limits, default=now)
                if now >= give_up_at:
                    raise
                if not warned:
                    Display().warning(
                        f"{self._host} cannot be reached; trying again for {give_up_at - now:.0f} s: "
                        f"{error.message}"
                    )
                    warned = True
                reset_connection(self.action)
                time.sleep(min(_RECONNECT_SECONDS, give_up_at - now))

    def cancel(self, jobs: list[Awaited]) -> dict[str, Any]:
        """Cancel the jobs that have not ended, update their statuses, and return the answer of async_cancel."""
        unended = [job for job in jobs if not job.status["finished"]]
        answer = dict(
            self.action._execute_module(
                module_name="longrun.jobs.async_cancel",
                module_args={
                    "results_files": unfinished([job.status for job in unended]),
                    "_async_dir": self.async_dir,
                },
                task_vars=self.task_vars,
            )
        )
        if not answer.get("failed"):
            for job in unended:
                job.live = None  # what the job had printed is in its result
            self.deadline = time.monotonic()
            after = self.ask(unended, 0.0)
            if not after.get("failed"):
                for job, status in zip(unended, after["statuses"], strict=True):
                    job.status = with_lines(status)
        return answer


def _show(host: str, job: Awaited, since: dict[str, Any] | None, several: bool) -> None:
    """Print the new lines of a job, each after the host and, with several jobs, the job's name or jid."""
    if job.live is None or not since:
        return
    if several:
        view = job.status["async_job"]
        job.live.label = f"{host} {view['name'] or view['id']}"
    show_lines(job.live.lines(since, job.status["finished"]))
