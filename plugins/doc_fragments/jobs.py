# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the documentation of several modules has in common."""

from __future__ import annotations


class ModuleDocFragment:
    """The async dir; FILTERS, which jobs are meant; ACTION_GROUP, the action group."""

    DOCUMENTATION = r"""
options:
  async_dir:
    description:
      - The async dir, where jobs are kept on the target. C(~) is the home of the user that the task runs as.
      - By default that of the task, C(ansible_async_dir), and C(~/.ansible_async) where that is not set.
    type: str
  _async_dir:
    description:
      - Not for tasks. The action of the same name tells the module by it which async dir the task has.
    type: str
attributes:
  async:
    support: none
    description: Whether it can be run as a job itself.
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
      - Only jobs whose name matches this pattern, with C(*), C(?) and C([...]) as a shell has them. Case counts.
      - The name is what E(ANSIBLE_ASYNC_NAME) called the job. A job without a name matches no pattern, not even V(*).
    type: str
  module:
    description:
      - Only jobs that run a module whose name matches this pattern, such as V(ansible.builtin.apt) or V(*.apt).
      - Of jobs that stock ansible-core started the module is not known, so they match none.
    type: str
"""
