# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""The beginning of what the carrier sends: this library out of the text that came with it, and the request.

Stands alone: its text is put before the library's, and only then is there a package to import from.
"""

import base64
import json
import sys
import zlib
from typing import Any, Dict, Optional

CARRIED_PACKAGE = "longrun_jobs"


class CarriedLibrary:
    """Finds and loads the modules of the package from their texts; each is compiled when it is first needed."""

    def __init__(self, texts: Dict[str, str]) -> None:
        self._texts = texts

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Optional[Any]:
        package, _unused, part = name.partition(".")
        if package != CARRIED_PACKAGE or part not in self._texts:
            return None
        spec_class: Any = type(sys.__spec__)  # ModuleSpec, without the cost of importing importlib
        return spec_class(name, self, is_package=not part)

    def create_module(self, _spec: Any) -> None:
        return None

    def exec_module(self, module: Any) -> None:
        part = module.__name__.partition(".")[2]
        exec(compile(self._texts[part], f"<{module.__name__}>", "exec"), module.__dict__)


def boot(library: str, request: str) -> None:
    """library, request: JSON, deflated, in base64."""
    texts = json.loads(zlib.decompress(base64.b64decode(library)).decode("utf-8"))
    sys.meta_path.insert(0, CarriedLibrary(texts))
    from longrun_jobs.operations import carry_out  # type: ignore[import-not-found]  # only now there

    carry_out(json.loads(zlib.decompress(base64.b64decode(request)).decode("utf-8")), texts)
