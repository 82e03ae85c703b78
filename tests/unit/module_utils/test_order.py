# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The order of the library's packages: what each may import from."""

import re
from pathlib import Path

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils import _jobs

LIBRARY = Path(_jobs.__file__).parent
MAY_IMPORT = {
    "carrier": set(),
    "model": set(),
    "system": {"model"},
    "inspection": {"model", "system"},
    "supervisor": {"model", "system", "inspection", "carrier"},
    "requests": {"model", "system", "inspection", "supervisor", "carrier"},
}


@pytest.mark.parametrize("path", sorted(LIBRARY.rglob("*.py")), ids=lambda path: path.name)
def test_a_part_imports_from_its_own_package_and_from_those_before_it(path):
    package = path.parent.name if path.parent != LIBRARY else "model"
    lines = re.findall(r"^\s*from (\.+)(\w*)[\w.]* import", path.read_text(), re.MULTILINE)
    assert {word for dots, word in lines if len(dots) > 1} <= MAY_IMPORT[package]


def test_every_package_has_its_place_in_the_order():
    assert {path.parent.name for path in LIBRARY.glob("*/*.py")} == set(MAY_IMPORT)
