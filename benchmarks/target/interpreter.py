# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Print the memory (PSS, in bytes) of an interpreter that does nothing. Runs on the target."""

with open("/proc/self/smaps_rollup") as handle:
    for line in handle:
        if line.startswith("Pss:"):
            print(int(line.split()[1]) * 1024)
