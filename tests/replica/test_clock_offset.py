"""A phone knows from its hub how far its clock stands off, and says so; times stay as written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.dispatch import acts, day_acts
from core.dispatch.fields import LogKind, Phase
from core.dispatch.fix import Fix
from core.log.entry import Entry
from core.log.errors import OverLimit
from core.log.limits import TIMES_TOLD_MAX
from core.log.messages import write
from core.log.relay_messages import TimeAsked, TimeTold
from replica.clock_offset import (
    ANSWER_MS_MAX,
    MEASURED_AGAIN_MS,
    OFFSET_SLACK_MS,
    by_true_time,
    words_of,
)
from replica.replica import Replica
from tests.build import (
    MINUTE_MS,
    START_MS,
    YEAR_MS,
    SettableClock,
    Site,
    clock_of,
    hold,
    streams_of,
)
from tests.replica.files import error_of
from tests.running import running_hub, running_phone, synced, until

HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
DAY = "2026-03-02"


@dataclass
class Pair:
    """A hub whose clock is right, and Ana's phone with a clock of its own."""

    hub: Replica
    ana: bytes
    phone: Replica
    job: bytes
    turn: bytes

    def pass_ms(self, duration_ms: int) -> None:
        for replica in (self.hub, self.phone):
            clock_of(replica).pass_ms(duration_ms)

    def note(self) -> Entry:
        """The entry of a note that Ana writes now."""
        self.phone.write(acts.add_note(self.job, "the key is at number 5"))
        log = self.phone.state(self.job).logs[(self.phone.author, b"")]
        entry = log.placed[-1].entry
        assert entry is not None
        return entry

    def says(self) -> int:
        """How far from the true time her entries are now, as the office reads them."""
        return self.note().corrected_ms - self.hub.clock.now_ms()

    def boot(self, wall_ms: int) -> None:
        """The phone was off, and its clock says something else now."""
        clock = clock_of(self.phone)
        clock.wall_ms, clock.up_ms, clock.boot_number = wall_ms, 20_000, clock.boot_number + 1


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    site = Site(tmp_path, in_memory=True)
    hub = site.hub()
    ana = site.worker(hub, "Ana")
    phone = site.phone(hub, ana)
    job, (turn,) = site.job(hub, "Boiler", ana)
    yield Pair(hub, ana, phone, job, turn)
    site.close()


def near(found_ms: int, true_ms: int = 0) -> bool:
    return abs(found_ms - true_ms) < OFFSET_SLACK_MS


@pytest.mark.parametrize("off_ms", [HOUR_MS, -HOUR_MS, 10 * YEAR_MS, -START_MS])
def test_a_clock_that_stands_off_is_told_in_each_entry_and_never_changes_what_it_said(
    pair: Pair, off_ms: int
) -> None:
    clock_of(pair.phone).wall_ms += off_ms
    assert near(pair.says(), off_ms), "nobody has told it yet"
    assert hold(pair.phone, pair.hub).live
    entry = pair.note()
    assert entry.wall_ms == pair.phone.clock.now_ms()
    assert near(entry.corrected_ms, pair.hub.clock.now_ms())
    assert near(pair.phone.now_ms(), pair.hub.clock.now_ms())


