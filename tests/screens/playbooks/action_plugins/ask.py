# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An action that asks something while other hosts go on, as a connection plugin does that meets an unknown host key."""

from __future__ import annotations

import time
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display


class ActionModule(ActionBase):
    """Asks for a line of text."""

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        super().run(tmp, task_vars)
        time.sleep(0.5)  # what was printed before is out of the way, and bars are back
        said = Display().prompt_until("Shall it go on?", complete_input=(b"\r", b"\n"))
        return {"changed": False, "user_input": said.decode().strip()}
