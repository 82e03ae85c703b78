# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Molecule's scenarios, against systemd containers."""

from __future__ import annotations

from .bench import Bench
from .process import run


def molecule(bench: Bench) -> None:
    """Every scenario passes with the installed collection."""
    command = [bench.tool("molecule"), "test", "--all"]
    run(command, cwd=bench.sources, env=bench.machine_environment)
