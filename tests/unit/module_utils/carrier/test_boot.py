# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the carrier sends, run as a target runs it: by a bare interpreter that has nothing but its standard input."""

import json
import os
import stat
import subprocess
import sys
import time
import zlib

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.carrier.boot import KEPT
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.requests.operations import perform


def run(place, text, *flags):
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", *flags, "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=str(place.root),
        env={"HOME": str(place.home), "PATH": os.environ["PATH"], "LC_ALL": "C"},
    )
    stdout, stderr = process.communicate(text.encode("ascii"), timeout=20)
    return stdout.decode("ascii"), stderr.decode("utf-8"), process.returncode


@pytest.fixture
def carried(place, carried_program):
    """The answer to a request, as the controller reads it."""

    def ask(operation, params, check_mode=False, *flags, **changed):
        text = carried_program(operation, params, check_mode, **changed)
        stdout, stderr, status = run(place, text, *flags)
        assert (stderr, status) == ("", 0)
        # an empty line first: what a login shell prints without one is no JSON
        assert stdout.count("\n") == 2
        answer = json.loads(stdout)
        answer.pop(KEPT)
        return answer

    return ask


@pytest.fixture
def ended(place):
    return place.result(
        place.ansiballz("print(json.dumps({'changed': True, 'said': 'caf\\u00e9'}))")
    )["ansible_job_id"]


@pytest.mark.parametrize("module", ["async_status", "async_info", "async_cancel", "async_prune"])
def test_the_carried_answer_is_the_modules_own(place, ended, module, monkeypatch, carried):
    params = {"_async_dir": str(place.async_dir), "remote_tmp": str(place.root / "tmp")}
    params.update({"jid": ended} if module == "async_status" else {})
    params.update({"jids": [ended]} if module == "async_cancel" else {})
    monkeypatch.setenv("HOME", str(place.home))
    assert carried(module, params, True) == perform(module, params, True)


def test_a_refusal_is_an_answer_too(place, carried):
    found = carried("async_status", {"jid": "j1.2", "_async_dir": str(place.async_dir)})
    assert (found["failed"], found["finished"]) == (True, True)
    assert found["msg"].startswith("could not find job j1.2")
    assert carried("async_info", {"older_than": "soon"})["msg"].startswith("older_than: 'soon'")


def test_check_mode_is_carried(place, ended, carried):
    params = {"jid": ended, "mode": "cleanup", "_async_dir": str(place.async_dir)}
    carried("async_status", params, check_mode=True)
    assert (place.async_dir / ended).exists()
    carried("async_status", params)
    assert not (place.async_dir / ended).exists()


def test_home_is_where_the_target_says(place, ended, carried):
    os.rename(str(place.async_dir), str(place.home / ".ansible_async"))
    found = carried("async_info", {"_async_dir": "~/.ansible_async"})
    assert found["async_dir"] == str(place.home / ".ansible_async")
    assert [view["id"] for view in found["jobs"]] == [ended]


def test_nothing_is_looked_for_on_the_target_and_written_only_where_the_jobs_are(
    place, ended, carried
):
    before = sorted(str(path) for path in place.root.rglob("*"))
    (place.root / "longrun_jobs.py").write_text("raise AssertionError('not this one')")
    (place.root / "json.py").write_text("raise AssertionError('not this one')")
    carried("async_info", {"_async_dir": str(place.async_dir)})
    (place.root / "longrun_jobs.py").unlink()
    (place.root / "json.py").unlink()
    after = sorted(str(path) for path in place.root.rglob("*") if path not in kept(place))
    assert (after, len(kept(place))) == (before, 1)


def test_a_fault_names_the_part_of_the_library_in_which_it_is(place, carried_program):
    more = "\n\ndef answer_info(*_args):\n    raise ZeroDivisionError('on purpose')\n"
    text = carried_program("async_info", {}, info=lambda text: text + more)
    stdout, stderr, status = run(place, text)
    assert (stdout, status) == ("", 1)
    assert "<longrun_jobs.requests.info>" in stderr
    assert stderr.endswith("ZeroDivisionError: on purpose\n")


