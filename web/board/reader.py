"""What the board asks its questions of. Holds a protocol and no code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from core.log.stream import StreamState
from replica.history import HistoryRow


class Rows(Protocol):
    """What can be asked: `replica.reader.Reader` in a running hub."""

    async def rows(self, sql: str, parameters: Any = ...) -> list[Any]:
        """All rows of one question."""

    async def row(self, sql: str, parameters: Any = ...) -> Any:
        """The first row, or None."""

    async def answers(
        self,
        *questions: tuple[str, Any],
        more: Callable[[list[Any]], Sequence[tuple[str, Any]]] | None = ...,
    ) -> list[list[Any]]:
        """The rows of each question, SQL and parameters, asked together.

        `more` makes further ones of the first one's rows, on another thread.
        """

    async def state(self, stream: str) -> StreamState:
        """The fold of a stream (hex id)."""

    async def history(self, stream: str) -> list[HistoryRow]:
        """Every change of a stream (hex id), the oldest first."""

    async def history_since(self, stream: str, tips: Any) -> list[HistoryRow]:
        """The changes that the heads of a frontier token do not cover."""
