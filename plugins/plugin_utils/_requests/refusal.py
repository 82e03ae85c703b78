# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The results of tasks that are refused on the controller, before anything is asked of the target.

Private to the collection longrun.jobs: may change in any release.
"""

from __future__ import annotations

from typing import Any


def refusal(message: str) -> dict[str, Any]:
    """Return a failed result. An exception would not do: core up to 2.18 shows its traceback."""
    return {"failed": True, "msg": message}


def windows_refusal(module: str) -> dict[str, Any]:
    """Return the failed result of a module of this collection that was used on a Windows target."""
    return refusal(
        f"longrun.jobs.{module} needs a target with a POSIX shell and Python; this is Windows"
    )
