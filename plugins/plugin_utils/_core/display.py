# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""core's Display: lines from any process, and what else is drawn on the same terminal.

Private to the collection longrun.jobs: may change in any release.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from ansible.utils.display import Display

from ansible_collections.longrun.jobs.plugins.plugin_utils._core.worker_queue import (
    signals_deferred,
)

__all__ = ("display_lock", "print_within", "show_lines")


def show_lines(lines: list[str]) -> None:
    """Print lines at once. A worker's Display hands them to the main process through the queue."""
    display: Any = Display()
    for line in lines:
        with signals_deferred():
            display.display(line)


def display_lock() -> AbstractContextManager[object]:
    """Return the lock that Display holds while it writes, and core while it forks a worker.

    A thread that writes to the terminal must hold it, too: a worker that is forked meanwhile would inherit the lock of
    stdout, held by a thread that it does not have.
    """
    lock: AbstractContextManager[object] = Display()._lock
    return lock


def print_within(around: Callable[[], AbstractContextManager[None]]) -> None:
    """Have Display print and prompt inside of ``around()``, in this process.

    Warnings, banners and lines of workers all end in ``display``. A worker's own Display calls the same methods, but
    hands over what it is given before the printing.
    """
    display: Any = Display()

    def wrapped(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            with around():
                return original(*args, **kwargs)

        return call

    for name in ("display", "prompt", "do_var_prompt", "prompt_until"):
        setattr(display, name, wrapped(getattr(display, name)))
