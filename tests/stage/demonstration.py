# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make demo`: an unmodified playbook on this machine, with the collection that is checked out."""

from __future__ import annotations

from . import environments, workspace
from .process import run
from .workspace import CHECKOUT


def demonstrate() -> None:
    """Install the collection into a place of its own and run the demo playbook with it."""
    venv = environments.venv("demo")
    with workspace.temporary() as place:
        place.install_collection(venv, CHECKOUT)
        env = {
            **place.environment(venv),
            "ANSIBLE_CONFIG": str(place.drop_in_config),
            # jobs of the demo stay apart from those of the user, and go with it
            "ANSIBLE_ASYNC_DIR": str(place.directory / "jobs"),
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            "ANSIBLE_LOCALHOST_WARNING": "false",
        }
        print(place.drop_in_config.read_text())
        playbook = CHECKOUT / "playbooks" / "demo.yml"
        run([f"{venv}/bin/ansible-playbook", str(playbook)], env=env, cwd=place.directory)
