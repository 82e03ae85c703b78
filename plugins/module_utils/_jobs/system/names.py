# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""Jobs by their names: the newest of each, found by their records, and one start of a name at a time."""

import json
import os
from typing import Any, Dict, Iterable, List, Mapping

from ..model.errors import JobError, Refused
from .find import candidate_dirs
from .kernel import System
from .store import LOCK_EX, LOCK_UN, PRIVATE_DIR, RECORD_FILE, Directory, open_async_dir

_NAMES_LOCK = "names.lock"
_NAMING_SECONDS = 120.0  # for other starts of named jobs; each takes a fraction of a second


class NamesLocked:
    """While it is entered, nobody else starts a named job in this async dir. JobError: another is at it for ever."""

    def __init__(self, system: System, private: Directory) -> None:
        self._system = system
        self._private = private
        self._fd = -1

    def __enter__(self) -> "NamesLocked":
        path = self._private.join(_NAMES_LOCK)
        try:
            self._fd = self._private.open_file(_NAMES_LOCK, os.O_RDWR | os.O_CREAT)
            got = self._system.flock_within(self._fd, LOCK_EX, _NAMING_SECONDS)
        except OSError as error:
            self._close()
            raise Refused("lock", path, error) from error
        if not got:
            self._close()
            raise JobError(f"another start of named jobs has held {path} for {_NAMING_SECONDS:g} s")
        return self

    def __exit__(self, *_unused: object) -> None:
        # not only closed: what was started meanwhile may have inherited it
        self._system.flock(self._fd, LOCK_UN)
        self._close()

    def _close(self) -> None:
        if self._fd >= 0:
            self._system.close(self._fd)
            self._fd = -1


def newest_jobs(private: Directory, names: Iterable[str]) -> Dict[str, Dict[str, Any]]:
    """The record of the newest job of each name; names of which there is none are left out."""
    wanted = set(names)
    found: Dict[str, Dict[str, Any]] = {}
    for jid in private.names():
        if not jid[-1:].isdigit() or "." not in jid:
            continue
        record = _record(private, jid)
        name = record.get("name")
        if (
            isinstance(name, str)
            and name in wanted
            and _moment(record) >= _moment(found.get(name, {}))
        ):
            found[name] = dict(record)
    return found


def resolve_names(
    system: System,
    references: List[Mapping[str, Any]],
    written_dir: str,
    environ: Mapping[str, str],
) -> List[Mapping[str, Any]]:
    """The same references, ``results_file`` of the newest job in the place of each ``name``. JobError: there is none.

    written_dir: the async dir in which names are looked for.
    """
    names = {one["name"] for one in references if one.get("name")}
    if not names:
        return references
    path = candidate_dirs(system, written_dir, environ)[0]
    found: Dict[str, Dict[str, Any]] = {}
    with open_async_dir(system, path) as async_dir:
        try:
            with async_dir.child(PRIVATE_DIR) as private:
                found = newest_jobs(private, names)
        except FileNotFoundError:
            pass  # no job was ever started here
    missing = sorted(names - set(found))
    if missing:
        raise JobError(
            f"no job in {path} has the name {', '.join(map(repr, missing))}; a jid looks like "
            "j402058509351.34914, a job file is given by its absolute path"
        )
    return [
        (
            dict(one, results_file=os.path.join(path, found[one["name"]]["id"]))
            if one.get("name")
            else one
        )
        for one in references
    ]


def _moment(record: Mapping[str, Any]) -> str:
    return str(record.get("created_at") or "")


def _record(private: Directory, jid: str) -> Mapping[str, Any]:
    """A record as it is on disk; nothing if it cannot be read: others tell of it."""
    try:
        with private.child(jid) as job_dir:
            found = json.loads((job_dir.read_file(RECORD_FILE) or b"{}").decode("ascii"))
    except (OSError, ValueError, JobError):
        return {}
    return found if isinstance(found, dict) else {}
