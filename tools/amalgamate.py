# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make programs of one file from the package _jobs: async_wrapper, which travels without AnsiballZ, and what housekeeping installs.

What housekeeping installs is one namespace, compiled as a whole. async_wrapper has the parts as texts: each is compiled when it
is needed, or taken from what an earlier start has kept.

``python tools/amalgamate.py`` writes them; with ``--check`` it exits 1 if one is not what would be written.
"""

from __future__ import annotations

import ast
import hashlib
import io
import sys
import tokenize
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "plugins" / "module_utils" / "_jobs"
HEAD = ROOT / "tools" / "amalgamation_head.py"
TAIL = """\
# part: end
if __name__ == "__main__" and sys.argv[1:]:  # it is always given some; checks that import every file give none
    main()
"""


# these load the others; what is loaded has a stand-in for typing
LOADERS = ("carrier.boot", "carrier.wrapper_boot")
ALWAYS = ("carrier", "carrier.untyped")
LOADED_TAIL = """\
if __name__ == "__main__" and sys.argv[1:]:  # it is always given some; checks that import every file give none
    run_wrapper(TEXTS, {digest!r})
"""


class Program(NamedTuple):
    """The part whose ``main`` it runs, where it lies, its first line, if it has one besides the head; whether its parts are texts."""

    entry: str
    target: Path
    shebang: str
    loaded: bool = False


PROGRAMS = (
    Program(
        "requests.wrapper",
        ROOT / "plugins" / "modules" / "async_wrapper.py",
        "#!/usr/bin/python\n",
        True,
    ),
    # run by the Python that the role finds
    Program(
        "requests.housekeeping", ROOT / "roles" / "housekeeping" / "files" / "housekeeping.py", ""
    ),
)


class AmalgamationError(Exception):
    """The package is written in a way that one namespace cannot hold."""


def file_of(part: str) -> Path:
    """Where the text of a part is: ``model.jid`` in ``model/jid.py``, a package in its ``__init__.py``."""
    path = PACKAGE.joinpath(*part.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def parts_in_order(entry: str) -> list[str]:
    """The names of the modules that the entry needs, each behind those that it imports."""
    ordered: list[str] = []
    entered: set[str] = set()

    def visit(name: str) -> None:
        if name in ordered:
            return
        if name in entered:
            raise AmalgamationError(f"{name} is imported in a circle")
        entered.add(name)
        for node in ast.walk(ast.parse(file_of(name).read_text())):
            if isinstance(node, ast.ImportFrom) and node.level:
                if node.module is None:
                    raise AmalgamationError(f"{name}.py:{node.lineno}: import names, not modules")
                # a part imports from its own package, or from another one beside it
                package = name.rpartition(".")[0] if node.level == 1 else ""
                visit(f"{package}.{node.module}".lstrip("."))
        ordered.append(name)

    visit(entry)
    return ordered


def top_level_names(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                names.update(n.id for n in ast.walk(target) if isinstance(n, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return names


def docstring_lines(tree: ast.AST) -> dict[int, tuple[int, bool]]:
    """First line -> (last line, whether its block is empty without it) of every docstring."""
    found = {}
    for node in ast.walk(tree):
        if (
            isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
            and ast.get_docstring(node) is not None
        ):
            text = node.body[0]
            assert text.end_lineno is not None
            found[text.lineno] = (
                text.end_lineno,
                len(node.body) == 1 and not isinstance(node, ast.Module),
            )
    return found


def body_of(name: str, imports: set[str], typed: set[str]) -> tuple[str, set[str]]:
    """The code of one part, its imports taken out; the names that it defines."""
    tree = ast.parse(file_of(name).read_text())
    dropped: set[int] = set()
    for node in ast.walk(tree):
        if not isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        of_part = isinstance(node, ast.ImportFrom) and node.level > 0
        if node.col_offset and not of_part:
            continue  # put off to where it is needed, and stays there
        assert node.end_lineno is not None
        dropped.update(range(node.lineno, node.end_lineno + 1))
        if any(alias.asname for alias in node.names):
            raise AmalgamationError(f"{name}.py:{node.lineno}: an import under another name")
        if isinstance(node, ast.Import):
            imports.update(f"import {alias.name}" for alias in node.names)
        elif node.level == 0 and node.module == "typing":
            typed.update(alias.name for alias in node.names)
        elif node.level == 0:
            imports.update(f"from {node.module} import {alias.name}" for alias in node.names)
    return code_of(name, dropped), top_level_names(tree)


def code_of(name: str, without: set[int]) -> str:
    """The lines of one part but those given, docstrings and lines of comment."""
    text = file_of(name).read_text()
    lines = text.splitlines()
    dropped = set(without)
    for first, (last, alone) in docstring_lines(ast.parse(text)).items():
        dropped.update(range(first, last + 1))
        if alone:
            dropped.discard(first)
            lines[first - 1] = (
                lines[first - 1][: len(lines[first - 1]) - len(lines[first - 1].lstrip())] + "pass"
            )
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT and not token.line[: token.start[1]].strip():
            dropped.add(token.start[0])
    kept = [line for number, line in enumerate(lines, 1) if number not in dropped]
    return "\n".join(kept).strip("\n")


def literal_of(name: str) -> str:
    """The code of one part as a literal that reads as the code does."""
    body = tidy(code_of(name, set()))
    if "'''" in body or body.endswith("\\"):
        raise AmalgamationError(
            f"{name}.py: three single quotes would end the text that it becomes"
        )
    return f"r'''\n{body}\n'''"


def loaded_program(program: Program) -> str:
    """The loader, and the parts as texts."""
    needed = [*ALWAYS, *parts_in_order(program.entry)]
    packages = sorted({name.rpartition(".")[0] for name in needed} - {"", *needed})
    names = [*packages, *needed]
    texts = {"": "''", **{name: literal_of(name) for name in names}}
    digest = hashlib.sha256(repr(sorted(texts.items())).encode()).hexdigest()[:16]
    parts = "".join(f'    "{name}": {text},\n' for name, text in texts.items())
    imports: set[str] = set()
    bodies = [tidy(body_of(name, imports, set())[0]) for name in LOADERS]
    tail = LOADED_TAIL.format(digest=digest)
    return "\n\n\n".join(["\n".join(sorted(imports)), *bodies, f"TEXTS = {{\n{parts}}}", tail])


def amalgamate(program: Program) -> str:
    head = program.shebang + HEAD.read_text().rstrip("\n")
    return head + "\n\n" + (loaded_program if program.loaded else one_namespace)(program)


def one_namespace(program: Program) -> str:
    imports: set[str] = set()
    typed: set[str] = set()
    defined: dict[str, str] = {}
    parts = []
    for name in parts_in_order(program.entry):
        body, names = body_of(name, imports, typed)
        for one in names:
            if one in defined:
                raise AmalgamationError(f"{one} is defined in {defined[one]}.py and in {name}.py")
            defined[one] = name
        parts.append(f"# part: {name}\n{tidy(body)}")
    plain = sorted(line for line in imports if line.startswith("import "))
    froms = sorted(line for line in imports if line.startswith("from "))
    froms.append(f"from typing import {', '.join(sorted(typed))}")
    return "\n\n\n".join(["\n".join(plain + froms), *parts, TAIL])


def tidy(body: str) -> str:
    """Two blank lines between definitions and none doubled elsewhere, whatever was taken out."""
    lines: list[str] = []
    blank = 0
    for line in body.splitlines():
        if not line.strip():
            blank += 1
            continue
        if lines:
            top = not line.startswith((" ", ")", "]", "}")) and line.startswith(
                ("def ", "class ", "@")
            )
            after = line[:1] not in (" ", ")", "]", "}") and lines[-1].startswith(" ")
            if (top and not lines[-1].startswith("@")) or (after and blank):
                lines += ["", ""]
            elif blank:
                lines.append("")
        lines.append(line)
        blank = 0
    return "\n".join(lines)


def main() -> int:
    stale = 0
    for program in PROGRAMS:
        text = amalgamate(program)
        compile(text, str(program.target), "exec")
        if sys.argv[1:] != ["--check"]:
            program.target.write_text(text)
        elif not program.target.exists() or program.target.read_text() != text:
            sys.stderr.write(
                f"{program.target.relative_to(ROOT)} is not current: run python tools/amalgamate.py\n"
            )
            stale = 1
    return stale


if __name__ == "__main__":
    sys.exit(main())
