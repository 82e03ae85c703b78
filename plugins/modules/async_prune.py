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
  - It never removes a running job.
  - It also removes what no longer belongs to any job, see O(orphans).
options:
  older_than:
    description:
      - Remove only jobs that ended at least this long ago, and only other files that were last changed at least this long ago.
      - A number of seconds, or a number with the unit V(s), V(m), V(h), V(d) or V(w), such as V(90) or V(1.5h). V(0) means any age.
    type: str
    default: 7d
  state:
    description:
      - Remove only jobs in one of these states. The default is all of them.
    type: list
    elements: str
    choices: [succeeded, failed, timed_out, cancelled, lost]
  keep:
    description:
      - The number of jobs to keep, however old they are. The module keeps those that ended last among the jobs that O(state), O(name) and
        O(module) select.
    type: int
    default: 0
  orphans:
    description:
      - Also remove what belongs to no job. These are job directories whose job file was removed, as M(ansible.builtin.async_status) with
        O(ansible.builtin.async_status#module:mode=cleanup) does; files that were not written completely; and this user's temporary
        directories of tasks in O(remote_tmp) from which no process runs.
      - The module removes them only if they have not changed for as long as O(older_than) says, and for at least 5 minutes.
      - O(state), O(name), O(module) and O(keep) do not apply to them.
    type: bool
    default: true
  remote_tmp:
    description:
      - The directory in which tasks have their temporary directories.
      - The default is the places where those of this task would be, which are its C(ansible_remote_tmp) and its C(ansible_system_tmpdirs).
        The latter are for tasks that become a user other than root.
    type: str
  _remote_tmp:
    description:
      - Do not use this in a task. The action of the same name passes the task's directories to the module in this option, separated by
        colons.
    type: str
attributes:
  check_mode:
    support: full
    description: Returns what it would remove, and removes nothing.
  diff_mode:
    support: full
    description: Shows what it removes.
  idempotent:
    support: full
    description: A second run finds nothing to remove, except what has become older than O(older_than) in the meantime.
  platform:
    support: full
    platforms: posix
    description: Targets with a POSIX shell and Python.
extends_documentation_fragment:
  - longrun.jobs.jobs
  - longrun.jobs.jobs.action_group
  - longrun.jobs.jobs.filters
notes:
  - The results of the jobs are removed together with their files. Jobs that were started with this collection are removed automatically
    when another job is started after their E(ANSIBLE_ASYNC_RETENTION) is over. Jobs of stock ansible-core are not.
  - The module leaves temporary directories alone on hosts that hide the processes of other users, because it cannot find out there whether
    they are in use.
seealso:
  - module: longrun.jobs.async_info
  - module: longrun.jobs.async_status
    description: Removes one job, with O(longrun.jobs.async_status#module:mode=cleanup).
  - name: Security
    description: What is stored on disk, with which file modes, and for how long.
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
  description: The ids of the jobs that were removed, or would be removed in check mode, in the order in which they ended.
  returned: success
  type: list
  elements: str
  sample: [j402058509351.34914]
orphans:
  description: The other files and directories that were removed, or would be removed in check mode.
  returned: success
  type: list
  elements: str
  sample: [/root/.ansible/tmp/ansible-tmp-1795402581.2-34-170141183460469]
unreadable:
  description: What looks like a job but could not be read, as in RV(longrun.jobs.async_info#module:unreadable). It was left alone.
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
    """Run the module."""
    run_as_module("async_prune", PRUNE_OPTIONS, internal=("_async_dir", "_remote_tmp"))


if __name__ == "__main__":
    main()
