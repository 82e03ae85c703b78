# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""Build ``async_job`` from a job's record and from what its spools and its progress file hold at this moment."""

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from ..model.errors import JobError
from ..model.output import (
    Cursor,
    Piece,
    decode_output,
    missing_bytes,
    output_lines,
    plan_reads,
    tail_begin,
    tail_lines,
    total_bytes,
)
from ..model.progress import measure_progress
from ..model.record import Record, View, elapsed_seconds, job_view, timestamp
from ..model.states import END_STATES, STATE_SUCCEEDED
from ..system.kernel import System, process_usage
from ..system.spool import spool_pieces
from ..system.store import PROGRESS_FILE, Directory

HISTORY_DIR = "history"
_TAIL_BYTES = 65536  # read from the end of a stream for its last lines
# read from a cursor on for one status; the next status continues from there
_SINCE_BYTES = 1 << 20
_PARTIAL_BYTES = 1 << 20  # of each stream in the result of a job that did not end by itself
_HISTORY_KEPT = 20
_HISTORY_BYTES = 4096
_MAX_TAIL_LINES = 10000


class Excerpt(NamedTuple):
    """How much of the output a caller wants: the last *tail_lines* lines or, if there is a cursor, all since then."""

    tail_lines: int
    cursor: Optional[Cursor]


DEFAULT_EXCERPT = Excerpt(10, None)


def check_tail_lines(count: int) -> None:
    """Raise JobError if the number of lines is negative or above 10000."""
    if not 0 <= count <= _MAX_TAIL_LINES:
        raise JobError(f"tail_lines: {count} is out of range; give 0 to {_MAX_TAIL_LINES}")


class _Stream:
    """The spool of one stream as it is at this moment: its pieces, its path, and when it last grew (seconds).

    names: those in the job directory. Without a job directory, the stream is empty.
    """

    def __init__(self, job_dir: Optional[Directory], name: str, names: List[str]) -> None:
        self._dir = job_dir
        self.pieces: List[Piece] = []
        self.path = job_dir.join(name) if job_dir else None
        self.changed: Optional[float] = None
        self._tail: Optional[bytes] = None
        for start, piece in spool_pieces(names, name):
            if job_dir:
                try:
                    info = job_dir.system.stat(piece, dir_fd=job_dir.fd, follow_symlinks=False)
                except FileNotFoundError:
                    continue  # removed for newer output after its name was read: now it is part of the gap
                self.pieces.append(Piece(start, info.st_size, piece))
                self.changed = max(self.changed or 0.0, info.st_mtime)

    def _chunks(self, begin: int, limit: int) -> List[Tuple[int, bytes]]:
        """Return what is kept from a stream offset on, at most *limit* bytes: (offset, bytes), in order."""
        starts = {piece.name: piece.start for piece in self.pieces}
        chunks = []
        for name, offset, count in plan_reads(self.pieces, begin, limit):
            data = self._dir.read_file(name, offset, count) if self._dir else None
            if data:
                chunks.append((starts[name] + offset, data))
        return chunks

    def read(self, begin: int, limit: int) -> bytes:
        """Return what is kept from a stream offset on, at most *limit* bytes."""
        return b"".join(data for _start, data in self._chunks(begin, limit))

    def since(self, begin: int, to_the_end: bool) -> Tuple[bytes, int]:
        """Return the output since an offset, and the offset after it.

        Only whole lines are returned, unless to_the_end says that the stream has ended. At most ``_SINCE_BYTES`` are
        read.
        """
        chunks = self._chunks(begin, _SINCE_BYTES)
        data, left, behind = b"", 0, begin
        for start, chunk in chunks:
            if data and start > behind and not data.endswith(b"\n"):
                # a line that is cut off by a gap does not continue in the output after the gap
                data += b"\n"
            data += chunk
            left += len(chunk)
            behind = start + len(chunk)
        full = left >= _SINCE_BYTES
        if full or not to_the_end:
            whole = data.rfind(b"\n") + 1
            if whole or not full:  # a line that is longer than _SINCE_BYTES is returned in parts
                left -= len(data) - whole
                data = data[:whole]
        position = begin
        for start, chunk in chunks:
            if left > 0:
                position = start + min(left, len(chunk))
                left -= len(chunk)
        return data, position

    def tail(self) -> bytes:
        """Return the last ``_TAIL_BYTES`` that are kept. They are read only once."""
        if self._tail is None:
            self._tail = self.read(tail_begin(self.pieces, _TAIL_BYTES), _TAIL_BYTES)
        return self._tail


def _streams(job_dir: Optional[Directory]) -> List[_Stream]:
    """Return stdout and stderr of a job, as they are at this moment."""
    names = job_dir.names() if job_dir else []
    return [_Stream(job_dir, name, names) for name in ("stdout", "stderr")]


