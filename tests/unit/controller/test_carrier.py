# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a request reaches the target. The connection leads to this machine and keeps account; what core does is core's own."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins import loader as plugin_loader
from ansible.plugins.become import BecomeBase
from ansible.plugins.connection import ConnectionBase
from ansible.template import Templar

from ansible_collections.longrun.jobs.plugins.action import async_cancel, async_info, async_prune
from ansible_collections.longrun.jobs.plugins.plugin_utils._core import carrier as core_carrier
from ansible_collections.longrun.jobs.plugins.plugin_utils._core.core_actions import (
    core_action_class,
)
from ansible_collections.longrun.jobs.plugins.plugin_utils._core.drop_in import drop_in_action
from ansible_collections.longrun.jobs.plugins.plugin_utils._requests import carrier


class Become(BecomeBase):
    """A become plugin that lets everybody be root, and that can pipeline."""

    name = "sudo"

    def build_become_command(self, cmd: str, shell: Any) -> str:
        return cmd

    def get_option(self, option: str, hostvars: Any = None, playcontext: Any = None) -> Any:
        return "root" if option == "become_user" else None


class Connection(ConnectionBase):
    """To this machine. ``executed`` has (command, was there input), ``sent`` the bytes of each input.

    ``put`` has the files that were transferred.
    """

    transport = "fake"
    _socket_path = None

    def __init__(self, root: Path, can_pipeline: bool, pipelining: bool, become: bool) -> None:
        self._root = root
        self.has_pipelining = can_pipeline
        self._pipelining = pipelining
        self.become = Become() if become else None
        self._play_context = PlayContext()
        self._shell = plugin_loader.shell_loader.get("sh")
        self._shell.set_options(
            direct={
                "remote_tmp": str(root / "remote tmp"),
                "system_tmpdirs": [str(root / "system tmp")],
                "async_dir": str(root / "async"),
                "admin_users": ["root"],
            }
        )
        self.executed: list[tuple[str, bool]] = []
        self.sent: list[int] = []
        self.put: list[str] = []

    @property
    def connected(self) -> bool:
        return True

    def _connect(self) -> Connection:
        return self

    def get_option(self, option: str, hostvars: Any = None) -> Any:
        if option == "pipelining":
            return self._pipelining
        raise KeyError(option)

    def exec_command(
        self, cmd: str, in_data: bytes | None = None, sudoable: bool = True
    ) -> tuple[int, bytes, bytes]:
        self.executed.append((cmd, in_data is not None))
        self.sent += [len(in_data)] if in_data else []
        done = subprocess.run(
            ["/bin/sh", "-c", cmd],
            input=in_data or b"",
            capture_output=True,
            check=False,
            cwd=self._root,
        )
        return done.returncode, done.stdout, done.stderr

    def put_file(self, in_path: str, out_path: str) -> None:
        self.put.append(out_path)
        shutil.copy(in_path, out_path)

    def fetch_file(self, in_path: str, out_path: str) -> None:
        raise AssertionError("nothing is fetched")

    def close(self) -> None:
        pass


class Asked:
    """One task, and what came of it."""

    def __init__(
        self,
        root: Path,
        args: dict[str, Any] | None = None,
        plugin: type[Any] = async_info.ActionModule,
        can_pipeline: bool = True,
        pipelining: bool = True,
        become: bool = False,
        check_mode: bool = False,
        delegate_to: str | None = None,
        variables: dict[str, Any] | None = None,
        attributes: dict[str, Any] | None = None,
        task: dict[str, Any] | None = None,
    ) -> None:
        loader = DataLoader()
        written = task or {f"longrun.jobs.{plugin._carried_module}": args or {}}
        (name,) = written
        task = Task.load({"name": "t", **written, "check_mode": check_mode, **(attributes or {})})
        if delegate_to:
            task.delegate_to = delegate_to
        self.connection = Connection(root, can_pipeline, pipelining, become)
        self.action = plugin(
            task=task,
            connection=self.connection,
            play_context=PlayContext(),
            loader=loader,
            templar=Templar(loader=loader),
            shared_loader_obj=plugin_loader,
        )
        self.action._load_name = self.action._original_path = name  # as a loader would
        self._variables = {"ansible_python_interpreter": sys.executable, **(variables or {})}

    def result(self) -> dict[str, Any]:
        return self.action.run(task_vars=self._variables)

    @property
    def one_exec(self) -> bool:
        (_command, had_input), *more = self.connection.executed
        return had_input and not more and not self.connection.put


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A target with one job of core's."""
    (tmp_path / "async").mkdir(mode=0o700)
    (tmp_path / "async" / "j1.2").write_text('{"rc": 0}')
    return tmp_path


