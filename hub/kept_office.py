"""Who may sign in, the site's settings and saved views, as they stand: every page asks for them.

Holds no HTTP. Invariants: what was committed before a question is in its answer; a closed account
is none.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from core.dispatch.fields import Kind
from replica.reader import Reader
from replica.writer import Writer

_QUESTIONS: Final = (
    ("SELECT account, name, role FROM account WHERE disabled = 0", ()),
    ("SELECT name, value FROM setting", ()),
    ("SELECT view, name, query, owner, position FROM saved_view", ()),
)
_KINDS: Final = (Kind.SITE, Kind.OFFICE)
"""The kinds of the streams whose rows these are."""


@dataclass(frozen=True, slots=True)
class OfficeState:
    """Name and role by account (hex), what each setting is by its name, and rows of saved views."""

    accounts: Mapping[str, tuple[str, str]]
    settings: Mapping[str, object]
    saved_views: Sequence[Any]


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
                accounts, settings, views = await self._reader.answers(*_QUESTIONS)
                self._state = OfficeState(
                    {row["account"]: (row["name"], row["role"]) for row in accounts},
                    MappingProxyType({row["name"]: json.loads(row["value"]) for row in settings}),
                    views,
                )
                self._made_at = at
            return self._state

    def _at(self) -> tuple[int, ...]:
        return tuple(self._commits[kind] for kind in _KINDS)