def test_warnings_as_errors_do_not_disturb_it(place, ended, carried):
    """ResourceWarning included: what was opened is closed."""
    params = {"_async_dir": str(place.async_dir)}
    for _unused in ("compiled", "kept"):
        assert len(carried("async_info", params, False, "-W", "error")["jobs"]) == 1


def test_what_a_job_runs_does_not_see_what_the_library_was_loaded_with(place, carried_program):
    """The library does without typing, and without collecting garbage: a job has both."""
    probe = """
import gc, sys
from typing import NamedTuple
_AFTER_LOADING = (sys.modules["typing"].__class__.__name__, gc.isenabled())
class Pair(NamedTuple):
    one: int
    other: "Dict[str, Any]" = None
    def both(self) -> "Tuple[Any, ...]":
        return (self.one, self.other)
def answer_info(_system, _params, _environ, _check):
    pairs = [Pair(1), Pair(1, 2)._replace(one=3), Pair(other=4, one=5)]
    refused = 0
    for given, named in (((), {}), ((1, 2, 3), {}), ((1,), {"one": 2}), ((1,), {"more": 2})):
        try:
            Pair(*given, **named)
        except TypeError as error:
            refused += "Pair takes one, other" in str(error)
    later = ("typing" in sys.modules, gc.isenabled())
    return {"loading": _AFTER_LOADING, "later": later, "pairs": [pair.both() for pair in pairs],
            "equal": Pair(1, 2) == (1, 2), "refused": refused}
"""
    params = {"_async_dir": str(place.async_dir)}
    text = carried_program("async_info", params, info=lambda text: text + probe)
    stdout, stderr, status = run(place, text)
    assert (stderr, status) == ("", 0)
    answer = json.loads(stdout)
    assert answer["loading"] == ["Untyped", False]
    assert answer["later"] == [False, True]
    assert answer["pairs"] == [[1, None], [3, 2], [5, 4]]
    assert (answer["equal"], answer["refused"]) == (True, 4)


def test_a_request_with_its_standard_error_closed_opens_nothing_in_its_place(
    place, carried_program
):
    """Whatever became descriptor 2 would get what is written there."""
    probe = "def answer_info(*_given):\n    import os\n    return {'is': os.readlink('/proc/self/fd/2')}\n"
    text = carried_program("async_info", {}, info=lambda text: text + "\n\n" + probe)
    program = place.root / "program"
    program.write_text(text)
    done = subprocess.run(
        ["/bin/sh", "-c", 'exec "$0" "$1" 2>&-', sys.executable, str(program)],
        stdout=subprocess.PIPE,
        env=place.environ,
        check=True,
    )
    assert json.loads(done.stdout.decode("ascii")) == {"is": "/dev/null", KEPT: False}


# code that is kept


def kept(place):
    """What was kept for requests; async_wrapper, which starts the job here, has a file of its own."""
    found = (place.async_dir / ".longrun").glob("library-*")
    return sorted(path for path in found if path != place.kept_by_wrapper())


LIAR = "\n\ndef answer_info(*_args):\n    return {'liar': True}\n"


@pytest.fixture
def info(place, ended, carried):
    def ask(**changed):
        return carried("async_info", {"_async_dir": str(place.async_dir)}, **changed)

    return ask


@pytest.fixture
def planted(place, info):
    """The file of kept code, with code in it that tells a lie: whoever believes it says so."""
    info(info=lambda text: text + LIAR)
    (lie,) = kept(place)
    data = lie.read_bytes()
    lie.unlink()
    info()
    (path,) = kept(place)
    path.write_bytes(data)
    return path


def test_what_was_compiled_is_kept_for_the_next_request_for_this_user_alone(place, info, planted):
    assert info() == {"liar": True}
    assert stat.S_IMODE(planted.stat().st_mode) == 0o600


