# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""What is a request to the target and nothing else, as an ordinary module: for callers that do not pass our actions."""

from typing import Any, Dict, Sequence

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.requests.operations import (
    perform,
    say,
)


def run_as_module(
    operation: str, options: Dict[str, Dict[str, Any]], internal: Sequence[str], **rules: Any
) -> None:
    """Check the options, answer, end.

    internal: options that an action adds. rules: as AnsibleModule takes them, such as ``mutually_exclusive``.
    """
    spec = dict(options, **{name: {"type": "str"} for name in internal})
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True, **rules)
    say(perform(operation, module.params, module.check_mode))
    # before the interpreter ends by itself, which newer cores take for a module's failure
    raise SystemExit(0)
