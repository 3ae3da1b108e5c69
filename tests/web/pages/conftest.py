"""Fixtures of the pages' tests: a hub with its pages, on a port of this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.web.board.conftest import town
from tests.web.office import Office, open_office

__all__ = ["office", "town"]


@pytest_asyncio.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """A hub that is set up, with nobody signed in."""
    async for opened in open_office(tmp_path / "hub"):
        yield opened
