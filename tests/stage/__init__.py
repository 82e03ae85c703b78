# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The test stage: prepares a bare Debian machine and runs every check of the collection.

Standard library only, Python 3.10 or newer: nothing is installed yet when it starts.
"""

import sys

if sys.version_info < (3, 10):  # noqa: UP036  # an older one gets as far as here
    sys.exit("This needs Python 3.10 or newer; name one with: make PYTHON=python3.11 ...")
