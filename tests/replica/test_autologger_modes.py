"""The automatic logger's switches and modes: off, suggest, timed and automatic."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.dispatch import acts
from core.dispatch.fix import Fix
from tests.build import MINUTE_MS
from tests.replica.pocket import STEP_MS, Pocket, at, near


@pytest.fixture
def pocket(tmp_path: Path) -> Iterator[Pocket]:
    found = Pocket(tmp_path)
    yield found
    found.site.close()


# --- switches


SWITCHES = {
    "jobs off": lambda pocket: pocket.write(acts.set_app(pocket.worker, jobs_on=False)),
    "auto off": lambda pocket: pocket.write(acts.set_app(pocket.worker, auto_on=False)),
    "mode off": lambda pocket: pocket.write(acts.set_app(pocket.worker, auto_mode="off")),
    "extension off": lambda pocket: (
        pocket.hub.write(acts.set_setting("job_dispatch", False)),
        pocket.sync(),
    ),
}


@pytest.mark.parametrize("switch", SWITCHES)
async def test_a_switch_closes_the_log_at_its_last_evidence_and_begins_no_other(
    pocket: Pocket, switch: str
) -> None:
    await pocket.drive(-3_000, -150)
    await pocket.stay(10)
    last_ms = pocket.clock.now_ms() - STEP_MS
    pocket.clock.pass_ms(2 * MINUTE_MS)
    SWITCHES[switch](pocket)
    await pocket.logger.pass_time()
    ((_, stop, _, certainty),) = pocket.logs()
    assert (stop, certainty) == (last_ms, "uncertain")
    await pocket.stay(15)
    await pocket.drive(150, 4_000)
    await pocket.wait(7)
    assert len(pocket.logs()) == 1


# --- modes


async def test_timed_writes_when_the_countdown_is_over(pocket: Pocket) -> None:
    pocket.write(acts.set_app(pocket.worker, auto_mode="timed"))
    await pocket.drive(-3_000, -150)
    began_ms = pocket.clock.now_ms()
    while "start" not in [n.kind for n in pocket.logger.notices() if n.log_kind == "on site"]:
        await pocket.fix(5, 0.2)
    assert pocket.logs() == []
    assert pocket.phase() != "on site", "the phase waits for the countdown too"
    (notice,) = [n for n in pocket.logger.notices() if n.log_kind == "on site"]
    assert notice.until_ms is not None
    pocket.clock.pass_ms(notice.until_ms - 1 - pocket.clock.now_ms())
    await pocket.logger.pass_time()
    assert pocket.logs() == []
    pocket.clock.pass_ms(1)
    await pocket.logger.pass_time()
    ((start, stop, source, _),) = pocket.logs()
    assert near(start, began_ms)
    assert (stop, source) == (None, "auto")
    assert pocket.phase() == "on site"
    await pocket.stay(5)
    await pocket.drive(150, 4_000)
    await pocket.wait(7)
    ((_, stop, _, _),) = pocket.logs()
    assert stop is not None


@pytest.mark.parametrize("agreed", [True, False])
async def test_timed_asks_and_the_worker_has_the_last_word(pocket: Pocket, agreed: bool) -> None:
    pocket.write(acts.set_app(pocket.worker, auto_mode="timed"))
    await pocket.drive(-3_000, -150)
    while not [n for n in pocket.logger.notices() if n.log_kind == "on site"]:
        await pocket.fix(5, 0.2)
    (notice,) = [n for n in pocket.logger.notices() if n.log_kind == "on site"]
    await pocket.logger.answer(notice.notice, agreed)
    assert len(pocket.logs()) == int(agreed)
    await pocket.stay(10)
    await pocket.drive(150, 4_000)
    await pocket.wait(10)
    assert len(pocket.logs()) == int(agreed)


async def test_timed_loses_no_visit_that_ends_within_its_countdown(pocket: Pocket) -> None:
    pocket.write(acts.set_app(pocket.worker, auto_mode="timed"))
    # All fixes come at once, as from an app that had kept them.
    await pocket.drive(-3_000, -150)
    began_ms = pocket.clock.now_ms()
    moments = [(began_ms + step * STEP_MS, step % 3 * 5.0, 0.2) for step in range(30)]
    moments += [(began_ms + (30 + step) * STEP_MS, 150 + 200.0 * step, 10.0) for step in range(20)]
    pocket.clock.pass_ms(55 * STEP_MS)
    for time_ms, north_m, speed_mps in moments:
        lat_e7, lon_e7 = at(north_m)
        await pocket.logger.take(Fix(time_ms, lat_e7, lon_e7, 8, speed_mps, 0, "owntracks"))
    assert pocket.logs() == []
    await pocket.wait(8)
    ((start, stop, _, _),) = pocket.logs()
    assert near(start, began_ms)
    assert near(stop, began_ms + 30 * STEP_MS)
    assert pocket.logs("travel"), "and the way there counts as well"


async def test_suggest_writes_nothing_by_itself(pocket: Pocket) -> None:
    pocket.write(acts.set_app(pocket.worker, auto_mode="suggest"))
    began_ms, ended_ms = await pocket.visit()
    assert pocket.rows("SELECT * FROM time_log") == []
    assert pocket.phase() == "assigned"
    shown = [(n.kind, n.log_kind) for n in pocket.logger.notices()]
    assert ("arrived", "on site") not in shown, "who has left is not asked of the arrival"
    (notice,) = [n for n in pocket.logger.notices() if (n.kind, n.log_kind) == ("log", "on site")]
    await pocket.logger.answer(notice.notice, True)
    ((start, stop, _, _),) = pocket.logs()
    assert near(start, began_ms)
    assert near(stop, ended_ms)


async def test_an_arrival_agreed_to_needs_no_second_yes(pocket: Pocket) -> None:
    pocket.write(acts.set_app(pocket.worker, auto_mode="suggest"))
    await pocket.drive(-3_000, -150)
    await pocket.stay(6)
    await pocket.answer("arrived", True)
    ((_, stop, _, _),) = pocket.logs()
    assert stop is None
    assert pocket.phase() == "on site"
    await pocket.stay(10)
    ended_ms = pocket.clock.now_ms()
    await pocket.drive(150, 4_000)
    await pocket.wait(7)
    ((_, stop, _, _),) = pocket.logs()
    assert near(stop, ended_ms)
    assert "log" not in [n.kind for n in pocket.logger.notices() if n.log_kind == "on site"]


async def test_a_suggestion_refused_writes_nothing(pocket: Pocket) -> None:
    pocket.write(acts.set_app(pocket.worker, auto_mode="suggest"))
    await pocket.drive(-3_000, -150)
    await pocket.stay(6)
    await pocket.answer("arrived", False)
    await pocket.stay(10)
    await pocket.drive(150, 4_000)
    await pocket.wait(7)
    assert pocket.logs() == []
    assert pocket.phase() == "assigned"


async def test_a_mode_of_a_later_version_logs_nothing(pocket: Pocket) -> None:
    stream = pocket.worker
    pocket.write([acts.Change(stream, (62,), "telepathic")])
    await pocket.visit()
    assert pocket.rows("SELECT * FROM time_log") == []
