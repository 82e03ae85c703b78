#!/usr/bin/python
# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: async_wait
short_description: Wait for many jobs of a host at once
version_added: 0.1.0
author:
  - longrun.jobs contributors (@longrun)
description:
  - Waits until all of the jobs given have ended, or one of them, or the first that did not succeed.
  - Asks the target once each O(interval) however many jobs there are, and the target answers the moment the condition holds.
  - Returns all results in the order in which the jobs were given. The task fails if a job did not succeed, and names it.
  - Goes on when the connection to the host is lost, or the host is started again, for as long as O(timeout) says.
options:
  jobs:
    description:
      - The jobs to wait for, in any form in which a task may have them, or a list of these.
      - A jid, as RV(ignore:ansible_job_id).
      - The absolute path of a job file, as RV(ignore:results_file), which finds the job whatever user the task has.
      - The name of a job, which means the newest of this name in the async dir of the task.
      - What a task registered that started a job, just as it is. With a loop, its C(results) are all waited for, but for skipped items.
      - A job that is named twice is waited for once. An empty list is done at once.
    type: raw
    required: true
  for:
    description:
      - V(all) waits for the end of every job.
      - V(any) waits for the end of one.
      - V(first_failure) waits for the end of every job, or of the first that did not succeed.
    type: str
    choices: [all, any, first_failure]
    default: all
  timeout:
    description:
      - Seconds to wait at most. When they are over the task fails, with the results that are there.
      - V(0) asks once.
    type: float
    default: 3600
  on_timeout:
    description:
      - What becomes of the jobs that have not ended when the time is over.
      - V(leave) lets them run.
      - V(cancel) cancels them. What they had printed until then is in RV(jobs).
    type: str
    choices: [cancel, leave]
    default: leave
  reconnect:
    description:
      - Seconds for which a host that cannot be reached is asked again, before the task gives it up as unreachable. By default as long as
        O(timeout) lets it.
    type: float
  error_budget:
    description:
      - An error budget that the hosts of a play share while they wait in this task. A host has failed when one of its jobs has ended and
        did not succeed, or when it cannot be reached.
      - When more hosts have failed than it allows, those that wait stop at their next request, at the latest after O(interval), and the task fails.
      - Hosts wait at the same time as far as C(forks) lets them. What the others have to say is heard when their turn comes.
    type: dict
    suboptions:
      name:
        description: What it is called. Tasks of one run that name the same budget count together.
        type: str
        required: true
      hosts:
        description: How many hosts may fail. With V(0) the first that fails exceeds it, and with less it is exceeded from the beginning.
        type: int
        default: 0
      on_exceeded:
        description: What becomes of the jobs that have not ended then. V(leave) lets them run, V(cancel) cancels them.
        type: str
        choices: [cancel, leave]
        default: leave
  interval:
    description:
      - Seconds of each request, at least 0.2. As often, callbacks hear of the jobs that have not ended before
        (C(v2_runner_on_async_poll)), and with O(stream) new lines are shown.
      - How soon the end of the jobs is noticed does not depend on it.
    type: float
    default: 5
  stream:
    description:
      - Show the lines of the jobs that have not ended when the task begins. Nothing is shown with C(no_log).
    type: bool
    default: false
  tail_lines:
    description:
      - How many lines of each stream RV(jobs) show, counted from the end.
    type: int
    default: 10
  async_dir:
    description:
      - The async dir in which jids are looked for. C(~) is the home of the user that the task runs as.
      - By default that of the task, C(ansible_async_dir), and C(~/.ansible_async) where that is not set.
    type: str
extends_documentation_fragment:
  - longrun.jobs.jobs.action_group
attributes:
  check_mode:
    support: full
    description: Waits, and cancels nothing.
  diff_mode:
    support: none
    description: Whether it shows a difference.
  idempotent:
    support: full
    description: Jobs that have ended have ended. With O(on_timeout=cancel), there is nothing left to cancel.
  platform:
    support: full
    platforms: posix
    description: Targets with a POSIX shell and Python.
  async:
    support: none
    description: Whether it can be run as a job itself.
seealso:
  - module: longrun.jobs.async_run
  - module: longrun.jobs.async_status
  - module: longrun.jobs.async_cancel
  - name: Job control
    description: Starts jobs, waits for them, lists them, ends them, with whole examples.
    link: https://github.com/longrun/jobs/blob/main/docs/docsite/rst/guide_job_control.rst
  - name: Troubleshooting
    description: Every state and every reason, and what to do.
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
    - The status of each job in the order in which they were given, as M(longrun.jobs.async_status) returns it, with its
      RV(longrun.jobs.async_status#module:async_job). That of a job that has ended holds the result of its module.
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
  description: The names, or the ids, of the jobs that have ended and did not succeed.
  returned: when all jobs were found
  type: list
  elements: str
  sample: [os-upgrade]
pending_jobs:
  description: The names, or the ids, of the jobs that had not ended when the waiting was over.
  returned: when all jobs were found
  type: list
  elements: str
  sample: []
timed_out:
  description: Whether the time was over before what was waited for had come about.
  returned: when all jobs were found
  type: bool
  sample: false
budget_exceeded:
  description: Whether the waiting was over because more hosts had failed than O(error_budget) allows.
  returned: when it was
  type: bool
  sample: true
"""
