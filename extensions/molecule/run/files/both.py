# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a command, given as JSON, twice at the same time."""

from __future__ import annotations

import json
import subprocess
import sys


def main(command: list[str]) -> int:
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _unused in range(2)
    ]
    for process in both:
        sys.stdout.write(process.communicate()[0])
    return max(process.returncode for process in both)


if __name__ == "__main__":
    raise SystemExit(main(json.loads(sys.argv[1])))
