# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A start that fails says why, and leaves neither a job nor a process behind."""

import errno
import os
import signal
import textwrap
import threading

import pytest

MODULE = "open({0!r}, 'w').write('ran')\nprint('{{}}')"


def assert_nothing_was_started(place, answer, status, path):
    assert (status, answer["failed"]) == (1, True)
    assert "ansible_job_id" not in answer
    assert not [name for name in place.files() if not name.startswith(".longrun/history")]
    jobs = place.async_dir / ".longrun"
    assert not jobs.is_dir() or os.listdir(str(jobs)) == []
    place.until(lambda: not place.processes())
    assert not (place.root / "ran").exists()
    assert answer["_ansible_suppress_tmpdir_delete"] is True
    assert not path.parent.exists()


# the call that fails, on what, and how the message begins behind the path
FAULTS = [
    ("fork", "EAGAIN", "True", "could not start a process for {given}."),
    ("mkdir", "EACCES", "'.longrun' not in args[0]", "could not make the async dir {async_dir}"),
    ("mkdir", "ENOSPC", "args[0] == '.longrun'", "could not write the job to {async_dir}/{given}."),
    (
        "mkdir",
        "EDQUOT",
        "args[0].startswith('j')",
        "could not write the job to {async_dir}/{given}.",
    ),
    ("flock", "ENOLCK", "True", "could not write the job to {async_dir}/{given}."),
    ("write", "ENOSPC", "len(args[1]) > 10000", "could not write the job to {async_dir}/{given}."),
    (
        "write",
        "ENOSPC",
        "b'boot_id' in bytes(args[1])",
        "could not write the job to {async_dir}/{given}.",
    ),
    (
        "write",
        "EIO",
        "b'finished' in bytes(args[1])",
        "could not write the job to {async_dir}/{given}.",
    ),
    ("fsync", "EIO", "True", "could not write the job to {async_dir}/{given}."),
    (
        "rename",
        "EROFS",
        "args[1].startswith('j')",
        "could not write the job to {async_dir}/{given}.",
    ),
    ("open", "EROFS", "args[1] & os.O_CREAT", "could not write the job to {async_dir}/{given}."),
    ("open", "EMFILE", "args[0] == '.longrun'", "could not write the job to {async_dir}/{given}."),
    ("open", "EACCES", "args[0].endswith('async')", "could not open the async dir {async_dir}"),
]


@pytest.mark.parametrize(
    "call, number, when, said", FAULTS, ids=["{}-{}-{}".format(*fault) for fault in FAULTS]
)
def test_a_start_that_the_kernel_refuses_says_which_errno(place, call, number, when, said):
    path = place.ansiballz(MODULE.format(str(place.root / "ran")))
    faults = f"""
        def refusing(*args, **options):
            if {when}:
                fails(errno.{number})
            return getattr(w.System, {call!r})(*args, **options)
        Faulty.{call} = staticmethod(refusing)
    """
    answer, status = place.call_faulty(faults, path, preserve=False)
    assert_nothing_was_started(place, answer, status, path)
    assert answer["msg"].startswith(said.format(async_dir=place.async_dir, given=place.given))
    assert f"({number})" in answer["msg"]
    assert answer["errno"] == number


def forks_until(number):
    return f"""
        forks = [0]
        def fork():
            forks[0] += 1
            if forks[0] == {number}:
                fails(errno.EAGAIN)
            return os.fork()
        Faulty.fork = staticmethod(fork)
    """


def test_a_fork_that_is_refused_further_on_is_told_as_well(place):
    path = place.ansiballz(MODULE.format(str(place.root / "ran")))
    answer, status = place.call_faulty(forks_until(2), path, preserve=False)
    assert_nothing_was_started(place, answer, status, path)
    assert answer["msg"].startswith(f"could not start a process for {place.given}.")
    assert answer["errno"] == "EAGAIN"


NOT_BEGUN = {
    "fork": forks_until(3),
    "descriptors": "Faulty.pipe = staticmethod(lambda: fails(errno.EMFILE))",
    "disk": """
        def refusing(fd, data):
            if b'"supervisor": {' in bytes(data):
                fails(errno.ENOSPC)
            return os.write(fd, data)
        Faulty.write = staticmethod(refusing)
    """,
}


@pytest.mark.parametrize("what, number", [("fork", 11), ("descriptors", 24), ("disk", 28)])
def test_a_job_that_cannot_begin_behind_the_answer_ends_and_says_why(place, what, number):
    path = place.ansiballz(MODULE.format(str(place.root / "ran")))
    faults = NOT_BEGUN[what]
    if what == "disk":
        # its end is written all the same
        faults = faults.replace("if b", "if not os.path.exists(ended) and b")
        faults = f"ended = {str(place.root / 'once')!r}\n" + textwrap.dedent(faults).replace(
            "fails(", "open(ended, 'w').close(); fails("
        )
    found = place.ended(place.start_faulty(faults, path, preserve=False))
    assert (found["failed"], found["async_job"]["state"]) == (True, "failed")
    assert found["async_job"]["reason"] == "not_started"
    assert found["msg"].startswith("the job could not continue: could not start a module of ")
    assert found["msg"].endswith(f"({errno.errorcode[number]})")
    place.all_gone()
    assert not (place.root / "ran").exists()
    assert not path.parent.exists()


def test_a_process_that_dies_before_the_job_has_a_supervisor_is_a_failed_start(place):
    path = place.ansiballz(MODULE.format(str(place.root / "ran")))
    faults = f"Faulty.setsid = staticmethod(lambda: os.kill(os.getpid(), {int(signal.SIGKILL)}))"
    answer, status = place.call_faulty(faults, path, preserve=False)
    assert_nothing_was_started(place, answer, status, path)
    assert answer["msg"].endswith(" ended without a word")


