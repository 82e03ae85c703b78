# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: print_much
short_description: Run a command that prints much, and return how long it took
description:
  - Reads what a command prints, and returns how long that took, but not what was read.
  - Reads with C(communicate) of C(subprocess). The time of core's C(run_command) grows with the square of the output.
    With this much output it would be minutes for every contender.
options:
  mebibytes:
    description: How much the command prints.
    type: int
    required: true
"""

EXAMPLES = r"""
- name: Print a mebibyte
  print_much:
    mebibytes: 1
"""

RETURN = r"""
seconds:
  description: How long the command took.
  returned: success
  type: float
read:
  description: How many bytes were read.
  returned: success
  type: int
"""

import subprocess
import time

from ansible.module_utils.basic import AnsibleModule

_LINE = "a line of the length that lines of a log tend to have, or thereabouts"


def main() -> None:
    """Run the command, and return how long it took."""
    module = AnsibleModule(argument_spec={"mebibytes": {"type": "int", "required": True}})
    command = f"yes '{_LINE}' | head -c {module.params['mebibytes'] << 20}"
    begin = time.monotonic()
    with subprocess.Popen(["/bin/sh", "-c", command], stdout=subprocess.PIPE) as program:
        text = program.communicate()[0]
    module.exit_json(changed=False, seconds=time.monotonic() - begin, read=len(text))


if __name__ == "__main__":
    main()
