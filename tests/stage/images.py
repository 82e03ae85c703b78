# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Container images, bootstrapped from Debian's packages: no registry is needed.

One recipe serves the machines under test and, with another Python in front, the controllers.
"""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from . import cache
from .host import as_root, podman
from .process import StageError, say

NAME = "localhost/longrun-jobs-stage"

# The machines under test, and forky for the newest Python that Debian has.
PYTHONS = {"bullseye": "3.9", "bookworm": "3.11", "trixie": "3.13", "forky": "3.14"}

_PACKAGES = (
    "systemd,systemd-sysv,dbus,procps,iproute2,cron,ca-certificates,"
    "openssh-server,sudo,acl,"  # acl: becoming one unprivileged user from another
    "python3,python3-apt,python3-venv,python3-pip"
)

# deploy is whom the tests log in as; worker is somebody whom deploy may become.
_CUSTOMIZE = "; ".join(
    (
        "set -eu",
        'for user in deploy worker; do chroot "$1" useradd -m -s /bin/bash "$user"; done',
        """echo 'deploy ALL=(ALL:ALL) NOPASSWD: ALL' > "$1/etc/sudoers.d/deploy\"""",
        'chmod 0440 "$1/etc/sudoers.d/deploy"',
        # tests open many connections at once
        """printf 'MaxStartups 200\\nMaxSessions 200\\nUseDNS no\\n'"""
        ' > "$1/etc/ssh/sshd_config.d/stage.conf"',
    )
)

_MMDEBSTRAP = (
    "mmdebstrap",
    "--quiet",
    "--variant=minbase",
    "--mode=root",
    "--dpkgopt=force-unsafe-io",
    # a mirror that is a few days behind is good enough for a throw-away machine
    '--aptopt=Acquire::Check-Valid-Until "false"',
    f"--include={_PACKAGES}",
    f"--customize-hook={_CUSTOMIZE}",
)

_IMPORT = (
    "import",
    "--quiet",
    '--change=CMD ["/lib/systemd/systemd"]',
    "--change=STOPSIGNAL SIGRTMIN+3",
    "-",
)


@dataclass(frozen=True)
class Image:
    """An image that podman has: its Debian suite, its name, and the Python in it."""

    suite: str
    name: str
    python: str


def provide() -> dict[str, Image]:
    """Return all images by suite, made or loaded as need be, two at a time."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        return dict(zip(PYTHONS, pool.map(_provide, PYTHONS), strict=True))


def _provide(suite: str) -> Image:
    archive = cache.provide("images", suite, [*_MMDEBSTRAP, suite], lambda p: _bootstrap(suite, p))
    name = f"{NAME}:{archive.name}-{cache.digest(_IMPORT)}"
    with cache.lock(f"image-{archive.name}"):
        if subprocess.run([*podman(), "image", "exists", name], check=False).returncode != 0:
            say(f"loading {name}")
            _pipe(["zstd", "-dc", str(archive / "image.tar.zst")], [*podman(), *_IMPORT, name])
    return Image(suite, name, PYTHONS[suite])


def _bootstrap(suite: str, place: Path) -> None:
    with (place / "image.tar.zst").open("wb") as archive:
        _pipe([*as_root(), *_MMDEBSTRAP, suite, "-"], ["zstd", "-q", "-3", "-c"], archive)


def _pipe(left: list[str], right: list[str], stdout: object = None) -> None:
    """Run ``left | right`` and fail when either fails."""
    with subprocess.Popen(left, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as source:
        sink = subprocess.run(right, stdin=source.stdout, stdout=stdout, check=False)  # type: ignore[call-overload]
    if source.returncode != 0 or sink.returncode != 0:
        raise StageError(f"{left[0]} | {right[0]}: {source.returncode}, {sink.returncode}")
