"""Hub and phone killed at random moments: nothing acknowledged is lost, nothing is doubled."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.dispatch import acts
from tests.build import Site
from tests.journey.kills import work_under_kills, wrong_notes

# The suite kills a few times; `make figures` and `make proof` many more.
KILLS = 8


@pytest.mark.timeout(60 + 12 * KILLS)
async def test_what_was_acknowledged_survives_kills_of_both_sides_once(tmp_path: Path) -> None:
    found, acknowledged = await work_under_kills(tmp_path, KILLS, 20261123)
    assert found == []
    assert acknowledged, "nothing was ever acknowledged, so nothing was tested"


def test_a_note_that_is_lost_doubled_or_invented_is_told(site: Site) -> None:
    hub = site.hub()
    job, _ = site.job(hub, "Boiler service")
    for text in ("one", "two", "two", "three"):
        hub.write(acts.add_note(job, text))
    assert wrong_notes(hub.store.path, ["one", "lost"], ["one", "two", "lost"]) == [
        "1 of 2 notes lost: ['lost']",
        "1 of 2 notes doubled: ['two']",
        "1 of 2 notes invented: ['three']",
    ]
    assert wrong_notes(hub.store.path, ["one"], ["one", "two", "three"])[0].endswith("['two']")
