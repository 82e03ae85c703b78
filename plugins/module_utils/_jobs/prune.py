# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""What ended jobs leave behind, removed: by age, by state, by how many to keep; and what nobody owns any more."""

import os
import re
import shutil
from typing import Any, Dict, List, Mapping, NamedTuple, Tuple

from .errors import JobError
from .find import candidate_dirs
from .listing import FILTER_OPTIONS, Filter, given_async_dir, list_jobs
from .look import Job
from .settings import parse_duration
from .states import END_STATES
from .store import PRIVATE_DIR, Directory
from .view import Shown

PRUNE_OPTIONS = {
    "async_dir": {"type": "str"},
    "older_than": {"type": "str", "default": "7d"},
    "state": dict(FILTER_OPTIONS["state"], choices=list(END_STATES)),
    "name": FILTER_OPTIONS["name"],
    "module": FILTER_OPTIONS["module"],
    "keep": {"type": "int", "default": 0},
    "orphans": {"type": "bool", "default": True},
    "remote_tmp": {"type": "str", "default": "~/.ansible/tmp"},
}  # type: Dict[str, Dict[str, Any]]


class Orphan(NamedTuple):
    """A file or directory that belongs to no job: of which kind, and where."""

    kind: str
    path: str


def _ended_jobs(system: Any, async_dir: Directory, params: Mapping[str, Any]) -> Tuple[List[str], List[Dict[str, str]]]:
    """The jids that go, the oldest first, and what could not be read. A job that runs is never among them."""
    wanted = Filter(dict(params, state=params["state"] or list(END_STATES), newer_than=None))
    found, unreadable = list_jobs(system, async_dir, wanted, Shown(0, None))
    # the newest ``keep`` of all that match but for their age stay
    every, _unused = list_jobs(
        system,
        async_dir,
        Filter(dict(params, state=params["state"] or list(END_STATES), older_than=None, newer_than=None)),
        Shown(0, None),
    )
    kept = {job.jid for job in every[len(every) - params["keep"] :]} if params["keep"] else set()
    return [job.jid for job in found if job.jid not in kept], unreadable


def _job_orphans(system: Any, async_dir: Directory, seconds: float) -> List[Orphan]:
    """Job directories whose job file somebody removed (stock core's clean-up does), and cut-off writes."""
    found = []
    now = system.time()
    names = async_dir.names()
    for name in names:
        if re.match(r"\.j?[0-9]+\.[0-9]+\.[0-9]+\Z|j?[0-9]+\.[0-9]+\.tmp\Z", name):
            changed = system.stat(name, dir_fd=async_dir.fd, follow_symlinks=False).st_mtime
            if now - changed > seconds:
                found.append(Orphan("temporary", async_dir.join(name)))
    if PRIVATE_DIR not in names:
        return found
    private = async_dir.child(PRIVATE_DIR)
    try:
        for jid in private.names():
            if jid in names or not re.match(r"j?[0-9]+\.[0-9]+\Z", jid):
                continue
            changed = system.stat(jid, dir_fd=private.fd, follow_symlinks=False).st_mtime
            if now - changed > seconds and not _lives(private, jid):
                found.append(Orphan("job directory", private.join(jid)))
    finally:
        private.close()
    return found


def _lives(private: Directory, jid: str) -> bool:
    job_dir = private.child(jid)
    try:
        return job_dir.held("lock") or job_dir.held("module.lock")
    finally:
        job_dir.close()


def _temporary_dirs(system: Any, path: str, seconds: float) -> List[Orphan]:
    """Temporary directories of tasks that core forgot, in the remote_tmp of this user."""
    found = []
    try:
        names = system.listdir(path)
    except OSError:
        return []  # no task of this user ever had one there
    for name in sorted(names):
        place = os.path.join(path, name)
        if name.startswith("ansible-tmp-"):
            info = system.stat(place, follow_symlinks=False)
            ours = info.st_uid == system.geteuid() and os.path.isdir(place) and not os.path.islink(place)
            if ours and system.time() - info.st_mtime > seconds and not _in_use(system, place):
                found.append(Orphan("temporary directory", place))
    return found


def _in_use(system: Any, path: str) -> bool:
    mark = path.encode("utf-8", "surrogateescape")
    return any(mark in system.process_file(pid, "cmdline") for pid in system.processes())


def answer_prune(
    system: Any, params: Mapping[str, Any], environ: Mapping[str, str], check_mode: bool
) -> Dict[str, Any]:
    """Remove, or in check mode tell exactly what would be removed."""
    try:
        seconds = parse_duration(params["older_than"])
    except ValueError as error:
        raise JobError(f"older_than: {error}") from None
    if params["keep"] < 0:
        raise JobError(f"keep: {params['keep']} is no number of jobs to keep; give 0 or more")
    path, async_dir = given_async_dir(system, params, environ)
    jids = []  # type: List[str]
    orphans = []  # type: List[Orphan]
    unreadable = []  # type: List[Dict[str, str]]
    if async_dir is not None:
        jids, unreadable = _ended_jobs(system, async_dir, params)
        if params["orphans"]:
            orphans += _job_orphans(system, async_dir, seconds)
    if params["orphans"]:
        orphans += _temporary_dirs(system, candidate_dirs(system, params["remote_tmp"], environ)[0], seconds)
    if not check_mode and async_dir is not None:
        for jid in jids:
            job = Job(system, async_dir, jid)
            job.remove()
            if job.job_dir:
                job.job_dir.close()
    if not check_mode:
        for orphan in orphans:
            if os.path.isdir(orphan.path):
                shutil.rmtree(orphan.path)
            else:
                os.unlink(orphan.path)
    lines = [f"job {jid}" for jid in jids] + [f"{orphan.kind} {orphan.path}" for orphan in orphans]
    return {
        "changed": bool(lines),
        "async_dir": path,
        "jobs": jids,
        "orphans": [orphan.path for orphan in orphans],
        "unreadable": unreadable,
        "diff": {"before": "".join(f"{line}\n" for line in lines), "after": ""},
    }