def test_the_answer_tells_whether_the_next_request_may_come_without_it(
    place, info, carried_program
):
    def ask(directory, **how):
        text = carried_program("async_info", {"_async_dir": str(directory)}, **how)
        stdout, stderr, status = run(place, text)
        assert (stderr, status) == ("", 0)
        return json.loads(stdout)

    assert ask(place.async_dir, with_library=False) == {KEPT: False}
    whole = ask(place.async_dir)
    assert whole.pop(KEPT) is True
    assert ask(place.async_dir, with_library=False) == whole
    assert ask(place.async_dir)[KEPT] is True
    # without jobs there is no place to keep it in
    assert ask(place.root / "none")[KEPT] is False


def test_a_job_that_came_without_the_library_takes_its_parts_along(place, carried_program, ended):
    """As a module that respawns needs them: they are in what was kept."""
    probe = "def answer_info(_system, params, _environ, _check):\n    return {'tap': params['_library'].texts['supervisor.tap']}\n"
    params = {"_async_dir": str(place.async_dir)}
    changed = {"info": lambda text: text + "\n\n" + probe}
    answers = []
    for with_library in (True, False):
        sent = carried_program("async_info", params, with_library=with_library, **changed)
        stdout, stderr, status = run(place, sent)
        assert (stderr, status) == ("", 0)
        answers.append(json.loads(stdout)["tap"])
    assert answers[0] == answers[1] and "def install_tap" in answers[1]


def test_another_version_of_the_library_has_its_own(place, info):
    told = info()
    assert info(info=lambda text: text + LIAR) == {"liar": True}
    assert len(kept(place)) == 2
    assert info() == told


@pytest.mark.parametrize("cut", [0, 4, 8, 1000, -1], ids=str)
def test_a_file_that_is_not_whole_is_made_anew(place, info, cut):
    told = info()
    (path,) = kept(place)
    whole = path.read_bytes()
    path.write_bytes(whole[:cut])
    assert info() == told
    # marshal does not promise the same bytes
    data = path.read_bytes()
    assert data[:8] == b"%08x" % zlib.crc32(data[8:])


def test_what_others_could_have_written_is_not_believed(place, info, planted):
    planted.chmod(0o620)
    assert "liar" not in info()
    assert stat.S_IMODE(kept(place)[0].stat().st_mode) == 0o600


def test_nothing_is_read_from_a_directory_that_others_may_write_to(place, info, planted):
    private = place.async_dir / ".longrun"
    private.chmod(0o777)
    found = info()
    assert found["jobs"] == []
    assert "is not believed" in found["unreadable"][0]["msg"]


def test_a_link_is_not_followed(place, info, planted):
    elsewhere = place.root / "elsewhere"
    planted.rename(elsewhere)
    planted.symlink_to(elsewhere)
    assert "liar" not in info()


def test_of_root_another_users_file_is_not_believed(place, info, planted):
    if os.geteuid() == 0:
        os.chown(str(planted), 65534, 65534)
        assert "liar" not in info()
    else:
        assert info() == {"liar": True}


def test_where_there_are_no_jobs_nothing_is_kept(place, carried):
    assert carried("async_info", {"_async_dir": str(place.async_dir)})["jobs"] == []
    assert not place.async_dir.exists()


def test_a_disk_that_is_full_or_read_only_is_no_failure(place, info, ended, carried_program):
    params = {"_async_dir": str(place.async_dir)}
    text = carried_program("async_info", params)
    fault = "def full(*_given, **_more):\n    raise OSError(28, 'No space left on device')\nos.rename = full\n"
    before = kept(place)
    stdout, stderr, status = run(place, text.replace("\n\nboot(", "\n\n" + fault + "\n\nboot("))
    assert (stderr, status, len(json.loads(stdout)["jobs"])) == ("", 0, 1)
    assert kept(place) == before
    assert not [path for path in place.files() if "/.library" in path]


def test_old_code_goes_when_new_is_kept(place, info):
    info()
    (old,) = kept(place)
    for path, days in ((old, 8), (old.with_name("library-1-young.code"), 6)):
        path.touch()
        moment = time.time() - days * 86400
        os.utime(str(path), (moment, moment))
    info(info=lambda text: text + LIAR)
    assert old not in kept(place)
    assert [path.name for path in kept(place)][0] == "library-1-young.code"
