# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task's module: found, with its arguments, built as core builds it, packed for a request.

Private to the collection longrun.jobs: may change in any release.
"""

from __future__ import annotations

import importlib
import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ansible.errors import AnsibleError
from ansible.executor import module_common
from ansible.parsing.mod_args import ModuleArgsParser
from ansible.playbook.task import Task
from ansible.plugins.action import ActionBase

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.carrier.parcel import pack

__all__ = (
    "BuiltModule",
    "built_module",
    "module_and_arguments",
    "packed_modules",
    "task_keywords",
)


class BuiltModule(NamedTuple):
    """A module as core would send it to the target.

    name: as the playbook calls it, in full. style: new, old, non_native_want_json or binary. shebang: ``#!`` and its
    interpreter, None for a binary. args: the content of the file beside it, None where the module contains its arguments.
    no_log: whether core tells the module to keep its arguments and results secret.
    """

    name: str
    style: str
    shebang: str | None
    data: bytes
    args: str | None
    no_log: bool


def task_keywords() -> frozenset[str]:
    """Return the keywords that a task may have beside its module."""
    return frozenset(Task.fattributes) | {"local_action"}


def module_and_arguments(
    action: ActionBase, written: dict[str, Any]
) -> tuple[str, str, dict[str, Any]]:
    """Return the module of a task as written: its name there, its full name, and its arguments with their defaults.

    AnsibleError: the task has no module, or more than one, or one that cannot be found.
    """
    task = action._task
    parser = ModuleArgsParser(task_ds=written, collection_list=task.collections)
    name, arguments, _unused = parser.parse()
    # resolved_action up to 2.18, _resolved_action from 2.19 on
    resolved = getattr(parser, "resolved_action", None) or getattr(parser, "_resolved_action", None)
    full = str(resolved or name)
    apply_defaults = getattr(module_common, "_apply_action_arg_defaults", None)
    if apply_defaults is not None:  # from 2.19 on
        arguments = apply_defaults(full, task, arguments, action._templar)
    else:
        old: Any = module_common
        parent: Any = task._parent
        arguments = old.get_action_args_with_defaults(
            full,
            arguments,
            task.module_defaults,
            action._templar,
            action_groups=parent._play._action_groups,
        )
    return str(name), full, dict(arguments)


def built_module(
    action: ActionBase,
    name: str,
    arguments: dict[str, Any],
    task_vars: dict[str, Any],
    full: str,
) -> BuiltModule:
    """Build a module as core's ``_execute_module`` does before it sends it. AnsibleError: it is for PowerShell.

    name: as core looks it up. full: the module's name in the result. As in core, the arguments are added to.
    """
    action._update_module_args(name, arguments, task_vars)
    # the task's own no_log or, without logging on the target (no_target_syslog), always
    no_log = bool(arguments.get("_ansible_no_log", action._task.no_log))
    encoder = None
    answer: Any = action._configure_module(
        module_name=name, module_args=arguments, task_vars=task_vars
    )
    if len(answer) == 2:  # from 2.19 on
        bits, path = answer
        style, shebang, data = bits.module_style, bits.shebang, bits.b_module_data
        encoders: Any = importlib.import_module("ansible.module_utils.common.json")
        if bits.serialization_profile:
            encoder = encoders.get_module_encoder(
                bits.serialization_profile, encoders.Direction.CONTROLLER_TO_MODULE
            )
    else:
        style, shebang, data, path = answer
    if str(path).endswith(".ps1") or (shebang and "powershell" in str(shebang).lower()):
        raise AnsibleError(f"{full} is a PowerShell module, and cannot be a job on this target")
    if style != "new" and not data:
        data = Path(path).read_bytes()
    args = None
    if style == "old":
        args = "".join(f"{key}={shlex.quote(str(value))} " for key, value in arguments.items())
    elif style != "new":
        args = json.dumps(arguments, cls=encoder)
    text = data if isinstance(data, bytes) else str(data).encode("utf-8", "surrogateescape")
    return BuiltModule(full, str(style), None if not shebang else str(shebang), text, args, no_log)


def packed_modules(modules: Sequence[BuiltModule]) -> dict[str, Any]:
    """Return the parameters that bring modules along with a request: ``payloads``, and ``_texts`` that they refer to.

    What the modules have in common is contained once.
    """
    parcels, texts = pack([one.data for one in modules], [one.name for one in modules])
    for parcel, module in zip(parcels, modules, strict=True):
        parcel.update(
            style=module.style, shebang=module.shebang, module=module.name, args=module.args
        )
    return {"payloads": parcels, "_texts": texts}
