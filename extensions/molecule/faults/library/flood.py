# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module that prints more than anybody can keep, and keeps nothing of it itself."""

import subprocess

from ansible.module_utils.basic import AnsibleModule


def drain(command):
    """Read what a command prints, as a module that looks at its output line by line does."""
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        while process.stdout.read1(65536):
            pass


def main():
    module = AnsibleModule(
        {"megabytes": {"type": "int"}, "then": {"type": "list", "elements": "str"}}
    )
    drain(["echo", "the beginning of the flood"])
    drain(
        [
            "sh",
            "-c",
            f"yes 'as much water as anybody can take' | head -c {module.params['megabytes']}MB",
        ]
    )
    drain(["echo"])
    drain(module.params["then"])
    module.exit_json(changed=True)


if __name__ == "__main__":
    main()
