# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of versions, the runs under each of them, and what they say in the end."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from stage import checks, environments, matrix, stated, versions
from stage.bench import Bench
from stage.checks import Result
from stage.matrix import Outcome
from stage.process import StageError, every

RELEASES = {"2.20": "2.20.3", "2.21": "2.21.5", "2.22": "2.22.0rc1"}


@pytest.mark.parametrize(
    "releases, newest",
    [
        (["2.22.0rc1", "2.22.0b2", "2.21.5"], "2.22.0rc1"),
        (["2.22.1rc1", "2.22.0", "2.22.0rc1"], "2.22.0"),
    ],
)
def test_a_final_release_is_taken_before_any_pre_release(releases, newest):
    assert versions.newest_of("2.22", releases) == newest


def test_a_version_without_any_release_is_an_error():
    with pytest.raises(StageError, match="no release of ansible-core 2.2"):
        versions.newest_of("2.2", ["2.22.0"])


@pytest.mark.parametrize(
    "release, told",
    [("2.22.0rc1", True), ("2.22.0b2", True), ("2.22.0.dev0", True), ("2.22.0", False)],
)
def test_a_pre_release_is_known_by_its_version(release, told):
    assert versions.is_pre_release(release) is told


def test_an_unknown_core_is_refused_with_those_that_there_are():
    with pytest.raises(StageError, match="2.15; there are 2.16, "):
        versions.find("2.15")


class Workshop(Bench):
    """A bench without anything on it."""

    def __init__(self):
        self.warnings = []

    @contextlib.contextmanager
    def crew(self, more=0):
        with ThreadPoolExecutor(2) as pool:
            yield pool


@pytest.fixture
def under(monkeypatch):
    """Run under 2.20 to 2.22; those in *failing* fail. Returns the warnings."""
    monkeypatch.setattr(environments, "release", RELEASES.get)

    def run(*failing, cores=tuple(RELEASES)):
        bench = Workshop()

        def one(core):
            if core.version in failing:
                raise StageError("broken")
            return Outcome(("here",), True)

        matrix.under_each(bench, map(versions.find, cores), ("Where",), one)
        return bench.warnings

    return run


def test_a_failure_under_a_final_release_fails_the_check_and_names_it(under, capsys):
    with pytest.raises(StageError, match=r"^under ansible-core 2\.20\.3, 2\.21\.5$"):
        under("2.20", "2.21")
    assert "2.22.0rc1     here   0        passed\n" in capsys.readouterr().out


def test_a_failure_under_a_pre_release_does_not_count_and_is_told(under, capsys):
    assert under("2.22") == ["FAILED under ansible-core 2.22.0rc1 (pre-release, does not count)"]
    out = capsys.readouterr().out
    assert "2.22.0rc1     ?      0        FAILED (pre-release, does not count)\n" in out


def test_a_check_that_ran_under_no_core_fails(under):
    with pytest.raises(StageError, match="under no ansible-core"):
        under(cores=[])


def test_the_closing_message_tells_what_failed_what_does_not_count_and_what_was_left_out():
    good, bad = Result("a", "1", False, [], []), Result("b", "1", True, [], [])
    warned = Result("c", "1", False, ["FAILED under 2.22.0rc1"], [])
    assert checks.verdict([good], []) == "all passed"
    assert checks.verdict([good, bad], []) == "failed: b"
    assert checks.verdict([good, warned], []) == "all that counts passed; c: FAILED under 2.22.0rc1"
    assert checks.verdict([good], ["2.22"]) == (
        "all passed; of all versions of ansible-core only 2.22 ran"
    )


def test_every_step_is_run_and_all_failures_are_told():
    def failing(message):
        raise StageError(message)

    ran = []
    with pytest.raises(StageError, match="^one; two$"):
        every(
            lambda: ran.append(0),
            lambda: failing("one"),
            lambda: failing("two"),
            lambda: ran.append(3),
        )
    assert ran == [0, 3]


def test_a_file_that_names_other_versions_than_the_table_is_told(tmp_path, monkeypatch):
    statement = ("*.md", r"core ([\d.]+) to ([\d.]+)", ("2.16", "2.21"))
    monkeypatch.setattr(stated, "_STATEMENTS", (statement,))
    page = tmp_path / "page.md"
    assert stated.of_files(tmp_path) == ["there is no *.md"]
    page.write_text("core 2.16 to 2.21")
    assert stated.of_files(tmp_path) == []
    page.write_text("core 2.16 to 2.20")
    assert stated.of_files(tmp_path) == ["page.md says 2.16 to 2.20, not 2.16 to 2.21"]
    page.write_text("core 2.16 and newer")
    assert stated.of_files(tmp_path) == [r"page.md does not say: core ([\d.]+) to ([\d.]+)"]


def test_the_pythons_of_a_core_are_read_from_its_own_constants(tmp_path):
    constants = tmp_path / "ansible_test" / "_util" / "target" / "common" / "constants.py"
    constants.parent.mkdir(parents=True)
    constants.write_text(
        "REMOTE_ONLY_PYTHON_VERSIONS = ('2.7', '3.9', '3.6')\n"
        "CONTROLLER_PYTHON_VERSIONS = ('3.12', '3.10')\n"
        "OTHER = sum(CONTROLLER_PYTHON_VERSIONS)\n"
    )
    assert stated.own_pythons(tmp_path) == ("3.10", "3.12", "3.6")
