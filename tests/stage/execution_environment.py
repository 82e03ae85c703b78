# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ansible-builder makes of the collection and of the execution environment in docs/.

It stops short of the image itself, whose base comes from a registry.
"""

from __future__ import annotations

import re
from pathlib import Path

from .bench import Bench
from .process import StageError, output, run

_DEFINITION = Path("docs", "execution-environment", "execution-environment.yml")
_IN_IMAGE = "/usr/share/ansible/collections"


def execution_environment(bench: Bench) -> None:
    """The collection needs nothing, and the documented definition makes an image with the drop-in."""
    context = bench.workspace.directory / "execution-environment"
    builder = bench.tool("ansible-builder")
    _needs_nothing(builder, bench)
    create = [builder, "create", f"--file={bench.sources / _DEFINITION}", f"--context={context}"]
    run(create, cwd=bench.workspace.directory, env=bench.environment)
    wanted = (context / "_build" / "requirements.yml").read_text()
    if wanted.strip() != "collections:\n- name: longrun.jobs":
        raise StageError(f"the execution environment has other collections:\n{wanted}")
    _has_the_drop_in((context / "Containerfile").read_text(), bench)


def _needs_nothing(builder: str, bench: Bench) -> None:
    introspect = [builder, "introspect", "--verbosity=0", str(bench.workspace.collections)]
    told = output(introspect, cwd=bench.workspace.directory, env=bench.environment)
    if not re.search(r"^---\npython: [\[{][]}]\nsystem: [\[{][]}]\s*\Z", told, re.MULTILINE):
        raise StageError(f"ansible-builder finds that the collection needs something:\n{told}")


def _has_the_drop_in(containerfile: str, bench: Bench) -> None:
    """An async task with the image's variables, paths aside, runs on this collection."""
    final = containerfile[containerfile.index("\nFROM base AS final\n") :]
    variables = dict(re.findall(r"^ENV (ANSIBLE_\w+)=(\S+)$", final, re.MULTILINE))
    here = str(bench.workspace.collections)
    env = {
        **bench.environment,
        **{name: value.replace(_IN_IMAGE, here) for name, value in variables.items()},
    }
    async_task = [bench.tool("ansible"), "localhost", "--background=60", "--poll=1"]
    for program, expected in (
        # only of a job that our async_wrapper started the module is known
        (["--module-name=ping"], '"module": "ansible.builtin.ping"'),
        # only our action shows lines
        (["--module-name=shell", "--args=echo seen; sleep 2"], "localhost | seen"),
    ):
        said = output([*async_task, *program], cwd=bench.workspace.directory, env=env)
        if expected not in said:
            raise StageError(f"with {variables}, an async task does not say {expected}:\n{said}")
