# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parts of the documentation that several modules have in common."""

from __future__ import annotations


class ModuleDocFragment:
    """DOCUMENTATION: the async dir. FILTERS: the options that select jobs. ACTION_GROUP: the action group."""

    DOCUMENTATION = r"""
options:
  async_dir:
    description:
      - The async dir, in which jobs are kept on the target. C(~) is the home of the user that the task runs as.
      - The default is the task's C(ansible_async_dir) or, if that is not set, C(~/.ansible_async).
    type: str
  _async_dir:
    description:
      - Do not use this in a task. The action of the same name passes the task's async dir to the module in this option.
    type: str
attributes:
  async:
    support: none
    description: It cannot run as a job itself.
"""

    ACTION_GROUP = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/longrun.jobs.jobs) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - longrun.jobs.jobs
"""

    FILTERS = r"""
options:
  name:
    description:
      - Select only jobs whose name matches this pattern, with C(*), C(?) and C([...]) as in a shell. It is case-sensitive.
      - The name of a job is that of O(longrun.jobs.async_run#module:name) or E(ANSIBLE_ASYNC_NAME). A job without a name matches no pattern,
        not even V(*).
    type: str
  module:
    description:
      - Select only jobs that run a module whose name matches this pattern, such as V(ansible.builtin.apt) or V(*.apt).
      - The modules of jobs that stock ansible-core started are not known, so these jobs match no pattern.
    type: str
"""
