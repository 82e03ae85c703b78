# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stage's command line: ``PYTHONPATH=tests python3 -m stage COMMAND``."""

from __future__ import annotations

import argparse
import os
import signal
import sys

from . import checks, demonstration, development, performance
from .process import StageError, say


def main() -> int:
    """Run one command and return its exit status."""
    parser = argparse.ArgumentParser(prog="stage", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    test = commands.add_parser("test", help="run all checks, or those named")
    test.add_argument("check", nargs="*")
    test.add_argument(
        "--core", action="append", default=[], help="run under this ansible-core; repeatable"
    )
    commands.add_parser("demo", help="run an unmodified playbook with the drop-in on this machine")
    # with another prefix, so that the benchmarks' own options are left to them
    bench = commands.add_parser(
        "bench", help="measure beside core and Mitogen", prefix_chars="+", add_help=False
    )
    bench.add_argument("options", nargs="*")
    commands.add_parser("up", help="start the machines under test, and leave them running")
    commands.add_parser("down", help="remove them")
    inside = commands.add_parser("exec", help="run a program in the main environment")
    inside.add_argument("program", nargs=argparse.REMAINDER)
    core = commands.add_parser("core", help="run a program under another ansible-core")
    core.add_argument("version")
    core.add_argument("program", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    try:
        match arguments.command:
            case "test":
                return 0 if checks.test(arguments.check, arguments.core) else 1
            case "demo":
                demonstration.demonstrate()
            case "bench":
                performance.bench(arguments.options)
            case "up":
                development.up()
            case "down":
                development.down()
            case "exec":
                return development.execute(arguments.program)
            case "core":
                return development.execute_under(arguments.version, arguments.program)
    except StageError as error:
        say(f"failed: {error}")
        return 1
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    return 0


if __name__ == "__main__":
    os.umask(0o022)
    # ends like Ctrl-C does, so that what was started is removed
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
