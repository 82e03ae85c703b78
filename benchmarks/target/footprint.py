# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Print the processes of the target as one JSON object, by their pids. Runs on the target, as root.

Each has its ``name``, its parent's pid (``parent``), its memory in bytes (``pss``) and the number of its voluntary
context switches (``switches``).
"""

import json
import os

KEPT = ("sshd", "systemd", "(sd-pam)", "dbus-daemon")


def _number(path: str, key: str) -> int:
    with open(path) as handle:
        for line in handle:
            if line.startswith(key + ":"):
                return int(line.split()[1])
    return 0


def _switches(pid: str) -> int:
    """Return the voluntary context switches of all threads: a process may sleep in one and wake up in another."""
    tasks = os.listdir(f"/proc/{pid}/task")
    return sum(
        _number(f"/proc/{pid}/task/{task}/status", "voluntary_ctxt_switches") for task in tasks
    )


processes = {}
for entry in os.listdir("/proc"):
    if not entry.isdigit():
        continue
    try:
        with open(f"/proc/{entry}/comm") as handle:
            name = handle.read().strip()
        # leave out the processes of the system and of logins
        if os.stat(f"/proc/{entry}").st_uid < 1000 or name.startswith(KEPT):
            continue
        pss = _number(f"/proc/{entry}/smaps_rollup", "Pss") * 1024
        switches = _switches(entry)
        parent = str(_number(f"/proc/{entry}/status", "PPid"))
    except (FileNotFoundError, ProcessLookupError):  # it has just ended
        continue
    processes[entry] = {"name": name, "parent": parent, "pss": pss, "switches": switches}
print(json.dumps(processes))
