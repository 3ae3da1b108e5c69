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
_SAY_IT: Final = frozenset({Kind.SITE, Kind.OFFICE})
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
        self._changes = writer.subscribe()
        self._reading = asyncio.Lock()
        self._state: OfficeState | None = None

    async def state(self) -> OfficeState:
        """As it is now."""
        # One at a time: who comes while it is read waits for this one, and gets no older one.
        async with self._reading:
            # Forgotten before anything is read: should that be interrupted, the next one reads.
            if any(stream[4] in _SAY_IT for stream in self._changes.take()):
                self._state = None
            if self._state is None:
                accounts, settings = await self._reader.answers(*_QUESTIONS)
                self._state = OfficeState(
                    {row["account"]: (row["name"], row["role"]) for row in accounts},
                    MappingProxyType({row["name"]: json.loads(row["value"]) for row in settings}),
                )
            return self._state
