# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One file from the package, and what the package may not do so that this is possible."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).resolve().parents[3] / "tools" / "amalgamate.py"


@pytest.fixture
def tool(tmp_path, monkeypatch):
    """The tool, on a package that the test writes: ``tool.package(name=text, ...)``."""
    spec = importlib.util.spec_from_file_location("amalgamate_under_test", PROGRAM)
    assert spec is not None and spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    head = tmp_path / "head.py"
    head.write_text("# head\n")

    def package(**parts):
        for name, text in parts.items():
            (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.setattr(tool, "PACKAGE", tmp_path)
        monkeypatch.setattr(tool, "HEAD", head)
        program = tool.Program("wrapper", tmp_path / "target" / "out.py", "#!/usr/bin/python\n")
        monkeypatch.setattr(tool, "PROGRAMS", (program._replace(loaded="boot" in parts),))
        monkeypatch.setattr(tool, "ALWAYS", ())
        monkeypatch.setattr(tool, "LOADERS", ("boot",))
        monkeypatch.setattr(tool, "ROOT", tmp_path)
        (tmp_path / "target").mkdir(exist_ok=True)

    tool.package = package
    return tool


def test_the_programs_in_the_collection_are_current():
    done = subprocess.run(
        [sys.executable, str(PROGRAM), "--check"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_wrapper_that_is_not_current_is_named(tool, monkeypatch, capsys):
    tool.package(wrapper="import sys\nfrom typing import Any\n\ndef main() -> Any:\n    return 1\n")
    monkeypatch.setattr(sys, "argv", ["amalgamate.py", "--check"])
    assert tool.main() == 1
    assert "target/out.py is not current: run python tools/amalgamate.py" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", ["amalgamate.py"])
    assert tool.main() == 0
    monkeypatch.setattr(sys, "argv", ["amalgamate.py", "--check"])
    assert tool.main() == 0


def test_the_parts_stand_in_the_order_in_which_they_need_each_other_and_run(tool):
    tool.package(
        wrapper='"""Docs."""\nimport sys\nfrom .a import one\nfrom .b import two\n\n\ndef main():\n    sys.stdout.write(f"{one()}{two()}")\n',
        a="from typing import Any\n\nfrom .b import two\n\n\ndef one() -> Any:\n    # a comment\n    return two() - 1\n",
        b='def two():\n    """Docs."""\n    from .c import half  # late\n\n    return half * 2  # why\n\n\ndef nothing():\n    """Only docs."""\n',
        c="half = 1\n",
    )
    text = tool.amalgamate(*tool.PROGRAMS)
    assert [line for line in text.splitlines() if line.startswith("# part: ")] == [
        "# part: c",
        "# part: b",
        "# part: a",
        "# part: wrapper",
        "# part: end",
    ]
    assert text.startswith("#!/usr/bin/python\n")
    assert "\n# head\n" in text
    assert "from ." not in text
    assert "a comment" not in text
    assert "Docs" not in text
    done = subprocess.run(
        [sys.executable, "-c", text, "argument"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("12", "")


LOADER = """
import sys


def run_wrapper(texts, digest):
    sys.stdout.write(f"{digest} {sorted(texts)}\\n")
    for text in texts.values():
        sys.stdout.write(text)
"""


def run_loaded(tool):
    done = subprocess.run(
        [sys.executable, "-c", tool.amalgamate(*tool.PROGRAMS), "argument"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    told, _unused, texts = done.stdout.partition("\n")
    return told, texts


def test_of_a_loaded_program_the_parts_are_texts_as_they_were_without_their_comments(tool):
    first = 'import re\n\nfrom .a import one\n\n\ndef main():\n    """Docs."""\n    # why\n    return re.sub(r"\\\\n\\d", "", one)\n'
    tool.package(boot=LOADER, wrapper=first, a='one = "1"\n')
    told, texts = run_loaded(tool)
    digest, _unused, names = told.partition(" ")
    assert names == "['', 'a', 'wrapper']"
    assert 'return re.sub(r"\\\\n\\d", "", one)' in texts
    assert "from .a import one" in texts
    assert "Docs" not in texts and "why" not in texts
    assert run_loaded(tool)[0] == told
    tool.package(boot=LOADER, wrapper=first, a='one = "2"\n')
    assert run_loaded(tool)[0].partition(" ")[0] != digest


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            {"boot": LOADER, "wrapper": "x = \"'''\"\n"},
            "wrapper.py: three single quotes would end the text that it becomes",
        ),
        (
            {"wrapper": "from .a import x\nTHING = 1\n", "a": "x = 1\ndef THING():\n    pass\n"},
            "THING is defined in a.py and in wrapper.py",
        ),
        (
            {
                "wrapper": "from .a import x\nclass y:\n    pass\n",
                "a": "x: int = 1\n(z, y) = 1, 2\n",
            },
            "y is defined in a.py and in wrapper.py",
        ),
        (
            {"wrapper": "from .a import x\n", "a": "from .wrapper import y\n"},
            "wrapper is imported in a circle",
        ),
        ({"wrapper": "from . import a\n", "a": ""}, "wrapper.py:1: import names, not modules"),
        ({"wrapper": "import json as j\n"}, "wrapper.py:1: an import under another name"),
        (
            {"wrapper": "\nfrom .a import x as y\n", "a": "x = 1\n"},
            "wrapper.py:2: an import under another name",
        ),
    ],
)
def test_what_one_namespace_cannot_hold_is_refused(tool, parts, message):
    tool.package(**parts)
    with pytest.raises(tool.AmalgamationError) as caught:
        tool.amalgamate(*tool.PROGRAMS)
    assert str(caught.value) == message


def test_the_same_package_gives_the_same_text(tool):
    assert [tool.amalgamate(it) for it in tool.PROGRAMS] == [
        tool.amalgamate(it) for it in tool.PROGRAMS
    ]


def test_the_result_is_one_program_of_ascii_that_compiles(tool):
    for program in tool.PROGRAMS:
        text = tool.amalgamate(program)
        text.encode("ascii")  # it is read under whatever locale the target has
        compile(text, program.target.name, "exec")
        assert program.loaded or "from ." not in text
        assert "import ansible" not in text
        assert "from ansible" not in text
