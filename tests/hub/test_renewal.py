"""A phone's certificate comes to its end: renewed in time at any hub, or joined again without loss.

Real hubs and phones over real connections; their clocks are the tests' own.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from core.dispatch import acts
from core.dispatch.fields import Phase
from hub.enrolment import PHONE_SESSION_MS
from hub.renewal import RENEWED_BELOW_MS, renew
from replica.device import Device
from replica.opening import SHUT_OUT, TIME_IS_UP
from replica.rejoining import join_beside
from replica.screens.port import EnrolmentRefused
from replica.shelf import ReplicaShelf
from tests.build import START_MS, YEAR_MS, SettableClock, Site, clock_of, hold
from tests.running import OFFICE, HubAtWork, running_phone, synced, until

MONTH_MS = 30 * 86_400_000


async def certificates(hub: HubAtWork, author: bytes) -> int:
    """How many certificates of a key the hub knows."""
    rows = await hub.rows("SELECT count(*) FROM certificate WHERE author = ?", author)
    return int(rows[0][0])


async def come_back(phone: Device) -> None:
    """End the session and hold another one."""
    await phone.hang_up()
    await until(lambda: not phone._syncer.figures.connected, "the session ended")  # type: ignore[union-attr]
    await synced(phone)


async def test_a_phone_is_certified_anew_when_it_meets_its_hub_in_the_second_half_of_its_time(
    hub: HubAtWork, phone: Device, clock: SettableClock
) -> None:
    await phone.enrol(link=(await hub.offer(await hub.worker("Aino"))).link)
    await synced(phone)
    author = phone.writer.replica.author
    clock.pass_ms(PHONE_SESSION_MS - RENEWED_BELOW_MS - MONTH_MS)
    await come_back(phone)
    assert await certificates(hub, author) == 1
    clock.pass_ms(2 * MONTH_MS)
    await come_back(phone)
    assert await certificates(hub, author) == 2
    # Beyond the time of the first one the second opens sessions.
    clock.pass_ms(RENEWED_BELOW_MS)
    await come_back(phone)
    assert phone.join_again == ""
    assert phone.writer.replica.author == author


async def test_a_phone_beyond_its_time_says_so_works_on_and_joins_again_under_its_key(
    hub: HubAtWork, phone: Device, clock: SettableClock
) -> None:
    aino = await hub.worker("Aino")
    await phone.enrol(link=(await hub.offer(aino)).link)
    job, turn = await hub.job("Boiler", aino)
    await synced(phone)
    author = phone.writer.replica.author
    await phone.hang_up()
    clock.pass_ms(PHONE_SESSION_MS + MONTH_MS)
    phone.sync_now()
    await until(lambda: phone.join_again == TIME_IS_UP, "the phone was told that its time is up")
    await phone.act(acts.set_phase(job, aino, turn, Phase.FINISHED))
    assert (await phone.sync_state()).unsent_count == 1
    with pytest.raises(EnrolmentRefused, match="another worker"):
        await phone.enrol(link=(await hub.offer(await hub.worker("Bo"))).link)
    assert phone.worker == aino.hex()
    await phone.enrol(link=(await hub.offer(aino)).link)
    await synced(phone)
    assert phone.join_again == ""
    assert phone.writer.replica.author == author
    assert await hub.rows("SELECT status FROM job") == [("done",)]


async def test_a_phone_that_was_shut_out_joins_again_under_a_new_key_and_brings_its_work(
    hub: HubAtWork, phone: Device
) -> None:
    aino = await hub.worker("Aino")
    await phone.enrol(link=(await hub.offer(aino)).link)
    job, turn = await hub.job("Boiler", aino)
    await synced(phone)
    await phone.act(acts.set_phase(job, aino, turn, Phase.ON_SITE))
    await synced(phone)
    author = phone.writer.replica.author
    await hub.hub.revoke(OFFICE, author)
    await until(lambda: phone.join_again == SHUT_OUT, "the phone was told that it was shut out")
    await phone.act(acts.add_note(job, "written while it was shut out"))
    await phone.enrol(link=(await hub.offer(aino)).link)
    await synced(phone)
    assert phone.writer.replica.author != author
    await phone.act(acts.add_note(job, "written under the new key"))
    await synced(phone)
    # What the hub held of the old key counts; the rest came along, and waits for the office.
    assert await hub.rows("SELECT phase FROM assignment") == [("on site",)]
    assert await hub.rows("SELECT text FROM note") == [("written under the new key",)]
    assert await hub.rows("SELECT inert FROM stream WHERE stream = ?", job) == [(1,)]


async def test_a_key_that_was_shut_out_is_not_certified_again(
    tmp_path: Path, hub: HubAtWork, phone: Device
) -> None:
    aino = await hub.worker("Aino")
    await phone.enrol(link=(await hub.offer(aino)).link)
    await synced(phone)
    await hub.hub.revoke(OFFICE, phone.writer.replica.author)
    await until(lambda: phone.join_again == SHUT_OUT, "the phone was told that it was shut out")
    link = (await hub.offer(aino)).link

    async def join(folder: Path) -> None:
        from replica.joining import join_by_link

        await join_by_link(folder, link, phone.entropy)

    current = phone.writer.replica.identity
    with pytest.raises(EnrolmentRefused, match="under a new one"):
        await join_beside(phone.folder, current, join, new_key=False)
    assert phone.worker == aino.hex()


async def test_a_power_cut_while_a_phone_changes_its_key_leaves_it_with_the_new_one(
    tmp_path: Path, hub: HubAtWork, clock: SettableClock
) -> None:
    aino = await hub.worker("Aino")
    folder = tmp_path / "phone"
    async with running_phone(folder, clock) as phone:
        await phone.enrol(link=(await hub.offer(aino)).link)
        job, _ = await hub.job("Boiler", aino)
        await synced(phone)
        await phone.hang_up()
        await phone.act(acts.add_note(job, "not sent yet"))
        current = phone.writer.replica.identity
        link = (await hub.offer(aino)).link

        async def join(beside: Path) -> None:
            from replica.joining import join_by_link

            await join_by_link(beside, link, phone.entropy)

        await join_beside(folder, current, join, new_key=True)
    async with running_phone(folder, clock, seed="after the power cut") as phone:
        assert phone.writer.replica.author != current.author
        await synced(phone)
        assert await hub.rows("SELECT text FROM note") == [("not sent yet",)]
    assert not (folder / "next").exists()


def test_a_phone_that_meets_any_hub_once_a_month_is_never_locked_out(tmp_path: Path) -> None:
    site = Site(tmp_path)
    hubs = [site.hub("A"), site.hub("B")]
    ana = site.worker(hubs[0], "Ana")
    phone = site.phone(hubs[0], ana, session_until=START_MS + PHONE_SESSION_MS)
    hold(hubs[1], hubs[0])
    renewals = 0
    for month in range(40):
        for each in (*hubs, phone):
            clock_of(each).pass_ms(MONTH_MS)
        hub = hubs[month % 2]
        meeting = hold(phone, hub)
        assert meeting.live, f"month {month}"
        peer = meeting.sessions[1].peer
        assert peer is not None
        renewals += renew(hub, peer) is not None
        meeting.run()
    assert 40 * MONTH_MS > 3 * YEAR_MS
    assert 1 < renewals < 9
    site.close()


def test_a_renewal_changes_nothing_of_a_phones_standing_and_no_hub_is_renewed(
    tmp_path: Path,
) -> None:
    site = Site(tmp_path)
    hub, other = site.hub("A"), site.hub("B")
    ana = site.worker(hub, "Ana")
    phone = site.phone(hub, ana, rights=("create jobs",), session_until=START_MS + MONTH_MS)
    hold(other, hub)
    before = other.standing(phone.author)
    renewed = renew(other, phone.identity.own)
    assert renewed is not None
    assert renewed.session_until == START_MS + PHONE_SESSION_MS
    assert (renewed.rights, renewed.tls) == (phone.identity.own.rights, phone.identity.own.tls)
    assert other.standing(phone.author) == before
    assert renew(other, phone.identity.own) is None
    clock_of(other).pass_ms(20 * YEAR_MS - MONTH_MS)
    assert hub.identity.own.session_until - other.clock.now_ms() < RENEWED_BELOW_MS
    assert renew(other, hub.identity.own) is None
    hold(other, hub)
    hold(phone, hub)
    assert ReplicaShelf(phone).own_certificates()[0] == renewed.to_bytes()
    site.close()


async def test_a_right_that_the_site_gives_its_workers_comes_with_the_next_contact(
    hub: HubAtWork, phone: Device
) -> None:
    await phone.enrol(link=(await hub.offer(await hub.worker("Aino"))).link)
    await synced(phone)
    assert not await phone.may_create_jobs()
    await hub.act(acts.set_setting("workers_create_jobs", True))
    await come_back(phone)
    await until(phone.may_create_jobs, "the phone has the right")
    author = phone.writer.replica.author
    known = await certificates(hub, author)
    await come_back(phone)
    await come_back(phone)
    assert await certificates(hub, author) == known, "once is enough"


async def test_a_job_that_a_phone_made_is_numbered_by_the_hub_that_certified_it(
    hub: HubAtWork, phone: Device, clock: SettableClock
) -> None:
    await hub.act(acts.set_setting("workers_create_jobs", True))
    aino = await hub.worker("Aino")
    await phone.enrol(link=(await hub.offer(aino)).link)
    await synced(phone)
    assert await phone.may_create_jobs(), "who joins now has it from the start"
    job = acts.own_job_stream(aino, clock.now_ms(), phone.entropy(3))
    changes = acts.create_job(job, {"title": "Tap drips"}) + acts.assign(job, aino, b"12345678")
    await phone.act(changes)

    async def number() -> bool:
        rows = await hub.rows("SELECT number FROM job WHERE job = ?", job.hex())
        return rows == [("A-1",)]

    await until(number, "the hub gave it a number")
    await hub.job("Boiler")
    assert [row[0] for row in await hub.rows("SELECT number FROM job ORDER BY number")] == [
        "A-1", "A-2",
    ]  # fmt: skip
