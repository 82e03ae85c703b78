# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""The start of a drop-in's job as a request: what async_wrapper does, without a file to run."""

from typing import Any, Dict, Mapping

from ..carrier.parcel import unpack
from ..supervisor.payload import payload_from_memory
from ..supervisor.tap import TAP_PARTS
from .wrapper import start_job

# payloads: one parcel of a text that comes with the request, as for async_run. given: the controller's part of the jid.
# no_log: whether the task's output must not be kept; the controller knows, and nothing here reads it out of the module
WRAPPER_OPTIONS = {
    "payloads": {"type": "list", "elements": "dict", "required": True},
    "given": {"type": "str", "required": True},
    "timeout": {"type": "float", "required": True},
    "no_log": {"type": "bool", "required": True},
}  # type: Dict[str, Dict[str, Any]]


def answer_wrapper(
    system: Any, params: Mapping[str, Any], environ: Mapping[str, str], _check_mode: bool
) -> Dict[str, Any]:
    """As async_wrapper itself; the async dir and the settings are in the environment of the task."""
    (parcel,) = params["payloads"]
    (text,) = unpack(params["payloads"], params["_texts"])
    args = parcel["args"]
    payload = payload_from_memory(
        parcel["style"],
        parcel["shebang"],
        text,
        None if args is None else args.encode("utf-8", "surrogateescape"),
        None,
        params["no_log"],
    )
    # what tells its name itself says it in full
    payload.module = payload.module or parcel["module"]
    library = params["_library"]
    return start_job(
        system,
        environ,
        params["given"],
        params["timeout"],
        payload,
        lambda: library.text_of(TAP_PARTS),
    )
