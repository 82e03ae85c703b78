# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sessions for contributors who know them from other collections: ``nox --list``.

What they check is in antsibull-nox.toml; the session ``stage`` runs the project's own checks by their names.
"""

# /// script
# dependencies = ["nox>=2026.10.20", "antsibull-nox>=1.10.0"]
# ///

from __future__ import annotations

import sys

import nox

try:
    import antsibull_nox
except ImportError:
    print("You need to install antsibull-nox in the same Python environment as nox.")
    sys.exit(1)

antsibull_nox.load_antsibull_nox_toml()


@nox.session(default=False, venv_backend="none")
def stage(session: nox.Session) -> None:
    """Run checks of tests/stage, all or those that are named behind ``--``."""
    command = [sys.executable, "-m", "stage", "test", *session.posargs]
    session.run(*command, env={"PYTHONPATH": "tests"}, external=True)


if __name__ == "__main__":
    nox.main()
