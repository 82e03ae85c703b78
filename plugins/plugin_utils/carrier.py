# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fast carrier: a request and the target-side library as one program, which needs no module and no file.

Private to the collection longrun.jobs: may change in any release.
"""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path
from typing import Any

from ansible_collections.longrun.jobs.plugins.module_utils import _jobs

_SOURCES = Path(_jobs.__file__).parent
_BOOT = "boot"


def _packed(value: Any) -> str:
    return base64.b64encode(zlib.compress(json.dumps(value).encode("utf-8"), 9)).decode("ascii")


def _read_library() -> str:
    texts = {path.stem: path.read_text(encoding="utf-8") for path in sorted(_SOURCES.glob("*.py"))}
    texts[""] = texts.pop("__init__")
    del texts[_BOOT]
    return _packed(texts)


# made where the plugin is loaded, in the main process: the workers, one a task and host, inherit it
_LIBRARY = _read_library()
_BOOT_TEXT = (_SOURCES / f"{_BOOT}.py").read_text(encoding="utf-8")


def program(operation: str, params: dict[str, Any], check_mode: bool) -> bytes:
    """The text of a Python 3.6+ program that answers the request on the target."""
    request = _packed({"operation": operation, "params": params, "check_mode": check_mode})
    return f"{_BOOT_TEXT}\n\nboot({_LIBRARY!r}, {request!r})\n".encode()
