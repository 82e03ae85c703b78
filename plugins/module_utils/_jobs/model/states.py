# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""The states of a job, the reasons for its end, and which state may follow which."""

from .errors import JobError

STATE_QUEUED = "queued"
STATE_RUNNING = "running"
STATE_SUCCEEDED = "succeeded"
STATE_FAILED = "failed"
STATE_TIMED_OUT = "timed_out"
STATE_CANCELLED = "cancelled"
STATE_LOST = "lost"

END_STATES = (STATE_SUCCEEDED, STATE_FAILED, STATE_TIMED_OUT, STATE_CANCELLED, STATE_LOST)
_FOLLOWERS = {
    STATE_QUEUED: (STATE_RUNNING, STATE_FAILED, STATE_CANCELLED, STATE_LOST),
    STATE_RUNNING: END_STATES,
}

REASON_EXIT = "exit"  # the module ended by itself
REASON_DEADLINE = "deadline"  # the time limit passed
REASON_IDLE = "idle"  # nothing was printed for the idle timeout
REASON_REQUEST = "request"  # somebody asked for the end
# a signal from elsewhere ended the module: the OOM killer's, an administrator's
REASON_MODULE_KILLED = "module_killed"
REASON_SUPERVISOR_KILLED = "supervisor_killed"  # no process was left that saw the end
REASON_REBOOTED = "rebooted"  # the host was rebooted while the job ran
# a process could not be started for the module, the next step or the next attempt
REASON_NOT_STARTED = "not_started"
REASON_NO_SPACE = "no_space"  # the disk was too full for the result


def advance(state: str, new: str) -> str:
    """Return the new state. Raise JobError, naming both states, if it may not follow the old one."""
    if new not in _FOLLOWERS.get(state, ()):
        raise JobError(f"a job that is {state} cannot become {new}")
    return new
