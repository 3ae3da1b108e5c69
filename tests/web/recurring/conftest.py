"""Fixtures of the tests of recurring jobs: the board's town."""

from __future__ import annotations

from tests.web.board.conftest import town

__all__ = ["town"]
