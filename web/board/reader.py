"""What the board asks its questions of. Holds a protocol and no code."""

from __future__ import annotations

from typing import Any, Protocol

from core.log.stream import StreamState
from replica.history import HistoryRow


class Rows(Protocol):
    """What can be asked: `replica.reader.Reader` in a running hub."""

    async def rows(self, sql: str, parameters: Any = ...) -> list[Any]:
        """All rows of one question."""

    async def row(self, sql: str, parameters: Any = ...) -> Any:
        """The first row, or None."""

    async def answers(self, *questions: tuple[str, Any]) -> list[list[Any]]:
        """The rows of each question, SQL and parameters, asked together."""

    async def state(self, stream: str) -> StreamState:
        """The fold of a stream (hex id)."""

    async def history(self, stream: str) -> list[HistoryRow]:
        """Every change of a stream (hex id), the oldest first."""

    async def history_since(self, stream: str, tips: Any) -> list[HistoryRow]:
        """The changes that the heads of a frontier token do not cover."""
