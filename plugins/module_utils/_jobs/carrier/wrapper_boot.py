# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""The second part of async_wrapper, after boot.py: load this library from the texts in the same file, and run it."""

import gc
import os
import sys

from .boot import CarriedLibrary, KeptLibrary, claim_descriptors

TYPE_CHECKING = False
if TYPE_CHECKING:  # never at run time, see boot.py
    from typing import Dict


def run_wrapper(texts: "Dict[str, str]", digest: str) -> None:
    """Load the library and run async_wrapper. Does not return. texts: those of all parts. digest: that of the texts."""
    claim_descriptors()
    gc.disable()
    directory = os.environ.get("ANSIBLE_ASYNC_DIR") or "~/.ansible_async"
    keeper = KeptLibrary(f"{directory}/.longrun", digest)
    kept = keeper.read(texts)
    library = CarriedLibrary("", {}, texts) if kept is None else kept
    sys.meta_path.insert(0, library)
    # found by the library, which is a finder from here on
    from longrun_jobs.requests.wrapper import main  # type: ignore[import-not-found]

    main(library, keeper if kept is None else None)
