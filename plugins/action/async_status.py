# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action of longrun.jobs.async_status. As the short-name drop-in it serves ``poll: N`` and ``until`` loops, too."""

from __future__ import annotations

from typing import Any

from ansible.utils.vars import merge_hash

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.request import STATUS_OPTIONS
from ansible_collections.longrun.jobs.plugins.plugin_utils import _core
from ansible_collections.longrun.jobs.plugins.plugin_utils.live import LiveOutput, live_output


class ActionModule(_core.CarrierAction):
    """In front of our module; on a Windows target core's own action does it all."""

    _supports_check_mode = True
    _supports_async = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        if _core.is_windows(self):
            return dict(_core.core_action(self, "async_status").run(task_vars=task_vars))
        super().run(tmp, task_vars)
        _unused, given = self.validate_argument_spec(
            argument_spec=STATUS_OPTIONS,
            mutually_exclusive=[("jid", "results_file")],
            required_one_of=[("jid", "results_file")],
        )
        asks_status = given["mode"] == "status"
        results: dict[str, Any] = {
            "started": asks_status,
            "finished": False,
            "stdout": "",
            "stderr": "",
            "stdout_lines": [],
            "stderr_lines": [],
        }
        if given["jid"]:
            results["ansible_job_id"] = given["jid"]
        arguments = dict(given, _async_dir=_core.async_dir_option(self))
        live = self._live_output(task_vars or {}) if asks_status else None
        if live:
            arguments["_since"] = live.cursor
        answer = self._execute_module(
            module_name="longrun.jobs.async_status", module_args=arguments, task_vars=task_vars
        )
        since = answer.pop("_since", None)
        results = merge_hash(results, answer)
        for word in ("started", "finished"):
            results[word] = bool(results[word])
        if live and since:
            _core.show_lines(live.lines(since, results["finished"]))
        return results

    def _live_output(self, task_vars: dict[str, Any]) -> LiveOutput | None:
        """What shows the job's lines while it runs; None where they are not to be shown."""
        wanted = self._templar.template(task_vars.get("longrun_live_output", True))
        if (
            str(wanted).lower() in ("false", "no", "off", "0")
            or self._task.no_log
            or not _core.shows_text()
        ):
            return None
        job = str(self._task.args.get("jid") or self._task.args.get("results_file"))
        return live_output(str(task_vars.get("inventory_hostname", "")), job)
