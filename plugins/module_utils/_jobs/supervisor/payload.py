# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""The module that Ansible built: how it is recognised, and how it is run in a process of its own."""

import io
import os
import signal
import sys
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ..model.core_formats import guess_no_log, is_ansiballz, module_name, payload_zip
from ..model.errors import NO_SPACE_ERRORS, JobError, Refused
from ..system.kernel import System
from ..system.spool import SpoolWriter
from ..system.store import (
    ARGUMENTS_FILE,
    EXIT_FILE,
    MODULE_STDERR_FILE,
    NO_SPACE_FILE,
    PAYLOAD_DIRS_FILE,
    PAYLOAD_FILE,
    Directory,
    write_all,
)
from .tap import install_tap

_HEAD_BYTES = 8192
_STDERR_KEPT = 1 << 20  # bytes of a module's own stderr that are kept for its result


class Payload:
    """A module to run.

    command: what a shell would run. code: the text of a Python payload that this interpreter can run itself,
    None for all else. module: its full name, where the payload tells. no_log: whether nothing that it prints may be kept.
    text: the payload, or its beginning, for the module's name. path: "" where the module came without a file; if it
    cannot be run from memory, ``files`` has its files.
    """

    name: Optional[str] = None  # the name of its step
    environ: Mapping[str, str] = {}  # variables that it has besides the environment of the task
    shared: Any = None  # the SharedZip that has imported its zip before its process began
    files: Mapping[str, bytes] = {}  # contents by names, to be written into the job directory

    def __init__(
        self, command: List[str], path: str, code: Optional[bytes], text: bytes, no_log: bool
    ) -> None:
        self.command = command
        self.path = path
        self.code = code
        self.no_log = no_log
        self.module = module_name(path, text)

    def command_in(self, job_dir: Directory) -> List[str]:
        """Write the payload's files into the job directory, which is private. Return the command that runs it."""
        command = list(self.command)
        for name, content in self.files.items():
            job_dir.remove_file(name)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            fd = job_dir.open_file(name, flags, 0o700 if name == PAYLOAD_FILE else 0o600)
            try:
                write_all(job_dir.system, fd, content)
            finally:
                job_dir.system.close(fd)
            command.append(job_dir.join(name))
        return command


def shebang(head: bytes) -> List[str]:
    """Return the words of a script's first line: interpreter and its one argument; [] if it has no such line.

    One argument, however many words: execve(2).
    """
    if not head.startswith(b"#!"):
        return []
    return head[2:].split(b"\n", 1)[0].decode("utf-8", "surrogateescape").strip().split(None, 1)


_known_interpreters: Dict[Tuple[str, ...], bool] = {}


def _runs_here(interpreter: List[str]) -> bool:
    """Return whether the interpreter would be this process's Python, in the same virtual environment."""
    words = tuple(interpreter)
    if words not in _known_interpreters:
        _known_interpreters[words] = _is_this(interpreter)
    return _known_interpreters[words]


def _is_this(interpreter: List[str]) -> bool:
    if len(interpreter) != 1 or not sys.executable:
        return False
    if os.path.abspath(interpreter[0]) == sys.executable:
        return True
    in_venv = sys.prefix != sys.base_prefix
    other_venv = os.path.exists(os.path.join(os.path.dirname(interpreter[0]), "..", "pyvenv.cfg"))
    return (
        not in_venv
        and not other_venv
        and os.path.realpath(interpreter[0]) == os.path.realpath(sys.executable)
    )


def read_payload(command: List[str], path: str) -> Payload:
    """Return the module at a path. Raise JobError if it cannot be read, or if ``command`` does not name it.

    command: runs the module. Where it begins with the module's path, the interpreter of its first line is added.
    """
    try:
        with open(path, "rb") as source:
            text = source.read(_HEAD_BYTES)
            ansiballz = is_ansiballz(text)
            position = command.index(path)
            # all of it if it may be run from memory or, since there is no arguments file, holds its own arguments
            if ansiballz or len(command) == position + 1:
                text += source.read()
        args = b""
        if len(command) > position + 1:
            with open(command[position + 1], "rb") as source:
                args = source.read()
    except OSError as error:
        raise Refused("read the module's payload", error.filename or path, error) from error
    except ValueError:
        raise JobError(f"the command {command!r} does not name the module {path}") from None
    interpreter = command[:position] or shebang(text)
    here = ansiballz and len(command) == position + 1 and _runs_here(interpreter)
    if not position:
        command = interpreter + command
    return Payload(
        command, path, text if here else None, text, guess_no_log(text) or guess_no_log(args)
    )


