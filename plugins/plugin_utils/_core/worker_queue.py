# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The queue from a worker process to the main process, through which core's Display prints and callbacks are told.

Private to the collection longrun.jobs: may change in any release.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ansible.utils.display import Display

__all__ = ("signals_deferred", "worker_queue")


def worker_queue() -> Any:
    """Return the ``FinalQueue`` that core gives a worker's Display; None in the main process."""
    return getattr(Display(), "_final_q", None)


@contextmanager
def signals_deferred() -> Iterator[None]:
    """Defer SIGINT and SIGTERM while a worker puts something into the queue.

    A worker that ends while it holds the queue's lock leaves the main process waiting for that lock for ever.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
