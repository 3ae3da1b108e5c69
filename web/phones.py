"""The phones of a site: whose they are, when each was last heard, and that in one sentence.

Asks the certificates, the sync sessions and the positions in memory. Holds no state. Invariant: a
phone counts as heard only by a session that completed or a position that came; nothing is guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.sentence import say
from hub.hub import Hub
from web.formats import DAY_MS, MINUTE_MS, span_words

HEARD_MS_MAX: Final = 15 * MINUTE_MS
"""A phone with a network says something every few minutes."""
SILENT_MS_MAX: Final = DAY_MS
"""A working day without a network is usual; from here on a person should know of it."""

_PHONES: Final = """
    SELECT lower(hex(certificate.author)) AS author, lower(hex(certificate.subject)) AS worker,
           worker.name AS name, max(coalesce(peer.met_at, 0)) AS met_at
    FROM certificate
    LEFT JOIN peer ON peer.peer = certificate.author
    LEFT JOIN worker ON worker.worker = lower(hex(certificate.subject))
    WHERE certificate.role = 1 AND certificate.author NOT IN (SELECT author FROM revoked)
    GROUP BY certificate.author
    ORDER BY worker.name COLLATE NOCASE, certificate.author
"""


@dataclass(frozen=True, slots=True)
class Phone:
    """One enrolled phone: `author` is its public key in hex; times are ms, None for never."""

    author: str
    worker: str
    name: str
    heard_at_ms: int | None
    battery_percent: int | None
    on_duty: bool | None
    app: str

    def tone(self, now_ms: int) -> str:
        """'good' when heard lately, 'risk' when silent for a day, else ''."""
        if self.heard_at_ms is None or now_ms - self.heard_at_ms > SILENT_MS_MAX:
            return "risk"
        return "good" if now_ms - self.heard_at_ms <= HEARD_MS_MAX else ""


@dataclass(frozen=True, slots=True)
class PhonesSummary:
    """The sync pill: its words, its tone ('', 'good', 'risk') and the sentence behind it."""

    words: str
    tone: str
    title: str


NO_SUMMARY: Final = PhonesSummary("", "", "")


async def phones_of(hub: Hub) -> list[Phone]:
    """All phones that hold a certificate of this site, by their workers' names."""
    phones = []
    for row in await hub.reader.rows(_PHONES):
        presence = hub.presence.get(row["worker"])
        if presence is not None and presence.author != row["author"]:
            presence = None  # Another phone of the same worker said it.
        heard = max(row["met_at"], presence.heard_ms if presence else 0)
        if bytes.fromhex(row["author"]) in hub.conversations:
            heard = hub.clock.now_ms()
        phones.append(
            Phone(
                author=row["author"],
                worker=row["worker"],
                name=row["name"] or "",
                heard_at_ms=heard or None,
                battery_percent=presence.battery_percent if presence else None,
                on_duty=presence.duty if presence else None,
                app=presence.app if presence else "",
            )
        )
    return phones


async def phones_summary(hub: Hub, now_ms: int) -> PhonesSummary:
    """How the phones are, for the pill that stands on every page."""
    return summarize(await phones_of(hub), now_ms)


def summarize(phones: list[Phone], now_ms: int) -> PhonesSummary:
    """The pill for these phones; see `PhonesSummary`."""
    if not phones:
        return PhonesSummary(say("No phones yet"), "", say("No phone has joined this site yet"))
    heard = [phone for phone in phones if phone.tone(now_ms) == "good"]
    silent = [phone for phone in phones if phone.tone(now_ms) == "risk"]
    words = say("{heard}/{all} phones heard", heard=len(heard), all=len(phones))
    tone = "risk" if silent else "good" if len(heard) == len(phones) else ""
    return PhonesSummary(words, tone, _title(phones, len(heard), now_ms))


def _title(phones: list[Phone], heard: int, now_ms: int) -> str:
    """How many were heard, and which of the others has been silent for the longest."""
    if heard == len(phones):
        return say(
            "{heard} of {all} phones heard in the last 15 minutes", heard=heard, all=len(phones)
        )
    oldest = min(
        (phone for phone in phones if phone.tone(now_ms) != "good"),
        key=lambda phone: phone.heard_at_ms or 0,
    )
    name = oldest.name or say("a phone without a worker")
    if oldest.heard_at_ms is None:
        return say(
            "{heard} of {all} phones heard in the last 15 minutes; {name} never heard",
            heard=heard,
            all=len(phones),
            name=name,
        )
    return say(
        "{heard} of {all} phones heard in the last 15 minutes; {name} silent for {time}",
        heard=heard,
        all=len(phones),
        name=name,
        time=span_words(now_ms - oldest.heard_at_ms),
    )
