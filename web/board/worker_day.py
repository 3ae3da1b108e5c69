"""One worker's day for the map: the planned order with ETAs, the way there, and the way that was.

JSON for the map's script, with every word that its list shows. Holds no choice of an order and no
writing. Invariant: every ETA names its source, and a track shows what has come in, no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from aiohttp import web

from core.dispatch.fix import usable
from core.dispatch.geometry import Point, distance_m
from core.dispatch.itinerary import Timed, itinerary
from core.sentence import say
from hub.map.roads import Roads
from hub.map.travel import TravelSource, route_between
from web import formats
from web.board.days import today
from web.board.filters import is_stream_id
from web.board.nearest import SOURCE_WORDS
from web.board.plans import Held, Plan, plans_of_day
from web.board.state import RECKONER, Moment, moment_of
from web.language import answer_json

LEGS_MAX: Final = 15
"""Legs that are searched on the roads; a day of more is drawn straight from there on."""
LEG_M_MAX: Final = 80_000
"""A longer leg is drawn straight: nobody sees its bends beside the others."""
TRACK_POINTS_MAX: Final = 4_000
"""Some hours of driving at a fix every ten seconds; more are thinned evenly."""


async def worker_day_json(request: web.Request) -> web.StreamResponse:
    """GET /board/worker/{worker}/day.json: stops in order with ETAs, line ahead, track of today."""
    worker = request.match_info["worker"]
    moment = await moment_of(request)
    plan = (await plans_of_day(moment)).get(worker) if is_stream_id(worker) else None
    if plan is None:
        raise web.HTTPNotFound(text=say("There is no such worker on this hub."))
    region = moment.hub.region
    roads = region.roads if region is not None else None
    stops = (*plan.begun, *plan.ahead)
    start = None if plan.is_old(moment.now_ms) else plan.point
    legs = await request.app[RECKONER].run(_legs, roads, start, stops)
    times_ms = {index: round(leg[1] * 1000) for index, leg in enumerate(legs) if leg is not None}
    timed = _timed(plan, times_ms, moment.now_ms)
    day = today(moment.now_ms, moment.zone)
    data = {
        "worker": worker,
        "name": plan.name,
        "seen": plan.seen_ms,
        "old": plan.is_old(moment.now_ms),
        "shift": "–".join(formats.clock_words(at, moment.zone) for at in plan.shift or ()),
        "stops": [
            _stop(moment, held, one, leg) for held, one, leg in zip(stops, timed, legs, strict=True)
        ],
        "line": [[_degrees(point) for point in leg[0]] for leg in legs if leg is not None],
        "track": await _track(moment, worker, day),
    }
    return answer_json(request, data)


Leg = tuple[Sequence[Point], float, TravelSource]


def _legs(roads: Roads | None, start: Point | None, stops: Sequence[Held]) -> list[Leg | None]:
    """The way to each stop: its points, its seconds and how that is known; None without a way."""
    found: list[Leg | None] = []
    here = start
    searched = 0
    for held in stops:
        if held.point is None or here is None or held.phase in ("on site", "paused"):
            found.append(None)
        else:
            far = searched >= LEGS_MAX or distance_m(*here, *held.point) > LEG_M_MAX
            route, source = route_between(None if far else roads, here, held.point)
            searched += 1
            found.append((route.points, route.duration_s, source))
        here = held.point or here
    return found


def _timed(plan: Plan, times_ms: dict[int, int], now_ms: int) -> list[Timed]:
    """When each stop is reached; places are the stops' numbers, so a leg is named by its end."""
    held = (*plan.begun, *plan.ahead)
    stops = [one.stop(index) for index, one in enumerate(held)]
    if plan.begun and plan.begun[0].phase in ("on site", "paused"):
        first = plan.begun[0]
        stops[0] = type(stops[0])(first.job, 0, plan.left_ms(now_ms))
    free_ms = now_ms if plan.begun or plan.shift is None else max(now_ms, plan.shift[0])
    return itinerary(
        free_ms, None, stops, lambda _, end: times_ms.get(-1 if end is None else end, 0)
    )


def _stop(moment: Moment, held: Held, timed: Timed, leg: Leg | None) -> dict[str, Any]:
    here = held.phase in ("on site", "paused")
    late_min = -(-timed.late_ms // formats.MINUTE_MS)
    source = "" if leg is None else SOURCE_WORDS[leg[2]]
    clock = formats.clock_words(timed.arrive_ms, moment.zone)
    dated = held.window_start is not None or held.window_end is not None
    return {
        "job": held.job,
        "number": held.number,
        "title": held.title,
        "at": None if held.point is None else _degrees(held.point),
        "phase": say(held.phase),
        "begun": held.is_begun,
        "window": formats.window_words(
            held.window_start, held.window_end, moment.zone, moment.now_ms
        )
        if dated
        else "",
        "eta": say("there now") if here else say("about {time}", time=clock),
        "source": source or ("" if here else say("travel not known")),
        "late": ""
        if here or not late_min
        else say("{minutes} late", minutes=formats.minutes_words(late_min)),
    }


async def _track(moment: Moment, worker: str, day: str) -> list[list[list[float]]]:
    tracks = await moment.hub.reader.tracks(bytes.fromhex(worker), day)
    lines = [[fix for fix in track.fixes if usable(fix)] for track in tracks]
    step = -(-sum(map(len, lines)) // TRACK_POINTS_MAX) or 1
    return [[_degrees((fix.lat_e7, fix.lon_e7)) for fix in line[::step]] for line in lines if line]


def _degrees(point: Point) -> list[float]:
    return [point[1] / 1e7, point[0] / 1e7]
