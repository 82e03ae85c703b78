# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Collections that the scenarios need, taken out of the ``ansible`` wheel.

That wheel comes from PyPI, so the stage needs no Galaxy server.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

from . import cache, environments
from .process import StageError, run

_WHEEL = "ansible==14.5.0"
_COLLECTIONS = ("containers/podman", "ansible/posix")


def provide() -> Path:
    """Return a collections path with the collections in it."""
    return cache.provide("collections", "ansible", [_WHEEL, *_COLLECTIONS], _extract)


def _extract(place: Path) -> None:
    pip = [f"{environments.venv('main')}/bin/python", "-m", "pip", "download", "-qq"]
    # --ignore-requires-python: the wheel is only a box here, nothing of it runs as a distribution
    run([*pip, "--no-deps", "--ignore-requires-python", "--dest", str(place), _WHEEL])
    (wheel,) = place.glob("ansible-*.whl")
    with zipfile.ZipFile(wheel) as box:
        wanted = tuple(f"ansible_collections/{name}/" for name in _COLLECTIONS)
        box.extractall(place, [name for name in box.namelist() if name.startswith(wanted)])
    wheel.unlink()
    for name in _COLLECTIONS:
        if not (place / "ansible_collections" / name / "MANIFEST.json").exists():
            raise StageError(f"{_WHEEL} has no collection {name}")
