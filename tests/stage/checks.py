# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All checks by name, in the order in which they run: what is quick to fail comes first."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import (
    cache,
    cores,
    docsite,
    examples,
    execution_environment,
    host,
    lint,
    performance,
    release,
    sanity,
    scenarios,
    screens,
    sessions,
    units,
    workspace,
)
from .bench import Bench, remove_machines
from .process import StageError, keeping, say
from .summary import reasons, table


@dataclass(frozen=True)
class Check:
    """One row of the summary. *group* is another name by which it can be asked for."""

    name: str
    run: Callable[[Bench], None]
    group: str = ""


CHECKS = (
    Check("amalgamation", lint.amalgamation, "lint"),
    Check("black", lint.black, "lint"),
    Check("ruff", lint.ruff, "lint"),
    Check("vermin", lint.vermin, "lint"),
    Check("mypy", lint.mypy, "lint"),
    Check("yamllint", lint.yamllint, "lint"),
    Check("shellcheck", lint.shellcheck, "lint"),
    Check("github", lint.github, "lint"),
    Check("changelog", lint.changelog, "lint"),
    Check("documentation", lint.documentation, "lint"),
    Check("docsite", docsite.docsite, "lint"),
    Check("ansible-lint", lint.ansible_lint, "lint"),
    Check("nox", sessions.nox, "lint"),
    Check("release", release.release),
    Check("galaxy-importer", release.galaxy_importer),
    Check("execution-environment", execution_environment.execution_environment),
    Check("sanity", sanity.sanity),
    Check("unit", units.main),
    Check("target-unit", units.targets),
    Check("screens", screens.screens),
    Check("examples", examples.examples),
    Check("molecule", scenarios.molecule),
    Check("cores", cores.cores),
    Check("bench", performance.smallest),
)


def test(names: Sequence[str]) -> bool:
    """Run the checks of these names or groups, or all; tell whether every one passed.

    A failed check does not keep the others from running: one run shows all there is to mend.
    """
    chosen = [check for check in CHECKS if not names or {check.name, check.group} & set(names)]
    unknown = set(names) - {name for check in CHECKS for name in (check.name, check.group)}
    if unknown:
        raise StageError(f"no such check: {', '.join(sorted(unknown))}")
    rows: list[tuple[str, str, str]] = []
    failures: dict[str, list[str]] = {}
    begin = time.monotonic()
    host.install(host.PACKAGES)
    for remains in workspace.abandoned():
        remove_machines(remains)
        remains.remove()
    with workspace.temporary() as place:
        place.copy_sources()
        bench = Bench(place, place.tree)
        try:
            with keeping(_log("preparation")):
                place.install_collection(bench.venv, place.tree)
            rows.append(("preparation", _seconds(begin), "passed"))
            for check in chosen:
                rows.append(_timed(check, bench, failures))
        finally:
            remove_machines(place)
    print("\n" + table(("Check", "Seconds", "Result"), rows), flush=True)
    for name, lines in failures.items():
        print(f"\n{name}:", *lines, sep="\n  ", flush=True)
    verdict = f"failed: {', '.join(failures)}" if failures else "all passed"
    say(f"{verdict}, in {_seconds(begin)} seconds")
    return not failures


def _timed(check: Check, bench: Bench, failures: dict[str, list[str]]) -> tuple[str, str, str]:
    begin = time.monotonic()
    say(check.name)
    result = "passed"
    log = _log(check.name)
    with keeping(log) as printed:
        try:
            check.run(bench)
        except StageError as error:
            say(str(error))
            result = "FAILED"
            failures[check.name] = [*reasons(list(printed)), str(error), f"all of it is in {log}"]
    seconds = _seconds(begin)
    say(f"{check.name}: {result} after {seconds} seconds")
    return check.name, seconds, result


def _log(name: str) -> Path:
    return cache.root() / "logs" / cache.digest([str(workspace.CHECKOUT)]) / f"{name}.txt"


def _seconds(begin: float) -> str:
    return f"{time.monotonic() - begin:.0f}"
