#!/usr/bin/python
# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: async_status
short_description: Ask after a job, see its output, wait for its end, clean it up
version_added: 0.1.0
author:
  - longrun.jobs contributors (@longrun)
description:
  - Tells how an asynchronous task (a job) is doing. Takes and returns what M(ansible.builtin.async_status) takes and returns, so
    it can stand in its place in every playbook.
  - Besides the job's own result it returns RV(async_job), with the state, the progress and the output that the job has so far.
  - Tells the truth about jobs whose processes were killed, or whose host was started again, and never calls them running for ever.
  - Reads jobs that stock ansible-core started, too, with what can be known of them.
options:
  jid:
    description:
      - The job's id, as RV(ignore:ansible_job_id) of the task that started it.
      - Looked for in the async dir of the task that asks. When that has another user, E(HOME) or async dir than the task that started
        the job, give O(results_file) instead.
      - Exactly one of O(jid) and O(results_file) is required.
    type: str
  results_file:
    description:
      - The absolute path of the job file, as RV(ignore:results_file) of the task that started the job.
      - Finds the job whatever user, E(HOME) or async dir the task has, as long as its user may read the file.
    type: str
  mode:
    description:
      - V(status) asks after the job.
      - V(cleanup) removes the job's files. It refuses a job that still runs, unless O(force) is set.
    type: str
    choices: [cleanup, status]
    default: status
  wait:
    description:
      - Seconds to wait on the target for the job's end. The answer comes at the moment the job ends, or when the time is over.
      - With O(wait), one request takes the place of many retries.
    type: float
    default: 0
  tail_lines:
    description:
      - How many lines of each stream RV(async_job.output) shows, counted from the end.
    type: int
    default: 10
  cursor:
    description:
      - The RV(async_job.output.cursor) of an earlier status. The output since then is shown, instead of the last lines.
      - V(0:0) shows the output from its beginning. At most 1 MiB of each stream is shown at once; the cursor returned goes on from there.
    type: str
  cleanup:
    description:
      - Remove the job's files once this status has read its final result.
    type: bool
    default: false
  force:
    description:
      - Have O(mode=cleanup) remove the files of a job that still runs. The job itself goes on, but its result is lost.
    type: bool
    default: false
  _since:
    description:
      - Not for tasks. The action of the same name asks by it for the output that it shows while the job runs.
    type: str
attributes:
  check_mode:
    support: full
    description: Nothing is removed in check mode.
  diff_mode:
    support: none
    description: Whether it shows a difference.
  idempotent:
    support: partial
    description: It changes nothing itself. Of a job that has ended it reports what its module reported, each time it is asked.
  platform:
    support: full
    platforms: posix, windows
    description: On Windows the request is handed over to the module of ansible-core, with the options that it has.
extends_documentation_fragment:
  - longrun.jobs.jobs
  - longrun.jobs.jobs.action_group
notes:
  - RV(ignore:stdout) and RV(ignore:stderr) are those of the module that the job ran, once it has ended. While it runs, the lines so far are
    in RV(async_job.output).
  - Output is seen while it comes when the module reads it from the pipes of commands that it runs, as M(ansible.builtin.shell),
    M(ansible.builtin.command), M(ansible.builtin.apt) and M(ansible.builtin.pip) do. A module that works through a library in its own
    process, such as M(ansible.builtin.dnf), has no output to show before its end.
