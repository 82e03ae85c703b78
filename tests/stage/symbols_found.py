# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find, by reading the sources, which symbols of ansible-core they use.

A symbol is a dotted name below ``ansible``: a module, what is defined in it, or an attribute of a class of it. A
parameter is written behind its function: ``ansible.plugins.action.ActionBase._execute_module(task_vars)``.

What an object is, is known of imports, of what is called or assigned from them, of annotated parameters, and of ``self``
in a class whose base is core's. Attributes of other objects have to be declared, see symbols_declared.py; of those
nobody can say in general which are core's, but one whose name has an underscore, and that no class here defines, must be.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_CORE = "ansible"
# what Python gives to every NamedTuple
_OF_TUPLES = ("_asdict", "_fields", "_make", "_replace")
# written by tools/amalgamate.py from files that import nothing of Ansible
_GENERATED = ("plugins/modules/async_wrapper.py",)


@dataclass(frozen=True)
class _Thing:
    """Something of core's: the symbol *name* itself or, if *instance*, an object of the class *name*."""

    name: str
    instance: bool = False


@dataclass
class _Class:
    """A class of the collection: what its bases are called, which of core's are among them, and what it defines."""

    bases: list[str] = field(default_factory=list)
    core_bases: list[str] = field(default_factory=list)
    defined: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class _Own:
    """``self`` or, if *above*, ``super()``, in a class of the collection."""

    place: Path
    name: str
    above: bool = False


@dataclass
class Uses:
    """What the sources use: symbols, and private attributes of objects that are not known; each with its places."""

    symbols: dict[str, set[str]] = field(default_factory=dict)
    unknown: dict[str, set[str]] = field(default_factory=dict)
    # every name, attribute, keyword and string there is, so that a declaration can be seen to be needed
    words: set[str] = field(default_factory=set)


def find(root: Path, folders: Sequence[str], types: Mapping[str, str]) -> Uses:
    """Return the uses of ansible-core in the Python files below *folders* of *root*.

    types: the class of what an attribute holds, such as ``{"ansible.plugins.action.ActionBase._task":
    "ansible.playbook.task.Task"}``.
    """
    trees = {
        path: ast.parse(path.read_text())
        for folder in folders
        for path in sorted((root / folder).rglob("*.py"))
        if str(path.relative_to(root)) not in _GENERATED
    }
    classes = _Classes(trees)
    uses = Uses()
    for path, tree in trees.items():
        _Reader(path, str(path.relative_to(root)), classes, types, uses).visit(tree)
    # what is defined somewhere may be meant wherever it is used
    uses.unknown = {
        name: places for name, places in uses.unknown.items() if name not in classes.private
    }
    return uses


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in _OF_TUPLES


def _last(node: ast.expr) -> str:
    """Return the last word of a name: ``CarrierAction`` of ``_core.CarrierAction``."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _imports(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield the names that an import binds, and the symbols of core that they stand for."""
    if isinstance(node, ast.ImportFrom) and node.level == 0:
        module = node.module or ""
        if module == _CORE or module.startswith(f"{_CORE}."):
            for alias in node.names:
                yield alias.asname or alias.name, f"{module}.{alias.name}"
    elif isinstance(node, ast.Import):
        for alias in node.names:
            if alias.name == _CORE or alias.name.startswith(f"{_CORE}."):
                yield alias.asname or _CORE, alias.name if alias.asname else _CORE


class _Classes:
    """The classes of the collection. A base is found by its name alone, wherever it is imported from."""

    def __init__(self, trees: Mapping[Path, ast.Module]) -> None:
        self._known: dict[tuple[Path, str], _Class] = {}
        self.private: set[str] = set()
        for path, tree in trees.items():
            imported = dict(pair for node in ast.walk(tree) for pair in _imports(node))
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef):
                    self._known[path, node.name] = self._read(node, imported)
                self.private |= {name for name in _defined_by(node) if _is_private(name)}

    @staticmethod
    def _read(node: ast.ClassDef, imported: Mapping[str, str]) -> _Class:
        found = _Class()
        for base in node.bases:
            name = _last(base)
            if isinstance(base, ast.Name) and name in imported:
                found.core_bases.append(imported[name])
            else:
                found.bases.append(name)
        for inner in ast.walk(node):
            found.defined.update(_defined_by(inner))
        return found

    def chain(self, place: Path, name: str) -> list[_Class]:
        """Return the class *name* of the file *place*, and all of the collection that it is made from."""
        todo, chain = [self._known[place, name]], []
        while todo:
            one = todo.pop(0)
            chain.append(one)
            todo += [
                other
                for (_place, known), other in self._known.items()
                if known in one.bases and other not in chain
            ]
        return chain


