"""Two phones hand a job on with no hub; a third carries what they wrote; the hub agrees later.

Phones as they run, over TLS on loopback, on real disks; the hub is not there while they do it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.dispatch import acts, day_acts
from core.dispatch.fields import LogKind, Phase
from core.log.carried import opened
from core.log.errors import SessionRefused
from replica.checking import check_store
from replica.device import Device
from replica.meeting import Meetings
from replica.reach import is_with_colleague
from replica.screens.port import CarryRefused
from tests.build import MINUTE_MS, SettableClock
from tests.handing_sizes import QR_BYTES
from tests.running import HubAtWork, running_hub, running_phone, synced, until

DAY = "2026-03-02"
WEEK_MS = 7 * 24 * 60 * MINUTE_MS


@dataclass
class Depot:
    """Where three phones were enrolled; their folders and workers, and a job of Ana's."""

    folder: Path
    clock: SettableClock
    ana: bytes
    bo: bytes
    cid: bytes
    job: bytes
    turn: bytes
    port: int
    starts: int = 0

    @asynccontextmanager
    async def phone(self, name: str, *dials: Device) -> AsyncIterator[Device]:
        """A phone that listens for colleagues, and looks for some."""
        self.starts += 1
        addresses = tuple(f"127.0.0.1:{other.meeting_port}" for other in dials)
        meetings = Meetings(("127.0.0.1", 0), addresses)
        async with running_phone(
            self.folder / name, self.clock, seed=f"{name} {self.starts}", meetings=meetings
        ) as phone:
            yield phone

    @asynccontextmanager
    async def hub(self) -> AsyncIterator[HubAtWork]:
        """The hub, back where it was."""
        async with running_hub(
            self.folder / "hub", self.clock, port=self.port, seed="hub again"
        ) as hub:
            yield hub


@pytest.fixture
async def depot(tmp_path: Path, clock: SettableClock) -> Depot:
    async with running_hub(tmp_path / "hub", clock) as hub:
        ana, bo, cid = [await hub.worker(name) for name in ("Ana", "Bo", "Cid")]
        job, turn = await hub.job("Boiler", ana, description="All valves. " * 12)
        for name, worker in (("anas", ana), ("bos", bo), ("cids", cid)):
            async with running_phone(tmp_path / name, clock, seed=name) as phone:
                await phone.enrol(link=(await hub.offer(worker)).link)
                await synced(phone)
        # Once more for the first, who has to hear of those that joined after it.
        async with running_phone(tmp_path / "anas", clock, seed="anas once more") as phone:
            await synced(phone)
        return Depot(tmp_path, clock, ana, bo, cid, job, turn, hub.port)


def titles(phone: Device) -> list[tuple[str, str]]:
    return phone.writer.replica.store.db.execute("SELECT title, status FROM job").fetchall()


async def as_the_hub_has_it(hub: HubAtWork, depot: Depot) -> tuple[object, ...]:
    """Status, whose it is, conflicts, minutes, notes, and who signed anything of the job."""
    (job,) = await hub.rows("SELECT status, worker, conflicts FROM job")
    (conflicts,) = await hub.rows("SELECT count(*) FROM conflict")
    minutes = await hub.rows("SELECT worker, seconds / 60 FROM time_log")
    notes = [text for (text,) in await hub.rows("SELECT text FROM note ORDER BY text")]
    authors = await hub.hub.writer.run(_signers, hub, depot.job)
    return *job, *conflicts, minutes, notes, authors


def _signers(hub: HubAtWork, job: bytes) -> set[bytes]:
    replica = hub.hub.writer.replica
    authors = {author for author, _ in replica.state(job).logs}
    return {replica.standing(each).subject for each in authors} - {b"A"}


async def work(depot: Depot, taker: Device) -> None:
    """Bo does the job that came to him, twenty minutes of it."""
    await taker.act(acts.set_phase(depot.job, depot.bo, depot.turn, Phase.ON_SITE))
    await taker.act(day_acts.start_log(depot.bo, DAY, depot.job, b"on-site!", LogKind.ON_SITE))
    depot.clock.pass_ms(20 * MINUTE_MS)
    await taker.act(day_acts.stop_log(depot.bo, DAY, depot.job, b"on-site!"))
    await taker.act(acts.add_note(depot.job, "the valve was stuck"))
    await taker.act(acts.set_phase(depot.job, depot.bo, depot.turn, Phase.FINISHED))


async def carries(phone: Device, givers: set[bytes]) -> None:
    """Wait until a phone carries a sealed file of each of these workers."""

    async def kept() -> bool:
        return {each.giver for each in (await phone.carried.shown()).here} >= {
            g.hex() for g in givers
        }

    await until(kept, "the third phone carries for both")


