# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""What a timer or cron runs on a target: async_prune by a policy that lies there in a file, told of in one line."""

import json
import os
import sys
from typing import Any, Dict, List, Mapping

from ..model.errors import JobError
from ..system.kernel import System
from .prune import PRUNE_OPTIONS, Policy, answer_prune

# of each kind: a line that is longer than a syslog takes would be cut in the middle
_MOST_NAMED = 20
_TYPES: Dict[str, Any] = {"str": str, "int": int, "bool": bool, "list": list}


def read_policy(text: str) -> Dict[str, Any]:
    """A policy: the options of async_prune, all of them, with ``async_dirs``, a list, in the place of ``async_dir``.

    ValueError or JobError says what is wrong with it.
    """
    policy = json.loads(text)
    if not isinstance(policy, dict):
        raise ValueError("it is no JSON object")
    options: Dict[str, Dict[str, Any]] = dict(PRUNE_OPTIONS, async_dirs={"type": "list"})
    del options["async_dir"]
    for key in sorted(set(options) - set(policy)):
        raise ValueError(f"{key} is missing")
    for key in sorted(set(policy) - set(options)):
        raise ValueError(f"{key} is no option")
    for key, option in options.items():
        value = policy[key]
        if value is None and key != "async_dirs" and "default" not in option:
            continue
        kind = _TYPES[option["type"]]
        # a bool is an int to isinstance
        if not isinstance(value, kind) or isinstance(value, bool) != (kind is bool):
            raise ValueError(f"{key}: {value!r} is no {option['type']}")
        unknown = (
            [one for one in value if one not in option["choices"]] if "choices" in option else []
        )
        if unknown:
            raise ValueError(f"{key}: {unknown[0]!r} is none of {', '.join(option['choices'])}")
    Policy(policy)  # reads the durations
    return policy


def keep_house(
    system: System, policy: Mapping[str, Any], environ: Mapping[str, str]
) -> Dict[str, Any]:
    """Prune all async dirs of the policy; ``msg`` sums it up."""
    removed: List[str] = []
    orphans: List[str] = []
    unreadable: List[str] = []
    failures: List[str] = []
    for async_dir in policy["async_dirs"]:
        params = dict(policy, async_dir=async_dir)
        try:
            answer = answer_prune(system, params, environ, False)
        except JobError as error:
            failures.append(error.message)
            continue
        removed += answer["removed"]
        orphans += answer["orphans"]
        unreadable += [one["msg"] for one in answer["unreadable"]]
        if answer.get("failed"):
            failures.append(answer["msg"])
    result = {
        "msg": "; ".join(
            [f"removed {len(removed)} jobs and {len(orphans)} leftovers"]
            + ([f"{len(unreadable)} could not be read"] if unreadable else [])
            + failures
        ),
        "failed": bool(failures),
        "async_dirs": policy["async_dirs"],
    }
    for key, found in (
        ("removed", removed),
        ("orphans", orphans),
        ("unreadable", unreadable),
    ):
        result[key] = found[:_MOST_NAMED]
    return result


def main() -> None:
    """``[--check] POLICY``, with ``--check`` only to read it. Exit status 1 and a line on stderr tell of what went wrong."""
    path = sys.argv[-1]
    try:
        with open(path, encoding="utf-8") as source:
            policy = read_policy(source.read())
    except (OSError, ValueError, JobError) as error:
        raise SystemExit(f"the policy {path} cannot be used: {error}") from None
    if sys.argv[1] == "--check":
        return
    result = keep_house(System(), policy, os.environ)
    stream = sys.stderr if result["failed"] else sys.stdout
    stream.write(json.dumps(result) + "\n")
    raise SystemExit(int(result["failed"]))
