# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs by their names. Starts of the same name by several processes are tested in requests/test_run.py."""

import json
import os
import subprocess
import sys

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.errors import JobError
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.record import new_record
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.settings import Settings
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.requests.wait import answer_wait
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system import names
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system.kernel import System
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system.names import (
    NamesLocked,
    newest_jobs,
    resolve_names,
)
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system.store import (
    LOCK_EX,
    LOCK_NB,
    PRIVATE_DIR,
)


@pytest.fixture
def private(place):
    place.async_dir.mkdir(mode=0o700)
    directory = place.directory()
    found = directory.child(PRIVATE_DIR, create=True)
    directory.close()
    yield found
    found.close()


@pytest.fixture
def recorded(place, private):
    """Put a record, or whatever a text says, where that of a job is."""

    def recorded(jid, name=None, created=None, text=None):
        path = place.async_dir / PRIVATE_DIR / jid
        path.mkdir(mode=0o700)
        record = dict(new_record(jid, "m", 60, Settings(name=name), f"/x/{jid}", False))
        record["created_at"] = created
        (path / "record.json").write_text(json.dumps(record) if text is None else text)

    return recorded


def descriptors():
    return sorted(os.listdir("/proc/self/fd"))


def ids(found):
    return {name: record["id"] for name, record in found.items()}


def test_the_newest_of_each_name_is_found(private, recorded):
    recorded("j1.1", "a", "2026-11-23T02:00:00.000Z")
    recorded("j2.2", "a", "2026-11-23T03:00:00.000Z")
    recorded("j3.3", "a", "2026-11-23T01:00:00.000Z")
    recorded("j4.4", "b", "2026-11-23T01:00:00.000Z")
    recorded("j5.5", "c", "2026-11-23T01:00:00.000Z")
    recorded("j6.6")
    assert ids(newest_jobs(private, ["a", "b", "missing"])) == {"a": "j2.2", "b": "j4.4"}
    assert newest_jobs(private, []) == {}


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "\u00fc", '{"name": ["a"]}', "null"])
def test_a_record_that_cannot_be_read_hides_no_other(private, recorded, text):
    recorded("j1.1", "a", "2026-11-23T02:00:00.000Z")
    recorded("j2.2", text=text)
    (private.system.mkdir)("j3.3", 0o700, dir_fd=private.fd)
    before = descriptors()
    assert ids(newest_jobs(private, ["a"])) == {"a": "j1.1"}
    assert descriptors() == before


def test_what_is_no_job_directory_is_not_looked_into(place, private, recorded):
    recorded("queues", "a", "2026-11-23T02:00:00.000Z")
    recorded("history", "a", "2026-11-23T02:00:00.000Z")
    (place.async_dir / PRIVATE_DIR / "x.1").symlink_to(
        str(place.async_dir / PRIVATE_DIR / "queues")
    )
    assert newest_jobs(private, ["a"]) == {}


def test_names_are_those_of_real_jobs(place):
    path = place.ansiballz("print('{}')")
    jid = place.start(path, environ={"ANSIBLE_ASYNC_NAME": "os upgrade"})
    given = [{"name": "os upgrade", "cursor": "0:0"}, {"jid": "j1.2"}]
    found = resolve_names(place.system, given, str(place.async_dir), place.environ)
    assert found == [
        {"name": "os upgrade", "cursor": "0:0", "results_file": str(place.async_dir / jid)},
        {"jid": "j1.2"},
    ]
    place.ended(jid)


def test_a_job_is_waited_for_by_its_name(place):
    jid = place.start(
        place.ansiballz("print(json.dumps(dict(said='well')))"), environ={"ANSIBLE_ASYNC_NAME": "n"}
    )
    params = {"jobs": [{"name": "n"}], "for": "all", "seconds": 20, "tail_lines": 10}
    params["_async_dir"] = str(place.async_dir)
    answer = answer_wait(place.system, params, place.environ, False)
    assert answer["done"] is True
    assert [(one["ansible_job_id"], one["said"]) for one in answer["statuses"]] == [(jid, "well")]


