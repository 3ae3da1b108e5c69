"""Device clocks are wrong, jump and reboot, and their uptime never goes back."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from replica.clock import Clock
from simulator.device_clock import (
    EPOCH_MS,
    FACTORY_MS,
    ClockUpset,
    DeviceClock,
    TrueClock,
    Upset,
    apply_upset,
    draw_upsets,
    live_through,
)
from simulator.virtual_loop import VirtualLoop, run

DAY_S = 86_400.0


class _Hand:
    """The hand that moves the world's time in these tests."""

    now_s = 0.0

    def time(self) -> float:
        return self.now_s


def _clock(hand: _Hand, **options) -> DeviceClock:
    clock: Clock = DeviceClock(TrueClock(hand.time), **options)
    assert isinstance(clock, DeviceClock)
    return clock


upsets = st.builds(
    ClockUpset,
    at_s=st.floats(0, DAY_S),
    upset=st.sampled_from(Upset),
    by_ms=st.integers(-(10**12), 10**12),
)


@given(st.lists(st.tuples(st.floats(0, DAY_S), upsets), max_size=20), st.floats(-500, 500))
def test_within_one_boot_uptime_never_goes_back(steps, drift_ppm):
    hand = _Hand()
    clock = _clock(hand, drift_ppm=drift_ppm)
    seen = (clock.boot(), clock.uptime_ms())
    for wait_s, upset in steps:
        hand.now_s += wait_s
        waited = (clock.boot(), clock.uptime_ms())
        assert waited >= seen
        apply_upset(clock, upset)
        seen = (clock.boot(), clock.uptime_ms())
        assert seen >= waited
        assert clock.now_ms() >= 0


def test_a_jump_moves_the_wall_clock_and_not_the_uptime():
    hand = _Hand()
    clock = _clock(hand)
    hand.now_s = 100.0
    clock.jump(-3_600_000)
    hand.now_s = 130.0
    assert clock.now_ms() == EPOCH_MS + 130_000 - 3_600_000
    assert clock.uptime_ms() == 130_000
    assert clock.error_ms() == -3_600_000


def test_a_fast_crystal_gains_by_its_parts_per_million():
    hand = _Hand()
    clock = _clock(hand, drift_ppm=100.0, offset_ms=5_000)
    hand.now_s = 10 * DAY_S
    assert clock.error_ms() == 5_000 + 86_400
    clock.drift(0.0)
    hand.now_s = 20 * DAY_S
    assert clock.error_ms() == 5_000 + 86_400


def test_a_reboot_begins_uptime_anew_and_an_empty_phone_wakes_in_its_factory_year():
    hand = _Hand()
    clock = _clock(hand, first_boot=7)
    hand.now_s = 60.0
    clock.reboot()
    assert (clock.boot(), clock.uptime_ms(), clock.error_ms()) == (8, 0, 0)
    clock.reboot(forgets=True)
    assert (clock.boot(), clock.now_ms()) == (9, FACTORY_MS)
    clock.set_to(EPOCH_MS)
    assert clock.now_ms() == EPOCH_MS


def test_a_calm_clock_has_no_upsets_and_a_wild_one_has_every_kind_in_order_of_time():
    calm = draw_upsets(random.Random(1), until_s=DAY_S, upsets_per_day=0.0, jump_ms_max=10)
    assert calm == ()
    wild = draw_upsets(random.Random(1), until_s=60 * DAY_S, upsets_per_day=4.0, jump_ms_max=10)
    assert {upset.upset for upset in wild} == set(Upset)
    assert [upset.at_s for upset in wild] == sorted(upset.at_s for upset in wild)
    again = draw_upsets(random.Random(1), until_s=60 * DAY_S, upsets_per_day=4.0, jump_ms_max=10)
    assert wild == again


def test_a_strobe_ends_where_it_began():
    hand = _Hand()
    clock = _clock(hand)
    drawn = draw_upsets(random.Random(5), until_s=90 * DAY_S, upsets_per_day=3.0, jump_ms_max=10)
    for upset in drawn:
        if upset.upset is Upset.STROBE:
            apply_upset(clock, upset)
    assert clock.error_ms() == 0


def test_upsets_happen_at_their_times():
    async def main(loop: VirtualLoop) -> list[tuple[float, Upset, int]]:
        clock = DeviceClock(TrueClock(loop.time))
        happened: list[tuple[float, Upset, int]] = []
        await live_through(
            clock,
            [ClockUpset(10.0, Upset.JUMP, 500), ClockUpset(20.0, Upset.CORRECTED)],
            lambda upset: happened.append((loop.time(), upset.upset, clock.error_ms())),
        )
        return happened

    assert run(main, 1).value == [(10.0, Upset.JUMP, 500), (20.0, Upset.CORRECTED, 0)]
