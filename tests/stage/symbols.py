# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The early warning: which symbols of ansible-core the collection uses, and which of them each ansible-core has."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from . import environments, symbols_declared, symbols_found
from .bench import Bench
from .interpreters import interpreter
from .matrix import Outcome, under_each
from .process import StageError, show
from .summary import table
from .symbols_declared import Declared
from .versions import Core, numbers

_FOLDERS = ("plugins", "drop_in")
_PROBE = "tests/stage/symbols_probe.py"

# the cells of the table of symbols, beside an empty one: not there, and not expected
_THERE = "yes"
_GONE = "GONE"
_UNUSED = "unused"  # there, but its declaration says that it is not used with this core


def symbols(bench: Bench) -> None:
    """Every symbol of core's that is used is there, in each ansible-core for which it is not declared otherwise."""
    uses = symbols_found.find(bench.sources, _FOLDERS, symbols_declared.TYPES)
    used = all_used(uses, symbols_declared.DECLARED, symbols_declared.BELOW)
    listed = bench.workspace.directory / "symbols.json"
    listed.write_text(json.dumps(used))
    cells: dict[str, dict[str, str]] = {}

    def probe(core: Core) -> Outcome:
        chosen = interpreter(core)
        status, text = chosen.run(bench, [str(bench.sources / _PROBE), str(listed)])
        if status != 0:
            return Outcome(("?", chosen.python, chosen.where, "?", "?"), False, text)
        told = json.loads(text.splitlines()[-1])
        column = {
            symbol: cell(answer, core, *bounds(symbol, symbols_declared.DECLARED))
            for symbol, answer in told["symbols"].items()
        }
        cells[core.version] = column
        gone = [symbol for symbol, told in column.items() if told == _GONE]
        unused = [symbol for symbol, told in column.items() if told == _UNUSED]
        right = told["release"] == environments.release(core.version)
        ran = (told["release"], chosen.python, chosen.where, str(len(gone)), str(len(unused)))
        lines = [f"ERROR gone: {symbol}, used in {_places(symbol, uses)}" for symbol in gone]
        return Outcome(ran, right and not gone, "\n".join(lines))

    try:
        headings = ("Ran", "Python", "Where", "Gone", "Unused")
        under_each(bench, bench.cores, headings, probe)
    finally:
        _print(used, {it.version: cells[it.version] for it in bench.cores if it.version in cells})
    if wrong := undeclared(uses, symbols_declared.DECLARED):
        raise StageError("symbols_declared.py is not complete: " + "; ".join(wrong))


def all_used(
    uses: symbols_found.Uses, declared: Iterable[Declared], below: Mapping[str, str]
) -> list[str]:
    """Return all symbols that are found or declared, in order. below: what to look for in place of some."""
    found = {*uses.symbols, *(one.symbol for one in declared)}
    return sorted({below.get(symbol, symbol) for symbol in found})


def bounds(symbol: str, declared: Iterable[Declared]) -> tuple[str, str]:
    """Return the first and the last core that are to have *symbol*: the narrowest of what is declared of it, and above it."""
    since, until = "", ""
    for one in declared:
        if symbol == one.symbol or symbol.startswith((f"{one.symbol}.", f"{one.symbol}(")):
            since = max(since, one.since, key=_order)
            until = min(until or one.until, one.until or until, key=_order)
    return since, until


def _order(version: str) -> tuple[int, ...]:
    return numbers(version) if version else ()


def cell(answer: str, core: Core, since: str, until: str) -> str:
    """Return what the table says of a symbol in *core*, of which the probe gave this *answer*."""
    expected = _order(since) <= numbers(core.version) and (
        not until or numbers(core.version) <= numbers(until)
    )
    if expected:
        return _GONE if answer == "no" else _THERE
    # a parameter that is passed on unread is not there
    return _UNUSED if answer == "yes" else ""


def undeclared(uses: symbols_found.Uses, declared: Iterable[Declared]) -> list[str]:
    """Return what has to be declared and is not, and what is declared and nowhere used."""
    last = {one.symbol.rstrip(")").replace("(", ".").rpartition(".")[2] for one in declared}
    wrong = [
        f"whose is {name}, used in {', '.join(sorted(places))}?"
        for name, places in sorted(uses.unknown.items())
        if name not in last
    ]
    for one in declared:
        bounded = one.since or one.until
        parents = any(symbol.startswith(one.symbol) for symbol in uses.symbols)
        words = one.symbol.rstrip(")").replace("(", ".").split(".")
        if not (bounded and parents) and not uses.words & {words[-1], one.symbol}:
            wrong.append(f"{one.symbol} is declared, but nothing uses it")
    return wrong


def _places(symbol: str, uses: symbols_found.Uses) -> str:
    return ", ".join(sorted(uses.symbols.get(symbol, {"what symbols_declared.py says"})))


def _print(used: list[str], cells: Mapping[str, Mapping[str, str]]) -> None:
    """Show all symbols in the log; print those in which the cores differ."""
    headings = ("Symbol of ansible-core", *cells)
    rows = [(symbol, *(column[symbol] for column in cells.values())) for symbol in used]
    show(table(headings, rows))
    differing = [row for row in rows if set(row[1:]) != {_THERE}]
    print(table(headings, differing) if differing else "", flush=True)
    print(f"the other {len(rows) - len(differing)} symbols are in every core that ran", flush=True)
