# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""longrun.jobs.progress in terminals, under every ansible-core."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import CORES, INVENTORY, OLDEST, PLAYBOOKS
from terminal import Terminal

HOSTS = ("web1", "web2", "db1")
JOBS = ("os-upgrade", "backup", "reindex", "copy")
BAR = re.compile(r"^(\S+) +(\S.*?) +[━╸╺]+ +(?:(\d+)%|[^\w\s]) +(\d+:\d\d) *(ETA \d+:\d\d)?")
CALLBACK = ("env", "ANSIBLE_STDOUT_CALLBACK=longrun.jobs.progress")

Start = Callable[..., Terminal]
Controllers = dict[str, dict[str, list[str]]]


def bars(screen: list[str]) -> dict[tuple[str, str], re.Match[str]]:
    """(host, job) -> the bar, in the order of the screen."""
    found = (BAR.match(line) for line in screen)
    return {(match[1], match[2]): match for match in found if match}


def with_callback(command: list[str]) -> list[str]:
    """ansible-playbook in a container, with the callback and forks for all hosts."""
    at = command.index("--rm")
    variables = ["--env=ANSIBLE_STDOUT_CALLBACK=longrun.jobs.progress", "--env=ANSIBLE_FORKS=3"]
    return [*command[:at], *variables, *command[at:], f"-i{INVENTORY}/hosts.yml"]


def here(jobs_dir: Path, *arguments: str, **variables: str) -> list[str]:
    """ansible-playbook of this environment."""
    given = [f"{name}={value}" for name, value in {"ANSIBLE_FORKS": "3", **variables}.items()]
    return [*CALLBACK, *given, "ansible-playbook", f"-i{INVENTORY}/hosts.yml"] + [
        f"-ejobs_dir={jobs_dir}",
        *arguments,
    ]


@pytest.mark.parametrize("core", CORES)
def test_bars_move_for_three_hosts_with_four_jobs_each(
    core: str, controllers: Controllers, terminal: Start
) -> None:
    command = with_callback(controllers[core]["terminal"])
    shown = terminal([*command, f"{PLAYBOOKS}/bars.yml"])
    fullest: list[str] = []
    percents: dict[tuple[str, str], list[int]] = {}
    sums: set[str] = set()
    above = 0
    for screen in shown.screens():
        now = bars(screen)
        fullest = max(fullest, screen, key=lambda one: len(bars(one)))
        for which, match in now.items():
            if match[3]:
                percents.setdefault(which, []).append(int(match[3]))
        sums.update(line for line in screen if line.startswith("12 jobs on 3 hosts: "))
        if now:
            first = next(at for at, line in enumerate(screen) if BAR.match(line))
            lines = [at for at, line in enumerate(screen) if " | [" in line or " | " in line]
            assert all(at < first for at in lines), "\n".join(screen)
            above += bool(lines)
    everything = shown.everything()
    text = "\n".join(everything)
    assert set(bars(fullest)) == {(host, job) for host in HOSTS for job in JOBS}, "\n".join(fullest)
    # a job that says nothing has no percentage, the others have one that grows
    assert set(percents) == {(host, job) for host in HOSTS for job in JOBS if job != "backup"}
    assert all(known == sorted(known) for known in percents.values()), percents
    assert sum(len(set(known)) > 1 for known in percents.values()) >= 6, percents
    assert above, "no line was seen above bars"
    assert "12 jobs on 3 hosts: 12 running" in sums, sums
    # bars are gone, lines are whole, each once and in order
    assert not bars(everything), text
    for host in HOSTS:
        steps = [line for line in everything if line.startswith(f"{host} os-upgrade | ")]
        assert steps == [f"{host} os-upgrade | [{i}/8] unpacking {i}" for i in range(1, 9)], text
        for job in JOBS:
            ends = [line for line in everything if line.startswith(f"{host} {job}: ")]
            state = "failed" if job == "reindex" else "succeeded"
            assert len(ends) == 1 and ends[0].startswith(f"{host} {job}: {state} after "), text
            rows = [line for line in everything if re.match(rf"{job} +{host} +{state} ", line)]
            assert len(rows) == 1, text
    assert "RETRYING" not in text and "ASYNC POLL" not in text
    assert "Traceback" not in text and "WARNING" not in text, text
    assert any(line.startswith("PLAY RECAP") for line in everything)


def test_without_rich_a_terminal_gets_lines(controllers: Controllers, terminal: Start) -> None:
    command = with_callback(controllers[OLDEST]["terminal without rich"])
    shown = terminal([*command, f"{PLAYBOOKS}/bars.yml"])
    for screen in shown.screens():
        assert not bars(screen)
    text = "\n".join(shown.everything())
    assert "web1 os-upgrade: succeeded after" in text
    assert re.search(r"^web1 os-upgrade: \d+%, \d/8, .* so far", text, re.MULTILINE), text


@pytest.mark.parametrize(("most", "seen"), [("0", 12 - 6), ("100", 12 - 3)])
def test_bars_that_do_not_fit_are_summed_up(
    most: str, seen: int, terminal: Start, jobs_dir: Path
) -> None:
    variables = {"LONGRUN_PROGRESS_MAX_BARS": most}
    command = here(jobs_dir, str(PLAYBOOKS / "bars.yml"), "-epace=0.6", **variables)
    shown = terminal(command, rows=12)
    fullest = 0
    for screen in shown.screens():
        if any("more not shown" in line for line in screen):
            fullest = max(fullest, len(bars(screen)))
            said = next(line for line in screen if "more not shown" in line)
            assert re.search(r"12 jobs on 3 hosts: .*; \d+ more not shown", said), said
    assert fullest == seen
    assert not bars(shown.everything())


