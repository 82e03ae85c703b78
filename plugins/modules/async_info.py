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
  - Lists the asynchronous tasks (jobs) of a user on the target, those that run and those that have ended, with their state, progress
    and last lines of output.
  - Needs no job id. It finds what another play, another controller or stock ansible-core has started.
  - Tells the truth about jobs whose processes were killed, or whose host was started again. As M(longrun.jobs.async_status) does, it
    writes down the end of such a job when it finds it, and ends a job that has no supervisor any more and is past its time limit.
options:
  state:
    description:
      - Only jobs in one of these states.
    type: list
    elements: str
    choices: [queued, running, succeeded, failed, timed_out, cancelled, lost]
  older_than:
    description:
      - Only jobs that ended, or that run and started, at least so long ago.
      - Seconds, or a number with V(s), V(m), V(h), V(d) or V(w), such as V(90) or V(1.5h).
    type: str
  newer_than:
    description:
      - Only jobs that ended, or that run and started, less than so long ago. Written as O(older_than).
    type: str
  sort:
    description:
      - The order of RV(jobs).
      - V(created), the oldest first. V(elapsed), the one that runs or ran longest first. V(name), with the jobs without a name at
        the end. V(state), in the order of the choices of O(state).
      - Where that says nothing, the oldest comes first.
    type: str
    choices: [created, elapsed, name, state]
    default: created
  tail_lines:
    description:
      - How many lines of each stream are shown of each job, counted from the end.
    type: int
    default: 3
attributes:
  check_mode:
    support: full
    description: It changes nothing that a task would report.
  diff_mode:
    support: none
    description: There is nothing to show a difference of.
  idempotent:
    support: full
    description: It reports no change.
  platform:
    support: full
    platforms: posix
    description: Targets with a POSIX shell and Python.
extends_documentation_fragment:
  - longrun.jobs.jobs
  - longrun.jobs.jobs.action_group
  - longrun.jobs.jobs.filters
notes:
  - Jobs are listed of one async dir. Those of another user are in another, use C(become) or O(async_dir).
seealso:
  - module: longrun.jobs.async_status
  - module: longrun.jobs.async_cancel
  - module: longrun.jobs.async_prune
  - plugin: longrun.jobs.job_table
    plugin_type: filter
  - name: Job control
    description: Starts jobs, waits for them, lists them, ends them, with whole examples.
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
    - Their results are in their job files, see M(longrun.jobs.async_status).
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
    - What looks like a job and could not be read, such as another user's file, a link or a damaged record.
    - Such a file is never followed, and never taken for a job.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The job's id. V(null) if it is the directory of all jobs that could not be read.
      type: str
      returned: always
    path:
      description: The file or directory.
      type: str
      returned: always
    msg:
      description: Why not.
      type: str
      returned: always
  sample:
    - id: j402058509352.34920
      path: /root/.ansible_async/j402058509352.34920
      msg: "/root/.ansible_async/j402058509352.34920 is not believed: it is not a regular file or belongs to nobody"
async_dir:
  description: The async dir. If there is none yet, there are no jobs.
  returned: success
  type: str
  sample: /root/.ansible_async
"""

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.requests.info import INFO_OPTIONS
from ansible_collections.longrun.jobs.plugins.module_utils._operation_module import run_as_module


def main() -> None:
    run_as_module("async_info", INFO_OPTIONS, internal=("_async_dir",))


if __name__ == "__main__":
    main()
