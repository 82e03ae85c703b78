# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""All the jobs of an async dir: which there are, and which of them a caller means."""

import fnmatch
import os
import re
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from .errors import JobError
from .find import candidate_dirs
from .look import Job
from .settings import parse_duration
from .states import END_STATES, STATE_QUEUED, STATE_RUNNING
from .store import PRIVATE_DIR, Directory, open_async_dir
from .view import Shown

ALL_STATES = (STATE_QUEUED, STATE_RUNNING) + END_STATES
SORT_KEYS = ("created", "elapsed", "name", "state")
# what every module that means several jobs takes
FILTER_OPTIONS = {
    "state": {"type": "list", "elements": "str", "choices": list(ALL_STATES)},
    "name": {"type": "str"},
    "module": {"type": "str"},
    "older_than": {"type": "str"},
    "newer_than": {"type": "str"},
}  # type: Dict[str, Dict[str, Any]]


class Listed(NamedTuple):
    """A job as it was found, and where: ``public`` is its status."""

    jid: str
    public: Dict[str, Any]

    @property
    def view(self) -> Dict[str, Any]:
        return self.public["async_job"]  # type: ignore[no-any-return]  # every status has one


class Filter:
    """Which jobs a caller means. JobError names an option that is no good."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        self._states = params.get("state") or ALL_STATES
        self._name = params.get("name")
        self._module = params.get("module")
        self._older = _duration(params, "older_than")
        self._newer = _duration(params, "newer_than")

    def takes(self, job: Listed, age: Optional[float]) -> bool:
        """age: seconds since its end or, while it runs, since its start; None if unknown."""
        view = job.view
        if view["state"] not in self._states:
            return False
        for pattern, value in ((self._name, view["name"]), (self._module, view["module"])):
            if pattern is not None and not fnmatch.fnmatchcase(value or "", pattern):
                return False
        if self._older is not None and (age is None or age < self._older):
            return False
        return self._newer is None or (age is not None and age < self._newer)


def _duration(params: Mapping[str, Any], option: str) -> Optional[float]:
    text = params.get(option)
    if text is None:
        return None
    try:
        return parse_duration(text)
    except ValueError as error:
        raise JobError(f"{option}: {error}") from None


def given_async_dir(
    system: Any, params: Mapping[str, Any], environ: Mapping[str, str]
) -> Tuple[str, Optional[Directory]]:
    """The async dir that is meant, and it opened; None if there is none yet: nothing was started there."""
    path = candidate_dirs(system, params["_async_dir"], environ)[0]
    if not os.path.lexists(path):
        return path, None
    return path, open_async_dir(system, path)


def job_ids(async_dir: Directory) -> List[str]:
    """The jids of all jobs: of those that have a job file, and of those that have only a directory left."""
    names = set(async_dir.names())
    if PRIVATE_DIR in names:
        private = async_dir.child(PRIVATE_DIR)
        try:
            names.update(private.names())
        finally:
            private.close()
    return sorted(name for name in names if re.match(r"j?[0-9]{1,20}\.[0-9]{1,10}\Z", name))


def list_jobs(
    system: Any, async_dir: Directory, wanted: Filter, shown: Shown
) -> Tuple[List[Listed], List[Dict[str, str]]]:
    """The jobs that the filter takes, the oldest first; and those that could not be read, with the reason."""
    found = []  # type: List[Tuple[float, Listed]]
    unreadable = []
    for jid in job_ids(async_dir):
        try:
            job = Job(system, async_dir, jid)
            try:
                listed = Listed(jid, job.look(shown))
                age = job_age(job)
            finally:
                if job.job_dir:
                    job.job_dir.close()
        except JobError as error:
            if "looked_in" not in error.details:  # removed meanwhile, or a directory that is no job any more
                unreadable.append({"id": jid, "path": async_dir.join(jid), "msg": error.message})
            continue
        if wanted.takes(listed, age):
            found.append((age or 0.0, listed))
    found.sort(key=lambda pair: -pair[0])
    return [listed for _age, listed in found], unreadable


def job_age(job: Job) -> Optional[float]:
    """Seconds since a job's end or, while it runs, since its start."""
    record = job.record() or {}
    moment = record.get("ended_wall") or record.get("began_wall")
    if moment is None:
        try:
            moment = job.system.stat(
                job.jid, dir_fd=job.async_dir.fd, follow_symlinks=False
            ).st_mtime
        except FileNotFoundError:
            return None
    return max(0.0, job.system.time() - float(moment))


INFO_OPTIONS = dict(
    FILTER_OPTIONS,
    async_dir={"type": "str"},
    sort={"type": "str", "choices": list(SORT_KEYS), "default": "created"},
    tail_lines={"type": "int", "default": 3},
)  # type: Dict[str, Dict[str, Any]]


def answer_info(
    system: Any, params: Mapping[str, Any], environ: Mapping[str, str], _check_mode: bool
) -> Dict[str, Any]:
    """The jobs of an async dir. An async dir that is not there has none."""
    wanted = Filter(params)
    path, async_dir = given_async_dir(system, params, environ)
    answer = {"changed": False, "async_dir": path, "jobs": [], "unreadable": []}  # type: Dict[str, Any]
    if async_dir is not None:
        try:
            jobs, answer["unreadable"] = list_jobs(
                system, async_dir, wanted, Shown(params["tail_lines"], None)
            )
        finally:
            async_dir.close()
        answer["jobs"] = sorted_views([job.view for job in jobs], params["sort"])
    return answer


def sorted_views(views: List[Dict[str, Any]], key: str) -> List[Dict[str, Any]]:
    """By creation (as they come), by name and state in the order of the words, the longest running first."""
    if key == "elapsed":
        return sorted(views, key=lambda view: -(view["elapsed"] or 0.0))
    if key == "name":
        return sorted(views, key=lambda view: (view["name"] is None, view["name"] or ""))
    if key == "state":
        return sorted(views, key=lambda view: _state_rank(view["state"], ALL_STATES))
    return views


def _state_rank(state: str, order: Sequence[str]) -> int:
    return order.index(state)
