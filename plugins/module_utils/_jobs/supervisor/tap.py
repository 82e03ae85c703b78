# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""Live output of an unmodified module: what it reads from the pipes of its commands is also written to the spools.

Runs in the module's process. A module that starts itself again under another interpreter takes this text along.
"""

import io
import os
import sys
from typing import Any, Dict, Iterable, Optional

from ..model.core_formats import asks_for_locales, is_respawn, is_run_command, no_log_values
from ..model.output import Redactor
from ..system.spool import SpoolWriter

# the parts of this library that such a module takes along, each after those that it imports
TAP_PARTS = ("model.core_formats", "model.output", "system.spool", "supervisor.tap")
_READ_BYTES = 65536  # read at a time by ``readall``: as much as a pipe holds, see pipe(7)


class _TappedStream:
    """One pipe of one command: spools what was read, with the values that the module must not show replaced.

    lock: held while the spool is written, since a module may read in several threads. secrets: those values.
    """

    def __init__(self, writer: SpoolWriter, lock: Any, secrets: Iterable[bytes]) -> None:
        self._writer = writer
        self._lock = lock
        self._redactor = Redactor(secrets)

    def feed(self, data: bytes) -> None:
        """Spool what was read. b"" ends the stream."""
        shown = self._redactor.feed(data) if data else self._redactor.flush()
        if shown:
            with self._lock:
                self._writer.write(shown)


class _TappedFile(io.RawIOBase):
    """The raw file of a pipe. It feeds a stream with all that is read from it."""

    def __init__(self, raw: Any, stream: _TappedStream, taps: Dict[int, _TappedStream]) -> None:
        super().__init__()
        self._raw = raw
        self._stream = stream
        self._taps = taps
        taps[raw.fileno()] = stream

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return int(self._raw.fileno())

    def readinto(self, buffer: Any) -> Optional[int]:
        count = self._raw.readinto(buffer)
        if count is not None:
            view: Any = memoryview(buffer)[
                :count
            ]  # no copy is needed: it is spooled before this returns
            self._stream.feed(view)
        return count  # type: ignore[no-any-return]  # FileIO.readinto returns int or None

    def readall(self) -> Any:
        """Return all bytes until the end; None if the pipe does not block and is empty.

        The inherited method reads, and so spools, 8 KiB at a time, and in the end holds everything twice.
        """
        whole, buffer = io.BytesIO(), memoryview(bytearray(_READ_BYTES))
        count = self.readinto(buffer)
        if count is None:
            return None
        while count:
            whole.write(buffer[:count])
            count = self.readinto(buffer)
        return whole.getvalue()

    def close(self) -> None:
        if not self._raw.closed:
            self._taps.pop(self._raw.fileno(), None)
            self._raw.close()
            self._stream.feed(b"")
        super().close()


class _TappedKernel:
    """Stands in for ``os`` in the subprocess module, whose communicate() reads descriptors with ``os.read``."""

    def __init__(self, taps: Dict[int, _TappedStream]) -> None:
        self._taps = taps

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def read(self, fd: int, count: int) -> bytes:
        data = os.read(fd, count)
        stream = self._taps.get(fd)
        if stream is not None:
            stream.feed(data)
        return data


def _tapped_file(pipe: Any, stream: _TappedStream, taps: Dict[int, _TappedStream]) -> Any:
    """Return a file with the same layers (text, buffer) over the same pipe, its raw file replaced by a tapped one."""
    text = isinstance(pipe, io.TextIOWrapper)
    encoding, errors = (pipe.encoding, pipe.errors) if text else (None, None)
    binary = pipe.detach() if text else pipe
    buffered = isinstance(binary, io.BufferedReader)
    raw = binary.detach() if buffered else binary
    tapped: Any = _TappedFile(raw, stream, taps)
    if buffered:
        tapped = io.BufferedReader(tapped)
    return io.TextIOWrapper(tapped, encoding=encoding, errors=errors) if text else tapped


def _respawn_input(fd: int, directory: str, limit: int, tap_text: str) -> Any:
    """Return a file to be the standard input of a module that starts itself again: the tap, then the module's text.

    fd: the standard input that the module gives its new interpreter; it is read to its end.
    """
    pieces = []
    while True:
        piece = os.read(fd, 65536)
        if not piece:
            break
        pieces.append(piece)
    script = (
        "import sys\n"
        "if sys.version_info >= (3, 6):\n"
        f"    exec({tap_text!r})\n"
        f"    install_tap({directory!r}, {limit!r}, None)\n"
        f"exec(compile({b''.join(pieces)!r}, '<stdin>', 'exec'))\n"
    )
    import tempfile

    # a file without a name, so that none of the module's arguments stay on disk
    source = tempfile.TemporaryFile()
    source.write(script.encode("utf-8"))
    source.seek(0)
    return source


def _unread(pipes: Iterable[Any]) -> bool:
    """Return whether one of the pipes holds bytes that have not been read yet."""
    import fcntl
    import struct
    import termios

    for pipe in pipes:
        try:
            if pipe is not None and not pipe.closed:
                count = fcntl.ioctl(pipe.fileno(), termios.FIONREAD, struct.pack("i", 0))
                if struct.unpack("i", count)[0]:
                    return True
        except OSError:
            continue
    return False


def install_tap(directory: str, limit: int, tap_text: Optional[str]) -> None:
    """Wrap ``subprocess.Popen``, so that what is read from its pipes is spooled.

    directory: the job directory. limit: the bytes that each spool may have. tap_text: the source of this file and of
    those that it needs, to wrap a new interpreter's, too; None for the new interpreter itself.
    """
    import subprocess
    import threading

    lock = threading.Lock()
    taps: Dict[int, _TappedStream] = {}
    writers = [SpoolWriter(directory, name, limit) for name in ("stdout", "stderr")]
    untapped = subprocess.Popen

    class Popen(untapped):  # type: ignore[misc,valid-type]  # the class that is there, which may be wrapped already
        """``subprocess.Popen`` with tapped pipes."""

        stdout: Any
        stderr: Any

        def __init__(self, args: Any, *more: Any, **options: Any) -> None:
            stdin: Any = options.get("stdin")
            if tap_text and is_respawn(args, stdin) and not options.get("stdout"):
                options["stdin"] = _respawn_input(stdin, directory, limit, tap_text or "")
            super().__init__(args, *more, **options)
            if (self.stdout is not None or self.stderr is not None) and not asks_for_locales(args):
                secrets = no_log_values(sys._getframe(1))
                if self.stdout is not None:
                    self.stdout = _tapped_file(
                        self.stdout, _TappedStream(writers[0], lock, secrets), taps
                    )
                if self.stderr is not None:
                    self.stderr = _tapped_file(
                        self.stderr, _TappedStream(writers[1], lock, secrets), taps
                    )

        def poll(self) -> Any:
            """Return the exit status. Return None for an ended command of run_command whose output is not all read.

            AnsibleModule.run_command (module_utils/basic.py) stops reading if a select of one second finds nothing and
            the command has ended. What was printed in between would be lost; None makes it read again.
            """
            status = super().poll()
            if (
                status is not None
                and is_run_command(sys._getframe(1).f_code)
                and _unread((self.stdout, self.stderr))
            ):
                return None
            return status

    subprocess.Popen = Popen  # type: ignore[misc]  # every caller is to get the tapped class
    subprocess.os = _TappedKernel(taps)  # type: ignore[attr-defined]  # the name os in the subprocess module
