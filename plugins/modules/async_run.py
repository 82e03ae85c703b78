#!/usr/bin/python
# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: async_run
short_description: Start one job or many, with names, queues, retries and steps
version_added: 0.1.0
author:
  - longrun.jobs contributors (@longrun)
description:
  - Runs any module as a job on the target, detached from Ansible, or any number of them. However many there are, they are
    started in one request.
  - A job goes on when the connection is lost, when C(ansible-playbook) is interrupted or killed, and, in a scope, when the login
    session ends. M(longrun.jobs.async_status), M(longrun.jobs.async_wait), M(longrun.jobs.async_info) and
    M(longrun.jobs.async_cancel) find it.
  - A job with a O(name) that runs already is attached to, not started twice, so a playbook that was interrupted picks up its jobs
    when it is run again.
  - With O(wait) the task waits for the end, and returns what the module returned, as if it had run in the task itself.
  - The keywords C(async) and C(poll) of the task work, too. C(async) is then the time limit of the job, where O(timeout) says no other.
options:
  task:
    description:
      - The module and its arguments, written as they are in a task, such as C(ansible.builtin.apt) with its options below it.
      - Beside the module there may be C(name), C(args) and C(environment). All other keywords belong to the task with
        M(longrun.jobs.async_run).
      - Defaults from C(module_defaults) apply as to any task.
      - Not every module can be a job. That of an action which does its work on the controller, such as M(ansible.builtin.template),
        is refused; M(ansible.builtin.copy) and M(ansible.builtin.unarchive) can be jobs with C(remote_src=true).
      - Exactly one of O(task), O(steps) and O(jobs) is required.
    type: dict
  steps:
    description:
      - Several modules, each as in O(task), which the target runs one after the other as one job. The first that fails ends the job,
        but for O(rescue) and O(always).
      - For what cuts its own connection, such as a change of the network, the firewall or sshd. The job goes on without it.
      - The result of each is in RV(steps).
    type: list
    elements: dict
  rescue:
    description:
      - Modules to run, as in O(steps), when one of the steps has failed. When they succeed, so has the job.
      - They are not run when the job is cancelled or its time is over.
    type: list
    elements: dict
  always:
    description:
      - Modules to run at the end, as in O(steps), whatever came before.
      - When the job is cancelled or its time is over they are run all the same, and have a minute for it, or O(grace) if that is longer.
    type: list
    elements: dict
  jobs:
    description:
      - Several jobs, each with its own options. What the task says beside it holds for all jobs that do not say otherwise.
    type: list
    elements: dict
    suboptions:
      task: &own
        description: As the option of this name outside of O(jobs).
        type: dict
      steps: &own_list
        description: As the option of this name outside of O(jobs).
        type: list
        elements: dict
      rescue: *own_list
      always: *own_list
      name: &own_text
        description: As the option of this name outside of O(jobs).
        type: str
      if_exists:
        description: As the option of this name outside of O(jobs).
        type: str
        choices: [attach, fail, replace, restart_finished]
      timeout: *own_text
      grace: *own_text
      idle_timeout: *own_text
      retention: *own_text
      output_limit: *own_text
      progress_regex: *own_text
      retries: &own_number
        description: As the option of this name outside of O(jobs).
        type: int
      retry_delay: *own_text
      retry_backoff:
        description: As the option of this name outside of O(jobs).
        type: float
      queue: *own_text
      max_running: *own_number
      nice: *own_number
      ionice: *own_text
      scope:
        description: As the option of this name outside of O(jobs).
        type: bool
      memory_max: *own_text
      cpu_quota: *own_text
      env: *own
  name:
    description:
      - What the job is called, 1 to 200 characters. Jobs are found by it, and O(if_exists) goes by it.
      - The durations of earlier jobs of a name tell how far one is that says nothing itself.
    type: str
  if_exists:
    description:
      - What to do when there is a job of this name already, in the same async dir.
      - V(restart_finished), the default, attaches to one that is queued or running, and starts anew when it has ended.
      - V(attach) attaches also to one that has ended, as long as it is kept, and so never runs it a second time.
      - V(replace) cancels one that runs, and starts anew.
      - V(fail) refuses to start.
      - A job that is attached to is left as it is. When it was started with other arguments, a warning says so.
      - Two controllers that start the same name at the same time start it once.
    type: str
    choices: [attach, fail, replace, restart_finished]
  timeout:
    description:
      - How long the job may take, all attempts together, from the moment it runs. A number of seconds, or one with a unit V(s), V(m), V(h),
        V(d) or V(w). V(0) is no limit.
      - By default what C(async) of the task says, and V(1d) without it.
    type: str
  grace:
    description:
      - How long its processes have between SIGTERM and SIGKILL when the job must end. By default V(10s).
    type: str
  idle_timeout:
    description:
      - End the job when it has printed and reported nothing for this long. By default it may be silent.
    type: str
  retention:
    description:
      - How long the job is kept after its end, or V(forever). By default V(7d).
    type: str
  output_limit:
    description:
      - How much of each stream is kept, such as V(10MiB), which is the default. V(0) keeps nothing.
    type: str
  progress_regex:
    description:
      - How to read progress from a line of output, a regular expression with the groups C(percent), C(current), C(total), C(unit)
        and C(message), as far as the lines have them.
    type: str
  retries:
    description:
      - How many more attempts a job has that has failed by itself. The target carries them out, whether a controller is there or not.
      - A job that was cancelled, or whose time is over, is not tried again.
    type: int
  retry_delay:
    description:
      - How long to wait before another attempt. By default V(5s).
    type: str
  retry_backoff:
    description:
      - By how much the delay grows with each attempt. By default V(1), the delay stays the same; with V(2) it doubles.
    type: float
  queue:
    description:
      - The queue in which the job waits for its turn. Of the jobs of a queue no more than O(max_running) run at once, those that
        were started first before the others. Until then a job is V(queued).
      - A queue is there as soon as jobs name it. It is one of the user and the async dir.
      - When the processes of a job are killed, its place is free at once.
    type: str
  max_running:
    description:
      - How many jobs of the queue may run when this one begins, itself included. By default V(1).
    type: int
  nice:
    description:
      - The nice value of the job's processes, V(-20) to V(19). Less than that of the login needs root.
    type: int
  ionice:
    description:
      - The class of the job's input and output, V(idle), V(best-effort) or V(realtime), the last two with a level from 0, the first
        to be served, to 7, such as V(best-effort:7).
      - On Linux only.
    type: str
  scope:
    description:
      - Have systemd put the job into a transient scope of its own. There it lives on when the login session ends, also with
        C(KillUserProcesses=yes), and the limits hold for all of its processes together.
      - Needs root, or a user for whom lingering is enabled.
    type: bool
  memory_max:
    description:
      - How much memory the processes of the O(scope) may use together, such as V(512M).
    type: str
  cpu_quota:
    description:
      - How much CPU they may use together, in percent of one, such as V(50%).
    type: str
  env:
    description:
      - Variables for the environment of the job, besides C(environment) of the task.
    type: dict
  wait:
    description:
      - Wait in this task for the end of the job, or of all jobs. The result is then that of the module, and C(changed_when),
        C(failed_when) and C(until) behave as with the module itself.
        - With O(jobs) the result is that of M(longrun.jobs.async_wait).
    type: bool
    default: false
  wait_timeout:
    description:
      - How long to wait at most. The job itself goes on when this time is over, and the task fails.
      - By default the task waits as long as the job has time, and through 10 minutes in which the host cannot be reached.
    type: str
  stream:
    description:
      - Show the lines of the jobs while waiting. A job that was attached to goes on with the lines that were not yet shown.
      - Nothing is shown with C(no_log).
    type: bool
    default: false
  interval:
    description:
      - Seconds of each request while waiting, at least 0.2. As often, callbacks hear of the jobs (C(v2_runner_on_async_poll)), and with
        O(stream) new lines are shown. How soon the end is noticed does not depend on it.
    type: float
    default: 5
  tail_lines:
    description:
      - How many lines of each stream are shown of a job after waiting, counted from the end.
    type: int
    default: 10
  async_dir:
    description:
      - The async dir in which the jobs are put. C(~) is the home of the user that the task runs as.
      - By default that of the task, C(ansible_async_dir), and C(~/.ansible_async) where that is not set.
    type: str
