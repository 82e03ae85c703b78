# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scopes, as far as they can be tried without systemd: a busctl of the test's own notes what it is asked."""

import os
import time

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.errors import JobError
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system import scope
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system.kernel import System
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.system.scope import (
    Limits,
    check_scope,
    enter_scope,
    is_scope_of,
    scope_processes,
)

UNIT = "longrun-j1-2.scope"


class User(System):
    uid = 0

    def geteuid(self):
        return self.uid

    @staticmethod
    def owner_name(_uid):
        return "deploy"


class Ordinary(User):
    uid = 1000


@pytest.fixture
def host(tmp_path, monkeypatch):
    """The places that tell of systemd, and a busctl: a shell script that has noted its arguments."""

    class Host:
        root = tmp_path
        runtime = tmp_path / "systemd"
        linger = tmp_path / "linger"
        cgroups = tmp_path / "cgroups"

        def busctl(self, text):
            path = tmp_path / "busctl"
            note = f'printf \'%s\\n\' "$@" = "$XDG_RUNTIME_DIR" >> {tmp_path}/asked\n'
            path.write_text("#!/bin/sh\n" + note + text)
            path.chmod(0o700)

        def asked(self):
            """The arguments of each call."""
            calls, words = [], []
            for word in (tmp_path / "asked").read_text().splitlines():
                words.append(word)
                if "=" in words[:-1]:
                    calls.append(words)
                    words = []
            return calls

    found = Host()
    found.runtime.mkdir()
    found.linger.mkdir()
    found.cgroups.write_text(f"0::/system.slice/{UNIT}\n")
    monkeypatch.setattr(scope, "_RUNTIME", str(found.runtime))
    monkeypatch.setattr(scope, "_LINGER", str(found.linger))
    monkeypatch.setattr(scope, "_CGROUPS", str(found.cgroups))
    monkeypatch.setattr(scope, "_SECONDS", 1.0)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    return found


def descriptors():
    return sorted(os.listdir("/proc/self/fd"))


def test_root_may_have_a_scope_where_systemd_runs(host):
    check_scope(User())


def test_without_systemd_there_is_none(host):
    host.runtime.rmdir()
    with pytest.raises(JobError) as caught:
        check_scope(User())
    assert caught.value.message == "scope: systemd does not run on this host; leave out scope"
    assert caught.value.details["option"] == "scope"


def test_a_user_whose_systemd_ends_with_the_login_is_told_how_it_does_not(host):
    with pytest.raises(JobError) as caught:
        check_scope(Ordinary())
    assert caught.value.message.startswith("scope: the systemd of deploy ends with the last login")
    assert caught.value.message.endswith("loginctl enable-linger deploy")
    (host.linger / "deploy").write_text("")
    check_scope(Ordinary())


def properties(words):
    """What stands between mode and auxiliary units, as (name, type, values)."""
    count, rest, found = int(words[0]), words[1:], []
    while rest and rest != ["0"]:
        name, kind = rest[:2]
        size = 2 if kind == "au" else 1
        found.append((name, kind, rest[2 : 2 + size]))
        rest = rest[2 + size :]
    assert (len(found), rest) == (count, ["0"])
    return found


def test_systemd_is_asked_for_a_scope_with_the_limits_and_this_process(host):
    host.busctl("")
    before = descriptors()
    found = enter_scope(User(), "j1.2", Limits(1048576, 150.0))
    assert found == {"unit": UNIT, "cgroup": f"/sys/fs/cgroup/{found['cgroup'][15:]}"}
    assert found["cgroup"].endswith(f"/system.slice/{UNIT}")
    (words,) = host.asked()
    end = words.index("=")
    assert words[:3] == ["--system", "call", "org.freedesktop.systemd1"]
    assert words[5:9] == ["StartTransientUnit", "ssa(sv)a(sa(sv))", UNIT, "fail"]
    assert properties(words[9:end]) == [
        ("Description", "s", ["Ansible job j1.2"]),
        ("PIDs", "au", ["1", str(os.getpid())]),
        ("CollectMode", "s", ["inactive-or-failed"]),
        ("OOMPolicy", "s", ["continue"]),
        ("MemoryAccounting", "b", ["true"]),
        ("MemoryMax", "t", ["1048576"]),
        ("CPUQuotaPerSecUSec", "t", ["1500000"]),
    ]
    assert descriptors() == before


def test_what_is_not_limited_is_not_named(host):
    host.busctl("")
    enter_scope(User(), "j1.2", Limits(None, None))
    (words,) = host.asked()
    names = [name for name, _kind, _values in properties(words[9 : words.index("=")])]
    assert names == ["Description", "PIDs", "CollectMode", "OOMPolicy"]


