# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A document's examples, run one after the other as its reader would run them.

- ``yaml``: a list of plays is run; a list of tasks is run as a play on the host web1, together with those that follow it;
  a mapping shows a part of what a status returns, and has just the keys that a real one has.
- ``ini``: goes into ansible.cfg, and holds for all that follows.
- ``console``: what stands behind ``$`` is run. What stands below is printed. At ``^C`` the command is interrupted.
- ``text``: what the example before it prints; below ``ini``, what the last example prints with that.
- A script is run as a job on web1.
- A caption makes a file of a block: on all machines if it is an absolute path, in the reader's directory otherwise. Such a
  block is not run by itself: another one uses it.

Everything ends well and without a warning, unless what the document shows below it says otherwise.
"""

from __future__ import annotations

import configparser
import json
import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml
from blocks import Block

HERE = Path(__file__).parent
_DEADLINE = 240
_HOST = "web1"
# what a document shows of something that does not end well
_ENDS_BADLY = re.compile(r"\A(?!.*\brescued=[1-9]).*^(fatal: |\^C$)", re.MULTILINE | re.DOTALL)
# of the variable `name` the README tells
_WARNS = re.compile(
    r"^\[(?:WARNING|DEPRECATION WARNING)\]: (?!Found variable using reserved name 'name'\.$)",
    re.MULTILINE,
)
_DROP_IN = "~/.ansible/collections/ansible_collections/longrun/jobs/plugins"


class Failed(AssertionError):
    """An example does not do what the document says."""


class Story:
    """One reader with a home, a directory, machines and an ansible.cfg."""

    def __init__(self, directory: Path, machines: Path, sample: Callable[[], Any]) -> None:
        self.home = directory / "home"
        self.project = directory / "project"
        self._machines = machines
        self._sample = sample
        self._config = _config()
        self._tasks: list[Block] = []
        self._last: list[Block] = []
        self._printed = ""
        self._untried = ""  # the place of a setting under which nothing has run yet
        self._unused: dict[str, str] = {}
        self._runs = 0
        self.left = False  # whether the machines are as they were

    def prepare(self) -> None:
        """Give the reader what a user has: the drop-in, an inventory."""
        self.project.mkdir(exist_ok=True)
        shutil.copytree(HERE / "inventory", self.project / "inventory")
        self._set(
            "[defaults]\n"
            "inventory = inventory\n"
            f"library = {_DROP_IN}/modules\n"
            f"action_plugins = {_DROP_IN}/action\n"
        )

    def install(self, collection: Path) -> None:
        """Put the collection where ansible-galaxy would."""
        place = self.home / ".ansible" / "collections" / "ansible_collections" / "longrun" / "jobs"
        place.parent.mkdir(parents=True)
        place.symlink_to(collection)

    def run(self, found: list[Block], presupposed: Mapping[str, str]) -> None:
        """Run all blocks. *presupposed*: by heading, tasks that make what the text below it takes for granted."""
        awaited = dict(presupposed)
        for number, block in enumerate(found):
            shown = (
                found[number + 1].text
                if found[number + 1 :] and found[number + 1].kind == "text"
                else ""
            )
            if block.heading in awaited:
                self._finish_tasks("")
                self._play(f"before {block.place}", awaited.pop(block.heading), "")
            if block.caption:
                self._keep(block)
            else:
                getattr(self, f"_{block.kind}")(block, shown)
        self._finish_tasks("")
        self._try_settings("")
        if self._unused:
            raise Failed(f"no example uses {self._unused}")
        if awaited:
            raise Failed(f"there is no example below {list(awaited)}")

    def leave(self) -> set[str]:
        """Leave the machines without jobs; the names of those that have ended and did not succeed."""
        self.left = True
        ended = self.home / "ended"
        ended.mkdir()
        self.play(HERE / "playbooks" / "clean_up.yml", f"--extra-vars=ended={ended}")
        jobs = [job for host in ended.iterdir() for job in json.loads(host.read_text())]
        return {str(job["name"] or job["id"]) for job in jobs}

    def play(self, playbook: Path, *options: str) -> None:
        """Run a playbook of the tests' own, whatever the reader's ansible.cfg says and whether the collection is installed."""
        (self.project / "ansible.cfg").unlink(missing_ok=True)
        subprocess.run(
            ["ansible-playbook", "--inventory=inventory", *options, str(playbook)],
            cwd=self.project,
            env={
                **self.environment(),
                "ANSIBLE_COLLECTIONS_PATH": os.environ["LONGRUN_JOBS_COLLECTIONS"],
            },
            stdin=subprocess.DEVNULL,
            check=True,
            timeout=120,
        )

    def _keep(self, block: Block) -> None:
        self._finish_tasks("")
        self._unused[Path(block.caption).name] = block.place
        if not block.caption.startswith("/"):
            place = self.project / block.caption
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(block.text)
            return
        copy = {"content": "{{ text }}", "dest": block.caption, "mode": "0755"}
        task = {
            "ansible.builtin.copy": copy,
            "become": True,
            "vars": {"text": _literal(block.text)},
        }
        self._play(block.place, _dump([task]), "", hosts="all")

    def _use(self, text: str) -> None:
        for name in [name for name in self._unused if name in text]:
            del self._unused[name]

    def _yaml(self, block: Block, shown: str) -> None:
        data = block.data
        if isinstance(data, dict):
            self._finish_tasks("")
            if not _has_part(self._sample(), set(data)):
                raise Failed(
                    f"{block.place}: nothing that a status returns has the keys {list(data)}"
                )
        elif "hosts" in data[0] or "ansible.builtin.import_playbook" in data[0]:
            self._finish_tasks("")
            self._use(block.text)
            name = self._file(block.text)
            self._command(f"ansible-playbook {name}", block.place, shown)
        else:
            self._use(block.text)
            self._tasks.append(block)
            if shown:
                self._finish_tasks(shown)

    def _ini(self, block: Block, shown: str) -> None:
        self._finish_tasks("")
        self._try_settings("")
        self._check_settings(block)
        self._set(block.text)
        self._untried = block.place
        if shown:
            self._try_settings(shown)

    def _check_settings(self, block: Block) -> None:
        """ansible-config knows the settings of core, and not those of a collection."""
        config = _config()
        config.read_string(block.text)
        for section in [section for section in config if section.startswith("callback_longrun_")]:
            unknown = set(config[section]) - _declared_settings(section)
            if unknown:
                raise Failed(f"{block.place}: [{section}] has no {unknown}")
            del config[section]
        with (self.project / "core.cfg").open("w") as handle:
            config.write(handle)
        self._command("ANSIBLE_CONFIG=core.cfg ansible-config validate --type all", block.place, "")

    def _console(self, block: Block, shown: str) -> None:
        self._finish_tasks("")
        self._use(block.text)
        command, expected = "", ""
        for line in [*block.text.splitlines(), "$ "]:
            if not line.startswith("$ "):
                expected += line + "\n"
                continue
            if command:
                self._command(command, block.place, expected or shown)
            command, expected = line[2:], ""

    def _text(self, block: Block, shown: str) -> None:
        check_shown(block.text, self._printed, block.place)

    def _script(self, block: Block, shown: str) -> None:
        self._finish_tasks("")
        job = {
            "task": {"ansible.builtin.shell": {"cmd": "{{ text }}", "executable": "/bin/bash"}},
            "wait": True,
        }
        tasks = [{"longrun.jobs.async_run": job, "vars": {"text": _literal(block.text)}}]
        self._play(block.place, _dump(tasks), shown)

    def _try_settings(self, shown: str) -> None:
        if not self._untried:
            return
        if not self._last:
            raise Failed(f"{self._untried}: no example shows what comes of this")
        self._tasks = self._last
        self._finish_tasks(shown)

    def _finish_tasks(self, shown: str) -> None:
        if not self._tasks:
            return
        tasks, self._tasks = self._tasks, []
        self._last = tasks[-1:]
        plays = "".join(_play(block.place, block.text) for block in tasks)
        self._command(f"ansible-playbook {self._file(plays)}", tasks[0].place, shown)

    def _play(self, name: str, tasks: str, shown: str, hosts: str = _HOST) -> None:
        untried = self._untried
        self._command(f"ansible-playbook {self._file(_play(name, tasks, hosts))}", name, shown)
        self._untried = untried

    def _file(self, text: str) -> str:
        self._runs += 1
        name = f"example-{self._runs}.yml"
        (self.project / name).write_text(text)
        return name

    def _set(self, text: str) -> None:
        self._config.read_string(text)
        with (self.project / "ansible.cfg").open("w") as handle:
            self._config.write(handle)

    def _command(self, command: str, place: str, shown: str) -> None:
        """Run *command*; Failed unless it ends, and prints, as the document shows."""
        interrupt_after, interrupted, _rest = shown.partition("^C\n")
        lines: list[str] = []
        self._untried = ""
        with subprocess.Popen(
            ["bash", "-c", command],
            cwd=self.project,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as program:
            deadline = threading.Timer(_DEADLINE, os.killpg, (program.pid, signal.SIGKILL))
            deadline.start()
            try:
                assert program.stdout
                for line in program.stdout:
                    lines.append(line)
                    if interrupted and not missing(interrupt_after, "".join(lines)):
                        os.killpg(program.pid, signal.SIGINT)
                        interrupted = ""
            finally:
                deadline.cancel()
        self._printed = "".join(lines)
        fails = bool(_ENDS_BADLY.search(shown))
        if (program.returncode != 0) != fails:
            raise Failed(f"{place}: {command}: exit status {program.returncode}\n{self._printed}")
        warned = _WARNS.search(self._printed)
        if warned and not _WARNS.search(shown):
            raise Failed(f"{place}: {command}: it warns\n{self._printed}")
        check_shown(shown.replace("^C\n", ""), self._printed, place)

    def environment(self) -> dict[str, str]:
        """The environment of what the reader runs."""
        return {
            # the way to the collection that is tested is not that of its reader
            **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            "HOME": str(self.home),
            "LONGRUN_JOBS_STAGE": str(self._machines),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_FORCE_COLOR": "0",
            "COLUMNS": "160",
            "PYTHONUNBUFFERED": "1",
        }


def _config() -> configparser.ConfigParser:
    return configparser.ConfigParser(interpolation=None, delimiters=("=",))


def _declared_settings(section: str) -> set[str]:
    """The keys that the callback's documentation has for ansible.cfg."""
    name = section.removeprefix("callback_longrun_")
    text = (HERE.parents[1] / "plugins" / "callback" / f"{name}.py").read_text()
    options = yaml.safe_load(text.split('DOCUMENTATION = r"""')[1].split('"""')[0])["options"]
    return {entry["key"] for option in options.values() for entry in option.get("ini", ())}


