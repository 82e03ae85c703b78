# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""longrun.jobs.progress where there is no terminal, its options, and live lines."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

import pytest
from conftest import INVENTORY, OLDEST_AND_NEWEST, PLAYBOOKS, Run
from test_bars import HOSTS, JOBS, Controllers, with_callback

PROGRESS = {"ANSIBLE_STDOUT_CALLBACK": "longrun.jobs.progress", "ANSIBLE_FORKS": "3"}
INTERVAL = 2.0


@pytest.mark.parametrize("core", OLDEST_AND_NEWEST)
def test_a_log_file_gets_plain_lines_at_most_one_a_job_and_interval(
    core: str, controllers: Controllers
) -> None:
    command = with_callback(controllers[core]["file"])
    at = command.index("--rm")
    command[at:at] = [f"--env=LONGRUN_PROGRESS_INTERVAL={INTERVAL}"]
    times: dict[str, list[float]] = {}
    said: dict[str, list[str]] = {}
    lines = []
    with subprocess.Popen(
        [*command, f"{PLAYBOOKS}/bars.yml", "--extra-vars=pace=1"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        for line in running.stdout:
            lines.append(line.rstrip("\n"))
            match = re.match(r"(\S+ \S+): (.*) so far(.*)", line)
            if match:
                times.setdefault(match[1], []).append(time.monotonic())
                said.setdefault(match[1], []).append(re.sub(r"[\d.:]+ s?|ETA.*|about.*", "", line))
    text = "\n".join(lines)
    assert running.returncode == 0, text
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text), repr(text)
    assert set(times) == {f"{host} {job}" for host in HOSTS for job in JOBS}, text
    for job, when in times.items():
        gaps = [later - earlier for earlier, later in zip(when, when[1:], strict=False)]
        # they come as they are printed: what counts them on this side of a pipe sees them a little later, or earlier
        assert all(gap > INTERVAL - 0.3 for gap in gaps), (job, gaps)
    # a job of which nothing is heard has its first line and no other
    assert all(len(times[f"{host} backup"]) == 1 for host in HOSTS), text
    assert all(len(times[f"{host} os-upgrade"]) >= 2 for host in HOSTS), text
    assert len(re.findall(r"^\S+ \S+: (succeeded|failed) after ", text, re.MULTILINE)) == 12
    head = lines.index(next(line for line in lines if line.startswith("JOB ")))
    assert re.split(r"  +", lines[head]) == [
        "JOB",
        "HOST",
        "STATE",
        "ELAPSED",
        "CPU",
        "PEAK MEMORY",
    ]
    assert all(re.search(r"\d s +\d+\.\d s +\d+\.\d MiB$", line) for line in lines[head + 1 :][:12])


def test_lines_of_jobs_come_while_they_run(tmp_path: Path) -> None:
    """Into a pipe, which core alone would fill before anybody sees what is in it."""
    env = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    began: dict[str, float] = {}
    with subprocess.Popen(
        ["ansible-playbook", f"-i{INVENTORY}/hosts.yml", "--limit=web1", "--tags=poll"]
        + [f"-ejobs_dir={tmp_path}", f"{PLAYBOOKS}/unmodified.yml"],
        env={**env, **PROGRESS},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        for line in running.stdout:
            began.setdefault(line.split(":")[0].strip(), time.monotonic())
    assert began["web1 | [6/6] step 6"] - began["web1 | [1/6] step 1"] > 3


def test_every_line_of_a_polled_job_is_printed_once_and_in_order(playbook: Run) -> None:
    """Also with the callback that core has, and more lines between two polls than a screen has."""
    done = playbook(str(PLAYBOOKS / "talkative.yml"), "--limit=web1")
    lines = [line for line in done.stdout.splitlines() if line.startswith("web1 | ")]
    assert lines == [f"web1 | line {i}" for i in range(1, 1501)], done.stdout[-2000:]


@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("LONGRUN_PROGRESS_INTERVAL", "soon", "interval"),
        ("LONGRUN_PROGRESS_INTERVAL", "-1", "interval"),
        ("LONGRUN_PROGRESS_REFRESH", "0", "refresh"),
        ("LONGRUN_PROGRESS_REFRESH", "nan", "refresh"),
        ("LONGRUN_PROGRESS_BARS", "perhaps", "bars"),
        ("LONGRUN_PROGRESS_MAX_BARS", "-3", "max_bars"),
        ("LONGRUN_PROGRESS_TABLE_ROWS", "many", "table_rows"),
    ],
)
def test_a_wrong_option_is_an_error_that_names_it(
    variable: str, value: str, named: str, playbook: Run
) -> None:
    done = playbook(str(PLAYBOOKS / "unmodified.yml"), "--list-hosts", **PROGRESS)
    assert done.returncode == 0
    wrong = {**PROGRESS, variable: value}
    done = playbook(str(PLAYBOOKS / "unmodified.yml"), "--tags=none", **wrong)
    assert done.returncode != 0 and "PLAY [" not in done.stdout
    assert named in done.stderr and value in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


