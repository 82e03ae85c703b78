# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""Find the newest job of a name, and let only one process at a time start named jobs."""

import os
from typing import Any, Dict, Iterable, List, Mapping, Optional

from ..model.errors import JobError, Refused
from ..model.record import Record
from .find import candidate_dirs
from .kernel import System
from .records import read_record
from .store import LOCK_EX, LOCK_UN, PRIVATE_DIR, Directory, open_async_dir

_NAMES_LOCK = "names.lock"
_NAMING_SECONDS = 120.0  # to wait for other starts of named jobs; each takes a fraction of a second


class NamesLocked:
    """A lock: while it is held, no other process starts a named job in this async dir.

    Use it in a ``with`` statement. It raises JobError if another process holds it for too long.
    """

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
        # closing alone would not unlock it: processes that were started meanwhile may have inherited the descriptor
        self._system.flock(self._fd, LOCK_UN)
        self._close()

    def _close(self) -> None:
        if self._fd >= 0:
            self._system.close(self._fd)
            self._fd = -1


def newest_jobs(private: Directory, names: Iterable[str]) -> Dict[str, Record]:
    """Return name -> record of the newest job of that name. Names that no job has are left out."""
    wanted = set(names)
    newest: Dict[str, Record] = {}
    for jid in private.names():
        if not jid[-1:].isdigit() or "." not in jid:
            continue
        record = _record(private, jid)
        name = None if record is None else record["name"]
        if record is None or name is None or name not in wanted:
            continue
        if name not in newest or _created_at(record) >= _created_at(newest[name]):
            newest[name] = record
    return newest


def resolve_names(
    system: System,
    references: List[Mapping[str, Any]],
    written_dir: str,
    environ: Mapping[str, str],
) -> List[Mapping[str, Any]]:
    """Return the references with ``results_file`` of the newest job added to each that has a ``name``.

    written_dir: the async dir in which the names are searched. Raise JobError if no job has one of the names.
    """
    names = {reference["name"] for reference in references if reference.get("name")}
    if not names:
        return references
    path = candidate_dirs(system, written_dir, environ)[0]
    newest: Dict[str, Record] = {}
    with open_async_dir(system, path) as async_dir:
        try:
            with async_dir.child(PRIVATE_DIR) as private:
                newest = newest_jobs(private, names)
        except FileNotFoundError:
            pass  # no job was ever started here
    missing = sorted(names - set(newest))
    if missing:
        raise JobError(
            f"no job in {path} has the name {', '.join(map(repr, missing))}; a jid looks like "
            "j402058509351.34914, a job file is given by its absolute path"
        )
    return [
        (
            dict(reference, results_file=os.path.join(path, newest[reference["name"]]["id"]))
            if reference.get("name")
            else reference
        )
        for reference in references
    ]


def _created_at(record: Record) -> str:
    return record["created_at"] or ""


def _record(private: Directory, jid: str) -> Optional[Record]:
    """Return a record; None if it cannot be read, which a listing of the jobs reports."""
    try:
        with private.child(jid) as job_dir:
            return read_record(job_dir, jid)
    except (OSError, JobError):
        return None
