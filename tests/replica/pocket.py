"""A phone in a worker's pocket: a real replica and logger under a clock that tests set."""

from __future__ import annotations

from pathlib import Path

from core.dispatch import acts, day_acts
from core.dispatch.acts import Act
from core.dispatch.fix import Fix
from replica.autologger import AutoLogger
from replica.replica import Replica
from replica.writer import Writer
from tests.build import MINUTE_MS, SettableClock, Site, hold, tracks_held

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
        self.said_last: Fix | None = None
        self.hub = self.site.hub(clock=self.clock)
        self.worker = self.site.worker(self.hub, "Aino")
        self.hub.write(acts.set_setting("job_dispatch", True))
        self.job, self.turn = self.give("Boiler", 0)
        self.replica = self.site.phone(self.hub, self.worker, clock=self.clock)
        self.restart(self.replica)
        self.sync()
        self.write(day_acts.start_duty(self.worker, DAY, DUTY))
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
        self.said_last = found
        self.clock.pass_ms(STEP_MS)
        return taken

    async def say_again(self) -> bool:
        """The fix that was said last, as an app does that had no answer."""
        assert self.said_last is not None
        return await self.logger.take(self.said_last)

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
            [track.fixes for track in tracks_held(self.replica)],
            [notice.notice for notice in self.logger.notices()],
        ]  # fmt: skip


def at(north_m: float) -> list[int]:
    return [LAT + round(north_m * E7_PER_M), LON]


def near(found_ms: int | None, true_ms: int) -> bool:
    return found_ms is not None and abs(found_ms - true_ms) <= 3 * STEP_MS
