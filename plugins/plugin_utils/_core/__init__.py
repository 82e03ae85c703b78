# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every use of what ansible-core does not document, a file a subject, and nowhere else in the collection.

Each was read in ansible-core 2.16, 2.17, 2.18, 2.19, 2.20 and 2.21. Where these differ, the docstring or comment at that
place names the versions; where it names none, all six agree.

Import names from the subjects; nothing is exported here.

Private to the collection longrun.jobs: may change in any release.
"""
