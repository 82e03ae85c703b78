# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fast carrier: a request and the target-side library as one program, which needs no module or file on the target.

Private to the collection longrun.jobs: may change in any release.
"""

from __future__ import annotations

import ast
import base64
import hashlib
import json
import re
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
# Python reads its program from a pipe byte by byte (60 ms for 160 KB), but a program reads its input in one piece.
_READ_ALL = "import sys; sys.path = [place for place in sys.path if place]; exec(sys.stdin.read())"
# Requests that run modules need the interpreter state that a module expects (site-packages, PYTHONPATH). The others
# need only the standard library, and start faster with -I -S.
_RUNS_MODULES = ("async_run", "async_wrapper")
# Not in the packed library: the boot part is sent as plain text, with the others other programs begin.
_STAYS = (_BOOT, "carrier.wrapper_boot", "requests.housekeeping")


_DOCSTRING = re.compile(r'^( *)"""(?:[^"]|"(?!""))*"""$', re.MULTILINE)
_COMMENT = re.compile(r"^ *#.*$", re.MULTILINE)


def _packed(value: Any, level: int) -> str:
    """Return a value as JSON, compressed with zlib at this level, in base64."""
    data = zlib.compress(json.dumps(value).encode("utf-8"), level)
    return base64.b64encode(data).decode("ascii")


def _part(path: Path) -> str:
    """Return the name by which the target imports a part of the library: ``model.jid``, ``model`` for ``__init__``."""
    words = path.relative_to(_SOURCES).with_suffix("").parts
    return ".".join(words[:-1] if words[-1] == "__init__" else words)


def _compact(text: str) -> str:
    """Return a program without its comments and docstrings."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(
            node
        ):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def without_prose(text: str) -> str:
    """Return a part of the library without its docstrings and lines of comment; every line keeps its number.

    By patterns, because a parser takes thirty times as long, in each run.
    """
    text = _DOCSTRING.sub(lambda found: f'{found[1]}""' + "\n" * found[0].count("\n"), text)
    return _COMMENT.sub("", text)


def _read_library() -> str:
    """Return the library packed: a dict from the name of each part to its text."""
    texts = {
        _part(path): without_prose(path.read_text(encoding="utf-8"))
        for path in sorted(_SOURCES.rglob("*.py"))
    }
    for part in _STAYS:
        del texts[part]
    return _packed(texts, 9)


# Packed when the plugin is loaded, in the main process: the workers, one per task and host, inherit it.
_LIBRARY = _read_library()
# Compacted, because the boot part is sent and compiled with every request.
_BOOT_TEXT = _compact((_SOURCES / f"{_BOOT.replace('.', '/')}.py").read_text(encoding="utf-8"))
_DIGEST = hashlib.sha256(_LIBRARY.encode("ascii")).hexdigest()[:16]


def program(
    operation: str, params: dict[str, Any], check_mode: bool, with_library: bool = True
) -> bytes:
    """Return the text of a Python 3.6+ program that answers the request on the target.

    with_library: False if the target should have kept the library; its answer tells if it has not, see
    ``KnownTargets``. ``_texts`` in ``params`` are long texts that the other parameters refer to by number. They are
    sent uncompressed, since the modules that core builds are compressed already.
    """
    texts = params.pop("_texts", [])
    request = {"operation": operation, "params": params, "check_mode": check_mode}
    # the library is kept in the private directory of the user's async dir
    kept = (
        f"{params.get('async_dir') or params.get('_async_dir') or '~/.ansible_async'}/{PRIVATE_DIR}"
    )
    arguments = (_LIBRARY if with_library else None, _DIGEST, kept, _packed(request, 1), texts)
    return f"{_BOOT_TEXT}\n\nboot{arguments!a}\n".encode("ascii")


def reading_command(interpreter: str, operation: str) -> str:
    """Return the shell command by which *interpreter*, quoted for a shell, runs the program in its standard input."""
    alone = "" if operation in _RUNS_MODULES else " -I -S"
    return f"{interpreter}{alone} -c {shlex.quote(_READ_ALL)}"


class KnownTargets:
    """The targets that have kept the library during this run, so that further requests to them need not include it.

    Workers are separate processes, one per task and host. They share what they learn through files in *directory*,
    which belongs to this run alone.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def _mark(self, target: Sequence[object]) -> Path:
        name = hashlib.sha256(repr((_DIGEST, *target)).encode()).hexdigest()
        return self._directory / f"longrun-{name[:32]}"

    def __contains__(self, target: Sequence[object]) -> bool:
        return self._mark(target).exists()

    def note(self, target: Sequence[object], answer: dict[str, Any]) -> bool | None:
        """Remove ``KEPT`` from an answer, remember it and return it: whether the library was kept, None if not said."""
        kept: bool | None = answer.pop(KEPT, None)
        if kept:
            self._mark(target).touch()
        elif kept is False:
            self._mark(target).unlink(missing_ok=True)
        return kept