def test_a_user_asks_the_users_systemd(host, monkeypatch):
    host.busctl("")
    enter_scope(Ordinary(), "j1.2", Limits(None, None))
    (words,) = host.asked()
    assert (words[0], words[-1]) == ("--user", "/run/user/1000")


def test_a_systemd_that_has_no_policy_for_scopes_is_asked_again_without(host):
    host.busctl('case "$*" in *OOMPolicy*) echo "Cannot set property OOMPolicy" >&2; exit 1;; esac')
    assert enter_scope(User(), "j1.2", Limits(4096, None))["unit"] == UNIT
    first, second = host.asked()
    assert "OOMPolicy" in first and "OOMPolicy" not in second
    assert "MemoryMax" in second


def test_a_refusal_is_told_in_systemds_own_words_and_not_asked_for_again(host):
    host.busctl("echo 'Interactive authentication required.' >&2; exit 1")
    before = descriptors()
    with pytest.raises(JobError) as caught:
        enter_scope(User(), "j1.2", Limits(None, None))
    assert caught.value.message == (
        f"scope: systemd did not make {UNIT}: Interactive authentication required."
    )
    assert len(host.asked()) == 1
    assert descriptors() == before


def test_no_busctl_is_told(host, monkeypatch):
    monkeypatch.setenv("PATH", str(host.root))
    with pytest.raises(JobError) as caught:
        enter_scope(User(), "j1.2", Limits(None, None))
    assert caught.value.message.startswith(f"scope: systemd did not make {UNIT}: busctl: ")


def test_a_systemd_that_does_not_answer_is_not_waited_for_for_ever(host):
    host.busctl("exec sleep 60")
    begun = time.monotonic()
    with pytest.raises(JobError) as caught:
        enter_scope(User(), "j1.2", Limits(None, None))
    assert caught.value.message.endswith("[no answer within 1 s]")
    assert time.monotonic() - begun < 30


def test_a_scope_that_this_process_is_not_in_is_an_error(host):
    host.busctl("")
    host.cgroups.write_text("0::/user.slice/session-1.scope\n")
    with pytest.raises(JobError) as caught:
        enter_scope(User(), "j1.2", Limits(None, None))
    assert caught.value.message == f"scope: {UNIT} was made, but this process is not in it"


def test_systemd_may_put_the_process_there_after_its_answer(host):
    host.cgroups.write_text("0::/\n")
    host.busctl(f"(sleep 0.2; echo '0::/system.slice/{UNIT}' > {host.cgroups}) >/dev/null 2>&1 &")
    assert enter_scope(User(), "j1.2", Limits(None, None))["cgroup"].endswith(UNIT)


def test_beside_the_old_hierarchies_that_of_systemd_is_meant(host):
    host.busctl("")
    host.cgroups.write_text(f"5:memory:/x/{UNIT}\n1:name=systemd:/system.slice/{UNIT}\n")
    found = enter_scope(User(), "j1.2", Limits(None, None))
    assert found["cgroup"] == f"/sys/fs/cgroup/systemd/system.slice/{UNIT}"


def test_the_processes_of_a_scope_are_those_that_its_cgroup_names(tmp_path):
    (tmp_path / "cgroup.procs").write_text("12\n345\n")
    assert scope_processes(str(tmp_path)) == [12, 345]
    assert scope_processes(str(tmp_path / "gone")) == []


@pytest.mark.parametrize(
    "unit, cgroup, own",
    [
        ("longrun-j1-2.scope", "/sys/fs/cgroup/system.slice/longrun-j1-2.scope", True),
        ("longrun-j1-2.scope", "/sys/fs/cgroup/systemd/user.slice/longrun-j1-2.scope", True),
        ("longrun-j1-2.scope", "/sys/fs/cgroup/system.slice/sshd.service", False),
        ("sshd.service", "/sys/fs/cgroup/system.slice/sshd.service", False),
        ("longrun-j1-3.scope", "/sys/fs/cgroup/system.slice/longrun-j1-3.scope", False),
        ("longrun-j1-2.scope", "/tmp/longrun-j1-2.scope", False),
        ("longrun-j1-2.scope", "/sys/fs/cgroup/../../tmp/longrun-j1-2.scope", False),
    ],
)
def test_only_the_scope_that_is_made_for_a_job_is_its_own(unit, cgroup, own):
    assert is_scope_of({"unit": unit, "cgroup": cgroup}, "j1.2") is own