def test_options_come_from_a_file_as_well(playbook: Run, tmp_path: Path) -> None:
    config = tmp_path / "ansible.cfg"
    config.write_text(
        "[defaults]\nstdout_callback = longrun.jobs.progress\n[callback_longrun_progress]\ninterval = -7\n"
    )
    done = playbook(str(PLAYBOOKS / "unmodified.yml"), ANSIBLE_CONFIG=str(config))
    assert done.returncode != 0 and "interval: -7" in done.stderr


def test_secrets_stay_secret(playbook: Run, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    done = playbook(
        str(PLAYBOOKS / "secret.yml"),
        "--limit=web1",
        **PROGRESS,
        ANSIBLE_CALLBACKS_ENABLED="longrun.jobs.timeline",
        LONGRUN_TIMELINE_PATH=str(page),
        LONGRUN_PROGRESS_INTERVAL="0",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "hunter2" not in done.stdout + done.stderr
    assert "public" in done.stdout
    assert "hunter2" not in page.read_text() and "public" in page.read_text()


def test_nonsense_from_a_target_is_no_error(playbook: Run, tmp_path: Path) -> None:
    """What callbacks get from an action is not always what they expect."""
    done = playbook(
        str(PLAYBOOKS / "nonsense.yml"),
        "--limit=web1",
        **PROGRESS,
        ANSIBLE_CALLBACKS_ENABLED="longrun.jobs.timeline",
        LONGRUN_TIMELINE_PATH=str(tmp_path / "page.html"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("ok: [web1]") == 2
    assert "WARNING" not in done.stderr and "Traceback" not in done.stderr, done.stderr
    assert "half" not in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize("core", OLDEST_AND_NEWEST)
def test_an_error_in_a_callback_is_a_warning(core: str, controllers: Controllers) -> None:
    """What it needs is made to fail: the play goes on, and prints all that core prints."""
    command = with_callback(controllers[core]["file"])
    broken = (
        "import runpy, sys, unicodedata\n"
        "def category(*args): raise RuntimeError('broken on purpose')\n"
        "unicodedata.category = category\n"
        "sys.argv = ['ansible', *sys.argv[1:]]\n"
        "runpy.run_module('ansible', run_name='__main__')\n"
    )
    at = command.index("-m")
    command[at : at + 2] = ["-c", broken]
    enabled = "--env=ANSIBLE_CALLBACKS_ENABLED=longrun.jobs.timeline"
    command.insert(command.index("--rm"), enabled)
    done = subprocess.run(
        [*command, f"{PLAYBOOKS}/nonsense.yml", "--limit=web1"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = " ".join(done.stderr.split())
    assert (
        "broken on purpose" in said and "callback.progress" in said and "callback.timeline" in said
    )
    assert done.stdout.count("ok: [web1]") == 2
    assert re.search(r"^web1 +: ok=2 .* failed=0 ", done.stdout, re.MULTILINE), done.stdout


def test_a_page_that_cannot_be_written_is_a_warning_that_names_the_option(playbook: Run) -> None:
    done = playbook(
        str(PLAYBOOKS / "unmodified.yml"),
        "--limit=web1",
        "--tags=poll",
        ANSIBLE_CALLBACKS_ENABLED="longrun.jobs.timeline",
        LONGRUN_TIMELINE_PATH="/proc/nowhere/page.html",
    )
    assert done.returncode == 0
    assert "longrun.jobs.timeline: path: /proc/nowhere/page.html cannot be written" in " ".join(
        done.stderr.split()
    )


def test_a_path_that_is_no_file_is_named(playbook: Run) -> None:
    done = playbook(
        str(PLAYBOOKS / "unmodified.yml"),
        "--tags=none",
        ANSIBLE_CALLBACKS_ENABLED="longrun.jobs.timeline",
        LONGRUN_TIMELINE_PATH="pages/",
    )
    assert "longrun.jobs.timeline: path: 'pages/' is not the name of a file" in " ".join(
        done.stderr.split()
    )
