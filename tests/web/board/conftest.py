"""Fixtures of the board's tests: a town whose hub has Job Dispatch on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.web.board.desk import desk
from tests.web.board.town import Town
from tests.web.office import open_office

__all__ = ["desk", "town"]


@pytest_asyncio.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    """A town with nobody in it yet."""
    async for office in open_office(tmp_path / "hub"):
        built = Town(office, tmp_path)
        await built.turn_on()
        yield built
        await built.close()
