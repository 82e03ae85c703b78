# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build the collection's tarball reproducibly: the same sources give the same bytes anywhere and at any time.

``python tools/tarball.py SOURCE OUTPUT`` builds SOURCE into the directory OUTPUT with the ``ansible-galaxy`` that is on
PATH, and prints the path of the tarball. Every file in it has the time ``SOURCE_DATE_EPOCH``, in seconds since 1970, or
else the time of the last commit in SOURCE.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

_FILES, _MANIFEST = "FILES.json", "MANIFEST.json"


class TarballError(Exception):
    """The tarball could not be built, or is not one that ansible-galaxy makes."""


def epoch_of(source: Path) -> int:
    """Return the time of every file in the tarball, in seconds since 1970. Raise TarballError if there is none."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    command = ["git", "-c", "safe.directory=*", "log", "--max-count=1", "--format=%ct"]
    try:
        return int(given or subprocess.check_output(command, cwd=source, encoding="ascii"))
    except (OSError, subprocess.CalledProcessError, ValueError) as error:
        raise TarballError(
            f"{source}: cannot read the time of its last commit; set SOURCE_DATE_EPOCH: {error}"
        ) from error


def normalise(built: Path, normal: Path, epoch: int) -> None:
    """Write the tarball *built* to *normal*, without what depends on the time, the machine and the file system.

    ansible-galaxy lists the files in the order of the file system. Here the list is sorted, and its checksum in the
    manifest is replaced.
    """
    with tarfile.open(built) as old:
        members = {member.name: member for member in old.getmembers()}
        content = {
            name: handle.read() for name, it in members.items() if (handle := old.extractfile(it))
        }
    if not {_FILES, _MANIFEST} <= content.keys():
        raise TarballError(f"{built} is not the tarball of a collection")
    files: dict[str, Any] = json.loads(content[_FILES])
    files["files"].sort(key=lambda entry: entry["name"])
    content[_FILES] = json.dumps(files, indent=True).encode()
    manifest: dict[str, Any] = json.loads(content[_MANIFEST])
    manifest["file_manifest_file"]["chksum_sha256"] = hashlib.sha256(content[_FILES]).hexdigest()
    content[_MANIFEST] = json.dumps(manifest, indent=True).encode()
    # the manifest first, as programs that read the tarball as a stream expect
    order = sorted(members, key=lambda name: (name != _MANIFEST, name != _FILES, name))
    with (
        normal.open("wb") as raw,
        gzip.GzipFile("", "wb", compresslevel=9, fileobj=raw, mtime=epoch) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as new,
    ):
        for name in order:
            member = _plain(members[name], epoch)
            member.size = len(content.get(name, b""))
            new.addfile(member, io.BytesIO(content[name]) if name in content else None)


def _plain(member: tarfile.TarInfo, epoch: int) -> tarfile.TarInfo:
    """Return a member without an owner and with the given time. Its mode is the one that ansible-galaxy has set."""
    if not (member.isfile() or member.isdir()):
        raise TarballError(f"{member.name} is neither a file nor a directory")
    plain = tarfile.TarInfo(member.name)
    plain.type, plain.mode, plain.mtime = member.type, member.mode, epoch
    return plain


def build(source: Path, output: Path) -> Path:
    """Build *source* into the directory *output*. Return the tarball's path. Raise TarballError if that fails."""
    epoch = epoch_of(source)
    with tempfile.TemporaryDirectory() as place:
        command = ["ansible-galaxy", "collection", "build", f"--output-path={place}"]
        try:
            subprocess.run(command, cwd=source, check=True, stdout=sys.stderr)
        except (OSError, subprocess.CalledProcessError) as error:
            raise TarballError(f"ansible-galaxy: {error}") from error
        (built,) = Path(place).glob("*.tar.gz")
        # only after the build, because it may be inside the source
        output.mkdir(parents=True, exist_ok=True)
        normalise(built, output / built.name, epoch)
    return output / built.name


def main() -> int:
    """Build the tarball that the command line asks for, and print its path. Return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    try:
        print(build(arguments.source.resolve(), arguments.output.resolve()))
    except TarballError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
