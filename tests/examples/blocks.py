# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples in a document, in their order: guides in rst, README.md, and the EXAMPLES of plugins."""

from __future__ import annotations

import ast
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

# By how a document calls them. One that is not here is an error: nobody would know how to run it.
KINDS = {
    "bash": "script",
    "console": "console",
    "ini": "ini",
    "python": "script",
    "sh": "script",
    "text": "text",
    "yaml": "yaml",
    "yaml+jinja": "yaml",
}


@dataclass(frozen=True)
class Block:
    """One example.

    *caption* is the name of the file that it is. *heading* is the one that it stands below.
    """

    document: str
    line: int
    kind: str
    text: str
    caption: str
    heading: str

    @property
    def place(self) -> str:
        """Where it stands, for messages."""
        return f"{self.document}:{self.line}"

    @property
    def data(self) -> Any:
        """What YAML it is."""
        return yaml.load(self.text, _Loader)


class _Loader(yaml.SafeLoader):
    """Takes !unsafe and !vault as Ansible does."""


_Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))


def documents(root: Path) -> list[str]:
    """The names of all documents below *root* that may have examples."""
    found = ["README.md"]
    found += sorted(str(path.relative_to(root)) for path in root.glob("docs/docsite/rst/*.rst"))
    found += sorted(str(path.relative_to(root)) for path in root.glob("roles/*/README.md"))
    for kind in ("modules", "callback", "filter", "test"):
        for path in sorted(root.glob(f"plugins/{kind}/*")):
            if path.suffix in (".py", ".yml") and "EXAMPLES" in path.read_text():
                found.append(str(path.relative_to(root)))
    return found


def blocks(root: Path, document: str) -> list[Block]:
    """The examples of a document; ValueError for one that nobody knows how to run."""
    text = (root / document).read_text()
    if document.endswith(".rst"):
        return _of_rst(document, text)
    if document.endswith(".md"):
        return _of_markdown(document, text)
    return _of_plugin(document, text)


def _block(
    document: str, line: int, word: str, text: str, caption: str = "", heading: str = ""
) -> Block:
    if word not in KINDS:
        raise ValueError(f"{document}:{line}: no way to run a block of {word!r}")
    return Block(
        document, line, KINDS[word], textwrap.dedent(text).strip("\n") + "\n", caption, heading
    )


def _of_markdown(document: str, text: str) -> list[Block]:
    found: list[Block] = []
    heading, word, begin, body = "", "", 0, [""]
    for number, line in enumerate(text.splitlines(), 1):
        if not begin:
            if line.startswith("```"):
                word, begin, body = line[3:].strip(), number, []
            elif line.startswith("#"):
                heading = line.lstrip("#").strip()
            elif line.startswith("    "):
                raise ValueError(f"{document}:{number}: fence it, so that it is known what it is")
        elif line == "```":
            found.append(_block(document, begin, word, "\n".join(body), heading=heading))
            begin = 0
        else:
            body.append(line)
    return found


_UNDERLINE = re.compile(r"([=\-~^\"'*+#])\1{2,}$")
_DIRECTIVE = re.compile(r"( *)\.\. ([\w-]+):: ?(.*)$")
_PROSE = ("contents", "note", "warning", "seealso", "list-table", "versionadded", "toctree")


def _of_rst(document: str, text: str) -> list[Block]:
    lines = text.splitlines()
    found: list[Block] = []
    heading = ""
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        directive = _DIRECTIVE.match(line)
        if number < len(lines) and line.strip() and _UNDERLINE.match(lines[number]):
            heading = line
        elif directive and directive[2] in ("code-block", "code", "sourcecode"):
            indent = len(directive[1]) + 1
            begin, caption, body = number, "", []
            while number < len(lines) and (
                not lines[number].strip() or lines[number].startswith(" " * indent)
            ):
                option = re.match(r" *:([\w-]+): *(.*)$", lines[number])
                if option and not body:
                    if option[1] != "caption":
                        raise ValueError(f"{document}:{number + 1}: what does :{option[1]}: mean?")
                    caption = option[2]
                elif body or lines[number].strip():
                    body.append(lines[number])
                number += 1
            found.append(_block(document, begin, directive[3], "\n".join(body), caption, heading))
        elif directive and directive[2] not in _PROSE:
            raise ValueError(f"{document}:{number}: is there an example in {directive[2]}?")
        elif line.endswith("::") and not directive:
            raise ValueError(f"{document}:{number}: say what kind of block follows")
    return found


def _of_plugin(document: str, text: str) -> list[Block]:
    """A comment at the beginning that names ansible.cfg is that; what follows are tasks."""
    if document.endswith(".py"):
        assigned = {
            target.id: node.value
            for node in ast.parse(text).body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        examples = ast.literal_eval(assigned["EXAMPLES"])
    else:
        examples = yaml.safe_load(text)["EXAMPLES"]
    line = 1 + text[: text.index("EXAMPLES")].count("\n")
    found = []
    head, *rest = re.split(r"^(?!#|\n)", examples.strip("\n"), maxsplit=1, flags=re.MULTILINE)
    if head.startswith("# ansible.cfg\n"):
        settings = "".join(
            row.lstrip("#").removeprefix(" ") + "\n" for row in head.splitlines()[1:]
        )
        found.append(_block(document, line, "ini", settings))
    elif head:
        rest = [examples]
    if rest:
        found.append(_block(document, line, "yaml", rest[0]))
    return found
