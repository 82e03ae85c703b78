# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What other programs get of jobs: ansible-runner, ARA, callbacks that write JSON or YAML."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import ansible_runner
import pytest
import yaml
from conftest import INVENTORY, PLAYBOOKS, Run


def steps(text: str) -> list[str]:
    return re.findall(r"web1 \| (\[\d/6\] step \d)", text)


ALL_STEPS = [f"[{i}/6] step {i}" for i in range(1, 7)]


def run_by_runner(directory: Path, jobs_dir: Path, **variables: str) -> Any:
    """A run of ansible-runner, which gives its Ansible a terminal and takes events out of what it prints."""
    return ansible_runner.run(
        private_data_dir=str(directory),
        playbook=str(PLAYBOOKS / "unmodified.yml"),
        inventory=str(INVENTORY / "hosts.yml"),
        limit="web1",
        tags="poll",
        extravars={"jobs_dir": str(jobs_dir)},
        envvars={**{k: v for k, v in os.environ.items() if k.startswith("ANSIBLE_")}, **variables},
        quiet=True,
    )


@pytest.mark.parametrize("callback", ["default", "longrun.jobs.progress"])
def test_events_of_ansible_runner_carry_progress(
    callback: str, tmp_path: Path, jobs_dir: Path
) -> None:
    done = run_by_runner(tmp_path, jobs_dir, ANSIBLE_STDOUT_CALLBACK=callback)
    assert done.status == "successful", done.stdout.read()
    events = list(done.events)
    polls = [one for one in events if one["event"] == "runner_on_async_poll"]
    seen = [one["event_data"]["res"]["async_job"]["progress"]["percent"] for one in polls]
    assert len(seen) >= 3 and seen == sorted(seen) and len(set(seen)) >= 3, seen
    assert all(one["event_data"]["host"] == "web1" for one in polls)
    text = "\n".join(one["stdout"] for one in events)
    assert steps(text) == ALL_STEPS, text
    # no bars: what reads a run's events shows them to people in its own way
    assert "━" not in text and "\x1b[J" not in text and "\x1b[1A" not in text, repr(text)
    (end,) = [one for one in events if one["event"] == "runner_on_ok"]
    assert end["event_data"]["res"]["async_job"]["state"] == "succeeded"


def test_ara_records_and_shows_the_fields(playbook: Run, tmp_path: Path) -> None:
    where = [sys.executable, "-m", "ara.setup.callback_plugins"]
    plugins = subprocess.run(where, check=True, capture_output=True, text=True).stdout.strip()
    variables = {
        "ANSIBLE_CALLBACK_PLUGINS": plugins,
        "ANSIBLE_CALLBACKS_ENABLED": "longrun.jobs.timeline",
        "ARA_BASE_DIR": str(tmp_path / "ara"),
        "ARA_API_CLIENT": "offline",
        "ARA_LOG_LEVEL": "ERROR",
        "LONGRUN_TIMELINE_PATH": str(tmp_path / "page.html"),
    }
    done = playbook(
        str(PLAYBOOKS / "unmodified.yml"),
        "--limit=web1",
        "--tags=poll",
        ANSIBLE_STDOUT_CALLBACK="longrun.jobs.progress",
        **variables,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    env = {**os.environ, **variables}

    def ara(*words: str) -> Any:
        command = ["ara", *words, "-f", "json"]
        shown = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
        return json.loads(shown.stdout)

    (result,) = ara("result", "list")
    assert result["Status" if "Status" in result else "status"] == "changed", result
    shown = ara("result", "show", str(result["ID" if "ID" in result else "id"]), "--with-content")
    content = shown["content"]
    view = (json.loads(content) if isinstance(content, str) else content)["async_job"]
    assert view["state"] == "succeeded" and view["progress"]["percent"] == 100.0
    assert view["output"]["stdout_tail"] == ALL_STEPS


@pytest.mark.parametrize("callback", ["ansible.posix.json", "ansible.posix.jsonl"])
@pytest.mark.parametrize("tags", ["poll", "until"])
def test_json_stays_json(callback: str, tags: str, playbook: Run, tmp_path: Path) -> None:
    done = playbook(
        str(PLAYBOOKS / "unmodified.yml"),
        "--limit=web1",
        f"--tags={tags}",
        ANSIBLE_STDOUT_CALLBACK=callback,
        ANSIBLE_CALLBACKS_ENABLED="longrun.jobs.timeline",
        LONGRUN_TIMELINE_PATH=str(tmp_path / "page.html"),
    )
    assert done.returncode == 0, done.stderr
    documents = [done.stdout] if callback.endswith("json") else done.stdout.splitlines()
    parsed = [json.loads(document) for document in documents]
    assert '"state": "succeeded"' in json.dumps(parsed)
    assert (tmp_path / "page.html").exists()


@pytest.mark.parametrize("callback", ["default", "longrun.jobs.progress"])
def test_results_in_yaml_stay_yaml(callback: str, playbook: Run) -> None:
    done = playbook(
        str(PLAYBOOKS / "unmodified.yml"),
        "--limit=web1",
        "--tags=poll",
        "-v",
        ANSIBLE_STDOUT_CALLBACK=callback,
        ANSIBLE_CALLBACK_RESULT_FORMAT="yaml",
    )
    text = done.stdout.split("changed: [web1] => \n")[1].split("\n\n")[0]
    result = yaml.safe_load(text)
    assert result["async_job"]["progress"]["percent"] == 100.0
    assert steps(done.stdout) == ALL_STEPS
