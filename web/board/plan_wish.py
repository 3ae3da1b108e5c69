"""What a person wishes in the planner, and what it would mean: checked, reckoned and put in words.

Gathers what one move depends on and weighs each way of doing it (`web.board.plan_moves`). Writes
nothing: the same answer is shown before the drop and is what the drop writes. Invariant: no window
that stands is changed by a move that nobody was asked about.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from core.dispatch.acts import ActError
from core.dispatch.duty import MINUTES_OF_DAY
from core.dispatch.geometry import Point
from core.dispatch.roster import absence_on
from web import formats
from web.board.days import today
from web.board.filters import is_stream_id
from web.board.plan_day import (
    air_legs,
    facts_of,
    road_legs,
    shift_minutes,
    silence_of,
    span_words,
    stops_of_job,
)
from web.board.plan_lines import OVER, WORKING, Legs, Stop, bounds_of, in_order, place, shifts_of
from web.board.plan_moves import (
    ORDER,
    PUSH,
    TIME,
    WAYS,
    Arrival,
    Move,
    Person,
    arrivals,
    faults,
    move,
    snapped,
)
from web.board.plans import OLD_MS
from web.board.state import Moment
from web.board.term import YEAR_MAX, YEAR_MIN
from web.roster import absences, absent_words
from web.stale_form import SHOWN_CHARACTERS_MAX, clean

WORKDAY_MINUTE: Final = 8 * 60
"""Where nobody says when a day begins: for a worker without a shift."""


class NoSuchJob(Exception):
    """This hub holds no such job."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A move as a form says it.

    `worker` is '' for nobody; `at_ms` None with `day` where only a day was meant; `way` '' lets
    the default be taken; `giver` (with `turn`, where the page knows it) is who it is taken from,
    '' all who have it.
    `seen` is what the page knew: the frontier of each job that the move depends on.
    """

    job: str
    worker: str
    at_ms: int | None
    day: dt.date | None
    way: str
    giver: str
    turn: str
    reason: str
    seen: Mapping[str, str]


def read_wish(form: Any) -> Wish:
    """Read a posted move.

    Raises:
        ActError: a part of it is none; the sentence says which.
        NoSuchJob: the job's id is none.
    """
    job, worker = clean(form.get("job")), clean(form.get("worker"))
    if not is_stream_id(job):
        raise NoSuchJob
    if worker and not is_stream_id(worker):
        raise ActError("choose a worker of the planner")
    start, way = clean(form.get("start")), clean(form.get("way"))
    if way and way not in WAYS:
        raise ActError("choose one of the ways that the planner offers")
    at_ms, day = _read_start(start) if worker else (None, None)
    return Wish(
        job,
        worker,
        at_ms,
        day,
        way,
        clean(form.get("giver")),
        clean(form.get("turn")),
        clean(form.get("reason")),
        _read_seen(clean(form.get("seen"))),
    )


def _read_start(text: str) -> tuple[int | None, dt.date | None]:
    """A moment in ms UTC, or a local day such as 2026-11-24."""
    words = ActError("say when: a moment in milliseconds, or a day such as 2026-11-24")
    if text.isascii() and text.isdigit() and len(text) <= 15:
        at_ms = int(text)
        year = 1970 + at_ms // (366 * formats.DAY_MS)
        if year > YEAR_MAX:
            raise words
        return snapped(at_ms), None
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        raise words from None
    if not YEAR_MIN <= day.year <= YEAR_MAX:
        raise words
    return None, day


def _read_seen(text: str) -> dict[str, str]:
    if not text:
        return {}
    damaged = ActError("the planner's page was damaged on its way; load it again")
    if len(text) > SHOWN_CHARACTERS_MAX:
        raise damaged
    try:
        seen = json.loads(text)
    except (ValueError, RecursionError):
        raise damaged from None
    if not isinstance(seen, dict):
        raise damaged
    for job, token in seen.items():
        if not is_stream_id(job) or not isinstance(token, str):
            raise damaged
    return seen


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
class Prospect:
    """What a wish would mean.

    `taken` are the assignments that end; `seen` the frontiers of all jobs that it depends on;
    `ask` says that a person has to choose among the offers, `needs_reason` why not without words.
    `chosen` is the way that holds unless another is chosen, '' where the job is only taken back.
    `source` is how the travel times are known, '' where there was nothing to reckon.
    """

    stop: Stop
    title: str
    taken: tuple[Stop, ...]
    giver_names: str
    worker_name: str
    same_worker: bool
    offers: tuple[Offer, ...]
    chosen: str
    ask: bool
    needs_reason: bool
    seen: Mapping[str, str]
    others: frozenset[str]
    at_ms: int
    source: str

    def offer(self, way: str) -> Offer:
        """The offer of a way, of the default for ''."""
        for each in self.offers:
            if each.way == (way or self.chosen):
                return each
        raise ActError("that way is not open any more; look at the planner again")


async def weigh(moment: Moment, wish: Wish) -> Prospect:
    """What a wish would mean now.

    Raises:
        ActError: it can't be done; the sentence says why and what to do.
        NoSuchJob: there is no such job.
    """
    stops = await stops_of_job(moment, wish.job)
    if not stops:
        raise NoSuchJob
    first = stops[0]
    if first.status in ("done", "cancelled"):
        raise ActError(f"{first.number} is {first.status}; reopen it before you plan it")
    living = [stop for stop in stops if stop.worker and stop.phase not in OVER]
    names = {row["worker"]: row["name"] for row in await moment.hub.reader.rows(
        "SELECT worker, name FROM worker")}  # fmt: skip
    if not wish.worker:
        return _taken_back(wish, first, living, names)
    own = next((stop for stop in living if stop.worker == wish.worker), None)
    name = names.get(wish.worker, "a worker")
    if own is not None and wish.giver not in ("", wish.worker):
        raise ActError(f"{name} has this job already")
    if own is not None and own.phase in WORKING:
        raise ActError(f"{name} is {own.phase} already; {own.number} can't be planned anew")
    return await _weighed(moment, wish, first, living, own, names)


def _taken_back(
    wish: Wish, stop: Stop, living: Sequence[Stop], names: Mapping[str, str]
) -> Prospect:
    taken = _takes(wish, living)
    if not taken:
        raise ActError(f"nobody has {stop.number}; there is nothing to take back")
    givers = _named(taken, names)
    return Prospect(
        stop=stop,
        title=f"{stop.number} is taken back from {givers}; nobody has it then.",
        taken=taken,
        giver_names=givers,
        worker_name="",
        same_worker=False,
        offers=(),
        chosen="",
        ask=False,
        needs_reason=any(each.phase in WORKING for each in taken),
        seen={stop.job: stop.frontier},
        others=frozenset(),
        at_ms=0,
        source="",
    )


def _takes(wish: Wish, living: Sequence[Stop]) -> tuple[Stop, ...]:
    """The assignments that the wish ends: the one that it names, else all."""
    if not wish.giver:
        return tuple(living)
    named = [s for s in living if s.worker == wish.giver and wish.turn in ("", s.turn)]
    if not named:
        raise ActError("that assignment is not there any more; look at the planner again")
    return tuple(named)


def _named(taken: Sequence[Stop], names: Mapping[str, str]) -> str:
    return ", ".join(names.get(each.worker, "a worker") for each in taken)


async def _weighed(
    moment: Moment,
    wish: Wish,
    first: Stop,
    living: Sequence[Stop],
    own: Stop | None,
    names: Mapping[str, str],
) -> Prospect:
    zone = moment.zone
    day = wish.day or formats.local_time(wish.at_ms or 0, zone).date()
    facts = await facts_of(moment, [day], lambda row: row["worker"] == wish.worker)
    if not facts.people:
        raise ActError("choose a worker from the planner: that one is archived or unknown")
    row = facts.people[0]
    at_ms = wish.at_ms if wish.at_ms is not None else _clock_on(moment, first, row, day)
    others = [stop for stop in facts.stops.get(wish.worker, ()) if stop.job != wish.job]
    moved = own or first._replace(
        worker=wish.worker, turn="", phase="", position=0, arrived_at=None
    )
    weighing = await _Weighing.at(moment, row, day, others, moved, at_ms)
    busy = weighing.busy()
    promised = moved.window is not None
    elsewhere = promised and not _meets(moved, bounds_of(day, zone))
    offers = [weighing.offer(way, busy) for way in (ORDER, TIME, *((PUSH,) if busy else ()))]
    nothing = own is not None and not offers[0].move.positions
    if elsewhere or nothing:
        offers = offers[1:]
    # A window is a promise: it moves where somebody says so, or where there is none yet.
    chosen = TIME if offers[0].way == TIME or not (promised or busy) else ORDER
    taken = () if own is not None else _takes(wish, living)
    return Prospect(
        stop=moved,
        title=f"{moved.number} to {row['name']}, "
        f"{formats.moment_words(at_ms, zone, moment.now_ms)}",
        taken=taken,
        giver_names=_named(taken, names),
        worker_name=row["name"],
        same_worker=own is not None,
        offers=tuple(offers),
        chosen=chosen,
        ask=busy or (promised and chosen == TIME) or weighing.is_absent,
        needs_reason=any(each.phase in WORKING for each in taken),
        seen={stop.job: stop.frontier for stop in (*others, moved)},
        others=frozenset(stop.job for stop in others),
        at_ms=at_ms,
        source=weighing.source,
    )


def _meets(stop: Stop, day: tuple[int, int]) -> bool:
    window = stop.window
    return window is None or (window[0] < day[1] and window[1] >= day[0])


def _clock_on(moment: Moment, stop: Stop, row: Any, day: dt.date) -> int:
    """When a job is put that is moved to a day: at its own hour, else as the shift begins."""
    window = stop.window
    if window is not None:
        local = formats.local_time(window[0], moment.zone)
        at = dt.datetime.combine(day, local.time(), moment.zone)
        return snapped(int(at.timestamp() * 1000))
    shifts = shifts_of(shift_minutes(row), day, moment.zone)
    return shifts[-1][0] if shifts else _workday(moment, day)


def _workday(moment: Moment, day: dt.date) -> int:
    first, last = bounds_of(day, moment.zone)
    return first + (last - first) * WORKDAY_MINUTE // MINUTES_OF_DAY // 900_000 * 900_000


class _Weighing:
    """One job, one worker, one day: weighs the ways of putting it there."""

    def __init__(
        self, moment: Moment, person: Person, others: Sequence[Stop], moved: Stop, at_ms: int,
        begin: tuple[int, Point | None], skill_names: Mapping[str, str], first_ms: int,
    ) -> None:  # fmt: skip
        self._moment = moment
        self._person = person
        self._others = in_order(others)
        self._moved = moved
        self._at_ms = at_ms
        self._begin = begin
        self._skill_names = skill_names
        self._first_ms = first_ms
        self._legs: Legs
        self._legs, self._sources = road_legs(moment)
        self._before = self._arrivals(in_order([*others, *([moved] if moved.turn else [])]))

    @classmethod
    async def at(
        cls, moment: Moment, row: Any, day: dt.date, others: Sequence[Stop], moved: Stop, at_ms: int
    ) -> _Weighing:
        """Gather what the weighing needs beside the stops."""
        shifts = shifts_of(shift_minutes(row), day, moment.zone)
        silent = (await silence_of(moment)).get(row["worker"], "")
        person = Person(
            row["name"],
            shifts,
            frozenset(json.loads(row["skills"])),
            bool(row["jobs_on"]),
            f"{row['name']}: {silent}, so this may arrive late." if silent else "",
            await _absent(moment, row, day),
        )
        skills = await moment.hub.reader.rows("SELECT skill, name FROM skill")
        first_ms, last_ms = bounds_of(day, moment.zone)
        start_ms = shifts[-1][0] if shifts else _workday(moment, day)
        begin: tuple[int, Point | None] = (start_ms, None)
        if first_ms <= moment.now_ms < last_ms:
            begin = (max(start_ms, moment.now_ms), _whereabouts(moment, row["worker"]))
        names = {each["skill"]: each["name"] for each in skills}
        return cls(moment, person, others, moved, at_ms, begin, names, first_ms)

    @property
    def is_absent(self) -> bool:
        """Whether the worker is not there on that day."""
        return bool(self._person.absent)

    def busy(self) -> bool:
        """Whether the worker has something else to do while the moved job would be done."""
        end_ms = self._at_ms + self._moved.length_ms
        return any(
            one.start_ms < end_ms and one.end_ms > self._at_ms
            for one in place(self._others, self._first_ms, air_legs)
            if one.stop.phase not in OVER
        )

    def offer(self, way: str, busy: bool) -> Offer:
        """What one way would mean."""
        legs = air_legs if way != PUSH else self._legs
        after = move(self._others, self._moved, self._at_ms, way, self._first_ms, legs)
        arriving = self._arrivals(after.order)
        found = faults(
            after, self._before, arriving, self._person, self._skill_names, self._moment.zone
        )
        if self._person.absent:
            found.insert(0, self._person.absent)
        if way != ORDER and self._at_ms + self._moved.length_ms <= self._moment.now_ms:
            found.insert(0, "That time is over already.")
        words, note = self._words(way, busy, after, arriving)
        return Offer(way, words, note, tuple(found), tuple(self._changes(arriving)), after)

    def _arrivals(self, order: Sequence[Stop]) -> list[Arrival]:
        from_ms, where = self._begin
        return arrivals(order, from_ms, where, self._legs, self._moment.now_ms)

    def _words(
        self, way: str, busy: bool, after: Move, arriving: Sequence[Arrival]
    ) -> tuple[str, str]:
        moved, moment = self._moved, self._moment
        if way == ORDER:
            at_ms = next((o.at_ms for o in arriving if o.stop.job == moved.job), None)
            about = f"arrives about {self._clock(at_ms)}" if at_ms is not None else ""
            kept = f"keeps its window {span_words(moved.window, moment)}" if moved.window else ""
            return "Insert in the order", ", ".join(filter(None, (kept, about)))
        window = after.windows[moved.job]
        note = f"plans it for {span_words(window, moment)}"
        if moved.window is not None:
            was = formats.window_words(*moved.window, moment.zone, moment.now_ms)
            note = f"changes the promised window from {was} to {span_words(window, moment)}"
        if way == TIME:
            return ("Overlap" if busy else f"At {self._clock(window[0])}"), note
        pushed = [
            f"{stop.number} to {span_words(after.windows[stop.job], moment)}"
            for stop in after.order
            if stop.job in after.windows and stop.job != moved.job
        ]
        more = f"moves on {', '.join(pushed)}" if pushed else "no later window has to move"
        return "Push the later ones", f"{note}; {more}"

    def _changes(self, arriving: Sequence[Arrival]) -> list[str]:
        """The new arrivals of those that come at another time than before."""
        before = {one.stop.job: one.at_ms for one in self._before}
        found = []
        for one in arriving:
            was = before.get(one.stop.job)
            clock = self._clock(one.at_ms)
            if one.stop.job == self._moved.job:
                found.append(f"{one.stop.number} about {clock}")
            elif was is not None and abs(one.at_ms - was) >= formats.MINUTE_MS:
                minutes = round((one.at_ms - was) / formats.MINUTE_MS)
                sign = "+" if minutes > 0 else "−"
                found.append(
                    f"{one.stop.number} about {clock} ({sign}{formats.minutes_words(abs(minutes))})"
                )
        return found

    def _clock(self, at_ms: int | None) -> str:
        return formats.clock_words(at_ms or 0, self._moment.zone)

    @property
    def source(self) -> str:
        """How the travel times are known."""
        return " and ".join(sorted(self._sources))


async def _absent(moment: Moment, row: Any, day: dt.date) -> str:
    """In a sentence until when a worker is absent, '' where nobody said so."""
    found = await absences(moment.hub.reader, day.isoformat(), day.isoformat())
    absence = absence_on(found.get(row["worker"], ()), day.isoformat())
    words = absent_words(absence, today(moment.now_ms, moment.zone))
    return f"{row['name']} is {words}." if words else ""


def _whereabouts(moment: Moment, worker: str) -> Point | None:
    """Where a worker is, as far as the phone said so lately."""
    presence = moment.hub.presence.get(worker)
    if presence is None or presence.lat_e7 is None or presence.lon_e7 is None:
        return None
    if moment.now_ms - presence.at_ms > OLD_MS:
        return None
    return presence.lat_e7, presence.lon_e7
