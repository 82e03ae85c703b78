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
  - Runs a module, or any number of modules, as jobs on the target, detached from Ansible. It starts all of them in one request.
  - A job continues when the connection is lost, when C(ansible-playbook) is interrupted or killed and, in a scope, when the login
    session ends. M(longrun.jobs.async_status), M(longrun.jobs.async_wait), M(longrun.jobs.async_info) and
    M(longrun.jobs.async_cancel) find it.
  - If a job with the same O(name) is already running, the task attaches to it instead of starting it twice. When you run an interrupted
    playbook again, it therefore picks up its jobs.
  - With O(wait) the task waits for the end of the job, and returns what the module returned, as if it had run in the task itself.
  - The keywords C(async) and C(poll) of the task work, too. C(async) is then the time limit of the job, unless O(timeout) sets another one.
options:
  task:
    description:
      - The module and its arguments, written as in a task, such as C(ansible.builtin.apt) with its options below it.
      - Beside the module you can use C(name), C(args) and C(environment). Set all other keywords on the task with
        M(longrun.jobs.async_run).
      - Defaults from C(module_defaults) apply as for any task.
      - Not every module can be a job. The task refuses modules whose action does its work on the controller, such as
        M(ansible.builtin.template). M(ansible.builtin.copy) and M(ansible.builtin.unarchive) can be jobs with C(remote_src=true).
      - Exactly one of O(task), O(steps) and O(jobs) is required.
    type: dict
  steps:
    description:
      - Several modules, each as in O(task), which the target runs one after the other as one job. The first one that fails ends the job,
        after O(rescue) and O(always).
      - Use it for changes that cut their own connection, such as those of the network, the firewall or sshd. The job continues without the
        connection.
      - The result of each step is in RV(steps).
    type: list
    elements: dict
  rescue:
    description:
      - Modules to run, as in O(steps), when one of the steps has failed. If they succeed, the job has succeeded.
      - They do not run when the job is cancelled or its time is over.
    type: list
    elements: dict
  always:
    description:
      - Modules to run at the end, as in O(steps), whatever happened before.
      - They also run when the job is cancelled or its time is over. They then have one minute, or O(grace) if that is longer.
    type: list
    elements: dict
  jobs:
    description:
      - Several jobs, each with its own options. Options that are set on the task itself apply to all jobs that do not set them.
    type: list
    elements: dict
    suboptions:
      task: &own
        description: Like the option with the same name outside of O(jobs).
        type: dict
      steps: &own_list
        description: Like the option with the same name outside of O(jobs).
        type: list
        elements: dict
      rescue: *own_list
      always: *own_list
      name: &own_text
        description: Like the option with the same name outside of O(jobs).
        type: str
      if_exists:
        description: Like the option with the same name outside of O(jobs).
        type: str
        choices: [attach, fail, replace, restart_finished]
      timeout: *own_text
      grace: *own_text
      idle_timeout: *own_text
      retention: *own_text
      output_limit: *own_text
      progress_regex: *own_text
      retries: &own_number
        description: Like the option with the same name outside of O(jobs).
        type: int
      retry_delay: *own_text
      retry_backoff:
        description: Like the option with the same name outside of O(jobs).
        type: float
      queue: *own_text
      max_running: *own_number
      nice: *own_number
      ionice: *own_text
      scope:
        description: Like the option with the same name outside of O(jobs).
        type: bool
      memory_max: *own_text
      cpu_quota: *own_text
      env: *own
  name:
    description:
      - The name of the job, 1 to 200 characters. You can find the job by its name, and O(if_exists) compares names.
      - If a job reports no progress itself, its progress is estimated from the durations of earlier jobs with the same name.
    type: str
  if_exists:
    description:
      - What to do when the async dir already has a job with this name.
      - V(restart_finished), the default, attaches to a job that is queued or running, and starts a new one if it has ended.
      - V(attach) also attaches to a job that has ended, for as long as it is kept, so that the job never runs a second time.
      - V(replace) cancels a job that is queued or running, and starts a new one.
      - V(fail) refuses to start a job.
      - Attaching to a job does not change it. If the job was started with other arguments, a warning says so.
      - If two controllers start a job with the same name at the same time, it is started once.
    type: str
    choices: [attach, fail, replace, restart_finished]
  timeout:
    description:
      - How long the job may run, counted from its start, for all attempts together. A number of seconds, or a number with the unit V(s), V(m),
        V(h), V(d) or V(w). V(0) means no limit.
      - The default is the value of C(async) of the task, or V(1d) without it.
    type: str
  grace:
    description:
      - The time between SIGTERM and SIGKILL for its processes when the job must end. The default is V(10s).
    type: str
  idle_timeout:
    description:
      - End the job when it has printed and reported nothing for this long. By default there is no such limit.
    type: str
  retention:
    description:
      - How long the job is kept after its end, or V(forever). The default is V(7d).
    type: str
  output_limit:
    description:
      - How much of each output stream is kept, such as V(10MiB), which is the default. V(0) keeps nothing.
    type: str
  progress_regex:
    description:
      - A regular expression that reads progress from a line of output. It has those of the named groups C(percent), C(current), C(total),
        C(unit) and C(message) that the lines contain.
    type: str
  retries:
    description:
      - How many more times to run a job that has failed by itself. The target does this even if no controller is connected.
      - A job that was cancelled, or whose time is over, is not run again.
    type: int
  retry_delay:
    description:
      - How long to wait before another attempt. The default is V(5s).
    type: str
  retry_backoff:
    description:
      - The factor by which the delay grows with each attempt. With V(1), the default, it stays the same. With V(2) it doubles.
    type: float
  queue:
    description:
      - The queue in which the job waits for its turn. At most O(max_running) jobs of a queue run at once, in the order in which they were
        started. A job that waits for its turn is V(queued).
      - A queue exists as soon as a job names it. Each async dir has its own queues.
      - When the processes of a job are killed, its place in the queue is free at once.
    type: str
  max_running:
    description:
      - How many jobs of the queue may run at once when this job begins, including this one. The default is V(1).
    type: int
  nice:
    description:
      - The nice value of the job's processes, V(-20) to V(19). A value below that of the login requires root.
    type: int
  ionice:
    description:
      - The class of the job's input and output, which is V(idle), V(best-effort) or V(realtime). The last two can have a level from 0,
        which is served first, to 7, such as V(best-effort:7).
      - This works on Linux only.
    type: str
  scope:
    description:
      - Have systemd put the job into a transient scope of its own. The job then survives the end of the login session, even with
        C(KillUserProcesses=yes), and O(memory_max) and O(cpu_quota) limit all of its processes together.
      - This requires root, or a user for whom lingering is enabled.
    type: bool
  memory_max:
    description:
      - How much memory all processes in the O(scope) may use together, such as V(512M).
    type: str
  cpu_quota:
    description:
      - How much CPU time all processes in the O(scope) may use together, in percent of one CPU, such as V(50%).
    type: str
  env:
    description:
      - Environment variables for the job, in addition to those in C(environment) of the task.
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
      - The maximum time to wait. When it is over, the task fails, and the job itself continues.
      - By default the task waits for as long as the job may run. It gives up when the host cannot be reached for 10 minutes.
    type: str
  stream:
    description:
      - Show the output of the jobs while waiting. For a job that the task attached to, it begins with the lines that were not shown yet.
      - With C(no_log), nothing is shown.
    type: bool
    default: false
  interval:
    description:
      - The maximum number of seconds per request while waiting, at least 0.2. After each request the module informs callbacks about the jobs
        (C(v2_runner_on_async_poll)), and shows new lines if O(stream) is set.
      - It does not affect how soon the module notices the end of the jobs.
    type: float
    default: 5
  tail_lines:
    description:
      - How many of the last lines of each output stream are returned for a job after waiting.
    type: int
    default: 10
  async_dir:
    description:
      - The async dir in which to keep the jobs. C(~) is the home of the user that the task runs as.
      - The default is the task's C(ansible_async_dir) or, if that is not set, C(~/.ansible_async).
    type: str