@pytest.mark.parametrize("call", ["become_subreaper", "process_start"])
def test_a_supervisor_that_is_killed_before_it_runs_anything_is_the_truth(place, call):
    """It may have forked its module already; that waits for a word that never comes."""
    path = place.ansiballz(MODULE.format(str(place.root / "ran")))
    faults = f"""
        def killed(*given):
            if {call!r} == "become_subreaper" or given != (os.getpid(),):
                os.kill(os.getpid(), {int(signal.SIGKILL)})
            return w.System.{call}(*given)
        Faulty.{call} = staticmethod(killed)
    """
    found = place.ended(place.start_faulty(faults, path))
    assert found["async_job"]["state"] == "lost"
    assert found["async_job"]["reason"] == "supervisor_killed"
    place.all_gone()
    assert not (place.root / "ran").exists()


def test_the_answer_does_not_wait_for_the_supervisor(place):
    path = place.ansiballz(MODULE.format(str(place.root / "ran")))
    gate = place.gate()
    faults = f"""
        def late():
            with open({gate.path!r}) as gate:
                gate.readline()
            return w.System.become_subreaper()
        Faulty.become_subreaper = staticmethod(late)
    """
    jid = place.start_faulty(faults, path)
    view = place.view(jid)
    assert (view["state"], view["supervised"], view["usage"]) == ("running", True, None)
    gate.open()
    place.ended(jid)
    assert (place.root / "ran").exists()


def test_an_async_dir_that_is_a_file_is_named(place):
    place.async_dir.write_text("")
    path = place.ansiballz(MODULE.format(str(place.root / "ran")))
    answer, status = place.call(path, preserve=False)
    assert (status, answer["errno"]) == (1, "ENOTDIR")
    assert answer["msg"].startswith(
        f"could not open the async dir {place.async_dir}: Not a directory"
    )


def test_an_async_dir_below_a_file_is_named(place):
    place.async_dir.write_text("")
    inner = str(place.async_dir / "inner")
    path = place.ansiballz(MODULE.format(str(place.root / "ran")))
    answer, status = place.call(path, environ={"ANSIBLE_ASYNC_DIR": inner})
    assert (status, answer["path"]) == (1, inner)
    assert answer["msg"].startswith(
        f"could not make the async dir {inner}: Not a directory (ENOTDIR)"
    )


def test_a_home_that_does_not_exist_is_named_and_not_made(place):
    home = place.root / "nobody"
    path = place.ansiballz(MODULE.format(str(place.root / "ran")))
    answer, status = place.call(
        path, environ={"ANSIBLE_ASYNC_DIR": "~/.ansible_async", "HOME": str(home)}
    )
    assert (status, answer["errno"], answer["path"]) == (1, "ENOENT", str(home))
    assert answer["msg"].startswith(f"could not use the home {home}: No such file or directory")
    assert answer["msg"].endswith("set ansible_async_dir to a directory that this user can create")
    assert not home.exists()


def test_an_async_dir_that_cannot_be_written_is_named(place):
    place.async_dir.mkdir(mode=0o500)
    # root writes where it likes: for root, the kernel is told to refuse as it would anybody else
    faults = """
        if os.geteuid() == 0:
            Faulty.mkdir = staticmethod(lambda *args, **options: fails(errno.EACCES))
    """
    answer, status = place.call_faulty(faults, place.ansiballz("print('{}')"))
    assert (status, answer["errno"]) == (1, "EACCES")
    assert str(place.async_dir) in answer["msg"]


@pytest.mark.parametrize("what", ["private", "job file", "private file"])
def test_what_was_planted_in_the_async_dir_is_not_followed(place, what):
    place.async_dir.mkdir(mode=0o700)
    elsewhere = place.root / "elsewhere"
    elsewhere.mkdir()
    target = elsewhere / "target"
    target.write_text("untouched")
    path = place.ansiballz("print('{}')")
    if what == "job file":
        # the pid is in the name, so all that there can be are planted
        faults = f"""
            os.symlink({str(target)!r}, os.path.join({str(place.async_dir)!r}, "{place.given}.%d" % os.getpid()))
        """
        jid = place.start_faulty(faults, path)
        place.ended(jid)
        assert not (place.async_dir / jid).is_symlink()
    else:
        if what == "private":
            (place.async_dir / ".longrun").symlink_to(elsewhere)
        else:
            (place.async_dir / ".longrun").symlink_to(target)
        answer, status = place.call(path)
        assert (status, answer["failed"]) == (1, True)
        assert "ENOTDIR" in answer["msg"] or "ELOOP" in answer["msg"]
    assert target.read_text() == "untouched"
    assert os.listdir(str(elsewhere)) == ["target"]


def test_a_private_directory_that_others_can_write_is_refused(place):
    private = place.async_dir / ".longrun"
    place.async_dir.mkdir(mode=0o700)
    private.mkdir()
    private.chmod(0o777)
    answer, status = place.call(place.ansiballz("print('{}')"))
    assert status == 1
    assert f"{private} is not believed: it belongs to" in answer["msg"]
    assert "mode 0777" in answer["msg"]


def test_jobs_that_start_at_the_same_time_all_start(place):
    paths = [place.ansiballz(f"print(json.dumps(dict(number={number})))") for number in range(6)]
    jids = [None] * len(paths)

    def start(number):
        jids[number] = place.start(paths[number])

    threads = [threading.Thread(target=start, args=(number,)) for number in range(len(paths))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [place.ended(jid)["number"] for jid in jids] == list(range(len(paths)))
