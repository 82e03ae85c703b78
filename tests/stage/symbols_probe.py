# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tell which symbols the ansible-core on the import path has: a program of its own, run under each core by symbols.py.

Reads a JSON list of symbols, as symbols_found.py writes them, from the file that is its argument. The last line of its
output is JSON, too: ``release``, and in ``symbols`` one of these for each.

yes: it is there. any: it is a parameter that is not named, but the function takes parameters of any name. no: it is gone.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
import sys
from types import ModuleType
from typing import Any


class _Gone(Exception):
    """This core has no such symbol."""


def answer(symbol: str) -> str:
    """Return ``yes``, ``any`` or ``no``."""
    name, _bracket, parameter = symbol.rstrip(")").partition("(")
    try:
        thing = _found(name)
    except _Gone:
        return "no"
    return _takes(thing, parameter) if parameter else "yes"


def _found(name: str) -> Any:
    """Return what is called *name*; None for an attribute that only objects of its class have."""
    first, *words = name.split(".")
    thing: Any = importlib.import_module(first)
    path = first
    for word in words:
        path += f".{word}"
        if isinstance(thing, ModuleType):
            thing = _in_module(thing, word, path)
        elif inspect.isclass(thing):
            # not by getattr alone: what a descriptor of a class returns may need an object
            if any(word in vars(base) for base in thing.__mro__):
                thing = getattr(thing, word, None)
            elif any(_sets(base, word) for base in thing.__mro__[:-1]):
                thing = None
            else:
                raise _Gone(path)
        else:
            raise _Gone(path)
    return thing


def _in_module(module: ModuleType, word: str, path: str) -> Any:
    try:
        return getattr(module, word)
    except AttributeError:
        try:
            return importlib.import_module(path)
        except ImportError as error:
            raise _Gone(path) from error


def _sets(base: type, attribute: str) -> bool:
    """Return whether the methods of a class set an attribute of ``self``, or its body announces one."""
    try:
        source = inspect.getsource(base)
    except (OSError, TypeError):  # a class of Python's own
        return False
    name = re.escape(attribute)
    return bool(
        re.search(rf"\bself\.{name}\s*(:[^=\n]+)?=[^=]", source)
        or re.search(rf"^\s+{name}\s*:", source, re.MULTILINE)
    )


def _takes(function: Any, parameter: str) -> str:
    """Return the answer for a parameter of a function, or of what makes objects of a class."""
    parameters = inspect.signature(function).parameters
    if parameter in parameters:
        return "yes"
    kinds = {it.kind for it in parameters.values()}
    return "any" if inspect.Parameter.VAR_KEYWORD in kinds else "no"


def main() -> None:
    """Print the answer."""
    with open(sys.argv[1], encoding="utf-8") as handle:
        symbols = json.load(handle)
    from ansible.release import __version__

    answers = {symbol: answer(symbol) for symbol in symbols}
    print(json.dumps({"release": __version__, "symbols": answers}))


if __name__ == "__main__":
    main()
