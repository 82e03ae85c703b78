# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads what a task may give to name jobs: jids, job files, names, and registered results as they were registered.

Private to the collection longrun.jobs: may change in any release.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.errors import JobError
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.jid import check_jid


def job_references(value: Any, option: str = "jobs") -> list[dict[str, str]]:
    """Return a reference for each job, ``{jid}``, ``{results_file}`` or ``{name}``, in order and without duplicates.

    A job that is named by its jid and by its job file gets the latter. value: a jid, the absolute path of a job file, a
    job's name, a registered result (that of a loop, too: its ``results`` without skipped items), or a list of these.
    Raises JobError, which names *option*, if a value is none of them or is the result of a start that failed.
    """
    found: dict[str, dict[str, str]] = {}
    for reference in _each(value, option):
        path = reference.get("results_file")
        jid = (
            os.path.basename(path) if path else reference.get("jid") or f"name {reference['name']}"
        )
        known = found.setdefault(jid, reference)
        if path and path != known.get("results_file"):
            if "results_file" in known:
                found[path] = reference  # the same name in another async dir
            else:
                found[jid] = reference
    return list(found.values())


def _each(value: Any, option: str) -> list[dict[str, str]]:
    if isinstance(value, str):
        if value.startswith("/"):
            return [{"results_file": value}]
        return [_jid_or_name(value, option)]
    if isinstance(value, Mapping):
        return _of_result(value, option)
    if isinstance(value, Iterable):  # filters such as map return generators
        return [reference for element in value for reference in _each(element, option)]
    raise JobError(
        f"{option}: {value!r} does not name a job; give a jid, a results_file, a name or a registered result"
    )


def _jid_or_name(value: str, option: str) -> dict[str, str]:
    """Return ``{jid}`` or ``{name}``. Raises JobError for a relative path, a blank, or a text like a mistyped jid."""
    try:
        return {"jid": check_jid(value)}
    except JobError:
        # not a plausible name for a job, so the caller gets the error about the jid
        if not value.strip() or "/" in value or re.fullmatch(r"j?[0-9.]+", value):
            return {"jid": _checked(value, option)}
        return {"name": value}


def _of_result(result: Mapping[str, Any], option: str) -> list[dict[str, str]]:
    """Return the references in a registered result, none if the task was skipped."""
    if result.get("skipped"):
        return []
    if result.get("results_file"):
        return [{"results_file": str(result["results_file"])}]
    for key in ("ansible_job_id", "id"):
        if result.get(key):
            return [{"jid": _checked(str(result[key]), option)}]
    # After the keys above, because the module of a job that has ended may have returned keys of these names.
    for key in ("results", "jobs"):
        elements = result.get(key)
        if isinstance(elements, Sequence) and not isinstance(elements, str):
            return [reference for element in elements for reference in _each(element, option)]
    if result.get("failed") or result.get("unreachable"):
        raise JobError(
            f"{option}: a job was never started: {result.get('msg', 'its start failed')}"
        )
    raise JobError(
        f"{option}: a result without ansible_job_id does not name a job; "
        f"its keys are {', '.join(sorted(map(str, result)))}"
    )


def _checked(jid: str, option: str) -> str:
    """Return the jid. Raises JobError, which names the option, if it is not a jid."""
    try:
        return check_jid(jid)
    except JobError as error:
        raise JobError(f"{option}: {error.message.removeprefix('jid: ')}") from None
