# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""A systemd scope of a job's own: limits that hold for all its processes, and a life beyond the login session."""

import os
from typing import List, NamedTuple, Optional, Tuple

from ..model.errors import JobError
from ..model.record import Scope
from .kernel import System

_RUNTIME = "/run/systemd/system"  # there where systemd runs, says sd_booted(3)
_LINGER = "/var/lib/systemd/linger"
_SECONDS = 20.0  # for systemd to make the scope
_CGROUPS = "/proc/self/cgroup"
_SAID_BYTES = 4096


class Limits(NamedTuple):
    """memory_max: bytes. cpu_quota: percent of one CPU. None is no limit."""

    memory_max: Optional[int]
    cpu_quota: Optional[float]


def _properties(limits: Limits, pid: int, jid: str, policy: bool) -> List[str]:
    """The properties of the scope, as busctl takes an array of (name, variant)."""
    found = [
        ["Description", "s", f"Ansible job {jid}"],
        ["PIDs", "au", "1", str(pid)],
        ["CollectMode", "s", "inactive-or-failed"],
    ]
    if policy:
        # without it, one process that ran out of memory takes the supervisor along, and the reason with it
        found.append(["OOMPolicy", "s", "continue"])
    if limits.memory_max is not None:
        found.append(["MemoryAccounting", "b", "true"])
        found.append(["MemoryMax", "t", str(limits.memory_max)])
    if limits.cpu_quota is not None:
        found.append(["CPUQuotaPerSecUSec", "t", str(int(limits.cpu_quota * 10000))])
    return [str(len(found))] + [word for one in found for word in one]


def _outcome(system: System, command: List[str]) -> Tuple[int, str]:
    """Exit status of a command, 127 if it cannot be run, and what it said."""
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
    said = b""
    deadline = system.monotonic() + _SECONDS
    while reader in system.select([reader], max(0.0, deadline - system.monotonic())):
        piece = system.read(reader, _SAID_BYTES)
        if not piece:
            break
        said = (said + piece)[-_SAID_BYTES:]
    else:
        system.kill(pid, None, 9)
        said += f" [no answer within {_SECONDS:g} s]".encode("ascii")
    system.close(reader)
    status = system.wait4(pid, 0)[1]
    code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128
    return code, said.decode("utf-8", "replace").strip()


def check_scope(system: System) -> None:
    """JobError: this host, or this user, has no systemd that would keep a job's scope."""
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
    """Put this process, and what it starts from now on, into a new scope: its unit and its cgroup.

    Asked of systemd over D-Bus by busctl, which comes with it: systemd-run can only start a program, and this is one.
    """
    uid = system.geteuid()
    if uid:
        os.environ.setdefault("XDG_RUNTIME_DIR", f"/run/user/{uid}")
    unit = f"longrun-{jid.replace('.', '-')}.scope"
    manager = ["busctl", "--system" if uid == 0 else "--user", "call", "org.freedesktop.systemd1"]
    manager += ["/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager"]
    said = ""
    for policy in (True, False):  # systemd before 253 has no OOMPolicy of scopes
        words = _properties(limits, system.getpid(), jid, policy)
        call = ["StartTransientUnit", "ssa(sv)a(sa(sv))", unit, "fail", *words, "0"]
        status, said = _outcome(system, manager + call)
        if status == 0:
            return {"unit": unit, "cgroup": _await_cgroup(system, unit)}
        if "OOMPolicy" not in said:
            break
    raise JobError(f"scope: systemd did not make {unit}: {said}", option="scope")


def _await_cgroup(system: System, unit: str) -> str:
    """The cgroup of the scope: systemd answers before it has put the process there."""
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
    """Where the one hierarchy of cgroups is: at the top, or beside the old ones."""
    return "" if os.path.exists("/sys/fs/cgroup/cgroup.procs") else "unified"


def offer_to_oom_killer() -> None:
    """Have the kernel end this process rather than its supervisor when the memory of the scope is used up."""
    try:
        # proc(5): from -1000, never, to 1000, first
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as target:
            target.write("500")
    except OSError:
        pass  # a kernel that has no such thing


def scope_processes(cgroup: str) -> List[int]:
    """The pids in a scope; none when it is gone."""
    try:
        with open(os.path.join(cgroup, "cgroup.procs"), encoding="ascii") as source:
            return [int(line) for line in source]
    except OSError:
        return []
