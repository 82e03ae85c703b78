# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task may give to name jobs: jids, job files, names, and registered results just as they were registered.

Private to the collection longrun.jobs: may change in any release.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.errors import JobError
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.jid import check_jid


def job_references(given: Any, option: str = "jobs") -> list[dict[str, str]]:
    """``{jid}``, ``{results_file}`` or ``{name}`` for each job, in order, each once: by its file, where that was given.

    given: a jid, an absolute path of a job file, a job's name, a registered result (of a loop, too: its ``results``, skipped
    items left out), or a list of these. JobError names what is none of them, and starts that failed.
    """
    found: dict[str, dict[str, str]] = {}
    for reference in _each(given, option):
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


def _each(given: Any, option: str) -> list[dict[str, str]]:
    if isinstance(given, str):
        if given.startswith("/"):
            return [{"results_file": given}]
        return [_jid_or_name(given, option)]
    if isinstance(given, Mapping):
        return _of_result(given, option)
    if isinstance(given, Iterable):  # a filter such as map gives no list
        return [reference for one in given for reference in _each(one, option)]
    raise JobError(
        f"{option}: {given!r} names no job; give a jid, a results_file, a name or a registered result"
    )


def _jid_or_name(given: str, option: str) -> dict[str, str]:
    """A text that is no jid names a job; one that looks like a jid gone wrong names none."""
    try:
        return {"jid": check_jid(given)}
    except JobError:
        # nobody calls a job so
        if not given.strip() or "/" in given or re.fullmatch(r"j?[0-9.]+", given):
            return {"jid": _checked(given, option)}
        return {"name": given}


def _of_result(result: Mapping[str, Any], option: str) -> list[dict[str, str]]:
    if result.get("skipped"):
        return []
    if result.get("results_file"):
        return [{"results_file": str(result["results_file"])}]
    for key in ("ansible_job_id", "id"):
        if result.get(key):
            return [{"jid": _checked(str(result[key]), option)}]
    # only now: the module of a job that has ended may have returned keys of these names
    for key in ("results", "jobs"):
        several = result.get(key)
        if isinstance(several, Sequence) and not isinstance(several, str):
            return [reference for one in several for reference in _each(one, option)]
    if result.get("failed") or result.get("unreachable"):
        raise JobError(
            f"{option}: a job was never started: {result.get('msg', 'its start failed')}"
        )
    raise JobError(
        f"{option}: a result without ansible_job_id names no job; its keys are {', '.join(sorted(map(str, result)))}"
    )


def _checked(jid: str, option: str) -> str:
    try:
        return check_jid(jid)
    except JobError as error:
        raise JobError(f"{option}: {error.message.removeprefix('jid: ')}") from None