def _defined_by(node: ast.AST) -> Iterator[str]:
    """Yield the names that a statement defines, attributes of ``self`` and ``cls`` among them."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.alias):
        yield (node.asname or node.name).rpartition(".")[2]
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
        if isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
            yield node.attr


class _Reader(ast.NodeVisitor):
    """Reads one file."""

    def __init__(
        self, path: Path, name: str, classes: _Classes, types: Mapping[str, str], uses: Uses
    ) -> None:
        self._path = path
        self._file = name
        self._classes = classes
        self._types = types
        self._uses = uses
        self._scopes: list[dict[str, _Thing | _Own | None]] = [{}]
        self._class = ""
        # what runs on the target has objects of Python's own, whose private attributes are not core's
        self._on_controller = not name.startswith(("plugins/module_utils/", "plugins/modules/"))

    def _use(self, symbol: str, node: ast.AST) -> None:
        place = f"{self._file}:{getattr(node, 'lineno', 1)}"
        self._uses.symbols.setdefault(symbol, set()).add(place)

    # what binds names

    def visit_Import(self, node: ast.Import) -> None:
        for name, symbol in _imports(node):
            self._scopes[-1][name] = _Thing(symbol)
            self._use(symbol, node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for name, symbol in _imports(node):
            self._scopes[-1][name] = _Thing(symbol)
            self._use(symbol, node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        outer, self._class = self._class, node.name
        hooks = [it.name for it in node.body if isinstance(it, ast.FunctionDef)]
        for own in self._classes.chain(self._path, node.name):
            for base in own.core_bases:
                # core calls these, and nobody else does
                for hook in (name for name in hooks if name.startswith("v2_")):
                    self._use(f"{base}.{hook}", node)
        self.generic_visit(node)
        self._class = outer

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        scope: dict[str, _Thing | _Own | None] = {}
        arguments = node.args
        every = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
        for argument in every:
            scope[argument.arg] = self._annotated(argument.annotation)
        if self._class and every and every[0].arg == "self" and not scope["self"]:
            scope["self"] = _Own(self._path, self._class)
        self._scopes.append(scope)
        self.generic_visit(node)
        self._scopes.pop()

    def visit_Assign(self, node: ast.Assign) -> None:
        self.generic_visit(node)
        for target in node.targets:
            if isinstance(target, ast.Name):
                self._scopes[-1][target.id] = self._thing(node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.generic_visit(node)
        if isinstance(node.target, ast.Name):
            known = self._thing(node.value) if node.value else None
            self._scopes[-1][node.target.id] = known or self._annotated(node.annotation)

    def _annotated(self, annotation: ast.expr | None) -> _Thing | None:
        """Return what a variable of this annotation holds."""
        if isinstance(annotation, ast.BinOp):  # ActionBase | None
            return self._annotated(annotation.left) or self._annotated(annotation.right)
        if isinstance(annotation, ast.Subscript) and _last(annotation.value) == "type":
            known = self._thing(annotation.slice)
            return known if isinstance(known, _Thing) else None
        known = self._thing(annotation) if isinstance(annotation, ast.Name) else None
        return _Thing(known.name, instance=True) if isinstance(known, _Thing) else None

    # what uses them

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self._uses.words.add(node.attr)
        self._symbols(node)
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        self._uses.words.add(node.id)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self._uses.words.add(node.value)

    def visit_keyword(self, node: ast.keyword) -> None:
        self._uses.words.add(node.arg or "")
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        for symbol in self._symbols(node.func):
            for keyword in node.keywords:
                if keyword.arg:
                    self._use(f"{symbol}({keyword.arg})", node)
        self._thing(node)
        self.generic_visit(node)

    def _thing(self, node: ast.expr) -> _Thing | _Own | None:
        """Return what an expression is; None if that is not known, or not core's."""
        if isinstance(node, ast.Name):
            return next((it[node.id] for it in reversed(self._scopes) if node.id in it), None)
        if isinstance(node, ast.Call):
            return self._called(node)
        if isinstance(node, ast.Attribute):
            return self._held(node.value, self._symbols(node))
        return None

    def _called(self, node: ast.Call) -> _Thing | _Own | None:
        function = _last(node.func)
        text = node.args[1] if len(node.args) > 1 else None
        if function == "super" and self._class:
            return _Own(self._path, self._class, above=True)
        if function in ("getattr", "hasattr", "setattr") and isinstance(text, ast.Constant):
            return self._held(node.args[0], self._attribute(node.args[0], str(text.value), node))
        if function == "type" and len(node.args) == 1:
            known = self._thing(node.args[0])
            return _Thing(known.name) if isinstance(known, _Thing) and known.instance else None
        if function == "import_module" and isinstance(node.args[0], ast.Constant):
            name = str(node.args[0].value)
            if name.startswith(f"{_CORE}."):
                self._use(name, node)
                return _Thing(name)
            return None
        called = self._thing(node.func)
        if isinstance(called, _Thing) and not called.instance:
            # a class, by the way its name is written; what a function returns is not known
            if called.name.rpartition(".")[2].lstrip("_")[:1].isupper():
                return _Thing(called.name, instance=True)
        return None

    def _held(self, owner: ast.expr, symbols: list[str]) -> _Thing | None:
        """Return what is behind an attribute with these *symbols* of *owner*."""
        for symbol in symbols:
            if symbol in self._types:
                return _Thing(self._types[symbol], instance=True)
        known = self._thing(owner)
        # of an object it is a value; of a module or a class it is a symbol, too
        return _Thing(symbols[0]) if isinstance(known, _Thing) and not known.instance else None

    def _symbols(self, node: ast.expr) -> list[str]:
        """Return the symbols that an expression names, and note their use."""
        if isinstance(node, ast.Attribute):
            return self._attribute(node.value, node.attr, node)
        known = self._thing(node)
        return [known.name] if isinstance(known, _Thing) and not known.instance else []

    def _attribute(self, owner: ast.expr, attribute: str, node: ast.AST) -> list[str]:
        known = self._thing(owner)
        symbols: list[str] = []
        if isinstance(known, _Thing):
            symbols = [f"{known.name}.{attribute}"]
        elif isinstance(known, _Own):
            chain = self._classes.chain(known.place, known.name)
            mine = chain[1:] if known.above else chain
            if not any(attribute in one.defined for one in mine):
                symbols = [f"{base}.{attribute}" for one in chain for base in one.core_bases]
        elif self._on_controller and _is_private(attribute):
            place = f"{self._file}:{getattr(node, 'lineno', 1)}"
            self._uses.unknown.setdefault(attribute, set()).add(place)
        for symbol in symbols:
            if not attribute.startswith("__"):
                self._use(symbol, node)
        return [] if attribute.startswith("__") else symbols
