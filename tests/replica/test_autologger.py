"""The automatic logger on a real store: what a day with a phone in the pocket leaves behind."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.dispatch import acts, day_acts, erasure
from core.dispatch.fields import Kind, LogKind, Phase
from core.dispatch.workday import day_of
from replica.projection.day import tracks_in
from tests.build import MINUTE_MS, START_MS, tracks_held
from tests.replica.pocket import DAY, DUTY, STEP_MS, Pocket, at, near


@pytest.fixture
def pocket(tmp_path: Path) -> Iterator[Pocket]:
    found = Pocket(tmp_path)
    yield found
    found.site.close()


# --- a plain visit


async def test_a_visit_is_logged_from_its_true_beginning_and_never_finished(
    pocket: Pocket,
) -> None:
    began_ms, ended_ms = await pocket.visit()
    ((start, stop, source, certainty),) = pocket.logs()
    assert near(start, began_ms)
    assert near(stop, ended_ms)
    assert (source, certainty) == ("auto", "")
    assert pocket.phase() == "on site"
    assert pocket.notices() == ["finish"]
    assert pocket.logs("travel"), "the way there is logged too"
    await pocket.answer("finish", True)
    assert pocket.phase() == "finished"
    assert pocket.notices() == []


async def test_the_arrival_is_told_while_it_goes_on_and_a_no_takes_it_back(pocket: Pocket) -> None:
    await pocket.drive(-3_000, -150)
    await pocket.stay(6)
    assert pocket.notices() == ["start"]
    assert len(pocket.logs()) == 1
    await pocket.answer("start", False)
    assert (pocket.logs(), pocket.notices()) == ([], [])
    await pocket.stay(6)
    assert pocket.logs() == [], "the place stays quiet until the worker has left it"


async def test_every_automatic_log_names_its_fixes_and_its_rule(pocket: Pocket) -> None:
    await pocket.visit()
    for (evidence,) in pocket.rows("SELECT evidence FROM time_log WHERE source = 'auto'"):
        named = json.loads(str(evidence))
        assert named["fixes"]
        assert named["rule"][1] == 3
    tracked = {fix.time_ms for track in tracks_held(pocket.replica) for fix in track.fixes}
    on_site = pocket.rows("SELECT evidence FROM time_log WHERE kind = 'on site'")
    assert set(json.loads(str(on_site[0][0]))["fixes"]) <= tracked


async def test_a_fix_that_is_said_again_after_a_kill_is_kept_once(pocket: Pocket) -> None:
    for north_m, speed_mps in WALK:
        await pocket.fix(north_m, speed_mps)
        pocket.kill()
        # The app had no answer, so it says the same again.
        await pocket.say_again()
    await pocket.wait(7)
    times = [fix.time_ms for track in tracks_held(pocket.replica) for fix in track.fixes]
    assert times
    assert len(times) == len(set(times))


async def test_a_phone_killed_after_every_fix_leaves_the_same_behind(tmp_path: Path) -> None:
    left = []
    for killed in (False, True):
        pocket = Pocket(tmp_path / str(killed))
        for north_m, speed_mps in WALK:
            await pocket.fix(north_m, speed_mps)
            if killed:
                pocket.kill()
        await pocket.wait(7)
        left.append(pocket.left())
        pocket.site.close()
    assert left[0] == left[1]
    assert len(left[0][0]) >= 2  # type: ignore[arg-type]


WALK = [
    *((-3_000 + 200 * step, 10.0) for step in range(15)),
    *((step % 3 * 5.0, 0.2) for step in range(36)),
    *((150 + 200.0 * step, 10.0) for step in range(15)),
]


async def test_notices_survive_a_kill(pocket: Pocket) -> None:
    await pocket.drive(-3_000, -150)
    await pocket.stay(6)
    before = [notice.notice for notice in pocket.logger.notices()]
    pocket.kill()
    await pocket.logger.pass_time()
    assert [notice.notice for notice in pocket.logger.notices()] == before != []
    await pocket.answer("start", False)
    assert pocket.logs() == []


async def test_what_a_later_version_kept_is_begun_anew(pocket: Pocket) -> None:
    await pocket.drive(-3_000, -150)
    with pocket.replica.store.transaction():
        kept = json.loads(pocket.replica.store.get("autolog"))
        pocket.replica.store.put("autolog", json.dumps([99, {"new": 1}, "other", kept[3]]))
    pocket.kill()
    await pocket.stay(25)
    await pocket.drive(150, 4_000)
    await pocket.wait(7)
    assert len(pocket.logs()) == 1


# --- duty


async def test_off_duty_nothing_is_kept(pocket: Pocket) -> None:
    pocket.write(day_acts.stop_duty(pocket.worker, DAY, DUTY))
    await pocket.logger.pass_time()
    before = pocket.replica.position(), pocket.replica.store.get("autolog")
    await pocket.visit()
    assert (pocket.replica.position(), pocket.replica.store.get("autolog")) == before
    assert pocket.rows("SELECT * FROM time_log") == []
    assert tracks_held(pocket.replica) == []


async def test_a_fix_from_before_the_duty_is_neither_kept_nor_used(pocket: Pocket) -> None:
    assert not await pocket.fix(0, ago_ms=10 * MINUTE_MS)
    for ago_min in range(9, 3, -1):
        assert not await pocket.fix(0, ago_ms=ago_min * MINUTE_MS)
    pocket.clock.pass_ms(5 * MINUTE_MS)
    assert await pocket.fix(0, ago_ms=MINUTE_MS)
    await pocket.stay(25)
    await pocket.drive(150, 4_000)
    await pocket.wait(12)
    ((start, *_),) = pocket.logs()
    duty_ms = START_MS
    assert start > duty_ms
    times = {fix.time_ms for track in tracks_held(pocket.replica) for fix in track.fixes}
    assert min(times) > duty_ms


async def test_a_fix_taken_on_duty_and_delivered_after_it_is_kept_as_track_alone(
    pocket: Pocket,
) -> None:
    pocket.clock.pass_ms(10 * MINUTE_MS)
    pocket.write(day_acts.stop_duty(pocket.worker, DAY, DUTY))
    pocket.clock.pass_ms(2 * MINUTE_MS)
    await pocket.logger.pass_time()
    assert await pocket.fix(500, ago_ms=5 * MINUTE_MS)
    assert not await pocket.fix(900, ago_ms=MINUTE_MS // 2)
    await pocket.logger.pass_time()
    (track,) = tracks_held(pocket.replica)
    assert [fix.lat_e7 for fix in track.fixes] == [at(500)[0]]
    assert pocket.rows("SELECT * FROM time_log") == []


async def test_going_off_duty_closes_the_log_at_its_last_evidence_and_marks_it(
    pocket: Pocket,
) -> None:
    await pocket.drive(-3_000, -150)
    await pocket.stay(10)
    last_ms = pocket.clock.now_ms() - STEP_MS
    pocket.clock.pass_ms(3 * MINUTE_MS)
    pocket.write(day_acts.stop_duty(pocket.worker, DAY, DUTY))
    await pocket.logger.pass_time()
    ((_, stop, _, certainty),) = pocket.logs()
    assert (stop, certainty) == (last_ms, "uncertain")
    assert tracks_held(pocket.replica), "what waited is written when duty ends"


async def test_a_duty_that_began_yesterday_goes_on_over_midnight(tmp_path: Path) -> None:
    pocket = Pocket(tmp_path)
    pocket.write(day_acts.stop_duty(pocket.worker, DAY, DUTY))
    pocket.clock.pass_ms(15 * 60 * MINUTE_MS)  # 22:01 UTC
    pocket.write(day_acts.start_duty(pocket.worker, DAY, b"duty-two"))
    pocket.clock.pass_ms(115 * MINUTE_MS)  # 23:56
    began_ms, ended_ms = await pocket.visit()
    ((start, stop, *_),) = pocket.logs()
    assert near(start, began_ms)
    assert near(stop, ended_ms)
    days = pocket.rows("SELECT stream FROM stream WHERE kind = 6")
    with_tracks = {
        day_of(stream) for (stream,) in days
        if isinstance(stream, bytes) and tracks_in(pocket.replica.state(stream))
    }  # fmt: skip
    assert with_tracks == {DAY, "2026-03-03"}
    pocket.site.close()


async def test_a_forgotten_duty_is_over_after_sixteen_hours(pocket: Pocket) -> None:
    pocket.clock.pass_ms(16 * 60 * MINUTE_MS)
    await pocket.logger.pass_time()
    assert not pocket.logger.on_duty
    assert not await pocket.fix(0)


async def test_a_clock_that_was_set_right_on_duty_ends_no_duty(pocket: Pocket) -> None:
    # It ran an hour ahead, as the hub said at a contact; the monotonic clock runs on.
    right_ms = pocket.clock.now_ms() - 60 * MINUTE_MS
    assert pocket.replica.offset.compare(pocket.clock.uptime_ms(), right_ms)
    pocket.clock.wall_ms = right_ms
    await pocket.logger.pass_time()
    assert pocket.logger.on_duty
    assert await pocket.fix(0)


# --- the worker's own hand


async def test_a_log_that_runs_by_hand_is_not_doubled(pocket: Pocket) -> None:
    await pocket.drive(-3_000, -150)
    pocket.write(day_acts.start_log(pocket.worker, DAY, pocket.job, b"by-hand!", LogKind.ON_SITE))
    await pocket.stay(25)
    await pocket.drive(150, 4_000)
    await pocket.wait(7)
    assert [(source, stop) for _, stop, source, _ in pocket.logs()] == [("manual", None)]


@pytest.mark.parametrize("phase", [Phase.FINISHED, Phase.PAUSED])
async def test_a_button_closes_the_automatic_log_then(pocket: Pocket, phase: Phase) -> None:
    await pocket.drive(-3_000, -150)
    await pocket.stay(10)
    pocket.write(acts.set_phase(pocket.job, pocket.worker, pocket.turn, phase))
    pressed_ms = pocket.clock.now_ms()
    await pocket.logger.pass_time()
    ((_, stop, _, _),) = pocket.logs()
    assert stop == pressed_ms
    await pocket.stay(10)
    await pocket.drive(150, 4_000)
    await pocket.wait(7)
    assert len(pocket.logs()) == 1
    assert pocket.phase() == phase.name.lower()
    assert "finish" not in pocket.notices()


async def test_a_phase_never_goes_back(pocket: Pocket) -> None:
    pocket.write(acts.set_phase(pocket.job, pocket.worker, pocket.turn, Phase.ON_SITE))
    await pocket.drive(-3_000, -150)
    assert pocket.phase() == "on site", "and not travelling"


async def test_no_to_whether_the_job_is_finished_takes_no_time_back(pocket: Pocket) -> None:
    await pocket.visit()
    await pocket.drive(4_000, 150)
    await pocket.stay(6)  # Back again, and asked of the first visit only now.
    before = pocket.logs()
    assert len(before) == 2
    await pocket.answer("finish", False)
    assert pocket.logs() == before


async def test_silence_is_asked_about_and_still_here_keeps_the_log(pocket: Pocket) -> None:
    await pocket.drive(-3_000, -150)
    await pocket.stay(10)
    while "end" not in pocket.notices():
        await pocket.wait(1)
    await pocket.answer("end", False)
    ((_, stop, _, _),) = pocket.logs()
    assert stop is None
    await pocket.stay(5)
    assert len(pocket.logs()) == 1


async def test_silence_agreed_to_ends_the_log_at_its_last_sign(pocket: Pocket) -> None:
    await pocket.drive(-3_000, -150)
    await pocket.stay(10)
    last_ms = pocket.clock.now_ms() - STEP_MS
    while "end" not in pocket.notices():
        await pocket.wait(1)
    await pocket.answer("end", True)
    ((_, stop, _, _),) = pocket.logs()
    assert stop == last_ms
    await pocket.stay(2)
    ((_, stop, _, _),) = pocket.logs()
    assert stop == last_ms


async def test_an_unknown_notice_changes_nothing(pocket: Pocket) -> None:
    await pocket.visit()
    before = pocket.left()
    await pocket.logger.answer("start-none-0", True)
    assert pocket.left() == before


# --- thresholds, mocks, tracks


@pytest.mark.parametrize(("site_min", "own_min", "logged"), [(3, 10, 0), (10, 3, 1), (10, None, 0)])
async def test_the_workers_own_threshold_comes_before_the_sites(
    pocket: Pocket, site_min: int, own_min: int | None, logged: int
) -> None:
    pocket.hub.write(acts.set_setting("threshold_min", site_min))
    pocket.sync()
    if own_min is not None:
        pocket.write(acts.set_app(pocket.worker, threshold_min=own_min))
    await pocket.visit(minutes=6)
    assert len(pocket.logs()) == logged


async def test_places_made_up_by_another_app_never_log_by_themselves(pocket: Pocket) -> None:
    await pocket.drive(-3_000, -150, mock=True)
    await pocket.stay(25, mock=True)
    await pocket.drive(150, 4_000, mock=True)
    await pocket.wait(7)
    assert pocket.rows("SELECT * FROM time_log") == []
    assert pocket.phase() == "assigned"
    assert "log" in pocket.notices(), "but the worker may say that it was so"


async def test_fixes_become_entries_of_some_minutes(pocket: Pocket) -> None:
    await pocket.visit()
    await pocket.wait(12)
    tracks = tracks_held(pocket.replica)
    assert 2 <= len(tracks) <= 12
    times = [fix.time_ms for track in tracks for fix in track.fixes]
    assert times == sorted(set(times))
    assert times[0] == START_MS + MINUTE_MS
    pocket.sync()
    assert tracks_held(pocket.hub) == tracks


async def test_what_cannot_be_written_now_is_written_at_the_next_turn(pocket: Pocket) -> None:
    await pocket.drive(-3_000, -150)
    await pocket.stay(10)
    other = sqlite3.connect(pocket.replica.store.path, isolation_level=None)
    pocket.replica.store.db.execute("PRAGMA busy_timeout = 1")
    pocket.write(acts.set_app(pocket.worker, auto_on=False))
    other.execute("BEGIN IMMEDIATE")
    running = asyncio.get_running_loop().create_task(pocket.logger.run())
    await asyncio.sleep(0.2)
    assert not running.done()
    other.execute("ROLLBACK")
    other.close()
    pocket.logger.wake()
    for _ in range(500):
        if pocket.logs()[0][1] is not None:
            break
        await asyncio.sleep(0.01)
    ((_, stop, _, _),) = pocket.logs()
    assert stop is not None
    running.cancel()
    pocket.logger.wake()  # A wake at the same moment does not hold it back.
    await asyncio.gather(running, return_exceptions=True)


async def test_a_job_that_is_erased_while_its_log_runs_keeps_its_hours(pocket: Pocket) -> None:
    await pocket.drive(-3_000, -150)
    await pocket.stay(12)
    pocket.hub.write(erasure.erase([pocket.job]))
    pocket.sync()
    await pocket.drive(150, 4_000)
    await pocket.wait(7)
    pocket.sync()
    ((start_at, stop_at, source, _),) = pocket.logs()
    assert source == "auto"
    assert stop_at is not None
    assert stop_at - start_at >= 10 * MINUTE_MS
    assert pocket.hub.store.db.execute(
        "SELECT count(*) FROM time_log WHERE kind = 'on site' AND stop_at NOTNULL"
    ).fetchone() == (1,)


async def test_hours_are_written_where_the_track_is_older_than_what_is_kept(
    pocket: Pocket,
) -> None:
    pocket.hub.write(erasure.erase_before(Kind.TRACK, pocket.clock.now_ms() + 2 * 86_400_000))
    pocket.sync()
    await pocket.visit()
    assert tracks_held(pocket.replica) == []
    assert len(pocket.logs()) == 1