extends_documentation_fragment:
  - longrun.jobs.jobs.action_group
attributes:
  async:
    support: full
    description: The keyword starts the job as with O(wait=false). If C(poll) is more than 0, ansible-core waits for it.
  check_mode:
    support: full
    description: Starts no job. The task itself runs the modules of the jobs in check mode, and returns what they predict.
  diff_mode:
    support: partial
    description: In check mode, if the modules support it.
  idempotent:
    support: partial
    description: With O(name) and O(if_exists=attach) a job runs once. Otherwise each run starts a job, unless one with the same name is running.
  platform:
    support: full
    platforms: posix
    description: Targets with a POSIX shell and Python.
notes:
  - With C(no_log) on the task, the job's output is neither kept nor shown, and its arguments are not stored. The result contains neither,
    not even with O(wait). If later tasks need some of the output, the job has to write it where they can find it.
  - A module that is not written in Python is stored in the private directory of its job, with its arguments, while it runs.
seealso:
  - module: longrun.jobs.async_wait
  - module: longrun.jobs.async_status
  - module: longrun.jobs.async_info
  - module: longrun.jobs.async_cancel
  - module: longrun.jobs.async_prune
  - name: Job control
    description: How to start, wait for, list and end jobs, with complete examples.
    link: https://github.com/longrun/jobs/blob/main/docs/docsite/rst/guide_job_control.rst
  - name: Patterns
    description: A rolling upgrade, a change that cuts the connection, and how to resume after Ctrl-C.
    link: https://github.com/longrun/jobs/blob/main/docs/docsite/rst/guide_patterns.rst
  - name: Troubleshooting
    description: Every state and every reason, and what to do about them.
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
  description: The job's id. For several jobs, see RV(jobs).
  returned: for one job
  type: str
  sample: j402058509351.34914
