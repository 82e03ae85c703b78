# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a command, given as JSON, until a text is in what it prints; then kill it without a word."""

from __future__ import annotations

import json
import os
import subprocess
import sys


def main(text: str, command: list[str]) -> int:
    # ansible-playbook leaves it to Python when what it prints into a pipe gets there
    environment = dict(os.environ, PYTHONUNBUFFERED="1")
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as process:
        seen = False
        for line in process.stdout or ():
            sys.stdout.write(line)
            if text in line:
                seen = True
                process.kill()
                break
    return 0 if seen else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], json.loads(sys.argv[2])))
