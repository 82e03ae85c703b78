# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The zip that several payloads hold, imported once: in an interpreter of its own, since imports last."""

import base64
import io
import json
import os
import subprocess
import sys
import textwrap
import zipfile

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.supervisor.preload import (
    SharedZip,
    share_zip,
)

BASIC = """
import os, sys
loaded_by = os.getpid()
here = __file__
"""
FILES = {
    "ansible/__init__.py": "",
    "ansible/module_utils/__init__.py": "",
    "ansible/module_utils/basic.py": BASIC,
    "ansible/module_utils/later.py": "here = __file__",
    "ansible/modules/__init__.py": "",
    "ansible/modules/demo.py": "import ansible.module_utils.basic as basic; name = __name__",
}


def encoded(files):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
        archive.writestr("padding", os.urandom(2000))
    return base64.b64encode(target.getvalue())


def shared(text, files):
    """What a program says that has the zip of these files as ``shared``, and in a file as core puts it there."""
    program = (
        "import json, os, sys\n"
        "from ansible_collections.longrun.jobs.plugins.module_utils._jobs.supervisor.preload import SharedZip\n"
        # as on a target, where there is no ansible but in the zip
        "from importlib import machinery\n"
        "sys.meta_path[:] = [machinery.BuiltinImporter, machinery.FrozenImporter, machinery.PathFinder]\n"
        "for name in [name for name in sys.modules if name.partition('.')[0].startswith('ansible')]:\n"
        "    del sys.modules[name]\n"
        f"shared = SharedZip({encoded(files)!r})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program + text],
        stdout=subprocess.PIPE,
        check=True,
        env=dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path))),
    )
    return json.loads(done.stdout.decode("ascii"))


def test_what_a_module_imports_is_there_before_its_process_begins():
    told = shared(
        """
said = dict(loaded=shared.load("ansible.modules.demo"))
if os.fork() == 0:
    import runpy
    import ansible.module_utils.basic as basic
    said["parents"] = basic.loaded_by == os.getppid()
    said["name"] = runpy.run_module("ansible.modules.demo", run_name="__main__", alter_sys=True)["name"]
    print(json.dumps(said), flush=True)
    os._exit(0)
os.wait()
""",
        FILES,
    )
    assert told == {"loaded": True, "parents": True, "name": "__main__"}


def test_what_a_module_imports_of_the_standard_library_is_there_as_well():
    demo = """
        import colorsys, nowhere, ansible.module_utils.later
        from wave import open as opened
        try:
            import sndhdr
        except ImportError:
            pass
        def main():
            import sched
    """
    files = dict(FILES, **{"ansible/modules/demo.py": textwrap.dedent(demo)})
    told = shared(
        """
shared.load("ansible.modules.demo")
names = ("colorsys", "wave", "ansible.module_utils.later", "nowhere", "sndhdr", "sched", "ansible.modules.demo")
print(json.dumps([name for name in names if name in sys.modules]))
""",
        files,
    )
    # before 3.10, Python does not tell what is its own
    own = ["colorsys", "wave"] if sys.version_info >= (3, 10) else []
    assert told == own + ["ansible.module_utils.later"]


def test_once_the_module_has_its_own_file_all_else_is_imported_from_there(tmp_path):
    path = tmp_path / "ansible_demo_payload.zip"
    path.write_bytes(base64.b64decode(encoded(FILES)))
    told = shared(
        f"""
shared.load("ansible.modules.demo")
shared.move_to({str(path)!r})
import ansible.module_utils.basic as basic
import ansible.module_utils.later as later
print(json.dumps([basic.__file__, later.here]))
""",
        FILES,
    )
    directory = path / "ansible" / "module_utils"
    assert told == [str(directory / "basic.py"), str(directory / "later.py")]


@pytest.mark.parametrize(
    "broken", ["raise ImportError('no')", "print('too old'); raise SystemExit(1)", "nonsense ("]
)
def test_module_utils_that_do_not_like_the_host_are_left_to_their_module(broken):
    files = dict(FILES, **{"ansible/module_utils/basic.py": broken})
    assert shared("print(json.dumps(shared.load(None)))", files) is False


def test_a_zip_without_basic_is_no_failure():
    files = {name: text for name, text in FILES.items() if "basic" not in name}
    assert shared("print(json.dumps(shared.load(None)))", files) is True


@pytest.mark.parametrize("text", [b"UEsD" * 400, b"UEsDx" * 301], ids=["no zip", "no base64"])
def test_what_only_looks_like_a_zip_is_not_shared(text):
    assert share_zip(text, None) is None


def test_what_it_has_not_is_an_import_error():
    with pytest.raises(ImportError, match="the payload has no module ansible.nothing"):
        SharedZip(encoded(FILES)).get_code("ansible.nothing")
