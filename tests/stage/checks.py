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
    stated,
    symbols,
    units,
    versions,
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


@dataclass(frozen=True)
class Result:
    """How a check went. warnings: what does not make it fail. why: the lines to print of either."""

    name: str
    seconds: str
    failed: bool
    warnings: Sequence[str]
    why: Sequence[str]

    @property
    def text(self) -> str:
        """The last column of the summary."""
        return "; ".join(("FAILED" if self.failed else "passed", *self.warnings))


CHECKS = (
    Check("amalgamation", lint.amalgamation, "lint"),
    Check("black", lint.black, "lint"),
    Check("ruff", lint.ruff, "lint"),
    Check("vermin", lint.vermin, "lint"),
    Check("mypy", lint.mypy, "lint"),
    Check("versions", stated.versions, "lint"),
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
    Check("symbols", symbols.symbols),
    Check("unit", units.main),
    Check("target-unit", units.targets),
    Check("screens", screens.screens),
    Check("examples", examples.examples),
    Check("molecule", scenarios.molecule),
    Check("cores", cores.cores),
    Check("bench", performance.smallest),
)


def test(names: Sequence[str], only: Sequence[str] = ()) -> bool:
    """Run the checks of these names or groups, or all; return whether every one passed.

    only: the versions of ansible-core to run under, in place of all. A failed check does not keep the others from
    running: one run shows all there is to mend.
    """
    cores = [versions.find(version) for version in only] or versions.CORES
    chosen = [check for check in CHECKS if not names or {check.name, check.group} & set(names)]
    unknown = set(names) - {name for check in CHECKS for name in (check.name, check.group)}
    if unknown:
        raise StageError(f"no such check: {', '.join(sorted(unknown))}")
    rows: list[tuple[str, str, str]] = []
    results: list[Result] = []
    begin = time.monotonic()
    host.install(host.PACKAGES)
    for remains in workspace.abandoned():
        remove_machines(remains)
        remains.remove()
    with workspace.temporary() as place:
        place.copy_sources()
        bench = Bench(place, place.tree, cores)
        try:
            with keeping(_log("preparation")):
                place.install_collection(bench.venv, place.tree)
            rows.append(("preparation", _seconds(begin), "passed"))
            for check in chosen:
                results.append(_timed(check, bench))
        finally:
            remove_machines(place)
    rows += [(it.name, it.seconds, it.text) for it in results]
    print("\n" + table(("Check", "Seconds", "Result"), rows), flush=True)
    for it in results:
        if it.why:
            print(f"\n{it.name}:", *it.why, sep="\n  ", flush=True)
    say(f"{verdict(results, only)}, in {_seconds(begin)} seconds")
    return not any(it.failed for it in results)


def verdict(results: Sequence[Result], only: Sequence[str]) -> str:
    """Return the closing message: what failed, what there is to warn of, and which cores were left out."""
    failed = [it.name for it in results if it.failed]
    passed = "all that counts passed" if any(it.warnings for it in results) else "all passed"
    parts = [f"failed: {', '.join(failed)}" if failed else passed]
    parts += [f"{it.name}: {warning}" for it in results for warning in it.warnings]
    if only:
        parts.append(f"of all versions of ansible-core only {', '.join(only)} ran")
    return "; ".join(parts)


def _timed(check: Check, bench: Bench) -> Result:
    begin = time.monotonic()
    say(check.name)
    log = _log(check.name)
    bench.warnings.clear()
    error = ""
    with keeping(log) as printed:
        try:
            check.run(bench)
        except StageError as failure:
            error = str(failure)
            say(error)
    warnings = list(bench.warnings)
    why = [*reasons(list(printed)), *warnings, error, f"all of it is in {log}"]
    if not error and not warnings:
        why = []
    result = Result(check.name, _seconds(begin), bool(error), warnings, [it for it in why if it])
    say(f"{check.name}: {result.text} after {result.seconds} seconds")
    return result


def _log(name: str) -> Path:
    return cache.root() / "logs" / cache.digest([str(workspace.CHECKOUT)]) / f"{name}.txt"


def _seconds(begin: float) -> str:
    return f"{time.monotonic() - begin:.0f}"
