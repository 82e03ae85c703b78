# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""End the processes that jobs have left on the target, and remove their files. Runs on the target, as root."""

import os
import pwd
import shutil
import signal
import time

USER = pwd.getpwnam("deploy")
KEPT = {"sshd", "systemd", "(sd-pam)", "dbus-daemon"}


def left_behind() -> list[int]:
    """Return the pids of the user's processes that belong to no login."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/comm") as handle:
                name = handle.read().strip()
            with open(f"/proc/{entry}/stat") as handle:
                state = handle.read().rpartition(")")[2].split()[0]
            if os.stat("/proc/" + entry).st_uid == USER.pw_uid and state != "Z":
                if not name.startswith(tuple(KEPT)):
                    found.append(int(entry))
        except (FileNotFoundError, ProcessLookupError):  # it has just ended
            continue
    return found


deadline = time.monotonic() + 60
while True:
    remaining = left_behind()
    if not remaining:
        break
    if time.monotonic() > deadline:
        raise SystemExit(f"these processes cannot be ended: {remaining}")
    for pid in remaining:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    time.sleep(0.05)
for name in os.listdir(USER.pw_dir):
    if name.startswith((".ansible", "jobs-")):
        shutil.rmtree(os.path.join(USER.pw_dir, name), ignore_errors=True)
