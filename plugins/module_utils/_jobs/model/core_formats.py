# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""What ansible-core sends to a target and calls there, as far as core does not document it.

Each fact names the versions of ansible-core in whose sources it was read. Modules are built with every supported core
to test it. Imports nothing of this library: a module that respawns takes this text along.
"""

import os
import re
from typing import Any, Iterable, List, NamedTuple, Optional

# module_common.py, 2.16 to 2.22: every AnsiballZ says so within its first lines
_ANSIBALLZ_MARK = b"_ANSIBALLZ_WRAPPER"
# module_common.py: how the wrapper in an AnsiballZ names the module that it imports. 2.16 to 2.18: mod_name='...' to
# runpy; 2.19 to 2.22: module_fqn in the parameters of its loader
_IMPORTED_NAME = re.compile(
    rb"(?:mod_name|module_fqn)['\"]?\s*[=:]\s*u?['\"]((?:ansible|ansible_collections)\.[\w.]+)['\"]"
)
# module_common.py, 2.16 to 2.22: its zip is a literal in base64, and a zip begins with the bytes PK\3\4
_ZIP = re.compile(rb"[\"']([A-Za-z0-9+/]{1000,}={0,2})[\"']")
_ZIP_BEGIN = b"UEsD"
# What runs the module in the zip. 2.19 to 2.22: the loader, which imports basic; 2.16 to 2.18: the module alone
ANSIBALLZ_ENTRIES = (
    "ansible.module_utils._internal._ansiballz._loader",
    "ansible.module_utils.basic",
)
# module_common.py, 2.16 to 2.22: the name of the file under which an AnsiballZ is put on the target
_ANSIBALLZ_FILE = "AnsiballZ_"
# plugins/action/__init__.py, 2.16 to 2.22: the options among a module's arguments that the task sets
_NO_LOG = re.compile(rb"_ansible_no_log[\"\\']*\s*[:=]\s*[\"\\']*[Tt]rue")
# plugins/shell/__init__.py, 2.16 to 2.22: the name of a task's temporary directory
_TASK_DIR = "ansible-tmp-"
# modules/async_wrapper.py, 2.16 to 2.22
_WRAPPER_FILE = b"async_wrapper.py"
# modules/async_wrapper.py: the word that keeps the temporary directory. To 2.20 -preserve_tmp; from 2.21 True or true
_PRESERVE_TMP = frozenset((b"-preserve_tmp", b"True", b"true"))

# constants.py, 2.16 to 2.20, INTERNAL_RESULT_KEYS: what core's actions say to core, as a module must not. From 2.21 on
# core takes add_host and add_group from its own actions alone
_INSTRUCTIONS = frozenset(("add_host", "add_group"))
_INTERNAL_PREFIX = "_ansible_"


class Invocation(NamedTuple):
    """How core calls async_wrapper. prefix: the controller's part of the jid. timeout: seconds, 0 for none.

    preserve_tmp: whether the temporary directory of the task stays. path: of the module. command: runs the module.
    """

    prefix: str
    timeout: float
    preserve_tmp: bool
    path: str
    command: List[str]


def parse_invocation(argv: List[str]) -> Invocation:
    """Read the arguments of async_wrapper (modules/async_wrapper.py). Raise ValueError, naming what is not valid.

    2.16 to 2.20: jid, limit, module, args file or _, and -preserve_tmp where the directory stays.
    2.21 and 2.22: jid, limit, true or false for preserve_tmp, module, the words of the command.
    """
    if len(argv) < 5:
        raise ValueError(
            "usage: async_wrapper <jid> <time limit> <preserve_tmp> <module> <command...>; run by Ansible"
        )
    prefix, limit = argv[1:3]
    try:
        timeout = float(limit)
    except ValueError:
        timeout = -1.0
    if not 0 <= timeout < 1e10:
        raise ValueError(f"time limit: {limit!r} is not a valid number of seconds")
    if argv[3].lower() in ("true", "false") and len(argv) > 5:
        return Invocation(prefix, timeout, argv[3].lower() == "true", argv[4], argv[5:])
    path, args = argv[3], argv[4]
    temporary = "-tmp-" in os.path.dirname(path)
    preserve = not temporary or argv[5:6] == ["-preserve_tmp"]
    return Invocation(prefix, timeout, preserve, path, [path] if args == "_" else [path, args])


def remove_instructions(result: Any) -> None:
    """Remove from a result, at every depth, the keys that core would take for its own instructions.

    vars/clean.py, 2.16 to 2.22: core removes add_host, add_group and all that begins with _ansible_ from the top of what
    a module returns; _ansible_parsed, which core sets itself, is removed here, too.
    """
    containers = [result]
    while containers:
        container = containers.pop()
        if isinstance(container, dict):
            for key in [key for key in container if _is_instruction(key)]:
                del container[key]
            values = list(container.values())
        else:
            values = container
        containers += [value for value in values if isinstance(value, (dict, list))]


def _is_instruction(key: Any) -> bool:
    return isinstance(key, str) and (key.startswith(_INTERNAL_PREFIX) or key in _INSTRUCTIONS)


def is_core_wrapper(words: Iterable[bytes]) -> bool:
    """Return whether the words of a command line are those of core's async_wrapper."""
    return any(word.endswith(_WRAPPER_FILE) for word in words)


