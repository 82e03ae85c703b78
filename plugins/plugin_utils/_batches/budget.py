# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many hosts may fail while others wait for their jobs: counted by all workers of one run, on the controller.

Private to the collection longrun.jobs: may change in any release.
"""

from __future__ import annotations

import hashlib
from pathlib import Path


class ErrorBudget:
    """A directory with a file for each host that has failed, for workers share nothing else while a task runs.

    place: a directory that goes with the run. hosts: how many may fail; below 0, too many have already.
    """

    def __init__(self, place: Path, name: str, hosts: int) -> None:
        self._directory = place / f"longrun-budget-{_hash(name)}"
        self._hosts = hosts

    def note(self, host: str) -> None:
        """This host has failed."""
        self._directory.mkdir(mode=0o700, exist_ok=True)
        (self._directory / _hash(host)).touch()

    def exceeded(self) -> bool:
        noted = len(list(self._directory.iterdir())) if self._directory.is_dir() else 0
        return noted > self._hosts


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
