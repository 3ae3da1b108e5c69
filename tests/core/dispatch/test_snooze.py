"""Snoozing and ranking: what is put aside, what brings it back, and what hurts most."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dispatch import fields
from core.dispatch.acts import ActError
from core.dispatch.fields import Role
from core.dispatch.ranking import MINUTES_MAX, points
from core.dispatch.snooze import FOR_GOOD_MS, aside_until, snooze, snoozes, wake
from core.log.registers import Register, Write

JOB = b"\0\0\0\7\4jjjjjjj"


def test_what_is_put_aside_comes_back_when_its_time_is_over() -> None:
    aside = [("late start", 1_000)]
    assert aside_until("late start", aside, 999) == 1_000
    assert aside_until("late start", aside, 1_000) == 0
    assert aside_until("late start", [], 0) == 0


def test_a_worse_kind_comes_up_and_a_lesser_one_stays_aside() -> None:
    aside = [("at risk", 1_000)]
    assert aside_until("late start", aside, 10) == 0
    assert aside_until("no show", aside, 10) == 0
    assert aside_until("blind", aside, 10) == 1_000
    # What is no delay is put aside by itself alone.
    assert aside_until("rejected", [("no show", 1_000)], 10) == 0
    assert aside_until("rejected", [("rejected", 1_000)], 10) == 1_000


def test_a_snooze_that_is_over_or_unknown_is_refused_in_words() -> None:
    with pytest.raises(ActError, match="still to come"):
        snooze(JOB, "late start", 10, now_ms=10)
    with pytest.raises(ActError, match="no such alert"):
        snooze(JOB, "", 20, now_ms=10)
    with pytest.raises(ActError, match="longer than 200"):
        snooze(JOB, "late start", 20, "x" * 201, now_ms=10)
    ((stream, path, value),) = snooze(JOB, "late start", FOR_GOOD_MS, " van broke ", now_ms=10)
    assert (stream, path, value) == (
        JOB,
        (fields.SNOOZED, "late start"),
        [FOR_GOOD_MS, "van broke"],
    )


def test_of_two_snoozes_made_apart_the_later_holds_and_taking_up_again_ends_it() -> None:
    register = Register()
    for seq, (value, at_ms) in enumerate((([500, "north"], 1), ([900, None], 2)), 1):
        log = (bytes([seq]) * 32, b"")
        register.add(Write(log, 1, value, at_ms, b"", int(Role.HUB), False, 1))
    registers = {(fields.SNOOZED, "blind"): register}
    (one,) = snoozes(registers)
    assert (one.kind, one.until_ms, one.reason) == ("blind", 900, "")
    (woken,) = wake(JOB, "blind")
    context = {(bytes([seq]) * 32, b""): 1 for seq in (1, 2)}
    register.add(Write((b"\3" * 32, b""), 1, woken.value, 3, b"", int(Role.HUB), False, 1, context))
    (one,) = snoozes(registers)
    assert one.until_ms == 0


@given(st.integers(-5, 5_000), st.integers(0, 3), st.booleans())
def test_more_minutes_and_a_higher_priority_never_rank_lower(
    minutes: int, priority: int, lost: bool
) -> None:
    here = points(minutes, priority, lost=lost)
    assert here > 0
    assert points(minutes + 1, priority, lost=lost) >= here
    assert points(minutes, priority + 1, lost=lost) >= here
    assert points(minutes, priority, lost=True) >= here
    assert here <= points(MINUTES_MAX, 3, lost=True)
