# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""Answer async_cancel: end jobs, or send a signal to what they run.

A supervisor ends its own job. A job that has lost its supervisor, or that core started, is ended from here.
"""

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
    open_written_dir,
)
from ..inspection.look import Job, look_until_end
from ..inspection.view import DEFAULT_EXCERPT, Excerpt
from ..model.errors import JobError, Refused
from ..model.record import View, always_seconds, encode
from ..model.result import ended_result
from ..model.settings import DEFAULT_GRACE
from ..model.states import END_STATES, REASON_REQUEST, STATE_CANCELLED
from ..system.find import written_async_dir
from ..system.kernel import System
from ..system.store import REQUEST_FILE, Directory
from ..system.tree import Process, descendants, end_tree, job_tree, signal_process, signal_tree

_GOING_SECONDS = 60.0  # that a job which was just started may take to get its supervisor
_GOING_STEP = 0.01  # seconds between two looks at such a job
_END_SECONDS = 20.0  # that a supervisor may take, beyond the grace period, to write the end
# signals that programs use for purposes of their own; they end a program that does not handle them
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


class JobPlace(NamedTuple):
    """Where a job is: its async dir and its jid. A thousand of these keep no descriptor open."""

    async_dir: str
    jid: str

    def open(self, system: System) -> Job:
        """Open the job. It owns its async dir: closing the job closes that, too."""
        return Job.open(system, self.async_dir, self.jid)


def signal_number(name: str) -> int:
    """Return the number of a signal that is written as HUP, SIGHUP or 1. Raise JobError for anything else."""
    text = name.strip().upper()
    try:
        if text.isdigit():
            return int(signal.Signals(int(text)))
        return int(signal.Signals[text if text.startswith("SIG") else f"SIG{text}"])
    except (KeyError, ValueError):
        raise JobError(
            f"signal: {name!r} is not a valid signal; give a name such as HUP or USR1"
        ) from None


class Cancellation:
    """The cancelling of one job. A caller first asks all jobs, then waits for each, so that they end in parallel.

    grace: seconds between SIGTERM and SIGKILL; None for the job's own.
    """

    def __init__(self, system: System, place: JobPlace, grace: Optional[float]) -> None:
        self._system = system
        self._place = place
        self._grace = grace
        self._deadline: Optional[float] = None
        self.warnings: List[str] = []

    def ask(self) -> None:
        """Ask the job's supervisor to end it. End the job at once if it has no supervisor, or if core started it.

        Raise JobError if neither was possible.
        """
        with self._place.open(self._system) as job:
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
            # SIGCONT: a stopped supervisor would not handle the SIGTERM
            for number in (signal.SIGTERM, signal.SIGCONT):
                process = Process(supervisor["pid"], supervisor["start"])
                signal_process(self._system, process, number, job.foreign_owner())
        self._deadline = self._system.monotonic() + grace + always_seconds(record) + _END_SECONDS

    def _tell_grace(self, job: Job, usual: float) -> float:
        """Write the wanted grace period where the supervisor looks for it. Return the one that will apply, in seconds.

        usual: the job's own grace period.
        """
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
        """Wait until the job has ended and return its status. Raise JobError if it does not end in time."""
        with self._place.open(self._system) as job:
            left = 0.0
            if self._deadline is not None:
                left = max(0.0, self._deadline - self._system.monotonic())
            status = look_until_end(job, DEFAULT_EXCERPT, left)
            if not status["finished"] and not status["async_job"]["supervised"]:
                grace = DEFAULT_GRACE if self._grace is None else self._grace
                # its supervisor was killed while it was ending the job
                status = job.end_unsupervised(STATE_CANCELLED, REASON_REQUEST, grace)
            if not status["finished"]:
                raise JobError(f"job {job.jid} was asked to end and has not ended")
            return status


def cancel_core_job(job: Job, grace: float) -> None:
    """End a job that core started, and write its job file. Raise JobError if processes of it are left.

    Core keeps no record of a job's processes. Those below its wrappers are ended; a process that has left their tree
    before is not found. grace: seconds.
    """
    system, jid = job.system, job.jid
    owner = system.stat(jid, dir_fd=job.async_dir.fd, follow_symlinks=False).st_uid
    known = CoreWrappers(system)
    wrappers = [Process(pid, start) for pid, start in known.of(jid, owner)]
    # only this user's: the command line of another user's process may name any directory
    directories = known.temporary_dirs(jid, owner) if owner == system.geteuid() else []
    tree: Set[Process] = set()
    for wrapper in wrappers:
        tree.update(job_tree(system, jid, 0, wrapper))
    # SIGKILL to the wrappers first: else they would write over our end that the module failed, or timed out
    signal_tree(system, wrappers, signal.SIGKILL)
    if not end_tree(system, jid, 0, None, grace, time.sleep, tree):
        raise JobError(f"job {jid} was cancelled and has not ended: some of its processes are left")
    for directory in directories:
        import shutil  # late: it imports all compression modules

        shutil.rmtree(directory, ignore_errors=True)
    if core_finished(parse_job_file(job.async_dir.read_file(jid))):
        return  # the job ended by itself just before
    view = look_at_core_job(system, job.async_dir, jid, Excerpt(0, None))["async_job"]
    view.update(state=STATE_CANCELLED, reason=REASON_REQUEST)
    status = dict(ended_result("the job was cancelled", "", ""), started=True, finished=True)
    status.update(ansible_job_id=jid, async_job=view)
    job.async_dir.write_file(jid, encode(status))


def commands(job: Job) -> List[Process]:
    """Return the processes that a job's module has started, without the module's own."""
    system, record = job.system, job.record()
    processes = system.processes()
    if record is None:
        wrappers = {pid for pid, _start in CoreWrappers(system).of(job.jid)}
        modules = {pid for pid, row in processes.items() if row[0] in wrappers}
    else:
        module = record["process"] or {"pid": 0, "start": 0}
        same = processes.get(module["pid"], (0, -1, ""))[1] == module["start"]
        modules = {module["pid"]} if same else set()
    started = descendants(processes, modules) - modules
    return [
        Process(pid, processes[pid][1]) for pid in sorted(started) if processes[pid][2] not in "ZX"
    ]


def listeners(system: System, processes: List[Process], number: int) -> List[Process]:
    """Return the processes that a signal is for: all, or for HUP, USR1 and USR2 those that handle or block it."""
    if number not in _NOTICES:
        return processes
    bit = 1 << (number - 1)
    return [process for process in processes if bit & _handled_signals(system, process.pid)]


def _handled_signals(system: System, pid: int) -> int:
    """Return the mask of the signals that a process handles, or blocks to wait for them: proc_pid_status(5)."""
    mask = 0
    for line in system.process_file(pid, "status").splitlines():
        if line.startswith((b"SigCgt:", b"SigBlk:")):
            mask |= int(line.split()[1], 16)
    return mask


def _look_once_going(job: Job) -> Dict[str, Any]:
    """Return the job's view. Wait first, if it was just started, until its supervisor can handle a request.

    Raise JobError if it gets no supervisor in time.
    """
    deadline = job.system.monotonic() + _GOING_SECONDS
    while True:
        view: Dict[str, Any] = job.look(Excerpt(0, None))["async_job"]
        record = job.record()
        starting = view["supervised"] and record is not None and record["supervisor"] is None
        if not starting or view["state"] in END_STATES:
            return view
        if job.system.monotonic() > deadline:
            raise JobError(f"job {job.jid} has had no supervisor for {_GOING_SECONDS:g} s")
        time.sleep(_GOING_STEP)


def _named(
    system: System, params: Mapping[str, Any], environ: Mapping[str, str]
) -> Iterator[Tuple[JobPlace, View]]:
    """Yield each job that jids and results_files name, once, with its view. Raise JobError if one is not found."""
    references = [{"results_file": path} for path in params["results_files"] or []]
    references += [{"jid": jid} for jid in params["jids"] or []]
    seen: Set[JobPlace] = set()
    for reference in references:
        with Job.open_referenced(system, reference, written_async_dir(params), environ) as job:
            place = JobPlace(job.async_dir.path, job.jid)
            if place not in seen:
                seen.add(place)
                yield place, job.look(DEFAULT_EXCERPT)["async_job"]


def _filtered(
    system: System, async_dir: Directory, wanted: Filter, unreadable: List[Dict[str, Any]]
) -> Iterator[Tuple[JobPlace, Dict[str, Any]]]:
    """Yield each job that a filter takes, with its view. Append those that cannot be read to *unreadable*."""
    listing = Listing(system, async_dir)
    for job in listing.take(wanted, DEFAULT_EXCERPT):
        yield JobPlace(async_dir.path, job.jid), job.view
    unreadable += listing.unreadable


def _selected_jobs(
    system: System,
    params: Mapping[str, Any],
    environ: Mapping[str, str],
    unreadable: List[Dict[str, Any]],
) -> List[Tuple[JobPlace, Dict[str, Any]]]:
    """Return the jobs that the options name or select by filters, with their views.

    All are known before one of them is touched. Raise JobError if the options do not go together, or name no job.
    """
    by_name = params["jids"] is not None or params["results_files"] is not None
    filters = [option for option in FILTER_OPTIONS if params.get(option) not in (None, [])]
    if by_name and filters:
        raise JobError(
            f"{filters[0]}: select jobs by jids or results_files, or by filters, not both"
        )
    if by_name:
        return list(_named(system, params, environ))
    if not filters:
        raise JobError(
            "no job is named: give jids, results_files, or at least one of "
            + ", ".join(FILTER_OPTIONS)
        )
    wanted = Filter(dict(params, state=params["state"] or list(ACTIVE_STATES)))
    _path, async_dir = open_written_dir(system, params, environ)
    if async_dir is None:
        return []
    with async_dir:
        return list(_filtered(system, async_dir, wanted, unreadable))


def answer_cancel(
    system: System, params: Mapping[str, Any], environ: Mapping[str, str], check_mode: bool
) -> Dict[str, Any]:
    """Cancel jobs, or send a signal to what they run. Return the result of async_cancel.

    A job that cannot be cancelled does not stop the others from being cancelled. Raise JobError, before anything is
    done, if an option is not valid or a job is not found.
    """
    number = None if params["signal"] is None else signal_number(params["signal"])
    grace = duration_option(params, "grace")
    if number is not None and grace is not None:
        raise JobError("grace: means nothing with signal, which does not end a job")
    unreadable: List[Dict[str, Any]] = []
    jobs = _selected_jobs(system, params, environ, unreadable)
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
    jobs: List[Tuple[JobPlace, Dict[str, Any]]],
    grace: Optional[float],
    check_mode: bool,
    answer: Dict[str, Any],
) -> None:
    """Cancel the jobs that have not ended, or in check mode only tell which. Complete the answer."""
    failures: List[str] = []
    warnings: List[str] = []
    asked: Dict[JobPlace, Cancellation] = {}
    for place, view in jobs:
        if view["state"] not in END_STATES and not check_mode:
            cancellation = Cancellation(system, place, grace)
            try:
                cancellation.ask()
                asked[place] = cancellation
            except JobError as error:
                failures.append(error.message)
            warnings += cancellation.warnings
    views, before, after = [], [], []
    for place, view in jobs:
        state = view["state"]
        before.append(f"{place.jid} {state}\n")
        if place in asked:
            try:
                view = asked[place].status()["async_job"]
            except JobError as error:
                failures.append(error.message)
        ends = check_mode and state not in END_STATES
        if ends or (state not in END_STATES and view["state"] == STATE_CANCELLED):
            answer["cancelled"].append(place.jid)
        views.append(view)
        after.append(f"{place.jid} {STATE_CANCELLED if ends else view['state']}\n")
    answer.update(jobs=views, diff={"before": "".join(before), "after": "".join(after)})
    if warnings:
        answer["warnings"] = warnings
    if failures:
        answer.update(failed=True, msg="; ".join(failures))


def _signal_all(
    system: System,
    jobs: List[Tuple[JobPlace, Dict[str, Any]]],
    number: int,
    check_mode: bool,
    answer: Dict[str, Any],
) -> None:
    """Send a signal to the commands of the jobs, or in check mode only tell which jobs. Complete the answer."""
    answer["jobs"] = [view for _place, view in jobs]
    refusals: List[str] = []
    for place, view in jobs:
        if view["state"] in END_STATES:
            continue
        with place.open(system) as job:
            _look_once_going(job)
            processes = listeners(system, commands(job), number)
            owner = job.foreign_owner()
        if processes:
            answer["signalled"].append(place.jid)
            if not check_mode:
                refusals += signal_tree(system, processes, number, owner)
    if refusals:
        answer["warnings"] = refusals
