# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""Answer async_prune: remove jobs that have ended, by age, state and number, and files that belong to no job."""

import os
import re
import stat
from typing import Any, Dict, List, Mapping, NamedTuple, Optional

from ..inspection.listing import (
    FILTER_OPTIONS,
    JOB_NAME,
    Filter,
    Listing,
    duration_option,
    open_written_dir,
)
from ..inspection.look import Job
from ..inspection.view import Excerpt
from ..model.core_formats import is_task_dir
from ..model.errors import JobError, JobNotFound, Refused
from ..model.states import END_STATES
from ..system.find import candidate_dirs
from ..system.kernel import System
from ..system.store import LOCK_FILE, LOCK_SH, MODULE_LOCK_FILE, PRIVATE_DIR, Directory

DEFAULT_REMOTE_TMP = "~/.ansible/tmp:/var/tmp:/tmp"
# Seconds after which a file counts as left over, even with a smaller older_than: one that is just being made looks
# the same. A start takes a minute at most.
_ORPHAN_SECONDS = 300.0
_WRITE_SECONDS = (
    5.0  # that a supervisor, or another process that looks at the job, may take to finish a write
)
PRUNE_OPTIONS: Dict[str, Dict[str, Any]] = {
    "async_dir": {"type": "str"},
    "older_than": {"type": "str", "default": "7d"},
    "state": dict(FILTER_OPTIONS["state"], choices=list(END_STATES)),
    "name": FILTER_OPTIONS["name"],
    "module": FILTER_OPTIONS["module"],
    "keep": {"type": "int", "default": 0},
    "orphans": {"type": "bool", "default": True},
    "remote_tmp": {"type": "str"},
}


class Orphan(NamedTuple):
    """A file or directory that belongs to no job. kind: one of the KIND words. path: where it is."""

    kind: str
    path: str


KIND_WRITE = "unfinished write"
KIND_JOB_DIR = "job directory"
KIND_TASK_DIR = "temporary directory"


