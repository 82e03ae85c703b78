# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""Answer async_info: list the jobs of an async dir, filtered and sorted."""

from typing import Any, Dict, List, Mapping

from ..inspection.listing import (
    ALL_STATES,
    FILTER_OPTIONS,
    Filter,
    Listed,
    Listing,
    open_written_dir,
)
from ..inspection.view import Excerpt
from ..model.errors import JobError
from ..system.kernel import System

SORT_KEYS = ("created", "elapsed", "name", "state")
MAX_LISTED_LINES = 10000
INFO_OPTIONS: Dict[str, Dict[str, Any]] = dict(
    FILTER_OPTIONS,
    async_dir={"type": "str"},
    sort={"type": "str", "choices": list(SORT_KEYS), "default": "created"},
    tail_lines={"type": "int", "default": 3},
)


def answer_info(
    system: System, params: Mapping[str, Any], environ: Mapping[str, str], _check_mode: bool
) -> Dict[str, Any]:
    """Return the views of the jobs in an async dir; none if the async dir does not exist.

    Raise JobError if an option is not valid.
    """
    wanted = Filter(params)
    if not 0 <= params["tail_lines"] <= MAX_LISTED_LINES:
        raise JobError(
            f"tail_lines: {params['tail_lines']} is out of range; give 0 to {MAX_LISTED_LINES}"
        )
    path, async_dir = open_written_dir(system, params, environ)
    jobs: List[Listed] = []
    unreadable: List[Dict[str, Any]] = []
    if async_dir is not None:
        with async_dir:
            listing = Listing(system, async_dir)
            jobs = listing.take(wanted, Excerpt(params["tail_lines"], None))
            unreadable = listing.unreadable
    views = sorted_views([job.view for job in jobs], params["sort"])
    return {"changed": False, "async_dir": path, "jobs": views, "unreadable": unreadable}


def sorted_views(views: List[Dict[str, Any]], key: str) -> List[Dict[str, Any]]:
    """Return views sorted by a key of SORT_KEYS.

    created: the oldest first, which also decides between equals. elapsed: the longest first. name: unnamed jobs last.
    state: in the order of ALL_STATES.
    """
    oldest_first = sorted(
        views, key=lambda view: view["created_at"] or view["started_at"] or view["finished_at"]
    )
    if key == "elapsed":
        return sorted(oldest_first, key=lambda view: -(view["elapsed"] or 0.0))
    if key == "name":
        return sorted(oldest_first, key=lambda view: (view["name"] is None, view["name"] or ""))
    if key == "state":
        return sorted(oldest_first, key=lambda view: ALL_STATES.index(view["state"]))
    return oldest_first
