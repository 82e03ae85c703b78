#!/usr/bin/python
# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: async_info
short_description: List the jobs of an async dir
version_added: 0.1.0
author:
  - longrun.jobs contributors (@longrun)
description:
  - Lists the asynchronous tasks (jobs) of a user on the target, both those that are running and those that have ended, with their state,
    progress and last lines of output.
  - It needs no job ids. It also finds the jobs that another play, another controller or stock ansible-core has started.
  - It reports the true state of jobs whose processes were killed or whose host was rebooted. Like M(longrun.jobs.async_status), it
    records the end of such a job when it finds it, and it ends a job that has lost its supervisor and has passed its time limit.
options:
  state:
    description:
      - Select only jobs in one of these states.
    type: list
    elements: str
    choices: [queued, running, succeeded, failed, timed_out, cancelled, lost]
  older_than:
    description:
      - Select only jobs that ended at least this long ago or, if they are still running, that started at least this long ago.
      - A number of seconds, or a number with the unit V(s), V(m), V(h), V(d) or V(w), such as V(90) or V(1.5h).
    type: str
  newer_than:
    description:
      - Select only jobs that ended less than this long ago or, if they are still running, that started less than this long ago. The
        format is that of O(older_than).
    type: str
  sort:
    description:
      - The order of RV(jobs).
      - V(created) lists the oldest job first, and V(elapsed) the job with the longest running time. V(name) sorts by name, with unnamed
        jobs at the end, and V(state) in the order of the choices of O(state).
      - Jobs that are equal in this order are listed with the oldest first.
    type: str
    choices: [created, elapsed, name, state]
    default: created
  tail_lines:
    description:
      - How many of the last lines of each output stream are returned for each job.
    type: int
    default: 3
attributes:
  check_mode:
    support: full
    description: It makes no changes that a task would report.
  diff_mode:
    support: none
    description: It changes nothing, so there is no difference to show.
  idempotent:
    support: full
    description: It never reports a change.
  platform:
    support: full
    platforms: posix
    description: Targets with a POSIX shell and Python.
extends_documentation_fragment:
  - longrun.jobs.jobs
  - longrun.jobs.jobs.action_group
  - longrun.jobs.jobs.filters
notes:
  - The module lists the jobs of one async dir. Those of another user are in another one. To list them, use C(become) or O(async_dir).
seealso:
  - module: longrun.jobs.async_status
  - module: longrun.jobs.async_cancel
  - module: longrun.jobs.async_prune
  - plugin: longrun.jobs.job_table
    plugin_type: filter
  - name: Job control
    description: How to start, wait for, list and end jobs, with complete examples.
    link: https://github.com/longrun/jobs/blob/main/docs/docsite/rst/guide_job_control.rst
"""

EXAMPLES = r"""
- name: List all jobs
  longrun.jobs.async_info:
  register: found

- name: Show them
  ansible.builtin.debug:
    msg: "{{ item.id }} {{ item.name or item.module }}: {{ item.state }} for {{ item.elapsed }} s"
  loop: "{{ found.jobs }}"
  loop_control:
    label: "{{ item.id }}"

- name: List what runs for more than an hour, the longest first
  longrun.jobs.async_info:
    state: [running]
    older_than: 1h
    sort: elapsed
  register: long

- name: List what did not succeed of the last day's backups
  longrun.jobs.async_info:
    name: backup-*
    state: [failed, timed_out, cancelled, lost]
    newer_than: 1d
  register: broken
"""

RETURN = r"""
jobs:
  description:
    - The jobs, each with the keys of RV(longrun.jobs.async_status#module:async_job).
    - This does not include their results. Use M(longrun.jobs.async_status) to read the result of a job from its job file.
  returned: success
  type: list
  elements: dict
  sample:
    - id: j402058509351.34914
      name: os-upgrade
      state: running
      reason: null
      module: ansible.builtin.apt
      created_at: "2026-11-23T02:56:19.103Z"
      started_at: "2026-11-23T02:56:19.103Z"
      finished_at: null
      elapsed: 41.2
      timeout: 7200
      remaining: 7158.8
      supervised: true
      recovered: false
      attempt: 1
      attempts: 1
      queue: null
      steps: null
      progress:
        percent: 45.0
        current: 123
        total: 273
        unit: packages
        message: Unpacking libc6
        eta: 50.3
        source: reported
        updated_at: "2026-11-23T02:56:59.870Z"
      output:
        stdout_tail: ["Unpacking libc6 (2.41-12) ..."]
        stderr_tail: []
        stdout_bytes: 18233
        stderr_bytes: 0
        stdout_path: /root/.ansible_async/.longrun/j402058509351.34914/stdout
        stderr_path: /root/.ansible_async/.longrun/j402058509351.34914/stderr
        truncated: false
        cursor: "18233:0"
      usage:
        cpu_seconds: 3.1
        max_rss_bytes: 40112128
unreadable:
  description:
    - What looks like a job but could not be read, such as another user's file, a link or a damaged record.
    - The module never follows such a link and never takes such a file for a job.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The job's id. V(null) if the directory of all jobs could not be read.
      type: str
      returned: always
    path:
      description: The file or directory.
      type: str
      returned: always
    msg:
      description: Why it could not be read.
      type: str
      returned: always
  sample:
    - id: j402058509352.34920
      path: /root/.ansible_async/j402058509352.34920
      msg: "/root/.ansible_async/j402058509352.34920 is not believed: it is not a regular file or belongs to nobody"
async_dir:
  description: The async dir. If it does not exist yet, there are no jobs.
  returned: success
  type: str
  sample: /root/.ansible_async
"""

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.requests.info import INFO_OPTIONS
from ansible_collections.longrun.jobs.plugins.module_utils._operation_module import run_as_module


def main() -> None:
    """Run the module."""
    run_as_module("async_info", INFO_OPTIONS, internal=("_async_dir",))


if __name__ == "__main__":
    main()
