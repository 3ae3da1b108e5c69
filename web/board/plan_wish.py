"""What a person wishes in the planner, and what it would mean: checked, reckoned and put in words.

Gathers what one move depends on and lets each way of doing it be weighed beside the loop
(`web.board.plan_weighing`). Writes nothing: the same answer is shown before the drop and is what
the drop writes. Invariant: no window that stands is changed by a move that nobody was asked about.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from core.dispatch.acts import ActError
from core.dispatch.geometry import Point
from core.dispatch.roster import absence_on
from core.sentence import listed, say
from hub.reckoning import Reckoner
from web import formats
from web.board.days import day_bounds, today, workday_ms
from web.board.filters import is_stream_id
from web.board.phases import WORKING
from web.board.plan_day import facts_of, shift_minutes, silence_of, stops_of_job
from web.board.plan_lines import OVER, PlanStop, meets, shifts_of
from web.board.plan_moves import ORDER, TIME, WAYS, Person, snapped
from web.board.plan_weighing import Case, Offer, weigh_ways
from web.board.plans import OLD_MS
from web.board.state import Moment
from web.board.term import YEAR_MAX, YEAR_MIN
from web.roster import absences, absent_words
from web.stale_form import SHOWN_CHARACTERS_MAX, clean

_FIRST_MS, _END_MS = (
    int(dt.datetime(year, 1, 1, tzinfo=dt.UTC).timestamp()) * 1000
    for year in (YEAR_MIN, YEAR_MAX + 1)
)

A_WORKER: Final = say("a worker")


class NoSuchJob(Exception):
    """This hub holds no such job."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A move as a form says it.

    `worker` is '' for nobody; `at_ms` None with `day` where only a day was meant; `way` '' lets
    the default be taken where nobody has to be asked; `giver` is who it is taken from, '' all who
    have it.
    `seen` is what the page knew: the frontier of each job that the move depends on.
    """

    job: str
    worker: str
    at_ms: int | None
    day: dt.date | None
    way: str
    giver: str
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
        raise ActError(say("choose a worker of the planner"))
    start, way = clean(form.get("start")), clean(form.get("way"))
    if way and way not in WAYS:
        raise ActError(say("choose one of the ways that the planner offers"))
    at_ms, day = _read_start(start) if worker else (None, None)
    return Wish(
        job,
        worker,
        at_ms,
        day,
        way,
        clean(form.get("giver")),
        clean(form.get("reason")),
        _read_seen(clean(form.get("seen"))),
    )


def _read_start(text: str) -> tuple[int | None, dt.date | None]:
    """A moment in ms UTC, or a local day such as 2026-11-24."""
    words = ActError(say("say when: a moment in milliseconds, or a day such as 2026-11-24"))
    if text.isascii() and text.isdigit() and len(text) <= 15:
        at_ms = int(text)
        if not _FIRST_MS <= at_ms < _END_MS:
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
    damaged = ActError(say("the planner's page was damaged on its way; load it again"))
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
class Prospect:
    """What a wish would mean.

    `taken` are the assignments that end; `seen` the frontiers of all jobs that it depends on;
    `ask` says that a person has to choose among the offers, `needs_reason` why not without words.
    `chosen` is the way that holds unless another is chosen, '' where the job is only taken back.
    `source` says how the travel times are known, '' where there was nothing to reckon.
    """

    stop: PlanStop
    title: str
    taken: tuple[PlanStop, ...]
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
        raise ActError(say("that way is not open any more; look at the planner again"))


async def weigh(moment: Moment, wish: Wish, reckoner: Reckoner) -> Prospect:
    """What a wish would mean now; the roads are searched by the reckoner.

    Raises:
        ActError: it can't be done; the sentence says why and what to do.
        NoSuchJob: there is no such job.
    """
    stops = await stops_of_job(moment, wish.job)
    if not stops:
        raise NoSuchJob
    first = stops[0]
    if first.status in ("done", "cancelled"):
        raise ActError(
            say(
                "{number} is {status}; reopen it before you plan it",
                number=first.number,
                status=say(first.status),
            )
        )
    living = [stop for stop in stops if stop.worker and stop.phase not in OVER]
    names = {row["worker"]: row["name"] for row in await moment.hub.reader.rows(
        "SELECT worker, name FROM worker")}  # fmt: skip
    if not wish.worker:
        return _taken_back(wish, first, living, names)
    own = next((stop for stop in living if stop.worker == wish.worker), None)
    name = names.get(wish.worker, A_WORKER)
    if own is not None and wish.giver not in ("", wish.worker):
        raise ActError(say("{worker} has this job already", worker=name))
    if own is not None and own.phase in WORKING:
        raise ActError(
            say(
                "{worker} is {phase} already; {number} can't be planned anew",
                worker=name,
                phase=say(own.phase),
                number=own.number,
            )
        )
    return await _weighed(moment, wish, reckoner, first, living, own, names)


def _taken_back(
    wish: Wish, stop: PlanStop, living: Sequence[PlanStop], names: Mapping[str, str]
) -> Prospect:
    taken = _takes(wish, living)
    if not taken:
        raise ActError(
            say("nobody has {number}; there is nothing to take back", number=stop.number)
        )
    givers = _named(taken, names)
    return Prospect(
        stop=stop,
        title=say(
            "{number} is taken back from {worker}; nobody has it then.",
            number=stop.number,
            worker=givers,
        ),
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


def _takes(wish: Wish, living: Sequence[PlanStop]) -> tuple[PlanStop, ...]:
    """The assignments that the wish ends: the one that it names, else all."""
    if not wish.giver:
        return tuple(living)
    named = [s for s in living if s.worker == wish.giver]
    if not named:
        raise ActError(say("that assignment is not there any more; look at the planner again"))
    return tuple(named)


def _named(taken: Sequence[PlanStop], names: Mapping[str, str]) -> str:
    return listed(names.get(each.worker, A_WORKER) for each in taken) if taken else ""


async def _weighed(
    moment: Moment,
    wish: Wish,
    reckoner: Reckoner,
    first: PlanStop,
    living: Sequence[PlanStop],
    own: PlanStop | None,
    names: Mapping[str, str],
) -> Prospect:
    zone = moment.zone
    day = wish.day or formats.local_time(wish.at_ms or 0, zone).date()
    facts = await facts_of(
        moment, [day], lambda row: row["worker"] == wish.worker, unassigned=False
    )
    if not facts.people:
        raise ActError(say("choose a worker from the planner: that one is archived or unknown"))
    row = facts.people[0]
    at_ms = wish.at_ms if wish.at_ms is not None else _clock_on(moment, first, row, day)
    others = [stop for stop in facts.stops.get(wish.worker, ()) if stop.job != wish.job]
    moved = own or first._replace(
        worker=wish.worker, turn="", phase="", position=0, arrived_at=None
    )
    case = await _case(moment, row, day, others, moved, at_ms)
    weighed = await reckoner.run(weigh_ways, case)
    offers, busy = weighed.offers, weighed.busy
    promised = moved.window is not None
    elsewhere = not meets(moved.window, day_bounds(day, zone))
    nothing = own is not None and not offers[0].move.positions
    if elsewhere or nothing:
        offers = offers[1:]
    # A window is a promise: it moves where somebody says so, or where there is none yet.
    chosen = TIME if offers[0].way == TIME or not (promised or busy) else ORDER
    taken = () if own is not None else _takes(wish, living)
    return Prospect(
        stop=moved,
        title=say(
            "{number} to {worker}, {moment}",
            number=moved.number,
            worker=row["name"],
            moment=formats.moment_words(at_ms, zone, moment.now_ms),
        ),
        taken=taken,
        giver_names=_named(taken, names),
        worker_name=row["name"],
        same_worker=own is not None,
        offers=offers,
        chosen=chosen,
        ask=busy or (promised and chosen == TIME) or bool(case.person.absent),
        needs_reason=any(each.phase in WORKING for each in taken),
        seen={stop.job: stop.frontier for stop in (*others, moved)},
        others=frozenset(stop.job for stop in others),
        at_ms=at_ms,
        source=weighed.source,
    )


def _clock_on(moment: Moment, stop: PlanStop, row: Any, day: dt.date) -> int:
    """When a job is put that is moved to a day: at its own hour, else as the shift begins."""
    window = stop.window
    if window is not None:
        local = formats.local_time(window[0], moment.zone)
        at = dt.datetime.combine(day, local.time(), moment.zone)
        return snapped(int(at.timestamp() * 1000))
    shifts = shifts_of(shift_minutes(row), day, moment.zone)
    return shifts[-1][0] if shifts else workday_ms(day, moment.zone)


async def _case(
    moment: Moment, row: Any, day: dt.date, others: Sequence[PlanStop], moved: PlanStop, at_ms: int
) -> Case:
    """Gather what the weighing needs beside the stops: the worker of `row` on that day."""
    shifts = shifts_of(shift_minutes(row), day, moment.zone)
    silent = (await silence_of(moment)).get(row["worker"], "")
    person = Person(
        row["name"],
        shifts,
        frozenset(json.loads(row["skills"])),
        bool(row["jobs_on"]),
        say("{worker}: {silence}, so this may arrive late.", worker=row["name"], silence=silent)
        if silent
        else "",
        await _absent(moment, row, day),
    )
    skills = await moment.hub.reader.rows("SELECT skill, name FROM skill")
    first_ms, last_ms = day_bounds(day, moment.zone)
    free_ms = shifts[-1][0] if shifts else workday_ms(day, moment.zone)
    begin: Point | None = None
    if first_ms <= moment.now_ms < last_ms:
        free_ms, begin = max(free_ms, moment.now_ms), _whereabouts(moment, row["worker"])
    region = moment.hub.region
    return Case(
        person=person,
        others=tuple(others),
        moved=moved,
        at_ms=at_ms,
        first_ms=first_ms,
        free_ms=free_ms,
        begin=begin,
        skill_names={each["skill"]: each["name"] for each in skills},
        now_ms=moment.now_ms,
        zone=moment.zone,
        roads=region.roads if region is not None else None,
    )


async def _absent(moment: Moment, row: Any, day: dt.date) -> str:
    """In a sentence until when a worker is absent, '' where nobody said so."""
    found = await absences(moment.hub.reader, day.isoformat(), day.isoformat())
    absence = absence_on(found.get(row["worker"], ()), day.isoformat())
    words = absent_words(absence, today(moment.now_ms, moment.zone))
    return say("{worker} is {absent}.", worker=row["name"], absent=words) if words else ""


def _whereabouts(moment: Moment, worker: str) -> Point | None:
    """Where a worker is, as far as the phone said so lately."""
    presence = moment.hub.presence.get(worker)
    if presence is None or presence.lat_e7 is None or presence.lon_e7 is None:
        return None
    if moment.now_ms - presence.at_ms > OLD_MS:
        return None
    return presence.lat_e7, presence.lon_e7
