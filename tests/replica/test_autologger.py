"""The automatic logger on a real store: what a day with a phone in the pocket leaves behind."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.dispatch import acts
from core.dispatch.acts import Act
from core.dispatch.fields import LogKind, Phase
from core.dispatch.fix import Fix
from replica.autologger import AutoLogger
from replica.replica import Replica
from replica.writer import Writer
from tests.build import MINUTE_MS, START_MS, SettableClock, Site, hold

DAY = "2026-03-02"
DUTY = b"duty-one"
STEP_MS = 20_000
LAT, LON = 601_000_000, 249_000_000
E7_PER_M = 89.83


class Pocket:
    """A worker's phone on duty with one job, and the walk through its day."""

    def __init__(self, folder: Path) -> None:
        self.site = Site(folder)
        self.clock = SettableClock()
        self.hub = self.site.hub(clock=self.clock)
        self.worker = self.site.worker(self.hub, "Aino")
        self.hub.write(acts.set_setting("job_dispatch", True))
        self.job, self.turn = self.give("Boiler", 0)
        self.replica = self.site.phone(self.hub, self.worker, clock=self.clock)
        self.restart(self.replica)
        self.sync()
        self.write(acts.start_duty(self.worker, DAY, DUTY))
        self.clock.pass_ms(MINUTE_MS)

    def give(self, title: str, north_m: int) -> tuple[bytes, bytes]:
        """A job whose place is so far north of the first one's."""
        job, (turn,) = self.site.job(self.hub, title, self.worker)
        self.hub.write(acts.edit_job(job, {"point": at(north_m), "radius": 100}))
        return job, turn

    def restart(self, replica: Replica) -> None:
        """What runs when the program starts anew."""
        self.replica = replica
        self.writer = Writer(replica, None)
        self.logger = AutoLogger(self.writer, self.worker, lambda: None)

    def kill(self) -> None:
        """End the program without a word, and start it on what the file holds."""
        self.restart(self.site._open(self.replica.store.path.parent, self.clock))

    def sync(self) -> None:
        assert hold(self.replica, self.hub).live

    def write(self, changes: Act) -> None:
        """An act by hand on this phone."""
        self.replica.write(changes)

    # --- the walk

    async def fix(
        self, north_m: float, speed_mps: float = 0.0, *, ago_ms: int = 0, mock: bool = False
    ) -> bool:
        """One fix; then time passes until the next."""
        lat_e7, lon_e7 = at(north_m)
        found = Fix(
            self.clock.now_ms() - ago_ms, lat_e7, lon_e7, 8, speed_mps, 0, "owntracks", mock
        )
        taken = await self.logger.take(found)
        self.clock.pass_ms(STEP_MS)
        return taken

    async def drive(self, from_m: int, to_m: int, *, mock: bool = False) -> None:
        steps = max(1, abs(to_m - from_m) // 200)
        for step in range(1, steps + 1):
            await self.fix(from_m + (to_m - from_m) * step / steps, 10.0, mock=mock)

    async def stay(self, minutes: float, *, mock: bool = False) -> int:
        """Stay at the first job's place; the time at which it began."""
        began_ms = self.clock.now_ms()
        for step in range(int(minutes * 3)):
            await self.fix(step % 3 * 5, 0.2, mock=mock)
        return began_ms

    async def visit(self, minutes: float = 25) -> tuple[int, int]:
        """Drive there, stay, drive away; when the stay began and ended."""
        await self.drive(-3_000, -150)
        began_ms = await self.stay(minutes)
        ended_ms = self.clock.now_ms()
        await self.drive(150, 4_000)
        await self.wait(7)
        return began_ms, ended_ms

    async def wait(self, minutes: float) -> None:
        """Let time pass without a fix."""
        for _ in range(int(minutes * 2)):
            self.clock.pass_ms(MINUTE_MS // 2)
            await self.logger.pass_time()

    # --- what is left behind

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        return [tuple(row) for row in self.replica.store.db.execute(sql)]

    def logs(self, kind: str = "on site") -> list[tuple[int, int | None, str, str]]:
        """Start, stop, source and certainty of the logs that count."""
        db = self.replica.store.db
        return db.execute(
            "SELECT start_at, stop_at, source, certainty FROM time_log "
            "WHERE kind = ? AND superseded = 0 ORDER BY start_at",
            (kind,),
        ).fetchall()

    def phase(self) -> str:
        ((phase,),) = self.rows("SELECT phase FROM assignment")
        return str(phase)

    def notices(self) -> list[str]:
        return [notice.kind for notice in self.logger.notices()]

    async def answer(self, kind: str, agreed: bool) -> None:
        """The worker's word on the one notice of a kind."""
        (notice,) = [each for each in self.logger.notices() if each.kind == kind]
        await self.logger.answer(notice.notice, agreed)

    def left(self) -> list[object]:
        """Everything that the logger is there for."""
        return [
            self.rows("SELECT kind, start_at, stop_at, source, certainty, evidence FROM time_log"),
            self.rows("SELECT phase FROM assignment"),
            sorted(fix for (fixes,) in self.rows("SELECT fixes FROM track")
                   for fix in json.loads(str(fixes))),
            [notice.notice for notice in self.logger.notices()],
        ]  # fmt: skip


def at(north_m: float) -> list[int]:
    return [LAT + round(north_m * E7_PER_M), LON]


@pytest.fixture
def pocket(tmp_path: Path) -> Iterator[Pocket]:
    found = Pocket(tmp_path)
    yield found
    found.site.close()


def near(found_ms: int | None, true_ms: int) -> bool:
    return found_ms is not None and abs(found_ms - true_ms) <= 3 * STEP_MS


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
    tracked = {fix[0] for (fixes,) in pocket.rows("SELECT fixes FROM track")
               for fix in json.loads(str(fixes))}  # fmt: skip
    on_site = pocket.rows("SELECT evidence FROM time_log WHERE kind = 'on site'")
    assert set(json.loads(str(on_site[0][0]))["fixes"]) <= tracked


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
    pocket.write(acts.stop_duty(pocket.worker, DAY, DUTY))
    await pocket.logger.pass_time()
    before = pocket.replica.position(), pocket.replica.store.get("autolog")
    await pocket.visit()
    assert (pocket.replica.position(), pocket.replica.store.get("autolog")) == before
    assert pocket.rows("SELECT * FROM time_log") == []
    assert pocket.rows("SELECT * FROM track") == []


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
    (times,) = [
        {fix[0] for (fixes,) in pocket.rows("SELECT fixes FROM track")
         for fix in json.loads(str(fixes))}
    ]  # fmt: skip
    assert min(times) > duty_ms


async def test_a_fix_taken_on_duty_and_delivered_after_it_is_kept_as_track_alone(
    pocket: Pocket,
) -> None:
    pocket.clock.pass_ms(10 * MINUTE_MS)
    pocket.write(acts.stop_duty(pocket.worker, DAY, DUTY))
    pocket.clock.pass_ms(2 * MINUTE_MS)
    await pocket.logger.pass_time()
    assert await pocket.fix(500, ago_ms=5 * MINUTE_MS)
    assert not await pocket.fix(900, ago_ms=MINUTE_MS // 2)
    await pocket.logger.pass_time()
    ((fixes,),) = pocket.rows("SELECT fixes FROM track")
    assert [fix[1] for fix in json.loads(str(fixes))] == [at(500)[0]]
    assert pocket.rows("SELECT * FROM time_log") == []


async def test_going_off_duty_closes_the_log_at_its_last_evidence_and_marks_it(
    pocket: Pocket,
) -> None:
    await pocket.drive(-3_000, -150)
    await pocket.stay(10)
    last_ms = pocket.clock.now_ms() - STEP_MS
    pocket.clock.pass_ms(3 * MINUTE_MS)
    pocket.write(acts.stop_duty(pocket.worker, DAY, DUTY))
    await pocket.logger.pass_time()
    ((_, stop, _, certainty),) = pocket.logs()
    assert (stop, certainty) == (last_ms, "uncertain")
    assert pocket.rows("SELECT fixes FROM track"), "what waited is written when duty ends"


async def test_a_duty_that_began_yesterday_goes_on_over_midnight(tmp_path: Path) -> None:
    pocket = Pocket(tmp_path)
    pocket.write(acts.stop_duty(pocket.worker, DAY, DUTY))
    pocket.clock.pass_ms(15 * 60 * MINUTE_MS)  # 22:01 UTC
    pocket.write(acts.start_duty(pocket.worker, DAY, b"duty-two"))
    pocket.clock.pass_ms(115 * MINUTE_MS)  # 23:56
    began_ms, ended_ms = await pocket.visit()
    ((start, stop, *_),) = pocket.logs()
    assert near(start, began_ms)
    assert near(stop, ended_ms)
    days = {str(day) for (day,) in pocket.rows("SELECT day FROM track")}
    assert days == {DAY, "2026-03-03"}
    pocket.site.close()


async def test_a_forgotten_duty_is_over_after_sixteen_hours(pocket: Pocket) -> None:
    pocket.clock.pass_ms(16 * 60 * MINUTE_MS)
    await pocket.logger.pass_time()
    assert not pocket.logger.on_duty
    assert not await pocket.fix(0)


async def test_a_clock_that_was_set_right_on_duty_ends_no_duty(pocket: Pocket) -> None:
    pocket.clock.wall_ms -= 60 * MINUTE_MS  # It ran an hour ahead; the monotonic clock runs on.
    await pocket.logger.pass_time()
    assert pocket.logger.on_duty
    assert await pocket.fix(0)


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
    pocket.clock.wall_ms = notice.until_ms - 1
    await pocket.logger.pass_time()
    assert pocket.logs() == []
    pocket.clock.wall_ms += 1
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
    moments = []
    for step in range(30):
        moments.append((began_ms + step * STEP_MS, step % 3 * 5.0, 0.2))
    for step in range(20):
        moments.append((began_ms + (30 + step) * STEP_MS, 150 + 200.0 * step, 10.0))
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


# --- the worker's own hand


async def test_a_log_that_runs_by_hand_is_not_doubled(pocket: Pocket) -> None:
    await pocket.drive(-3_000, -150)
    pocket.write(acts.start_log(pocket.worker, DAY, pocket.job, b"by-hand!", LogKind.ON_SITE))
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
    tracks = [json.loads(str(fixes)) for (fixes,) in pocket.rows("SELECT fixes FROM track")]
    assert 2 <= len(tracks) <= 12
    times = [fix[0] for track in sorted(tracks) for fix in track]
    assert times == sorted(set(times))
    assert times[0] == START_MS + MINUTE_MS
    pocket.sync()
    assert pocket.hub.store.db.execute("SELECT count(*) FROM track").fetchone() == (len(tracks),)


async def test_what_cannot_be_written_now_is_written_at_the_next_turn(pocket: Pocket) -> None:
    await pocket.drive(-3_000, -150)
    await pocket.stay(10)
    other = sqlite3.connect(pocket.replica.store.path, isolation_level=None)
    pocket.replica.store.db.execute("PRAGMA busy_timeout = 1")
    pocket.write(acts.set_app(pocket.worker, auto_on=False))
    other.execute("BEGIN IMMEDIATE")
    running = asyncio.ensure_future(pocket.logger.run())
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
