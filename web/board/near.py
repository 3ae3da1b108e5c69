"""Whose names and which addresses a filter's texts are found in, accents and case aside.

SQLite folds no accents, so names are compared here, and the board's question gets ids. Holds no
HTTP. Invariant: what is found depends on names and addresses alone, not on jobs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from web.board.filters import Filter
from web.board.reader import Rows
from web.board.term import TEXT, Term
from web.formats import folded

FOUND_MAX: Final = 1_000
"""Names that a text is found in; more of them say that the text is too short to mean one."""


@dataclass(frozen=True, slots=True)
class Near:
    """What a filter's texts are found in.

    `named`: ids of customers and workers for its words; `by_term`: ids, and for a place ids and
    addresses, for each term of a text.
    """

    named: Sequence[str] = ()
    by_term: Mapping[Term, Sequence[str]] = field(default_factory=dict)


async def near_of(reader: Rows, wanted: Filter) -> Near:
    """What the texts of a filter are found in; asks nothing where it has none."""
    texts = [term for term in wanted.terms if term.key == TEXT]
    places = [term for term in wanted.terms if term.key == "place"]
    by_term: dict[Term, Sequence[str]] = {}
    named: Sequence[str] = ()
    if wanted.text or texts:
        people = await _plain(
            reader,
            "SELECT customer AS id, name || ' ' || number AS text FROM customer"
            " UNION ALL SELECT worker, name FROM worker",
        )
        if wanted.text:
            named = _with_all(people, folded(wanted.text).split())
        by_term |= {term: _with_all(people, [folded(term.values[0])]) for term in texts}
    if places:
        there = await _plain(
            reader,
            "SELECT place AS id, name || ' ' || address AS text FROM customer_place"
            " UNION SELECT address, address FROM job WHERE address <> ''",
        )
        for term in places:
            values = [folded(value) for value in term.values]
            by_term[term] = [one for one, text in there if any(v in text for v in values)]
    return Near(named, by_term)


async def _plain(reader: Rows, sql: str) -> list[tuple[str, str]]:
    return [(row["id"], folded(row["text"])) for row in await reader.rows(sql)]


def _with_all(plain: Sequence[tuple[str, str]], words: Sequence[str]) -> list[str]:
    return [one for one, text in plain if all(word in text for word in words)][:FOUND_MAX]