def test_without_names_nothing_is_looked_for(place):
    given = [{"jid": "j1.2"}, {"results_file": "/a/j1.2"}]
    assert resolve_names(place.system, given, str(place.async_dir), place.environ) == given


def test_names_that_no_job_has_are_all_told(place, private, recorded):
    recorded("j1.1", "a", "2026-11-23T02:00:00.000Z")
    before = descriptors()
    with pytest.raises(JobError) as caught:
        resolve_names(
            place.system,
            [{"name": name} for name in ("b", "a", "it's")],
            str(place.async_dir),
            place.environ,
        )
    assert caught.value.message == (
        f"no job in {place.async_dir} has the name 'b', \"it's\"; a jid looks like j402058509351.34914, "
        "a job file is given by its absolute path"
    )
    assert descriptors() == before


def test_where_no_job_was_ever_started_none_has_the_name(place):
    place.async_dir.mkdir(mode=0o700)
    with pytest.raises(JobError, match="no job in .* has the name 'a'"):
        resolve_names(place.system, [{"name": "a"}], str(place.async_dir), place.environ)


def test_where_there_is_no_async_dir_that_is_told(place):
    with pytest.raises(JobError) as caught:
        resolve_names(place.system, [{"name": "a"}], str(place.async_dir), place.environ)
    assert caught.value.message.startswith(f"could not open the async dir {place.async_dir}: ")


# the lock


def is_locked(place):
    fd = os.open(str(place.async_dir / PRIVATE_DIR / "names.lock"), os.O_RDWR)
    try:
        System.flock(fd, LOCK_EX | LOCK_NB)
        return False
    except OSError:
        return True
    finally:
        os.close(fd)


def test_it_is_held_while_it_is_entered(place, private):
    before = descriptors()
    with NamesLocked(place.system, private):
        assert is_locked(place)
    assert not is_locked(place)
    assert descriptors() == before


def test_it_is_given_back_although_what_was_started_meanwhile_has_inherited_it(place, private):
    with NamesLocked(place.system, private) as locked:
        heir = subprocess.Popen(["cat"], stdin=subprocess.PIPE, pass_fds=[locked._fd])
    try:
        assert not is_locked(place)
    finally:
        heir.stdin.close()
        heir.wait()


def test_it_is_given_back_when_its_holder_is_killed(place, private):
    path = place.async_dir / PRIVATE_DIR / "names.lock"
    text = "import fcntl, sys; f = open(sys.argv[1], 'w'); fcntl.flock(f, 2); print('held', flush=True); sys.stdin.read()"
    holder = subprocess.Popen(
        [sys.executable, "-c", text, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout.readline() == b"held\n"
        path.chmod(0o600)
        assert is_locked(place)
        holder.kill()
        holder.wait()
        with NamesLocked(place.system, private):
            assert is_locked(place)
    finally:
        holder.kill()
        holder.wait()
        holder.stdin.close()
        holder.stdout.close()


def test_one_that_another_holds_for_ever_is_an_error(place, private, monkeypatch):
    monkeypatch.setattr(names, "_NAMING_SECONDS", 0.1)
    before = descriptors()
    with NamesLocked(place.system, private):
        held = descriptors()
        with pytest.raises(JobError) as caught:
            NamesLocked(place.system, private).__enter__()
        assert descriptors() == held
    assert caught.value.message == (
        f"another start of named jobs has held {private.path}/names.lock for 0.1 s"
    )
    assert descriptors() == before


@pytest.mark.parametrize("call, number", [("open", "EROFS"), ("flock_within", "ENOLCK")])
def test_a_lock_that_is_refused_is_told(place, private, faulty_system, call, number):
    system = faulty_system(**{call: number})
    private.system = system
    before = descriptors()
    with pytest.raises(JobError) as caught:
        NamesLocked(system, private).__enter__()
    assert caught.value.message.startswith(f"could not lock {private.path}/names.lock: ")
    assert f"({number})" in caught.value.message
    assert descriptors() == before
