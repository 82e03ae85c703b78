# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the machine must have: Debian packages, and a podman that may run systemd."""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from . import cache
from .process import StageError, output, run, say

CONTAINERS_CONF = Path(__file__).with_name("containers.conf")

PACKAGES = (
    "git",
    "shellcheck",
    # podman without its recommendations, which pull in a whole desktop's worth of packages
    "podman",
    "runc",
    "conmon",
    "netavark",
    "aardvark-dns",
    # netavark calls one or the other, as its release pleases
    "iptables",
    "nftables",
    "uidmap",
    "fuse-overlayfs",
    "catatonit",
    # the images
    "mmdebstrap",
    "zstd",
    # the way into them
    "openssh-client",
)


def as_root() -> list[str]:
    """Return the words that make the command after them run as root."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        raise StageError("this needs root, or a user that may use sudo")
    return ["sudo"]


def install(packages: Iterable[str]) -> None:
    """Install the Debian packages that are missing; fail at once where podman could not run."""
    as_root()
    missing = [name for name in packages if not _installed(name)]
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise StageError(f"missing, and there is no apt-get to install them: {' '.join(missing)}")
    say(f"installing {' '.join(missing)}")
    apt = [*as_root(), "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    apt.append("-o=Dpkg::Use-Pty=0")  # no progress bars
    with cache.lock("apt"):
        run([*apt, "update"])
        run([*apt, "install", "--yes", "--no-install-recommends", *missing])


def _installed(package: str) -> bool:
    if shutil.which("dpkg-query") is None:
        return False
    query = ["dpkg-query", "--show", "--showformat=${db:Status-Status}", package]
    status = subprocess.run(query, capture_output=True, text=True, check=False)
    return status.returncode == 0 and status.stdout == "installed"


def ensure_venv_module() -> None:
    """Make sure this interpreter can make virtual environments: Debian packages that apart."""
    if importlib.util.find_spec("ensurepip") is None:
        install([f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"])


def podman(program: str = "podman") -> list[str]:
    """Return podman's command line: always root's podman, which systemd in a container needs."""
    return [
        *as_root(),
        *("env", f"CONTAINERS_CONF={CONTAINERS_CONF}", "PODMAN_IGNORE_CGROUPSV1_WARNING=1"),
        program,
    ]


def podman_shim(directory: Path) -> None:
    """Put a ``podman`` into *directory* that is `podman()`, for programs that find it on PATH."""
    real = shutil.which("podman", path="/usr/local/bin:/usr/bin:/bin")
    if real is None:
        raise StageError("podman is not installed")
    directory.mkdir(parents=True, exist_ok=True)
    # written apart and renamed, because another program may be running it
    draft = directory / f"podman.{os.getpid()}"
    draft.write_text(f'#!/bin/sh\nexec {shlex.join(podman(real))} "$@"\n')
    draft.chmod(0o755)
    draft.rename(directory / "podman")


@functools.cache
def interpreters() -> dict[str, Path]:
    """Return every CPython 3 of this machine by its version, such as ``{"3.11": Path(...)}``.

    PATH comes first, then the interpreters that pyenv keeps, where there is one. A pyenv shim
    for a version that is not activated does not answer and does not count.
    """
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    directories: Sequence[Path] = (
        *(Path(entry) for entry in os.get_exec_path()),
        *sorted(pyenv.glob("*/bin")),
    )
    found: dict[str, Path] = {}
    for directory in directories:
        for candidate in sorted(directory.glob("python3.*")):
            match = re.fullmatch(r"python(3\.\d+)", candidate.name)
            if match and match[1] not in found and "shims" not in candidate.parts:
                found[match[1]] = candidate
    return {
        version: found[version]
        for version in sorted(found, key=lambda text: int(text.split(".")[1]))
        if _answers(found[version], version)
    }


def _answers(interpreter: Path, version: str) -> bool:
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        return output([str(interpreter), "-I", "-c", code]).strip() == version
    except (StageError, OSError):
        return False
