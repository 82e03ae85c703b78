# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""The beginning of async_wrapper, behind boot: the library out of the texts in the same file, and core's arguments."""

import gc
import os
import sys

from .boot import CarriedLibrary, KeptLibrary, claim_descriptors

TYPE_CHECKING = False
if TYPE_CHECKING:  # see boot.py
    from typing import Dict


def run_wrapper(texts: "Dict[str, str]", digest: str) -> None:
    """async_wrapper, which has the texts in it. digest: their name."""
    claim_descriptors()
    gc.disable()
    directory = os.environ.get("ANSIBLE_ASYNC_DIR") or "~/.ansible_async"
    keeper = KeptLibrary(f"{directory}/.longrun", digest)
    kept = keeper.read(texts)
    library = CarriedLibrary("", {}, texts) if kept is None else kept
    sys.meta_path.insert(0, library)
    # only now there
    from longrun_jobs.requests.wrapper import main  # type: ignore[import-not-found]

    main(library, keeper if kept is None else None)
