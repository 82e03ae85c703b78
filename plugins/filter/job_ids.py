# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter job_ids: the jids in what a task registered."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.errors import JobError
from ansible_collections.longrun.jobs.plugins.plugin_utils._requests.references import (
    job_references,
)

DOCUMENTATION = r"""
name: job_ids
short_description: The ids of the jobs in a registered result
version_added: 0.1.0
author:
  - longrun.jobs contributors (@longrun)
description:
  - Returns the ids of all jobs that a registered result names, in order and without duplicates.
options:
  _input:
    description:
      - The registered result of a task that started jobs, such as one with O(ignore:async) and O(ignore:poll=0), with or without a loop.
        Skipped items are left out.
      - It can also be a jid, the path of a job file, or a list of any of these.
    type: raw
    required: true
seealso:
  - plugin: longrun.jobs.job_table
    plugin_type: filter
  - module: longrun.jobs.async_wait
    description: Accepts the registered result itself.
  - module: longrun.jobs.async_cancel
"""

EXAMPLES = r"""
- name: Start a job for each package list
  ansible.builtin.shell: echo {{ item }}
  async: 600
  poll: 0
  loop: [base, web]
  register: started

- name: Show their ids
  ansible.builtin.debug:
    msg: "{{ started | longrun.jobs.job_ids }}"
"""

RETURN = r"""
_value:
  description: The ids of the jobs.
  type: list
  elements: str
  sample: [j402058509351.34914, j402058509352.34920]
"""


def job_ids(value: Any) -> list[str]:
    """Return the jids, in order and without duplicates."""
    try:
        references = job_references(value, "job_ids")
    except JobError as error:
        raise AnsibleFilterError(error.message) from error
    jids: list[str] = []
    for reference in references:
        if "name" in reference:
            raise AnsibleFilterError(
                f"job_ids: {reference['name']!r} is not a job id; a job id looks like j402058509351.34914"
            )
        jid = reference.get("jid") or os.path.basename(reference["results_file"])
        if jid not in jids:
            jids.append(jid)
    return jids


class FilterModule:
    """The class in which Ansible looks for the filter."""

    def filters(self) -> dict[str, Callable[[Any], list[str]]]:
        """Return the filter by its name."""
        return {"job_ids": job_ids}
