# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""Many texts that are nearly the same, such as one module with other arguments, packed as what differs."""

import base64
from typing import Any, Dict, List, Mapping, Sequence


def _common_head(left: bytes, right: bytes) -> int:
    """How many bytes both begin with: by halves, each compared at once."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _common_tail(left: bytes, right: bytes) -> int:
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[len(left) - middle :] == right[len(right) - middle :]:
            low = middle
        else:
            high = middle - 1
    return low


def pack(texts: Sequence[bytes], kinds: Sequence[str]) -> List[Dict[str, Any]]:
    """A parcel for each text: whole, or what it has between a head and a tail of an earlier one of the same kind."""
    first = {}  # type: Dict[str, int]
    parcels = []  # type: List[Dict[str, Any]]
    for number, (text, kind) in enumerate(zip(texts, kinds)):
        like = first.setdefault(kind, number)
        if like == number:
            parcels.append({"text": base64.b64encode(text).decode("ascii")})
            continue
        model = texts[like]
        head = _common_head(model, text)
        tail = _common_tail(model[head:], text[head:])
        middle = base64.b64encode(text[head : len(text) - tail]).decode("ascii")
        parcels.append({"like": like, "head": head, "tail": tail, "text": middle})
    return parcels


def unpack(parcels: Sequence[Mapping[str, Any]]) -> List[bytes]:
    """The texts again."""
    texts = []  # type: List[bytes]
    for parcel in parcels:
        text = base64.b64decode(parcel["text"])
        if "like" in parcel:
            model = texts[parcel["like"]]
            text = model[: parcel["head"]] + text + model[len(model) - parcel["tail"] :]
        texts.append(text)
    return texts
