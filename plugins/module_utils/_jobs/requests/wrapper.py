# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""The program that Ansible runs in place of core's async_wrapper: read its arguments, start the job, print the answer.

The answer is one JSON object.
"""

import gc
import json
import os
import sys
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Tuple

from ..model.core_formats import parse_invocation
from ..model.errors import JobError
from ..supervisor.launch import Chores
from ..supervisor.payload import read_payload
from ..system.kernel import System
from .start import start_job

if TYPE_CHECKING:
    from ..carrier.boot import CarriedLibrary, KeptLibrary


def removable(path: str) -> bool:
    """Return whether this user can remove a directory. With become it may belong to another user."""
    try:
        return os.stat(path).st_uid == os.geteuid() or os.geteuid() == 0
    except OSError:
        return False


def forget_arguments(path: str) -> None:
    """Remove the file of a payload that the job has read: the module's arguments, which are in it, must not stay."""
    try:
        os.unlink(path)
    except OSError:
        pass  # with become it is another user's: the controller removes the whole directory


def wrap(
    system: System,
    argv: List[str],
    environ: Dict[str, str],
    library: "CarriedLibrary",
    chores: Chores,
) -> Tuple[Dict[str, Any], int]:
    """Start the job. Return the answer for the controller, and the exit status.

    argv: the program's arguments. library: the texts of this library. chores: what is done behind the answer.
    """
    temporary = None
    try:
        try:
            call = parse_invocation(argv)
        except ValueError as error:
            raise JobError(str(error)) from error
        temporary = None if call.preserve_tmp else os.path.dirname(call.path)
        payload = read_payload(call.command, call.path)
        # a directory that this user cannot remove is left to the controller, but only if the job needs no file in it
        ours = temporary is not None and (removable(temporary) or payload.code is None)
        answer = start_job(
            system,
            environ,
            call.prefix,
            call.timeout,
            payload,
            library,
            [temporary] if temporary is not None and ours else [],
            chores,
        )
    except JobError as error:
        ours = temporary is not None and removable(temporary)
        if temporary is not None and ours:
            from shutil import rmtree

            # here, since the controller does not remove it, even after a failed start
            rmtree(temporary, ignore_errors=True)
        answer = dict(error.details, failed=True, msg=str(error))
        return dict(answer, _ansible_suppress_tmpdir_delete=ours), 1
    if temporary is not None and payload.code is not None:
        forget_arguments(call.path)
    return dict(answer, _ansible_suppress_tmpdir_delete=ours), 0


class _KeepLibrary(Chores):
    """Keeps the compiled library in the async dir, for later starts."""

    def __init__(self, library: "CarriedLibrary", keeper: "KeptLibrary") -> None:
        self._library = library
        self._keeper = keeper

    def keep_library(self) -> None:
        self._keeper.write("", self._library)


def main(library: "CarriedLibrary", keeper: "Optional[KeptLibrary]") -> None:
    """Start the job, print the answer, and exit. keeper: the file to keep the library in; None if it is kept."""
    gc.enable()  # wrapper_boot switched it off while the library was loaded
    chores = Chores() if keeper is None else _KeepLibrary(library, keeper)
    answer, status = wrap(System(), sys.argv, dict(os.environ), library, chores)
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
    os._exit(status)
