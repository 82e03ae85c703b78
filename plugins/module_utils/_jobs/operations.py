# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""What a target can be asked to do, whichever way the request came: as a module, or with this library."""

import json
import os
import sys
from typing import Any, Callable, Dict, Mapping

from .cancel import answer_cancel
from .errors import JobError
from .listing import answer_info
from .prune import answer_prune
from .request import answer_status, status_refusal
from .system import System
from .waiting import answer_wait

Operation = Callable[[Any, Mapping[str, Any], Mapping[str, str], bool], Dict[str, Any]]
Refusal = Callable[[JobError, Mapping[str, Any]], Dict[str, Any]]



def plain_refusal(_error: JobError, _params: Mapping[str, Any]) -> Dict[str, Any]:
    return {}


# name of the module -> what answers it, what it says when it must refuse
OPERATIONS = {
    "async_status": (answer_status, status_refusal),
    "async_info": (answer_info, plain_refusal),
    "async_cancel": (answer_cancel, plain_refusal),
    "async_prune": (answer_prune, plain_refusal),
    "async_wait": (answer_wait, plain_refusal),
}  # type: Dict[str, Any]


def perform(operation: str, params: Mapping[str, Any], check_mode: bool) -> Dict[str, Any]:
    """The answer to one request; a refusal is an answer, too."""
    answer, refusal = OPERATIONS[operation]
    try:
        return answer(System(), params, os.environ, check_mode)  # type: ignore[no-any-return]  # by the table
    except JobError as error:
        return dict(refusal(error, params), failed=True, msg=error.message, **error.details)


def say(answer: Dict[str, Any]) -> None:
    """Print an answer as it is: exit_json would take a module's own result apart and put it together differently."""
    sys.stdout.write(f"\n{json.dumps(answer)}\n")
    sys.stdout.flush()


def carry_out(request: Mapping[str, Any]) -> None:
    say(perform(request["operation"], request["params"], request["check_mode"]))
