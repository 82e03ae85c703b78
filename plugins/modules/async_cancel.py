#!/usr/bin/python
# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: async_cancel
short_description: End jobs before they end by themselves
version_added: 0.1.0
author:
  - longrun.jobs contributors (@longrun)
description:
  - Ends asynchronous tasks (jobs) with all of their processes, including those that have detached themselves. It sends SIGTERM to all
    of them and, after a grace period, SIGKILL to those that are left.
  - What a job has printed until then stays in its result. Its RV(ignore:async_job.state) becomes V(cancelled).
  - With O(signal), the module sends a signal to what the jobs run, and ends nothing.
  - Select jobs either with O(jids) or O(results_files), or with the other options, such as O(name) and O(state). These two ways are
    mutually exclusive, and one of them is required.
  - The module handles all jobs at the same time, so that many jobs take no longer than one.
options:
  jids:
    description:
      - The ids of the jobs, which are RV(ignore:ansible_job_id) of the tasks that started them. The filter
        P(longrun.jobs.job_ids#filter) extracts them from a registered result.
      - If one of the jobs is not found, the module does nothing.
    type: list
    elements: str
  results_files:
    description:
      - The absolute paths of the job files, which are RV(ignore:results_file) of the tasks that started the jobs.
      - A path finds the job whatever user, E(HOME) or async dir the task has.
    type: list
    elements: str
  state:
    description:
      - Select only jobs in one of these states. The default is both of them.
    type: list
    elements: str
    choices: [queued, running]
  older_than:
    description:
      - Select only jobs that started at least this long ago.
      - A number of seconds, or a number with the unit V(s), V(m), V(h), V(d) or V(w), such as V(90) or V(1.5h).
    type: str
  newer_than:
    description:
      - Select only jobs that started less than this long ago. The format is that of O(older_than).
    type: str
  grace:
    description:
      - The time between SIGTERM and SIGKILL. The format is that of O(older_than). V(0) kills the processes at once.
      - The default is the grace that the job was started with, by E(ANSIBLE_ASYNC_GRACE) or O(longrun.jobs.async_run#module:grace), or 10
        seconds if it was started without one.
      - You cannot use it together with O(signal).
    type: str
  signal:
    description:
      - Send this signal to the commands that the job's module runs, instead of ending the job. Give a name, such as V(USR1), or a number.
      - The module itself does not receive the signal if it is written in Python. What a command does with the signal, and whether it ends
        the job, depends on the command.
      - V(HUP), V(USR1) and V(USR2) are sent only to processes that handle them, because they would end all others.
    type: str
attributes:
  check_mode:
    support: full
    description: Returns which jobs it would cancel or signal, and does neither.
  diff_mode:
    support: full
    description: Shows the states of the jobs before and after. With O(signal) there is no difference to show.
  idempotent:
    support: partial
    description: Jobs that have ended are left as they are. With O(signal), each run sends the signal again.
  platform:
    support: full
    platforms: posix
    description: Targets with a POSIX shell and Python.
extends_documentation_fragment:
  - longrun.jobs.jobs
  - longrun.jobs.jobs.action_group
  - longrun.jobs.jobs.filters
notes:
  - If the supervisor of a job was killed, this module ends the job itself.
  - Stock ansible-core keeps no record of the processes of a job. If it started the job, this module ends the processes that are below its
    wrapper at that moment, and the job's output is lost. Processes that had detached themselves before continue to run.
  - If a job is not found, the task fails, because the job may be running in another async dir.
seealso:
  - module: longrun.jobs.async_status
  - module: longrun.jobs.async_info
  - plugin: longrun.jobs.job_ids
    plugin_type: filter
  - name: Job control
    description: How to start, wait for, list and end jobs, with complete examples.
    link: https://github.com/longrun/jobs/blob/main/docs/docsite/rst/guide_job_control.rst
"""

EXAMPLES = r"""
- name: Start jobs
  ansible.builtin.command: sleep {{ item }}
  async: 1000
  poll: 0
  loop: [600, 700]
  register: started
  environment:
    ANSIBLE_ASYNC_NAME: sleep-{{ item }}

- name: End the first one
  longrun.jobs.async_cancel:
    jids: ["{{ started.results[0].ansible_job_id }}"]

- name: End all that sleep, within 2 seconds
  longrun.jobs.async_cancel:
    name: sleep-*
    grace: 2s
  register: result

- name: Show whether there were any
  ansible.builtin.debug:
    msg: "{{ result.cancelled | length }} cancelled"

- name: Have the copies that run say how far they are
  longrun.jobs.async_cancel:
    name: copy-*
    signal: USR1
"""

RETURN = r"""
jobs:
  description:
    - The selected jobs as they are now, each with the keys of RV(longrun.jobs.async_status#module:async_job).
  returned: when all jobs that were named were found
  type: list
  elements: dict
  sample:
    - id: j402058509351.34914
      name: os-upgrade
      state: cancelled
      reason: request
cancelled:
  description: The ids of the jobs that this task ended, or would end in check mode. Jobs that had ended before are not included.
  returned: when all jobs that were named were found
  type: list
  elements: str
  sample: [j402058509351.34914]
signalled:
  description: The ids of the jobs of which at least one process received the signal, or would receive it in check mode.
  returned: when all jobs that were named were found
  type: list
  elements: str
  sample: []
unreadable:
  description: What looks like a job but could not be read, as in RV(longrun.jobs.async_info#module:unreadable). It was left alone.
  returned: when all jobs that were named were found
  type: list
  elements: dict
  sample: []
"""

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.requests.cancel import (
    CANCEL_OPTIONS,
)
from ansible_collections.longrun.jobs.plugins.module_utils._operation_module import run_as_module


def main() -> None:
    """Run the module."""
    run_as_module("async_cancel", CANCEL_OPTIONS, internal=("_async_dir",))


if __name__ == "__main__":
    main()
