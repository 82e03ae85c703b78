# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""In the place of core's action for package: with ``async``, the job is started over the fast carrier."""

from __future__ import annotations

from ansible_collections.longrun.jobs.plugins.plugin_utils._core.drop_in import drop_in_action

ActionModule = drop_in_action("package")
