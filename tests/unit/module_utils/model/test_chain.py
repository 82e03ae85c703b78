# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which step comes next, without running any. A walk is written as the steps that run: s, r and a, with their numbers."""

import pytest

from ansible_collections.longrun.jobs.plugins.module_utils._jobs.model.chain import Chain, Place


def walk(steps, rescue, always, failing=(), ended=()):
    """The steps that run, and whether the job has failed. failing: those that fail; ended: those that are ended."""
    chain = Chain({"steps": steps, "rescue": rescue, "always": always})
    ran = []
    while chain.current is not None:
        assert len(ran) < 50, "it does not end"
        block, number = chain.current
        ran.append(f"{block[0]}{number}")
        if ran[-1] in ended:
            chain.abandon()
        else:
            chain.note(ran[-1] not in failing)
    return " ".join(ran), chain.failed


@pytest.mark.parametrize(
    "sizes, failing, ran, failed",
    [
        ((1, 0, 0), "", "s0", False),
        ((1, 0, 0), "s0", "s0", True),
        ((3, 0, 0), "", "s0 s1 s2", False),
        ((3, 0, 0), "s1", "s0 s1", True),
        ((2, 1, 1), "", "s0 s1 a0", False),
        ((2, 2, 0), "s0", "s0 r0 r1", False),
        ((2, 2, 0), "s1", "s0 s1 r0 r1", False),
        ((2, 2, 2), "s0", "s0 r0 r1 a0 a1", False),
        ((2, 2, 2), "s0 r0", "s0 r0 a0 a1", True),
        ((2, 2, 2), "s0 r1", "s0 r0 r1 a0 a1", True),
        ((2, 0, 2), "s0", "s0 a0 a1", True),
        ((2, 0, 2), "a0", "s0 s1 a0", True),
        ((2, 0, 2), "a1", "s0 s1 a0 a1", True),
        ((1, 1, 2), "s0 a0", "s0 r0 a0", True),
    ],
)
def test_steps_are_run_as_those_of_a_block(sizes, failing, ran, failed):
    assert walk(*sizes, failing=failing.split()) == (ran, failed)


@pytest.mark.parametrize(
    "sizes, failing, ended, ran",
    [
        ((2, 2, 0), "", "s0", "s0"),
        ((2, 2, 2), "", "s0", "s0 a0 a1"),
        ((2, 2, 2), "s0", "r0", "s0 r0 a0 a1"),
        ((2, 2, 2), "", "a0", "s0 s1 a0"),
        ((2, 2, 3), "", "s1 a1", "s0 s1 a0 a1"),
    ],
)
def test_behind_a_step_that_was_ended_comes_only_what_is_always_run(sizes, failing, ended, ran):
    """It was ended because the job is to end: there is nothing to be rescued."""
    assert walk(*sizes, failing=failing.split(), ended=ended.split()) == (ran, True)


def test_what_is_always_run_does_not_undo_a_failure():
    assert walk(1, 0, 2, failing=["s0"])[1] is True
    assert walk(1, 1, 2, failing=["s0", "r0"])[1] is True


def test_blocks_that_are_not_given_are_empty():
    chain = Chain({"steps": 1})
    assert chain.current == Place("steps", 0)
    chain.note(True)
    assert chain.current is None


def test_a_chain_without_steps_is_what_is_always_run():
    assert walk(0, 1, 1) == ("a0", False)
    assert walk(0, 0, 0) == ("", False)