def payload_from_memory(
    style: str,
    shebang_line: Optional[str],
    text: bytes,
    args: Optional[bytes],
    module: Optional[str],
    no_log: bool,
) -> Payload:
    """Return a module that core built and that has no file on this host.

    style: core's word for its kind (module_common.py): new, old, binary, non_native_want_json, ... shebang_line: its
    first line. module: its full name; None to take the name that the payload tells. no_log: as the request tells it.
    """
    interpreter = shebang((shebang_line or "").encode("utf-8", "surrogateescape"))
    here = style == "new" and is_ansiballz(text) and _runs_here(interpreter)
    payload = Payload(interpreter, "", text if here else None, text, no_log)
    payload.module = module or payload.module
    if not here:
        files: Dict[str, bytes] = {PAYLOAD_FILE: text}
        if args is not None:
            files[ARGUMENTS_FILE] = args
        payload.files = files
    return payload


def note_payload_dirs(job_dir: str, shared: Any) -> None:
    """Wrap ``tempfile.mkdtemp``, so that the temporary directory of an AnsiballZ can be removed if it is killed.

    The wrapper appends its path to a file in the job directory. shared: the SharedZip that has imported the zip, or
    None; it is told where the zip is on disk.
    """
    import tempfile

    make = tempfile.mkdtemp

    def mkdtemp(*args: Any, **options: Any) -> Any:
        path = make(*args, **options)
        archive = payload_zip(path) if isinstance(path, str) else None
        if archive is not None:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
            fd = os.open(os.path.join(job_dir, PAYLOAD_DIRS_FILE), flags, 0o600)
            try:
                os.write(fd, os.fsencode(os.path.realpath(path)) + b"\n")
            finally:
                os.close(fd)
            if shared is not None:
                shared.move_to(archive)
        return path

    tempfile.mkdtemp = mkdtemp


def forget_other_payloads() -> None:
    """Unload every ``ansible`` and collection module from this process, so that the payload imports its own.

    They come from the AnsiballZ in which this library runs as an ordinary module, or from the zip of other payloads.
    """
    for name in list(sys.modules):
        if name.partition(".")[0] in ("ansible", "ansible_collections"):
            del sys.modules[name]
    sys.meta_path[:] = [
        finder for finder in sys.meta_path if not getattr(finder, "of_payload", False)
    ]


def run_python(path: str, code: bytes) -> int:
    """Run an AnsiballZ in this process as a fresh interpreter would. Return its exit status.

    path: "" if it has no file: then it runs as if it had been read from the standard input.
    """
    main = type(sys)("__main__")
    main.__dict__.update(__builtins__=__builtins__)
    if path:
        main.__dict__.update(__file__=path)
    sys.modules["__main__"] = main
    sys.argv = [path]
    if path and sys.path:
        sys.path[0] = os.path.dirname(path)
    status = 1
    try:
        # runs the user's module, as the interpreter would
        exec(compile(code, path or "<stdin>", "exec", dont_inherit=True), main.__dict__)
        status = 0
    except SystemExit as ending:
        if ending.code is None:
            status = 0
        elif isinstance(ending.code, int):
            status = ending.code & 0xFF
        else:
            sys.stderr.write(f"{ending.code}\n")
    finally:
        error = sys.exc_info()
        if error[0] is not None and not isinstance(error[1], SystemExit):
            sys.excepthook(*error)
        status = _end_interpreter(status)
    return status


def _end_interpreter(status: int) -> int:
    """Do what an interpreter does at its end: join threads, run exit functions, flush streams.

    Return the exit status: the one given or, if a stream cannot be flushed and the status was 0, 120.
    """
    import atexit
    import threading

    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):  # a full disk; a stream that the module closed
            status = status or 120  # the exit status of CPython then, see Py_FinalizeEx
    return status


