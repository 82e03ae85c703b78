# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: print_much
short_description: Run a command that prints much, and tell how long it took
description:
  - Reads what a command prints as every module does, and returns how long that took, but not what was read.
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
  description: How many characters were read.
  returned: success
  type: int
"""

import time

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Run the command, and return how long it took."""
    module = AnsibleModule(argument_spec={"mebibytes": {"type": "int", "required": True}})
    command = (
        "yes 'a line of the length that lines of a log tend to have, or thereabouts' | head -c %d"
    )
    begin = time.monotonic()
    status, text, message = module.run_command(
        command % (module.params["mebibytes"] << 20), use_unsafe_shell=True
    )
    seconds = time.monotonic() - begin
    if status != 0:
        module.fail_json(msg=message)
    module.exit_json(changed=False, seconds=seconds, read=len(text))


if __name__ == "__main__":
    main()
