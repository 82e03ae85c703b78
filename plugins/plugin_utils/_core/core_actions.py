# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""core's own action plugins, also those that ours stand in front of.

Private to the collection longrun.jobs: may change in any release.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

from ansible.errors import AnsibleError
from ansible.plugins import action as core_actions
from ansible.plugins.action import ActionBase

__all__ = ("core_action", "core_action_class")


def core_action_class(name: str) -> type[ActionBase]:
    """Return the class of core's own action of this name. AnsibleError: this ansible-core has none.

    Loads it from its file: its module name may lead to the plugin that replaces it.
    """
    path = Path(core_actions.__file__).parent / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"_longrun_core_{name}", path)
    if spec is None or spec.loader is None:
        raise AnsibleError(f"this ansible-core has no action {name} at {path}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: type[ActionBase] = module.ActionModule
    return found


def core_action(action: ActionBase, name: str) -> ActionBase:
    """Return core's own action of this name, made for the same task as the action that stands in its place."""
    replaced: ActionBase = core_action_class(name)(
        task=action._task,
        connection=action._connection,
        play_context=action._play_context,
        loader=action._loader,
        templar=action._templar,
        shared_loader_obj=action._shared_loader_obj,
    )
    return replaced
