# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""The end of jobs on request: by their supervisors; by us, where those are gone; core's jobs as far as is safe."""

import signal
import time
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Set, Tuple

from ..inspection.core_job import CoreWrappers, core_finished, look_at_core_job, parse_job_file
from ..inspection.listing import (
    ACTIVE_STATES,
    FILTER_OPTIONS,
    Filter,
    Listing,
    duration_option,
    given_async_dir,
)
from ..inspection.look import Job, look_until_end
from ..inspection.view import DEFAULT_EXCERPT, Excerpt
from ..model.errors import JobError, Refused
from ..model.record import View, always_seconds, encode
from ..model.result import ended_result
from ..model.settings import DEFAULT_GRACE
from ..model.states import END_STATES, REASON_REQUEST, STATE_CANCELLED
from ..system.find import meant_dir
from ..system.kernel import System
from ..system.store import REQUEST_FILE, Directory
from ..system.tree import Process, descendants, end_tree, job_tree, signal_tree

_GOING_SECONDS = 60.0  # for a job that was started just now to get a supervisor of its own
_GOING_STEP = 0.01
_END_SECONDS = 20.0  # beyond its grace, for a supervisor to write down the end
# what programs give a meaning of their own: it would end those that do not
_NOTICES = tuple(
    int(getattr(signal, name)) for name in ("SIGHUP", "SIGUSR1", "SIGUSR2") if hasattr(signal, name)
)
CANCEL_OPTIONS: Dict[str, Dict[str, Any]] = dict(
    FILTER_OPTIONS,
    state=dict(FILTER_OPTIONS["state"], choices=list(ACTIVE_STATES)),
    async_dir={"type": "str"},
    jids={"type": "list", "elements": "str"},
    results_files={"type": "list", "elements": "str"},
    signal={"type": "str"},
    grace={"type": "str"},
)


class Meant(NamedTuple):
    """A job that is meant, by its place: of a thousand jobs not one is kept open."""

    async_dir: str
    jid: str

    def open(self, system: System) -> Job:
        """Open the job, which owns its async dir."""
        return Job.open(system, self.async_dir, self.jid)


def signal_number(name: str) -> int:
    """HUP, SIGHUP or 1. JobError names what is none of these."""
    text = name.strip().upper()
    try:
        if text.isdigit():
            return int(signal.Signals(int(text)))
        return int(signal.Signals[text if text.startswith("SIG") else f"SIG{text}"])
    except (KeyError, ValueError):
        raise JobError(f"signal: {name!r} is no signal; give a name such as HUP or USR1") from None


class Cancellation:
    """The end of one job on request. First all jobs are asked, then each is waited for: they end at the same time."""

    def __init__(self, system: System, meant: Meant, grace: Optional[float]) -> None:
        self._system = system
        self._meant = meant
        self._grace = grace
        self._deadline: Optional[float] = None
        self.warnings: List[str] = []

    def ask(self) -> None:
        """Ask the supervisor; a job that has none, or is core's, is ended here and now. JobError: it was not asked."""
        with self._meant.open(self._system) as job:
            try:
                self._ask(job, _look_once_going(job))
            except OSError as error:
                raise Refused("cancel", job.async_dir.join(job.jid), error) from error

    def _ask(self, job: Job, view: Dict[str, Any]) -> None:
        if view["state"] in END_STATES:
            return
        record = job.record()
        if record is None:
            cancel_core_job(job, DEFAULT_GRACE if self._grace is None else self._grace)
            return
        if not view["supervised"]:
            grace = float(record["grace"] if self._grace is None else self._grace)
            job.end_unsupervised(STATE_CANCELLED, REASON_REQUEST, grace)
            return
        grace = self._tell_grace(job, float(record["grace"]))
        supervisor = record["supervisor"]
        if supervisor is not None:
            # SIGCONT: one that was stopped would not hear of it
            for number in (signal.SIGTERM, signal.SIGCONT):
                self._system.kill(supervisor["pid"], supervisor["start"], number)
        self._deadline = self._system.monotonic() + grace + always_seconds(record) + _END_SECONDS

    def _tell_grace(self, job: Job, usual: float) -> float:
        """Leave the grace that is asked for where the supervisor looks for it; the grace that will hold."""
        if self._grace is None or job.job_dir is None:
            return usual
        try:
            job.job_dir.write_file(REQUEST_FILE, encode({"grace": self._grace}))
        except OSError as error:
            self.warnings.append(
                f"job {job.jid} ends with its own grace of {usual:g} s: "
                + Refused("write", job.job_dir.join(REQUEST_FILE), error).message
            )
            return usual
        return self._grace

    def status(self) -> Dict[str, Any]:
        """Its status, once it has ended. JobError: it has not, in the time that there was."""
        with self._meant.open(self._system) as job:
            left = 0.0
            if self._deadline is not None:
                left = max(0.0, self._deadline - self._system.monotonic())
            status = look_until_end(job, DEFAULT_EXCERPT, left)
            if not status["finished"] and not status["async_job"]["supervised"]:
                grace = DEFAULT_GRACE if self._grace is None else self._grace
                # its supervisor was killed meanwhile
                status = job.end_unsupervised(STATE_CANCELLED, REASON_REQUEST, grace)
            if not status["finished"]:
                raise JobError(f"job {job.jid} was asked to end and has not ended")
            return status


