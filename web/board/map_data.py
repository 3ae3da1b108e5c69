"""What the board's map draws: jobs of the same question as the table, and where the phones are.

JSON of short arrays, because a map of some thousand pins is asked for often. Positions come from
memory (`hub.presence`) and are never stored here. Invariant: the map shows no job that the table's
filter does not, except the selected one.
"""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from web import formats
from web.board.filters import Filter, is_stream_id
from web.board.positions import POSITIONS, is_moving
from web.board.state import moment_of

PINS_MAX: Final = 5_000
"""Pins a browser still moves smoothly; the most urgent are sent, and how many are not."""

LIVE_MS_MAX: Final = 60_000
RECENT_MS_MAX: Final = 5 * formats.MINUTE_MS
STALE_MS_MAX: Final = 30 * formats.MINUTE_MS


async def map_json(request: web.Request) -> web.StreamResponse:
    """GET /board/map.json?…: `jobs` and `workers` as lists of objects.

    With `ids` (job ids, comma between) only those jobs, and `gone` names the ones that the
    filter does not hold any more.
    """
    moment = await moment_of(request)
    question = await moment.question(await moment.filter_of(request.query))
    text = request.query.get("ids")
    asked = None if text is None else [job for job in text.split(",") if is_stream_id(job)][:500]
    rows = await question.points(moment.hub.reader, PINS_MAX + 1, asked)
    data: dict[str, Any] = {"jobs": [_pin(row) for row in rows[:PINS_MAX]]}
    data["cut"] = len(rows) > PINS_MAX
    selected = request.query.get("job", "")
    shown = {row["job"] for row in rows}
    if is_stream_id(selected) and selected not in shown and (asked is None or selected in asked):
        everything = await moment.question(Filter(view="all"))
        data["jobs"] += [
            _pin(row) for row in await everything.points(moment.hub.reader, 1, [selected])
        ]
        shown.add(selected)
    if asked is not None:
        data["gone"] = [job for job in asked if job not in shown]
    else:
        data["workers"] = await workers_now(request)
    return web.json_response(data, headers={"Cache-Control": "no-store"})


def _pin(row: Any) -> dict[str, Any]:
    return {
        "id": row["job"],
        "at": [row["lon_e7"] / 1e7, row["lat_e7"] / 1e7],
        "number": row["number"],
        "title": row["title"],
        "status": row["status"],
        "priority": row["priority"],
        "worker": row["worker_name"],
        "who": row["worker"],
        "alert": "conflict" if row["conflicts"] else row["alert_level"] or "",
    }


async def workers_now(request: web.Request) -> list[dict[str, Any]]:
    """Workers with a position: where, heading, how old, and in what state of freshness."""
    moment, positions = await moment_of(request), request.app[POSITIONS]
    names = {
        row["worker"]: row["name"]
        for row in await moment.hub.reader.rows(
            "SELECT worker, name FROM worker WHERE NOT archived"
        )
    }
    found = []
    for worker, presence in moment.hub.presence.items():
        if presence.lat_e7 is None or presence.lon_e7 is None or worker not in names:
            continue
        found.append(
            {
                "id": worker,
                "name": names[worker],
                "at": [presence.lon_e7 / 1e7, presence.lat_e7 / 1e7],
                "index": positions.number(worker),
                "heading": presence.bearing_deg,
                "moving": is_moving(presence),
                "seen": presence.at_ms,
                "fresh": freshness(moment.now_ms - presence.at_ms),
                "duty": presence.duty,
            }
        )
    return found


async def positions_json(request: web.Request) -> web.StreamResponse:
    """GET /board/positions.json: the workers alone, for a frame that names an unknown one."""
    data = {"workers": await workers_now(request)}
    return web.json_response(data, headers={"Cache-Control": "no-store"})


def freshness(age_ms: int) -> str:
    """How far a position can be believed: 'live', 'recent', 'stale' (hollow) or 'old' (grey)."""
    if age_ms <= LIVE_MS_MAX:
        return "live"
    if age_ms <= RECENT_MS_MAX:
        return "recent"
    return "stale" if age_ms <= STALE_MS_MAX else "old"
