# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""longrun.jobs.timeline in a browser."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import Browser
from conftest import INVENTORY, PLAYBOOKS, Run

from ansible_collections.longrun.jobs.plugins.plugin_utils._sight.seen import SeenJobs
from ansible_collections.longrun.jobs.plugins.plugin_utils._sight.timeline import render, timeline

EVIL = "<script>document.title='taken'</script><img src=http://example.com/x onerror=alert(1)>"
SHOWN = "[...document.querySelectorAll('tr.job')].filter((row) => row.offsetParent !== null).length"
FACTS = (
    "[...document.querySelectorAll('.facts')].filter((one) => one.offsetParent !== null)"
    ".map((one) => one.innerText)"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as opened:
        yield opened


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Callable[[str], Browser]:
    """A page with this text, opened."""

    def show(text: str) -> Browser:
        path = tmp_path / "page.html"
        path.write_text(text, encoding="utf-8")
        browser.requests.clear()
        browser.errors.clear()
        browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=1, y=1)
        browser.open(path)
        return browser

    return show


def status(number: int, state: str, **view: Any) -> dict[str, Any]:
    shown = {"id": f"j{number}.{number}", "state": state, "elapsed": 10.0 + number % 50, **view}
    return {"async_job": shown, "msg": view.pop("msg", "")}


def sample(jobs: int, hosts: int) -> str:
    """A page of so many jobs, every tenth of which failed."""
    seen, now = SeenJobs(), 1_800_000_000.0
    for number in range(jobs):
        host = f"host{number % hosts:03d}"
        for percent in (20, 50, 80):
            view = {"progress": {"percent": percent}, "name": f"job{number}"}
            seen.note(host, "Start", status(number, "running", **view), now - 40 + percent / 4)
        end = (
            {"state": "failed", "msg": "disk full"} if number % 10 == 0 else {"state": "succeeded"}
        )
        message = end.pop("msg", "")
        ended = dict(status(number, end["state"], name=f"job{number}", reason="exit"), msg=message)
        seen.note(host, "Start", ended, now)
    page: str = render(timeline("site.yml", seen, now - 60, now))
    return page


def test_what_jobs_and_hosts_say_is_shown_and_never_run(page: Callable[[str], Browser]) -> None:
    seen = SeenJobs()
    view = {
        "id": "j1.1",
        "name": EVIL,
        "module": EVIL,
        "state": "failed",
        "reason": EVIL,
        "elapsed": 3,
        "progress": {"percent": 10, "message": EVIL, "unit": EVIL},
        "output": {"stdout_tail": [EVIL]},
    }
    seen.note(f"evil{EVIL}", EVIL, {"async_job": view, "msg": EVIL}, 1000.0)
    seen.note("h", "t", {"async_job": {"id": "j2.2", "state": f'x" {EVIL}'}}, 1000.0)
    shown = page(render(timeline(EVIL, seen, 990.0, 1000.0)))
    assert shown.run("document.title") == f"{EVIL}: jobs"
    assert shown.run("document.querySelectorAll('script, img').length") == 1
    assert shown.run("document.querySelector('tr.job .facts').textContent").count(EVIL) == 8
    assert shown.run("document.querySelector('[data-state=other]') !== null")
    assert [url for url in shown.requests if not url.startswith("file:")] == []
    assert shown.errors == []


def test_the_page_allows_no_script_but_its_own(page: Callable[[str], Browser]) -> None:
    """Were something not escaped, it would not be run, either."""
    text = sample(3, 1).replace("</main>", f"{EVIL}</main>")
    shown = page(text)
    assert shown.run("document.title") == "site.yml: jobs"
    assert any("Content Security Policy" in error for error in shown.errors)


def test_hovering_shows_what_is_known_of_a_job(page: Callable[[str], Browser]) -> None:
    shown = page(sample(20, 4))
    assert shown.run(FACTS) == []
    shown.hover("tr.job[data-state=failed] .bar")
    (facts,) = shown.run(FACTS)
    assert re.search(r"Failure\s+disk full", facts), facts
    assert re.search(r"State\s+failed", facts) and re.search(r"Host\s+host000", facts), facts
    assert shown.run("document.querySelector('tr.job .mark title').textContent") == "20%"
    shown.key("Escape")
    assert shown.run(FACTS) == []


