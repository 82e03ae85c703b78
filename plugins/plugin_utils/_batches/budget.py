# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Counts, on the controller and across all workers of a run, how many hosts have failed while others wait.

Private to the collection longrun.jobs: may change in any release.
"""

from __future__ import annotations

import hashlib
from pathlib import Path


class ErrorBudget:
    """A directory with a file for each host that has failed, since workers share only files while a task runs.

    place: a directory that is removed at the end of the run. name: what tasks that count together call it. hosts: how
    many may fail; with less than 0 the budget is exceeded from the beginning.
    """

    def __init__(self, place: Path, name: str, hosts: int) -> None:
        self._directory = place / f"longrun-budget-{_hash(name)}"
        self._hosts = hosts

    def note(self, host: str) -> None:
        """Note that this host has failed."""
        self._directory.mkdir(mode=0o700, exist_ok=True)
        (self._directory / _hash(host)).touch()

    def exceeded(self) -> bool:
        """Return whether more hosts have failed than may."""
        noted = len(list(self._directory.iterdir())) if self._directory.is_dir() else 0
        return noted > self._hosts


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
