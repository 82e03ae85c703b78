#!/usr/bin/python
# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: async_wait
short_description: Wait for many jobs on a host at once
version_added: 0.1.0
author:
  - longrun.jobs contributors (@longrun)
description:
  - Waits until all of the given jobs have ended, or one of them, or the first one that did not succeed.
  - It sends one request per O(interval) to the target, however many jobs there are, and the target answers at the moment when the
    condition is met.
  - It returns all results in the order in which the jobs were given. The task fails if a job did not succeed, and names that job.
  - It continues to wait when the connection to the host is lost or the host is rebooted, for as long as O(timeout) allows.
options:
  jobs:
    description:
      - The jobs to wait for, in any of the following forms, or a list of these.
      - A jid, which is RV(ignore:ansible_job_id) of the task that started the job.
      - The absolute path of a job file, which is RV(ignore:results_file) of that task. It finds the job whatever user the task has.
      - The name of a job, which stands for the newest job of this name in the async dir of the task.
      - The registered result of a task that started a job, unchanged. For a task with a loop, the module waits for all of its C(results)
        except skipped items.
      - The module waits only once for a job that is named twice. With an empty list it returns at once.
    type: raw
    required: true
  for:
    description:
      - V(all) waits for the end of every job.
      - V(any) waits for the end of one job.
      - V(first_failure) waits until every job has ended, or until the first one has ended without success.
    type: str
    choices: [all, any, first_failure]
    default: all
  timeout:
    description:
      - The maximum number of seconds to wait. After that the task fails, and returns the results that it has.
      - V(0) asks once and does not wait.
    type: float
    default: 3600
  on_timeout:
    description:
      - What to do with the jobs that have not ended when O(timeout) is over.
      - V(leave) lets them run.
      - V(cancel) cancels them. RV(jobs) has what they printed until then.
    type: str
    choices: [cancel, leave]
    default: leave
  reconnect:
    description:
      - For how many seconds the task retries a host that cannot be reached before it gives up and reports the host as unreachable. The
        default is as long as O(timeout) allows.
    type: float
  error_budget:
    description:
      - An error budget that the hosts of a play share while they wait in this task. A host has failed when one of its jobs has ended
        without success, or when it cannot be reached.
      - When more hosts have failed than the budget allows, the waiting hosts stop at their next request, after O(interval) at the latest, and
        the task fails.
      - C(forks) limits how many hosts wait at the same time. The failures of the other hosts only count when their turn has come.
    type: dict
    suboptions:
      name:
        description: The name of the budget. Tasks of the same run that name the same budget share it.
        type: str
        required: true
      hosts:
        description: How many hosts may fail. With V(0) the first failure exceeds the budget. With less, it is exceeded from the beginning.
        type: int
        default: 0
      on_exceeded:
        description: What to do with the jobs that have not ended when the budget is exceeded. V(leave) lets them run, V(cancel) cancels them.
        type: str
        choices: [cancel, leave]
        default: leave
  interval:
    description:
      - The maximum number of seconds per request, at least 0.2. After each request, while it waits, the module informs callbacks about the
        jobs that had not ended before (C(v2_runner_on_async_poll)), and shows new lines if O(stream) is set.
      - It does not affect how soon the module notices the end of the jobs.
    type: float
    default: 5
  stream:
    description:
      - Show the output of the jobs while the task waits, except of those that had already ended when it began. With C(no_log), nothing is
        shown.
    type: bool
    default: false
  tail_lines:
    description:
      - How many of the last lines of each output stream are in RV(jobs).
    type: int
    default: 10
  async_dir:
    description:
      - The async dir in which to look for jids and names. C(~) is the home of the user that the task runs as.
      - The default is the task's C(ansible_async_dir) or, if that is not set, C(~/.ansible_async).
    type: str
extends_documentation_fragment:
  - longrun.jobs.jobs.action_group
attributes:
  check_mode:
    support: full
    description: Waits, and cancels nothing.
  diff_mode:
    support: none
    description: There is no difference to show.
  idempotent:
    support: full
    description: Waiting changes nothing. After O(on_timeout=cancel) there is nothing left to cancel.
  platform:
    support: full
    platforms: posix
    description: Targets with a POSIX shell and Python.
  async:
    support: none
    description: It cannot run as a job itself.
seealso:
  - module: longrun.jobs.async_run
  - module: longrun.jobs.async_status
  - module: longrun.jobs.async_cancel
  - name: Job control
    description: How to start, wait for, list and end jobs, with complete examples.
    link: https://github.com/longrun/jobs/blob/main/docs/docsite/rst/guide_job_control.rst
  - name: Troubleshooting
    description: Every state and every reason, and what to do about them.
    link: https://github.com/longrun/jobs/blob/main/docs/docsite/rst/guide_troubleshooting.rst
"""

EXAMPLES = r"""
- name: Start several jobs
  ansible.builtin.shell: sleep {{ item }}; echo slept {{ item }} seconds
  async: 100
  poll: 0
  loop: [1, 2]
  register: started

- name: Wait for all of them, and show what they print
  longrun.jobs.async_wait:
    jobs: "{{ started }}"
    stream: true
    timeout: 60
  register: waited

- name: Show what the first one printed
  ansible.builtin.debug:
    var: waited.jobs[0].stdout
"""

RETURN = r"""
jobs:
  description:
    - The status of each job, in the order in which the jobs were given, as M(longrun.jobs.async_status) returns it, with its
      RV(longrun.jobs.async_status#module:async_job). The status of a job that has ended includes the result of its module.
  returned: when all jobs were found
  type: list
  elements: dict
  sample:
    - ansible_job_id: j402058509351.34914
      results_file: /root/.ansible_async/j402058509351.34914
      started: true
      finished: true
      changed: true
      cmd: [/usr/local/bin/backup, shop]
      rc: 0
      stdout: "[4/4] shop"
      stderr: ""
      async_job:
        id: j402058509351.34914
        name: backup shop
        state: succeeded
        reason: exit
        elapsed: 92.4
failed_jobs:
  description: The names of the jobs that have ended without success. Unnamed jobs are listed by their ids.
  returned: when all jobs were found
  type: list
  elements: str
  sample: [os-upgrade]
pending_jobs:
  description: The names of the jobs that had not ended when the wait was over. Unnamed jobs are listed by their ids.
  returned: when all jobs were found
  type: list
  elements: str
  sample: []
timed_out:
  description: Whether O(timeout) was over before the condition of O(for) was met.
  returned: when all jobs were found
  type: bool
  sample: false
budget_exceeded:
  description: Whether the task stopped waiting because more hosts had failed than O(error_budget) allows.
  returned: when it stopped for this reason
  type: bool
  sample: true
"""
