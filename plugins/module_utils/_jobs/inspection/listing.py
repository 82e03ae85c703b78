# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""List the jobs of an async dir, and select those that a caller asks for."""

import calendar
import fnmatch
import re
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Tuple

from ..model.errors import AsyncDirMissing, JobError, JobNotFound, Refused
from ..model.record import Status, View
from ..model.settings import parse_duration
from ..model.states import END_STATES, STATE_QUEUED, STATE_RUNNING
from ..system.find import candidate_dirs, written_async_dir
from ..system.kernel import System
from ..system.store import PRIVATE_DIR, Directory, open_async_dir
from .core_job import CoreWrappers
from .look import Job
from .view import Excerpt

ACTIVE_STATES = (STATE_QUEUED, STATE_RUNNING)
ALL_STATES = ACTIVE_STATES + END_STATES
JOB_NAME = r"j?[0-9]{1,20}\.[0-9]{1,10}"
# the options of every module that selects several jobs
FILTER_OPTIONS: Dict[str, Dict[str, Any]] = {
    "state": {"type": "list", "elements": "str", "choices": list(ALL_STATES)},
    "name": {"type": "str"},
    "module": {"type": "str"},
    "older_than": {"type": "str"},
    "newer_than": {"type": "str"},
}


class Listed(NamedTuple):
    """A job in a listing. age: seconds since its end or, while it runs, since its start."""

    jid: str
    status: Status
    age: float

    @property
    def view(self) -> View:
        """Return ``async_job`` of its status."""
        return self.status["async_job"]  # type: ignore[no-any-return]  # every status has one


class Filter:
    """Which jobs a caller asks for, by the options in FILTER_OPTIONS. Raises JobError if one of them is not valid."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        self._states = params.get("state") or ALL_STATES
        self._patterns: Dict[str, str] = {}
        for option in ("name", "module"):
            pattern = params.get(option)
            if pattern is not None:
                if not pattern.strip():
                    raise JobError(
                        f"{option}: {pattern!r} names nothing; leave it out to select every job"
                    )
                self._patterns[option] = pattern
        self._older = duration_option(params, "older_than")
        self._newer = duration_option(params, "newer_than")

    def takes(self, job: Listed) -> bool:
        """Return whether the job is one of those."""
        view = job.view
        return (
            view["state"] in self._states
            # a job without a name matches no pattern, not even *
            and all(
                view[option] is not None and fnmatch.fnmatchcase(view[option], pattern)
                for option, pattern in self._patterns.items()
            )
            and (self._older is None or job.age >= self._older)
            and (self._newer is None or job.age < self._newer)
        )


def duration_option(params: Mapping[str, Any], option: str) -> Optional[float]:
    """Return the seconds of an option; None if it was not given. Raise JobError if it is not a valid duration."""
    text = params.get(option)
    if text is None:
        return None
    try:
        return parse_duration(text)
    except ValueError as error:
        raise JobError(f"{option}: {error}") from None


def open_written_dir(
    system: System, params: Mapping[str, Any], environ: Mapping[str, str]
) -> Tuple[str, Optional[Directory]]:
    """Return the path of a task's async dir, and the directory opened; None for that if no job was ever started there.

    The caller closes the directory. Raise JobError if it cannot be used.
    """
    path = candidate_dirs(system, written_async_dir(params), environ)[0]
    try:
        return path, open_async_dir(system, path)
    except AsyncDirMissing:
        return path, None


class Listing:
    """The jobs of an async dir. Those that cannot be read are collected, with the reason, in ``unreadable``."""

    def __init__(self, system: System, async_dir: Directory) -> None:
        self.system = system
        self.async_dir = async_dir
        self.unreadable: List[Dict[str, Any]] = []
        names = set(self._names(async_dir))
        if PRIVATE_DIR in names:
            try:
                with async_dir.child(PRIVATE_DIR) as private:
                    names.update(private.names())
            except (OSError, JobError) as error:
                self.report(None, async_dir.join(PRIVATE_DIR), error)
        # of jobs with a job file, and of jobs of which only the directory is left
        self.jids = sorted(name for name in names if re.match(JOB_NAME + r"\Z", name))
        # they are looked for once for all jobs, and after the names were read, see CoreWrappers
        self.wrappers = CoreWrappers(system)
        # one time for all ages: with different ones, jobs that ended together could be sorted in the wrong order
        self._now = float(system.time())

    @staticmethod
    def _names(async_dir: Directory) -> List[str]:
        try:
            return async_dir.names()
        except OSError as error:
            raise Refused("read the async dir", async_dir.path, error) from error

    def report(self, jid: Optional[str], path: str, error: Exception) -> None:
        """Add a job, or with None another path, to ``unreadable``."""
        if isinstance(error, OSError):
            error = Refused("read", path, error)
        self.unreadable.append({"id": jid, "path": path, "msg": str(error)})

    def find(self, jid: str, excerpt: Excerpt) -> Optional[Listed]:
        """Return the job; None if it has been removed, or cannot be read, which is reported in ``unreadable``."""
        try:
            with Job(self.system, self.async_dir, jid, self.wrappers) as job:
                status = job.look(excerpt)
                return Listed(jid, status, self._age(_checked(status["async_job"])))
        except JobNotFound:
            pass
        except JobError as error:
            self.report(jid, error.path or self.async_dir.join(jid), error)
        except (KeyError, TypeError, ValueError) as error:  # JSON, but not as we write it
            damaged = JobError(f"the files of job {jid} are damaged: {error!r}")
            self.report(jid, self.async_dir.join(jid), damaged)
        return None

    def take(self, wanted: Filter, excerpt: Excerpt) -> List[Listed]:
        """Return the jobs that the filter takes, in descending order of their age."""
        jobs = [self.find(jid, excerpt) for jid in self.jids]
        taken = [job for job in jobs if job is not None and wanted.takes(job)]
        return sorted(taken, key=lambda job: -job.age)

    def _age(self, view: Mapping[str, Any]) -> float:
        moment = view["finished_at"] or view["started_at"] or view["created_at"]
        return max(0.0, self._now - epoch_seconds(moment))


def _checked(view: View) -> View:
    """Return ``async_job`` of a job file. Raise ValueError, TypeError or KeyError if it is not as we write it.

    Any process of the job's owner may have written it.
    """
    if view["state"] not in ALL_STATES:
        raise ValueError(f"there is no state {view['state']!r}")
    for key in ("name", "module", "created_at", "started_at", "finished_at"):
        if view[key] is not None and not isinstance(view[key], str):
            raise TypeError(f"{key} is not a string")
    if view["elapsed"] is not None:
        float(view["elapsed"])
    return view


def epoch_seconds(moment: str) -> float:
    """Return the seconds since the epoch of a time as ``timestamp`` writes it.

    strptime could read it, but takes long to import.
    """
    numbers = [int(number) for number in re.findall("[0-9]+", moment)]
    return calendar.timegm((*numbers[:6], 0, 0, 0)) + numbers[6] / 1000.0