class Policy:
    """Which jobs to remove, from the options of async_prune. Raises JobError, naming an option that is not valid."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        self.keep = int(params["keep"])
        if self.keep < 0:
            raise JobError(
                f"keep: {self.keep} is not a valid number of jobs to keep; give 0 or more"
            )
        self.seconds = duration_option(params, "older_than") or 0.0
        self.wanted = Filter(
            {
                "state": params["state"] or list(END_STATES),
                "name": params["name"],
                "module": params["module"],
            }
        )
        self.orphan_seconds = max(self.seconds, _ORPHAN_SECONDS)


class Pruning:
    """Finds what to remove, and checks each job or file once more right before it removes it.

    places: the directories in which tasks have their temporary directories. After ``find``, ``jids`` and ``orphans``
    tell what to remove; after ``remove``, what was removed. unreadable: jobs that cannot be read. failures: messages.
    """

    def __init__(
        self,
        system: System,
        async_dir: Optional[Directory],
        policy: Policy,
        places: List[str],
    ) -> None:
        self._system = system
        self._async_dir = async_dir
        self._policy = policy
        self._places = places
        self.jids: List[str] = []
        self.orphans: List[Orphan] = []
        self.unreadable: List[Dict[str, Any]] = []
        self.failures: List[str] = []

    def find(self, orphans: bool) -> None:
        """Find the jobs and, if *orphans* is true, the files and directories to remove."""
        if self._async_dir is not None:
            listing = Listing(self._system, self._async_dir)
            matching = listing.take(self._policy.wanted, Excerpt(0, None))
            # they are sorted by age, the oldest first: the newest ones stay, however old they are
            matching = matching[: max(0, len(matching) - self._policy.keep)]
            self.jids = [job.jid for job in matching if job.age >= self._policy.seconds]
            self.unreadable = listing.unreadable
            if orphans:
                self.orphans += self._unfinished_writes(self._async_dir)
                known = {str(job["id"]) for job in self.unreadable}
                self.orphans += self._job_dirs(self._async_dir, known)
        if orphans:
            for place in self._places:
                self.orphans += self._task_dirs(place)

    def remove(self) -> None:
        """Remove what was found. Drop from ``jids`` and ``orphans`` what must stay after all, or was not removed."""
        jids, self.jids = self.jids, []
        orphans, self.orphans = self.orphans, []
        for jid in jids:
            if self._done(jid, self._remove_job):
                self.jids.append(jid)
        for orphan in orphans:
            if self._done(orphan, self._remove_orphan):
                self.orphans.append(orphan)

    def _done(self, target: Any, remove: Any) -> bool:
        """Return whether *remove* removed its target, a jid or an Orphan. Append the message if that fails."""
        try:
            return bool(remove(target))
        except FileNotFoundError:
            return False  # another process has removed it
        except JobNotFound:
            return False  # as above
        except JobError as error:
            self.failures.append(error.message)
        except OSError as error:
            path = target.path if isinstance(target, Orphan) else self._place.join(target)
            self.failures.append(Refused("remove", path, error).message)
        return False

    @property
    def _place(self) -> Directory:
        """The async dir, where something was found in it."""
        if self._async_dir is None:
            raise JobError("there is no async dir")
        return self._async_dir

    def _remove_job(self, jid: str) -> bool:
        """Remove a job that has ended. Return False if it runs again. Raise JobError if it is still being written."""
        with Job(self._system, self._place, jid) as job:
            if job.job_dir is not None and not self._alone(job.job_dir):
                raise JobError(f"job {jid} was not removed: something is still being written there")
            if job.look(Excerpt(0, None))["async_job"]["state"] not in END_STATES:
                return False
            job.remove()
            return True

    def _alone(self, job_dir: Directory) -> bool:
        """Wait until no other process writes to a job directory. Return False if one still does after some seconds."""
        try:
            fd = job_dir.open_file(LOCK_FILE)
        except FileNotFoundError:
            return True
        try:
            return bool(self._system.flock_within(fd, LOCK_SH, _WRITE_SECONDS))
        finally:
            self._system.close(fd)

    def _unfinished_writes(self, async_dir: Directory) -> List[Orphan]:
        """Return temporary files whose writer was killed: ours, ``.<jid>.<pid>``, and core's, ``<jid>.tmp``."""
        found = []
        for name in async_dir.names():
            if re.match(rf"\.{JOB_NAME}\.[0-9]+\Z|{JOB_NAME}\.tmp\Z", name):
                try:
                    info = self._system.stat(name, dir_fd=async_dir.fd, follow_symlinks=False)
                except FileNotFoundError:
                    continue  # its writer lives and has just renamed it
                if self._forgotten(info) and not stat.S_ISDIR(info.st_mode):
                    found.append(Orphan(KIND_WRITE, async_dir.join(name)))
        return found

    def _forgotten(self, info: Any) -> bool:
        """Return whether the last change, in the result of a stat, is old enough for an orphan."""
        return bool(self._system.time() - info.st_mtime >= self._policy.orphan_seconds)

    def _job_dirs(self, async_dir: Directory, unreadable: Any) -> List[Orphan]:
        """Return job directories without a job file. The clean-up of core's async_status leaves such."""
        names = set(async_dir.names())
        try:
            private = async_dir.child(PRIVATE_DIR)
        except (OSError, JobError):
            return []  # there are none, or they are reported as unreadable
        with private:
            return [
                Orphan(KIND_JOB_DIR, private.join(jid))
                for jid in private.names()
                if re.match(JOB_NAME + r"\Z", jid)
                and jid not in names
                and jid not in unreadable
                and self._is_dead(private, jid)
            ]

    def _is_dead(self, private: Directory, jid: str) -> bool:
        """Return whether a job directory is old enough for an orphan and no process of the job is left."""
        try:
            job_dir = private.child(jid)
        except (OSError, JobError):
            return False  # removed just now, or reported as unreadable
        with job_dir:
            return (
                self._forgotten(self._system.fstat(job_dir.fd))
                and not job_dir.held(LOCK_FILE)
                and not job_dir.held(MODULE_LOCK_FILE)
            )

    def _task_dirs(self, place: str) -> List[Orphan]:
        """Return the temporary directories in *place* that tasks of this user have left there."""
        try:
            names = sorted(self._system.listdir(place))
        except OSError:
            return []  # no task of this user ever had one there
        candidates = [os.path.join(place, name) for name in names if is_task_dir(name)]
        return [
            Orphan(KIND_TASK_DIR, path)
            for path in candidates
            if self._is_forgotten_task(path) and not self._in_use(path)
        ]

    def _is_forgotten_task(self, path: str) -> bool:
        """Return whether a path is a directory of this user in which nothing has changed for long enough.

        While core transfers files to it, it changes.
        """
        try:
            info = self._system.stat(path, follow_symlinks=False)
            if not stat.S_ISDIR(info.st_mode) or info.st_uid != self._system.geteuid():
                return False
            inside = [
                self._system.stat(os.path.join(path, name), follow_symlinks=False)
                for name in self._system.listdir(path)
            ]
        except OSError:
            return False  # in use, or removed
        return all(self._forgotten(each) for each in [info] + inside)

    def _in_use(self, path: str) -> bool:
        """Return whether the command line of a process names a file in a directory.

        True if this user cannot see the processes of others: proc(5), hidepid.
        """
        processes = self._system.processes()
        mark = os.fsencode(path) + b"/"
        return 1 not in processes or any(
            mark in self._system.process_file(pid, "cmdline") for pid in processes
        )

    def _remove_orphan(self, orphan: Orphan) -> bool:
        """Remove an orphan. Return False if it must stay after all."""
        name = os.path.basename(orphan.path)
        if orphan.kind == KIND_WRITE:
            return self._place.remove_file(name)
        if orphan.kind == KIND_TASK_DIR:
            import shutil  # late: it imports all compression modules

            shutil.rmtree(orphan.path)  # follows no link, not even one that is planted now
            return True
        with self._place.child(PRIVATE_DIR) as private:
            if name in self._place.names() or not self._is_dead(private, name):
                return False
            private.remove_child(name)
            return True


def answer_prune(
    system: System, params: Mapping[str, Any], environ: Mapping[str, str], check_mode: bool
) -> Dict[str, Any]:
    """Remove what the options say. Return the result of async_prune. In check mode only tell what would be removed.

    Raise JobError if an option is not valid.
    """
    usual = params.get("_remote_tmp") or DEFAULT_REMOTE_TMP
    written = [params["remote_tmp"]] if params["remote_tmp"] else usual.split(":")
    places = [candidate_dirs(system, place, environ)[0] for place in written if place]
    policy = Policy(params)
    path, async_dir = open_written_dir(system, params, environ)
    try:
        pruning = Pruning(system, async_dir, policy, places)
        pruning.find(params["orphans"])
        if not check_mode:
            pruning.remove()
    finally:
        if async_dir is not None:
            async_dir.close()
    lines = [f"job {jid}\n" for jid in pruning.jids]
    lines += [f"{orphan.kind} {orphan.path}\n" for orphan in pruning.orphans]
    answer = {
        "changed": bool(lines),
        "async_dir": path,
        "removed": pruning.jids,
        "orphans": [orphan.path for orphan in pruning.orphans],
        "unreadable": pruning.unreadable,
        "diff": {"before": "".join(lines), "after": ""},
    }
    if pruning.failures:
        answer.update(failed=True, msg="; ".join(pruning.failures))
    return answer