def output_view(
    job_dir: Optional[Directory],
    excerpt: Excerpt,
    ended: bool,
    streams: Optional[List[_Stream]] = None,
) -> Dict[str, Any]:
    """Return ``async_job.output``: the excerpt, and sizes, paths and cursor of both streams.

    ended: whether the job has; its last lines are then whole. streams: those of the job, if they were opened already.
    """
    streams = streams or _streams(job_dir)
    lines, positions = [], []
    for index, stream in enumerate(streams):
        begin = 0 if excerpt.cursor is None else excerpt.cursor[index]
        if excerpt.cursor is None:
            tail = stream.tail()
            lines.append(tail_lines(tail, excerpt.tail_lines))
            unfinished = 0 if ended else len(tail) - (tail.rfind(b"\n") + 1)
            positions.append(total_bytes(stream.pieces) - unfinished)
        else:
            data, position = stream.since(begin, ended)
            lines.append(output_lines(data))
            positions.append(position)
    stdout, stderr = streams
    return {
        "stdout_tail": lines[0],
        "stderr_tail": lines[1],
        "stdout_bytes": total_bytes(stdout.pieces),
        "stderr_bytes": total_bytes(stderr.pieces),
        "stdout_path": stdout.path,
        "stderr_path": stderr.path,
        "truncated": bool(missing_bytes(stdout.pieces) or missing_bytes(stderr.pieces)),
        "cursor": str(Cursor(positions[0], positions[1])),
    }


def partial_output(job_dir: Directory, stream_name: str) -> str:
    """Return the newest ``_PARTIAL_BYTES`` of what a job printed on a stream, as text.

    If older output is left out, the first line says so.
    """
    stream = _Stream(job_dir, stream_name, job_dir.names())
    total = total_bytes(stream.pieces)
    begin = tail_begin(stream.pieces, _PARTIAL_BYTES)
    text = decode_output(stream.read(begin, _PARTIAL_BYTES))
    kept_before = begin - min((p.start for p in stream.pieces), default=0)
    if kept_before > 0 and total > _PARTIAL_BYTES:
        return f"[the first {total - _PARTIAL_BYTES} of {total} bytes are left out here]\n{text}"
    return text


def progress_view(
    system: System,
    job_dir: Directory,
    record: Record,
    elapsed: Optional[float],
    streams: Optional[List[_Stream]] = None,
) -> Optional[Dict[str, Any]]:
    """Return ``async_job.progress``, measured now from what the job wrote and from earlier jobs of its name.

    None if nothing tells it. streams: those of the job, if they were opened already.
    """
    report, updated = "", None
    try:
        info = system.stat(PROGRESS_FILE, dir_fd=job_dir.fd, follow_symlinks=False)
    except FileNotFoundError:
        pass
    else:
        if info.st_size:
            begin = max(0, info.st_size - _TAIL_BYTES)
            report = decode_output(job_dir.read_file(PROGRESS_FILE, begin, _TAIL_BYTES) or b"")
            updated = info.st_mtime
    stream, errors = streams or _streams(job_dir)
    # many programs print their progress on stderr; lines of stdout come last, so they are preferred
    lines = output_lines(errors.tail())[-100:] + output_lines(stream.tail())[-100:]
    if updated is None:
        updated = max(
            (moment for moment in (stream.changed, errors.changed) if moment is not None),
            default=None,
        )
    if record["state"] == STATE_SUCCEEDED:
        durations: List[float] = []
    else:
        durations = history(job_dir, record["name"])
    return measure_progress(
        report,
        record["progress_regex"],
        lines,
        durations,
        elapsed or 0.0,
        None if updated is None else timestamp(updated),
    )


def _history_file(name: str) -> str:
    """Return the name of the file with the durations of the jobs of a name."""
    import hashlib

    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()


def history(job_dir: Directory, name: Optional[str]) -> List[float]:
    """Return how many seconds earlier jobs of this name took, the newest last."""
    if not name:
        return []
    try:
        with job_dir.parent() as private, private.child(HISTORY_DIR) as directory:
            text = directory.read_file(_history_file(name), limit=_HISTORY_BYTES) or b""
        return [float(line) for line in text.split()]
    except (OSError, ValueError, JobError):
        return []  # the history is only for estimates, which can be left out


def remember_duration(private: Directory, name: str, seconds: float) -> None:
    """Add a successful job's duration to the history of its name."""
    with private.child(HISTORY_DIR, create=True) as directory:
        known = (directory.read_file(_history_file(name)) or b"").split()[-_HISTORY_KEPT + 1 :]
        directory.write_file(_history_file(name), b"\n".join(known + [b"%.3f" % seconds]))


def show(
    system: System,
    job_dir: Directory,
    record: Record,
    supervised: bool,
    excerpt: Excerpt = DEFAULT_EXCERPT,
) -> View:
    """Return ``async_job`` of a job of ours as it is at this moment. supervised: whether its supervisor lives."""
    ended = record["state"] in END_STATES
    elapsed = elapsed_seconds(record, system.boot_id(), system.time(), system.monotonic())
    usage = record["usage"]
    if not ended and record["process"]:
        usage = process_usage(system, record["process"]["pid"])
    streams = _streams(job_dir)
    progress = progress_view(system, job_dir, record, elapsed, streams)
    output = output_view(job_dir, excerpt, ended, streams)
    return job_view(record, elapsed, supervised, progress, output, usage)
