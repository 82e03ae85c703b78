#!/usr/bin/python
# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: async_status
short_description: Get the status of a job, see its output, wait for its end, or clean it up
version_added: 0.1.0
author:
  - longrun.jobs contributors (@longrun)
description:
  - Reports how an asynchronous task (a job) is doing. It accepts and returns what M(ansible.builtin.async_status) accepts and returns, so
    that it can replace it in every playbook.
  - In addition to the job's own result it returns RV(async_job), with the state, the progress and the output of the job so far.
  - It reports the true state of jobs whose processes were killed or whose host was rebooted, and does not call them running for ever.
  - It can also read jobs that stock ansible-core started, and reports what can be known about them.
options:
  jid:
    description:
      - The job's id, which is RV(ignore:ansible_job_id) of the task that started it.
      - The module looks for the job in the async dir of its own task. If this task has another user, E(HOME) or async dir than the task that
        started the job, use O(results_file) instead.
      - Exactly one of O(jid) and O(results_file) is required.
    type: str
  results_file:
    description:
      - The absolute path of the job file, which is RV(ignore:results_file) of the task that started the job.
      - It finds the job whatever user, E(HOME) or async dir the task has, if the user is allowed to read the file.
    type: str
  mode:
    description:
      - V(status) returns the status of the job.
      - V(cleanup) removes the job's files. It refuses to do so while the job is running, unless O(force) is set.
    type: str
    choices: [cleanup, status]
    default: status
  wait:
    description:
      - The number of seconds to wait on the target for the end of the job. The module returns at the moment when the job ends, or when the
        time is over.
      - With O(wait), one request replaces many retries.
    type: float
    default: 0
  tail_lines:
    description:
      - How many of the last lines of each output stream are in RV(async_job.output).
    type: int
    default: 10
  cursor:
    description:
      - The RV(async_job.output.cursor) of an earlier status. The module then returns the output since that status, instead of the last lines.
      - V(0:0) returns the output from its beginning. The module returns at most 1 MiB of each output stream at once. Use the returned cursor
        to continue from there.
    type: str
  cleanup:
    description:
      - Remove the job's files after this status has read its final result.
    type: bool
    default: false
  force:
    description:
      - Let O(mode=cleanup) remove the files of a job that is still running. The job itself continues, but its result is lost.
    type: bool
    default: false
  _since:
    description:
      - Do not use this in a task. The action of the same name uses it to ask for the output that it shows while the job runs.
    type: str
attributes:
  check_mode:
    support: full
    description: Removes nothing in check mode.
  diff_mode:
    support: none
    description: There is no difference to show.
  idempotent:
    support: partial
    description: It changes nothing itself. For a job that has ended, it returns each time what the module of the job reported.
  platform:
    support: full
    platforms: posix, windows
    description: On Windows the task is passed on to the module of ansible-core, with the options of that module.
extends_documentation_fragment:
  - longrun.jobs.jobs
  - longrun.jobs.jobs.action_group
notes:
  - RV(ignore:stdout) and RV(ignore:stderr) are those that the job's module returned, when it has ended. While it is running, the lines so
    far are in RV(async_job.output).
  - Output is visible as it is printed if the module reads it from the pipes of commands that it runs, as M(ansible.builtin.shell),
    M(ansible.builtin.command), M(ansible.builtin.apt) and M(ansible.builtin.pip) do. A module that uses a library in its own process,
    such as M(ansible.builtin.dnf), has no output to show before its end.
seealso:
  - module: ansible.builtin.async_status
  - module: longrun.jobs.async_run
  - module: longrun.jobs.async_wait
  - module: longrun.jobs.async_info
  - module: longrun.jobs.async_cancel
  - module: longrun.jobs.async_prune
  - name: The drop-in
    description: What changes with two lines in C(ansible.cfg).
    link: https://github.com/longrun/jobs/blob/main/docs/docsite/rst/guide_drop_in.rst
  - name: Troubleshooting
    description: Every state and every reason, and what to do about them.
    link: https://github.com/longrun/jobs/blob/main/docs/docsite/rst/guide_troubleshooting.rst
"""

EXAMPLES = r"""
- name: Start a job
  ansible.builtin.shell: for i in $(seq 1 10); do echo "[$i/10] step $i"; sleep 1; done
  async: 100
  poll: 0
  register: job

- name: Ask after it until it has ended
  longrun.jobs.async_status:
    jid: "{{ job.ansible_job_id }}"
  register: result
  until: result.finished
  retries: 30
  delay: 1

- name: Start another
  ansible.builtin.command: sleep 2
  async: 100
  poll: 0
  register: other

- name: Wait for its end in one request and remove its files, whatever user asks
  longrun.jobs.async_status:
    results_file: "{{ other.results_file }}"
    wait: 60
    cleanup: true
  register: result

- name: Show what the first one printed, from the beginning
  longrun.jobs.async_status:
    jid: "{{ job.ansible_job_id }}"
    cursor: "0:0"
  register: result

- name: Remove the files of the first one
  longrun.jobs.async_status:
    jid: "{{ job.ansible_job_id }}"
    mode: cleanup
"""

RETURN = r"""
ansible_job_id:
  description: The job's id.
  returned: always
  type: str
  sample: j402058509351.34914
started:
  description: Whether the job was started.
  returned: always
  type: bool
  sample: true
finished:
  description: Whether the job has ended. It is also V(true) if the job was not found, so that loops end.
  returned: always
  type: bool
  sample: true