def run_command(system: System, command: List[str], job_dir: Directory, limit: int) -> int:
    """Run any other module in a child of this process. Return its exit status, -N if signal N ended it.

    This process stays and holds the module's lock, which the module's own children must not inherit. limit: the
    bytes that the spool of its stderr may have.
    """
    notice = child_end_notice()  # before the fork, so that an early end is not missed
    reader, writer = system.pipe()
    pid = system.fork()
    if pid == 0:
        try:
            system.dup2(writer, 2)
            for number in (signal.SIGPIPE, signal.SIGXFSZ):
                # Python itself ignores them, but what it starts must not
                signal.signal(number, signal.SIG_DFL)
            os.execvp(command[0], command)
        except OSError as error:
            os.write(2, str(Refused("run", command[0], error)).encode("utf-8", "replace"))
        finally:
            system.exit(127)
    # SIGTERM goes to the whole tree: this process must outlive the module, to read the last of its stderr
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    system.close(writer)
    spool = SpoolWriter(job_dir.path, "stderr", limit)
    kept = job_dir.open_file(MODULE_STDERR_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    room = _STDERR_KEPT
    status: Optional[int] = None
    while status is None:
        ready = system.select([reader, notice] if reader >= 0 else [notice], None)
        if reader in ready:
            data = system.read(reader, 65536)
            if data:
                spool.write(data)
                room -= _write_some(kept, data[: max(0, room)])
            else:
                system.close(reader)
                reader = -1
        if notice in ready:
            system.read(notice, 512)
            ended, code, _unused = system.wait4(pid, os.WNOHANG)
            if ended == pid:
                status = -os.WTERMSIG(code) if os.WIFSIGNALED(code) else os.WEXITSTATUS(code)
    while reader >= 0 and reader in system.select(
        [reader], 0
    ):  # written before its end, not yet read
        data = system.read(reader, 65536)
        if not data:
            break
        spool.write(data)
        room -= _write_some(kept, data[: max(0, room)])
    return status


def _write_some(fd: int, data: bytes) -> int:
    """Write as much as the disk has room for. Return the bytes written: a full disk must not end the job."""
    try:
        return os.write(fd, data)
    except OSError:
        return 0


def child_end_notice() -> int:
    """Return a descriptor that becomes readable when a child of this process ends."""
    reader, writer = os.pipe()
    for fd in (reader, writer):
        os.set_blocking(fd, False)
    signal.set_wakeup_fd(writer)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    return reader


def _make_room_for_result(job_dir: Directory) -> Any:
    """Replace ``sys.stdout`` by one that uses the blocks set aside in the job directory when the disk is full.

    The module prints its result there. Return a function that tells whether a write failed all the same.
    """
    refusals: List[int] = []

    class Result(io.FileIO):
        def write(self, data: Any) -> Any:
            try:
                return super().write(data)
            except OSError as error:
                if error.errno not in NO_SPACE_ERRORS:
                    raise
                job_dir.release()
            try:
                return super().write(data)
            except OSError as error:
                refusals.append(error.errno or 0)
                raise

    result = io.BufferedWriter(Result(1, "w", closefd=False))
    sys.stdout = io.TextIOWrapper(
        result, encoding=sys.stdout.encoding, errors=sys.stdout.errors, newline="\n"
    )
    sys.__stdout__ = sys.stdout  # type: ignore[misc]  # the same object, as in a fresh interpreter
    return lambda: bool(refusals)


def _stdout_is_refused() -> bool:
    """Return whether the disk is too full for one more byte of stdout."""
    try:
        size = os.fstat(1).st_size
        os.write(1, b"\n")
        os.ftruncate(1, size)
    except OSError as error:
        return error.errno in NO_SPACE_ERRORS
    return False


def run_payload(
    system: System, payload: Payload, job_dir: Directory, limit: int, tap_text: str
) -> None:
    """Run the module in this process, write its exit status into the job directory, and exit. Does not return.

    limit: the bytes that each spool may have. tap_text: see ``install_tap``.
    """
    status = 1
    module = system.getpid()
    refused_result = _stdout_is_refused
    try:
        if payload.code is not None:
            refused_result = _make_room_for_result(job_dir)
            if payload.shared is None:
                forget_other_payloads()
            note_payload_dirs(job_dir.path, payload.shared)
            install_tap(job_dir.path, limit, tap_text)
            status = run_python(payload.path, payload.code)
        else:
            status = run_command(system, payload.command_in(job_dir), job_dir, limit)
    finally:
        # a process that the module forked may get here, too; it must leave no status
        if system.getpid() == module:
            _leave_status(system, job_dir, status, refused_result())
        system.exit(status if status >= 0 else 1)


def _leave_status(system: System, job_dir: Directory, status: int, no_space: bool) -> None:
    """Write the exit status into the job directory. no_space: whether a full disk cut off the module's result."""
    try:
        if no_space:
            system.close(job_dir.open_file(NO_SPACE_FILE, os.O_WRONLY | os.O_CREAT))
        fd = job_dir.open_file(EXIT_FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        system.write(fd, str(status).encode("ascii"))
    except (OSError, JobError):
        pass  # the disk is full, or the job was removed; a supervisor that lives sees the end by itself
