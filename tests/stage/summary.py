# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tables of what ran, and the end of a run."""

from __future__ import annotations

import re
from collections.abc import Sequence

_CONTROL = re.compile(r"\x1b\[[0-9;]*m")
# as pytest, Ansible and compilers begin what went wrong; Ansible prints what an assertion found below it
_TELLING = re.compile(
    r"^(E   |FAILED (?!- RETRYING)|ERROR )|fatal: \[|failed: \[|\bERROR\b|\berror: "
    r"|^ +\"(assertion|msg)\": (?!\"All assertions passed\")"
)
_MOST = 12
_WIDEST = 400


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return *rows* below *headings*, in columns as wide as they need to be."""
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    lines = (headings, ["-" * width for width in widths], *rows)
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def reasons(lines: Sequence[str]) -> list[str]:
    """Return the last of *lines* that tell why a check failed; where none does, the last of all.

    They end a run's output, because that is what a log of it is sure to show.
    """
    plain = [_CONTROL.sub("", line).rstrip() for line in lines]
    telling = [line for line in plain if _TELLING.search(line)]
    return [line[:_WIDEST] for line in (telling or [line for line in plain if line])[-_MOST:]]
