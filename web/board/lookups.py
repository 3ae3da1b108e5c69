"""Small questions of the job's form and the assign list: customers, places, workers, addresses.

Answers are JSON or a list drawn by a template. Holds no writing. Invariant: the customers' own
places come before any map's addresses, because that is where jobs are.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from core.dispatch.itinerary import length_ms
from core.sentence import marked, say
from hub.map.region import Region
from web import formats
from web.board.filters import TEXT_CHARACTERS_MAX, is_stream_id
from web.board.job_form import values_of_place
from web.board.nearest import Candidate, Need, candidates
from web.board.plan_sql import POINT, SITE
from web.board.state import RECKONER, Moment, moment_of
from web.formats import folded
from web.language import answer_json
from web.rendering import part

FOUND_MAX: Final = 12
_TOLD: Final = (
    marked("address"),
    marked("street"),
    marked("place"),
    marked("landmark"),
    marked("point"),
    marked("position"),
    marked("rooftop"),
    marked("town"),
    marked("as typed"),
    marked("customer's place"),
    marked("as the office set it"),
)
"""What a found place is and how exact it is, as the map and this module name it."""
_SOUGHT: Final = f"""
    SELECT {POINT}, job.skills, job.planned_minutes, job.window_start, job.window_end
    FROM job {SITE} WHERE job.job = ?
"""
_CUSTOMERS: Final = """
    SELECT customer.customer, customer.name, customer.number,
           coalesce(group_concat(customer_place.address, '; '), '') AS places
    FROM customer LEFT JOIN customer_place
         ON customer_place.customer = customer.customer AND NOT customer_place.archived
    WHERE NOT customer.archived
    GROUP BY customer.customer ORDER BY lower(customer.name), customer.customer
"""


@dataclass(frozen=True, slots=True)
class CandidatesPart:
    """What `board/candidates.html` gets."""

    candidates: tuple[Candidate, ...]
    text: str
    positioned: bool


async def customers(request: web.Request) -> web.StreamResponse:
    """GET /board/customers.json?q=: customers whose name, number or address has each word."""
    words = folded(request.query.get("q", "")[:TEXT_CHARACTERS_MAX]).split()
    moment = await moment_of(request)
    found: list[dict[str, str]] = []
    for row in await moment.hub.reader.rows(_CUSTOMERS):
        text = folded(f"{row['name']} {row['number']} {row['places']}")
        if all(word in text for word in words):
            found.append(
                {
                    "value": row["customer"],
                    "words": row["name"],
                    "note": " · ".join(filter(None, (row["number"], row["places"][:80]))),
                }
            )
            if len(found) == FOUND_MAX:
                break
    return answer_json(request, found)


async def customer_places(request: web.Request) -> web.StreamResponse:
    """GET /board/customers/{customer}.json: places, and what each fills into a job's form."""
    moment = await moment_of(request)
    customer = request.match_info["customer"]
    rows = await moment.hub.reader.rows(
        "SELECT place, name, address FROM customer_place WHERE customer = ? AND NOT archived"
        " ORDER BY lower(name), place",
        (customer,),
    )
    places = [
        {
            "value": row["place"],
            "words": row["name"] or row["address"],
            "fills": await values_of_place(moment.hub.reader, customer, row["place"]),
        }
        for row in rows
    ]
    fills = await values_of_place(moment.hub.reader, customer, "")
    return answer_json(request, {"places": places, "fills": fills})


async def candidates_part(request: web.Request) -> web.StreamResponse:
    """GET /board/job/{job}/candidates?q=: workers for the assign list, the nearest fit first."""
    moment = await moment_of(request)
    job = request.match_info["job"]
    row = await moment.hub.reader.row(_SOUGHT, (job,)) if is_stream_id(job) else None
    if row is None:
        raise web.HTTPNotFound(text="There is no such job on this hub.")
    text = request.query.get("q", "")[:TEXT_CHARACTERS_MAX]
    wanted = Need(
        None if row["lat_e7"] is None else (row["lat_e7"], row["lon_e7"]),
        tuple(json.loads(row["skills"])),
        length_ms(row["planned_minutes"], row["window_start"], row["window_end"]),
        row["window_start"],
        row["window_end"],
        job,
    )
    found = await candidates(moment, wanted, text, request.app[RECKONER])
    page = CandidatesPart(found, text, row["lat_e7"] is not None)
    return await part(request, "board/candidates.html", page)


async def addresses(request: web.Request) -> web.StreamResponse:
    """GET /board/addresses.json?q=: places for a typed address: own customers', then the map's.

    Each names its kind and how exact it is, as codes and in words. `region` says whether the hub
    has a map to ask.
    """
    text = request.query.get("q", "")[:TEXT_CHARACTERS_MAX].strip()
    moment = await moment_of(request)
    found = await places_for(moment, text)
    return answer_json(request, {"found": found, "region": moment.hub.region is not None})


async def places_for(moment: Moment, text: str) -> list[dict[str, Any]]:
    """Places for a typed address or position, the customers' own first: words, point, kind, how.

    `kind_words` and `accuracy_words` say kind and accuracy, which are codes, to people.
    """
    found = _typed_point(text) + await _own_places(moment.hub.reader, text)
    region = moment.hub.region
    if region is not None and text:
        found += _map_places(region, text)
    return [
        each | {"kind_words": say(each["kind"]), "accuracy_words": say(each["accuracy"])}
        for each in found[:FOUND_MAX]
    ]


def _typed_point(text: str) -> list[dict[str, Any]]:
    try:
        point = formats.parse_point(text)
    except ValueError:
        return []
    words = formats.point_words(*point)
    return [{"words": words, "point": words, "kind": "position", "accuracy": "as typed"}]


async def _own_places(reader: Any, text: str) -> list[dict[str, Any]]:
    words = folded(text).split()
    if not words:
        return []
    rows = await reader.rows(
        "SELECT customer.name AS customer, customer_place.* FROM customer_place"
        " JOIN customer USING (customer) WHERE NOT customer_place.archived"
        " AND NOT customer.archived AND lat_e7 IS NOT NULL ORDER BY lower(customer.name)"
    )
    found = []
    for row in rows:
        searched = folded(f"{row['customer']} {row['name']} {row['address']}")
        if all(word in searched for word in words):
            found.append(
                {
                    "words": row["address"] or row["name"],
                    "note": row["customer"],
                    "point": formats.point_words(row["lat_e7"], row["lon_e7"]),
                    "kind": "customer's place",
                    "accuracy": "as the office set it",
                }
            )
    return found[: FOUND_MAX // 2]


def _map_places(region: Region, text: str) -> list[dict[str, Any]]:
    """The region's own addresses, each with its kind, how exact it is, and what differs."""
    if region.gazetteer is None:
        return []
    return [
        {
            "words": answer.label,
            "note": answer.note,
            "point": formats.point_words(answer.lat_e7, answer.lon_e7),
            "kind": answer.kind.value,
            "accuracy": answer.accuracy.value,
        }
        for answer in region.gazetteer.search(text, FOUND_MAX)
    ]