def test_a_clock_that_is_set_to_2036_and_back_between_contacts_moves_no_time(pair: Pair) -> None:
    assert hold(pair.phone, pair.hub).live
    clock = clock_of(pair.phone)
    for by_ms in (10 * YEAR_MS, 3 * HOUR_MS, -10 * YEAR_MS, -3 * HOUR_MS, -START_MS // 2):
        pair.pass_ms(DAY_MS)
        clock.wall_ms += by_ms
        assert near(pair.says())
        pair.pass_ms(HOUR_MS)
        assert near(pair.says())


@pytest.mark.parametrize("before_ms", [0, 10 * YEAR_MS, -START_MS])
@pytest.mark.parametrize("after_ms", [0, "as before"])
def test_after_a_boot_what_can_be_true_is_taken(
    pair: Pair, before_ms: int, after_ms: int | str
) -> None:
    """It may still stand where it stood, or somebody has set it right meanwhile."""
    clock_of(pair.phone).wall_ms += before_ms
    assert hold(pair.phone, pair.hub).live
    pair.pass_ms(2 * DAY_MS)
    off_ms = before_ms if after_ms == "as before" else 0
    pair.boot(pair.hub.clock.now_ms() + off_ms)
    assert near(pair.says())
    pair.pass_ms(HOUR_MS)
    assert near(pair.says())


def test_a_clock_that_forgot_the_time_goes_on_from_when_it_was_last_known(pair: Pair) -> None:
    assert hold(pair.phone, pair.hub).live
    contact_ms = pair.hub.clock.now_ms()
    pair.pass_ms(2 * DAY_MS)
    pair.boot(5 * HOUR_MS)
    first = pair.note().corrected_ms
    assert near(first, contact_ms), "later than that it was for sure, and nobody knows how much"
    pair.pass_ms(HOUR_MS)
    assert near(pair.note().corrected_ms, first + HOUR_MS)
    assert hold(pair.phone, pair.hub).live
    assert near(pair.says())


def test_a_job_that_was_finished_in_1970_stays_on_the_phone_for_its_time(pair: Pair) -> None:
    clock_of(pair.phone).wall_ms = 5 * HOUR_MS
    assert hold(pair.phone, pair.hub).live
    pair.phone.write(acts.set_phase(pair.job, pair.ana, pair.turn, Phase.FINISHED))
    assert hold(pair.phone, pair.hub).live
    pair.pass_ms(29 * DAY_MS)
    assert hold(pair.phone, pair.hub).live
    assert pair.job in streams_of(pair.phone)
    pair.pass_ms(2 * DAY_MS)
    assert hold(pair.phone, pair.hub).live
    assert pair.job not in streams_of(pair.phone)


def test_minutes_across_a_clock_that_was_set_are_those_that_went_by(pair: Pair) -> None:
    assert hold(pair.phone, pair.hub).live
    clock = clock_of(pair.phone)
    log = b"on-site!"
    pair.phone.write(day_acts.start_log(pair.ana, DAY, pair.job, log, LogKind.ON_SITE))
    pair.pass_ms(20 * MINUTE_MS)
    clock.wall_ms += 10 * YEAR_MS
    pair.pass_ms(20 * MINUTE_MS)
    pair.phone.write(day_acts.stop_log(pair.ana, DAY, pair.job, log))
    assert hold(pair.phone, pair.hub).live
    rows = pair.hub.store.db.execute("SELECT seconds, start_at, stop_at FROM time_log").fetchall()
    ((seconds, start, stop),) = rows
    assert seconds == 40 * 60
    assert near(stop - start, 40 * MINUTE_MS)


def test_the_hub_is_asked_once_in_a_while_and_nobody_else(pair: Pair, tmp_path: Path) -> None:
    def asked() -> tuple[int, int]:
        meeting = hold(pair.phone, pair.hub)
        told = [each for each in meeting.read(1) if isinstance(each, TimeTold)]
        return sum(isinstance(each, TimeAsked) for each in meeting.read(0)), len(told)

    assert asked() == (1, 1)
    assert asked() == (0, 0)
    pair.pass_ms(MEASURED_AGAIN_MS)
    assert asked() == (1, 1)
    pair.boot(pair.hub.clock.now_ms())
    assert asked() == (1, 1)
    assert pair.hub.offset.now_ms() == 0


def test_who_asks_without_end_is_not_answered_without_end(pair: Pair) -> None:
    meeting = hold(pair.phone, pair.hub)
    meeting.waiting[1].extend(write(TimeAsked(number)) for number in range(TIMES_TOLD_MAX))
    meeting.run()
    assert isinstance(error_of(meeting, 1), OverLimit)


def test_colleagues_do_not_ask_each_other(site: Site) -> None:
    hub = site.hub()
    phones = [site.phone(hub, site.worker(hub, name)) for name in ("Ana", "Bo")]
    clock_of(phones[1]).wall_ms += HOUR_MS
    meeting = hold(*phones)
    assert not any(isinstance(each, TimeAsked) for side in (0, 1) for each in meeting.read(side))
    assert phones[0].offset.now_ms() == 0


def test_a_phone_whose_clock_stands_in_2036_meets_colleagues_all_the_same(site: Site) -> None:
    """By its clock their certificates have run out; it knows from its hub that they have not."""
    hub = site.hub()
    phones = [site.phone(hub, site.worker(hub, name)) for name in ("Ana", "Bo")]
    for phone in phones:
        assert hold(phone, hub).live
    clock_of(phones[0]).wall_ms += 10 * YEAR_MS
    assert hold(*phones).live
    assert hold(phones[1], phones[0]).live


def test_a_phone_that_was_told_a_wrong_year_meets_its_hub_and_is_put_right(pair: Pair) -> None:
    """By that year the hub's own certificate has run out, and nobody else knows better."""
    assert hold(pair.phone, pair.hub).live
    pair.pass_ms(DAY_MS)
    clock = clock_of(pair.phone)
    assert pair.phone.offset.compare(clock.uptime_ms(), clock.now_ms() + 140 * YEAR_MS)
    pair.pass_ms(DAY_MS)
    assert hold(pair.phone, pair.hub).live
    assert near(pair.phone.now_ms(), pair.hub.clock.now_ms())


def test_an_answer_that_comes_late_says_nothing(pair: Pair) -> None:
    clock = clock_of(pair.phone)
    asked_ms = clock.uptime_ms()
    clock.pass_ms(ANSWER_MS_MAX + 1)
    assert not pair.phone.offset.compare(asked_ms, START_MS + YEAR_MS)
    assert pair.phone.offset.now_ms() == 0
    assert pair.phone.offset.compare(clock.uptime_ms() - 3_000, clock.now_ms() + HOUR_MS)
    assert pair.phone.offset.now_ms() == HOUR_MS + 1_500
    # Of a second answer that was as slow, what is known may be true as well: nothing moves.
    assert pair.phone.offset.compare(clock.uptime_ms() - 3_000, clock.now_ms() + HOUR_MS - 1_000)
    assert pair.phone.offset.now_ms() == HOUR_MS + 1_500


def test_clocks_that_drift_cost_entries_nothing(pair: Pair) -> None:
    clock_of(pair.phone).wall_ms += HOUR_MS
    assert hold(pair.phone, pair.hub).live
    first = pair.note().offset_ms
    for _ in range(20):
        pair.pass_ms(MINUTE_MS)
        clock_of(pair.phone).wall_ms += 37
        assert pair.note().offset_ms == first
    clock_of(pair.phone).wall_ms += OFFSET_SLACK_MS
    assert pair.note().offset_ms != first


def test_what_rotted_or_was_rolled_back_counts_as_no_contact(pair: Pair) -> None:
    clock_of(pair.phone).wall_ms += HOUR_MS
    assert hold(pair.phone, pair.hub).live
    known = pair.phone.offset.now_ms()

    def broken_off() -> None:
        with pair.phone.store.transaction():
            assert pair.phone.offset.compare(clock_of(pair.phone).uptime_ms(), 0)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken_off()
    assert pair.phone.offset.now_ms() == known
    with pair.phone.store.transaction():
        pair.phone.store.put("clock", b"\xc1")
    pair.phone.offset.reload()
    assert pair.phone.offset.now_ms() == 0


@pytest.mark.parametrize(
    ("fix_ms", "true_ms"),
    [(HOUR_MS, 0), (HOUR_MS - 2 * MINUTE_MS, -2 * MINUTE_MS), (0, 0), (-MINUTE_MS, -MINUTE_MS)],
)
def test_a_fix_is_timed_by_the_clock_that_it_was_told_by(fix_ms: int, true_ms: int) -> None:
    assert by_true_time(START_MS + fix_ms, START_MS + HOUR_MS, -HOUR_MS) == START_MS + true_ms


@pytest.mark.parametrize(
    ("offset_ms", "words"),
    [
        (0, ""),
        (119_000, ""),
        (12 * MINUTE_MS, "12 minutes behind"),
        (-3 * HOUR_MS, "3 hours ahead"),
        (-10 * YEAR_MS, "10 years ahead"),
        (-40 * DAY_MS, "40 days ahead"),
    ],
)
def test_how_far_a_clock_is_off_is_said_in_words(offset_ms: int, words: str) -> None:
    assert words_of(offset_ms) == words


async def test_a_running_phone_shows_the_true_time_and_says_what_is_wrong_with_its_clock(
    tmp_path: Path, clock: SettableClock
) -> None:
    wrong = SettableClock(clock.now_ms() + 10 * YEAR_MS)
    async with (
        running_hub(tmp_path / "hub", clock) as hub,
        running_phone(tmp_path / "phone", wrong) as phone,
    ):
        aino = await hub.worker("Aino")
        await phone.enrol(link=(await hub.offer(aino)).link)
        await synced(phone)

        async def known() -> bool:
            return near(phone.now_ms(), clock.now_ms())

        await until(known, "the phone knows the time")
        (need,) = (await phone.sync_state()).needs
        assert "10 years ahead" in need.title
        # A fix by satellites and one by the phone's clock are of the same moment.
        await phone.act(day_acts.start_duty(aino, DAY, b"duty-one"))
        for at_ms in (clock.now_ms(), wrong.now_ms() + 1_000):
            await phone.take_fix(Fix(at_ms, 601_000_000, 249_000_000, 8))
        last = phone.last_fix()
        assert last is not None
        assert near(last.time_ms, clock.now_ms() + 1_000)
