# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""core's own poller, which asks for the job of a task with ``async`` and ``poll``.

Private to the collection longrun.jobs: may change in any release.
"""

from __future__ import annotations

import inspect
from typing import Any

__all__ = ("polled_task",)

_FRAMES = 5  # more than enough: the poller calls the run of our action, which calls this


def polled_task() -> Any:
    """Return the task whose job core's poller is asking for; None where a playbook's own task asks.

    ``TaskExecutor._poll_async_result`` makes a task of its own for the question, which does not say for which task it
    asks. So this looks for the poller among the frames that led here; its ``self._task`` is the task.
    """
    frame = inspect.currentframe()
    for _unused in range(_FRAMES):
        if frame is None:
            return None
        if frame.f_code.co_name == "_poll_async_result":
            return getattr(frame.f_locals.get("self"), "_task", None)
        frame = frame.f_back
    return None
