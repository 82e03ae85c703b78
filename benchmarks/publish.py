# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make a plot for the README and a chapter for the documentation from the results.

``python3 -m benchmarks.publish`` makes both again from the existing results.
"""

from __future__ import annotations

from pathlib import Path

from . import chapter, plot, results

_ROOT = Path(__file__).parent.parent
RESULTS = _ROOT / "benchmarks" / "results" / "latest.json"
_PLOT = Path("docs", "images", "benchmarks.svg")
_CHAPTER = Path("docs", "docsite", "rst", "guide_performance.rst")


def publish(source: Path = RESULTS, root: Path = _ROOT) -> None:
    """Write both below *root* from the results in *source*."""
    about, figures = results.read(source)
    for place, text in (
        (root / _PLOT, plot.draw(figures)),
        (root / _CHAPTER, chapter.write(about, figures)),
    ):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)


if __name__ == "__main__":
    publish()
