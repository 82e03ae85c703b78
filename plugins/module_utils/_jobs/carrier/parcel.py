# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection longrun.jobs: may change in any release.
"""Pack texts that are nearly the same, such as one module with different arguments, as their differences."""

import binascii
from typing import Any, Dict, List, Mapping, Sequence, Tuple


def _common_head(left: bytes, right: bytes) -> int:
    """Return how many bytes both begin with. It compares halves, which is faster than byte by byte."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _common_tail(left: bytes, right: bytes) -> int:
    """Return how many bytes both end with."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[len(left) - middle :] == right[len(right) - middle :]:
            low = middle
        else:
            high = middle - 1
    return low


def _encoded(text: bytes) -> str:
    """Return a text in base64."""
    return binascii.b2a_base64(text, newline=False).decode("ascii")


def pack(texts: Sequence[bytes], kinds: Sequence[str]) -> Tuple[List[Dict[str, Any]], List[str]]:
    """Return a parcel for each text, and the texts that are sent whole.

    A parcel says which of the whole texts it is, or what it has between a head and a tail that it shares with the
    first text of its kind. kinds: one for each text; texts of one kind should be similar.
    """
    first: Dict[str, int] = {}
    parcels: List[Dict[str, Any]] = []
    wholes: List[str] = []
    for number, (text, kind) in enumerate(zip(texts, kinds)):
        like = first.setdefault(kind, number)
        if like == number:
            plain = max(text, default=0) < 128  # ASCII, as most texts are, needs no base64
            parcels.append({"whole": len(wholes), "plain": plain})
            wholes.append(text.decode("ascii") if plain else _encoded(text))
            continue
        model = texts[like]
        head = _common_head(model, text)
        tail = _common_tail(model[head:], text[head:])
        middle = _encoded(text[head : len(text) - tail])
        parcels.append({"like": like, "head": head, "tail": tail, "middle": middle})
    return parcels, wholes


def holders(
    part: bytes, parcels: Sequence[Mapping[str, Any]], texts: Sequence[bytes]
) -> List[bool]:
    """Return for each text whether a part occurs in it.

    texts: those that ``unpack`` returned for the parcels. Where the head or the tail that a text shares with another
    holds the part, the text itself is not searched.
    """
    places: Dict[int, int] = {}
    holds: List[bool] = []
    for number, (parcel, text) in enumerate(zip(parcels, texts)):
        if "like" not in parcel:
            places[number] = text.find(part)
            holds.append(places[number] >= 0)
            continue
        first = places[parcel["like"]]
        in_tail = first >= len(texts[parcel["like"]]) - parcel["tail"]
        shares = first >= 0 and (first + len(part) <= parcel["head"] or in_tail)
        holds.append(shares or part in text)
    return holds


def unpack(parcels: Sequence[Mapping[str, Any]], wholes: Sequence[str]) -> List[bytes]:
    """Return the texts that ``pack`` was given. wholes: those that were sent whole."""
    texts: List[bytes] = []
    for parcel in parcels:
        if "like" in parcel:
            model = texts[parcel["like"]]
            middle = binascii.a2b_base64(parcel["middle"])
            text = model[: parcel["head"]] + middle + model[len(model) - parcel["tail"] :]
        else:
            whole = wholes[parcel["whole"]]
            text = whole.encode("ascii") if parcel["plain"] else binascii.a2b_base64(whole)
        texts.append(text)
    return texts
