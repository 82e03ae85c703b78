# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fast carrier: a request and the target-side library as one program, which needs no module and no file.

Private to the collection longrun.jobs: may change in any release.
"""

from __future__ import annotations

import ast
import base64
import hashlib
import json
import shlex
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ansible_collections.longrun.jobs.plugins.module_utils import _jobs
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.carrier.boot import KEPT
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system.store import PRIVATE_DIR

_SOURCES = Path(_jobs.__file__).parent
_BOOT = "carrier.boot"
# Python reads a program from a pipe byte by byte, 60 ms for 160 KB; what a program reads, it reads at once
_READ_ALL = "import sys; sys.path = [place for place in sys.path if place]; exec(sys.stdin.read())"
# what runs modules must be the interpreter that any module has; the others need the standard library and nothing else
_RUNS_MODULES = ("async_run", "async_wrapper")
# the first is sent as it is; with the others other programs begin
_STAYS = (_BOOT, "carrier.wrapper_boot", "requests.housekeeping")


def _packed(value: Any, level: int) -> str:
    data = zlib.compress(json.dumps(value).encode("utf-8"), level)
    return base64.b64encode(data).decode("ascii")


def _part(path: Path) -> str:
    """The name by which the target imports a file of the library: ``model.jid``; that of a package for its ``__init__``."""
    words = path.relative_to(_SOURCES).with_suffix("").parts
    return ".".join(words[:-1] if words[-1] == "__init__" else words)


def _read_library() -> str:
    texts = {
        _part(path): path.read_text(encoding="utf-8") for path in sorted(_SOURCES.rglob("*.py"))
    }
    for part in _STAYS:
        del texts[part]
    return _packed(texts, 9)


# made where the plugin is loaded, in the main process: the workers, one a task and host, inherit it
_LIBRARY = _read_library()
# without its comments: it is sent each time, and compiled each time
_BOOT_TEXT = ast.unparse(
    ast.parse((_SOURCES / f"{_BOOT.replace('.', '/')}.py").read_text(encoding="utf-8"))
)
_DIGEST = hashlib.sha256(_LIBRARY.encode("ascii")).hexdigest()[:16]


def program(
    operation: str, params: dict[str, Any], check_mode: bool, with_library: bool = True
) -> bytes:
    """The text of a Python 3.6+ program that answers the request on the target.

    with_library: False where the target should have kept it; its answer tells if it has not, see ``KnownTargets``.
    ``_texts`` among the params are long texts that it refers to by number: they go as they are, since what core builds
    is packed already.
    """
    texts = params.pop("_texts", [])
    told = {"operation": operation, "params": params, "check_mode": check_mode}
    # where the jobs are is where this user keeps what is private
    kept = (
        f"{params.get('async_dir') or params.get('_async_dir') or '~/.ansible_async'}/{PRIVATE_DIR}"
    )
    given = (_LIBRARY if with_library else None, _DIGEST, kept, _packed(told, 1), texts)
    return f"{_BOOT_TEXT}\n\nboot{given!a}\n".encode("ascii")


def reading_command(interpreter: str, operation: str) -> str:
    """The command by which *interpreter*, as a shell takes it, runs a program that it is given as its input."""
    alone = "" if operation in _RUNS_MODULES else " -I -S"
    return f"{interpreter}{alone} -c {shlex.quote(_READ_ALL)}"


class KnownTargets:
    """Which targets have kept the library in this run, so that further requests to them need not bring it.

    Workers are processes of their own, one a task and host: what one learns, the others find in *directory*, which
    is that of this run alone.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def _mark(self, target: Sequence[object]) -> Path:
        name = hashlib.sha256(repr((_DIGEST, *target)).encode()).hexdigest()
        return self._directory / f"longrun-{name[:32]}"

    def __contains__(self, target: Sequence[object]) -> bool:
        return self._mark(target).exists()

    def note(self, target: Sequence[object], answer: dict[str, Any]) -> bool | None:
        """Take what an answer tells of this out of it: False if the target has not kept it, None if it says nothing."""
        kept: bool | None = answer.pop(KEPT, None)
        if kept:
            self._mark(target).touch()
        elif kept is False:
            self._mark(target).unlink(missing_ok=True)
        return kept
