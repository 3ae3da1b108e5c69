"""What the health check is told of the phone, under a clock that stands off."""

from __future__ import annotations

from pathlib import Path

from core.dispatch.fix import Fix
from replica.phone_watch import PhoneWatch
from tests.build import SettableClock
from tests.replica.test_device import at_work

HOUR_MS = 3_600_000


async def test_a_phone_whose_clock_stands_off_tells_all_by_the_true_time(
    tmp_path: Path, clock: SettableClock
) -> None:
    async with at_work(tmp_path, clock) as (_, phone, _, _):
        own = SettableClock(clock.now_ms() - 3 * HOUR_MS)
        folder = tmp_path / "watched"
        folder.mkdir()

        def now_ms() -> int:
            return own.now_ms() + 3 * HOUR_MS

        PhoneWatch(folder, own, now_ms).begin()
        own.pass_ms(HOUR_MS)
        watch = PhoneWatch(folder, own, now_ms)
        watch.begin()
        watch.saw(Fix(now_ms(), 1, 1, 5))
        facts = await watch.facts(
            phone.reader, phone.worker, auto_on=True, battery_percent=None, room_kept=True,
            offset_ms=3 * HOUR_MS, notifies=False, met_at_ms=None, damaged=False,
        )  # fmt: skip
        (still,) = facts.standstills
        assert (still.start_ms, still.end_ms) == (clock.now_ms(), clock.now_ms() + HOUR_MS)
        assert facts.heard_ms == facts.now_ms == clock.now_ms() + HOUR_MS


async def test_only_on_duty_is_it_noticed_that_the_program_did_not_run(
    tmp_path: Path, clock: SettableClock
) -> None:
    def still() -> list[tuple[int, int, bool]]:
        kept = watch._standstills.kept
        return [(each.start_ms, each.end_ms, each.ended) for each in kept]

    watch = PhoneWatch(tmp_path, clock, clock.now_ms)
    watch.begin()
    watch.heed_duty(False)
    clock.pass_ms(5 * HOUR_MS)
    watch.heed_duty(True)
    assert still() == [], "off duty nothing beats, and nothing is missed"
    began_ms = clock.now_ms()
    clock.pass_ms(HOUR_MS)
    # Killed on duty, and started again.
    watch = PhoneWatch(tmp_path, clock, clock.now_ms)
    watch.begin()
    assert still() == [(began_ms, clock.now_ms(), True)]
    watch.heed_duty(True)
    watch.heed_duty(False)
    clock.pass_ms(HOUR_MS)
    watch = PhoneWatch(tmp_path, clock, clock.now_ms)
    watch.begin()
    assert len(still()) == 1, "an end off duty is none"
