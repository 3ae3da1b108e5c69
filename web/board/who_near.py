"""Who is near a place that is no job yet: an address or a click, a radius, a job made in one go.

The pane's part for `do=near`, and what its form writes. Ranking is `nearest`'s. Invariant: the job
and its assignment are one act, so no phone and no other hub sees the one without the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import urlencode

from aiohttp import web

from core.dispatch import acts
from core.dispatch.acts import PLANNED_MINUTES_MAX, ActError
from core.dispatch.fields import Kind
from core.dispatch.geometry import Point
from core.dispatch.itinerary import MINUTE_MS, MINUTES_DEFAULT
from core.sentence import listed, say
from hub.keys import ACCOUNT
from web import formats
from web.board.actions import absent_on_job
from web.board.filter_bar import Choice
from web.board.filters import TEXT_CHARACTERS_MAX, Filter, is_stream_id
from web.board.job_form_save import Saved
from web.board.lookups import places_for
from web.board.nearest import Candidate, Freed, Need, becoming_free, candidates
from web.board.state import RECKONER, Moment, moment_of
from web.stale_form import clean

RADII: Final = (
    ("5", "5 km"),
    ("10", "10 km"),
    ("25", "25 km"),
    ("50", "50 km"),
    ("any", say("Any")),
)
RADIUS_DEFAULT: Final = "10"
SKILLS_MAX: Final = 20
DOING: Final = "near"
"""What the URL's `do` says of this part of the pane."""


class Texts(Protocol):
    """A query or a posted form."""

    def get(self, key: str, default: str) -> Any:
        """The first value of a name."""

    def getall(self, key: str, default: list[str]) -> list[Any]:
        """All values of a name."""


@dataclass(frozen=True, slots=True)
class Chip:
    """A radius to choose."""

    words: str
    href: str
    current: bool


@dataclass(frozen=True, slots=True)
class Spot:
    """A place that was found for the typed text."""

    words: str
    note: str
    href: str


@dataclass(frozen=True, slots=True)
class NearPlace:
    """What `board/near.html` gets. `point` is the place as text, '' while none is known."""

    text: str
    point: str
    problem: str
    spots: tuple[Spot, ...]
    radius: str
    radius_words: str
    radii: tuple[Chip, ...]
    wider_href: str
    minutes: int
    skills: tuple[Choice, ...]
    candidates: tuple[Candidate, ...]
    freed: tuple[Freed, ...]
    hidden: tuple[tuple[str, str], ...]
    new_href: str
    region: bool


async def near_place(request: web.Request, moment: Moment, wanted: Filter) -> NearPlace | None:
    """The pane's part for `do=near` as the URL says; None where the URL asks for something else."""
    query = request.query
    if query.get("do", "") != DOING:
        return None
    text = " ".join(query.get("near", "")[:TEXT_CHARACTERS_MAX].split())
    point, problem, found = await _place(moment, query, text)
    radius = query.get("radius", RADIUS_DEFAULT)
    radius = radius if radius in dict(RADII) else RADIUS_DEFAULT
    radius_m = None if radius == "any" else float(radius) * 1000
    minutes = _minutes(query.get("minutes", "")) or MINUTES_DEFAULT
    chosen = tuple(dict.fromkeys(query.getall("skill", [])))[:SKILLS_MAX]
    rows = await moment.hub.reader.rows(
        "SELECT skill, name FROM skill WHERE NOT archived ORDER BY lower(name)"
    )
    skills = tuple(Choice(row["skill"], row["name"], row["skill"] in chosen) for row in rows)
    asked = Need(point, tuple(s.value for s in skills if s.chosen), minutes * MINUTE_MS)
    people: Sequence[Candidate] = ()
    freed: Sequence[Freed] = ()
    if point is not None:
        people = await candidates(moment, asked, "", request.app[RECKONER], radius_m)
        if radius_m is not None and not any(one.is_fit for one in people):
            freed = await becoming_free(moment, asked, radius_m)
    here = formats.point_words(*point) if point is not None else ""
    pairs = [("do", DOING), ("near", text), ("at", here), ("at_for", text)]
    more = [("minutes", str(minutes)), *(("skill", skill) for skill in asked.skills)]

    def href(radius: str) -> str:
        return f"/?{urlencode([*wanted.pairs(), *pairs, *more, ('radius', radius)])}"

    return NearPlace(
        text=text,
        point=here,
        problem=problem,
        spots=tuple(
            Spot(
                one["words"],
                listed(filter(None, (one.get("note", ""), say(one["kind"]))), " · "),
                f"/?{urlencode([*wanted.pairs(), *_of_spot(one), *more, ('radius', radius)])}",
            )
            for one in found
        ),
        radius=radius,
        radius_words=dict(RADII)[radius],
        radii=tuple(Chip(words, href(value), value == radius) for value, words in RADII),
        wider_href=_wider(radius, href),
        minutes=minutes,
        skills=skills,
        candidates=tuple(people),
        freed=tuple(freed),
        hidden=(*wanted.pairs(), ("do", DOING), ("radius", radius)),
        new_href=wanted.url(do="new", at=here),
        region=moment.hub.region is not None,
    )


