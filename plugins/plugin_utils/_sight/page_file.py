# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes a page to the controller's disk.

Private to the collection longrun.jobs: may change in any release.
"""

from __future__ import annotations

import os
from pathlib import Path


def write_page(path: Path, text: str) -> None:
    """Write a page completely or not at all, so that no reader ever sees half of it.

    Missing directories are made. Raises OSError if the page cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
