"""The health check: what it finds in a phone that does well, and in one that can't do its work."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.dispatch.fix import Fix
from replica.health import Facts, Finding, Tone, findings, worst
from replica.standstill import Standstill
from tests.build import START_MS

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
NOW_MS = START_MS + 4 * HOUR_MS
FIX = Fix(NOW_MS - MINUTE_MS, 600_000_000, 249_000_000, 12)

WELL = Facts(
    now_ms=NOW_MS,
    duty_since_ms=START_MS,
    auto_on=True,
    fixes=(FIX,),
    heard_ms=NOW_MS - MINUTE_MS,
    battery_percent=80,
    standstills=(),
    duties=((START_MS, None),),
    offset_ms=0,
    free_bytes=8_000_000_000,
    room_kept=True,
    notifies=True,
    met_at_ms=NOW_MS - HOUR_MS,
    damaged=False,
)


def finding(part: str, facts: Facts) -> Finding:
    (found,) = [each for each in findings(facts) if each.part == part]
    return found


def test_a_phone_that_does_well_has_nothing_to_mend() -> None:
    found = findings(WELL)
    assert {each.tone for each in found} == {Tone.GOOD}
    assert worst(found) is Tone.GOOD
    assert all(each.seen for each in found)


@pytest.mark.parametrize(
    ("part", "tone", "words", "changes"),
    [
        ("location", Tone.BAD, "25 min ago", {"heard_ms": NOW_MS - 25 * MINUTE_MS}),
        ("location", Tone.BAD, "No position has come", {"heard_ms": None}),
        ("location", Tone.WATCH, "25 min", {"heard_ms": NOW_MS - 25 * MINUTE_MS, "auto_on": False}),
        ("accuracy", Tone.BAD, "2.0 km", {"fixes": (replace(FIX, accuracy_m=2_000),)}),
        ("accuracy", Tone.BAD, "makes positions up", {"fixes": (FIX, replace(FIX, mock=True))}),
        ("accuracy", Tone.UNKNOWN, "Nothing", {"fixes": ()}),
        (
            "battery", Tone.BAD, "once in the last 24 hours, the longest for 40 min",
            {"standstills": (Standstill(NOW_MS - HOUR_MS, NOW_MS - 20 * MINUTE_MS, False),)},
        ),
        ("clock", Tone.WATCH, "1 h behind", {"offset_ms": HOUR_MS}),
        ("clock", Tone.WATCH, "3 h ahead of", {"offset_ms": -3 * HOUR_MS}),
        ("clock", Tone.UNKNOWN, "next contact", {"offset_ms": None}),
        ("space", Tone.WATCH, "125 MB", {"free_bytes": 120 << 20}),
        ("space", Tone.BAD, "photos are refused", {"free_bytes": 4 << 20}),
        ("space", Tone.BAD, "photos are refused", {"room_kept": False}),
        ("notifications", Tone.WATCH, "nothing tells you", {"notifies": False}),
        ("hub", Tone.WATCH, "9 days ago", {"met_at_ms": NOW_MS - 9 * 24 * HOUR_MS}),
        ("hub", Tone.UNKNOWN, "Not met", {"met_at_ms": None}),
        ("store", Tone.BAD, "damaged", {"damaged": True}),
    ],
)  # fmt: skip
def test_each_part_says_what_was_seen_and_how_to_mend_it(
    part: str, tone: Tone, words: str, changes: dict[str, object]
) -> None:
    facts = replace(WELL, **changes)  # type: ignore[arg-type]
    found = finding(part, facts)
    assert (found.tone, words in found.seen) == (tone, True), found
    if tone in (Tone.BAD, Tone.WATCH):
        assert found.mend
        assert worst(findings(facts)) is tone


def test_off_duty_no_position_is_missed_and_no_standstill_matters() -> None:
    still = Standstill(NOW_MS - 3 * HOUR_MS, NOW_MS - HOUR_MS, True)
    off = replace(
        WELL,
        duty_since_ms=None,
        duties=((START_MS - 10 * HOUR_MS, START_MS),),
        heard_ms=NOW_MS - 9 * HOUR_MS,
        standstills=(still,),
    )
    assert finding("location", off).tone is Tone.GOOD
    assert finding("battery", off).tone is Tone.GOOD


def test_who_has_just_gone_on_duty_is_given_time_for_a_first_position() -> None:
    begun = replace(WELL, duty_since_ms=NOW_MS - 5 * MINUTE_MS, heard_ms=NOW_MS - 9 * HOUR_MS)
    assert finding("location", begun).tone is Tone.GOOD
