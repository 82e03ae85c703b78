# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One file from the package: a loader, and the parts that it may need as texts."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).resolve().parents[3] / "tools" / "amalgamate.py"
LOADER = """
# why
import sys
from os import (
    path,
)


def run_wrapper(texts, digest):
    '''Docs.'''
    assert path
    sys.stdout.write(f"{digest} {sorted(texts)}\\n")
    for text in texts.values():
        sys.stdout.write(text)
"""


@pytest.fixture
def tool(tmp_path, monkeypatch):
    """The tool, on a package that the test writes: ``tool.package(name=text, ...)``, of which ``entry`` is run by ``boot``."""
    spec = importlib.util.spec_from_file_location("amalgamate_under_test", PROGRAM)
    assert spec is not None and spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    monkeypatch.setattr(tool, "PACKAGE", tmp_path / "package")
    monkeypatch.setattr(tool, "TARGET", tmp_path / "target" / "out.py")
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    monkeypatch.setattr(tool, "LOADERS", ("boot",))
    monkeypatch.setattr(tool, "ENTRY", "entry")
    monkeypatch.setattr(tool, "STAND_IN", "stand_in")

    def package(**parts):
        (tmp_path / "target").mkdir(exist_ok=True)
        for name, text in {"__init__": "", "boot": LOADER, "stand_in": "", **parts}.items():
            path = (tmp_path / "package").joinpath(*name.split(".")).with_suffix(".py")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)

    tool.package = package
    return tool


def run(text):
    """Run the file; what its loader is given: the digest, the names of the parts, all texts."""
    done = subprocess.run(
        [sys.executable, "-c", text, "argument"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    told, _unused, texts = done.stdout.partition("\n")
    digest, _unused, names = told.partition(" ")
    return digest, names, texts


def test_async_wrapper_in_the_collection_is_current():
    done = subprocess.run(
        [sys.executable, str(PROGRAM), "--check"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_file_that_is_not_current_is_named(tool, monkeypatch, capsys):
    tool.package(entry="import sys\n")
    monkeypatch.setattr(sys, "argv", ["amalgamate.py", "--check"])
    assert tool.main() == 1
    assert "target/out.py is not current: run python tools/amalgamate.py" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", ["amalgamate.py"])
    assert tool.main() == 0
    monkeypatch.setattr(sys, "argv", ["amalgamate.py", "--check"])
    assert tool.main() == 0


def test_a_part_stands_behind_those_that_it_imports_wherever_it_does(tool):
    late = "def main():\n    from ..model.b import two\n\n    return two\n"
    tool.package(
        **{
            "entry": "from .requests.a import main\n",
            "requests.__init__": "",
            "requests.a": late + "from .c import three\n",
            "requests.c": "from ..model.b import two\nthree = two + 1\n",
            "model.__init__": "",
            "model.b": "two = 2\n",
            "model.unused": "",
        }
    )
    order = ["model.b", "requests.c", "requests.a", "entry"]
    assert tool.parts_in_order("entry") == order
    assert tool.packages_of(order) == ["", "model", "requests"]
    assert run(tool.amalgamate())[1] == str(sorted(["", "model", "requests", "stand_in", *order]))


def test_the_loader_is_code_and_does_nothing_without_arguments(tool):
    tool.package(entry="")
    text = tool.amalgamate()
    assert text.startswith("#!/usr/bin/python\n# Copyright")
    assert text.index("import sys\n") < text.index("def run_wrapper")
    assert "why" not in text and "Docs" not in text
    run(text)
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_the_parts_are_texts_as_they_were_without_docstrings_and_lines_of_comment(tool):
    written = (
        '"""Docs."""\n'
        "import re\n"
        "from .a import one\n"
        "\n\n"
        "def main():\n"
        '    """Docs,\n\n    which go on.\n    """\n'
        "    # a comment\n"
        '    return re.sub(r"\\\\n\\d", "# text", one)  # why\n'
        "\n\n"
        "class Error(Exception):\n"
        '    """Docs."""\n'
        "\n\n"
        "class Other(Exception):\n"
        "    # a comment\n"
        '    """Docs."""\n'
        "\n"
        "    text = (\n"
        '        "no docs"\n'
        "    )\n"
    )
    tool.package(entry=written, a='one = "1"\n')
    digest, _names, texts = run(tool.amalgamate())
    assert texts.endswith(
        "import re\n"
        "from .a import one\n"
        "\n\n"
        "def main():\n"
        '    return re.sub(r"\\\\n\\d", "# text", one)  # why\n'
        "\n\n"
        "class Error(Exception):\n"
        "    pass\n"
        "\n\n"
        "class Other(Exception):\n"
        "\n"
        "    text = (\n"
        '        "no docs"\n'
        "    )\n"
    )
    assert run(tool.amalgamate())[0] == digest
    tool.package(entry=written, a='one = "2"\n')
    assert run(tool.amalgamate())[0] != digest


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            {"entry": "x = \"'''\"\n"},
            "entry.py: three single quotes would end the text that it becomes",
        ),
        (
            {"entry": "from .a import x\n", "a": "from .entry import y\n"},
            "entry is imported in a circle",
        ),
        ({"entry": "\nfrom . import a\n", "a": ""}, "entry.py:2: import names, not modules"),
    ],
)
def test_what_one_file_cannot_be_made_of_is_refused(tool, parts, message):
    tool.package(**parts)
    with pytest.raises(tool.AmalgamationError) as caught:
        tool.amalgamate()
    assert str(caught.value) == message


def test_the_file_is_ascii_and_imports_nothing_of_ansible():
    text = (PROGRAM.parents[1] / "plugins" / "modules" / "async_wrapper.py").read_text()
    text.encode("ascii")  # it is read under whatever locale the target has
    assert "import ansible" not in text
    assert "from ansible" not in text
