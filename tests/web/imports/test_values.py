"""What the cells of a file mean: days with times and offsets."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from web.imports.values import read_window

PRAGUE = ZoneInfo("Europe/Prague")
EIGHT_MS = 1_763_881_200_000
"""08:00 in Prague on 23 November 2025."""
HOUR_MS = 3_600_000


@pytest.mark.parametrize(
    ("day", "start", "hour"),
    [
        ("2025-11-23T07:00Z", "", 0),
        ("2025-11-23T08:00", "", 0),
        ("2025-11-23", "2025-11-23T07:00Z", 0),
        ("2025-11-23T23:30Z", "8:00", 24),
    ],
)
def test_an_offset_counts_in_whichever_cell_it_stands(day: str, start: str, hour: int) -> None:
    window = read_window(day, start, "", 60, PRAGUE, "dmy")
    assert window is not None
    assert window[0] == EIGHT_MS + hour * HOUR_MS
