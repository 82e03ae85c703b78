# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""What Ansible runs in the place of core's async_wrapper: arguments in, one JSON object out, the job started."""

import gc
import json
import os
import sys
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ..model.errors import JobError
from ..model.jid import make_jid
from ..model.record import new_record
from ..model.settings import SettingError, read_settings
from ..supervisor.accepted import Accepted
from ..supervisor.launch import launch
from ..supervisor.payload import Payload, read_payload
from ..supervisor.plan import plan_of_one
from ..supervisor.tap import TAP_PARTS
from ..system.kernel import System
from ..system.store import create_async_dir, expand_home


class Invocation(NamedTuple):
    given: str  # the controller's part of the jid
    timeout: float
    preserve_tmp: bool
    path: str  # of the module
    command: List[str]


def parse_invocation(argv: List[str]) -> Invocation:
    """Both of core's conventions. JobError names what is missing.

    from 2.21: jid limit preserve_tmp module command...; before: jid limit module args-file-or-_ [-preserve_tmp]
    """
    if len(argv) < 5:
        raise JobError(
            "usage: async_wrapper <jid> <time limit> <preserve_tmp> <module> <command...>; run by Ansible"
        )
    given, limit = argv[1:3]
    try:
        timeout = float(limit)
    except ValueError:
        timeout = -1.0
    if not 0 <= timeout < 1e10:
        raise JobError(f"time limit: {limit!r} is no number of seconds")
    if argv[3].lower() in ("true", "false") and len(argv) > 5:
        return Invocation(given, timeout, argv[3].lower() == "true", argv[4], argv[5:])
    path, args = argv[3], argv[4]
    temporary = "-tmp-" in os.path.dirname(path)
    preserve = not temporary or argv[5:6] == ["-preserve_tmp"]
    return Invocation(given, timeout, preserve, path, [path] if args == "_" else [path, args])


def removable(path: str) -> bool:
    """Whether this user can remove a directory; another user's (become) only its owner can."""
    try:
        return os.stat(path).st_uid == os.geteuid() or os.geteuid() == 0
    except OSError:
        return False


def forget_arguments(path: str) -> None:
    """A payload holds the module's arguments: once the job has read it, it does not stay on disk."""
    try:
        os.unlink(path)
    except OSError:
        pass  # another user's (become): the controller removes the whole directory


def start_job(
    system: Any,
    environ: Mapping[str, str],
    given: str,
    timeout: float,
    payload: Payload,
    tap_text: Callable[[], str],
    remove: Sequence[str] = (),
    afterwards: Optional[Callable[[], None]] = None,
) -> Dict[str, Any]:
    """The answer for the controller: the job runs. JobError: there is none.

    given: the controller's part of the jid. remove: directories that go when the job ends. afterwards: see ``launch``.
    """
    try:
        settings = read_settings(environ)
    except SettingError as error:
        raise JobError(str(error)) from error
    jid = make_jid(given, system.getpid())
    async_dir = environ.get("ANSIBLE_ASYNC_DIR") or "~/.ansible_async"
    home = environ.get("HOME") or ""
    results_file = os.path.join(expand_home(async_dir, home), jid)
    record = new_record(jid, payload.module, timeout, settings, results_file, payload.no_log)
    record["remove"] = list(remove)
    directory = create_async_dir(system, async_dir, home)
    try:
        job = Accepted(system, directory, record, plan_of_one(payload), tap_text)
        refusals = launch(system, directory, [job], afterwards=afterwards)
    finally:
        directory.close()
    if refusals:
        raise refusals[jid]
    return {
        "failed": False,
        "started": True,
        "finished": False,
        "ansible_job_id": jid,
        "results_file": record["results_file"],
    }


def wrap(
    system: Any,
    argv: List[str],
    environ: Dict[str, str],
    library: Any,
    afterwards: Optional[Callable[[], None]] = None,
) -> Tuple[Dict[str, Any], int]:
    """Start the job; the answer for the controller and the exit status. library: see boot.py. afterwards: see ``launch``."""
    temporary = None
    try:
        call = parse_invocation(argv)
        temporary = None if call.preserve_tmp else os.path.dirname(call.path)
        payload = read_payload(call.command, call.path)
        # a directory that we cannot remove is left to the controller, once nothing in it is needed any more
        ours = temporary is not None and (removable(temporary) or payload.code is None)
        answer = start_job(
            system,
            environ,
            call.given,
            call.timeout,
            payload,
            lambda: library.text_of(TAP_PARTS),
            [temporary] if temporary is not None and ours else [],
            afterwards,
        )
    except JobError as error:
        ours = temporary is not None and removable(temporary)
        if temporary is not None and ours:
            from shutil import rmtree

            # the controller forgets it, also when the start failed
            rmtree(temporary, ignore_errors=True)
        answer = dict(error.details, failed=True, msg=str(error))
        return dict(answer, _ansible_suppress_tmpdir_delete=ours), 1
    if temporary is not None and payload.code is not None:
        forget_arguments(call.path)
    return dict(answer, _ansible_suppress_tmpdir_delete=ours), 0


def main(library: Any, afterwards: Optional[Callable[[], None]]) -> None:
    gc.enable()  # see boot.py
    answer, status = wrap(System(), sys.argv, dict(os.environ), library, afterwards)
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
    os._exit(status)
