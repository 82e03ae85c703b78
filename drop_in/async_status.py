# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""In the place of core's action for async_status, which ``poll: N`` asks, too: that of longrun.jobs.async_status."""

from __future__ import annotations

from ansible_collections.longrun.jobs.plugins.action.async_status import ActionModule

__all__ = ("ActionModule",)
