# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every use of what ansible-core does not document, in one place. Read in 2.16, 2.17, 2.18, 2.19, 2.20 and 2.21.

Private to the collection longrun.jobs: may change in any release.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.plugins import action as core_actions
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

__all__ = ("async_dir_option", "core_action", "is_windows", "show_lines", "shows_text")


def core_action(action: ActionBase, name: str) -> ActionBase:
    """core's own action of this name, for the same task as ours, which stands in its place.

    Loaded by its path: under its module name Python knows the action that replaced it.
    """
    path = Path(core_actions.__file__).parent / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"_longrun_core_{name}", path)
    if spec is None or spec.loader is None:
        raise AnsibleError(f"this ansible-core has no action {name} at {path}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    replaced: ActionBase = module.ActionModule(
        task=action._task,
        connection=action._connection,
        play_context=action._play_context,
        loader=action._loader,
        templar=action._templar,
        shared_loader_obj=action._shared_loader_obj,
    )
    return replaced


def is_windows(action: ActionBase) -> bool:
    """Whether the target's shell is PowerShell. ``_IS_WINDOWS`` is set by the shell plugin, in all of these cores."""
    return bool(getattr(action._connection._shell, "_IS_WINDOWS", False))


def async_dir_option(action: ActionBase) -> str:
    """``async_dir`` of the shell plugin, its ``~`` not expanded: the target does that, without an exec of its own."""
    return str(action.get_shell_option("async_dir", default="~/.ansible_async"))


def shows_text() -> bool:
    """Whether the stdout callback writes for people. One that writes JSON must be the only one that writes."""
    return "json" not in str(C.DEFAULT_STDOUT_CALLBACK)  # type: ignore[attr-defined]  # made at run time


def show_lines(lines: list[str]) -> None:
    """Print lines at once, also from a worker process: Display hands them to the main process in all of these cores."""
    display: Any = Display()
    for line in lines:
        display.display(line)
