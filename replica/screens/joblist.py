"""The worker's jobs as cards, sorted into the sections of the Jobs page.

Asks the projections once and sorts in memory; holds no HTML and no state. Invariant: each job of
the worker is in exactly one section.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.dispatch.geometry import distance_m as metres_between
from core.dispatch.itinerary import turn_of_day
from core.sentence import listed, marked, say
from replica.screens import local_time
from replica.screens.local_time import Zone
from replica.screens.marks import Marks
from replica.screens.port import OwnFix, Rows

# Addresses have these words as they stand; a page says them in its language.
SECTIONS = (
    *(marked("Now"), marked("Next"), marked("Today")),
    *(marked("Later"), marked("Done"), marked("Rejected")),
)
NEW, NEW_NOTE = say("New"), say("New note")

IN_WORK = ("travelling", "on site", "paused")
TO_DO = ("assigned", "received", "opened", "accepted")
GIVEN_AWAY = ("withdrawn", "released", "handed on")

# A fix older than this says little of where the worker is now.
FIX_AGE_MS_MAX = 15 * 60_000
SEARCH_LETTERS_MAX = 100

_JOBS = """
SELECT job.job, job.number, job.title, job.description, job.customer, job.place,
       job.radius_m, job.contact, job.contact_phone, job.priority,
       job.window_start, job.window_end, job.planned_minutes, job.status, job.reason AS job_reason,
       job.updated_at, job.arrived_at, job.finished_at, job.conflicts, job.notes, job.frontier,
       coalesce(job.lat_e7, spot.lat_e7) AS lat_e7, coalesce(job.lon_e7, spot.lon_e7) AS lon_e7,
       CASE job.address WHEN '' THEN coalesce(spot.address, '') ELSE job.address END AS address,
       coalesce(spot.name, '') AS place_name, coalesce(customer.name, '') AS customer_name,
       turn.turn, turn.phase, turn.reason, turn.position, turn.assigned_at, turn.handed_from,
       coalesce((SELECT other.worker FROM assignment AS other WHERE other.job = turn.job
           AND other.turn = turn.turn AND other.handed_from = turn.worker), '') AS handed_to
