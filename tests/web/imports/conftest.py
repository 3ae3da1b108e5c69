"""Fixtures of the imports' tests: a hub that is set up, and a town with phones."""

from __future__ import annotations

from tests.web.board.conftest import town
from tests.web.pages.conftest import office

__all__ = ["office", "town"]
