"""How the copies stand: phones and hubs, when each was heard, what waits, what was refused.

Everything here is proven by a session or an ack; a phone that was not heard is shown as silent, not
as up to date.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from hub.hub import Hub
from hub.keys import HUB
from web.phones import Phone, phones_of, summarize
from web.rendering import show

REFUSED_SHOWN_MAX: Final = 100
"""More than a person reads; the newest come first."""

_BEHIND: Final = """
    SELECT lower(hex(peer_stream.peer)) AS author, count(DISTINCT peer_stream.stream) AS streams
    FROM peer_stream
    JOIN log ON log.stream = peer_stream.stream
    LEFT JOIN reach ON reach.stream = log.stream AND reach.peer = peer_stream.peer
                   AND reach.author = log.author AND reach.branch = log.branch
    WHERE log.author <> peer_stream.peer
      AND coalesce(reach.height, 0) < log.height
    GROUP BY peer_stream.peer
"""
_HOLDS: Final = """
    SELECT lower(hex(peer)) AS author, count(*) AS streams FROM peer_stream GROUP BY peer
"""
_HUBS: Final = """
    SELECT lower(hex(certificate.author)) AS author, certificate.subject AS letter,
           max((certificate.author = ?) * 1e18 + certificate.session_until),
           (SELECT max(met_at) FROM peer JOIN certificate AS met ON met.author = peer.peer
            WHERE met.role = 3 AND met.subject = certificate.subject) AS met_at
    FROM certificate
    WHERE certificate.role = 3 AND certificate.author NOT IN (SELECT author FROM revoked)
    GROUP BY certificate.subject ORDER BY certificate.subject
"""
_REFUSED: Final = """
    SELECT refused.at, refused.reason, lower(hex(refused.stream)) AS stream,
           coalesce(worker.name, lower(hex(refused.peer)), '') AS peer
    FROM refused
    LEFT JOIN certificate ON certificate.author = refused.peer
    LEFT JOIN worker ON worker.worker = lower(hex(certificate.subject))
    GROUP BY refused.number ORDER BY refused.number DESC LIMIT ?
"""
_INERT: Final = """
    SELECT lower(hex(stream)) AS stream, kind, inert, entries FROM stream
    WHERE inert > 0 ORDER BY changed DESC LIMIT 100
"""
_TOTALS: Final = """
    SELECT (SELECT count(*) FROM stream) AS streams, (SELECT coalesce(sum(entries), 0) FROM stream)
           AS entries, (SELECT count(*) FROM refused) AS refused
"""


@dataclass(frozen=True, slots=True)
class PhoneRow:
    """A phone, how many streams it has confirmed, and of how many it lacks the newest entries."""

    phone: Phone
    tone: str
    holds: int
    behind: int


@dataclass(frozen=True, slots=True)
class HubRow:
    """Another hub of the site (or this one); `refusal` says why the last session with it ended."""

    letter: str
    author: str
    is_this: bool
    met_at_ms: int | None
    connected: bool
    refusal: str


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """An entry that was refused by name and never stored; its sender keeps it."""

    at_ms: int
    peer: str
    stream: str
    reason: str


@dataclass(frozen=True, slots=True)
class InertRow:
    """A stream that holds entries which do not stand."""

    stream: str
    kind: str
    inert: int
    entries: int


@dataclass(frozen=True, slots=True)
class PhonesPage:
    """Phones, hubs, refusals, inert entries and the size of the log."""

    sentence: str
    phones: tuple[PhoneRow, ...]
    hubs: tuple[HubRow, ...]
    refused: tuple[RefusedRow, ...]
    refused_total: int
    inert: tuple[InertRow, ...]
    streams: int
    entries: int


_KINDS: Final = ("Site", "Office", "Customer", "Worker", "Job", "Worker's day", "Track", "Summary")


async def phones_page(request: web.Request) -> web.StreamResponse:
    """GET /phones."""
    hub = request.app[HUB]
    now_ms = hub.clock.now_ms()
    phones = await phones_of(hub)
    behind = {row["author"]: row["streams"] for row in await hub.reader.rows(_BEHIND)}
    holds = {row["author"]: row["streams"] for row in await hub.reader.rows(_HOLDS)}
    totals = (await hub.reader.rows(_TOTALS))[0]
    refused = await hub.reader.rows(_REFUSED, (REFUSED_SHOWN_MAX,))
    page = PhonesPage(
        sentence=summarize(phones, now_ms).title,
        phones=tuple(
            PhoneRow(
                phone,
                phone.tone(now_ms),
                holds.get(phone.author, 0),
                behind.get(phone.author, 0),
            )
            for phone in phones
        ),
        hubs=await _hubs(request),
        refused=tuple(
            RefusedRow(row["at"], row["peer"], row["stream"] or "", row["reason"])
            for row in refused
        ),
        refused_total=totals["refused"],
        inert=tuple(
            InertRow(row["stream"], _KINDS[row["kind"]], row["inert"], row["entries"])
            for row in await hub.reader.rows(_INERT)
        ),
        streams=totals["streams"],
        entries=totals["entries"],
    )
    return await show(request, "phones.html", page)


async def _hubs(request: web.Request) -> tuple[HubRow, ...]:
    hub = request.app[HUB]
    return tuple(
        [_hub_row(hub, row) for row in await hub.reader.rows(_HUBS, (hub.replica.author,))]
    )


def _hub_row(hub: Hub, row: Any) -> HubRow:
    author, letter = bytes.fromhex(row["author"]), row["letter"].decode("ascii", "replace")
    dialled = hub.hub_sessions.figures(letter) if hub.hub_sessions is not None else None
    return HubRow(
        letter=letter,
        author=row["author"],
        is_this=author == hub.replica.author,
        met_at_ms=row["met_at"],
        connected=author in hub.conversations or (dialled is not None and dialled.connected),
        refusal=dialled.refusal if dialled is not None else "",
    )


async def phones_pill(request: web.Request) -> web.StreamResponse:
    """GET /phones/pill: the pill's words, tone and title as JSON, for pages that stay open."""
    hub = request.app[HUB]
    summary = summarize(await phones_of(hub), hub.clock.now_ms())
    return web.json_response({"words": summary.words, "tone": summary.tone, "title": summary.title})


def add_routes(app: web.Application) -> None:
    """Add this module's pages to `app`."""
    app.router.add_get("/phones", phones_page)
    app.router.add_get("/phones/pill", phones_pill)
