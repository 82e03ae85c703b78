# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action of longrun.jobs.async_prune."""

from __future__ import annotations

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.requests.prune import PRUNE_OPTIONS
from ansible_collections.longrun.jobs.plugins.plugin_utils._core.connection import (
    remote_tmp_options,
)
from ansible_collections.longrun.jobs.plugins.plugin_utils._requests.carried_action import (
    CarriedAction,
)


class ActionModule(CarriedAction):
    """The action: checks the options and sends the request ``async_prune`` with the fast carrier."""

    _carried_module = "async_prune"
    _options = PRUNE_OPTIONS

    def _surroundings(self) -> dict[str, str]:
        """Return the task's async dir and, in ``_remote_tmp``, the directories for temporary files of its tasks."""
        return {**super()._surroundings(), "_remote_tmp": remote_tmp_options(self)}
