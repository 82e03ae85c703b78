# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What core's configuration says of the whole run.

Private to the collection longrun.jobs: may change in any release.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible import constants

_CONSTANTS: Any = constants  # core adds its settings to the module at run time

__all__ = ("keeps_remote_files", "local_tmp", "shows_text")


def keeps_remote_files() -> bool:
    """Return whether ``ANSIBLE_KEEP_REMOTE_FILES`` asks for the files of modules to stay on the target."""
    return bool(_CONSTANTS.DEFAULT_KEEP_REMOTE_FILES)


def local_tmp() -> Path:
    """Return a directory on the controller that all workers of this run share, and that core removes after the run."""
    return Path(_CONSTANTS.DEFAULT_LOCAL_TMP)


def shows_text() -> bool:
    """Return whether the stdout callback writes for people.

    One that writes JSON, by its name, must be the only one that writes to stdout.
    """
    return "json" not in str(_CONSTANTS.DEFAULT_STDOUT_CALLBACK)