seealso:
  - module: ansible.builtin.async_status
  - module: longrun.jobs.async_run
  - module: longrun.jobs.async_wait
  - module: longrun.jobs.async_info
  - module: longrun.jobs.async_cancel
  - module: longrun.jobs.async_prune
  - name: The drop-in
    description: What two lines of C(ansible.cfg) change.
    link: https://github.com/longrun/jobs/blob/main/docs/docsite/rst/guide_drop_in.rst
  - name: Troubleshooting
    description: Every state and every reason, and what to do.
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
  description: Whether the job has ended. Also V(true) when it was not found, so that loops end.
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
  description: The job, the same shape in every module and every state.
  returned: when the job was found and O(mode=status)
  type: dict
  contains:
    id:
      description: The job's id.
      type: str
      returned: always
    name:
      description: What O(longrun.jobs.async_run#module:name) or E(ANSIBLE_ASYNC_NAME) called the job. V(null) when unnamed.
      type: str
      returned: always
    state:
      description: V(queued), V(running), V(succeeded), V(failed), V(timed_out), V(cancelled) or V(lost).
      type: str
      returned: always
    reason:
      description:
        - Why the job ended as it did. V(null) while it runs.
        - V(exit), the module ended by itself. V(deadline), its time limit passed. V(idle), it printed nothing for its idle timeout.
          V(request), somebody asked for its end. V(module_killed), a signal from elsewhere ended the module. V(supervisor_killed),
          nobody was left to see its end. V(rebooted), the host was started again meanwhile. V(no_space), its result could not be written.
          V(not_started), the host refused it a process, or something else that it needed to begin or to go on.
      type: str
      returned: always
    module:
      description: The module that the job runs.
      type: str
      returned: always
    created_at:
      description: When the job was made, in UTC.
      type: str
      returned: always
    started_at:
      description: When it began to run, in UTC.
      type: str
      returned: always
    finished_at:
      description: When it ended, in UTC.
      type: str
      returned: always
    elapsed:
      description: Seconds that it has run, or ran.
      type: float
      returned: always
    timeout:
      description: Its time limit in seconds.
      type: float
      returned: always
    remaining:
      description: Seconds until its time limit. V(null) when it has ended.
      type: float
      returned: always
    supervised:
      description: Whether its supervisor lives. A job that runs without one is ended at its time limit by whoever asks after it then.
      type: bool
      returned: always
    recovered:
      description: Whether its result was taken over after its supervisor had been killed.
      type: bool
      returned: always
    attempt:
      description: Which attempt this is.
      type: int
      returned: always
    attempts:
      description: How many there are at most.
      type: int
      returned: always
    queue:
      description: The queue in which it was, or is, waiting for its turn. V(null) without one.
      type: str
      returned: always
    steps:
      description: Of a job with steps, those that have ended. V(null) for a job of one module.
      type: list
      elements: dict
      returned: always
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
          description: As RV(async_job.reason).
          type: str
          returned: always
    progress:
      description: How far the job is, as far as its output tells. V(null) where nothing does.
      type: dict
      returned: always
      contains:
        percent:
          description: 0 to 100.
          type: float
          returned: always
        current:
          description: How many of RV(async_job.progress.total) are done.
          type: float
          returned: always
        total:
          description: How many there are.
          type: float
          returned: always
        unit:
          description: Of what.
          type: str
          returned: always
        message:
          description: What the job says that it does.
          type: str
          returned: always
        eta:
          description: Seconds until the end, estimated.
          type: float
          returned: always
        source:
          description: Where this comes from, V(reported), V(pattern), V(builtin) or V(history).
          type: str
          returned: always
        updated_at:
          description: When the job last said something, in UTC.
          type: str
          returned: always
    output:
      description: What the commands of the job have printed so far.
      type: dict
      returned: always
      contains:
        stdout_tail:
          description: Lines of stdout, the last ones or, with O(cursor), those since then.
          type: list
          elements: str
          returned: always
        stderr_tail:
          description: Likewise of stderr.
          type: list
          elements: str
          returned: always
        stdout_bytes:
          description: How many bytes were printed on stdout.
          type: int
          returned: always
        stderr_bytes:
          description: Likewise on stderr.
          type: int
          returned: always
        stdout_path:
          description: The file on the target that holds the beginning of stdout; all of it unless RV(async_job.output.truncated).
          type: str
          returned: always
        stderr_path:
          description: Likewise of stderr.
          type: str
          returned: always
        truncated:
          description: Whether more was printed than is kept. The beginning and the end are kept.
          type: bool
          returned: always
        cursor:
          description: Where the next status goes on, given as O(cursor).
          type: str
          returned: always
    usage:
      description: CPU seconds and peak memory of the job's processes.
      type: dict
      returned: always
      contains:
        cpu_seconds:
          description: CPU time used.
          type: float
          returned: always
        max_rss_bytes:
          description: The largest memory that one of its processes had.
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
    run_as_module(
        "async_status",
        STATUS_OPTIONS,
        internal=("_async_dir", "_since"),
        mutually_exclusive=[("jid", "results_file")],
        required_one_of=[("jid", "results_file")],
    )


if __name__ == "__main__":
    main()
