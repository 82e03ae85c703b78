# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import json
import os

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.inspection.ending import (
    conclude,
    encode,
    whole_result,
    write_end,
)
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.record import (
    begin,
    new_record,
)
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.settings import Settings
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system.kernel import System

JID = "j1.2"
MESSAGE = "the module came to its end, but its result could not be written: No space left on device"


class Refused:
    """A job whose module has come to its end on a full disk: part of its result is there."""

    def __init__(self, place, printed, system=None):
        self.place = place
        self.system = system or System()
        place.job_dir(JID).mkdir(parents=True, mode=0o700)
        for path in (place.async_dir, place.async_dir / ".longrun"):
            path.chmod(0o700)
        self.record = new_record(JID, "m", 60, Settings(), str(place.async_dir / JID), False)
        begin(self.record, System.boot_id(), System.time(), System.monotonic())
        place.directory().child(".longrun").child(JID).write_file(
            "record.json", encode(self.record)
        )
        self.async_dir = place.directory(self.system)
        self.job_dir = self.async_dir.child(".longrun").child(JID)
        files = {"result": printed, "stdout": "said\n", "no_space": ""}
        for name, text in files.items():
            (place.job_dir(JID) / name).write_text(text)
        (place.async_dir / JID).write_text('{"started": true, "finished": false}')

    def end(self):
        public = conclude(self.system, self.job_dir, self.record, None, "exit")
        write_end(self.system, self.async_dir, self.job_dir, self.record, public)
        return json.loads((self.place.async_dir / JID).read_text())


def test_a_result_that_a_full_disk_refused_is_missed_by_its_name(place):
    job = Refused(place, '{"changed": tr')
    assert whole_result(job.job_dir)  # its module has come to its end, whoever asks
    found = job.end()
    assert found["failed"] is True
    assert found["msg"] == MESSAGE
    assert found["stdout"] == "said\n"
    assert (found["async_job"]["state"], found["async_job"]["reason"]) == ("failed", "no_space")
    assert sorted(os.listdir(str(place.job_dir(JID)))) == ["record.json", "stdout"]


def test_the_part_of_a_result_makes_room_for_the_word_that_it_is_none(place, faulty_system):
    part = place.job_dir(JID) / "result"
    job = Refused(
        place, '{"changed": tr', faulty_system(write=("ENOSPC", lambda _fd, _data: part.exists()))
    )
    found = job.end()
    assert found["msg"] == MESSAGE
    assert (found["async_job"]["state"], found["async_job"]["reason"]) == ("failed", "no_space")


def test_a_result_that_is_there_all_the_same_stands(place):
    found = Refused(place, '{"changed": true, "data": "its own"}').end()
    assert found["changed"] is True
    assert found["data"] == "its own"
    assert (found["async_job"]["state"], found["async_job"]["reason"]) == ("succeeded", "exit")


def test_a_module_that_is_refused_the_room_for_its_result_ends_for_that(place):
    found = place.result(place.ansiballz("""
            import resource
            subprocess.Popen(["echo", "said"], stdout=subprocess.PIPE).communicate()
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
            print(json.dumps({"big": "x" * 100000}))
            """))
    assert found["msg"] == MESSAGE
    assert found["stdout"] == "said\n"
    assert (found["async_job"]["state"], found["async_job"]["reason"]) == ("failed", "no_space")


def test_a_module_that_takes_the_reserve_for_its_result_has_a_result(place):
    """The disk is full for the module until its reserve is given back."""
    found = place.result(place.ansiballz("""
            import errno, io
            reserve = os.path.join(os.path.dirname(os.environ["ANSIBLE_ASYNC_PROGRESS"]), "reserve")
            real = sys.stdout.buffer.raw.__class__.__mro__[1]
            def write(self, data):
                if os.path.exists(reserve):
                    raise OSError(errno.ENOSPC, "No space left on device")
                return os.write(1, data)
            class Full(io.FileIO):
                pass
            Full.write = write
            sys.stdout.buffer.raw.__class__.__bases__ = (Full,)
            print(json.dumps({"changed": True}))
            """))
    assert found["changed"] is True
    assert (found["async_job"]["state"], found["async_job"]["reason"]) == ("succeeded", "exit")
