# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks that read the sources and run nothing of them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from . import cache, workspace
from .bench import Bench
from .process import StageError, run
from .workspace import CHECKOUT

# What travels to the target must run on the oldest Python that a supported ansible-core has there, and its tests, too,
# which make async_wrapper.
_TARGET_SIDE = ("plugins/module_utils", "plugins/modules", "tools/amalgamate.py")
_OLDEST_TARGET = "3.6"


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
    options = [f"--target={_OLDEST_TARGET}-", "--violations", "--no-tips", "--eval-annotations"]
    # generated: its parts are checked where they come from
    options.append(r"--exclude-regex=/plugins/modules/async_wrapper\.py$")
    run([bench.tool("vermin"), *options, *_TARGET_SIDE], cwd=bench.sources)


def mypy(bench: Bench) -> None:
    """The types hold, strictly: of the collection, its tools, this stage, the tests beside it, and the benchmarks."""
    command = [
        *(bench.tool("mypy"), f"--config-file={CHECKOUT / 'pyproject.toml'}"),
        f"--cache-dir={cache.root() / 'mypy'}",
    ]
    root = bench.workspace.tree_root
    plugins = ["--package", "ansible_collections.longrun.jobs.plugins"]
    run([*command, *plugins], cwd=root, env={**bench.environment, "MYPYPATH": str(root)})
    own = ["--package", "stage", "--package", "benchmarks"]
    path = os.pathsep.join(("tests", "."))
    run([*command, *own], cwd=CHECKOUT, env={**bench.environment, "MYPYPATH": path})
    # they import each other by their names alone
    places = ("tools", "tests/screens")
    programs = [
        str(path) for place in places for path in sorted(bench.sources.glob(f"{place}/*.py"))
    ]
    path = os.pathsep.join((*places, str(root)))
    run([*command, *programs], cwd=bench.sources, env={**bench.environment, "MYPYPATH": path})


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
