"""A question about many ids, asked for some hundreds of them at a time.

Asked for one id after another it takes several times as long, most of it on the way to SQLite and
back. Texts of questions are few, so that each is understood once. Invariant: every id is asked for.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

# How many ids one question names; a shorter list is filled up with its last.
_SIZES = (8, 64, 512)


def rows_of(
    db: sqlite3.Connection, question: str, ids: Iterable[bytes] | Iterable[str], *values: object
) -> Iterator[Any]:
    """The rows of a question that says `IN (:ids)`; other `values` stand before the ids.

    Ids are asked for in their order, each once, and the rows of some hundreds come together.
    """
    wanted: list[Any] = sorted(set(ids))
    for at in range(0, len(wanted), _SIZES[-1]):
        portion = wanted[at : at + _SIZES[-1]]
        size = next(size for size in _SIZES if size >= len(portion))
        portion += portion[-1:] * (size - len(portion))
        asked = question.replace(":ids", ", ".join("?" * size))
        yield from db.execute(asked, (*values, *portion))
