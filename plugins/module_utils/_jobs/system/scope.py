# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""A systemd scope for one job: limits for all its processes together, which live on when the login session ends."""

import os
from typing import List, NamedTuple, Optional, Tuple

from ..model.errors import JobError
from ..model.record import Scope
from .kernel import System

_RUNTIME = "/run/systemd/system"  # exists where systemd runs, see sd_booted(3)
_LINGER = "/var/lib/systemd/linger"  # has a file for each user who lingers, see loginctl(1)
_SECONDS = 20.0  # for systemd to make the scope
_CGROUPS = "/proc/self/cgroup"
_PRINTED_BYTES = 4096  # kept of the end of what a command prints


class Limits(NamedTuple):
    """The limits of a scope. memory_max: bytes. cpu_quota: percent of one CPU. None is no limit."""

    memory_max: Optional[int]
    cpu_quota: Optional[float]


def _properties(limits: Limits, pid: int, jid: str, policy: bool) -> List[str]:
    """Return the properties of the scope as words for busctl(1): an array of (name, variant).

    They are described in systemd.scope(5) and systemd.resource-control(5). policy: whether to set OOMPolicy.
    """
    properties = [
        ["Description", "s", f"Ansible job {jid}"],
        ["PIDs", "au", "1", str(pid)],
        ["CollectMode", "s", "inactive-or-failed"],
    ]
    if policy:
        # by default, systemd ends the whole scope when the kernel kills one process for its memory: the supervisor,
        # too, so that nobody would learn the reason
        properties.append(["OOMPolicy", "s", "continue"])
    if limits.memory_max is not None:
        properties.append(["MemoryAccounting", "b", "true"])
        properties.append(["MemoryMax", "t", str(limits.memory_max)])
    if limits.cpu_quota is not None:
        properties.append(["CPUQuotaPerSecUSec", "t", str(int(limits.cpu_quota * 10000))])
    return [str(len(properties))] + [word for words in properties for word in words]


def _outcome(system: System, command: List[str]) -> Tuple[int, str]:
    """Run a command. Return its exit status and the end of what it printed.

    The status is 127 if the command cannot be run, 128 if a signal ended it. After ``_SECONDS`` it is killed.
    """
    reader, writer = system.pipe()
    pid = system.fork()
    if pid == 0:
        try:
            for fd in (1, 2):
                system.dup2(writer, fd)
            os.execvp(command[0], command)
        except OSError as error:
            os.write(2, f"{command[0]}: {error.strerror}".encode("utf-8", "replace"))
        finally:
            system.exit(127)
    system.close(writer)
    printed = b""
    deadline = system.monotonic() + _SECONDS
    while reader in system.select([reader], max(0.0, deadline - system.monotonic())):
        piece = system.read(reader, _PRINTED_BYTES)
        if not piece:
            break
        printed = (printed + piece)[-_PRINTED_BYTES:]
    else:
        system.kill(pid, None, 9)
        printed += f" [no answer within {_SECONDS:g} s]".encode("ascii")
    system.close(reader)
    status = system.wait4(pid, 0)[1]
    code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128
    return code, printed.decode("utf-8", "replace").strip()


def check_scope(system: System) -> None:
    """Raise JobError if this host, or this user, has no systemd that would keep a job's scope."""
    if not os.path.isdir(_RUNTIME):
        raise JobError("scope: systemd does not run on this host; leave out scope", option="scope")
    uid = system.geteuid()
    user = system.owner_name(uid)
    if uid != 0 and not os.path.exists(os.path.join(_LINGER, user)):
        raise JobError(
            f"scope: the systemd of {user} ends with the last login, and the job with it; "
            f"become root, or have root run: loginctl enable-linger {user}",
            option="scope",
        )


def enter_scope(system: System, jid: str, limits: Limits) -> Scope:
    """Move this process, and what it starts from now on, into a new scope. Return the scope's unit and cgroup.

    busctl, which comes with systemd, asks for it over D-Bus: systemd-run can only start a program, not move a process
    that runs. Raise JobError if systemd refuses it.
    """
    uid = system.geteuid()
    if uid:
        os.environ.setdefault("XDG_RUNTIME_DIR", f"/run/user/{uid}")
    unit = _unit_of(jid)
    manager = ["busctl", "--system" if uid == 0 else "--user", "call", "org.freedesktop.systemd1"]
    manager += ["/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager"]
    printed = ""
    for policy in (True, False):  # systemd before 253 has no OOMPolicy for scopes
        words = _properties(limits, system.getpid(), jid, policy)
        call = ["StartTransientUnit", "ssa(sv)a(sa(sv))", unit, "fail", *words, "0"]
        status, printed = _outcome(system, manager + call)
        if status == 0:
            return {"unit": unit, "cgroup": _await_cgroup(system, unit)}
        if "OOMPolicy" not in printed:
            break
    raise JobError(f"scope: systemd did not make {unit}: {printed}", option="scope")


def _await_cgroup(system: System, unit: str) -> str:
    """Wait until systemd has moved this process into the scope, which it does after its answer. Return the cgroup.

    Raise JobError if that takes longer than ``_SECONDS``.
    """
    import time

    deadline = system.monotonic() + _SECONDS
    while system.monotonic() < deadline:
        with open(_CGROUPS, encoding="utf-8") as source:
            for line in source:
                _number, controllers, path = line.rstrip("\n").split(":", 2)
                if path.endswith("/" + unit) and controllers in ("", "name=systemd"):
                    mount = "systemd" if controllers else _unified_mount()
                    return os.path.join("/sys/fs/cgroup", mount, path.lstrip("/"))
        time.sleep(0.01)
    raise JobError(f"scope: {unit} was made, but this process is not in it", option="scope")


def _unified_mount() -> str:
    """Return where below /sys/fs/cgroup version 2 is: at the top, or in ``unified`` beside version 1; cgroups(7)."""
    return "" if os.path.exists("/sys/fs/cgroup/cgroup.procs") else "unified"


def _unit_of(jid: str) -> str:
    return f"longrun-{jid.replace('.', '-')}.scope"


def offer_to_oom_killer() -> None:
    """Make the kernel end this process rather than its supervisor when the memory of the scope is used up."""
    try:
        # from -1000, never, to 1000, first: see oom_score_adj in proc(5)
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as target:
            target.write("500")
    except OSError:
        pass  # the kernel has no such file, or does not let us write it


def is_scope_of(scope: Scope, jid: str) -> bool:
    """Return whether a scope in a record is the one that is made for this job, below the file system of cgroups."""
    unit = _unit_of(jid)
    path = scope["cgroup"]
    below = path.startswith("/sys/fs/cgroup/") and os.path.normpath(path) == path
    return below and scope["unit"] == unit and os.path.basename(path) == unit


def scope_processes(cgroup: str) -> List[int]:
    """Return the pids in a cgroup, none if it is gone."""
    try:
        with open(os.path.join(cgroup, "cgroup.procs"), encoding="ascii") as source:
            return [int(line) for line in source]
    except OSError:
        return []
