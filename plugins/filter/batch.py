# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters of the role batch: waves, batch_jobs, batch_outcome and batch_report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.longrun.jobs.plugins.plugin_utils._batches.batches import (
    cut_waves,
    host_outcome,
    jobs_of_batch,
    report_of_batch,
)


def _raises_filter_error(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function changed so that its ValueError becomes an AnsibleFilterError."""

    @wraps(function)
    def filtered(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except ValueError as error:
            raise AnsibleFilterError(str(error)) from error

    return filtered


@_raises_filter_error
def waves(hosts: Sequence[str], sizes: Any) -> list[list[str]]:
    """Return the hosts as a list of waves."""
    return cut_waves(list(hosts), sizes)


def batch_jobs(
    jobs: Sequence[Mapping[str, Any]], batch_id: str = "", succeeded: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Return the jobs with the names that they have in the batch."""
    return jobs_of_batch(jobs, batch_id, succeeded)


def batch_outcome(started: Mapping[str, Any], waited: Mapping[str, Any]) -> dict[str, Any]:
    """Return the outcome of the jobs of a host."""
    return host_outcome(started, waited)


@_raises_filter_error
def batch_report(
    outcomes: Mapping[str, Mapping[str, Any]],
    waves: Sequence[Sequence[str]],
    error_budget: Any = 0,
    lost: Sequence[str] = (),
    batch_id: str = "",
) -> dict[str, Any]:
    """Return the report of a batch."""
    return report_of_batch(outcomes, waves, error_budget, lost, batch_id)


class FilterModule:
    """The class in which Ansible looks for the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by their names."""
        return {
            "waves": waves,
            "batch_jobs": batch_jobs,
            "batch_outcome": batch_outcome,
            "batch_report": batch_report,
        }
