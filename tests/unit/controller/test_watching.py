# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.longrun.jobs.plugins.plugin_utils._sight.seen import SeenJob
from ansible_collections.longrun.jobs.plugins.plugin_utils._sight.watching import Waiting, Watching


def job(
    jid: str = "j1.1", host: str = "web1", state: str = "running", percent: float = 0
) -> SeenJob:
    return SeenJob(host, jid, "t", began=0.0, looked=0.0, state=state, percent=percent)


def test_a_task_that_waits_is_shown_until_it_tells_of_a_job() -> None:
    watching = Watching()
    watching.start("web1", "Upgrade", True, 3.0)
    watching.start("web2", "Copy a file", False, 3.0)
    assert watching.shown() == ([], [Waiting("web1", "Upgrade", 3.0)])
    told = job()
    watching.look("web1", [told], 4.0)
    assert watching.shown() == ([told], [])
    assert watching.task_of("web1") == "Upgrade"


def test_a_job_that_ends_while_others_go_on_is_told_of_once() -> None:
    watching = Watching()
    first, second = job("j1.1"), job("j2.2")
    assert watching.look("web1", [first, second], 0.0) == []
    first.state = "succeeded"
    assert watching.look("web1", [first, second], 1.0) == [first]
    assert watching.look("web1", [first, second], 2.0) == []
    assert watching.shown()[0] == [second]


def test_the_result_of_a_task_ends_what_it_waited_for() -> None:
    """Also when a job goes on: nobody looks at it any more."""
    watching = Watching()
    told = job()
    watching.look("web1", [told], 0.0)
    assert watching.end("web1", [told], whole_task=True) == []
    assert watching.shown() == ([], [])


def test_the_result_of_one_item_does_not() -> None:
    watching = Watching()
    first, second = job("j1.1"), job("j2.2")
    watching.look("web1", [first, second], 0.0)
    first.state = "failed"
    assert watching.end("web1", [first], whole_task=False) == [first]
    assert watching.shown()[0] == [second]


def test_a_job_that_was_over_at_the_first_look_is_not_told_of() -> None:
    watching = Watching()
    assert watching.end("web1", [job(state="succeeded")], whole_task=True) == []


def test_a_line_is_due_once_an_interval_and_only_with_news() -> None:
    watching = Watching()
    told = job()
    assert watching.news([told], 0.0, 10.0) == [told]
    told.percent = 50
    assert watching.news([told], 9.9, 10.0) == []
    assert watching.news([told], 10.0, 10.0) == [told]
    assert watching.news([told], 99.0, 10.0) == [], "nothing has changed"
    told.state = "succeeded"
    assert watching.news([told], 120.0, 10.0) == [], "its end has a line of its own"


def test_jobs_do_not_wait_for_each_others_lines() -> None:
    watching = Watching()
    first, second = job("j1.1"), job("j1.1", host="web2")
    assert watching.news([first], 0.0, 10.0) == [first]
    assert watching.news([first, second], 1.0, 10.0) == [second]
