# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks of the collection, run by their names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import PLAYBOOKS, Run


@pytest.fixture
def started(playbook: Run, request: pytest.FixtureRequest) -> dict[str, str]:
    """Jobs: a backup on web1 and on web2, a short one on db1. Their ids by host."""
    pace = 1.5 if "watch" in request.node.name else 15  # what is to be cancelled runs until it is
    done = playbook(str(PLAYBOOKS / "background.yml"), "-e", f"pace={pace}")
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(re.findall(r'"msg": "(\w+) started (j\d+\.\d+)"', done.stdout))


def rows(text: str) -> dict[tuple[str, str], list[str]]:
    """(job, host) -> the row, of all tables in what was printed."""
    found = re.findall(r'^ +"(.*)",?$', text, re.MULTILINE)
    cells = [re.split(r"  +", row) for row in found]
    return {(row[0], row[1]): row for row in cells if len(row) == 6 and row[0] != "JOB"}


def test_jobs_shows_all_jobs_of_all_hosts(started: dict[str, str], playbook: Run) -> None:
    done = playbook("longrun.jobs.jobs")
    assert done.returncode == 0, done.stdout + done.stderr
    shown = rows(done.stdout)
    assert shown["backup-web1", "web1"][2] == "running"
    assert shown["backup-web2", "web2"][2] == "running"
    assert len(shown) == 3
    only = playbook("longrun.jobs.jobs", "-e", "name=backup-*", "-e", "rows=1")
    assert len(rows(only.stdout)) == 1 and "and 1 more: 1 running" in only.stdout


def test_watch_follows_by_name_until_the_end(started: dict[str, str], playbook: Run) -> None:
    done = playbook("longrun.jobs.watch", "-e", "name=backup-*", "-e", "interval=1")
    assert done.returncode == 0, done.stdout + done.stderr
    for host in ("web1", "web2"):
        lines = re.findall(rf"^{host} \| (.*)$", done.stdout, re.MULTILINE)
        assert lines[-1] == "[6/6] step 6" and len(lines) == len(set(lines)), done.stdout
    after = rows(playbook("longrun.jobs.jobs").stdout)
    assert after["backup-web1", "web1"][2] == "succeeded"


def test_watch_follows_a_jid_and_fails_with_its_job(started: dict[str, str], playbook: Run) -> None:
    done = playbook("longrun.jobs.watch", "-e", f"jid={started['db1']}", "-e", "interval=1")
    assert done.returncode == 2
    assert "1 of 1 jobs did not succeed" in done.stdout + done.stderr
    # also when it has ended
    again = playbook("longrun.jobs.watch", "-e", f"jid={started['db1']}")
    assert again.returncode == 2 and "1 of 1 jobs did not succeed" in again.stdout + again.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("longrun.jobs.watch", "-e", "name=nothing"),
            "no job named nothing is running on any of the 3 hosts",
        ),
        (("longrun.jobs.watch", "-e", "jid=j1.1"), "no job j1.1 was found on any of the 3 hosts"),
        (("longrun.jobs.watch",), "no job is running on any of the 3 hosts"),
        (
            ("longrun.jobs.cancel",),
            "name the jobs to end, with either -e name=... (a pattern) or -e jid=...",
        ),
        (("longrun.jobs.cancel", "-e", "name=a", "-e", "jid=j1.1"), "name the jobs to end"),
        (("longrun.jobs.cancel", "-e", "jid=j1.1"), "no job j1.1 is running on any of the 3 hosts"),
    ],
)
def test_what_cannot_be_done_is_said(arguments: tuple[str, ...], said: str, playbook: Run) -> None:
    done = playbook(*arguments)
    assert done.returncode == 2 and said in done.stdout, done.stdout + done.stderr


def test_cancel_ends_by_name_or_jid_and_prune_removes(
    started: dict[str, str], playbook: Run, jobs_dir: Path
) -> None:
    seen = playbook("longrun.jobs.cancel", "-e", "name=backup-*", "--check")
    assert "changed=1" in seen.stdout
    assert rows(playbook("longrun.jobs.jobs").stdout)["backup-web1", "web1"][2] == "running"
    done = playbook("longrun.jobs.cancel", "-e", f"jid={started['web1']}", "-e", "grace=1s")
    assert done.returncode == 0, done.stdout + done.stderr
    assert rows(done.stdout)["backup-web1", "web1"][2] == "cancelled (request)"
    done = playbook("longrun.jobs.cancel", "-e", "name=backup-*")
    assert rows(done.stdout)["backup-web2", "web2"][2] == "cancelled (request)"
    gone = playbook(
        "longrun.jobs.prune", "-e", "older_than=0s", "-e", "orphans=false", "-e", "name=backup-*"
    )
    assert gone.returncode == 0, gone.stdout + gone.stderr
    assert gone.stdout.count("1 jobs and 0 leftovers were removed") == 2
    assert not (jobs_dir / "web1" / started["web1"]).exists()
    assert (jobs_dir / "db1" / started["db1"]).exists()
