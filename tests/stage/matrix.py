# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a check under each ansible-core, print a table of the results, and decide which of them count."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from . import environments
from .bench import Bench
from .process import StageError, show
from .summary import table
from .versions import Core, is_pre_release

DOES_NOT_COUNT = "pre-release, does not count"


@dataclass(frozen=True)
class Outcome:
    """The result of one run.

    cells: the row's own columns, between the release and the seconds. passed: whether the run did all that it should
    under the ansible-core that was asked for. text: what was printed.
    """

    cells: Sequence[str]
    passed: bool
    text: str = ""


@dataclass(frozen=True)
class Row:
    """One line of the table: the release that was asked for, such as 2.21.5, and its run."""

    release: str
    outcome: Outcome
    seconds: float

    @property
    def result(self) -> str:
        """The last column."""
        if self.outcome.passed:
            return "passed"
        return f"FAILED ({DOES_NOT_COUNT})" if is_pre_release(self.release) else "FAILED"


def under_each(
    bench: Bench,
    cores: Iterable[Core],
    headings: Sequence[str],
    run: Callable[[Core], Outcome],
    *,
    more: int = 0,
) -> None:
    """Call *run* for each of *cores*, print the table, and raise StageError if a run that counts has failed.

    headings: those of `Outcome.cells`. A StageError of *run* is a failed run. A failed run of a pre-release becomes a
    warning of the bench. As many go on side by side as there are processors, and some *more*.
    """

    def timed(core: Core) -> Row:
        release = environments.release(core.version)
        begin = time.monotonic()
        try:
            outcome = run(core)
        except StageError as error:
            outcome = Outcome(["?"] * len(headings), False, str(error))
        return Row(release, outcome, time.monotonic() - begin)

    with bench.crew(more) as pool:
        rows = list(pool.map(timed, cores))
    if not rows:
        raise StageError("this ran under no ansible-core at all")
    for row in rows:
        show(f"== ansible-core {row.release}: {row.result}\n{row.outcome.text}")
    lines = [(row.release, *row.outcome.cells, f"{row.seconds:.0f}", row.result) for row in rows]
    print(table(("ansible-core", *headings, "Seconds", "Result"), lines), flush=True)
    settle(bench, [row.release for row in rows if not row.outcome.passed])


def settle(bench: Bench, failed: Sequence[str]) -> None:
    """Raise StageError if a final release is among *failed*; have the bench tell of the pre-releases in it."""
    for release in failed:
        if is_pre_release(release):
            bench.warn(f"FAILED under ansible-core {release} ({DOES_NOT_COUNT})")
    counting = [release for release in failed if not is_pre_release(release)]
    if counting:
        raise StageError(f"under ansible-core {', '.join(counting)}")