def cancel_core_job(job: Job, grace: float) -> None:
    """End what stock core started, and write its job file.

    core keeps no record of a job's processes: what is below its wrappers now is ended. A process that has left
    their tree before is not found. JobError if something is left.
    """
    system, jid = job.system, job.jid
    owner = system.stat(jid, dir_fd=job.async_dir.fd, follow_symlinks=False).st_uid
    known = CoreWrappers(system)
    wrappers = [Process(pid, start) for pid, start in known.of(jid, owner)]
    # of other users' we remove nothing: what they say of themselves leads where they want
    directories = known.temporary_dirs(jid, owner) if owner == system.geteuid() else []
    tree: Set[Process] = set()
    for wrapper in wrappers:
        tree.update(job_tree(system, jid, 0, wrapper))
    # first, and without a word: they would write the end of the module, or its time limit, over ours
    signal_tree(system, wrappers, signal.SIGKILL)
    if not end_tree(system, jid, 0, None, grace, time.sleep, tree):
        raise JobError(f"job {jid} was cancelled and has not ended: processes of it are left")
    for directory in directories:
        import shutil  # late: it imports every compressor there is

        shutil.rmtree(directory, ignore_errors=True)
    if core_finished(parse_job_file(job.async_dir.read_file(jid))):
        return  # it ended by itself just before
    view = look_at_core_job(system, job.async_dir, jid, Excerpt(0, None))["async_job"]
    view.update(state=STATE_CANCELLED, reason=REASON_REQUEST)
    status = dict(ended_result("the job was cancelled", "", ""), started=True, finished=True)
    status.update(ansible_job_id=jid, async_job=view)
    job.async_dir.write_file(jid, encode(status))


def commands(job: Job) -> List[Process]:
    """The processes that a job's module has started; not the module's own."""
    system, record = job.system, job.record()
    processes = system.processes()
    if record is None:
        wrappers = {pid for pid, _start in CoreWrappers(system).of(job.jid)}
        modules = {pid for pid, row in processes.items() if row[0] in wrappers}
    else:
        module = record["process"] or {"pid": 0, "start": 0}
        same = processes.get(module["pid"], (0, -1, ""))[1] == module["start"]
        modules = {module["pid"]} if same else set()
    found = descendants(processes, modules) - modules
    return [
        Process(pid, processes[pid][1]) for pid in sorted(found) if processes[pid][2] not in "ZX"
    ]


def listeners(system: System, processes: List[Process], number: int) -> List[Process]:
    """Those that a signal is for: a notice goes to those only that handle it, or wait for it."""
    if number not in _NOTICES:
        return processes
    bit = 1 << (number - 1)
    return [process for process in processes if bit & _handled_signals(system, process.pid)]


def _handled_signals(system: System, pid: int) -> int:
    mask = 0
    for line in system.process_file(pid, "status").splitlines():
        if line.startswith((b"SigCgt:", b"SigBlk:")):
            mask |= int(line.split()[1], 16)
    return mask


def _look_once_going(job: Job) -> Dict[str, Any]:
    """``async_job``; of a job that was started just now, as soon as there is a process that hears a request."""
    deadline = job.system.monotonic() + _GOING_SECONDS
    while True:
        view: Dict[str, Any] = job.look(Excerpt(0, None))["async_job"]
        record = job.record()
        on_its_way = view["supervised"] and record is not None and record["supervisor"] is None
        if not on_its_way or view["state"] in END_STATES:
            return view
        if job.system.monotonic() > deadline:
            raise JobError(f"job {job.jid} has had no supervisor for {_GOING_SECONDS:g} s")
        time.sleep(_GOING_STEP)


def _named(
    system: System, params: Mapping[str, Any], environ: Mapping[str, str]
) -> Iterator[Tuple[Meant, View]]:
    """The jobs that are named one by one, each once, and their ``async_job``. JobError if one is not found."""
    references = [{"results_file": path} for path in params["results_files"] or []]
    references += [{"jid": jid} for jid in params["jids"] or []]
    seen: Set[Meant] = set()
    for one in references:
        with Job.open_given(system, one, meant_dir(params), environ) as job:
            meant = Meant(job.async_dir.path, job.jid)
            if meant not in seen:
                seen.add(meant)
                yield meant, job.look(DEFAULT_EXCERPT)["async_job"]