async def test_a_job_is_handed_on_and_done_with_the_hub_gone_and_a_third_phone_tells_it(
    depot: Depot,
) -> None:
    async with (
        depot.phone("bos") as taker,
        depot.phone("anas", taker) as giver,
    ):
        await giver.act(acts.add_note(depot.job, "the key is at number 5"))
        await giver.act(acts.hand_over(depot.job, depot.ana, depot.turn, depot.bo))
        giver.sync_now()
        replica = giver.writer.replica

        async def arrived() -> bool:
            asked = (replica.store.db, depot.job, replica.author, depot.bo)
            return await giver.writer.run(is_with_colleague, *asked)

        await until(arrived, "the giver knows that it arrived")
        assert titles(taker) == [("Boiler", "open")]
        await work(depot, taker)
        assert titles(taker) == [("Boiler", "done")]
        async with depot.phone("cids", taker, giver) as third:
            await carries(third, {depot.ana, depot.bo})
            assert titles(third) == [], "it carries what it may not know of"
            for each in (await third.carried.shown()).here:
                data = third.writer.replica.kept.data(bytes.fromhex(each.file))
                with pytest.raises(SessionRefused):
                    opened(data, third.writer.replica.identity.key, third.writer.replica.author)
            told = (await giver.carried.shown()).with_colleagues
            assert {each.colleague for each in told} >= {depot.cid.hex()}
            assert (await giver.sync_state()).unsent_count == 2, "a colleague's word is no reach"
    # A week goes by; then the third phone alone meets the hub.
    depot.clock.pass_ms(WEEK_MS)
    expected = (
        "done", depot.bo.hex(), 0, 0, [(depot.bo.hex(), 20)],
        ["the key is at number 5", "the valve was stuck"], {depot.ana, depot.bo},
    )  # fmt: skip
    async with depot.hub() as hub:
        async with depot.phone("cids") as third:

            async def given() -> bool:
                return (await third.carried.shown()).here == ()

            await until(given, "the hub took in what it carried")
        assert await as_the_hub_has_it(hub, depot) == expected
        # The other two come back later: nothing is new, nothing twice, nobody has to decide.
        for name in ("bos", "anas"):
            async with depot.phone(name) as phone:
                await synced(phone)
                assert (await phone.sync_state()).needs == ()
                assert await phone.writer.run(check_store, phone.writer.replica) == []
        assert await as_the_hub_has_it(hub, depot) == expected
        assert await hub.hub.writer.run(check_store, hub.hub.writer.replica) == []


async def test_a_job_is_handed_on_by_a_small_file_that_some_qr_codes_hold(depot: Depot) -> None:
    async with depot.phone("anas") as giver:
        with pytest.raises(CarryRefused, match="hand it on first"):
            await giver.carried.file_of_job(depot.job, depot.bo)
        await giver.act(acts.hand_over(depot.job, depot.ana, depot.turn, depot.bo))
        _, data = await giver.carried.file_of_job(depot.job, depot.bo)
    assert len(data) <= QR_BYTES, "one QR code holds a job"
    async with depot.phone("bos") as taker:
        assert titles(taker) == []
        words = await taker.carried.take_file(data)
        assert "all is saved here" in words
        assert titles(taker) == [("Boiler", "open")]
        await work(depot, taker)
    async with depot.phone("cids") as other:
        with pytest.raises(CarryRefused):
            await other.carried.take_file(data)
    async with depot.hub() as hub, depot.phone("bos") as taker:
        await synced(taker)
        found = await as_the_hub_has_it(hub, depot)
        # What Ana signed came by Bo.
        assert found[:3] == ("done", depot.bo.hex(), 0)
        assert found[-1] == {depot.ana, depot.bo}
        async with depot.phone("anas") as giver:
            await synced(giver)
        assert (await as_the_hub_has_it(hub, depot))[:4] == ("done", depot.bo.hex(), 0, 0)


async def test_a_third_phone_brings_a_file_by_hand_that_it_cannot_open(depot: Depot) -> None:
    async with depot.phone("anas") as giver:
        await giver.act(acts.add_note(depot.job, "the key is at number 5"))
        _, data = await giver.carried.file_for_hub()
    async with depot.phone("cids") as third:
        assert "keeps it" in await third.carried.take_file(data)
        (shown,) = (await third.carried.shown()).here
        assert (shown.hub, shown.giver) == ("hub A", "")
    async with depot.hub() as hub, depot.phone("cids") as third:

        async def given() -> bool:
            return (await third.carried.shown()).here == ()

        await until(given, "the hub took it in")
        assert await hub.rows("SELECT text FROM note") == [("the key is at number 5",)]