def check_shown(shown: str, printed: str, place: str) -> None:
    """Failed unless every line that is shown was printed, in this order.

    Numbers count as equal, blanks are one blank, ``...`` stands for anything.
    """
    line = missing(shown, printed)
    if line:
        raise Failed(f"{place}: this is not printed: {line}\nbut this is:\n{printed}")


def missing(shown: str, printed: str) -> str:
    """The first line that is shown and not printed in its place, '' if there is none."""
    rest = iter(_plain(printed).splitlines())
    for line in shown.splitlines():
        pattern = ".*".join(re.escape(part) for part in _plain(line).split("..."))
        if pattern.strip(".*") and not any(re.fullmatch(pattern, real) for real in rest):
            return line
    return ""


def _plain(text: str) -> str:
    text = re.sub(r"\*{4,}|[━╸╺─]{2,}", "**", text)
    text = re.sub(r"\d+(?:[.:]\d+)*", "0", text)
    return "\n".join(" ".join(line.split()) for line in text.splitlines())


def _has_part(value: Any, keys: set[str]) -> bool:
    if not isinstance(value, dict):
        return False
    return set(value) == keys or any(_has_part(part, keys) for part in value.values())


class _Literal(str):
    """A text in which nothing is a template."""


def _literal(text: str) -> _Literal:
    return _Literal(text)


class _Dumper(yaml.SafeDumper):
    """Knows !unsafe."""


_Dumper.add_representer(
    _Literal, lambda dumper, value: dumper.represent_scalar("!unsafe", str(value), style="|")
)


def _dump(data: Any) -> str:
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, width=1000)


def _play(name: str, tasks: str, hosts: str = _HOST) -> str:
    body = "".join(f"    {line}\n" if line else "\n" for line in tasks.splitlines())
    return f"- name: {name}\n  hosts: {hosts}\n  gather_facts: false\n  tasks:\n{body}\n"


def copy_checkout(source: Path, project: Path) -> None:
    """Make *project* a checkout, for a reader who has one."""
    shutil.copytree(source, project, symlinks=True, ignore=shutil.ignore_patterns(".git"))
