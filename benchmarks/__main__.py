# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure, print and keep the results: ``python3 -m benchmarks``, which `make bench` runs."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from . import links, publish, report, results
from .figures import Figures
from .parts.all_parts import ALL
from .parts.part import Bench
from .scale import DEFAULT, QUICK, SMALLEST, Scale
from .testbed import BenchmarkError, Testbed

_ROOT = Path(__file__).parent.parent


def main() -> int:
    """Measure the parts that the command line asks for. Return the exit status."""
    options = _options()
    begin = time.monotonic()

    def say(message: str) -> None:
        print(f"== {time.monotonic() - begin:4.0f} s  {message}", flush=True)

    scale = _scale(options)
    measured, failed = Figures(), []
    with contextlib.ExitStack() as stack:
        testbed = Testbed.read(options.testbed)
        for round_trip in sorted({link.round_trip for link in (links.MAIN, *scale.links)}):
            port = stack.enter_context(links.delayed(testbed.port, round_trip))
            testbed.ports[round_trip] = port
        for name in options.part or ALL:
            bench = Bench(testbed, scale, say)
            try:
                ALL[name].measure(bench)
            except BenchmarkError as error:
                # go on with the other parts
                say(f"{name} failed: {error}")
                failed.append(name)
                testbed.clean()
                continue
            if not bench.figures.samples:
                failed.append(name)
            measured.replace(bench.figures)
            if options.results:
                _keep(options.results, bench.figures, testbed)
    for table in (report.figure_table, report.growth_table, report.target_table):
        print("\n" + report.aligned(table(measured)), flush=True)
    if options.results:
        publish.publish(options.results, options.publish)
    print()
    say(f"failed: {', '.join(failed)}" if failed else "done")
    return 1 if failed else 0


def _keep(path: Path, figures: Figures, testbed: Testbed) -> None:
    """Replace the figures of a part in the file of results."""
    kept = results.read(path)[1]
    kept.replace(figures)
    results.write(path, {**results.machine(), **testbed.versions}, kept)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "part", nargs="*", help="; ".join(f"{part.name}: {part.about}" for part in ALL.values())
    )
    size = parser.add_mutually_exclusive_group()
    size.add_argument(
        "--quick", action="store_true", help="take a few minutes for a rough measurement"
    )
    size.add_argument(
        "--smallest", action="store_true", help="only run every line of the benchmarks once"
    )
    parser.add_argument("--repetitions", type=int, help="how often to measure each figure")
    parser.add_argument(
        "--round-trip",
        type=int,
        action="append",
        choices=sorted({link.round_trip for link in links.ALL}),
        help="only at this many milliseconds of round trip; may be given again",
    )
    parser.add_argument(
        "--results", type=Path, help="file for the results; only a full measurement has a default"
    )
    parser.add_argument(
        "--publish", type=Path, default=_ROOT, help="the directory in which docs/ is written"
    )
    parser.add_argument("--testbed", type=Path, required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()
    unknown = set(options.part) - set(ALL)
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(ALL)}")
    whole = not (options.quick or options.smallest or options.repetitions or options.round_trip)
    if whole and not options.results:
        options.results = publish.RESULTS
    return options


def _scale(options: argparse.Namespace) -> Scale:
    scale = SMALLEST if options.smallest else QUICK if options.quick else DEFAULT
    if options.repetitions:
        scale = replace(scale, repetitions=options.repetitions)
    if options.round_trip:
        wanted: Sequence[links.Link] = [
            it for it in links.ALL if it.round_trip in options.round_trip
        ]
        scale = replace(scale, links=wanted)
    return scale


if __name__ == "__main__":
    sys.exit(main())
