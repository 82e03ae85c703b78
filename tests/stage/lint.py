# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks that read the sources and run nothing of them."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from . import cache, environments, workspace
from .bench import Bench
from .images import PYTHONS
from .matrix import Outcome, under_each
from .process import StageError, every, run, transcript
from .versions import OLDEST, OLDEST_TARGET, Core
from .workspace import CHECKOUT

# What travels to the target must run on the oldest Python that a supported ansible-core has there: OLDEST_TARGET. So must
# what the tests make async_wrapper with.
_TARGET_SIDE = ("plugins/module_utils", "plugins/modules", "tools/amalgamate.py")


def amalgamation(bench: Bench) -> None:
    """async_wrapper, which is generated, is what its sources make of it."""
    run([sys.executable, "tools/amalgamate.py", "--check"], cwd=bench.sources)


def black(bench: Bench) -> None:
    """Every Python file is formatted."""
    run([bench.tool("black"), "--check", "."], cwd=CHECKOUT)


def ruff(bench: Bench) -> None:
    """No Python file has a known mistake, and imports are in order."""
    run([bench.tool("ruff"), "check", "--no-cache", "."], cwd=CHECKOUT)


def vermin(bench: Bench) -> None:
    """Nothing that travels to the target needs a newer Python than the oldest target has."""
    options = [f"--target={OLDEST_TARGET}-", "--violations", "--no-tips", "--eval-annotations"]
    # generated: its parts are checked where they come from
    options.append(r"--exclude-regex=/plugins/modules/async_wrapper\.py$")
    run([bench.tool("vermin"), *options, *_TARGET_SIDE], cwd=bench.sources)


def mypy(bench: Bench) -> None:
    """The types hold, strictly: of the plugins against each ansible-core, which has types from 2.19 on, and of all else."""
    headings = ("Read", "For Python", "Files")
    every(
        lambda: under_each(bench, bench.cores, headings, lambda core: _mypy_under(core, bench)),
        lambda: _mypy_of_the_rest(bench),
    )


def _mypy_of_the_rest(bench: Bench) -> None:
    command, env = _mypy(OLDEST, bench)
    own = ["--package", "stage", "--package", "benchmarks"]
    path = os.pathsep.join(("tests", "."))
    run([*command, *own], cwd=CHECKOUT, env={**env, "MYPYPATH": path})
    # they import each other by their names alone
    places = ("tools", "tests/screens")
    programs = [
        str(path) for place in places for path in sorted(bench.sources.glob(f"{place}/*.py"))
    ]
    path = os.pathsep.join((*places, str(bench.workspace.tree_root)))
    run([*command, *programs], cwd=bench.sources, env={**env, "MYPYPATH": path})


def _mypy_under(core: Core, bench: Bench) -> Outcome:
    """Check the plugins against *core*, for the oldest Python that they run on with it."""
    command, env = _mypy(core, bench)
    root = bench.workspace.tree_root
    options = ["--verbose", f"--python-version={core.oldest_python}"]
    plugins = ["--package", "ansible_collections.longrun.jobs.plugins"]
    status, said = transcript(
        [*command, *options, *plugins], cwd=root, env={**env, "MYPYPATH": str(root)}
    )
    # mypy tells which files it reads, or has read before
    wheels = environments.core(core.version, PYTHONS[core.suite])
    read = f"{wheels}/ansible/release.py" in said
    text = "\n".join(line for line in said.splitlines() if not line.startswith("LOG: "))
    checked = re.search(r"(\d+) source files", text)
    release = environments.release(core.version) if read else "?"
    return Outcome(
        (release, core.oldest_python, checked[1] if checked else "?"), status == 0 and read, text
    )


def _mypy(core: Core, bench: Bench) -> tuple[list[str], dict[str, str]]:
    """Return the beginning of mypy's command, and an environment in which it finds *core* before that of its own Python."""
    command = [
        *(bench.tool("mypy"), f"--config-file={CHECKOUT / 'pyproject.toml'}"),
        f"--cache-dir={cache.root() / 'mypy' / environments.release(core.version)}",
    ]
    wheels = environments.core(core.version, PYTHONS[core.suite])
    return command, {**bench.environment, "PYTHONPATH": str(wheels)}


def yamllint(bench: Bench) -> None:
    """Every YAML file is well kept."""
    names = [name for name in workspace.sources() if name.endswith((".yml", ".yaml"))]
    command = [bench.tool("yamllint"), "--strict"]
    run([*command, *(n for n in names if n != "changelogs/changelog.yaml")], cwd=CHECKOUT)


def shellcheck(bench: Bench) -> None:
    """No shell script has a known mistake."""
    scripts = [name for name in workspace.sources() if _is_shell(bench.sources / name)]
    if not scripts:
        raise StageError("there is no shell script, not even .ci/run")
    run(["shellcheck", *scripts], cwd=CHECKOUT)


def _is_shell(path: Path) -> bool:
    if path.is_symlink() or not path.is_file() or path.suffix == ".j2":
        return False
    with path.open("rb") as handle:
        first = handle.readline(80)
    return first.startswith(b"#!") and first.split()[-1].rpartition(b"/")[2] in (b"sh", b"bash")


def github(bench: Bench) -> None:
    """GitHub understands the workflow, the forms for issues and their configuration."""
    schema = [bench.tool("check-jsonschema"), "--builtin-schema"]
    place = ".github/ISSUE_TEMPLATE"
    for kind, names in (
        ("workflows", [".github/workflows/ci.yml"]),
        ("issue-forms", [f"{place}/bug_report.yml", f"{place}/feature_request.yml"]),
        ("issue-config", [f"{place}/config.yml"]),
    ):
        run([*schema, f"vendor.github-{kind}", *names], cwd=CHECKOUT)


def changelog(bench: Bench) -> None:
    """The changelog's fragments can be made into a changelog."""
    run(
        [bench.tool("antsibull-changelog"), "lint"],
        cwd=bench.sources,
        env=bench.environment,
    )


def documentation(bench: Bench) -> None:
    """The documentation of every plugin and every guide renders, and what they refer to exists, here and in core."""
    command = [
        bench.tool("antsibull-docs"),
        "lint-collection-docs",
        "--plugin-docs",
        "--check-extra-docs-refs",
    ]
    references = ["--validate-collection-refs=dependent", "--disallow-unknown-collection-refs"]
    run([*command, *references, "."], cwd=bench.sources, env=bench.environment)


def ansible_lint(bench: Bench) -> None:
    """Playbooks, roles and metadata satisfy the profile that certified content must satisfy."""
    command = [bench.tool("ansible-lint"), "--offline", "--strict", "--profile=production"]
    with_git(bench)
    run(command, cwd=bench.sources, env=bench.environment)


def with_git(bench: Bench) -> None:
    """Make the tree a repository of its own, for tools that ask git which files there are."""
    if not (bench.sources / ".git").exists():
        run(["git", "init", "--quiet", "."], cwd=bench.sources)
        run(["git", "add", "--all"], cwd=bench.sources)
