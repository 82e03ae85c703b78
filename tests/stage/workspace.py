# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The directory in which one run of the stage works, and the environment of its programs.

Nothing in it has a fixed name or a fixed port, so any number of runs, of one checkout or of many,
go on side by side.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from . import cache
from .process import StageError, output, run, say

CHECKOUT = Path(__file__).resolve().parents[2]
_COLLECTION = Path("ansible_collections", "longrun", "jobs")


class Workspace:
    """A clean copy of the sources, the installed collection, and what the machines' owner keeps."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.bin = directory / "bin"
        self.collections = directory / "collections"
        self.tree_root = directory / "tree"
        # Apart from the rest, because a socket's path may have a hundred characters and no more.
        mark = cache.digest([str(directory), str(os.geteuid())])
        self.sockets = Path(tempfile.gettempdir(), f"longrun-jobs-{mark}")
        directory.mkdir(parents=True, exist_ok=True)
        self.sockets.mkdir(mode=0o700, exist_ok=True)

    @property
    def tree(self) -> Path:
        """The copy of the sources, below ``ansible_collections`` as the tools want it."""
        return self.tree_root / _COLLECTION

    @property
    def collection(self) -> Path:
        """The collection as a user has it."""
        return self.collections / _COLLECTION

    @property
    def drop_in_config(self) -> Path:
        """An ansible.cfg with the drop-in switched on."""
        return self.directory / "drop_in.cfg"

    def copy_sources(self) -> None:
        """Copy what git tracks, and what it would track, to the tree."""
        copy_sources(self.tree)

    def install_collection(self, venv: Path, source: Path) -> None:
        """Build the tarball from *source*, as a release does, and install it: what it lacks is missed."""
        env = {**self.environment(venv), "SOURCE_DATE_EPOCH": _time_of_commit()}
        build = [sys.executable, str(CHECKOUT / "tools" / "tarball.py"), str(source)]
        run([*build, str(self.directory / "dist")], cwd=self.directory, env=env)
        install = ["install", "--offline", "--no-deps", "--collections-path", str(self.collections)]
        galaxy = [f"{venv}/bin/ansible-galaxy", "collection", *install, str(self.tarball)]
        run(galaxy, cwd=self.directory, env=env)
        self._write_drop_in_config()

    @property
    def tarball(self) -> Path:
        """The tarball that the collection was installed from."""
        (tarball,) = (self.directory / "dist").glob("longrun-jobs-*.tar.gz")
        return tarball

    def link_collection(self) -> None:
        """Put the checkout itself where the collection is installed: for work on it."""
        if not self.collection.is_symlink():
            self.collection.parent.mkdir(parents=True, exist_ok=True)
            self.collection.symlink_to(CHECKOUT)
        self._write_drop_in_config()

    def _write_drop_in_config(self) -> None:
        self.drop_in_config.write_text(
            "[defaults]\n"
            f"library = {self.collection}/plugins/modules\n"
            f"action_plugins = {self.collection}/drop_in\n"
            "[connection]\n"
            "pipelining = True\n"
        )

    def ansible_variables(self, *collections: Path) -> dict[str, str]:
        """Return the variables that playbooks and inventories of this workspace rely on."""
        path = os.pathsep.join(map(str, (self.collections, *collections)))
        return {
            "ANSIBLE_COLLECTIONS_PATH": path,
            "ANSIBLE_HOME": str(self.directory / "ansible"),
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self.sockets),
            "LONGRUN_JOBS_COLLECTION": str(self.collection),
            "LONGRUN_JOBS_STAGE": str(self.directory),
        }

    def environment(self, venv: Path, *collections: Path) -> dict[str, str]:
        """Return the environment of every program that runs Ansible for this workspace."""
        return {
            **_neutral(),
            **self.ansible_variables(*collections),
            "PATH": os.pathsep.join(map(str, (self.bin, venv / "bin", *os.get_exec_path()))),
            "VIRTUAL_ENV": str(venv),
        }

    def remove(self) -> None:
        """Remove all of it."""
        shutil.rmtree(self.sockets, ignore_errors=True)
        shutil.rmtree(self.directory, ignore_errors=True)


def sources() -> Sequence[str]:
    """Return the names of all files that git tracks, or would track."""
    # safe.directory: the checkout may belong to somebody else than root, who runs this
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others"]
    command += ["--exclude-standard"]
    listed = output([*command, "--deduplicate"], cwd=CHECKOUT).split("\0")
    # a file that was just deleted stays listed until that is staged
    return [name for name in listed if name and os.path.lexists(CHECKOUT / name)]


def copy_sources(place: Path) -> None:
    """Copy what git tracks, and what it would track, to the directory *place*."""
    for name in sources():
        copy = place / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(CHECKOUT / name, copy, follow_symlinks=False)


def _time_of_commit() -> str:
    command = ["git", "-c", "safe.directory=*", "log", "--max-count=1", "--format=%ct"]
    try:
        return output(command, cwd=CHECKOUT).strip()
    except StageError:
        # what was downloaded as it is has no commits
        return str(int((CHECKOUT / "galaxy.yml").stat().st_mtime))


@contextlib.contextmanager
def temporary() -> Iterator[Workspace]:
    """Give a workspace for one run, and remove it whatever happens.

    A lock on its directory lasts as long as the run, so what a killed run left is known for that.
    """
    runs = cache.root() / "runs"
    runs.mkdir(exist_ok=True)
    with cache.lock("runs"):
        directory = Path(tempfile.mkdtemp(dir=runs))
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(handle, fcntl.LOCK_EX)
    workspace = Workspace(directory)
    try:
        yield workspace
    finally:
        workspace.remove()
        os.close(handle)


def abandoned() -> Iterator[Workspace]:
    """Give every workspace whose run was killed, so that its remains can be removed."""
    with cache.lock("runs"):
        for directory in (cache.root() / "runs").glob("*"):
            handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            else:
                say(f"removing what an earlier run left in {directory}")
                yield Workspace(directory)
            finally:
                os.close(handle)


def lasting() -> Workspace:
    """Return this checkout's own workspace, which stays from one command to the next."""
    return Workspace(cache.root() / "checkouts" / cache.digest([str(CHECKOUT)]))


def _neutral() -> dict[str, str]:
    """Return this process's environment without what would steer Ansible, Python or git."""
    steering = ("ANSIBLE_", "MOLECULE_", "LONGRUN_", "PYTHONPATH", "PYTHONHOME", "GIT_DIR")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(steering)}
    if "UTF-8" not in kept.get("LC_ALL", kept.get("LANG", "")).upper():
        kept["LC_ALL"] = "C.UTF-8"  # Ansible refuses to start in any other encoding
    return kept