FROM assignment AS turn JOIN job ON job.job = turn.job
LEFT JOIN customer ON customer.customer = job.customer
LEFT JOIN customer_place AS spot ON spot.customer = job.customer AND spot.place = job.place
WHERE turn.worker = ?
"""


@dataclass(frozen=True, slots=True)
class Card:
    """One job of the worker, as its newest turn stands.

    `phase` is 'cancelled' where the job is, and 'handed on' where the worker gave the turn to the
    colleague `handed_to`.
    """

    job: str
    turn: str
    number: str
    title: str
    description: str
    customer: str
    customer_name: str
    place_name: str
    address: str
    lat_e7: int | None
    lon_e7: int | None
    contact: str
    contact_phone: str
    priority: int
    window_start: int | None
    window_end: int | None
    planned_minutes: int | None
    phase: str
    reason: str
    position: int
    handed_from: str
    handed_to: str
    updated_at: int
    finished_at: int | None
    conflicts: int
    notes: int
    frontier: str

    @property
    def point(self) -> tuple[int, int] | None:
        """Where it is (1e-7 degree), None where that is not known."""
        if self.lat_e7 is None or self.lon_e7 is None:
            return None
        return self.lat_e7, self.lon_e7

    @property
    def place_words(self) -> str:
        """Whose and where, in one line."""
        parts = [self.customer_name, self.place_name or self.address]
        return " · ".join(part for part in parts if part)


def _card(row: Any) -> Card:
    phase = row["phase"]
    if phase == "withdrawn" and row["handed_to"]:
        phase = "handed on"
    cancelled = row["status"] == "cancelled" and phase not in GIVEN_AWAY
    return Card(
        job=row["job"],
        turn=row["turn"],
        number=row["number"],
        title=row["title"],
        description=row["description"],
        customer=row["customer"],
        customer_name=row["customer_name"],
        place_name=row["place_name"],
        address=row["address"],
        lat_e7=row["lat_e7"],
        lon_e7=row["lon_e7"],
        contact=row["contact"],
        contact_phone=row["contact_phone"],
        priority=row["priority"],
        window_start=row["window_start"],
        window_end=row["window_end"],
        planned_minutes=row["planned_minutes"],
        phase="cancelled" if cancelled else phase,
        reason=row["job_reason"] if cancelled else row["reason"],
        position=row["position"],
        handed_from=row["handed_from"],
        handed_to=row["handed_to"],
        updated_at=row["updated_at"],
        finished_at=row["finished_at"],
        conflicts=row["conflicts"],
        notes=row["notes"],
        frontier=row["frontier"],
    )


def _newest(rows: list[Any]) -> dict[str, Card]:
    """One card a job: of several turns the one that counts, then the newest."""
    best: dict[str, tuple[tuple[bool, int, str], Any]] = {}
    for row in rows:
        rank = (row["phase"] not in GIVEN_AWAY, row["assigned_at"], row["turn"])
        if row["job"] not in best or best[row["job"]][0] < rank:
            best[row["job"]] = (rank, row)
    return {job: _card(row) for job, (_, row) in best.items()}


async def load_cards(reader: Rows, worker: str) -> dict[str, Card]:
    """All jobs of the worker that are on this phone."""
    return _newest(list(await reader.rows(_JOBS, (worker,))))


async def load_card(reader: Rows, worker: str, job: str) -> Card | None:
    """One job of the worker, None where it is not on this phone."""
    cards = _newest(list(await reader.rows(_JOBS + " AND turn.job = ?", (worker, job))))
    return cards.get(job)


def matching(cards: Mapping[str, Card], text: str) -> dict[str, Card]:
    """The cards in which every word of `text` begins a word: title, number, customer, place ..."""
    wanted = _plain(text[:SEARCH_LETTERS_MAX]).split()

    def fits(card: Card) -> bool:
        parts = (
            card.number, card.title, card.customer_name, card.place_name, card.address,
            card.contact, card.description,
        )  # fmt: skip
        words = _plain(" ".join(parts)).split()
        return all(any(word.startswith(each) for word in words) for each in wanted)

    return {job: card for job, card in cards.items() if fits(card)}


def _plain(text: str) -> str:
    """Letters without case and accents; what is neither letter nor digit parts words."""
    bare = unicodedata.normalize("NFKD", text.casefold())
    kept = (letter for letter in bare if not unicodedata.combining(letter))
    return "".join(letter if letter.isalnum() else " " for letter in kept)


def sections_of(cards: Mapping[str, Card], now_ms: int, zone: Zone) -> dict[str, list[Card]]:
    """The cards by section, each in the order in which the day goes."""
    found: dict[str, list[Card]] = {section: [] for section in SECTIONS}
    to_do = []
    for card in cards.values():
        if card.phase in IN_WORK:
            found["Now"].append(card)
        elif card.phase in TO_DO:
            to_do.append(card)
        else:
            found["Rejected" if card.phase == "rejected" else "Done"].append(card)
    today = local_time.day_of(now_ms, zone)

    def day_of(card: Card) -> str:
        at_ms = card.window_start if card.window_start is not None else card.window_end
        return max(today, local_time.day_of(at_ms, zone)) if at_ms is not None else today

    to_do.sort(key=lambda card: (day_of(card), turn_of_day(card)))
    found["Next"] = to_do[:1]
    for card in to_do[1:]:
        found["Today" if day_of(card) == today else "Later"].append(card)
    found["Now"].sort(key=lambda card: (IN_WORK.index(card.phase) == 2, card.number, card.job))
    for section in ("Done", "Rejected"):
        found[section].sort(key=lambda card: (card.finished_at or card.updated_at, card.job))
        found[section].reverse()
    return found


def metres_to(card: Card, fix: OwnFix | None, now_ms: int) -> float | None:
    """Metres from the last own fix, None where either place is not known or the fix is old."""
    if card.point is None or fix is None or now_ms - fix.time_ms > FIX_AGE_MS_MAX:
        return None
    return metres_between(fix.lat_e7, fix.lon_e7, *card.point)


# --- what changed since the worker looked


def looked_at(card: Card) -> dict[str, Any]:
    """The values of a job whose change a worker should notice."""
    return {
        "title": card.title,
        "window": [card.window_start, card.window_end],
        "place": [card.address, card.lat_e7, card.lon_e7],
        "instructions": card.description,
        "contact": [card.contact, card.contact_phone],
        "priority": card.priority,
        "cancelled": card.phase == "cancelled",
        "notes": card.notes,
    }


THE_OFFICE = say("the office")
"""By whom a job was changed, where no name is told."""


def changed_since(card: Card, marks: Marks) -> tuple[str, ...]:
    """Which values of `looked_at` differ from those that the worker saw, notes left aside."""
    seen = marks.seen(card.job)
    if seen is None or card.phase in ("assigned", "received"):
        return ()
    now = looked_at(card)
    return tuple(n for n in now if n != "notes" and n in seen and seen[n] != now[n])


_CHANGED_WORDS = {
    "title": say("title"),
    "place": say("place"),
    "instructions": say("instructions"),
    "contact": say("contact"),
    "priority": say("priority"),
}


def told_of(changed: tuple[str, ...]) -> tuple[str, ...]:
    """Which of several changes are told in words: a cancelling or another window alone."""
    for name in ("cancelled", "window"):
        if name in changed:
            return (name,)
    return changed


def news(card: Card, marks: Marks, zone: Zone, now_ms: int, by: str = THE_OFFICE) -> str:
    """What is new about a job since the worker looked at it, in words; '' for nothing.

    `by` is who changed it (`changed_by`).
    """
    seen = marks.seen(card.job)
    if card.phase in ("assigned", "received"):
        return NEW
    if seen is None:
        return ""
    now = looked_at(card)
    changed = [name for name in now if name in seen and seen[name] != now[name]]
    if not changed:
        return ""
    if "cancelled" in changed:
        if now["cancelled"]:
            return say("Cancelled by {by}", by=by)
        return say("No longer cancelled, by {by}", by=by)
    if "window" in changed:
        was = local_time.window_words(*_pair(seen["window"]), zone, now_ms)
        return say("Moved from {was} by {by}", was=was, by=by)
    values = [_CHANGED_WORDS[name] for name in changed if name != "notes"]
    told = [say("Changed by {by}: {what}", by=by, what=listed(values))] if values else []
    return listed([*told, *([NEW_NOTE] if "notes" in changed else [])])


def _pair(value: Any) -> tuple[int | None, int | None]:
    return (value[0], value[1]) if isinstance(value, list) and len(value) == 2 else (None, None)