extends_documentation_fragment:
  - longrun.jobs.jobs.action_group
attributes:
  async:
    support: full
    description: The keyword starts the job as O(wait=false) does. With C(poll) more than 0, ansible-core waits for it.
  check_mode:
    support: full
    description: Starts nothing. The modules of the jobs are run in check mode, in the task itself, and what they predict is returned.
  diff_mode:
    support: partial
    description: In check mode, as far as the modules have it.
  idempotent:
    support: partial
    description: With O(name) and O(if_exists=attach) a job is run once. Otherwise each run starts a job, unless one of the name runs.
  platform:
    support: full
    platforms: posix
    description: Targets with a POSIX shell and Python.
notes:
  - With C(no_log) on the task, the job's output is neither kept nor shown, and nothing of its arguments is written down. The result has
    neither of them, not even with O(wait). What later tasks need of the output, the job has to write where they find it.
  - A module that is not written in Python lies in the private directory of its job, with its arguments, for as long as it runs.
seealso:
  - module: longrun.jobs.async_wait
  - module: longrun.jobs.async_status
  - module: longrun.jobs.async_info
  - module: longrun.jobs.async_cancel
  - module: longrun.jobs.async_prune
  - name: Job control
    description: Starts jobs, waits for them, lists them, ends them, with whole examples.
    link: https://github.com/longrun/jobs/blob/main/docs/docsite/rst/guide_job_control.rst
  - name: Patterns
    description: A rolling upgrade, a change that cuts the connection, resuming after Ctrl-C.
    link: https://github.com/longrun/jobs/blob/main/docs/docsite/rst/guide_patterns.rst
  - name: Troubleshooting
    description: Every state and every reason, and what to do.
    link: https://github.com/longrun/jobs/blob/main/docs/docsite/rst/guide_troubleshooting.rst
