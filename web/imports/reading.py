"""How an upload is read, as the page's address says it: encoding, separator, columns, choices.

All of it stands in the query of the preview, so that a preview can be loaded again and each choice
changed without scripts; what the query does not say is guessed. Invariant: columns count only for
the table that they were chosen for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from web.imports.columns import COLUMNS_BY_KIND, guess_columns
from web.imports.plan import SAME_CHOICES
from web.imports.table import Table, read_table
from web.imports.values import ORDERS


@dataclass(frozen=True)
class Reading:
    """A table, what its columns are taken for, and the choices; `asked` says it again."""

    table: Table
    columns: tuple[str, ...]
    same: str
    order: str

    @property
    def form(self) -> str:
        """By what the table was cut: columns that were chosen for another one do not count."""
        return f"{self.table.encoding} {self.table.separator} {int(self.table.has_head)}"

    @property
    def asked(self) -> dict[str, str]:
        """The query that brings this reading back."""
        return {
            "encoding": self.table.encoding,
            "separator": self.table.separator,
            "head": "yes" if self.table.has_head else "no",
            "same": self.same,
            "order": self.order,
            "form": self.form,
            **{f"c{index}": key for index, key in enumerate(self.columns)},
        }


def read_reading(kind: str, data: bytes, asked: Mapping[str, str]) -> Reading:
    """The reading that a query asks for.

    Raises:
        TableError: read like this it is no table, or too large a one.
    """
    head = {"yes": True, "no": False}.get(asked.get("head", ""))
    table = _table(data, asked.get("encoding", ""), asked.get("separator", ""), head)
    same, order = asked.get("same", ""), asked.get("order", "")
    reading = Reading(
        table,
        guess_columns(kind, table),
        same if same in SAME_CHOICES else "skip",
        order if order in ORDERS else _guess_order(table),
    )
    if asked.get("form") != reading.form:
        return reading
    keys = {column.key for column in COLUMNS_BY_KIND[kind]}
    chosen = (asked.get(f"c{index}", "") for index in range(len(table.head)))
    columns = tuple(key if key in keys else "" for key in chosen)
    return Reading(table, columns, reading.same, reading.order)


@lru_cache(maxsize=4)
def _table(data: bytes, encoding: str, separator: str, head: bool | None) -> Table:
    # Kept, since each page of one preview reads the same bytes in the same way.
    return read_table(data, encoding, separator, head)


def _guess_order(table: Table) -> str:
    """Whether days with slashes begin with the month: where a second number is above twelve."""
    for row in table.rows[:200]:
        for cell in row.cells:
            parts = cell.split(" ")[0].split("/")
            if len(parts) == 3 and parts[1].isdecimal() and 12 < int(parts[1]) <= 31:
                return "mdy"
    return "dmy"
