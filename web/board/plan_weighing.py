"""One job, one worker, one day: each way of putting it there, weighed and put in words.

Pure, on plain values, as in `web.board.plan_moves`; asks nothing and writes nothing. Ways between
places are searched on the roads, which takes a while: to be run away from the loop. Invariant: the
same case is weighed the same, so that what was shown before the drop is what the drop writes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from core.dispatch.geometry import Point
from core.sentence import listed, say
from hub.map.roads import Roads
from hub.map.travel import TravelSource
from web import formats
from web.board.plan_day import air_legs, road_legs, span_words
from web.board.plan_lines import OVER, PlanStop, in_order, place
from web.board.plan_moves import (
    ORDER,
    PUSH,
    TIME,
    Arrival,
    Move,
    Person,
    arrivals,
    faults,
    move,
)


@dataclass(frozen=True, slots=True)
class Case:
    """What one weighing depends on. Times in ms UTC.

    `moved` is put at `at_ms` among `others`, on a day that begins at `first_ms`; the worker is free
    from `free_ms` on, at `begin` where that is known. `roads` None: by the air line.
    """

    person: Person
    others: tuple[PlanStop, ...]
    moved: PlanStop
    at_ms: int
    first_ms: int
    free_ms: int
    begin: Point | None
    skill_names: Mapping[str, str]
    now_ms: int
    zone: ZoneInfo
    roads: Roads | None


@dataclass(frozen=True, slots=True)
class Offer:
    """One way to do it: its words, what it changes, what speaks against it, who arrives when."""

    way: str
    words: str
    note: str
    faults: tuple[str, ...]
    arrivals: tuple[str, ...]
    move: Move


@dataclass(frozen=True, slots=True)
class Weighed:
    """The ways in their order, and whether the worker is `busy` then.

    `source` says by what arrivals are reckoned, '' where there was nothing to reckon.
    """

    offers: tuple[Offer, ...]
    busy: bool
    source: str


def weigh_ways(case: Case) -> Weighed:
    """Weigh all ways of a case: some tenths of a second where roads are searched."""
    return _Weighing(case).all()


class _Weighing:
    """A case, with the ways between its places that were searched so far."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._legs, self._sources = road_legs(case.roads)
        had = [case.moved] if case.moved.turn else []
        self._before = self._arrivals(in_order([*case.others, *had]))

    def all(self) -> Weighed:
        """Each way, and what holds for all of them."""
        busy = self._busy()
        offers = tuple(self._offer(way, busy) for way in (ORDER, TIME, *((PUSH,) if busy else ())))
        return Weighed(offers, busy, _source_words(self._sources))

    def _busy(self) -> bool:
        """Whether the worker has something else to do while the moved job would be done."""
        case = self._case
        end_ms = case.at_ms + case.moved.length_ms
        return any(
            one.start_ms < end_ms and one.end_ms > case.at_ms
            for one in place(in_order(case.others), case.first_ms, air_legs)
            if one.stop.phase not in OVER
        )

    def _offer(self, way: str, busy: bool) -> Offer:
        case = self._case
        legs = air_legs if way != PUSH else self._legs
        after = move(case.others, case.moved, case.at_ms, way, case.first_ms, legs)
        arriving = self._arrivals(after.order)
        found = faults(after, self._before, arriving, case.person, case.skill_names, case.zone)
        if case.person.absent:
            found.insert(0, case.person.absent)
        if way != ORDER and case.at_ms + case.moved.length_ms <= case.now_ms:
            found.insert(0, say("That time is over already."))
        words, note = self._words(way, busy, after, arriving)
        return Offer(way, words, note, tuple(found), tuple(self._changes(arriving)), after)

    def _arrivals(self, order: Sequence[PlanStop]) -> list[Arrival]:
        case = self._case
        return arrivals(order, case.free_ms, case.begin, self._legs, case.now_ms)

    def _words(
        self, way: str, busy: bool, after: Move, arriving: Sequence[Arrival]
    ) -> tuple[str, str]:
        case, moved = self._case, self._case.moved
        if way == ORDER:
            at_ms = next((o.at_ms for o in arriving if o.stop.job == moved.job), None)
            parts = []
            if moved.window is not None:
                hours = span_words(moved.window, case.zone)
                parts.append(say("keeps its window {hours}", hours=hours))
            if at_ms is not None:
                parts.append(say("arrives about {time}", time=self._clock(at_ms)))
            return say("Insert in the order"), listed(parts) if parts else ""
        window = after.windows[moved.job]
        note = say("plans it for {hours}", hours=span_words(window, case.zone))
        if moved.window is not None:
            note = say(
                "changes the promised window from {before} to {after}",
                before=formats.window_words(*moved.window, case.zone, case.now_ms),
                after=span_words(window, case.zone),
            )
        if way == TIME:
            return say("Overlap") if busy else say("At {time}", time=self._clock(window[0])), note
        pushed = [
            say(
                "{number} to {hours}",
                number=stop.number,
                hours=span_words(after.windows[stop.job], case.zone),
            )
            for stop in after.order
            if stop.job in after.windows and stop.job != moved.job
        ]
        more = (
            say("moves on {jobs}", jobs=listed(pushed))
            if pushed
            else say("no later window has to move")
        )
        return say("Push the later ones"), listed([note, more], "; ")

    def _changes(self, arriving: Sequence[Arrival]) -> list[str]:
        """The new arrivals of those that come at another time than before."""
        before = {one.stop.job: one.at_ms for one in self._before}
        found: list[str] = []
        for one in arriving:
            was = before.get(one.stop.job)
            clock = self._clock(one.at_ms)
            if one.stop.job == self._case.moved.job:
                found.append(say("{number} about {time}", number=one.stop.number, time=clock))
            elif was is not None and abs(one.at_ms - was) >= formats.MINUTE_MS:
                minutes = round((one.at_ms - was) / formats.MINUTE_MS)
                sign = "+" if minutes > 0 else "−"
                found.append(
                    say(
                        "{number} about {time} ({change})",
                        number=one.stop.number,
                        time=clock,
                        change=listed([sign, formats.minutes_words(abs(minutes))], ""),
                    )
                )
        return found

    def _clock(self, at_ms: int) -> str:
        return formats.clock_words(at_ms, self._case.zone)


def _source_words(sources: Set[str]) -> str:
    if sources == {TravelSource.ROADS}:
        return say("Arrivals by the road graph.")
    if sources == {TravelSource.AIR}:
        return say("Arrivals by the air line.")
    return say("Arrivals by the air line and road graph.") if sources else ""
