# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""Find the async dir of a job: from its results file, or from its jid in the async dirs that the task may use."""

import errno
import os
import stat
from typing import Any, List, Mapping, Optional, Tuple

from ..model.errors import JobError, JobNotFound, Refused
from ..model.jid import check_jid
from .kernel import System
from .store import (
    DEFAULT_ASYNC_DIR,
    PRIVATE_DIR,
    RECORD_FILE,
    Directory,
    expand_home,
    open_async_dir,
)

_HOMES_SEARCHED = 200  # of other users, for a hint in the message


def written_async_dir(params: Mapping[str, Any]) -> str:
    """Return a task's async dir as the user wrote it: its option, else its shell's setting, else core's default."""
    return str(params.get("async_dir") or params.get("_async_dir") or DEFAULT_ASYNC_DIR)


def job_of_results_file(path: str) -> Tuple[str, str]:
    """Return the async dir and the jid in a ``results_file``. Raise JobError if it is not an absolute, normal path."""
    if not os.path.isabs(path) or os.path.normpath(path) != path:
        raise JobError(
            f"results_file: {path!r} is not an absolute path; give results_file as the job's start returned it"
        )
    directory, name = os.path.split(path)
    return directory, check_jid(name)


def candidate_dirs(system: System, written_dir: str, environ: Mapping[str, str]) -> List[str]:
    """Return the paths that ``written_dir`` may have for this user: with $HOME, and with the home in passwd."""
    paths = []
    for home in (environ.get("HOME"), system.passwd_home()):
        path = expand_home(written_dir, home)
        if path not in paths:
            paths.append(path)
    return paths


def _has_job(directory: Directory, jid: str) -> bool:
    """Return whether an async dir has the job file or the record of a job."""
    for name in (jid, os.path.join(PRIVATE_DIR, jid, RECORD_FILE)):
        try:
            directory.system.stat(name, dir_fd=directory.fd, follow_symlinks=False)
            return True
        except (FileNotFoundError, NotADirectoryError):
            continue
    return False


def find_job(system: System, jid: str, dirs: List[str], home_part: Optional[str]) -> Directory:
    """Return the first of the async dirs that has the job, opened.

    Raise JobNotFound if none has it; the message says where it was looked for, and which user has it if that is seen.
    home_part: the path of the async dir below a home, to search other users' homes; None searches no homes.
    """
    tried = []
    for path in dirs:
        try:
            directory = open_async_dir(system, path)
        except JobError as error:
            tried.append(_why_not(system, path, error))
            continue
        try:
            if _has_job(directory, jid):
                return directory
        except OSError as error:
            tried.append(_why_not(system, path, Refused("look into", path, error)))
        else:
            owner = system.owner_name(system.fstat(directory.fd).st_uid)
            tried.append(f"{path} (owned by {owner}) does not have it")
        directory.close()
    hint = _other_owner(system, jid, home_part, dirs) if home_part else ""
    me = system.owner_name(system.geteuid())
    raise JobNotFound(f"could not find job {jid} as {me}: {'; '.join(tried)}{hint}", dirs)


def find_place(
    system: System, reference: Mapping[str, Any], written_dir: str, environ: Mapping[str, str]
) -> Tuple[Directory, str]:
    """Return the async dir, opened, and the jid of the job that a reference names. Raise JobNotFound if there is none.

    reference: names the job by ``results_file`` or, in the async dir *written_dir*, by ``jid``.
    """
    if reference.get("results_file"):
        path, jid = job_of_results_file(reference["results_file"])
        return find_job(system, jid, [path], None), jid
    jid = check_jid(reference.get("jid"))
    home_part = written_dir[2:] if written_dir.startswith("~/") else os.path.basename(written_dir)
    return find_job(system, jid, candidate_dirs(system, written_dir, environ), home_part), jid


def _why_not(system: System, path: str, error: JobError) -> str:
    """Return the text of an error; if permission was denied, with the owner and mode of the path that denies it."""
    place = path
    while isinstance(error, Refused) and error.number == errno.EACCES:
        try:
            info = system.stat(place)
        except OSError:
            if place == "/":
                break
            place = os.path.dirname(place)
            continue
        owner = system.owner_name(info.st_uid)
        return f"{error.message}, {place} belongs to {owner} with mode {stat.S_IMODE(info.st_mode):04o}"
    return error.message


def _other_owner(system: System, jid: str, home_part: str, dirs: List[str]) -> str:
    """Return a hint for the message: which other user has the job, or what a job is found by."""
    import pwd

    for entry in pwd.getpwall()[:_HOMES_SEARCHED]:
        path = os.path.join(entry.pw_dir, home_part)
        if path in dirs:
            continue
        try:
            info = system.stat(os.path.join(path, jid), follow_symlinks=False)
        except OSError:
            continue
        owner = system.owner_name(info.st_uid)
        return f". It is {path}/{jid} and belongs to {owner}: become {owner}, or give that path as results_file"
    return (
        ". A job is found only by the user who started it, with the same HOME and async dir; "
        "the results_file that its start returned finds it without these"
    )
