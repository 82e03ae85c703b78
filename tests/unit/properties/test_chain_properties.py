# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.chain import BLOCKS, Chain

sizes = st.fixed_dictionaries({block: st.integers(0, 5) for block in BLOCKS})
# how each step that runs ends; behind the last of them, all succeed
endings = st.lists(st.sampled_from(["succeeds", "fails", "is ended"]), max_size=20)


def walk(sizes, endings):
    """The steps that ran, each with how it ended; and the chain at its end."""
    chain = Chain(sizes)
    ran = []
    while chain.current is not None and len(ran) <= 20:
        how = endings[len(ran)] if len(ran) < len(endings) else "succeeds"
        ran.append((chain.current, how))
        if how == "is ended":
            chain.abandon()
        else:
            chain.note(how == "succeeds")
    return ran, chain


@given(sizes, endings)
def test_it_ends_and_runs_no_step_twice(sizes, endings):
    ran, chain = walk(sizes, endings)
    assert chain.current is None
    places = [place for place, _how in ran]
    assert len(set(places)) == len(places)
    assert all(0 <= number < sizes[block] for block, number in places)


@given(sizes, endings)
def test_blocks_come_in_order_and_their_steps_too(sizes, endings):
    places = [(BLOCKS.index(block), number) for (block, number), _how in walk(sizes, endings)[0]]
    assert places == sorted(places)
    for index in range(len(BLOCKS)):
        numbers = [number for block, number in places if block == index]
        assert numbers == list(range(len(numbers)))


@given(sizes, endings)
def test_what_rescues_runs_behind_a_step_that_failed_and_never_else(sizes, endings):
    ran = walk(sizes, endings)[0]
    steps = [how for place, how in ran if place.block == "steps"]
    rescues = any(place.block == "rescue" for place, _how in ran)
    assert rescues == (steps[-1:] == ["fails"] and sizes["rescue"] > 0)
    assert all(how == "succeeds" for how in steps[:-1])


@given(sizes, endings)
def test_what_is_always_run_is(sizes, endings):
    ran = walk(sizes, endings)[0]
    always = [how for place, how in ran if place.block == "always"]
    assert all(how == "succeeds" for how in always[:-1])
    if always[-1:] in ([], ["succeeds"]):
        assert len(always) == sizes["always"]


@given(sizes, endings)
def test_it_has_failed_unless_all_was_well_in_the_end(sizes, endings):
    ran, chain = walk(sizes, endings)
    ended = {place.block: how for place, how in ran}
    saved = ended.get("steps", "succeeds") == "succeeds" or ended.get("rescue") == "succeeds"
    assert chain.failed is not (saved and ended.get("always", "succeeds") == "succeeds")
