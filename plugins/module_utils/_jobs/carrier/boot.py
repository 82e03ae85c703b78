# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""The first part of the program that the carrier sends: load this library from the program's text, answer the request.

It imports nothing of the library, which can be imported only once this has run. Compiling the library takes longer
than most requests, so the compiled code is kept in the async dir, and the next request need not bring the library.
Kept code is used only if nobody but this user can have written it. Nothing is imported here that takes time.
"""

import binascii
import gc
import json
import marshal
import os
import sys
import zlib

TYPE_CHECKING = False
if TYPE_CHECKING:  # never at run time: importing typing takes longer than all of this
    from typing import Any, Dict, List, Optional, Sequence

CARRIED_PACKAGE = "longrun_jobs"
KEPT = "_library_kept"  # key of an answer: whether the next request may come without the library
_KEPT_SECONDS = (
    7 * 86400
)  # after this time, code of another Python, or of another version of this, is removed


_UNTYPED = "carrier.untyped"  # the part that replaces typing while the others are loaded


def claim_descriptors() -> None:
    """Open /dev/null on each of the descriptors 0 to 2 that is closed.

    Otherwise the first files that this process opens would get these numbers, and it later replaces 0 to 2 by
    /dev/null.
    """
    while True:
        fd = os.open(os.devnull, os.O_RDWR)
        if fd > 2:
            os.close(fd)
            return
        os.set_inheritable(fd, True)


class CarriedLibrary:
    """A finder and loader (PEP 302, 451) of this library's modules, here called parts by their names in the package.

    packed: the texts of all parts as JSON, deflated, in base64. codes: marshalled code of the parts that are compiled
    already; others are compiled when they are imported. texts: those of all parts, in place of *packed*.
    """

    def __init__(
        self, packed: str, codes: "Dict[str, bytes]", texts: "Optional[Dict[str, str]]" = None
    ) -> None:
        self._packed = packed
        self._texts = texts
        self._codes = codes
        names = self._codes or self.texts
        self._packages = {name.rpartition(".")[0] for name in names}

    @property
    def texts(self) -> "Dict[str, str]":
        """The texts of all parts, by their names."""
        if self._texts is None:
            text = zlib.decompress(binascii.a2b_base64(self._packed)).decode("utf-8")
            self._texts = json.loads(text)
        return self._texts

    def text_of(self, parts: "Sequence[str]") -> str:
        """Return some parts as one text, without their imports of each other.

        parts: their names, each after those that it imports.
        """
        lines: List[str] = []
        for part in parts:
            lines += [x for x in self.texts[part].splitlines() if not x.startswith("from .")]
        return "\n".join(lines)

    def code(self, part: str) -> bytes:
        """Return the marshalled code of a part, without docstrings."""
        if part not in self._codes:
            name = f"<{CARRIED_PACKAGE}.{part}>"
            code = compile(self.texts[part], name, "exec", dont_inherit=True, optimize=2)
            self._codes[part] = marshal.dumps(code)
        return self._codes[part]

    def find_spec(self, name: str, path: "Any" = None, target: "Any" = None) -> "Optional[Any]":
        """Return the spec of a part; None for a module of any other package."""
        package, _unused, part = name.partition(".")
        if package != CARRIED_PACKAGE or (part not in self._codes and part not in self.texts):
            return None
        # importlib.machinery.ModuleSpec, without the time that importing it takes
        spec_class: Any = type(sys.__spec__)
        return spec_class(name, self, is_package=part in self._packages)

    def create_module(self, _spec: "Any") -> None:
        """Return None: Python makes the module object as usual."""
        return

    def exec_module(self, module: "Any") -> None:
        """Run the code of a part, with a stand-in for typing unless typing is imported already."""
        part = module.__name__.partition(".")[2]
        code = marshal.loads(self.code(part))
        if part in ("", _UNTYPED) or "typing" in sys.modules:
            exec(code, module.__dict__)
            return
        from longrun_jobs.carrier.untyped import Untyped  # type: ignore[import-not-found]

        sys.modules["typing"] = Untyped("typing")
        try:
            exec(code, module.__dict__)
        finally:
            del sys.modules["typing"]  # a module that a job runs must import the real one


class KeptLibrary:
    """The file that keeps the compiled library for this version of Python.

    directory: ``.longrun`` in the async dir, which may begin with ``~/``; it is not created here. digest: that of the
    library's texts.
    """

    def __init__(self, directory: str, digest: str) -> None:
        home = os.environ.get("HOME")
        # other forms of ~ stay as they are: no such directory exists, and nothing is kept
        if directory.startswith("~/") and home:
            directory = home + directory[1:]
        self._directory = directory
        self._name = f"library-{sys.hexversion:x}-{digest}.code"

    def _open_directory(self) -> int:
        """Return a descriptor of the directory. Raise OSError if it does not exist, or another user may write there."""
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW
        fd = os.open(self._directory, flags)
        info = os.fstat(fd)
        if info.st_uid != os.geteuid() or info.st_mode & 0o022:
            os.close(fd)
            raise OSError("others may write here")
        return fd

    def read(self, texts: "Optional[Dict[str, str]]" = None) -> "Optional[CarriedLibrary]":
        """Return the kept library, or None if there is none that can be trusted. texts: see CarriedLibrary."""
        try:
            directory = self._open_directory()
            try:
                flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
                fd = os.open(self._name, flags, dir_fd=directory)
            finally:
                os.close(directory)
            with open(fd, "rb") as source:
                info = os.fstat(fd)
                data = source.read()
        except OSError:
            return None
        # a file that a power cut has damaged must not reach marshal, which checks nothing
        whole = data[:8] == b"%08x" % zlib.crc32(data[8:])
        if info.st_uid != os.geteuid() or info.st_mode & 0o022 or not whole:
            return None
        packed, codes = marshal.loads(data[8:])
        return CarriedLibrary(packed, codes, texts)

    def write(self, packed: str, library: CarriedLibrary) -> bool:
        """Keep a library, in full or not at all. Return False if that fails: the next request brings it again."""
        data = marshal.dumps((packed, {part: library.code(part) for part in library.texts}))
        temporary = f".{self._name}.{os.getpid()}"
        try:
            directory = self._open_directory()
            try:
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
                fd = os.open(temporary, flags, 0o600, dir_fd=directory)
                try:
                    with open(fd, "wb") as target:
                        target.write(b"%08x" % zlib.crc32(data) + data)
                    os.rename(temporary, self._name, src_dir_fd=directory, dst_dir_fd=directory)
                except OSError:
                    os.unlink(temporary, dir_fd=directory)  # a full disk may have cut it off
                    raise
                self._sweep(directory)
            finally:
                os.close(directory)
        except OSError:
            return False
        return True

    @staticmethod
    def _sweep(directory: int) -> None:
        """Remove libraries that were kept long ago. directory: a descriptor."""
        import time

        names: List[str] = os.listdir(directory)
        for name in names:
            if name.lstrip(".").startswith("library-"):
                age = time.time() - os.stat(name, dir_fd=directory, follow_symlinks=False).st_mtime
                if age > _KEPT_SECONDS:
                    os.unlink(name, dir_fd=directory)


def boot(
    packed: "Optional[str]", digest: str, directory: str, request: str, texts: "List[str]"
) -> None:
    """Load the library, answer the request on the standard output, and exit. Does not return.

    packed: see CarriedLibrary; None if the library should be kept here: if it is not, the answer says only that.
    digest: that of its texts. directory: where it may be kept. request: JSON, deflated, in base64. texts: those that
    the request refers to by number.
    """
    claim_descriptors()
    gc.disable()  # until everything is imported: collecting would free nothing of that
    keeper = KeptLibrary(directory, digest)
    library = keeper.read()
    kept = library is not None
    if library is None:
        if packed is None:
            sys.stdout.write(json.dumps({KEPT: False}) + "\n")
            sys.stdout.flush()
            os._exit(0)
        library = CarriedLibrary(packed, {})
    sys.meta_path.insert(0, library)
    # found by the library, which is a finder from here on
    from longrun_jobs.requests.operations import answer_to, say  # type: ignore[import-not-found]

    parsed = json.loads(zlib.decompress(binascii.a2b_base64(request)).decode("utf-8"))
    answer = answer_to(parsed, texts, library)
    if packed is not None:
        answer[KEPT] = kept or keeper.write(packed, library)
    say(answer)
    # an interpreter's ordinary exit would take longer than the request did
    os._exit(0)
