# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import os
import pwd

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.errors import JobError
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system.find import (
    candidate_dirs,
    find_job,
    job_of_results_file,
)
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system.kernel import System

JID = "j1.2"


def me():
    return System.owner_name(os.geteuid())


def test_a_results_file_is_an_async_dir_and_a_job_id():
    assert job_of_results_file("/home/me/.ansible_async/j1.2") == (
        "/home/me/.ansible_async",
        "j1.2",
    )


@pytest.mark.parametrize(
    "path",
    [
        "j1.2",
        "",
        "./j1.2",
        "~/j1.2",
        "/a/../j1.2",
        "/a//j1.2",
        "/a/j1.2/",
        "/a/passwd",
        "/a/./j1.2",
        "/",
        "/a/j1.2\n",
    ],
)
def test_what_is_no_results_file_is_refused_before_anything_is_opened(path):
    with pytest.raises(JobError):
        job_of_results_file(path)


def test_the_async_dir_can_be_below_home_and_below_the_home_of_the_passwd_entry():
    class Known(System):
        @staticmethod
        def passwd_home():
            return "/home/me"

    assert candidate_dirs(Known(), "~/.a", {"HOME": "/tmp/x"}) == ["/tmp/x/.a", "/home/me/.a"]
    assert candidate_dirs(Known(), "~/.a", {"HOME": "/home/me"}) == ["/home/me/.a"]
    assert candidate_dirs(Known(), "/var/a", {"HOME": "/tmp/x"}) == ["/var/a"]


def test_a_job_is_found_by_its_file_or_by_its_record(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    for path in (first, second):
        path.mkdir(mode=0o700)
    (second / JID).write_text("{}")
    found = find_job(System(), JID, [str(tmp_path / "missing"), str(first), str(second)], None)
    assert found.path == str(second)
    found.close()
    (first / ".longrun" / JID).mkdir(parents=True)
    (first / ".longrun" / JID / "record.json").write_text("{}")
    found = find_job(System(), JID, [str(first), str(second)], None)
    assert found.path == str(first)
    found.close()


def test_a_job_that_is_not_there_is_told_with_every_place_that_was_looked_into(tmp_path):
    tmp_path.chmod(0o700)
    missing = str(tmp_path / "missing")
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(JobError) as caught:
        find_job(System(), JID, [str(tmp_path), missing], None)
    message = caught.value.message
    assert message.startswith(f"could not find job {JID} as {me()}: ")
    assert f"{tmp_path} (owned by {me()}) does not have it" in message
    assert f"could not open the async dir {missing}: No such file or directory (ENOENT)" in message
    assert caught.value.details == {"looked_in": [str(tmp_path), missing]}
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_directory_that_is_closed_to_us_is_told_with_its_owner(tmp_path, faulty_system):
    def closed(path, *_more, **_options):
        return str(path).startswith(str(tmp_path))

    with pytest.raises(JobError) as caught:
        find_job(faulty_system(open=("EACCES", closed)), JID, [str(tmp_path / "a")], None)
    assert "EACCES" in caught.value.message
    assert f"{tmp_path} belongs to {me()} with mode" in caught.value.message


def test_another_user_who_has_the_job_is_named(tmp_path, monkeypatch):
    home = tmp_path / "other"
    (home / ".ansible_async").mkdir(parents=True)
    (home / ".ansible_async" / JID).write_text("{}")
    entry = pwd.struct_passwd(("other", "x", 1, 1, "", str(home), "/bin/sh"))
    monkeypatch.setattr("pwd.getpwall", lambda: [entry])
    with pytest.raises(JobError) as caught:
        find_job(System(), JID, [str(tmp_path / "mine")], ".ansible_async")
    hint = "It is {0}/.ansible_async/{1} and belongs to {2}: become {2}".format(home, JID, me())
    assert hint in caught.value.message


def test_without_a_trace_of_the_job_the_way_to_find_it_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("pwd.getpwall", list)
    with pytest.raises(
        JobError, match="results_file that its start returned finds it without these"
    ):
        find_job(System(), JID, [str(tmp_path)], ".ansible_async")


def test_an_async_dir_that_cannot_be_trusted_is_not_looked_into(tmp_path):
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    (open_to_all / JID).write_text('{"forged": 1}')
    open_to_all.chmod(0o777)
    with pytest.raises(JobError, match="is refused: it belongs to .* with mode 0777"):
        find_job(System(), JID, [str(open_to_all)], None)
