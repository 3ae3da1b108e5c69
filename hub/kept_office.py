"""Who may sign in, and the site's settings, as they stand: every request asks for them.

Holds no HTTP. Invariants: what was committed before a question is in its answer; a closed account
is none.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from core.dispatch.fields import Kind
from replica.reader import Reader
from replica.writer import Writer

_QUESTIONS: Final = (
    ("SELECT account, name, role FROM account WHERE disabled = 0", ()),
    ("SELECT name, value FROM setting", ()),
)
_KINDS: Final = (Kind.SITE, Kind.OFFICE)
"""The kinds of the streams whose rows these are."""


@dataclass(frozen=True, slots=True)
class OfficeState:
    """Name and role by account (hex), and what each setting is by its name."""

    accounts: Mapping[str, tuple[str, str]]
    settings: Mapping[str, object]


class KeptOffice:
    """The newest state, which is read again only where one of its streams changed."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._commits = writer.commits_by_kind
        self._reading = asyncio.Lock()
        self._made_at: tuple[int, ...] = ()
        self._state: OfficeState | None = None

    async def state(self) -> OfficeState:
        """As it is now."""
        # By what was committed, and not by word of it, which comes later: nobody stays in so long.
        at = self._at()
        if self._state is not None and self._made_at == at:
            return self._state
        # One at a time: who comes while it is read waits for this one, and gets no older one.
        async with self._reading:
            at = self._at()
            if self._state is None or self._made_at != at:
                accounts, settings = await self._reader.answers(*_QUESTIONS)
                self._state = OfficeState(
                    {row["account"]: (row["name"], row["role"]) for row in accounts},
                    MappingProxyType({row["name"]: json.loads(row["value"]) for row in settings}),
                )
                self._made_at = at
            return self._state

    def _at(self) -> tuple[int, ...]:
        return tuple(self._commits[kind] for kind in _KINDS)