def test_a_terminal_that_is_made_narrower_is_left_clean(terminal: Start, jobs_dir: Path) -> None:
    shown = terminal(here(jobs_dir, str(PLAYBOOKS / "bars.yml"), "-epace=0.6"))
    shown.wait_for(lambda screen: len(bars(screen)) >= 8)
    shown.resize(60, 40)
    for screen in shown.screens():
        assert len(bars(screen)) <= 12, "\n".join(screen)
    assert not bars(shown.everything()[-40:]), "\n".join(shown.everything())


def test_what_is_interrupted_leaves_no_bars(terminal: Start, jobs_dir: Path) -> None:
    shown = terminal(here(jobs_dir, str(PLAYBOOKS / "bars.yml"), "-epace=0.6"))
    shown.wait_for(lambda screen: len(bars(screen)) == 12)
    shown.keys("C-c")
    for _screen in shown.screens(30):
        pass
    assert not bars(shown.everything()), "\n".join(shown.everything())
    assert "nterrupted" in "\n".join(shown.everything())


def test_a_task_that_asks_something_has_the_terminal_for_itself(
    terminal: Start, jobs_dir: Path
) -> None:
    shown = terminal(here(jobs_dir, str(PLAYBOOKS / "asks.yml")))
    before = shown.wait_for(lambda screen: bool(bars(screen)))
    assert "web1" in str(list(bars(before))), "\n".join(before)
    shown.wait_for(lambda screen: any("Shall it go on?" in line for line in screen))
    for _time in range(5):
        time.sleep(0.2)
        assert not bars(shown.screen()), "\n".join(shown.screen())
    shown.keys("yes", "Enter")
    for _screen in shown.screens(30):
        pass
    assert "answer: yes" in "\n".join(shown.everything())


@pytest.mark.parametrize("way", ["poll", "until"])
def test_unmodified_playbooks_have_bars(way: str, terminal: Start, jobs_dir: Path) -> None:
    shown = terminal(here(jobs_dir, str(PLAYBOOKS / "unmodified.yml"), f"--tags={way}"))
    percents = set()
    waiting = False
    for screen in shown.screens():
        waiting = waiting or any("no status yet" in line for line in screen)
        percents |= {match[3] for match in bars(screen).values() if match[3]}
    everything = shown.everything()
    text = "\n".join(everything)
    assert waiting and len(percents) >= 3, text
    for host in HOSTS:
        lines = [line for line in everything if line.startswith(f"{host} | ")]
        assert lines == [f"{host} | [{i}/6] step {i}" for i in range(1, 7)], text
    assert "ASYNC" not in text and "RETRYING" not in text and not bars(everything), text


def test_an_error_in_a_drawing_does_not_break_the_play(terminal: Start, jobs_dir: Path) -> None:
    """The drawing is made to fail: the play ends as ever."""
    broken = (
        "import rich.table, sys, os\n"
        "def add_row(*args, **kwargs): raise RuntimeError('broken on purpose')\n"
        "rich.table.Table.add_row = add_row\n"
        "from ansible.cli.playbook import main\n"
        "sys.argv[0] = 'ansible-playbook'\n"
        "sys.exit(main())\n"
    )
    command = [sys.executable, "-c", broken, f"-i{INVENTORY}/hosts.yml"]
    shown = terminal(
        [*CALLBACK, *command, f"{PLAYBOOKS}/bars.yml", f"-ejobs_dir={jobs_dir}", "-epace=0.3"]
    )
    for screen in shown.screens():
        assert not bars(screen)
    text = "\n".join(shown.everything())
    assert "broken on purpose" in text
    assert len(re.findall(r"^\w+ +: ok=3 .* failed=0 ", text, re.MULTILINE)) == 3, text


def test_two_hundred_hosts_with_five_jobs_each_stay_readable(
    terminal: Start, jobs_dir: Path
) -> None:
    command = here(jobs_dir, str(PLAYBOOKS / "many.yml"), ANSIBLE_FORKS="20")
    shown = terminal([*command, f"-i{INVENTORY}/many_hosts.yml", "--limit=host*"])
    drawn, most = 0, 0
    for screen in shown.screens(120):
        drawn += bool(bars(screen))
        said = re.search(r"(\d+) jobs? on \d+ hosts?: .* (\d+) more not shown", "\n".join(screen))
        if said:
            assert len(bars(screen)) <= 40 - 6, "\n".join(screen)
            most = max(most, int(said[1]))
    everything = shown.everything()
    text = "\n".join(everything)
    assert drawn >= 3 and most > 100, (drawn, most)
    assert not bars(everything), "bars were left behind"
    assert "and 950 more: 950 succeeded" in text
    for host in range(200):
        lines = [line for line in everything if line.startswith(f"host{host:03d} |")]
        assert lines == [f"host{host:03d} | at {percent}" for percent in (10, 30, 50, 70, 90)]
    assert len([line for line in everything if re.match(r"ok: \[host\d{3}\]$", line)]) == 200


def test_a_terminal_gets_no_bars_if_none_are_wanted(terminal: Start, jobs_dir: Path) -> None:
    command = here(jobs_dir, str(PLAYBOOKS / "unmodified.yml"), LONGRUN_PROGRESS_BARS="never")
    shown = terminal([*command, "--tags=poll", "--limit=web1"])
    for screen in shown.screens():
        assert not bars(screen) and "no status yet" not in "\n".join(screen)
    assert " so far" in "\n".join(shown.everything())