def _filtered(
    system: System, async_dir: Directory, wanted: Filter, unreadable: List[Dict[str, Any]]
) -> Iterator[Tuple[Meant, Dict[str, Any]]]:
    listing = Listing(system, async_dir)
    for job in listing.take(wanted, DEFAULT_EXCERPT):
        yield Meant(async_dir.path, job.jid), job.view
    unreadable += listing.unreadable


def _meant_jobs(
    system: System,
    params: Mapping[str, Any],
    environ: Mapping[str, str],
    unreadable: List[Dict[str, Any]],
) -> List[Tuple[Meant, Dict[str, Any]]]:
    """The jobs that the options name: one by one, or by what they are. All are known before one is touched."""
    by_name = params["jids"] is not None or params["results_files"] is not None
    filters = [option for option in FILTER_OPTIONS if params.get(option) not in (None, [])]
    if by_name and filters:
        raise JobError(
            f"{filters[0]}: give either jobs by jids or results_files, or what they are, not both"
        )
    if by_name:
        return list(_named(system, params, environ))
    if not filters:
        raise JobError(
            "no job is named: give jids, results_files, or at least one of "
            + ", ".join(FILTER_OPTIONS)
        )
    wanted = Filter(dict(params, state=params["state"] or list(ACTIVE_STATES)))
    _path, async_dir = given_async_dir(system, params, environ)
    if async_dir is None:
        return []
    with async_dir:
        return list(_filtered(system, async_dir, wanted, unreadable))


def answer_cancel(
    system: System, params: Mapping[str, Any], environ: Mapping[str, str], check_mode: bool
) -> Dict[str, Any]:
    """Cancel jobs, or send a signal to what they run. One that cannot be cancelled does not keep the others."""
    number = None if params["signal"] is None else signal_number(params["signal"])
    grace = duration_option(params, "grace")
    if number is not None and grace is not None:
        raise JobError("grace: means nothing with signal, which does not end a job")
    unreadable: List[Dict[str, Any]] = []
    jobs = _meant_jobs(system, params, environ, unreadable)
    answer: Dict[str, Any] = {"changed": False, "cancelled": [], "signalled": []}
    answer["unreadable"] = unreadable
    if number is None:
        _cancel_all(system, jobs, grace, check_mode, answer)
    else:
        _signal_all(system, jobs, number, check_mode, answer)
    answer["changed"] = bool(answer["cancelled"] or answer["signalled"])
    return answer


def _cancel_all(
    system: System,
    jobs: List[Tuple[Meant, Dict[str, Any]]],
    grace: Optional[float],
    check_mode: bool,
    answer: Dict[str, Any],
) -> None:
    failures: List[str] = []
    warnings: List[str] = []
    asked: Dict[Meant, Cancellation] = {}
    for meant, view in jobs:
        if view["state"] not in END_STATES and not check_mode:
            cancellation = Cancellation(system, meant, grace)
            try:
                cancellation.ask()
                asked[meant] = cancellation
            except JobError as error:
                failures.append(error.message)
            warnings += cancellation.warnings
    views, before, after = [], [], []
    for meant, view in jobs:
        state = view["state"]
        before.append(f"{meant.jid} {state}\n")
        if meant in asked:
            try:
                view = asked[meant].status()["async_job"]
            except JobError as error:
                failures.append(error.message)
        ends = check_mode and state not in END_STATES
        if ends or (state not in END_STATES and view["state"] == STATE_CANCELLED):
            answer["cancelled"].append(meant.jid)
        views.append(view)
        after.append(f"{meant.jid} {STATE_CANCELLED if ends else view['state']}\n")
    answer.update(jobs=views, diff={"before": "".join(before), "after": "".join(after)})
    if warnings:
        answer["warnings"] = warnings
    if failures:
        answer.update(failed=True, msg="; ".join(failures))


def _signal_all(
    system: System,
    jobs: List[Tuple[Meant, Dict[str, Any]]],
    number: int,
    check_mode: bool,
    answer: Dict[str, Any],
) -> None:
    answer["jobs"] = [view for _meant, view in jobs]
    refusals: List[str] = []
    for meant, view in jobs:
        if view["state"] in END_STATES:
            continue
        with meant.open(system) as job:
            _look_once_going(job)
            found = listeners(system, commands(job), number)
        if found:
            answer["signalled"].append(meant.jid)
            if not check_mode:
                refusals += signal_tree(system, found, number)
    if refusals:
        answer["warnings"] = refusals