"""

EXAMPLES = r"""
- name: Upgrade the system, show what it prints, and pick the job up again should the playbook be interrupted
  longrun.jobs.async_run:
    name: os-upgrade
    task:
      ansible.builtin.apt:
        upgrade: dist
    timeout: 2h
    wait: true
    stream: true
  become: true

- name: Start a job, and go on
  longrun.jobs.async_run:
    name: backup
    task:
      ansible.builtin.shell: tar -czf /var/tmp/etc.tar.gz /etc
    nice: 19
    ionice: idle
    retries: 3
    retry_delay: 30s
    retry_backoff: 2
  become: true
  register: backup

- name: Start several, of which two run at a time
  longrun.jobs.async_run:
    queue: archives
    max_running: 2
    jobs:
      - name: archive-etc
        task:
          ansible.builtin.command: tar -czf /var/tmp/archive-etc.tar.gz /etc
      - name: archive-opt
        task:
          ansible.builtin.command: tar -czf /var/tmp/archive-opt.tar.gz /opt
      - name: archive-srv
        task:
          ansible.builtin.command: tar -czf /var/tmp/archive-srv.tar.gz /srv
  become: true
  register: archives

- name: Wait for all that was started
  longrun.jobs.async_wait:
    jobs: ["{{ backup }}", "{{ archives }}"]
  become: true

- name: Change what the connection depends on, and put it right should that fail
  longrun.jobs.async_run:
    name: sshd
    steps:
      - name: Stop it
        ansible.builtin.service:
          name: ssh
          state: stopped
      - name: Take the time that it needs
        ansible.builtin.command: sleep 2
    always:
      - name: Start it
        ansible.builtin.service:
          name: ssh
          state: started
    wait: true
  become: true

