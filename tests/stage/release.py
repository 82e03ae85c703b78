# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a release does with these sources, and what Galaxy will say of it."""

from __future__ import annotations

import hashlib
import re
import shlex
import sys
import tarfile
from pathlib import Path

from . import environments, workspace
from .bench import Bench
from .process import StageError, output, run, say, show, transcript

# What a user gets, by the first part of its path. All else is for those who work on it.
_FOR_USERS = {
    *("CHANGELOG.md", "CHANGELOG.md.license", "CHANGELOG.rst", "CHANGELOG.rst.license"),
    *("COPYING", "LICENSES", "README.md"),
    *("changelogs", "docs", "drop_in", "meta", "playbooks", "plugins", "roles"),
}
_MADE_BY_GALAXY = {"MANIFEST.json", "FILES.json"}
_GIT = {
    "GIT_AUTHOR_NAME": "stage",
    "GIT_AUTHOR_EMAIL": "stage@example.org",
    "GIT_COMMITTER_NAME": "stage",
    "GIT_COMMITTER_EMAIL": "stage@example.org",
    # no signature, and no hook of whoever runs this
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
}


def release(bench: Bench) -> None:
    """The release playbook makes one tarball, to the bit, of two clones, and refuses what it must."""
    place = bench.workspace.directory / "release"
    first, second = place / "first", place / "elsewhere" / "second"
    env = {**bench.environment, **_GIT}
    workspace.copy_sources(first)
    for command in (
        ["git", "init", "--quiet", "."],
        ["git", "add", "--all"],
        ["git", "commit", "--quiet", "--message=sources"],
    ):
        run(command, cwd=first, env=env)
    one = _released(first, place / "dist", env, umask="022")
    # made later, elsewhere, with other modes
    run(["sh", "-c", f"umask 077 && git clone --quiet {first} {second}"], cwd=place, env=env)
    two = _released(second, place / "elsewhere" / "dist", {**env, "TZ": "Asia/Tokyo"}, umask="077")
    # as somebody does who wants to know what the tarball was made of
    run([sys.executable, "tools/tarball.py", ".", "dist"], cwd=second, env=env)
    builds = (one, two, second / "dist" / one.name)
    sums = [hashlib.sha256(path.read_bytes()).hexdigest() for path in builds]
    if len(set(sums)) != 1:
        raise StageError(f"builds of one commit differ: {' '.join(sums)}")
    say(f"built {len(sums)} times: {sums[0]}  {one.name}")
    _has_what_users_get(one, first)
    _is_installed_and_verified(one, place / "collections", bench)

    run(["git", "tag", one.name.removeprefix("longrun-jobs-").removesuffix(".tar.gz")], cwd=first)
    _refused(first, "There is a tag", env)
    (second / "README.md").write_text("changed")
    _refused(second, "Commit or remove this first", env)


def _released(checkout: Path, dist: Path, env: dict[str, str], *, umask: str) -> Path:
    play = ["ansible-playbook", "tools/release.yml", f"--extra-vars=output={dist}"]
    run(["sh", "-c", f"umask {umask} && exec {shlex.join(play)}"], cwd=checkout, env=env)
    (tarball,) = dist.iterdir()
    return tarball


def _refused(checkout: Path, reason: str, env: dict[str, str]) -> None:
    status, text = transcript(["ansible-playbook", "tools/release.yml"], cwd=checkout, env=env)
    if status == 0 or reason not in text:
        show(text)
        raise StageError(f"the release playbook did not fail with: {reason}")


def _has_what_users_get(tarball: Path, checkout: Path) -> None:
    tracked = output(["git", "ls-files", "-z"], cwd=checkout).split("\0")
    meant = {name for name in tracked if name.split("/")[0] in _FOR_USERS}
    with tarfile.open(tarball) as box:
        files = {member.name for member in box if member.isfile()} - _MADE_BY_GALAXY
        tops = {member.name.split("/")[0] for member in box} - _MADE_BY_GALAXY
    if files != meant or not tops <= _FOR_USERS:
        odd = sorted((files ^ meant) | (tops - _FOR_USERS))
        raise StageError(f"in the tarball, or missed in it: {' '.join(odd)}")


def _is_installed_and_verified(tarball: Path, collections: Path, bench: Bench) -> None:
    galaxy = [bench.tool("ansible-galaxy"), "collection"]
    env = {**bench.environment, "ANSIBLE_COLLECTIONS_PATH": str(collections)}
    options = ["--offline", f"--collections-path={collections}"]
    run([*galaxy, "install", "--no-deps", *options, str(tarball)], cwd=tarball.parent, env=env)
    run([*galaxy, "verify", *options, "longrun.jobs"], cwd=tarball.parent, env=env)


def galaxy_importer(bench: Bench) -> None:
    """Galaxy's importer takes the tarball, and finds nothing to warn of."""
    venv = environments.venv("galaxy-importer")
    place = bench.workspace.directory / "importer"
    place.mkdir()
    env = {
        **bench.workspace.environment(venv),
        # as on Automation Hub: a tag out of its list
        "GALAXY_IMPORTER_CHECK_REQUIRED_TAGS": "true",
    }
    command = [f"{venv}/bin/python", "-m", "galaxy_importer.main", str(bench.workspace.tarball)]
    status, text = transcript(command, cwd=place, env=env)
    show(text)
    said = [line for line in text.splitlines() if not line.startswith(("$ ", "Loading "))]
    complaints = [
        line for line in said if re.search("warning|error|fail|skip", line, re.IGNORECASE)
    ]
    if status != 0 or complaints:
        raise StageError(
            "galaxy-importer complains: " + "; ".join(complaints or [f"exit status {status}"])
        )
    # without ansible-lint on PATH it would do without
    if "...ansible-lint run complete" not in said:
        raise StageError("galaxy-importer did not run ansible-lint")
