"""Whose names and which addresses a filter's texts are found in, accents and case aside.

SQLite folds no accents, so names are compared here, and the board's question gets ids. Holds no
HTTP. Invariants: what is found depends on names and addresses alone, not on jobs; what was
committed before a question is in its answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import Final

from core.dispatch.fields import Kind
from replica.writer import Writer
from web.board.filters import Filter
from web.board.naming import Names, load_names
from web.board.reader import Rows
from web.board.term import TEXT, Term
from web.board.workers import workers
from web.formats import folded

FOUND_MAX: Final = 1_000
"""Names that a text is found in; more of them say that the text is too short to mean one."""
TEXTS_MAX: Final = 200
"""So many texts' names are kept: those of all pages that are open."""

# What names nobody, and changes all day; anything else might, also of a kind yet to come.
_NAMELESS: Final = frozenset({Kind.JOB, Kind.DAY, Kind.TRACK})
_PEOPLE: Final = """
    SELECT customer AS id, name || ' ' || number AS text FROM customer
    UNION ALL SELECT worker, name FROM worker
"""
_PLACES: Final = """
    SELECT place AS id, name || ' ' || address AS text FROM customer_place
    UNION SELECT address, address FROM job WHERE address <> ''
"""


@dataclass(frozen=True, slots=True)
class Near:
    """What a filter's texts are found in.

    `named`: ids of customers and workers for its words; `by_term`: ids, and for a place ids and
    addresses, for each term of a text.
    """

    named: Sequence[str] = ()
    by_term: Mapping[Term, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Workers:
    """The workers that can be chosen, by name: id (hex) and name. Equal only to itself."""

    rows: tuple[tuple[str, str], ...]

    @cached_property
    def named(self) -> str:
        """What the list is called: two are called alike if they say the same."""
        return blake2b(repr(self.rows).encode(), digest_size=8).hexdigest()


class KeptNames:
    """The names that filters say, as they are and folded; read again only where one changed.

    Without a `writer` that tells of changes they are read for each question.
    """

    def __init__(self, reader: Rows, writer: Writer | None = None) -> None:
        self._reader = reader
        self._writer = writer
        self._changes = writer.subscribe() if writer is not None else None
        self._reading = asyncio.Lock()
        self._people: list[tuple[str, str]] | None = None
        self._workers: Workers | None = None
        self._names: Names | None = None
        self._found: dict[tuple[str, ...], list[str]] = {}

    def close(self) -> None:
        """Hear of no changes any more."""
        if self._writer is not None and self._changes is not None:
            self._writer.unsubscribe(self._changes)

    async def near(self, wanted: Filter) -> Near:
        """What the texts of a filter are found in; asks nothing where it has none."""
        texts = [term for term in wanted.terms if term.key == TEXT]
        places = [term for term in wanted.terms if term.key == "place"]
        by_term: dict[Term, Sequence[str]] = {}
        named: Sequence[str] = ()
        if wanted.text or texts:
            await self._read()
            if wanted.text:
                named = self._with_all(folded(wanted.text).split())
            by_term |= {term: self._with_all([folded(term.values[0])]) for term in texts}
        if places:
            there = await self._plain(_PLACES)
            for term in places:
                values = [folded(value) for value in term.values]
                by_term[term] = [one for one, text in there if any(v in text for v in values)]
        return Near(named, by_term)

    async def workers(self) -> Workers:
        """Those that are not archived; the same object for as long as nobody changed."""
        async with self._reading:
            self._forget_changed()
            if self._workers is None:
                rows = await workers(self._reader)
                self._workers = Workers(tuple((row["worker"], row["name"]) for row in rows))
            return self._workers

    async def names(self) -> Names:
        """What a filter's text may say; the same object for as long as nobody changed."""
        async with self._reading:
            self._forget_changed()
            if self._names is None:
                self._names = await load_names(self._reader)
            return self._names

    async def _read(self) -> None:
        # One at a time: who comes while names are read waits for these, and gets no older ones.
        async with self._reading:
            self._forget_changed()
            if self._people is None:
                self._found.clear()
                self._people = await self._plain(_PEOPLE)

    def _forget_changed(self) -> None:
        """Forget before anything is read: should that be interrupted, the next one reads it."""
        streams = self._changes.take() if self._changes is not None else None
        if streams is None or any(stream[4] not in _NAMELESS for stream in streams):
            self._people = self._workers = self._names = None

    def _with_all(self, words: Sequence[str]) -> list[str]:
        known = self._found.get(tuple(words))
        if known is None:
            if len(self._found) >= TEXTS_MAX:
                self._found.clear()
            people = self._people or ()
            known = [one for one, text in people if all(word in text for word in words)]
            known = self._found[tuple(words)] = known[:FOUND_MAX]
        return known

    async def _plain(self, sql: str) -> list[tuple[str, str]]:
        return [(row["id"], folded(row["text"])) for row in await self._reader.rows(sql)]
