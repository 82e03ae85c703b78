# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sessions of nox, as contributors to other collections know them."""

from __future__ import annotations

import sys
from pathlib import Path

from . import cache
from .bench import Bench
from .lint import with_git
from .process import run

# build-import-check is left to galaxy-importer, which takes warnings for failures.
_SESSIONS = ("lint", "docs-check", "license-check", "extra-checks")
_RECIPE = ("antsibull-nox.toml", "tests/stage/requirements/main.txt")


def nox(bench: Bench) -> None:
    """Licences, action groups and files are in order, and the sessions that contributors run pass."""
    with_git(bench)
    # in CI black checks; elsewhere it would rewrite
    env = {**bench.environment, "CI": "true"}
    command = [bench.tool("nox"), "--session", *_SESSIONS]

    def install(place: Path) -> None:
        run([*command, f"--envdir={place}", "--install-only"], cwd=bench.sources, env=env)

    recipe = [(bench.sources / name).read_text() for name in _RECIPE]
    place = cache.provide("nox", "sessions", [*recipe, sys.version, str(bench.venv)], install)
    with cache.lock("nox"):  # each session has a directory beside its environment
        run([*command, f"--envdir={place}", "-R"], cwd=bench.sources, env=env)
