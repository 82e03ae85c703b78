# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many texts that are nearly the same."""

import json
import os

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.carrier.parcel import (
    holders,
    pack,
    unpack,
)

CASES = [
    [],
    [b""],
    [b"", b"", b"a"],
    [b"a", b"", b"a"],
    [b"same", b"same"],
    [b"head 1 tail", b"head 22 tail", b"head  tail"],
    [b"aaaa", b"aa", b"aaaaaaaa"],  # head and tail would overlap
    [b"abc", b"xyz"],
    [b"abcX", b"abc", b"Xabc"],
    [b"\x00\xff\n", b"\x00\xfe\n"],
]


@pytest.mark.parametrize("texts", CASES, ids=range(len(CASES)))
@pytest.mark.parametrize("kinds", ["a", "ab"])
def test_texts_come_back_as_they_were(texts, kinds):
    told = [kinds[number % len(kinds)] for number in range(len(texts))]
    parcels, wholes = json.loads(json.dumps(pack(texts, told)))
    assert unpack(parcels, wholes) == texts


def test_of_many_that_differ_in_little_only_that_is_sent():
    module = os.urandom(60000)
    texts = [module + b"arguments %d" % number + module[::-1] for number in range(50)]
    parcels, wholes = pack(texts, ["m"] * 50)
    assert unpack(parcels, wholes) == texts
    assert [len(whole) > 120000 for whole in wholes] == [True]
    assert all(len(parcel["middle"]) < 20 for parcel in parcels[1:])


def test_what_is_plain_text_is_sent_as_it_is():
    parcels, wholes = pack([b"print('plain')", b"\x7fELF\x80"], ["a", "b"])
    assert wholes[0] == "print('plain')"
    assert wholes[1].isascii() if hasattr(wholes[1], "isascii") else wholes[1].encode("ascii")
    assert unpack(parcels, wholes) == [b"print('plain')", b"\x7fELF\x80"]


def test_each_is_compared_with_the_first_of_its_kind():
    texts = [b"shell 1", b"copy 1", b"shell 2", b"copy 2"]
    parcels, _wholes = pack(texts, ["shell", "copy", "shell", "copy"])
    assert [parcel.get("like") for parcel in parcels] == [None, None, 0, 1]


def test_a_parcel_keeps_what_stands_beside_it():
    parcels, wholes = pack([b"one", b"two"], ["m", "m"])
    parcels = [dict(parcel, module="m") for parcel in parcels]
    assert unpack(parcels, wholes) == [b"one", b"two"]


def test_who_has_a_part_is_told_of_each_text():
    zip_part = b"UEsD" * 100
    texts = [b"a" + zip_part + b"1", b"a" + zip_part + b"2", b"other", b"a" + zip_part[:-1] + b"3"]
    parcels, wholes = pack(texts, ["m", "m", "n", "m"])
    assert holders(zip_part, parcels, unpack(parcels, wholes)) == [True, True, False, False]
    # what differs stands before it, or in it
    texts = [b"1" + zip_part, b"2" + zip_part, zip_part[:9] + b"3" + zip_part[9:]]
    parcels, wholes = pack(texts, ["m", "m", "m"])
    assert holders(zip_part, parcels, unpack(parcels, wholes)) == [True, True, False]
