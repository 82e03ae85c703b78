# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""A stand-in for ``typing`` while a carried library is loaded: importing the real one takes longer than a request.

Nothing reads annotations on a target, so all names but ``NamedTuple`` and ``TYPE_CHECKING`` are the same object.
"""

import operator
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Tuple


class _Hint:
    """The object that stands for every type, with any parameters: ``Any``, ``Dict[str, Any]``, ..."""

    def __getitem__(self, _parameters: "Any") -> "_Hint":
        return self


def _record(name: str, namespace: "Dict[str, Any]") -> type:
    """Return a class of tuples, with the fields that a class body annotates, their defaults, and its methods.

    namespace: that of the class body.
    """
    annotations = namespace.get("__annotations__")
    if annotations is None:  # from Python 3.14 on, a function makes them: PEP 649
        annotations = namespace["__annotate_func__"](1)
    fields: Tuple[str, ...] = tuple(annotations)
    defaults = {field: namespace[field] for field in fields if field in namespace}

    def make(cls: "Any", *args: "Any", **named: "Any") -> "Any":
        values = dict(defaults, **named)
        values.update(zip(fields, args))
        if (
            len(args) > len(fields)
            or set(values) != set(fields)
            or set(named) & set(fields[: len(args)])
        ):
            raise TypeError(f"{name} takes {', '.join(fields)}, not {args} and {named}")
        return tuple.__new__(cls, [values[field] for field in fields])

    def replace(self: "Any", **named: "Any") -> "Any":
        return type(self)(**dict(zip(fields, self), **named))

    body = dict(namespace, __slots__=(), __new__=make, _replace=replace)
    for number, field in enumerate(fields):
        body[field] = property(operator.itemgetter(number))
    return type(name, (tuple,), body)


class _Maker(type):
    """The metaclass that turns a subclass of ``NamedTuple`` into a class of tuples."""

    def __new__(mcs, name: str, bases: "Tuple[type, ...]", namespace: "Dict[str, Any]") -> "Any":
        return _record(name, namespace) if bases else super().__new__(mcs, name, bases, namespace)


class _NamedTuple(metaclass=_Maker):
    """The stand-in for ``typing.NamedTuple``."""


class Untyped(type(sys)):  # type: ignore[misc]  # the class of modules
    """The module object that is imported as ``typing``."""

    _HINT = _Hint()
    NamedTuple = _NamedTuple
    TYPE_CHECKING = False

    def __getattr__(self, name: str) -> "Any":
        if name.startswith("__"):  # a module without __path__, for one, is not a package
            raise AttributeError(name)
        return self._HINT
