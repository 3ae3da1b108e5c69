"""How the copies stand: phones and hubs, when each was heard, what waits, what was refused.

Everything here is proven by a session or an ack; a phone that was not heard is shown as silent, not
as up to date.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from core.dispatch.acts import ActError
from core.dispatch.fields import FIELDS
from core.dispatch.next_key import ask_for_key
from core.sentence import listed, marked, say, say_n
from hub.admission import waiting
from hub.hub import Hub
from hub.keys import ACCOUNT, HUB
from replica.forks import forked_keys, proof_of_fork
from web.formats import sentence
from web.frame import see_other
from web.language import answer_json
from web.phones import Phone, phones_of, summarize
from web.rendering import show

REFUSED_SHOWN_MAX: Final = 100
"""More than a person reads; the newest come first."""

_BEHIND: Final = """
    SELECT lower(hex(author.author)) AS author, count(DISTINCT peer_held.stream) AS streams
    FROM peer_held
    JOIN author ON author.number = peer_held.peer
    JOIN log ON log.stream = peer_held.stream
    LEFT JOIN confirmed ON confirmed.log = log.log AND confirmed.peer = peer_held.peer
    WHERE log.author <> author.author
      AND coalesce(confirmed.height, 0) < log.height
    GROUP BY peer_held.peer
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
class WaitingRow:
    """What somebody's shut-out key wrote in a stream: how much, what about and when it began."""

    stream: str
    kind: str
    author: str
    who: str
    count: int
    about: str
    first_at_ms: int


@dataclass(frozen=True, slots=True)
class ForkRow:
    """A key that wrote in two places at once: whose, and in how many records."""

    author: str
    worker: str
    who: str
    streams: int


@dataclass(frozen=True, slots=True)
class PhonesPage:
    """Phones, hubs, refusals, inert entries and the size of the log."""

    sentence: str
    phones: tuple[PhoneRow, ...]
    hubs: tuple[HubRow, ...]
    refused: tuple[RefusedRow, ...]
    refused_total: int
    forks: tuple[ForkRow, ...]
    waiting: tuple[WaitingRow, ...]
    inert: tuple[InertRow, ...]
    streams: int
    entries: int


_KINDS: Final = (
    *(say("Site"), say("Office"), say("Customer"), say("Worker"), say("Job")),
    *(say("Worker's day"), say("Track"), say("Summary"), say("Recurring job")),
)
_PHONES_FIELDS: Final = (
    *(marked("title"), marked("description"), marked("customer"), marked("place")),
    *(marked("address"), marked("point"), marked("radius"), marked("contact")),
    marked("outline"),
    *(marked("contact phone"), marked("priority"), marked("window"), marked("planned minutes")),
    *(marked("check item"), marked("created"), marked("phase"), marked("reason"), marked("tick")),
    *(marked("note"), marked("file"), marked("file name"), marked("handed to")),
    *(marked("log start"), marked("log stop"), marked("log supersedes"), marked("log removed")),
    *(marked("duty start"), marked("duty stop"), marked("fixes"), marked("next key")),
    *(marked("jobs on"), marked("auto logging on"), marked("auto logging mode")),
    marked("minimum auto-logging time"),
)
"""What a phone may write, by the names of `core.dispatch.fields`."""


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
        forks=await _forks(hub),
        waiting=await _waiting(hub),
        inert=tuple(
            InertRow(row["stream"], _kind_words(row["kind"]), row["inert"], row["entries"])
            for row in await hub.reader.rows(_INERT)
        ),
        streams=totals["streams"],
        entries=totals["entries"],
    )
    return await show(request, "phones.html", page)


def _kind_words(kind: int) -> str:
    """What a stream is of; a later version may have made kinds that this one does not know."""
    return _KINDS[kind] if kind < len(_KINDS) else say("Something new")


def _key_words(author: bytes) -> str:
    """Somebody of whom only a key is known."""
    return say("key {key}", key=author.hex()[:12])


async def _hubs(request: web.Request) -> tuple[HubRow, ...]:
    hub = request.app[HUB]
    return tuple(
        [_hub_row(hub, row) for row in await hub.reader.rows(_HUBS, (hub.replica.author,))]
    )


