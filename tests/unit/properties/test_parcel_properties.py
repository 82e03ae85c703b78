# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import json

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.carrier.parcel import pack, unpack

# few letters, so that heads and tails are common, and may overlap
text = st.lists(st.sampled_from([b"a", b"b", b"\xff"]), max_size=12).map(b"".join) | st.binary()
texts = st.lists(st.tuples(text, st.sampled_from(["one", "two"])), max_size=8)


@given(texts)
def test_what_was_packed_is_unpacked_the_same_over_json(texts):
    given_texts = [one for one, _kind in texts]
    packed = pack(given_texts, [kind for _one, kind in texts])
    assert unpack(*json.loads(json.dumps(packed))) == given_texts


@given(text, text, text, text)
def test_nothing_that_both_begin_or_end_with_is_sent_again(head, one, two, tail):
    parcel = pack([head + one + tail, head + two + tail], ["m", "m"])[0][1]
    assert parcel["head"] + parcel["tail"] >= min(
        len(head) + len(tail), len(head + one + tail), len(head + two + tail)
    )