@pytest.mark.parametrize(
    ("pipelining", "become"),
    [(True, False), (True, True), (False, False)],
    ids=["on", "on, with become", "off, without become"],
)
def test_a_request_is_one_exec_wherever_it_can_be(
    root: Path, pipelining: bool, become: bool
) -> None:
    asked = Asked(root, pipelining=pipelining, become=become)
    result = asked.result()
    assert [view["id"] for view in result["jobs"]] == ["j1.2"]
    assert asked.one_exec
    assert not (root / "remote tmp").exists()


@pytest.mark.parametrize(
    ("can_pipeline", "pipelining", "become"),
    [(False, True, False), (False, False, False), (True, False, True)],
    ids=["no such connection", "nor wanted", "off, with become"],
)
def test_elsewhere_the_same_program_travels_as_a_file_and_is_removed(
    root: Path, can_pipeline: bool, pipelining: bool, become: bool
) -> None:
    asked = Asked(root, can_pipeline=can_pipeline, pipelining=pipelining, become=become)
    result = asked.result()
    assert [view["id"] for view in result["jobs"]] == ["j1.2"]
    (path,) = asked.connection.put
    assert path.endswith("async_info.py")
    assert not any(had_input for _command, had_input in asked.connection.executed)
    asked.action.cleanup()
    assert list((root / "remote tmp").iterdir()) == []


