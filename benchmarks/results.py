# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file of results: the machine that was measured, all figures, and what is calculated from them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .figures import Figures
from .report import growing
from .targets import verdicts


def machine() -> dict[str, Any]:
    """Return the architecture, the cores and the memory of this machine, and nothing that identifies it."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    cores = len(os.sched_getaffinity(0))
    return {"architecture": os.uname().machine, "cores": cores, "memory_gib": round(memory / 2**30)}


def read(path: Path) -> tuple[dict[str, Any], Figures]:
    """Return the description of the machine, and the figures. Both are empty if there is no such file."""
    if not path.exists():
        return {}, Figures()
    content = json.loads(path.read_text())
    return content["about"], Figures.from_json(content["figures"])


def write(path: Path, about: Mapping[str, Any], figures: Figures) -> None:
    """Write the results, one line for each figure, so that a diff is readable."""
    sections = {
        "figures": figures.as_json(),
        "growth": [{**asdict(key), **asdict(line)} for key, line in growing(figures)],
        "targets": [
            {
                "target": it.target.about,
                "measured": round(it.value, 6),
                "limit": it.target.limit,
                "unit": it.target.unit,
                "met": it.met,
            }
            for it in verdicts(figures)
        ],
    }
    lines = [f'"about": {json.dumps(about)}']
    for name, items in sections.items():
        listed = ",\n".join(json.dumps(item) for item in items)
        lines.append(f'"{name}": [\n{listed}\n]')
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
