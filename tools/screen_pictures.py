# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the playbooks of tests/screens and of the collection, and write what a terminal and a browser show of them.

The files are progress.svg, playbooks.svg and timeline.png in docs/images. Nothing is drawn by hand. It needs tmux and
chromium, which ``make screens`` installs.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests" / "screens")]

from browser import Browser  # behind the change of sys.path, which lets it be found
from picture import COLUMNS, PictureError, render  # as above
from terminal import Terminal  # as above

IMAGES = ROOT / "docs" / "images"
SCREENS = ROOT / "tests" / "screens"


def shell(jobs: Path, commands: list[str], **variables: str) -> list[str]:
    """Return the command of a shell that prints each command, as a user would type it, and runs it.

    jobs: the async dir. variables: environment variables.
    """
    lines = [
        *("export ANSIBLE_FORKS=3 ANSIBLE_LOCALHOST_WARNING=false", f"cd {SCREENS}"),
        *(f"export {name}={shlex.quote(value)}" for name, value in variables.items()),
    ]
    for command in commands:
        lines += [f"echo {shlex.quote('$ ' + command)}", f"{command} -e jobs_dir={jobs}"]
    return ["bash", "-c", "\n".join(lines)]


def progress(scratch: Path) -> str:
    """Return the screen when the bars are half way. Leave the timeline of the run in scratch/page.html."""
    variables = {
        "ANSIBLE_STDOUT_CALLBACK": "longrun.jobs.progress",
        "ANSIBLE_CALLBACKS_ENABLED": "longrun.jobs.timeline",
        "LONGRUN_TIMELINE_PATH": str(scratch / "page.html"),
    }
    command = shell(
        scratch / "jobs",
        ["ansible-playbook -i inventory/hosts.yml playbooks/bars.yml"],
        **variables,
    )
    terminal = Terminal(scratch / "progress", command, COLUMNS, 50)
    try:
        best = ""
        for screen in terminal.screens():
            failed = sum("reindex: failed" in line for line in screen)
            if failed == 3 and any("━" in line for line in screen):
                best = terminal.coloured()
                break
        for _screen in terminal.screens():
            pass
    finally:
        terminal.close()
    return best


def playbooks(scratch: Path) -> str:
    """Return all that the playbooks jobs and watch of the collection show."""
    before = shell(
        scratch / "more", ["ansible-playbook -i inventory/hosts.yml playbooks/background.yml"]
    )
    subprocess.run(before, check=True, stdout=subprocess.DEVNULL)
    commands = [
        "ansible-playbook longrun.jobs.jobs -i inventory/hosts.yml",
        "ansible-playbook longrun.jobs.watch -i inventory/hosts.yml -e name=backup-web*",
    ]
    variables = {"ANSIBLE_STDOUT_CALLBACK": "longrun.jobs.progress"}
    terminal = Terminal(
        scratch / "playbooks", shell(scratch / "more", commands, **variables), COLUMNS, 50
    )
    try:
        for _screen in terminal.screens():
            pass
        return terminal.coloured()
    finally:
        terminal.close()


def checked(text: str) -> str:
    """Return a screen without tmux's last words. Raise PictureError if it is empty or has a path of this machine."""
    lines = [line.rstrip() for line in text.split("\n")]
    while lines and (not lines[-1] or "Pane is dead" in lines[-1]):
        lines.pop()
    if not lines:
        raise PictureError("there was nothing to be seen")
    for private in (str(ROOT), str(Path.home()), tempfile.gettempdir()):
        if any(private in line for line in lines):
            raise PictureError(f"{private} is in the picture")
    return "\n".join(lines)


def main() -> int:
    """Write the pictures. Return the exit status."""
    with tempfile.TemporaryDirectory() as directory:
        scratch = Path(directory)
        try:
            bars = render(checked(progress(scratch)), "longrun.jobs.progress", "progress")
            (IMAGES / "progress.svg").write_text(bars, encoding="utf-8")
            table = render(checked(playbooks(scratch)), "longrun.jobs.jobs", "playbooks")
            (IMAGES / "playbooks.svg").write_text(table, encoding="utf-8")
        except PictureError as error:
            sys.stderr.write(f"{error}\n")
            return 1
        with Browser(1150, 640) as browser:
            browser.open(scratch / "page.html")
            browser.hover("tr.job[data-state=failed] .bar")
            browser.picture(IMAGES / "timeline.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
