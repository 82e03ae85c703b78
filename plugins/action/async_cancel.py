# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action of longrun.jobs.async_cancel."""

from __future__ import annotations

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.requests.cancel import (
    CANCEL_OPTIONS,
)
from ansible_collections.longrun.jobs.plugins.plugin_utils._requests.carried_action import (
    CarriedAction,
)


class ActionModule(CarriedAction):
    """The action: checks the options and sends the request ``async_cancel`` with the fast carrier."""

    _carried_module = "async_cancel"
    _options = CANCEL_OPTIONS