async def _forks(hub: Hub) -> tuple[ForkRow, ...]:
    """Keys that somebody should replace: those that are shut out already are not listed."""
    found = await hub.writer.run(forked_keys, hub.replica.store.db)
    owners = {
        row["author"]: (row["worker"], row["name"])
        for row in await hub.reader.rows(
            "SELECT certificate.author, worker.worker, worker.name FROM certificate "
            "LEFT JOIN worker ON worker.worker = lower(hex(certificate.subject)) "
            "WHERE certificate.author NOT IN (SELECT author FROM revoked)"
        )
    }
    return tuple(
        ForkRow(
            author=each.author.hex(),
            worker=owners[each.author][0] or "",
            who=owners[each.author][1] or _key_words(each.author),
            streams=each.streams,
        )
        for each in found
        if each.author in owners
    )


async def fork_proof(request: web.Request) -> web.StreamResponse:
    """GET /phones/{author}/fork: the proof that a key signed two entries at one place."""
    hub, author = request.app[HUB], request.match_info["author"]
    replica = hub.replica
    proof = await hub.writer.run(
        proof_of_fork, replica.store.db, replica.identity, bytes.fromhex(author)
    )
    if proof is None:
        raise see_other("/phones", say("Of this key no fork can be proven here."), "bad")
    name = f"fork-{author[:12]}.proof"
    return web.Response(
        body=proof.to_bytes(),
        content_type="application/octet-stream",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def ask_new_key(request: web.Request) -> web.StreamResponse:
    """POST /phones/{author}/new-key: ask a phone to go on under a new key at its next contact."""
    hub, author = request.app[HUB], request.match_info["author"]
    phone = next((each for each in await phones_of(hub) if each.author == author), None)
    if phone is None:
        raise see_other("/phones", say("There is no such phone any more."), "bad")
    changes = ask_for_key(bytes.fromhex(phone.worker), bytes.fromhex(author))
    try:
        await hub.act(request[ACCOUNT], changes)
    except ActError as refusal:
        raise see_other("/phones", sentence(str(refusal)), "bad") from refusal
    raise see_other("/phones", say("The phone makes itself a new key at its next contact."))


async def _waiting(hub: Hub) -> tuple[WaitingRow, ...]:
    """What waits for somebody to say that it counts after all."""
    found = await hub.writer.run(waiting, hub.replica)
    names = {
        row["author"]: row["name"]
        for row in await hub.reader.rows(
            "SELECT certificate.author, worker.name FROM certificate JOIN worker "
            "ON worker.worker = lower(hex(certificate.subject))"
        )
    }
    rows = []
    for each in found:
        entries = [placed.entry for placed in each.placed if placed.entry is not None]
        codes = dict.fromkeys(path[0] for entry in entries for path, _ in entry.changes)
        fields = (say(FIELDS[code].name if code in FIELDS else marked("other")) for code in codes)
        rows.append(
            WaitingRow(
                stream=each.stream.hex(),
                kind=_kind_words(each.stream[4]),
                author=each.author.hex(),
                who=names.get(each.author) or _key_words(each.author),
                count=len(each.placed),
                about=listed(fields),
                first_at_ms=min(entry.corrected_ms for entry in entries),
            )
        )
    return tuple(rows)


async def admit(request: web.Request) -> web.StreamResponse:
    """POST /phones/admit: let count what a shut-out key wrote in one stream."""
    hub, form = request.app[HUB], await request.post()
    try:
        stream, author = (bytes.fromhex(str(form.get(name, ""))) for name in ("stream", "author"))
        count = await hub.admit(request[ACCOUNT], stream, author)
    except ValueError as error:
        words = say("Load the page anew; nothing was changed.")
        raise see_other("/phones", words, "bad") from error
    except ActError as refusal:
        raise see_other("/phones", sentence(str(refusal)), "bad") from refusal
    if not count:
        raise see_other("/phones", say("Nothing waits there any more; somebody was faster."))
    words = say_n(
        "{n} entry counts now, as written again by you.",
        "{n} entries count now, as written again by you.",
        count,
    )
    raise see_other("/phones", words)


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
    told = {"words": summary.words, "tone": summary.tone, "title": summary.title}
    return answer_json(request, told, keep=True)


def add_routes(app: web.Application) -> None:
    """Add this module's pages to `app`."""
    app.router.add_get("/phones", phones_page)
    app.router.add_get("/phones/pill", phones_pill)
    app.router.add_post("/phones/admit", admit)
    app.router.add_post("/phones/{author:[0-9a-f]{64}}/new-key", ask_new_key)
    app.router.add_get("/phones/{author:[0-9a-f]{64}}/fork", fork_proof)