def _of_spot(one: dict[str, Any]) -> list[tuple[str, str]]:
    return [("do", DOING), ("near", one["words"]), ("at", one["point"]), ("at_for", one["words"])]


def _wider(radius: str, href: Any) -> str:
    values = [value for value, _ in RADII]
    place = values.index(radius) + 1
    return href(values[place]) if place < len(values) else ""


async def _place(
    moment: Moment, query: Texts, text: str
) -> tuple[Point | None, str, list[dict[str, Any]]]:
    """Where to look: the point that belongs to the text, else what the text is found as.

    Returns the point, what is wrong in words, and the places to choose from where there are many.
    """
    at = query.get("at", "")
    if at and " ".join(query.get("at_for", text).split()) == text:
        try:
            return formats.parse_point(at), "", []
        except ValueError as error:
            return None, str(error), []
    if not text:
        return None, "", []
    found = await places_for(moment, text)
    if not found:
        if moment.hub.region:
            words = say("“{text}” was not found: click the map, or type a position.", text=text)
        else:
            words = say(
                "“{text}” was not found: no map region is loaded; click the map, or type a "
                "position.",
                text=text,
            )
        return None, words, []
    if len(found) == 1 or found[0]["kind"] == "position":
        return formats.parse_point(found[0]["point"]), "", []
    return None, "", found


def _minutes(text: str) -> int:
    """Minutes that were typed; 0 where it is no number of minutes."""
    plain = text.strip()
    minutes = int(plain) if plain.isascii() and plain.isdigit() and len(plain) < 6 else 0
    return minutes if minutes <= PLANNED_MINUTES_MAX else 0


async def save_near(request: web.Request) -> Saved:
    """Make a job at the place and assign it, as one act.

    Raises:
        ActError: something is missing or makes no sense; nothing was written.
    """
    form = await request.post()
    moment = await moment_of(request)
    try:
        point = formats.parse_point(clean(form.get("at")))
    except ValueError as error:
        raise ActError(str(error)) from error
    # The button that says so names somebody absent under another name than the others'.
    despite = clean(form.get("despite_absence"))
    worker = clean(form.get("worker")) or despite
    row = await moment.hub.reader.row(
        "SELECT name FROM worker WHERE worker = ? AND NOT archived",
        (worker if is_stream_id(worker) else "",),
    )
    if row is None:
        raise ActError(say("choose a worker from the list"))
    undated = {"window_start": None, "window_end": None}
    if despite != worker and (away := await absent_on_job(moment, undated, worker)):
        words = say("{name} is {away}; look at the list again", name=row["name"], away=away)
        raise ActError(words)
    minutes = _minutes(clean(form.get("minutes")))
    if not minutes:
        most = f"{PLANNED_MINUTES_MAX:,}"
        raise ActError(say("give the time needed as whole minutes, 1 to {most}", most=most))
    entropy = moment.hub.replica.entropy
    job = acts.new_stream_id(Kind.JOB, moment.now_ms, entropy(7))
    values: dict[str, object] = {
        "title": clean(form.get("title")),
        "point": point,
        "planned_minutes": minutes,
        "priority": 3 if form.get("urgent") == "1" else 1,
    }
    address = clean(form.get("address"))
    if address:
        values["address"] = address
    skills = await _skills(moment, [clean(skill) for skill in form.getall("skill", [])])
    if skills:
        values["skills"] = skills
    changes = acts.create_job(job, values)
    changes += acts.assign(job, bytes.fromhex(worker), entropy(8))
    await moment.hub.act(request[ACCOUNT], changes)
    made = await moment.hub.reader.row("SELECT number FROM job WHERE job = ?", (job.hex(),))
    number = made["number"] if made else say("The job")
    words = say("{number} is made and assigned to {name}.", number=number, name=row["name"])
    return Saved(job.hex(), words)


async def _skills(moment: Moment, asked: list[str]) -> list[bytes]:
    rows = await moment.hub.reader.rows("SELECT skill FROM skill WHERE NOT archived")
    known = {row["skill"] for row in rows}
    return [bytes.fromhex(skill) for skill in dict.fromkeys(asked) if skill in known]