def test_a_debugger_who_keeps_remote_files_gets_one(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(C, "DEFAULT_KEEP_REMOTE_FILES", True)
    asked = Asked(root)
    assert len(asked.result()["jobs"]) == 1
    (path,) = asked.connection.put
    assert Path(path).read_text().rstrip().endswith(")")


def test_another_module_of_the_action_is_built_as_always(root: Path) -> None:
    asked = Asked(root)
    answer = asked.action._execute_module(
        module_name="ansible.builtin.ping", module_args={}, task_vars=asked._variables
    )
    assert answer["ping"] == "pong"


def test_the_delegates_interpreter_runs_the_program(root: Path) -> None:
    other = root / "other-python"
    other.write_text(f'#!/bin/sh\necho ran >> "{root}/witness"\nexec {sys.executable} "$@"\n')
    other.chmod(0o755)
    asked = Asked(
        root,
        delegate_to="elsewhere",
        variables={
            "ansible_python_interpreter": "/nonexistent/python",
            "ansible_delegated_vars": {"elsewhere": {"ansible_python_interpreter": str(other)}},
        },
    )
    assert len(asked.result()["jobs"]) == 1
    assert (root / "witness").read_text() == "ran\n"


def test_an_interpreter_that_is_not_known_is_discovered_and_remembered(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[str] = []

    def discover(**options: Any) -> str:
        found.append(options["interpreter_name"])
        return sys.executable

    monkeypatch.setattr(core_carrier, "discover_interpreter", discover)
    asked = Asked(
        root, variables={"ansible_python_interpreter": "auto_silent", "ansible_facts": {}}
    )
    result = asked.result()
    assert found == ["python"]
    assert result["ansible_facts"] == {"discovered_interpreter_python": sys.executable}


def test_the_async_dir_is_the_options_before_the_shells(root: Path) -> None:
    assert Asked(root).result()["async_dir"] == str(root / "async")
    other = str(root / "other")
    assert Asked(root, {"async_dir": other}).result()["async_dir"] == other


def test_a_prune_looks_where_the_shell_has_its_temporary_directories(root: Path) -> None:
    places = [root / "remote tmp" / "ansible-tmp-1-1-1", root / "system tmp" / "ansible-tmp-2-2-2"]
    args = {"older_than": "0s"}
    for old in places:
        old.mkdir(parents=True)
        os.utime(old, (1, 1))
    result = Asked(root, args, async_prune.ActionModule, check_mode=True).result()
    assert (result["removed"], result["orphans"]) == (["j1.2"], [str(path) for path in places])


def test_check_mode_reaches_the_target(root: Path) -> None:
    args = {"older_than": "0s"}
    for check_mode in (True, False):
        result = Asked(root, args, async_prune.ActionModule, check_mode=check_mode).result()
        assert result["removed"] == ["j1.2"]
        assert (root / "async" / "j1.2").exists() is check_mode


def test_a_refusal_of_the_target_is_a_failed_result(root: Path) -> None:
    result = Asked(root, {"jids": ["j9.9"]}, async_cancel.ActionModule).result()
    assert result["failed"] is True
    assert result["msg"].startswith("could not find job j9.9")


@pytest.mark.parametrize(
    ("plugin", "args", "message"),
    [
        (
            async_info,
            {"state": ["asleep"]},
            "value of state must be one or more of: queued, running",
        ),
        (
            async_info,
            {"sort": "age"},
            "value of sort must be one of: created, elapsed, name, state",
        ),
        (
            async_cancel,
            {"state": ["failed"]},
            "value of state must be one or more of: queued, running",
        ),
        (async_prune, {"state": ["running"]}, "value of state must be one or more of: succeeded"),
        (async_prune, {"keep": "few"}, "keep"),
        (async_prune, {"olderthan": "1d"}, "olderthan"),
    ],
)
def test_bad_options_are_refused_by_name_before_the_target_is_asked(
    root: Path, plugin: Any, args: dict[str, Any], message: str
) -> None:
    asked = Asked(root, args, plugin.ActionModule)
    with pytest.raises(AnsibleError, match=message):
        asked.result()
    assert asked.connection.executed == []


def test_a_windows_target_is_refused(root: Path) -> None:
    asked = Asked(root)
    asked.connection._shell._IS_WINDOWS = True
    result = asked.result()
    assert result["failed"]
    assert result["msg"].startswith("longrun.jobs.async_info needs a target with a POSIX shell")
    assert asked.connection.executed == []


def test_a_program_is_text_that_any_transport_carries_and_small() -> None:
    first, later = (
        carrier.program("async_info", {"name": "caf\u00e9"}, False, with_library)
        for with_library in (True, False)
    )
    first.decode("ascii")
    assert len(first) < 100_000
    assert len(later) < 8_000


def test_the_library_is_sent_once_in_a_run_and_again_where_it_is_gone(root: Path) -> None:
    # where jobs of ours were, there is a place for it
    (root / "async" / ".longrun").mkdir(mode=0o700)
    sizes = []
    for _unused in range(3):
        asked = Asked(root)
        assert [view["id"] for view in asked.result()["jobs"]] == ["j1.2"]
        assert asked.one_exec
        sizes += asked.connection.sent
    assert sizes[0] > 50_000 and max(sizes[1:]) < 8_000
    for path in (root / "async" / ".longrun").glob("library-*"):
        path.unlink()
    asked = Asked(root)
    result = asked.result()
    assert [view["id"] for view in result["jobs"]] == ["j1.2"]
    assert not [key for key in result if "library" in key]
    assert [size > 50_000 for size in asked.connection.sent] == [False, True]


def test_another_users_jobs_have_a_library_of_their_own(root: Path) -> None:
    (root / "async" / ".longrun").mkdir(mode=0o700)
    Asked(root).result()
    asked = Asked(root, attributes={"become": True, "become_user": "other"})
    asked.result()
    assert [size > 50_000 for size in asked.connection.sent] == [True]


def test_the_library_that_is_carried_is_the_whole_package_but_its_beginning() -> None:
    sources = Path(carrier.__file__).parents[2] / "module_utils" / "_jobs"
    assert "longrun_jobs" in (sources / "carrier" / "boot.py").read_text()
    for path in sources.rglob("*.py"):
        assert "ansible" not in [
            line.split()[1].split(".")[0]
            for line in path.read_text().splitlines()
            if line.startswith(("import ", "from "))
        ], path


def test_what_is_carried_lacks_docstrings_and_comments_and_nothing_else() -> None:
    def code(text: str) -> tuple[str, list[int]]:
        tree = ast.parse(text)
        for node in ast.walk(tree):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
                first = node.body[0] if node.body else None
                if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                    node.body = node.body[1:] or [ast.Pass()]
        return ast.dump(tree), [
            node.lineno
            for node in ast.walk(tree)
            if isinstance(node, ast.stmt) and not isinstance(node, ast.Pass)
        ]

    sources = Path(carrier.__file__).parents[2] / "module_utils" / "_jobs"
    for path in sources.rglob("*.py"):
        text = path.read_text()
        sent = carrier.without_prose(text)
        assert code(sent) == code(text), path
        assert not re.search(r"^ *#", sent, re.MULTILINE)
        assert len(sent) < len(text) or not text


# the drop-in's own starts


class Started(Asked):
    """A task with ``async`` and without poll under the drop-in, and what came of it."""

    def __init__(self, root: Path, text: str = "echo said", **how: Any) -> None:
        attributes = {"async": 60, "poll": 0, "environment": [], **how.pop("attributes", {})}
        task = {"ansible.builtin.command": text}
        plugin = how.pop("plugin", drop_in_action("command"))
        super().__init__(root, plugin=plugin, attributes=attributes, task=task, **how)

    def ended(self, result: dict[str, Any]) -> dict[str, Any]:
        """The result of the job, when it has ended."""
        path = Path(result["results_file"])
        deadline = time.monotonic() + 30
        found: dict[str, Any] = json.loads(path.read_text())
        while not found["finished"] and time.monotonic() < deadline:
            time.sleep(0.02)
            found = json.loads(path.read_text())
        return found


@pytest.mark.parametrize(
    ("pipelining", "become"),
    [(True, False), (True, True), (False, False)],
    ids=["on", "on, with become", "off, without become"],
)
def test_a_job_is_started_in_one_exec(root: Path, pipelining: bool, become: bool) -> None:
    asked = Started(root, pipelining=pipelining, become=become)
    result = asked.result()
    assert asked.one_exec
    assert not (root / "remote tmp").exists()
    told = (result["changed"], result["failed"], result["started"], result["finished"])
    assert told == (True, False, True, False)
    assert result["results_file"] == str(root / "async" / result["ansible_job_id"])
    assert (asked.ended(result)["stdout"], asked.ended(result)["rc"]) == ("said", 0)


def test_elsewhere_the_start_travels_as_a_file(root: Path) -> None:
    asked = Started(root, can_pipeline=False)
    result = asked.result()
    assert asked.ended(result)["stdout"] == "said"
    (path,) = asked.connection.put
    assert path.endswith("async_wrapper.py")
    assert list((root / "remote tmp").iterdir()) == []


def test_a_module_whose_files_are_on_the_target_already_is_started_by_the_wrapper(
    root: Path,
) -> None:
    asked = Started(root)
    asked.action._make_tmp_path()
    asked.result()
    assert [Path(path).name for path in asked.connection.put] == [
        "AnsiballZ_command.py",
        "async_wrapper.py",
    ]


def test_settings_come_with_the_environment_of_the_task(root: Path) -> None:
    asked = Started(root, attributes={"environment": [{"ANSIBLE_ASYNC_NAME": "mine"}]})
    result = asked.result()
    asked.ended(result)
    record = root / "async" / ".longrun" / result["ansible_job_id"] / "record.json"
    assert json.loads(record.read_text())["name"] == "mine"
    refused = Started(root, attributes={"environment": [{"ANSIBLE_ASYNC_GRACE": "soon"}]}).result()
    assert refused["failed"] is True
    assert refused["msg"].startswith("ANSIBLE_ASYNC_GRACE: 'soon' is not a valid duration")


@pytest.mark.parametrize(
    ("text", "how", "secret"),
    [
        ("echo said", {}, False),
        ("echo said _ansible_no_log=True", {}, False),
        ("echo said", {"attributes": {"no_log": True}}, True),
        ("echo said", {"variables": {"ansible_no_target_syslog": True}}, True),
    ],
    ids=["neither", "words among the arguments", "no_log", "no_target_syslog"],
)
def test_a_start_tells_the_target_whether_core_keeps_the_module_secret(
    root: Path, text: str, how: dict[str, Any], secret: bool
) -> None:
    asked = Started(root, text, **how)
    result = asked.result()
    asked.ended(result)
    job_dir = root / "async" / ".longrun" / result["ansible_job_id"]
    assert json.loads((job_dir / "record.json").read_text())["no_log"] is secret
    kept = "".join(path.read_text() for path in job_dir.glob("stdout*"))
    assert kept.split()[:1] == ([] if secret else ["said"])


def test_workers_inherit_the_action_that_cores_poller_asks() -> None:
    drop_in = "ansible_collections.longrun.jobs.plugins.plugin_utils._core.drop_in"
    poller = "ansible_collections.longrun.jobs.plugins.action.async_status"
    collections = Path(core_carrier.__file__).parents[6]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys, {drop_in}; print({poller!r} in sys.modules)"],
        capture_output=True,
        check=True,
        env=dict(os.environ, PYTHONPATH=os.pathsep.join([str(collections), *sys.path])),
    )
    assert done.stdout == b"True\n"


def test_without_async_a_task_is_cores_own(root: Path) -> None:
    asked = Started(root, attributes={"async": 0})
    result = asked.result()
    assert (result["stdout"], "ansible_job_id" in result) == ("said", False)
    # nor does it pipeline where that is not wanted
    asked = Started(root, attributes={"async": 0}, pipelining=False)
    assert asked.result()["stdout"] == "said"
    assert asked.connection.put and asked.connection.sent == []


def test_a_debuggers_files_are_left_by_cores_own_way(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(C, "DEFAULT_KEEP_REMOTE_FILES", True)
    asked = Started(root)
    asked.result()
    assert [Path(path).name for path in asked.connection.put] == [
        "AnsiballZ_command.py",
        "async_wrapper.py",
    ]


def test_every_module_without_an_action_is_started_so(root: Path) -> None:
    asked = Started(root, plugin=drop_in_action("normal"))
    result = asked.result()
    assert asked.one_exec
    assert asked.ended(result)["stdout"] == "said"


@pytest.mark.parametrize("name", ["command", "dnf", "normal", "package", "service", "uri"])
def test_what_is_put_in_cores_place_is_cores_own_but_for_starts(name: str) -> None:
    ours, core = drop_in_action(name), core_action_class(name)
    assert [base.__name__ for base in ours.__mro__][:3] == [
        "ActionModule",
        "DropInAction",
        "CarrierAction",
    ]
    assert ours.run.__code__ == core.run.__code__
