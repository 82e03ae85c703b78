# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""Imports for jobs that are started together: the module_utils in their AnsiballZ, once, before their processes fork.

An AnsiballZ holds a zip of its module and of all module_utils that it needs. Importing those takes most of the time
and of the memory that a small module needs. Payloads that differ only in their arguments hold the same zip.
"""

import binascii
import os
import sys
from typing import Any, Dict, List, Optional, Tuple

from ..model.core_formats import ANSIBALLZ_ENTRIES

# the modules of the standard library that every AnsiballZ imports
_ALWAYS = ("base64", "runpy", "shutil", "tempfile", "zipfile")
_PACKAGES = ("ansible", "ansible_collections")
# what module_utils may raise on a host that they do not support; the module then fails with its own message
_FAILURES = (
    AttributeError,
    ImportError,
    LookupError,
    NameError,
    OSError,
    RuntimeError,
    SyntaxError,
    SystemExit,
    TypeError,
    ValueError,
    Warning,
)


def share_zip(encoded: bytes, module: Optional[str]) -> "Optional[SharedZip]":
    """Import what a payload's zip needs. Return the zip, or None if that fails: then each payload imports by itself.

    encoded: the zip in base64. module: the full name of its module.
    """
    from zipfile import BadZipFile

    try:
        shared = SharedZip(encoded)
    except (ValueError, BadZipFile):
        return None  # a long argument of the module may look like a zip
    return shared if shared.load(module) else None


class SharedZip:
    """A finder and loader (PEP 302, 451) that imports from the zip of an AnsiballZ in memory.

    Only payloads with this very zip may use it. encoded: the zip in base64. Raises ValueError or
    zipfile.BadZipFile if it is not one.
    """

    of_payload = True  # a payload with another zip removes finders that have this mark

    def __init__(self, encoded: bytes) -> None:
        import io
        import zipfile

        self.encoded = encoded
        self._zip = zipfile.ZipFile(io.BytesIO(binascii.a2b_base64(encoded)))
        self._files = frozenset(self._zip.namelist())
        self._codes: Dict[str, Any] = {}
        self._moved = False

    def _file_of(self, name: str) -> Tuple[Optional[str], bool]:
        """Return the name in the zip of a module's file, None if it has none, and whether it is a package."""
        path = name.replace(".", "/")
        for file, is_package in ((f"{path}/__init__.py", True), (f"{path}.py", False)):
            if file in self._files:
                return file, is_package
        return None, False

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Optional[Any]:
        """Return the spec of a module in the zip; None for others, and for further ones after ``move_to``."""
        file, is_package = self._file_of(name)
        ours = name.partition(".")[0] in _PACKAGES and (name in self._codes or not self._moved)
        if file is None or not ours:
            return None
        spec_class: Any = type(sys.__spec__)
        spec = spec_class(name, self, origin=file, is_package=is_package)
        spec.has_location = True
        return spec

    def create_module(self, _spec: Any) -> None:
        """Return None: Python makes the module object as usual."""
        return

    def exec_module(self, module: Any) -> None:
        """Run the code of a module in its namespace."""
        exec(self.get_code(module.__name__), module.__dict__)

    def get_code(self, name: str) -> Any:
        """Return the code of a module, compiled once for all jobs. Raise ImportError if it is not in the zip.

        runpy calls this, too, for the module that Ansible runs.
        """
        if name not in self._codes:
            file = self._file_of(name)[0]
            if file is None:
                raise ImportError(f"the payload has no module {name}", name=name)
            self._codes[name] = compile(self._zip.read(file), file, "exec", dont_inherit=True)
        return self._codes[name]

    def load(self, module: Optional[str]) -> bool:
        """Import what the payloads will import. Return False if that fails.

        module: the full name of the module that they run; it is compiled, but not run.
        """
        import contextlib
        import importlib
        import io

        sys.meta_path.insert(0, self)
        entry = next((name for name in ANSIBALLZ_ENTRIES if self._file_of(name)[0]), None)
        try:
            # module_utils/basic.py prints a result of its own if this Python is too old for it
            with contextlib.redirect_stdout(io.StringIO()):
                for name in _ALWAYS + ((entry,) if entry else ()):
                    importlib.import_module(name)
                file = self._file_of(module)[0] if module else None
                if module and file:
                    self.get_code(module)
                    self._import_for(file)
        except _FAILURES:
            return False
        return True

    def _import_for(self, file: str) -> None:
        """Import what a module imports at its top level: from the zip and, since Python 3.10, the standard library."""
        import ast
        import importlib

        library = getattr(sys, "stdlib_module_names", ())  # new in Python 3.10
        names: List[str] = []
        for node in ast.parse(self._zip.read(file)).body:
            if isinstance(node, ast.Import):
                names += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.append(node.module)
        for name in names:
            if self._file_of(name)[0] or name.partition(".")[0] in library:
                try:
                    importlib.import_module(name)
                except _FAILURES:
                    continue  # the module fails with its own message

    def move_to(self, path: str) -> None:
        """Make what was imported look as if it came from the zip at a path, which the module's process has written.

        What the module imports later comes from that file.
        """
        self._moved = True
        # only what this zip has loaded: each module object that is touched costs this process memory of its own
        for name in self._codes:
            module = sys.modules.get(name)
            spec = getattr(module, "__spec__", None)
            if module is not None and spec is not None and spec.loader is self:
                module.__file__ = os.path.join(path, spec.origin)
                if hasattr(module, "__path__"):
                    module.__path__ = [os.path.join(path, *name.split("."))]
