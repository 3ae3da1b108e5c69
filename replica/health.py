"""What keeps a phone from doing its work by itself: location, battery saving, clock, space.

Facts in, findings out: pure. Each finding says what was seen, what follows from it, and how to mend
it on this phone. Holds no settings of Android, which a program in Termux can't read; it judges by
what came of them. Invariant: nothing is called fine of which nothing was seen.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from core.dispatch.fix import Fix
from core.sentence import say, say_n
from core.span_words import span_ago_words, span_words
from replica.standstill import Standstill

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS

FIX_AGE_MS_MAX: Final = 20 * MINUTE_MS
"""After so long without a fix a running log is uncertain (`core.dispatch.visit`)."""
ACCURACY_M_MAX: Final = 500
"""Android's approximate location is good to some two kilometres, never to this."""
STOOD_STILL_WITHIN_MS: Final = 24 * HOUR_MS
CLOCK_MS_MAX: Final = 2 * MINUTE_MS
SPACE_BYTES_LOW: Final = 200 << 20
SPACE_BYTES_MIN: Final = 30 << 20
HUB_AGE_MS_MAX: Final = 7 * 24 * HOUR_MS


class Tone(enum.Enum):
    """How a part of the phone does."""

    GOOD = "good"
    WATCH = "watch"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One part of the phone: what it is called, how it does, and in words what to do about it.

    `link` is a page of ours or a deep link that leads to where it is mended, '' for none.
    """

    part: str
    name: str
    tone: Tone
    seen: str
    mend: str = ""
    link: str = ""
    link_words: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the phone knows of itself. Times are ms UTC; `duty_since_ms` is None off duty.

    `fixes` are the newest fixes, `standstills` the last ones. `offset_ms` is how far the clock
    stands from the hub's, None where no contact has told. `notifies` is whether a notification can
    be shown while the screen is off.
    """

    now_ms: int
    duty_since_ms: int | None
    auto_on: bool
    fixes: Sequence[Fix]
    heard_ms: int | None
    battery_percent: int | None
    standstills: Sequence[Standstill]
    duties: Sequence[tuple[int, int | None]]
    offset_ms: int | None
    free_bytes: int
    room_kept: bool
    notifies: bool
    met_at_ms: int | None
    damaged: bool


def findings(facts: Facts) -> list[Finding]:
    """All parts, in the order in which a worker would mend them."""
    return [
        _location(facts),
        _accuracy(facts),
        _battery_saving(facts),
        _clock(facts),
        _space(facts),
        _notifications(facts),
        _hub(facts),
        *_store(facts),
    ]


def worst(found: Sequence[Finding]) -> Tone:
    """The tone of the whole: one bad part makes it bad."""
    for tone in (Tone.BAD, Tone.WATCH):
        if any(each.tone is tone for each in found):
            return tone
    return Tone.GOOD


_LOCATION_MEND: Final = say(
    "Open OwnTracks: it must say that it runs, in mode HTTP. In Android's settings allow it "
    "Location “all the time”, and leave battery saving off for it."
)
_LOCATION_LINK: Final = "/settings/location", say("Location app")


def _location(facts: Facts) -> Finding:
    name = say("Location")
    heard_ms = facts.heard_ms
    if heard_ms is None:
        tone = Tone.BAD if facts.duty_since_ms is not None and facts.auto_on else Tone.UNKNOWN
        seen = say("No position has come yet since Fieldlog was started.")
        return Finding("location", name, tone, seen, _LOCATION_MEND, *_LOCATION_LINK)
    age_ms = facts.now_ms - heard_ms
    ago = span_ago_words(age_ms)
    if facts.duty_since_ms is None:
        seen = say("The last position came {ago}. Off duty none is needed.", ago=ago)
        return Finding("location", name, Tone.GOOD, seen)
    waited_ms = min(age_ms, facts.now_ms - facts.duty_since_ms)
    if waited_ms <= FIX_AGE_MS_MAX:
        return Finding("location", name, Tone.GOOD, say("The last position came {ago}.", ago=ago))
    tone = Tone.BAD if facts.auto_on else Tone.WATCH
    seen = say(
        "The last position came {ago}. Without positions nothing is logged by itself.", ago=ago
    )
    return Finding("location", name, tone, seen, _LOCATION_MEND, *_LOCATION_LINK)


