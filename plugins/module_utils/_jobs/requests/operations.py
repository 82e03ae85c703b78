# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""The operations that a target can be asked for, and how a request is answered.

A request comes either as an Ansible module, or together with this library over the carrier.
"""

import gc
import json
import os
import sys
from typing import Any, Dict, Mapping, NamedTuple, Sequence

from ..model.errors import JobError
from ..system.kernel import System


class Operation(NamedTuple):
    """How the request of one module is answered on the target."""

    answer: Any  # (system, params, environ, check_mode) -> result; raises JobError
    options: Dict[str, Dict[str, Any]]  # the argument spec, which has the defaults
    refusal: Any  # (error, params) -> keys of a failed result besides failed and msg


def _nothing_more(_error: JobError, _params: Mapping[str, Any]) -> Dict[str, Any]:
    """Return no further keys for a failed result."""
    return {}


def operation_of(module: str) -> Operation:
    """Return the operation of a module, by its name without a collection. Raise ValueError if there is none.

    Each operation is imported only when it is asked for: a carried library is compiled on the target.
    """
    if module == "async_status":
        from .status import STATUS_OPTIONS, answer_status, status_refusal

        return Operation(answer_status, STATUS_OPTIONS, status_refusal)
    if module == "async_info":
        from .info import INFO_OPTIONS, answer_info

        return Operation(answer_info, INFO_OPTIONS, _nothing_more)
    if module == "async_cancel":
        from .cancel import CANCEL_OPTIONS, answer_cancel

        return Operation(answer_cancel, CANCEL_OPTIONS, _nothing_more)
    if module == "async_prune":
        from .prune import PRUNE_OPTIONS, answer_prune

        return Operation(answer_prune, PRUNE_OPTIONS, _nothing_more)
    if module == "async_wait":
        from .wait import WAIT_OPTIONS, answer_wait

        return Operation(answer_wait, WAIT_OPTIONS, _nothing_more)
    if module == "async_run":
        from .run import RUN_OPTIONS, answer_run

        return Operation(answer_run, RUN_OPTIONS, _nothing_more)
    if module == "async_wrapper":
        from .start import WRAPPER_OPTIONS, answer_wrapper

        return Operation(answer_wrapper, WRAPPER_OPTIONS, _nothing_more)
    raise ValueError(f"there is no operation {module}")


def perform(module: str, params: Mapping[str, Any], check_mode: bool) -> Dict[str, Any]:
    """Return the result of one request. A JobError becomes a failed result.

    params: the options that were given; defaults are added.
    """
    operation = operation_of(module)
    gc.enable()  # carrier/boot.py switched it off while the library was loaded
    whole = {name: option.get("default") for name, option in operation.options.items()}
    whole.update(params)
    try:
        return operation.answer(System(), whole, os.environ, check_mode)  # type: ignore[no-any-return]  # a dict
    except JobError as error:
        refusal = operation.refusal(error, whole)
        return dict(refusal, failed=True, msg=error.message, **error.details)


def say(answer: Dict[str, Any]) -> None:
    """Print an answer as one line of JSON. AnsibleModule.exit_json would alter the result of a job's module in it."""
    sys.stdout.write(f"\n{json.dumps(answer)}\n")
    sys.stdout.flush()


def answer_to(request: Mapping[str, Any], texts: Sequence[str], library: Any) -> Dict[str, Any]:
    """Return the answer to a request that came over the carrier.

    texts: those that the request refers to by number. library: the CarriedLibrary, which jobs need parts of.
    """
    params = dict(request["params"], _texts=texts, _library=library)
    return perform(request["operation"], params, request["check_mode"])
