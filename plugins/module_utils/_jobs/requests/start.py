# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""Start a job of one module, for a request of the drop-in's actions and for async_wrapper."""

import os
from typing import TYPE_CHECKING, Any, Dict, Mapping, Optional, Sequence

from ..model.errors import JobError
from ..model.jid import make_jid
from ..model.record import new_record
from ..model.settings import SettingError, read_settings
from ..supervisor.accepted import Accepted
from ..supervisor.launch import Chores, Launch
from ..supervisor.payload import Payload, payload_from_memory
from ..supervisor.plan import plan_of_one
from ..system.kernel import System
from ..system.store import DEFAULT_ASYNC_DIR, create_async_dir, expand_home

if TYPE_CHECKING:
    from ..carrier.boot import CarriedLibrary

# payloads: one parcel of a text that comes with the request, as for async_run. prefix: the controller's part of the jid.
# timeout: seconds. no_log: of the task, as the controller knows it; it is not read out of the module
WRAPPER_OPTIONS: Dict[str, Dict[str, Any]] = {
    "payloads": {"type": "list", "elements": "dict", "required": True},
    "prefix": {"type": "str", "required": True},
    "timeout": {"type": "float", "required": True},
    "no_log": {"type": "bool", "required": True},
}


def start_job(
    system: System,
    environ: Mapping[str, str],
    prefix: str,
    timeout: float,
    payload: Payload,
    library: "CarriedLibrary",
    remove: Sequence[str] = (),
    chores: Optional[Chores] = None,
) -> Dict[str, Any]:
    """Start a job of one module. Return what core expects of async_wrapper. Raise JobError if there is no job.

    environ: of the task; it has the async dir and the settings. prefix: the controller's part of the jid. timeout:
    seconds. remove: directories that are removed when the job ends. chores: what is done behind the answer.
    """
    try:
        settings = read_settings(environ)
    except SettingError as error:
        raise JobError(str(error)) from error
    jid = make_jid(prefix, system.getpid())
    async_dir = environ.get("ANSIBLE_ASYNC_DIR") or DEFAULT_ASYNC_DIR
    home = environ.get("HOME") or ""
    results_file = os.path.join(expand_home(async_dir, home), jid)
    record = new_record(jid, payload.module, timeout, settings, results_file, payload.no_log)
    record["remove"] = list(remove)
    with create_async_dir(system, async_dir, home) as directory:
        job = Accepted(system, directory, record, plan_of_one(payload), library)
        refusals = Launch(system, directory, [job], chores or Chores()).run()
    if refusals:
        raise refusals[jid]
    return {
        "failed": False,
        "started": True,
        "finished": False,
        "ansible_job_id": jid,
        "results_file": record["results_file"],
    }


def answer_wrapper(
    system: System, params: Mapping[str, Any], environ: Mapping[str, str], _check_mode: bool
) -> Dict[str, Any]:
    """Start a module that came with the request. Return what core expects of async_wrapper.

    environ: of the task; it has the async dir and the settings. Raise JobError if there is no job.
    """
    from ..carrier.parcel import unpack  # late: async_wrapper does not need it

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
    # an AnsiballZ has the full name of its module; the request may have a short one
    payload.module = payload.module or parcel["module"]
    environment = (system, environ, params["prefix"], params["timeout"])
    return start_job(*environment, payload, params["_library"])
