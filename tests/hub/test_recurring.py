"""Recurring jobs on hubs: made ahead, once, also by two that are cut off from each other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core.dispatch import acts
from core.dispatch.acts import ActError, Change
from core.dispatch.erasure import erase
from core.dispatch.fields import CANCELLED, NUMBER, PLANNED_MINUTES, SKIPPED, WINDOW, Kind, Phase
from core.dispatch.recurrence import (
    Often,
    occurrence_stream,
    occurrence_turn,
    window_on,
)
from core.dispatch.recurrence_acts import create_recurrence, edit_recurrence
from hub import recurring
from hub.forgetting import erase_streams
from hub.recurring import LOOKED_AT_ONCE_MAX, MADE_AT_ONCE_MAX, add, make_due, skip, take_up
from replica.carrying import take_file
from replica.checking import check_store
from replica.replica import Replica
from tests.build import START_MS, SettableClock, Site, force, hold, rows_of
from tests.hub.test_second_hub import certified, reaching_others
from tests.running import HubAtWork, running_hub, running_phone, synced, until

MONDAY = date(2026, 3, 2)
DAY_MS = 86_400_000
HELSINKI = "Europe/Helsinki"
DAILY: dict[str, object] = {
    "title": "Filters",
    "repeats": [Often.DAILY, 1, []],
    "zone": HELSINKI,
    "hours": [8 * 60, 10 * 60],
    "planned_minutes": 45,
    "horizon": 6,
}


def jobs_of(replica: Replica) -> list[tuple[Any, ...]]:
    return replica.store.db.execute("SELECT number, title, status FROM job ORDER BY job").fetchall()


def numbers(count: int, first: date = MONDAY, of: str = "A-1") -> list[str]:
    return [f"{of}-{first + timedelta(days=ahead)}" for ahead in range(count)]


# --- one hub


@pytest.fixture
def hub(site: Site) -> Replica:
    return site.hub(clock=SettableClock())


def test_a_hub_makes_what_lies_from_today_to_the_horizon_and_nothing_twice(
    site: Site, hub: Replica
) -> None:
    add(hub, DAILY)
    assert make_due(hub) == 7
    assert jobs_of(hub) == [(number, "Filters", "open") for number in numbers(7)]
    before = rows_of(hub)
    hub = site.reopen(hub)
    assert make_due(hub) == 0
    assert rows_of(hub) == before
    clock = hub.clock
    assert isinstance(clock, SettableClock)
    clock.pass_ms(DAY_MS)
    assert make_due(hub) == 1
    assert [number for number, _, _ in jobs_of(hub)] == numbers(8)
    assert check_store(hub) == []


def test_a_hub_that_stood_still_for_weeks_makes_no_day_of_the_past(
    site: Site, hub: Replica
) -> None:
    add(hub, DAILY)
    make_due(hub)
    clock = hub.clock
    assert isinstance(clock, SettableClock)
    clock.pass_ms(40 * DAY_MS)
    hub = site.reopen(hub)
    assert make_due(hub) == 7
    later = MONDAY + timedelta(days=40)
    assert [number for number, _, _ in jobs_of(hub)] == [*numbers(7), *numbers(7, later)]


def test_a_day_is_the_zones_own_whatever_it_is_elsewhere(site: Site) -> None:
    # At 07:00 UTC it is Sunday still in Honolulu, and Monday evening on Kiritimati.
    hub = site.hub(clock=SettableClock())
    for zone, first in (("Pacific/Honolulu", date(2026, 3, 1)), ("Pacific/Kiritimati", MONDAY)):
        stream = add(hub, {**DAILY, "zone": zone, "horizon": 1})
        make_due(hub)
        assert occurrence_stream(stream, first).hex() in _names(hub)
        assert occurrence_stream(stream, first - timedelta(days=1)).hex() not in _names(hub)


def _names(replica: Replica) -> set[str]:
    return {row[0] for row in replica.store.db.execute("SELECT job FROM job")}


def test_the_windows_of_made_jobs_begin_at_eight_on_both_sides_of_a_change_of_the_clock(
    site: Site,
) -> None:
    # Friday before the last Sunday of March.
    clock = SettableClock(START_MS + 25 * DAY_MS)
    hub = site.hub(clock=clock)
    add(hub, DAILY)
    make_due(hub)
    starts = [row[0] for row in hub.store.db.execute("SELECT window_start FROM job ORDER BY job")]
    hours = [start // 3_600_000 % 24 for start in starts]
    assert hours == [6, 6, 5, 5, 5, 5, 5]


def test_what_is_missing_of_a_job_is_completed_and_what_people_wrote_stays(hub: Replica) -> None:
    stream = add(hub, DAILY)
    job = occurrence_stream(stream, MONDAY)
    # As where the entry that made it stands no more, and a person's stands.
    hub.write([Change(job, (PLANNED_MINUTES,), 90)])
    assert make_due(hub) == 7
    row = hub.store.db.execute(
        "SELECT number, planned_minutes FROM job WHERE job = ?", (job.hex(),)
    )
    assert row.fetchone() == (f"A-1-{MONDAY}", 90)


def test_a_hub_that_is_killed_between_two_jobs_goes_on_with_the_next(
    site: Site, hub: Replica
) -> None:
    add(hub, DAILY)
    pending = recurring.days_due(hub)
    for _ in range(3):
        recurring._make(hub, next(pending))
    hub = site.reopen(hub)
    assert make_due(hub) == 4
    assert [number for number, _, _ in jobs_of(hub)] == numbers(7)


def test_many_are_made_some_at_a_time(hub: Replica) -> None:
    add(hub, {**DAILY, "horizon": 50})
    pending = recurring.days_due(hub)
    assert recurring.make_some(hub, pending) == (MADE_AT_ONCE_MAX, False)
    assert recurring.make_some(hub, pending) == (MADE_AT_ONCE_MAX, False)
    assert recurring.make_some(hub, pending) == (51 - 2 * MADE_AT_ONCE_MAX, True)
    assert recurring.make_some(hub, recurring.days_due(hub)) == (0, True)
    assert LOOKED_AT_ONCE_MAX > 366


def test_a_changed_rule_holds_for_what_is_made_from_then_on(hub: Replica) -> None:
    stream = add(hub, DAILY)
    make_due(hub)
    hub.write(edit_recurrence(stream, {"title": "Filters and belts", "horizon": 8}))
    make_due(hub)
    titles = [title for _, title, _ in jobs_of(hub)]
    assert titles == ["Filters"] * 7 + ["Filters and belts"] * 2
    hub.write(edit_recurrence(stream, {"ends": MONDAY + timedelta(days=8), "horizon": 30}))
    assert make_due(hub) == 0


def test_a_skipped_day_has_no_job_or_a_cancelled_one_and_can_be_taken_up(hub: Replica) -> None:
    stream = add(hub, DAILY)
    tuesday, far = MONDAY + timedelta(days=1), MONDAY + timedelta(days=7)
    make_due(hub)
    skip(hub, stream, tuesday)
    skip(hub, stream, far)
    clock = hub.clock
    assert isinstance(clock, SettableClock)
    clock.pass_ms(DAY_MS)
    make_due(hub)
    found = {number: status for number, _, status in jobs_of(hub)}
    assert found[f"A-1-{tuesday}"] == "cancelled"
    assert f"A-1-{far}" not in found
    take_up(hub, stream, tuesday)
    take_up(hub, stream, far)
    make_due(hub)
    found = {number: status for number, _, status in jobs_of(hub)}
    assert found[f"A-1-{tuesday}"] == found[f"A-1-{far}"] == "open"
    with pytest.raises(ActError, match="does not skip"):
        take_up(hub, stream, far)


def test_a_day_in_another_spelling_skips_nothing_that_could_not_be_taken_up(
    site: Site, hub: Replica
) -> None:
    stream = add(hub, DAILY)
    # Tuesday, as no act of this program writes it; taking it up would write the other spelling.
    force(hub, stream, [Change(stream, (SKIPPED, "2026-W10-2"), True)])
    assert make_due(hub) == 7
    assert hub.store.db.execute("SELECT skipped FROM recurrence").fetchone() == ("[]",)


def test_a_day_is_skipped_only_where_it_has_a_job_that_nobody_has_begun(
    site: Site, hub: Replica
) -> None:
    ana = site.worker(hub, "Ana")
    stream = add(hub, {**DAILY, "worker": ana, "ends": MONDAY + timedelta(days=3)})
    make_due(hub)
    with pytest.raises(ActError, match="no job on 2026-03-06"):
        skip(hub, stream, MONDAY + timedelta(days=4))
    turn = occurrence_turn(stream, MONDAY, ana)
    hub.write(acts.set_phase(occurrence_stream(stream, MONDAY), ana, turn, Phase.ON_SITE))
    with pytest.raises(ActError, match="in progress"):
        skip(hub, stream, MONDAY)
    row = hub.store.db.execute("SELECT skipped FROM recurrence").fetchone()
    assert row == ("[]",)


def test_the_job_of_a_worker_who_left_waits_unassigned(site: Site, hub: Replica) -> None:
    ana = site.worker(hub, "Ana")
    add(hub, {**DAILY, "worker": ana, "horizon": 1})
    make_due(hub)
    hub.write(acts.edit_worker(ana, {"archived": True}))
    clock = hub.clock
    assert isinstance(clock, SettableClock)
    clock.pass_ms(DAY_MS)
    make_due(hub)
    rows = hub.store.db.execute("SELECT worker FROM job ORDER BY job").fetchall()
    assert rows == [(ana.hex(),), (ana.hex(),), ("",)]


def test_what_was_erased_is_not_made_again(hub: Replica) -> None:
    stream = add(hub, DAILY)
    make_due(hub)
    hub.write(erase([occurrence_stream(stream, MONDAY)]))
    assert make_due(hub) == 0
    assert [number for number, _, _ in jobs_of(hub)] == numbers(7)[1:]


def test_a_customers_recurring_jobs_are_erased_along(site: Site, hub: Replica) -> None:
    customer = site.new_id(Kind.CUSTOMER)
    hub.write(acts.edit_customer(customer, {"name": "Novak"}))
    stream = add(hub, {**DAILY, "customer": customer})
    with pytest.raises(ActError, match="recurring job A-1"):
        erase_streams(hub, [customer])
    erase_streams(hub, [customer, stream])
    assert make_due(hub) == 0
    assert hub.store.db.execute("SELECT count(*) FROM recurrence").fetchone() == (0,)


def test_one_of_an_unknown_zone_makes_no_jobs_and_stops_no_other(
    hub: Replica, caplog: pytest.LogCaptureFixture
) -> None:
    broken = add(hub, DAILY)
    hub.write([Change(broken, (144,), "Mars/Olympus")])
    add(hub, {**DAILY, "title": "Belts"})
    assert make_due(hub) == 7
    assert {title for _, title, _ in jobs_of(hub)} == {"Belts"}
    assert "Mars/Olympus" in caplog.text


def test_phones_hold_no_recurrence(site: Site, hub: Replica) -> None:
    ana = site.worker(hub, "Ana")
    stream = add(hub, {**DAILY, "worker": ana})
    make_due(hub)
    phone = site.phone(hub, ana)
    assert hold(phone, hub).live
    assert len(jobs_of(phone)) == 7
    held = {row[0] for row in phone.store.db.execute("SELECT stream FROM stream")}
    assert stream not in held
    with pytest.raises(ActError, match="does not permit"):
        phone.write(edit_recurrence(stream, {"title": "Nothing"}))


def test_who_gives_a_recurring_job_to_one_more_knows_whose_it_is_whichever_hub_made_it(
    site: Site,
) -> None:
    clock = SettableClock()
    hub, other = site.hub("A"), site.hub("B", clock)
    ana, dan = site.worker(hub, "Ana"), site.worker(hub, "Dan")
    stream = add(hub, {**DAILY, "worker": ana, "horizon": 1})
    assert hold(other, hub).live
    clock.pass_ms(60_000)
    for each in (hub, other):
        make_due(each)
    job = occurrence_stream(stream, MONDAY)
    # The other hub's word that it is Ana's is the one that is shown.
    hub.write(acts.assign(job, dan, site.entropy(8)))
    assert hold(other, hub).live
    for each in (hub, other):
        assert each.store.db.execute("SELECT count(*) FROM assignment").fetchone() == (3,)
        assert each.store.db.execute("SELECT kind FROM conflict").fetchall() == []
        assert check_store(each) == []


def test_hubs_that_both_make_and_change_agree_in_every_order_of_meeting(site: Site) -> None:
    hubs = [site.hub(letter, SettableClock()) for letter in "ABC"]
    first = hubs[0]
    ana = site.worker(first, "Ana")
    stream = add(first, {**DAILY, "worker": ana})
    for other in hubs[1:]:
        assert hold(other, first).live
    for hub in hubs:
        assert make_due(hub) == 7
    job = occurrence_stream(stream, MONDAY)
    hubs[1].write([Change(job, (PLANNED_MINUTES,), 90)])
    skip(hubs[2], stream, MONDAY + timedelta(days=1))
    for opener, listener in ((0, 1), (1, 2), (2, 0), (0, 1)):
        assert hold(hubs[opener], hubs[listener]).live
    for hub in hubs:
        assert len(jobs_of(hub)) == 7
        assert make_due(hub) == 0
        assert hub.store.db.execute("SELECT * FROM conflict").fetchall() == []
        row = hub.store.db.execute("SELECT planned_minutes FROM job ORDER BY job").fetchall()
        assert row == [(90,)] + [(45,)] * 6
        statuses = [status for _, _, status in jobs_of(hub)]
        assert statuses == ["open", "cancelled", "open", "open", "open", "open", "open"]
        assert check_store(hub) == []
    assert len({repr(jobs_of(hub)) for hub in hubs}) == 1


def test_a_day_left_out_beyond_this_hubs_horizon_is_cancelled_where_another_made_it(
    site: Site,
) -> None:
    hub, other = (site.hub(letter, SettableClock()) for letter in "AB")
    stream = add(hub, DAILY)
    make_due(hub)
    assert hold(other, hub).live
    # Cut off: the other one looks further ahead, and has a job of a day that is left out here.
    other.write(edit_recurrence(stream, {"horizon": 20}))
    assert make_due(other) == 14
    far, opened = MONDAY + timedelta(days=12), MONDAY + timedelta(days=13)
    for day in (far, opened):
        skip(hub, stream, day)
    job, by_hand = (occurrence_stream(stream, day) for day in (far, opened))
    # Somebody there has a say in the other one already: it is theirs.
    other.write(acts.cancel_job(by_hand, "closed"))
    other.write(acts.reopen_job(by_hand))
    assert hold(other, hub).live
    assert make_due(other) == make_due(hub) == 0

    def found(job: bytes) -> list[str]:
        asked = "SELECT status FROM job WHERE job = ?"
        assert hold(other, hub).live
        for each in (hub, other):
            assert each.store.db.execute("SELECT * FROM conflict").fetchall() == []
            assert check_store(each) == []
        return [each.store.db.execute(asked, (job.hex(),)).fetchone()[0] for each in (hub, other)]

    assert found(job) == ["cancelled", "cancelled"]
    assert found(by_hand) == ["open", "open"]
    before = [rows_of(each) for each in (hub, other)]
    assert make_due(other) == make_due(hub) == 0
    assert [rows_of(each) for each in (hub, other)] == before
    take_up(other, stream, far)
    make_due(hub)
    assert found(job) == ["open", "open"]


def test_a_day_taken_up_again_before_the_word_of_its_job_came_is_open_in_the_end(
    site: Site,
) -> None:
    hub, other = (site.hub(letter, SettableClock()) for letter in "AB")
    stream = add(hub, DAILY)
    assert hold(other, hub).live
    other.write(edit_recurrence(stream, {"horizon": 20}))
    make_due(other)
    far = MONDAY + timedelta(days=12)
    skip(hub, stream, far)
    # The other one hears of the day left out, and cancels; here it is taken up meanwhile.
    assert hold(other, hub).live
    job = occurrence_stream(stream, far)
    assert recurring.follow_skips(other) == 1
    take_up(hub, stream, far)
    assert hold(other, hub).live
    assert recurring.follow_skips(hub) == 1
    assert hold(other, hub).live
    for each in (hub, other):
        row = each.store.db.execute("SELECT status FROM job WHERE job = ?", (job.hex(),))
        assert row.fetchone() == ("open",)
        assert recurring.follow_skips(each) == 0


# --- two depots and a phone that goes from one to the other


@dataclass
class Depots:
    """Two hubs of a site that listen on loopback, and the clock of both."""

    north: HubAtWork
    south: HubAtWork
    clock: SettableClock

    @asynccontextmanager
    async def in_session(self) -> AsyncIterator[None]:
        """Both dial each other, as long as this lasts."""
        async with AsyncExitStack() as stack:
            for hub in (self.north, self.south):
                await stack.enter_async_context(reaching_others(hub))
            await until(self.agree, "both depots hold the same")
            yield

    async def agree(self) -> bool:
        leaves = [
            await hub.rows("SELECT stream, leaf FROM stream ORDER BY stream")
            for hub in (self.north, self.south)
        ]
        return leaves[0] == leaves[1]


@asynccontextmanager
async def depots(folder: Path, clock: SettableClock) -> AsyncIterator[Depots]:
    async with AsyncExitStack() as stack:
        north = await stack.enter_async_context(running_hub(folder / "north", clock))
        async with reaching_others(north):
            data = await certified(north, folder / "south")
        south = await stack.enter_async_context(
            running_hub(folder / "south", clock, seed="hub of the south")
        )
        await south.hub.writer.run(take_file, south.hub.replica, data)
        yield Depots(north, south, clock)


async def test_two_depots_cut_off_for_a_day_both_assign_and_make_and_come_to_one_job_each(
    tmp_path: Path, clock: SettableClock
) -> None:
    async with AsyncExitStack() as stack:
        both = await stack.enter_async_context(depots(tmp_path, clock))
        north, south = both.north, both.south
        phone = await stack.enter_async_context(running_phone(tmp_path / "phone", clock))
        aino = await north.worker("Aino")
        bo = await north.worker("Bo")
        stream = await north.hub.writer.run(add, north.hub.replica, {**DAILY, "worker": aino})
        assert await north.hub.make_recurring() == 7
        async with both.in_session():
            await phone.enrol(link=(await north.offer(aino)).link)
            await synced(phone)
            assert await south.hub.make_recurring() == 0

        # Cut from each other, over midnight: both make the day that came into reach.
        clock.pass_ms(DAY_MS)
        new = MONDAY + timedelta(days=7)
        assert await north.hub.make_recurring() == await south.hub.make_recurring() == 1
        # A dispatcher at one depot moves it, at the other one gives a job of today to a colleague.
        job, today = occurrence_stream(stream, new), MONDAY + timedelta(days=1)
        moved = [START_MS + 8 * DAY_MS, START_MS + 8 * DAY_MS + 3_600_000]
        await south.act([Change(job, (WINDOW,), moved)])
        second = occurrence_stream(stream, today + timedelta(days=1))
        turn = occurrence_turn(stream, today + timedelta(days=1), aino)
        await south.act([
            *acts.withdraw(second, aino, turn),
            *acts.assign(second, bo, b"turn-bo1"),
        ])  # fmt: skip
        await south.job("Gutter", bo)
        await north.job("Meter", aino)

        # Aino finishes today's job in the reach of the north, and then goes on with the south.
        first = occurrence_stream(stream, today)
        await phone.act(
            acts.set_phase(first, aino, occurrence_turn(stream, today, aino), Phase.FINISHED)
        )
        await synced(phone)

        async with both.in_session():
            for hub in (north, south):
                numbered = await hub.rows(
                    "SELECT number FROM job WHERE number LIKE 'A-1-%' ORDER BY job"
                )
                assert [number for (number,) in numbered] == numbers(8)
                assert await hub.rows("SELECT * FROM conflict") == []
                assert await hub.rows("SELECT count(*) FROM assignment") == [(8 + 1 + 2,)]
                rows = await hub.rows("SELECT status, phase FROM job WHERE job = ?", first.hex())
                assert rows == [("done", "finished")]
                window = await hub.rows(
                    "SELECT window_start, window_end FROM job WHERE job = ?", job.hex()
                )
                assert window == [tuple(moved)]
                workers = await hub.rows("SELECT worker FROM job WHERE job = ?", second.hex())
                assert workers == [(bo.hex(),)]
            assert await north.hub.make_recurring() == await south.hub.make_recurring() == 0
        for hub in (north, south):
            assert await hub.hub.writer.run(check_store, hub.hub.replica) == []


async def test_a_phone_goes_from_one_depot_to_the_other_and_has_each_job_once(
    tmp_path: Path, clock: SettableClock
) -> None:
    async with AsyncExitStack() as stack:
        phone = await stack.enter_async_context(running_phone(tmp_path / "phone", clock))
        async with AsyncExitStack() as north_stack:
            north = await north_stack.enter_async_context(running_hub(tmp_path / "north", clock))
            async with reaching_others(north):
                data = await certified(north, tmp_path / "south")
            south = await stack.enter_async_context(
                running_hub(tmp_path / "south", clock, seed="hub of the south")
            )
            await south.hub.writer.run(take_file, south.hub.replica, data)
            aino = await north.worker("Aino")
            stream = await north.hub.writer.run(add, north.hub.replica, {**DAILY, "worker": aino})
            both = Depots(north, south, clock)
            async with both.in_session():
                await phone.enrol(link=(await north.offer(aino)).link)
                await synced(phone)
            # Cut: each makes all seven, and the phone has them of the north.
            assert await north.hub.make_recurring() == await south.hub.make_recurring() == 7
            await synced(phone)
            await until(lambda: _count(phone.writer.replica) == 7, "the phone has the jobs")
            turn = occurrence_turn(stream, MONDAY, aino)
            job = occurrence_stream(stream, MONDAY)
            await phone.act(acts.set_phase(job, aino, turn, Phase.ON_SITE))
            await synced(phone)
        # The north is gone; the south hears of the work from the phone alone.
        await synced(phone)
        assert _count(phone.writer.replica) == 7
        assert await south.rows("SELECT status FROM job WHERE job = ?", job.hex()) == [
            ("in progress",)
        ]
        assert await south.rows("SELECT count(*) FROM job") == [(7,)]
        for held in (phone.writer.replica, south.hub.replica):
            conflicts = held.store.db.execute("SELECT * FROM conflict").fetchall()
            assert conflicts == []


def _count(replica: Replica) -> int:
    (count,) = replica.store.db.execute("SELECT count(*) FROM job").fetchone()
    return int(count)


async def test_a_running_hub_makes_the_jobs_of_a_new_recurrence_at_once(
    tmp_path: Path, clock: SettableClock
) -> None:
    async with running_hub(tmp_path / "hub", clock) as hub:
        stream = acts.new_stream_id(Kind.RECURRENCE, START_MS, b"weekly1")
        await hub.act(create_recurrence(stream, {**DAILY, "starts": MONDAY}))

        async def made() -> bool:
            return len(await hub.rows("SELECT number FROM job")) == 7

        await until(made, "the jobs are there")
        rows = await hub.rows("SELECT number, title, starts FROM recurrence")
        assert rows == [("A-1", "Filters", "2026-03-02")]
        first = occurrence_stream(stream, MONDAY)
        registers = hub.hub.replica.state(first).registers
        assert all(write.by_rule for each in registers.values() for write in each.writes.values())
        assert (CANCELLED,) not in registers
        assert (NUMBER,) in registers


def test_the_window_of_a_day_is_the_same_whoever_works_it_out() -> None:
    zone = ZoneInfo(HELSINKI)
    assert window_on(MONDAY, (480, 600), zone) == [START_MS - 3_600_000, START_MS + 3_600_000]
