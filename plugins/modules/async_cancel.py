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
  - Ends asynchronous tasks (jobs) with all of their processes, also those that have detached themselves. SIGTERM goes to all of them,
    and SIGKILL to what is left after a grace.
  - What a job had printed until then stays in its result. Its RV(ignore:async_job.state) becomes V(cancelled).
  - With O(signal), sends a signal to what jobs run, and ends nothing.
  - Jobs are named by O(jids) or O(results_files), or by what they are. These two ways exclude each other, and one is required.
  - All jobs are asked at the same time, so many take no longer than one.
options:
  jids:
    description:
      - The ids of the jobs, as RV(ignore:ansible_job_id) of the tasks that started them. The filter
        P(longrun.jobs.job_ids#filter) takes them out of a registered result.
      - If one of them is not found, nothing is done.
    type: list
    elements: str
  results_files:
    description:
      - The absolute paths of the job files, as RV(ignore:results_file) of the tasks that started the jobs.
      - Finds a job whatever user, E(HOME) or async dir the task has.
    type: list
    elements: str
  state:
    description:
      - Only jobs in one of these states. By default in either.
    type: list
    elements: str
    choices: [queued, running]
  older_than:
    description:
      - Only jobs that started at least so long ago.
      - Seconds, or a number with V(s), V(m), V(h), V(d) or V(w), such as V(90) or V(1.5h).
    type: str
  newer_than:
    description:
      - Only jobs that started less than so long ago. Written as O(older_than).
    type: str
  grace:
    description:
      - How long the processes have between SIGTERM and SIGKILL. Written as O(older_than). V(0) kills at once.
      - By default what E(ANSIBLE_ASYNC_GRACE) said when the job was started, 10 seconds if nothing.
      - Cannot be used with O(signal).
    type: str
  signal:
    description:
      - Send this signal to the commands that the module of the job runs, in place of ending the job. A name such as V(USR1), or a
        number.
      - The module itself, where it is Python, gets none. What a command does with it, and whether that ends the job, is its own affair.
      - V(HUP), V(USR1) and V(USR2) go only to processes that handle them. All others would end of them.
    type: str
attributes:
  check_mode:
    support: full
    description: Tells which jobs would be cancelled, or signalled, and does neither.
  diff_mode:
    support: full
    description: Shows the states of the jobs before and after. With O(signal) there is nothing to show.
  idempotent:
    support: partial
    description: A job that has ended is left as it is. With O(signal), each run sends the signal again.
  platform:
    support: full
    platforms: posix
    description: Targets with a POSIX shell and Python.
extends_documentation_fragment:
  - longrun.jobs.jobs
  - longrun.jobs.jobs.action_group
  - longrun.jobs.jobs.filters
notes:
  - A job whose supervisor was killed is ended by this module itself.
  - Stock ansible-core keeps no record of a job's processes. Of a job that it started, those are ended that are below its wrapper at that
    moment, and its output is lost. What has detached itself from there before goes on.
  - For a job that is not found the task fails, since it may run in another async dir.
seealso:
  - module: longrun.jobs.async_status
  - module: longrun.jobs.async_info
  - plugin: longrun.jobs.job_ids
    plugin_type: filter
  - name: Job control
    description: Starts jobs, waits for them, lists them, ends them, with whole examples.
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
    - The jobs that were named, each with the keys of RV(longrun.jobs.async_status#module:async_job), as they are now.
  returned: when the jobs that were named were found
  type: list
  elements: dict
  sample:
    - id: j402058509351.34914
      name: os-upgrade
      state: cancelled
      reason: request
cancelled:
  description: The ids of the jobs that were ended, or would be in check mode. Not among them are those that had ended before.
  returned: when the jobs that were named were found
  type: list
  elements: str
  sample: [j402058509351.34914]
signalled:
  description: The ids of the jobs of which a process got the signal, or would get it in check mode.
  returned: when the jobs that were named were found
  type: list
  elements: str
  sample: []
unreadable:
  description: What looks like a job and could not be read, as RV(longrun.jobs.async_info#module:unreadable). It was left alone.
  returned: when the jobs that were named were found
  type: list
  elements: dict
  sample: []
"""

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.requests.cancel import (
    CANCEL_OPTIONS,
)
from ansible_collections.longrun.jobs.plugins.module_utils._operation_module import run_as_module


def main() -> None:
    run_as_module("async_cancel", CANCEL_OPTIONS, internal=("_async_dir",))


if __name__ == "__main__":
    main()
