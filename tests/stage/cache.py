# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Things that are slow to make and never change once made, kept outside the checkout.

Every entry's name carries a hash of all that went into it, so a changed recipe is a new entry and
two checkouts share what they have in common.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from .process import say


def root() -> Path:
    """Return the cache directory, made if it is missing."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "longrun-jobs"
    place = Path(os.environ.get("LONGRUN_JOBS_CACHE") or default).absolute()
    place.mkdir(parents=True, exist_ok=True)
    return place


def digest(ingredients: Iterable[str]) -> str:
    """Return a short name for exactly these ingredients."""
    return hashlib.sha256("\0".join(ingredients).encode()).hexdigest()[:12]


@contextlib.contextmanager
def lock(name: str) -> Iterator[None]:
    """Hold the machine-wide lock *name*; another run of the stage waits for it."""
    locks = root() / "locks"
    locks.mkdir(exist_ok=True)
    with (locks / name).open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def provide(
    kind: str, name: str, ingredients: Iterable[str], build: Callable[[Path], None]
) -> Path:
    """Return the directory made by ``build(directory)`` from *ingredients*, building it only once.

    It is built in place, because a virtual environment cannot be moved; the file ``.complete``
    tells a whole entry from one whose build was interrupted.
    """
    entry = f"{name}-{digest(ingredients)}"
    place = root() / kind / entry
    complete = place / ".complete"
    with lock(f"{kind}-{entry}"):
        if not complete.exists():
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
            say(f"making {kind}/{entry}")
            build(place)
            complete.touch()
    return place
