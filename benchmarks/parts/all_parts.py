# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All parts, in the order in which they are measured."""

from __future__ import annotations

from . import detection, floor, footprint, many, output, start, status, whole

ALL = {
    it.PART.name: it.PART
    for it in (floor, start, status, detection, whole, footprint, many, output)
}
