"""Which phones have not been heard since a period, so whose figures may still rise.

A phone is heard by a session that completed or a position that came (`web.phones`). One that was
heard after the period's end has told what its worker did in it; one that is heard every day is
not waited for. Invariant: what is said here follows from the last contacts alone, and stands beside
the figures, never among them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from hub.hub import Hub
from web.csv_file import utc
from web.formats import DAY_MS
from web.phones import Phone, phones_of

HEADER: Final = "Fieldlog-Completeness"
NAMED_MAX: Final = 50
"""A head of an answer is some kilobytes at most; of more phones it says how many."""


@dataclass(frozen=True, slots=True)
class Completeness:
    """The phones whose workers' figures may still rise, the longest silent first."""

    phones: int
    silent: tuple[Phone, ...]

    @property
    def workers(self) -> frozenset[str]:
        """Ids of the workers whose figures may still rise."""
        return frozenset(phone.worker for phone in self.silent)

    @property
    def header(self) -> str:
        """The same for the head of an answer: `complete`, or who is silent since when."""
        if not self.silent:
            return f"complete; phones={self.phones}"
        named = [
            f'worker="{quote(phone.name, safe=" ")}" id={phone.worker}'
            f" last-heard={utc(phone.heard_at_ms) or 'never'}"
            for phone in self.silent[:NAMED_MAX]
        ]
        said = f"may-rise; phones={self.phones}; silent={len(self.silent)}; "
        return said + ", ".join(named)


async def completeness(hub: Hub, end_ms: int, worker: str = "", team: str = "") -> Completeness:
    """What is missing of a period that is over at `end_ms`, of a worker, a team, or all.

    While it goes on, a phone that said something within a day is not called silent.
    """
    phones = await phones_of(hub)
    if worker:
        phones = [phone for phone in phones if phone.worker == worker]
    if team:
        rows = await hub.reader.rows("SELECT worker FROM worker WHERE team = ?", (team,))
        members = {row["worker"] for row in rows}
        phones = [phone for phone in phones if phone.worker in members]
    before_ms = min(end_ms, hub.clock.now_ms() - DAY_MS)
    silent = [phone for phone in phones if (phone.heard_at_ms or 0) < before_ms]
    silent.sort(key=lambda phone: (phone.heard_at_ms or 0, phone.name, phone.author))
    return Completeness(len(phones), tuple(silent))
