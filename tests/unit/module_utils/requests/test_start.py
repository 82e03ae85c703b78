# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The start of a drop-in's job by a request, as the target carries it out."""

import json
import subprocess
import sys

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.carrier.parcel import pack

SECONDS = 20.0
# prints a word that is nowhere else, not even in its own text
MODULE = """\
#!{0}
# -*- coding: utf-8 -*-
_ANSIBALLZ_WRAPPER = True
import json, os, subprocess, sys
{1}
subprocess.Popen("echo hunter'seven'teen", shell=True, stdout=subprocess.PIPE).communicate()
open(os.environ["ANSIBLE_ASYNC_PROGRESS"], "a").write("45 hunter" + "seventeen")
print(json.dumps(dict(changed=True, said="well")))
"""
PRINTED = "hunterseventeen"


@pytest.fixture
def start(place, carried_program):
    """Send the request async_wrapper with a module, and return the jid of its job."""

    def start(line, no_log):
        name = "longrun.test.demo"
        text = MODULE.format(sys.executable, line)
        parcels, texts = pack([text.encode("utf-8")], [name])
        parcels[0].update(style="new", shebang="#!" + sys.executable, args=None, module=name)
        params = {"payloads": parcels, "prefix": place.given, "timeout": 60, "no_log": no_log}
        place.started = True
        done = subprocess.run(
            [sys.executable, "-"],
            input=carried_program("async_wrapper", params, texts=texts).encode("ascii"),
            stdout=subprocess.PIPE,
            env=place.environ,
            cwd=str(place.root),
            check=True,
            timeout=SECONDS,
        )
        return json.loads(done.stdout.decode("ascii"))["ansible_job_id"]

    return start


def test_a_job_that_is_told_no_log_keeps_no_output_though_its_module_does_not_say_so(place, start):
    jid = start("", no_log=True)
    status = place.ended(jid)
    assert (status["said"], status["async_job"]["output"]["stdout_tail"]) == ("well", [])
    assert place.record(jid)["no_log"] is True
    assert place.text_on_disk(PRINTED) == []


@pytest.mark.parametrize("words", ["_ansible_no_log=True", '{"_ansible_no_log": true}'])
def test_words_among_the_arguments_of_a_job_do_not_hide_its_output(place, start, words):
    jid = start(f"ARGUMENTS = {words!r}", no_log=False)
    assert place.ended(jid)["async_job"]["output"]["stdout_tail"] == [PRINTED]
    assert place.record(jid)["no_log"] is False
