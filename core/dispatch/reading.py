"""How a program reads the log: which formats and fields it knows, as one value.

Two versions of the program that hold the same entries may read them differently: the earlier one
keeps inert what it does not know. So what was made from the log, rows and counts, belongs to the
reading that made it, and a store remembers which one that was (`mark`). Holds no entries.
Invariant: two programs with equal marks make the same rows of the same entries.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial

from core.dispatch.fields import FIELDS, Field
from core.dispatch.permits import permits
from core.log.canonical import pack
from core.log.chain import named_id
from core.log.entry import FORMAT
from core.log.stream import Permits

# Raised with every change after which the same entries make other states or other rows: of what is
# permitted, of a value's shape, of the fold, of a projection. Formats and fields count by
# themselves. `tests/versions` fails until it is raised.
RULES = 10


@dataclass(frozen=True)
class Reading:
    """`formats` of entries are read; entries are written in format `writes`, or in a later one
    where they replace what was written in it. `fields` by code are known; `rules` is `RULES`."""

    formats: frozenset[int] = frozenset({FORMAT})
    writes: int = FORMAT
    fields: Mapping[int, Field] = field(default_factory=lambda: FIELDS)
    rules: int = RULES

    @property
    def permits(self) -> Permits:
        """What certificates permit, as far as this reading knows the fields."""
        return partial(permits, known=self.fields)

    @cached_property
    def mark(self) -> bytes:
        """8 bytes that differ where the same entries may make other states or rows."""
        known = [
            [
                each.code,
                each.name,
                None if each.kind is None else int(each.kind),
                list(each.ids),
                sorted(map(int, each.roles)),
                each.rule.name,
                # Of a sentence its English alone is packed.
                None if each.label is None else "".join((each.label,)),
            ]
            for _, each in sorted(self.fields.items())
        ]
        return named_id("reading", pack([self.rules, sorted(self.formats), known]))


# What this version of the program reads and writes.
PRESENT = Reading()
