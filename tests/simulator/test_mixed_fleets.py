"""A fleet of earlier and later programs loses nothing on the way, and shows the same in the end."""

from __future__ import annotations

import pytest

from replica.replica import Replica
from tests.mixed_fleets import mixed_fleets


def test_a_fleet_that_is_upgraded_one_by_one_ends_without_a_violation() -> None:
    assert mixed_fleets(2, 1) == []


def test_programs_that_leave_what_the_earlier_ones_kept_unread_are_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Replica, "_read_anew", lambda _: None)
    (found,) = mixed_fleets(1, 2)
    assert found.startswith("seed 2: equal:")
