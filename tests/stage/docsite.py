# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The docsite, rendered without a network: what Ansible's own documentation would be linked to is not there."""

from __future__ import annotations

import re
import shutil

from .bench import Bench
from .process import StageError, run, show, transcript

_SETTINGS = (
    "extensions=sphinx_antsibull_ext",
    "default_role=any",
    "html_theme=basic",
    "nitpicky=1",
)
# a label or a variable of ansible-core: that these exist, the check of the documentation knows
_ELSEWHERE = re.compile(
    r"WARNING: (undefined label: '(?!ansible_collections\.longrun\.)|'envvar' reference target not found: ANSIBLE_)"
)


def docsite(bench: Bench) -> None:
    """Guides and plugins become pages, and every link among them leads somewhere."""
    place = bench.workspace.directory / "docsite"
    shutil.rmtree(place, ignore_errors=True)
    sources = place / "rst"
    sources.mkdir(parents=True, mode=0o755)
    pages = ["collection", "--use-current", "--squash-hierarchy", "--fail-on-error"]
    command = [bench.tool("antsibull-docs"), *pages, f"--dest-dir={sources}", "longrun.jobs"]
    run(command, cwd=place, env=bench.environment)
    settings = [f"--define={setting}" for setting in _SETTINGS]
    build = [bench.tool("sphinx-build"), "-q", "-b", "html", "--isolated", *settings]
    status, text = transcript(
        [*build, str(sources), str(place / "html")], cwd=place, env=bench.environment
    )
    wrong = [line for line in text.splitlines()[1:] if line.strip() and not _ELSEWHERE.search(line)]
    if status != 0 or wrong:
        show("\n".join(wrong) or text)
        raise StageError("the docsite does not render")
