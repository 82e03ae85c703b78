#!/usr/bin/python
# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: housekeeping_program
short_description: Install the program that prunes jobs at set times
version_added: 0.1.0
author:
  - longrun.jobs contributors (@longrun)
description:
  - Installs the program that the role P(longrun.jobs.housekeeping#role) has systemd or cron run. The role calls this module, and also writes what
    the program needs to be told; there is seldom a reason to call it otherwise.
  - The program is a directory with a C(__main__.py), and beside it in C(longrun_jobs) those files of this collection's library that the program imports,
    exactly as they are in the collection. It needs Python 3.6 or newer, and neither Ansible nor this collection.
  - All files are installed at once, in one connection to the target.
options:
  path:
    description:
      - The directory, an absolute path. It is made when it is not there; the directory that it is in must be there.
      - In its subdirectory C(longrun_jobs), whatever does not belong to the program is removed, such as what another version had
        there. What else is in the directory is left alone, see RV(foreign).
    type: path
    required: true
attributes:
  check_mode:
    support: full
    description: Tells what would be installed and removed, and changes nothing.
  diff_mode:
    support: full
    description: Shows the text of each file that is made or changed.
  idempotent:
    support: full
    description: What is installed already is left alone.
  platform:
    support: full
    platforms: posix
    description: Targets with a POSIX shell and Python.
notes:
  - Files have mode V(0644) and directories V(0755), and all of them belong to the user that the task runs as.
seealso:
  - module: longrun.jobs.async_prune
    description: Does once what the program does at set times.
"""

EXAMPLES = r"""
- name: Install the program, to be run by something else than systemd or cron
  longrun.jobs.housekeeping_program:
    path: /usr/local/lib/prune-jobs
  become: true
"""

RETURN = r"""
installed:
  description: The files and directories that were made or changed, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [/usr/local/lib/prune-jobs/longrun_jobs/system/store.py]
removed:
  description: The files and directories that were removed, or would be in check mode, without what was in these directories.
  returned: success
  type: list
  elements: str
  sample: [/usr/local/lib/prune-jobs/longrun_jobs/system/shelf.py]
foreign:
  description: The names of the other files and directories in O(path), which do not belong to the program.
  returned: success
  type: list
  elements: str
  sample: [README]
"""

import importlib.util
import os
import pkgutil
import shutil
import stat
import tempfile
from typing import Any, Dict, List, Optional

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.longrun.jobs.plugins.module_utils import _jobs
from ansible_collections.longrun.jobs.plugins.module_utils._jobs.requests import housekeeping

PACKAGE = "longrun_jobs"
STARTER = """\
# Run by Python when it is given the directory that this file is in.
from longrun_jobs.requests.housekeeping import main

main()
"""


class InstallationError(Exception):
    """The program cannot be installed."""


def program_texts() -> Dict[str, str]:
    """Return the text of each file of the program, by its path in the program's directory.

    Ansible sends, with a module, every file of the collection that the module imports, directly or not. This one imports
    of ``_jobs`` what the program begins with, so all that is there of ``_jobs`` is what the program needs.
    Raise InstallationError where something else than Ansible's own code has brought the module here.
    """
    names = {_jobs.__name__: True}  # whether it is a package
    for found in pkgutil.walk_packages(_jobs.__path__, f"{_jobs.__name__}."):
        names[found.name] = found.ispkg
    if housekeeping.__name__ not in names:
        raise InstallationError("the files that came with this module cannot be listed")
    texts: Dict[str, str] = {}
    for name, is_package in names.items():
        spec = importlib.util.find_spec(name)
        loader: Any = spec.loader if spec else None
        words = [PACKAGE, *name[len(_jobs.__name__) :].split(".")[1:]]
        path = "/".join([*words, "__init__"] if is_package else words)
        texts[f"{path}.py"] = loader.get_source(name)
    # the last to be written: without it nothing is run
    return dict(texts, **{"__main__.py": STARTER})


class Installation:
    """The program in its directory. In check mode nothing is changed, and all is told as if it were.

    installed, removed: paths, as the module returns them. foreign: the names in the directory that are not the program's.
    diff: for each file whose text changes, what it was and what it is.
    """

    def __init__(self, module: AnsibleModule, place: str) -> None:
        self._module = module
        self._place = place
        self.installed: List[str] = []
        self.removed: List[str] = []
        self.foreign: List[str] = []
        self.diff: List[Dict[str, str]] = []

    def install(self, texts: Dict[str, str]) -> None:
        """Make the files and directories of the program such as they should be. Raise OSError if that is refused.

        texts: the text of each file, by its path in the program's directory.
        """
        files = {os.path.join(self._place, path): text for path, text in texts.items()}
        directories = sorted({os.path.dirname(path) for path in files})
        kinds = dict.fromkeys(files, stat.S_IFREG)
        kinds.update(dict.fromkeys(directories, stat.S_IFDIR))
        own = {path.partition("/")[0] for path in texts}
        for name in sorted(own):
            self._remove_others(os.path.join(self._place, name), kinds)
        if os.path.isdir(self._place):
            self.foreign = sorted(set(os.listdir(self._place)) - own)
        for path in directories:
            made = not os.path.isdir(path)
            if made and not self._module.check_mode:
                os.mkdir(path)
            self._finish(path, 0o755, made)
        for path, text in files.items():
            self._finish(path, 0o644, self._write(path, text))

    def _remove_others(self, path: str, kinds: Dict[str, int]) -> None:
        """Remove what is at a path, or below it, and is not what should be there. kinds: what should, by their paths."""
        try:
            kind = stat.S_IFMT(os.lstat(path).st_mode)
        except FileNotFoundError:
            return
        if kind != kinds.get(path):
            self.removed.append(path)
            if self._module.check_mode:
                return
            if kind == stat.S_IFDIR:
                shutil.rmtree(path)
            else:
                os.remove(path)
        elif kind == stat.S_IFDIR:
            for name in sorted(os.listdir(path)):
                self._remove_others(os.path.join(path, name), kinds)

    def _write(self, path: str, text: str) -> bool:
        """Give a file its text. Return whether it had another, or was not there."""
        before, after = self._read(path), text.encode("utf-8")
        if before == after:
            return False
        shown = (before or b"").decode("utf-8", "backslashreplace")
        self.diff.append(
            {"before_header": path, "before": shown, "after_header": path, "after": text}
        )
        if not self._module.check_mode:
            fd, temporary = tempfile.mkstemp(dir=self._module.tmpdir)
            with open(fd, "wb") as target:
                target.write(after)
            self._module.atomic_move(temporary, path)
        return True

    @staticmethod
    def _read(path: str) -> Optional[bytes]:
        try:
            with open(path, "rb") as source:
                return source.read()
        except OSError:
            return None  # not there, or in check mode something that would not be there any more

    def _finish(self, path: str, mode: int, changed: bool) -> None:
        """Give what is at a path its mode and owner, and note whether it was changed in any way."""
        if os.path.exists(path):
            changed = self._module.set_mode_if_different(path, mode, changed)
            changed = self._module.set_owner_if_different(path, str(os.geteuid()), changed)
            changed = self._module.set_group_if_different(path, str(os.getegid()), changed)
        if changed:
            self.installed.append(path)


def main() -> None:
    options: Dict[str, Any] = {"path": {"type": "path", "required": True}}
    module = AnsibleModule(argument_spec=options, supports_check_mode=True)
    place = module.params["path"]
    installation = Installation(module, os.path.normpath(place))
    try:
        if not os.path.isabs(place):
            raise InstallationError(f"path: {place} is not an absolute path")
        installation.install(program_texts())
    except (InstallationError, OSError) as error:
        module.fail_json(msg=f"the program cannot be installed: {error}")
    module.exit_json(
        changed=bool(installation.installed or installation.removed),
        installed=installation.installed,
        removed=installation.removed,
        foreign=installation.foreign,
        diff=installation.diff,
    )


if __name__ == "__main__":
    main()
