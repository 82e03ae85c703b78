#!/usr/bin/python
# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: async_prune
short_description: Remove what ended jobs have left behind
version_added: 0.1.0
author:
  - longrun.jobs contributors (@longrun)
description:
  - Removes the files of asynchronous tasks (jobs) that have ended, by age, state, name and module.
  - A job that runs is never removed.
  - Also removes what belongs to no job any more, see O(orphans).
options:
  older_than:
    description:
      - Only what ended, or was last changed, at least so long ago.
      - Seconds, or a number with V(s), V(m), V(h), V(d) or V(w), such as V(90) or V(1.5h). V(0) means whatever its age.
    type: str
    default: 7d
  state:
    description:
      - Only jobs in one of these states. By default in any in which a job has ended.
    type: list
    elements: str
    choices: [succeeded, failed, timed_out, cancelled, lost]
  keep:
    description:
      - How many of the jobs stay, however old they are. Of all jobs that O(state), O(name) and O(module) mean, those that ended last.
    type: int
    default: 0
  orphans:
    description:
      - Remove what is left over besides jobs. Job directories whose job file was removed, as M(ansible.builtin.async_status) with
        O(ansible.builtin.async_status#module:mode=cleanup) does; files that were not written to their end; and the temporary directories
        of tasks in O(remote_tmp), of this user, from which no process runs.
      - These must not have been changed for as long as O(older_than) says, and for 5 minutes whatever that is.
      - O(state), O(name), O(module) and O(keep) have nothing to do with them.
    type: bool
    default: true
  remote_tmp:
    description:
      - Where tasks have their temporary directories. By default where those of this task would be, its C(ansible_remote_tmp) and, as tasks
        that become a user who is not root have them there, its C(ansible_system_tmpdirs).
    type: str
  _remote_tmp:
    description:
      - Not for tasks. The action of the same name tells the module by it which directories the task has for this, with a colon between them.
    type: str
attributes:
  check_mode:
    support: full
    description: Tells what would be removed, and removes nothing.
  diff_mode:
    support: full
    description: Shows what goes.
  idempotent:
    support: full
    description: What was removed is not there any more. With O(older_than), what has come of age meanwhile goes.
  platform:
    support: full
    platforms: posix
    description: Targets with a POSIX shell and Python.
extends_documentation_fragment:
  - longrun.jobs.jobs
  - longrun.jobs.jobs.action_group
  - longrun.jobs.jobs.filters
notes:
  - The results go with the files. Jobs that were started with this collection go by themselves once their E(ANSIBLE_ASYNC_RETENTION)
    is over, at the start of another. Those of stock ansible-core do not.
  - Temporary directories are left alone where the processes of other users are hidden, since nothing tells there whether they are in use.
seealso:
  - module: longrun.jobs.async_info
  - module: longrun.jobs.async_status
    description: Removes one job, with O(longrun.jobs.async_status#module:mode=cleanup).
  - name: Security
    description: What is on disk, with which modes, and for how long.
    link: https://github.com/longrun/jobs/blob/main/docs/docsite/rst/guide_security.rst
"""

EXAMPLES = r"""
- name: Remove what ended more than a week ago
  longrun.jobs.async_prune:

- name: Remove all jobs that succeeded, and nothing else
  longrun.jobs.async_prune:
    older_than: 0s
    state: [succeeded]
    orphans: false

- name: Keep the last 5 backups and what is younger than a day
  longrun.jobs.async_prune:
    name: backup-*
    older_than: 1d
    keep: 5

- name: See what root could do without
  longrun.jobs.async_prune:
    older_than: 1h
  become: true
  check_mode: true
  diff: true
"""

RETURN = r"""
removed:
  description: The ids of the jobs that were removed, or would be in check mode, the one that ended first before the others.
  returned: success
  type: list
  elements: str
  sample: [j402058509351.34914]
orphans:
  description: The files and directories that were removed besides, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [/root/.ansible/tmp/ansible-tmp-1795402581.2-34-170141183460469]
unreadable:
  description: What looks like a job and could not be read, as RV(longrun.jobs.async_info#module:unreadable). It stays.
  returned: success
  type: list
  elements: dict
  sample: []
async_dir:
  description: The async dir.
  returned: success
  type: str
  sample: /root/.ansible_async
"""

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.requests.prune import PRUNE_OPTIONS
from ansible_collections.longrun.jobs.plugins.module_utils._operation_module import run_as_module


def main() -> None:
    run_as_module("async_prune", PRUNE_OPTIONS, internal=("_async_dir", "_remote_tmp"))


if __name__ == "__main__":
    main()
