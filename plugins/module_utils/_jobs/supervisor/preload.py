# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""What jobs that are started together share: the module_utils of their AnsiballZ, imported once, before they part.

An AnsiballZ holds a zip of its module and of all module_utils that it needs. Importing those takes most of the time and
of the memory that a small module needs. Payloads that differ in nothing but their arguments hold the same zip.
"""

import binascii
import os
import sys
from typing import Any, Dict, List, Optional, Tuple

from ..model.core_formats import ANSIBALLZ_ENTRIES

# of the standard library, what every AnsiballZ imports besides
_ALWAYS = ("base64", "runpy", "shutil", "tempfile", "zipfile")
_PACKAGES = ("ansible", "ansible_collections")
# what module_utils raise where they do not like a host: their module will say so itself
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
    """Its imports made; None where that fails: then each payload finds out for itself. module: the full name of its module.

    What looks like the zip of a payload may be an argument of its module.
    """
    from zipfile import BadZipFile

    try:
        shared = SharedZip(encoded)
    except (ValueError, BadZipFile):
        return None
    return shared if shared.load(module) else None


class SharedZip:
    """Imports what is in the zip of an AnsiballZ from memory; for payloads with this very zip, and no others."""

    of_payload = True  # by this, a payload that has another zip knows what it must not find

    def __init__(self, encoded: bytes) -> None:
        import io
        import zipfile

        self.encoded = encoded
        self._zip = zipfile.ZipFile(io.BytesIO(binascii.a2b_base64(encoded)))
        self._files = frozenset(self._zip.namelist())
        self._codes: Dict[str, Any] = {}
        self._moved = False

    def _file_of(self, name: str) -> Tuple[Optional[str], bool]:
        """The file of a module, and whether it is a package."""
        path = name.replace(".", "/")
        for file, is_package in ((f"{path}/__init__.py", True), (f"{path}.py", False)):
            if file in self._files:
                return file, is_package
        return None, False

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Optional[Any]:
        file, is_package = self._file_of(name)
        ours = name.partition(".")[0] in _PACKAGES and (name in self._codes or not self._moved)
        if file is None or not ours:
            return None
        spec_class: Any = type(sys.__spec__)
        spec = spec_class(name, self, origin=file, is_package=is_package)
        spec.has_location = True
        return spec

    def create_module(self, _spec: Any) -> None:
        return None

    def exec_module(self, module: Any) -> None:
        exec(self.get_code(module.__name__), module.__dict__)

    def get_code(self, name: str) -> Any:
        """Also for runpy: that of the module itself is compiled once for all."""
        if name not in self._codes:
            file = self._file_of(name)[0]
            if file is None:
                raise ImportError(f"the payload has no module {name}", name=name)
            self._codes[name] = compile(self._zip.read(file), file, "exec", dont_inherit=True)
        return self._codes[name]

    def load(self, module: Optional[str]) -> bool:
        """Import what its payloads will; False if that fails. module: its full name; its code is made, too."""
        import contextlib
        import importlib
        import io

        sys.meta_path.insert(0, self)
        entry = next((name for name in ANSIBALLZ_ENTRIES if self._file_of(name)[0]), None)
        try:
            # basic prints what it has against a Python that is too old
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
        """What a module imports whatever happens: of what came with it, and of the standard library where that is known."""
        import ast
        import importlib

        library = getattr(sys, "stdlib_module_names", ())  # from Python 3.10 on
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
                    continue  # the module will say so itself

    def move_to(self, path: str) -> None:
        """In a module's process: this is where its own file of the zip is, for all that is imported later."""
        self._moved = True
        for (
            name
        ) in (
            self._codes
        ):  # not all modules that there are: what is touched is copied into this process
            module = sys.modules.get(name)
            spec = getattr(module, "__spec__", None)
            if module is not None and spec is not None and spec.loader is self:
                module.__file__ = os.path.join(path, spec.origin)
                if hasattr(module, "__path__"):
                    module.__path__ = [os.path.join(path, *name.split("."))]