def removed_by_wrapper(words: Iterable[bytes]) -> Optional[str]:
    """Return the temporary directory that core's async_wrapper removes at its end; None if it removes none.

    words: those of its command line.
    """
    listed = list(words)
    program = next((word for word in listed if word.endswith(_WRAPPER_FILE)), b"")
    directory = os.path.dirname(os.fsdecode(program))
    kept = _PRESERVE_TMP & set(listed)
    return directory if is_task_dir(directory) and not kept else None


def is_task_dir(path: str) -> bool:
    """Return whether a path has the name of a temporary directory of a task."""
    return os.path.basename(path).startswith(_TASK_DIR)


def is_ansiballz(text: bytes) -> bool:
    """Return whether a payload, or its beginning, is an AnsiballZ: a Python module with all that it imports."""
    return _ANSIBALLZ_MARK in text


def imported_name(text: bytes) -> Optional[str]:
    """Return the name by which an AnsiballZ imports its module, None for any other payload."""
    found = _IMPORTED_NAME.search(text)
    return found.group(1).decode("ascii") if found else None


def module_name(path: str, text: bytes) -> Optional[str]:
    """Return the full name of a module: as its AnsiballZ tells it, else the name of its file. None if neither does.

    path: of the payload, "" where it has no file.
    """
    name = imported_name(text)
    if name:
        if name.startswith("ansible.modules."):
            return "ansible.builtin." + name[len("ansible.modules.") :]
        return re.sub(r"^ansible_collections\.(.+?)\.plugins\.modules\.", r"\1.", name)
    name = os.path.basename(path)
    name = name[len(_ANSIBALLZ_FILE) :] if name.startswith(_ANSIBALLZ_FILE) else name
    return os.path.splitext(name)[0] or None


def embedded_zip(text: bytes) -> Optional[bytes]:
    """Return the zip in an AnsiballZ, in base64; None where there is none."""
    found = max(_ZIP.findall(text), key=len, default=None)
    return found if found is not None and found.startswith(_ZIP_BEGIN) else None


def payload_zip(directory: str) -> Optional[str]:
    """Return the zip that an AnsiballZ puts into a temporary directory of its own; None for any other directory.

    module_common.py, 2.16 to 2.22: tempfile.mkdtemp(prefix='ansible_<module>_payload_'), and in it
    ansible_<module>_payload.zip.
    """
    name = os.path.basename(directory)
    if not name.startswith("ansible_") or "_payload_" not in name:
        return None
    return os.path.join(directory, name[: name.index("_payload_")] + "_payload.zip")


def guess_no_log(text: bytes) -> bool:
    """Return whether a module's text or arguments seem to say that its task has ``no_log``.

    A guess, wrong where an argument of the module has these words. It is for async_wrapper alone: core tells its
    wrapper nothing else. The arguments are JSON in the text of an AnsiballZ and of a module that has them inserted,
    maybe within a string; JSON in the file of a module that wants JSON; key=value in that of an old-style module.
    """
    return _NO_LOG.search(text) is not None


def no_log_values(frame: Any) -> List[bytes]:
    """Return the values that the AnsibleModule which is running a command was told not to show.

    module_utils/basic.py, 2.16 to 2.22: the attribute no_log_values of the object whose method run_command is being
    executed. frame: of who runs a command; the callers of that are looked at, up to two.
    """
    for _unused in range(3):
        if frame is None:
            break
        values = getattr(frame.f_locals.get("self"), "no_log_values", None)
        if isinstance(values, (set, frozenset)):
            return [str(value).encode("utf-8", "surrogateescape") for value in values]
        frame = frame.f_back
    return []


def is_run_command(code: Any) -> bool:
    """Return whether a code object is that of AnsibleModule.run_command (module_utils/basic.py, 2.16 to 2.22)."""
    return bool(code.co_name == "run_command" and code.co_filename.endswith("basic.py"))


def is_respawn(args: Any, stdin: Any) -> bool:
    """Return whether a command is a module that starts itself again under another interpreter.

    module_utils/common/respawn.py, 2.16 to 2.22: subprocess.call([interpreter, '--'], stdin=<a pipe's descriptor>).
    """
    return isinstance(args, list) and args[1:] == ["--"] and isinstance(stdin, int) and stdin > 2


def asks_for_locales(args: Any) -> bool:
    """Return whether a command is ``locale -a``, which module_utils run before the work of many a module.

    module_utils/common/locale.py, 2.16 to 2.22. Nobody looks for it in a job's output.
    """
    return isinstance(args, list) and len(args) == 2 and os.fsdecode(args[0]).endswith("/locale")
