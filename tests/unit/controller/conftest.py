# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make Ansible's plugin loader find the collection, under a plain pytest, too, and name the core that is tested."""

from __future__ import annotations

from ansible.plugins.loader import init_plugin_loader
from ansible.release import __version__
from ansible.utils.collection_loader import AnsibleCollectionConfig

# pytest-ansible, where it is installed, has done it already
if AnsibleCollectionConfig.collection_finder is None:
    init_plugin_loader()


def pytest_report_header() -> str:
    """Return a line for the top of pytest's output; tests/stage/units.py looks for it."""
    return f"ansible-core {__version__}"
