# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter job_table: jobs of many hosts as lines of a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.longrun.jobs.plugins.plugin_utils._sight.job_text import table
from ansible_collections.longrun.jobs.plugins.plugin_utils._sight.seen import SeenJobs

DOCUMENTATION = r"""
name: job_table
short_description: Jobs of many hosts as lines of a table
version_added: 0.1.0
author:
  - longrun.jobs contributors (@longrun)
description:
  - Returns the lines of a table for people, with the columns job, host, state, elapsed, cpu and peak memory.
options:
  _input:
    description:
      - The jobs of each host, as M(longrun.jobs.async_info), M(longrun.jobs.async_cancel) and M(longrun.jobs.async_wait) return them in
        RV(longrun.jobs.async_info#module:jobs). The keys are the names of the hosts.
    type: dict
    required: true
  rows:
    description:
      - The maximum number of jobs in the table. A last line sums up the others. V(0) shows all of them.
    type: int
    default: 0
seealso:
  - plugin: longrun.jobs.job_ids
    plugin_type: filter
  - module: longrun.jobs.async_info
"""

EXAMPLES = r"""
- name: List all jobs
  longrun.jobs.async_info:
  register: found

- name: Show them
  ansible.builtin.debug:
    msg: "{{ {inventory_hostname: found.jobs} | longrun.jobs.job_table }}"
"""

RETURN = r"""
_value:
  description: The lines of the table, beginning with its head.
  type: list
  elements: str
  sample:
    - JOB         HOST  STATE    ELAPSED    CPU  PEAK MEMORY
    - os-upgrade  web1  running   41.2 s  3.1 s     38.3 MiB
"""


def job_table(value: Any, rows: int = 0) -> list[str]:
    """Return the lines of the table."""
    if not isinstance(value, Mapping):
        raise AnsibleFilterError(
            f"job_table: give a dict with the jobs of each host, not {type(value).__name__}"
        )
    if not isinstance(rows, int) or rows < 0:
        raise AnsibleFilterError(f"job_table: rows: {rows!r} is not a valid number of rows")
    seen = SeenJobs()
    for host, jobs in value.items():
        seen.note(str(host), "", {"jobs": jobs}, 0.0)
    return [line for _state, line in table(list(seen), 0.0, rows)]


class FilterModule:
    """The class in which Ansible looks for the filter."""

    def filters(self) -> dict[str, Callable[..., list[str]]]:
        """Return the filter by its name."""
        return {"job_table": job_table}