results_file:
  description: The job file.
  returned: when the job was found
  type: str
  sample: /root/.ansible_async/j402058509351.34914
erased:
  description: The job file that was removed, or would be removed in check mode.
  returned: with O(mode=cleanup), and with O(cleanup=true) when the job has ended
  type: str
  sample: /root/.ansible_async/j402058509351.34914
async_job:
  description: A description of the job. It has the same keys in every module and every state.
  returned: when the job was found and O(mode=status)
  type: dict
  contains:
    id:
      description: The job's id.
      type: str
      returned: always
    name:
      description: The name that O(longrun.jobs.async_run#module:name) or E(ANSIBLE_ASYNC_NAME) gave the job, or V(null) if it has none.
      type: str
      returned: always
    state:
      description: The state of the job, which is V(queued), V(running), V(succeeded), V(failed), V(timed_out), V(cancelled) or V(lost).
      type: str
      returned: always
    reason:
      description:
        - Why the job ended as it did. It is V(null) until the job has ended.
        - V(exit) means that the module ended by itself.
        - V(deadline) means that the job reached its time limit, and V(idle) that it printed nothing for its idle timeout.
        - V(request) means that somebody asked for its end.
        - V(module_killed) means that a signal from elsewhere ended the module, and V(supervisor_killed) that no process was left to see
          its end.
        - V(rebooted) means that the host was rebooted in the meantime.
        - V(no_space) means that its result could not be written.
        - V(not_started) means that the host refused a process, or something else that the job needed to begin or to continue.
      type: str
      returned: always
    module:
      description: The module that the job runs.
      type: str
      returned: always
    created_at:
      description: When the job was created, in UTC.
      type: str
      returned: always
    started_at:
      description: When the job began to run, in UTC.
      type: str
      returned: always
    finished_at:
      description: When the job ended, in UTC.
      type: str
      returned: always
    elapsed:
      description: For how many seconds the job has run.
      type: float
      returned: always
    timeout:
      description: The time limit of the job in seconds.
      type: float
      returned: always
    remaining:
      description: The number of seconds until the time limit of the job, or V(null) if it has ended.
      type: float
      returned: always
    supervised:
      description: Whether the supervisor of the job is alive. If it is not, the first status after the time limit ends the job.
      type: bool
      returned: always
    recovered:
      description: Whether the result was recovered after the supervisor of the job had been killed.
      type: bool
      returned: always
    attempt:
      description: The number of the current or last attempt.
      type: int
      returned: always
    attempts:
      description: The maximum number of attempts.
      type: int
      returned: always
    queue:
      description: The queue in which the job waits, or waited, for its turn, or V(null) if it has none.
      type: str
      returned: always
    steps:
      description: The steps of the job that have ended, or V(null) for a job with one module.
      type: list
      elements: dict
      returned: always
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
          description: Why the step ended, as in RV(async_job.reason).
          type: str
          returned: always
    progress:
      description: How far the job has got, or V(null) if this is not known.
      type: dict
      returned: always
      contains:
        percent:
          description: The progress in percent, from 0 to 100.
          type: float
          returned: always
        current:
          description: How many units of RV(async_job.progress.total) are done.
          type: float
          returned: always
        total:
          description: How many units there are.
          type: float
          returned: always
        unit:
          description: What the units are.
          type: str
          returned: always
        message:
          description: What the job reports that it is doing.
          type: str
          returned: always
        eta:
          description: The estimated number of seconds until the end of the job.
          type: float
          returned: always
        source:
          description: Where this information comes from, which is V(reported), V(pattern), V(builtin) or V(history).
          type: str
          returned: always
        updated_at:
          description: When the job last reported something, in UTC.
          type: str
          returned: always
    output:
      description: What the commands of the job have printed so far.
      type: dict
      returned: always
      contains:
        stdout_tail:
          description: The last lines of stdout or, with O(cursor), the lines since then.
          type: list
          elements: str
          returned: always
        stderr_tail:
          description: The same for stderr.
          type: list
          elements: str
          returned: always
        stdout_bytes:
          description: How many bytes were printed to stdout.
          type: int
          returned: always
        stderr_bytes:
          description: The same for stderr.
          type: int
          returned: always
        stdout_path:
          description: The file on the target that holds the beginning of stdout, or all of it unless RV(async_job.output.truncated=true).
          type: str
          returned: always
        stderr_path:
          description: The same for stderr.
          type: str
          returned: always
        truncated:
          description: Whether more was printed than is kept. The beginning and the end are kept.
          type: bool
          returned: always
        cursor:
          description: The value of O(cursor) with which the next status continues.
          type: str
          returned: always
    usage:
      description: The CPU time and peak memory of the job's processes.
      type: dict
      returned: always
      contains:
        cpu_seconds:
          description: The CPU time in seconds.
          type: float
          returned: always
        max_rss_bytes:
          description: The most memory that one of the processes used, in bytes.
          type: int
          returned: always
  sample:
    id: j402058509351.34914
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
"""

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.requests.status import (
    STATUS_OPTIONS,
)
from ansible_collections.longrun.jobs.plugins.module_utils._operation_module import run_as_module


def main() -> None:
    """Run the module."""
    run_as_module(
        "async_status",
        STATUS_OPTIONS,
        internal=("_async_dir", "_since"),
        mutually_exclusive=[("jid", "results_file")],
        required_one_of=[("jid", "results_file")],
    )


if __name__ == "__main__":
    main()