results_file:
  description: The job file on the target. With it, later tasks find the job whatever user they have.
  returned: for one job
  type: str
  sample: /root/.ansible_async/j402058509351.34914
attached:
  description: Whether the task attached to an existing job with this name, instead of starting one.
  returned: for one job
  type: bool
  sample: false
async_job:
  description:
    - The job, as M(longrun.jobs.async_status) describes it in RV(longrun.jobs.async_status#module:async_job).
    - Without O(wait) it describes the job at its start.
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
  description: The steps that have ended, in order.
  returned: with O(steps) and O(wait)
  type: list
  elements: dict
  contains:
    name:
      description: The name of the step, or V(null) if it has none.
      type: str
      returned: always
    block:
      description: The block that the step belongs to, which is V(steps), V(rescue) or V(always).
      type: str
      returned: always
    module:
      description: The module that the step ran.
      type: str
      returned: always
    state:
      description: The state of the step, which is V(succeeded), V(failed), V(timed_out) or V(cancelled).
      type: str
      returned: always
    reason:
      description: Why the step ended, as in RV(longrun.jobs.async_status#module:async_job.reason).
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
      RV(ignore:attached) and RV(ignore:async_job). With O(wait) each also includes the result of its module.
    - A job that could not be started has RV(ignore:failed) and RV(ignore:msg) instead. The other jobs run.
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
  description: The names of the jobs that did not succeed. Unnamed jobs are listed by their ids.
  returned: with O(jobs) and O(wait)
  type: list
  elements: str
  sample: []
pending_jobs:
  description: The names of the jobs that had not ended when the wait was over. Unnamed jobs are listed by their ids.
  returned: with O(jobs) and O(wait)
  type: list
  elements: str
  sample: []
timed_out:
  description: Whether O(wait_timeout) was over before all jobs had ended.
  returned: with O(jobs) and O(wait)
  type: bool
  sample: false
"""
