# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task's connection and its shell plugin.

Private to the collection longrun.jobs: may change in any release.
"""

from __future__ import annotations

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

__all__ = ("async_dir_option", "is_windows", "remote_tmp_options", "reset_connection")


def is_windows(action: ActionBase) -> bool:
    """Return whether the target's shell is PowerShell: its shell plugin sets ``_IS_WINDOWS``."""
    return bool(getattr(action._connection._shell, "_IS_WINDOWS", False))


def async_dir_option(action: ActionBase) -> str:
    """Return ``async_dir`` of the shell plugin with its ``~``, which the target expands in the same exec as the request."""
    return str(action.get_shell_option("async_dir", default="~/.ansible_async"))


def remote_tmp_options(action: ActionBase) -> str:
    """Return ``remote_tmp`` and ``system_tmpdirs`` of the shell plugin, not expanded, joined by colons."""
    system_dirs = action.get_shell_option("system_tmpdirs", default=["/var/tmp", "/tmp"])
    first = action.get_shell_option("remote_tmp", default="~/.ansible/tmp")
    return ":".join([str(first), *map(str, system_dirs)])


def reset_connection(action: ActionBase) -> None:
    """Close the connection, so that the next request makes a new one.

    core's own poller does the same when a host cannot be reached (``TaskExecutor._poll_async_result``). Does nothing
    where the connection plugin cannot be reset.
    """
    reset = getattr(action._connection, "reset", None)
    if reset is None:
        return
    try:
        reset()
    except AnsibleError:
        pass  # there is no connection to reset, or it cannot be reset: the next request shows whether it works
