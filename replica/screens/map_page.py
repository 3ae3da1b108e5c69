"""Menu > Jobs > Map: the worker's jobs as pins, and where this phone is.

The list of pins stands in the page as words, for who can't see the map and for browsers that can't
draw it; the script takes from it what it draws. Holds no tiles (`map_tiles`). Invariant: with no
map carried, with no network and with no script the page still says where each job is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from core.sentence import say
from replica.device_map import MapStanding, MapState
from replica.screens.guard import CONTENT_SECURITY_POLICY
from replica.screens.here import SCREENS, Here, message_of
from replica.screens.job_page import WayThere, navigate_link, way_there
from replica.screens.joblist import SECTIONS, Card, load_cards, matching, sections_of
from replica.screens.jobs_page import CARDS_MAX, WHOLE_SECTION_MAX
from replica.screens.map_libraries import installed_libraries

# The map makes pictures of its own; they come from its memory, and from nowhere else.
_POLICY: Final = f"{CONTENT_SECURITY_POLICY}; img-src 'self' data: blob:"
_FOLDED: Final = frozenset({"Done", "Rejected"})
_MARKUP: Final = re.compile(r"<[^>]*>")


@dataclass(frozen=True, slots=True)
class Pin:
    """A job on the map: its place in the order of the page, and how far it is."""

    order: int
    section: str
    card: Card
    window: str
    way: WayThere | None
    navigate: str


@dataclass(frozen=True, slots=True)
class OwnPlace:
    """Where this phone last knew itself to be, in degrees and words."""

    lat: str
    lon: str
    accuracy_m: int
    words: str
    is_old: bool


OLD_MS: Final = 5 * 60_000
"""An own place that is older is drawn hollow."""


async def jobs_map(request: web.Request) -> web.Response:
    """The jobs as pins, chosen by `q` and `section` as the list is."""
    screens = request.app[SCREENS]
    here = await screens.here()
    if not here.jobs_shown:
        return screens.page(here, "jobs_off.html", title=say("Jobs"), message=message_of(request))
    cards = await load_cards(screens.device.reader, here.worker)
    text = request.query.get("q", "").strip()
    only = request.query.get("section", "")
    found = matching(cards, text) if text else cards
    shown, more = _chosen(found, here, only, searched=bool(text))
    fix = screens.device.last_fix()
    pins = [
        Pin(
            order,
            section,
            card,
            here.window(card.window_start, card.window_end),
            way_there(here, card, fix),
            navigate_link(card),
        )
        for order, (section, card) in enumerate(shown, 1)
    ]
    state = screens.device.map.state
    answer = screens.page(
        here,
        "jobs_map.html",
        title=say("Map"),
        message=message_of(request),
        pins=[each for each in pins if each.card.point is not None],
        nowhere=[each for each in pins if each.card.point is None],
        more=more,
        query=text,
        only=only if only in SECTIONS else "",
        total=len(cards),
        own=_own_place(request, here),
        roads=_roads_words(state),
        credit=_credit(request),
        libraries=installed_libraries().url_by_name,
    )
    answer.headers["Content-Security-Policy"] = _POLICY
    return answer


def _chosen(
    found: dict[str, Card], here: Here, only: str, *, searched: bool
) -> tuple[list[tuple[str, Card]], int]:
    """The jobs of the page in the list's order with their sections, and how many it leaves out."""
    shown: list[tuple[str, Card]] = []
    more = 0
    for name, members in sections_of(found, here.now_ms, here.zone).items():
        if (only in SECTIONS and name != only) or (not only and not searched and name in _FOLDED):
            continue
        most = WHOLE_SECTION_MAX if name == only else CARDS_MAX[name]
        shown += [(name, card) for card in members[:most]]
        more += len(members[most:])
    return shown, more


def _own_place(request: web.Request, here: Here) -> OwnPlace | None:
    fix = request.app[SCREENS].device.last_fix()
    if fix is None:
        return None
    age_ms = here.now_ms - fix.time_ms
    words = say("You were here {ago}", ago=here.ago(fix.time_ms))
    if fix.accuracy_m:
        ago = here.ago(fix.time_ms)
        words = say("You were here {ago}, within {metres} m", ago=ago, metres=fix.accuracy_m)
    return OwnPlace(
        f"{fix.lat_e7 / 1e7:.7f}",
        f"{fix.lon_e7 / 1e7:.7f}",
        fix.accuracy_m,
        words,
        age_ms > OLD_MS,
    )


def _roads_words(state: MapState) -> str:
    """Why there are no roads under the pins, in one line; '' where there are."""
    if state.here_bytes:
        return ""
    match state.standing:
        case MapStanding.OFF:
            return say("No roads: this phone carries no map.")
        case MapStanding.WAITS:
            return say("No roads yet: the map waits for Wi-Fi.")
        case MapStanding.NO_ROOM:
            return say("No roads: there is no room for the map on this phone.")
        case MapStanding.COMING:
            return say("No roads yet: the map comes with the next contact.")
    return say("No roads yet: no hub has given this phone a map.")


def _credit(request: web.Request) -> str:
    """Whom the map is owed to, as text: an archive may bring markup."""
    carried = request.app[SCREENS].device.map.carried.here
    return _MARKUP.sub("", carried.offer.attribution).strip() if carried is not None else ""
