# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""The beginning of what the carrier sends: this library out of the text that came with it, and the request.

Stands alone: its text is put before the library's, and only then is there a package to import from. Compiling the
library takes longer than most requests do, so what was compiled is kept beside the jobs, for the next request, which
then need not bring it; it is believed only where nobody but this user can have written it. Nothing is imported here
that costs time.
"""

import binascii
import gc
import json
import marshal
import os
import sys
import zlib

TYPE_CHECKING = False
if TYPE_CHECKING:  # never at run time: typing takes longer to import than all of this
    from typing import Any, Dict, List, Optional, Sequence

CARRIED_PACKAGE = "longrun_jobs"
KEPT = "_library_kept"  # whether the next request may come without the library
# for so long, code of another Python, or of another version, is left where it is
_KEPT_SECONDS = 7 * 86400


_UNTYPED = "carrier.untyped"  # the part that stands in the place of typing while others are loaded


def claim_descriptors() -> None:
    """Open /dev/null on those of the descriptors 0 to 2 with which this process was not started.

    Otherwise the first files that it opens get these numbers, and later it would put /dev/null over them.
    """
    while True:
        fd = os.open(os.devnull, os.O_RDWR)
        if fd > 2:
            os.close(fd)
            return
        os.set_inheritable(fd, True)


class CarriedLibrary:
    """Finds and loads the modules of the package, each when it is first needed.

    packed: their texts, which are compiled then; unless they are given as they are. codes: what was compiled already,
    and marshalled.
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
        if self._texts is None:
            text = zlib.decompress(binascii.a2b_base64(self._packed)).decode("utf-8")
            self._texts = json.loads(text)
        return self._texts

    def text_of(self, parts: "Sequence[str]") -> str:
        """Some parts as one text, each behind those that it imports from."""
        lines: List[str] = []
        for part in parts:
            lines += [x for x in self.texts[part].splitlines() if not x.startswith("from .")]
        return "\n".join(lines)

    def code(self, part: str) -> bytes:
        """Without its docstrings, which nobody reads here."""
        if part not in self._codes:
            name = f"<{CARRIED_PACKAGE}.{part}>"
            code = compile(self.texts[part], name, "exec", dont_inherit=True, optimize=2)
            self._codes[part] = marshal.dumps(code)
        return self._codes[part]

    def find_spec(self, name: str, path: "Any" = None, target: "Any" = None) -> "Optional[Any]":
        package, _unused, part = name.partition(".")
        if package != CARRIED_PACKAGE or (part not in self._codes and part not in self.texts):
            return None
        # ModuleSpec, without the cost of importing importlib
        spec_class: Any = type(sys.__spec__)
        return spec_class(name, self, is_package=part in self._packages)

    def create_module(self, _spec: "Any") -> None:
        return None

    def exec_module(self, module: "Any") -> None:
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
            del sys.modules["typing"]  # whatever a job runs has the real one


class KeptLibrary:
    """The file that keeps the library for this very Python; its directory must be there already."""

    def __init__(self, directory: str, digest: str) -> None:
        home = os.environ.get("HOME")
        # another user's home, or an unknown one, has nothing of ours
        if directory.startswith("~/") and home:
            directory = home + directory[1:]
        self._directory = directory
        self._name = f"library-{sys.hexversion:x}-{digest}.code"

    def _open_directory(self) -> int:
        """OSError: it is not there, or somebody else could have put a file into it."""
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW
        fd = os.open(self._directory, flags)
        info = os.fstat(fd)
        if info.st_uid != os.geteuid() or info.st_mode & 0o022:
            os.close(fd)
            raise OSError("others may write here")
        return fd

    def read(self, texts: "Optional[Dict[str, str]]" = None) -> "Optional[CarriedLibrary]":
        """None where there is none that could be believed. texts: its own, where they are at hand."""
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
        # a file that a power cut left half written must not come to marshal, which believes everything
        whole = data[:8] == b"%08x" % zlib.crc32(data[8:])
        if info.st_uid != os.geteuid() or info.st_mode & 0o022 or not whole:
            return None
        packed, codes = marshal.loads(data[8:])
        return CarriedLibrary(packed, codes, texts)

    def write(self, packed: str, library: CarriedLibrary) -> bool:
        """All or nothing; False where that cannot be: then the next request brings it again."""
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
                    os.unlink(temporary, dir_fd=directory)  # what a full disk has taken of it
                    raise
                self._sweep(directory)
            finally:
                os.close(directory)
        except OSError:
            return False
        return True

    @staticmethod
    def _sweep(directory: int) -> None:
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
    """packed: the library's texts as JSON, deflated, in base64; None if it should be kept here. digest: its name.

    directory: where it may be kept. request: JSON, deflated, in base64. texts: what that refers to by number.
    """
    claim_descriptors()
    gc.disable()  # until all is imported: whatever that makes stays
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
    # only now there
    from longrun_jobs.requests.operations import answer_to, say  # type: ignore[import-not-found]

    told = json.loads(zlib.decompress(binascii.a2b_base64(request)).decode("utf-8"))
    answer = answer_to(told, texts, library)
    if packed is not None:
        answer[KEPT] = kept or keeper.write(packed, library)
    say(answer)
    # nothing is left to do: taking the interpreter down piece by piece would take longer than the request did
    os._exit(0)