def _accuracy(facts: Facts) -> Finding:
    name = say("How exact")
    told = sorted(fix.accuracy_m for fix in facts.fixes if fix.accuracy_m is not None)
    if any(fix.mock for fix in facts.fixes):
        seen = say("Another app on this phone makes positions up. They never count for time logs.")
        mend = say("In Android's developer options choose no app under “Select mock location app”.")
        return Finding("accuracy", name, Tone.BAD, seen, mend)
    if not told:
        return Finding("accuracy", name, Tone.UNKNOWN, say("Nothing is known yet."))
    middle_m = told[len(told) // 2]
    if middle_m <= ACCURACY_M_MAX:
        seen = say("Positions are good to {metres} m.", metres=middle_m)
        return Finding("accuracy", name, Tone.GOOD, seen)
    whole, _, tenths = f"{middle_m / 1000:.1f}".partition(".")
    seen = say(
        "Positions are good to {whole}.{tenths} km only: that is too coarse for a visit.",
        whole=whole,
        tenths=tenths,
    )
    mend = say(
        "In Android's settings, at OwnTracks' permission for Location, turn on “Use precise "
        "location”, and under Location services “Google Location Accuracy” or its like."
    )
    return Finding("accuracy", name, Tone.BAD, seen, mend)


def _battery_saving(facts: Facts) -> Finding:
    name = say("Battery saving")
    since_ms = facts.now_ms - STOOD_STILL_WITHIN_MS
    on_duty = [
        each for each in facts.standstills
        if each.end_ms >= since_ms and _overlaps(each, facts.duties, facts.now_ms)
    ]  # fmt: skip
    if not on_duty:
        seen = say("Fieldlog was never stopped on duty today.")
        return Finding("battery", name, Tone.GOOD, seen)
    longest = max(on_duty, key=lambda each: each.lasted_ms)
    seen = say_n(
        "On duty Fieldlog was stopped once in the last 24 hours, the longest for {span}, when it "
        "was {how}. What was saved is safe; meanwhile nothing was logged by itself.",
        "On duty Fieldlog was stopped {n} times in the last 24 hours, the longest for {span}, when "
        "it was {how}. What was saved is safe; meanwhile nothing was logged by itself.",
        len(on_duty),
        span=span_words(longest.lasted_ms),
        how=say("ended") if longest.ended else say("put to sleep"),
    )
    mend = say(
        "In Android's settings, under Apps, set the battery use of Termux and of OwnTracks to "
        "“Unrestricted”, and lock Termux in the list of recent apps. Some makers have a list of "
        "apps of their own that may start by themselves: put both on it."
    )
    return Finding("battery", name, Tone.BAD, seen, mend)


def _overlaps(each: Standstill, duties: Sequence[tuple[int, int | None]], now_ms: int) -> bool:
    return any(
        start_ms < each.end_ms and each.start_ms < (now_ms if stop_ms is None else stop_ms)
        for start_ms, stop_ms in duties
    )


def _clock(facts: Facts) -> Finding:
    name = say("Clock")
    if facts.offset_ms is None:
        seen = say("Compared with the hub's at the next contact.")
        return Finding("clock", name, Tone.UNKNOWN, seen)
    off_ms = abs(facts.offset_ms)
    if off_ms <= CLOCK_MS_MAX:
        return Finding("clock", name, Tone.GOOD, say("It agrees with the hub's."))
    span = span_words(off_ms)
    way = say("{span} behind the hub's", span=span)
    if facts.offset_ms < 0:
        way = say("{span} ahead of the hub's", span=span)
    seen = say(
        "It is {way}. Lengths of time are right all the same; hours of day are shown as the hub's "
        "clock has them.",
        way=way,
    )
    mend = say("In Android's settings, under Date and time, turn on “Set time automatically”.")
    return Finding("clock", name, Tone.WATCH, seen, mend)


def _space(facts: Facts) -> Finding:
    name = say("Space")
    whole, _, tenths = f"{facts.free_bytes / 1_000_000_000:.1f}".partition(".")
    free = say("{whole}.{tenths} GB", whole=whole, tenths=tenths)
    if facts.free_bytes < 1_000_000_000:
        free = say("{size} MB", size=facts.free_bytes // 1_000_000)
    mend = say(
        "Delete photos, videos or apps that you don't need. Nothing of Fieldlog's needs to go."
    )
    if not facts.room_kept or facts.free_bytes < SPACE_BYTES_MIN:
        seen = say(
            "{free} are free: photos are refused, and taps are saved in room that was kept back.",
            free=free,
        )
        return Finding("space", name, Tone.BAD, seen, mend)
    if facts.free_bytes < SPACE_BYTES_LOW:
        seen = say("{free} are free: that is some photos' worth.", free=free)
        return Finding("space", name, Tone.WATCH, seen, mend)
    return Finding("space", name, Tone.GOOD, say("{free} are free.", free=free))


def _notifications(facts: Facts) -> Finding:
    name = say("Notifications")
    if facts.notifies:
        seen = say("New and changed jobs are told of.")
        return Finding("notifications", name, Tone.GOOD, seen)
    seen = say("While this page is closed, nothing tells you of a new or changed job.")
    mend = say("Install the app Termux:API, and in Termux type: pkg install termux-api")
    return Finding("notifications", name, Tone.WATCH, seen, mend)


_SYNC_LINK: Final = "/sync", say("Sync")


def _hub(facts: Facts) -> Finding:
    name = say("Hub")
    if facts.met_at_ms is None:
        return Finding("hub", name, Tone.UNKNOWN, say("Not met yet."), "", *_SYNC_LINK)
    age_ms = facts.now_ms - facts.met_at_ms
    ago = span_ago_words(age_ms)
    if age_ms <= HUB_AGE_MS_MAX:
        return Finding("hub", name, Tone.GOOD, say("Last met {ago}.", ago=ago))
    seen = say("Last met {ago}. All is saved here; the office does not see it yet.", ago=ago)
    mend = say("Go where there is a network, or save a file for the hub and let somebody carry it.")
    return Finding("hub", name, Tone.WATCH, seen, mend, *_SYNC_LINK)


def _store(facts: Facts) -> list[Finding]:
    if not facts.damaged:
        return []
    seen = say("Some of what this phone has saved is damaged.")
    mend = say(
        "Send what waits, and ask the office: ‘fieldlog check --repair’ on this phone mends it."
    )
    return [Finding("store", say("Saved work"), Tone.BAD, seen, mend, *_SYNC_LINK)]