def test_jobs_are_filtered_by_host_and_state(page: Callable[[str], Browser]) -> None:
    shown = page(sample(40, 4))
    fire = "document.getElementById('filters').dispatchEvent(new Event('input', {bubbles: true}))"
    shown.run(f"document.getElementById('host').value = 'HOST000'; {fire}")
    assert shown.run(SHOWN) == 10
    shown.run(f"document.querySelector('[value=succeeded]').click(); {fire}")
    assert shown.run(SHOWN) == 2
    assert shown.run("document.getElementById('shown').textContent") == "2 of 40 jobs shown"
    shown.run(f"document.getElementById('host').value = 'nowhere'; {fire}")
    assert shown.run(SHOWN) == 0
    assert shown.run("document.getElementById('none').offsetParent !== null")


def test_the_keyboard_reaches_every_job(page: Callable[[str], Browser]) -> None:
    shown = page(sample(12, 3))
    focused = "document.activeElement.className + ' ' + (document.activeElement.querySelector('th') || {}).textContent"
    for _time in range(12):
        shown.key("Tab")
        if shown.run(focused).startswith("job "):
            break
    order = [shown.run(focused)]
    assert len(shown.run(FACTS)) == 1, "the details of the job that is reached are shown"
    for _time in range(11):
        shown.key("ArrowDown")
        order.append(shown.run(focused))
    assert len(set(order)) == 12, order
    shown.key("Home")
    assert shown.run(focused) == order[0]
    shown.key("End")
    assert shown.run(focused) == order[-1]
    assert shown.run("document.querySelectorAll('tr.job[tabindex=\"0\"]').length") == 1


def test_colours_follow_the_system(page: Callable[[str], Browser]) -> None:
    shown = page(sample(3, 1))
    background = "getComputedStyle(document.body).backgroundColor"
    light = shown.run(background)
    dark = [{"name": "prefers-color-scheme", "value": "dark"}]
    shown.call("Emulation.setEmulatedMedia", features=dark)
    assert (light, shown.run(background)) == ("rgb(255, 255, 255)", "rgb(21, 24, 30)")
    shown.call("Emulation.setEmulatedMedia", features=[])


def test_a_thousand_jobs_stay_usable(page: Callable[[str], Browser]) -> None:
    began = time.monotonic()
    text = sample(1000, 200)
    drawn = time.monotonic() - began
    shown = page(text)
    assert shown.run(SHOWN) == 1000
    spent = shown.run(
        "(() => { const host = document.getElementById('host'); const began = performance.now();"
        " host.value = 'host007'; host.dispatchEvent(new Event('input', {bubbles: true}));"
        " document.body.offsetHeight; return performance.now() - began; })()"
    )
    assert shown.run(SHOWN) == 5
    print(f"drawn in {drawn:.2f} s, {len(text) / 1e6:.1f} MB, filtered in {spent:.0f} ms")
    assert spent < 500 and drawn < 5 and len(text) < 5e6


def test_a_run_is_on_its_page(playbook: Run, tmp_path: Path, browser: Browser) -> None:
    done = playbook(
        str(PLAYBOOKS / "retried.yml"),
        "--limit=web1",
        ANSIBLE_CALLBACKS_ENABLED="longrun.jobs.timeline",
        LONGRUN_TIMELINE_PATH=f"{tmp_path}/pages/%Y/run.html",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = (tmp_path / "pages").glob("20??/run.html")
    assert str(path) in " ".join(done.stdout.split())
    browser.errors.clear()
    browser.open(path)
    assert browser.run(SHOWN) == 3
    states = browser.run("[...document.querySelectorAll('tr.job')].map((row) => row.dataset.state)")
    assert states == ["failed", "succeeded", "timed_out"]
    assert browser.run("document.querySelectorAll('.retry').length") == 1
    texts = browser.run("[...document.querySelectorAll('.facts')].map((one) => one.textContent)")
    assert "attempt 1" in texts[0] and "Have it fail once" in texts[0]
    assert "Timeout exceeded" in texts[2] and "deadline" in texts[2]
    assert browser.errors == []


def test_an_interrupted_run_has_its_page(tmp_path: Path, jobs_dir: Path) -> None:
    page = tmp_path / "page.html"
    variables = {
        "ANSIBLE_CALLBACKS_ENABLED": "longrun.jobs.timeline",
        "LONGRUN_TIMELINE_PATH": str(page),
        "PYTHONUNBUFFERED": "1",
    }
    with subprocess.Popen(
        ["ansible-playbook", f"-i{INVENTORY}/hosts.yml", f"-ejobs_dir={jobs_dir}", "--limit=web1"]
        + ["--tags=poll", f"{PLAYBOOKS}/unmodified.yml"],
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as running:
        assert running.stdout is not None
        for line in running.stdout:
            if "ASYNC POLL" in line:
                running.send_signal(signal.SIGINT)
                break
        running.stdout.read()
    assert running.returncode != 0
    assert "1 job on 1 host: 1 running" in page.read_text()
