# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text from a target, made harmless for a terminal, whatever the target has cleaned itself. No I/O.

Private to the collection longrun.jobs: may change in any release.
"""

from __future__ import annotations

import re

# Controls of terminals (C0 but the tab, DEL, C1), of the direction of text (Unicode's Bidi_Control), line and paragraph
# separators, and lone surrogates, which cannot be written.
_STEERING = re.compile(
    r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def neutral(text: str) -> str:
    """Return a text as one line in which each character that steers a terminal is written out, such as ``\\x1b``."""
    return _STEERING.sub(_written_out, text)


def _written_out(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
