"""Which faults a seed has: swarm, strength, and making a failing world smaller."""

from __future__ import annotations

from dataclasses import fields

import pytest

from simulator.draw import (
    CALM,
    FAULTS,
    HOSTILE_FAULTS,
    UNSAFE_FAULTS,
    Options,
    chance_for,
    differing,
    draw_options,
    entropy_for,
)

SEEDS = range(300)


def test_every_fault_exists_in_some_worlds_and_is_missing_in_others():
    worlds = [set(draw_options(seed, allowed=FAULTS).faults()) for seed in SEEDS]
    for name in FAULTS:
        present = sum(name in world for world in worlds)
        assert 0.2 * len(worlds) < present < 0.8 * len(worlds), name
    assert min(map(len, worlds)) <= 3
    assert max(map(len, worlds)) >= len(FAULTS) - 8


def test_no_seed_draws_what_an_honest_world_cannot_do_unless_it_is_allowed():
    forbidden = HOSTILE_FAULTS | UNSAFE_FAULTS
    assert not any(forbidden & set(draw_options(seed).faults()) for seed in SEEDS)
    assert draw_options(1, allowed=()) == CALM


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_sets_its_own_options_to_values_of_their_kind_and_no_others(name):
    drawn = [draw_options(seed, allowed=[name]) for seed in SEEDS]
    struck = [options for options in drawn if options != CALM]
    assert struck
    for options in struck:
        changed = differing(options)
        assert set(changed) <= set(FAULTS[name].fields)
        for option, value in changed.items():
            assert type(value) is type(getattr(CALM, option))
            assert isinstance(value, int | float)
            assert value >= 0


def test_no_two_faults_share_an_option_and_every_option_of_a_fault_exists():
    named = [option for fault in FAULTS.values() for option in fault.fields]
    assert len(named) == len(set(named))
    assert set(named) <= {field.name for field in fields(Options)}


def test_taking_a_fault_away_leaves_the_others_as_strong_as_they_were():
    for seed in range(40):
        world = draw_options(seed)
        for name in world.faults():
            smaller = world.without(name)
            assert smaller.faults() == tuple(other for other in world.faults() if other != name)
            assert smaller == draw_options(seed, allowed=set(world.faults()) - {name})


def test_a_wrong_name_is_refused_in_words():
    with pytest.raises(KeyError, match="no fault of that name"):
        draw_options(1, allowed=["meteorites"])


def test_a_world_is_described_in_plain_words():
    assert CALM.in_words() == "a calm world"
    assert draw_options(3, allowed=["cuts"]).in_words() == "links are cut at any frame"


def test_each_purpose_has_chance_of_its_own():
    assert chance_for(1, "a").random() == chance_for(1, "a").random()
    assert chance_for(1, "a").random() != chance_for(1, "b").random()
    assert entropy_for(1, "phone")(16) != entropy_for(2, "phone")(16)
    assert len(entropy_for(1, "phone")(16)) == 16
