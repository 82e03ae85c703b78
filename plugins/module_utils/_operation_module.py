# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""Run a request as an ordinary module, for callers that do not go through the collection's actions."""

from typing import Any, Dict, Sequence

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.requests.operations import (
    perform,
    say,
)


def run_as_module(
    operation: str, options: Dict[str, Dict[str, Any]], internal: Sequence[str], **rules: Any
) -> None:
    """Check the options, print the answer, and exit. Raises SystemExit.

    operation: the module's name. internal: options that an action adds. rules: further arguments of AnsibleModule,
    such as ``mutually_exclusive``.
    """
    spec = dict(options, **{name: {"type": "str"} for name in internal})
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True, **rules)
    say(perform(operation, module.params, module.check_mode))
    # newer cores take it for a failure if a module ends without having raised SystemExit
    raise SystemExit(0)