- name: Keep a build within its bounds
  longrun.jobs.async_run:
    task:
      ansible.builtin.command:
        cmd: /usr/local/bin/build everything
        chdir: /usr/src
      environment:
        CFLAGS: -O2
    scope: true
    memory_max: 2G
    cpu_quota: 150%
  become: true
"""

RETURN = r"""
ansible_job_id:
  description: The job's id. Of several jobs it is in RV(jobs).
  returned: for one job
  type: str
  sample: j402058509351.34914
results_file:
  description: The job file on the target. Later tasks find the job by it whatever user they have.
  returned: for one job
  type: str
  sample: /root/.ansible_async/j402058509351.34914
attached:
  description: Whether a job of this name was there already, and this is that one.
  returned: for one job
  type: bool
  sample: false
async_job:
  description:
    - The job, as M(longrun.jobs.async_status) describes it in RV(longrun.jobs.async_status#module:async_job).
    - Without O(wait) this is how the job began.
  returned: for one job
  type: dict
  sample:
    id: j402058509351.34914
    name: os-upgrade
    state: running
    reason: null
    module: ansible.builtin.apt
    created_at: "2026-11-23T02:56:19.103Z"
    started_at: "2026-11-23T02:56:19.103Z"
    finished_at: null
    elapsed: 0.0
    timeout: 7200
    remaining: 7200.0
    supervised: true
    recovered: false
    attempt: 1
    attempts: 1
    queue: null
    steps: null
    progress: null
    output:
      stdout_tail: []
      stderr_tail: []
      stdout_bytes: 0
      stderr_bytes: 0
      stdout_path: /root/.ansible_async/.longrun/j402058509351.34914/stdout
      stderr_path: /root/.ansible_async/.longrun/j402058509351.34914/stderr
      truncated: false
      cursor: "0:0"
    usage:
      cpu_seconds: 0.0
      max_rss_bytes: 0
steps:
  description: The steps that have ended, in their order.
  returned: with O(steps) and O(wait)
  type: list
  elements: dict
  contains:
    name:
      description: What the step is called. V(null) when unnamed.
      type: str
      returned: always
    block:
      description: V(steps), V(rescue) or V(always).
      type: str
      returned: always
    module:
      description: The module that it ran.
      type: str
      returned: always
    state:
      description: V(succeeded), V(failed), V(timed_out) or V(cancelled).
      type: str
      returned: always
    reason:
      description: As RV(longrun.jobs.async_status#module:async_job.reason).
      type: str
      returned: always
    result:
      description: What the module returned.
      type: dict
      returned: always
  sample:
    - name: Build it
      block: steps
      module: ansible.builtin.command
      state: succeeded
      reason: exit
      result:
        changed: true
        rc: 0
        stdout: building with release
jobs:
  description:
    - The jobs in the order in which they were given, each with RV(ignore:ansible_job_id), RV(ignore:results_file),
      RV(ignore:attached) and RV(ignore:async_job). With O(wait) each holds the result of its module, too.
    - A job that could not be started has RV(ignore:failed) and RV(ignore:msg) instead; the others run.
  returned: with O(jobs)
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
      attached: false
      async_job:
        id: j402058509351.34914
        name: backup shop
        state: succeeded
        reason: exit
        elapsed: 92.4
failed_jobs:
  description: The names, or the ids, of the jobs that did not succeed.
  returned: with O(jobs) and O(wait)
  type: list
  elements: str
  sample: []
pending_jobs:
  description: The names, or the ids, of the jobs that had not ended when the waiting was over.
  returned: with O(jobs) and O(wait)
  type: list
  elements: str
  sample: []
timed_out:
  description: Whether O(wait_timeout) was over before the end.
  returned: with O(jobs) and O(wait)
  type: bool
  sample: false
"""
