# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The contenders: the ways to configure Ansible that are compared, with their names in the results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Contender:
    """One way to configure Ansible. *label* is its name for readers.

    *variables* are environment variables; ``{collection}`` and ``{mitogen}`` in them are where these are installed.
    """

    name: str
    label: str
    variables: Mapping[str, str]


_WRAPPER = {"ANSIBLE_LIBRARY": "{collection}/plugins/modules"}

CORE = Contender("core", "ansible-core", {})
MITOGEN = Contender(
    "mitogen",
    "Mitogen",
    {
        "ANSIBLE_STRATEGY_PLUGINS": "{mitogen}/ansible_mitogen/plugins/strategy",
        "ANSIBLE_STRATEGY": "mitogen_linear",
    },
)
WRAPPER = Contender("wrapper", "drop-in, `library` alone", _WRAPPER)
DROP_IN = Contender(
    "drop_in", "drop-in", {**_WRAPPER, "ANSIBLE_ACTION_PLUGINS": "{collection}/drop_in"}
)
# The modules of the collection need no configuration, so these differ only in their plays.
RUN = Contender("async_run", "`async_run`", {})
WAIT = Contender("async_wait", "`async_wait`", {})
INFO = Contender("async_info", "`async_info`", {})
# other ways to do the same, for comparison
CORE_UNTIL = Contender("core_until", "ansible-core, `until`", {})
DROP_IN_UNTIL = Contender("drop_in_until", "drop-in, `until`", DROP_IN.variables)
SYNCHRONOUS = Contender("synchronous", "ansible-core, without `async`", {})
NO_SPOOL = Contender("no_spool", "drop-in, no output kept", DROP_IN.variables)
FLOOR = Contender("floor", "floor", {})

LABELS = {
    it.name: it.label
    for it in (
        *(CORE, MITOGEN, WRAPPER, DROP_IN, RUN, WAIT, INFO),
        *(CORE_UNTIL, DROP_IN_UNTIL, SYNCHRONOUS, NO_SPOOL, FLOOR),
    )
}
