# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task returns that is refused on the controller, before anything was asked of the target.

Private to the collection longrun.jobs: may change in any release.
"""

from __future__ import annotations

from typing import Any


def refusal(message: str) -> dict[str, Any]:
    """As a result: core up to 2.18 shows a traceback for what is raised."""
    return {"failed": True, "msg": message}


def windows_refusal(module: str) -> dict[str, Any]:
    return refusal(
        f"longrun.jobs.{module} needs a target with a POSIX shell and Python; this is Windows"
    )
