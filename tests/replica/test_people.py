"""A phone that several workers share, and logging out: nothing unsent is lost by either."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.dispatch import acts, day_acts
from core.dispatch.fix import Fix
from replica.cuts import revoke_and_cut
from replica.device import Device
from replica.identity import KEY_FILE
from replica.occupied import FolderInUse, occupied
from replica.people import LogOutRefused
from replica.preferences import PREFERENCES_FILE, Preferences
from replica.relaying import keep_for_hub
from replica.shared_phone import (
    FOLDERS_MAX,
    GONE_FILE,
    IN_FILE,
    WORKERS_FOLDER,
    folder_in,
    worker_folders,
)
from replica.store import STORE_FILE
from tests.build import SettableClock
from tests.replica.files import photo
from tests.running import HubAtWork, running_hub, running_phone, synced, until

DAY = "2026-03-02"
SECRET = "screens.secret"


@dataclass
class Van:
    """A phone in a van: Ana has joined on it and has a job, Bo has not yet; the hub is away."""

    folder: Path
    clock: SettableClock
    ana: bytes
    bo: bytes
    job: bytes
    bos_job: bytes
    port: int
    starts: int = 0

    @property
    def phone_folder(self) -> Path:
        return self.folder / "phone"

    @asynccontextmanager
    async def phone(self) -> AsyncIterator[Device]:
        self.starts += 1
        seed = f"van {self.starts}"
        # As the command does.
        with occupied(self.phone_folder):
            async with running_phone(self.phone_folder, self.clock, seed=seed) as phone:
                yield phone

    @asynccontextmanager
    async def hub(self) -> AsyncIterator[HubAtWork]:
        self.starts += 1
        async with running_hub(
            self.folder / "hub", self.clock, port=self.port, seed=f"hub {self.starts}"
        ) as hub:
            yield hub

    @asynccontextmanager
    async def both_in(self) -> AsyncIterator[tuple[Device, str, str]]:
        """Bo joins beside Ana, who has written a note that waits; how they are named."""
        async with self.phone() as phone:
            await phone.act(acts.add_note(self.job, "the key is at number 5"))
            await phone.people.let_somebody_new_in()
            assert phone.worker == ""
            async with self.hub() as hub:
                await phone.enrol(link=(await hub.offer(self.bo)).link)
                await synced(phone)
            ana, bo = [each.person for each in await phone.people.all()]
            yield phone, ana, bo


@pytest.fixture
async def van(tmp_path: Path, clock: SettableClock) -> Van:
    async with (
        running_hub(tmp_path / "hub", clock) as hub,
        running_phone(tmp_path / "phone", clock) as phone,
    ):
        ana, bo = await hub.worker("Ana"), await hub.worker("Bo")
        job, _ = await hub.job("Boiler", ana)
        bos_job, _ = await hub.job("Gutter", bo)
        await phone.enrol(link=(await hub.offer(ana)).link)
        await synced(phone)
        (tmp_path / "phone" / SECRET).write_bytes(b"s" * 32)
        port = hub.port
    return Van(tmp_path, clock, ana, bo, job, bos_job, port)


async def titles(phone: Device) -> list[str]:
    return [row["title"] for row in await phone.reader.rows("SELECT title FROM job")]


async def notes_at(hub: HubAtWork) -> list[str]:
    return [text for (text,) in await hub.rows("SELECT text FROM note ORDER BY text")]


# --- logging out


async def test_logging_out_is_refused_in_words_while_anything_waits_and_done_when_it_went(
    van: Van,
) -> None:
    async with van.phone() as phone:
        await phone.act(acts.add_note(van.job, "the key is at number 5"))
        await phone.save_file(van.job, photo("valve"))
        with pytest.raises(LogOutRefused, match="2 changes, 1 photo or file on this phone"):
            await phone.people.log_out()
        assert await titles(phone) == ["Boiler"], "nothing was changed"
        # What waits can be taken to the hub in a file, and still waits then.
        name, data = await phone.carried.file_for_hub()
        assert name.endswith(".carried")
        assert data
        with pytest.raises(LogOutRefused):
            await phone.people.log_out()
        async with van.hub() as hub:
            await synced(phone)

            async def all_sent() -> bool:
                (ana,) = await phone.people.all()
                return not ana.owed

            await until(all_sent, "the photo is there too")
            await phone.choices.prefer("battery", "saving")
            await phone.people.log_out()
            assert await notes_at(hub) == ["the key is at number 5"]
        assert phone.worker == ""
        assert await phone.people.all() == ()
    assert Preferences(van.phone_folder)["battery"] == "saving", "that is the phone's own"
    left = {path.name for path in van.phone_folder.iterdir()}
    assert STORE_FILE not in left
    assert KEY_FILE not in left
    assert left <= {
        SECRET,
        "ballast",
        "beat.json",
        PREFERENCES_FILE,
        IN_FILE,
        "in-use",
        WORKERS_FOLDER,
    }
    assert (van.phone_folder / SECRET).read_bytes() == b"s" * 32, "it is the phone's"


async def test_who_logs_out_before_all_is_sent_is_seen_no_more_and_loses_nothing(van: Van) -> None:
    async with van.phone() as phone:
        await phone.act(acts.add_note(van.job, "the key is at number 5"))
        await phone.save_file(van.job, photo("valve"))
        await phone.people.log_out(once_sent=True)
        assert phone.worker == ""
        (ana,) = await phone.people.all()
        assert (ana.name, ana.is_in, ana.is_leaving) == ("Ana", False, True)
    async with van.phone() as phone:
        assert phone.worker == "", "also after a restart"

        async def counted() -> bool:
            (ana,) = await phone.people.all()
            return (ana.owed.entries, ana.owed.files) == (2, 1)

        await until(counted, "the phone says what waits")
        async with van.hub() as hub:

            async def gone() -> bool:
                return await phone.people.all() == ()

            await until(gone, "it was sent, and is taken off the phone")
            assert await notes_at(hub) == ["the key is at number 5"]
            ((address,),) = await hub.rows("SELECT address FROM file_ref")
            assert await hub.hub.writer.run(hub.hub.writer.replica.files.holds, address)
    assert not (van.phone_folder / STORE_FILE).exists()
    assert not (van.phone_folder / KEY_FILE).exists()


async def test_who_comes_back_before_all_was_sent_finds_everything(van: Van) -> None:
    async with van.phone() as phone:
        await phone.act(acts.add_note(van.job, "the key is at number 5"))
        await phone.people.log_out(once_sent=True)
        (ana,) = await phone.people.all()
        await phone.people.let_in(ana.person)
        assert phone.worker == van.ana.hex()
        assert await titles(phone) == ["Boiler"]
        async with van.hub():
            await synced(phone)
        (ana,) = await phone.people.all()
        assert (ana.is_in, ana.is_leaving) == (True, False)
    assert (van.phone_folder / KEY_FILE).exists()


async def test_nobody_is_logged_out_of_a_day_that_still_runs(van: Van) -> None:
    async with van.phone() as phone, van.hub():
        await phone.act(day_acts.start_duty(van.ana, DAY, b"duty-one"))
        await synced(phone)
        with pytest.raises(LogOutRefused, match="still running"):
            await phone.people.log_out()
        await phone.act(day_acts.stop_duty(van.ana, DAY, b"duty-one"))
        await synced(phone)
        await phone.people.log_out()
        with pytest.raises(LogOutRefused, match="nobody is logged in"):
            await phone.people.log_out()


async def test_what_is_carried_for_a_colleague_waits_as_ones_own_does(van: Van) -> None:
    async with van.phone() as phone:
        replica = phone.writer.replica
        (hub,) = {each.author for each in replica.certificates_of(3)}
        await phone.writer.run(keep_for_hub, replica, b"FLCARRY1" + hub + b"sealed" * 20)
        with pytest.raises(LogOutRefused, match="1 file of others"):
            await phone.people.log_out()


# --- several workers


async def test_a_second_worker_joins_beside_the_first_whose_work_goes_on_by_itself(
    van: Van,
) -> None:
    async with van.both_in() as (phone, ana, bo):
        assert phone.worker == van.bo.hex()
        assert await titles(phone) == ["Gutter"], "nothing of Ana's is shown"
        people = await phone.people.all()
        assert [(each.name, each.is_in) for each in people] == [("Ana", False), ("Bo", True)]
        async with van.hub() as hub:

            async def sent() -> bool:
                phone.sync_now()
                return await notes_at(hub) == ["the key is at number 5"]

            await until(sent, "Ana's goes while Bo is in")
            await phone.act(acts.add_note(van.bos_job, "the ladder is too short"))
            await synced(phone)
        await phone.act(acts.add_note(van.bos_job, "back with a longer one"))
        await phone.people.let_in(ana)
        assert phone.worker == van.ana.hex()
        assert await titles(phone) == ["Boiler"]
        async with van.hub() as hub:

            async def arrived() -> bool:
                return "back with a longer one" in await notes_at(hub)

            await until(arrived, "Bo's goes while Ana is in")
            await synced(phone)
        await phone.people.let_in(bo)
        assert await titles(phone) == ["Gutter"]
        with pytest.raises(LogOutRefused, match="not on this phone"):
            await phone.people.let_in("nobody")


async def test_a_fix_belongs_to_whoever_is_in(van: Van) -> None:
    async with van.both_in() as (phone, ana, bo):
        # Both are on duty: Ana gave the phone to Bo without a word.
        await phone.people.let_in(ana)
        await phone.act(day_acts.start_duty(van.ana, DAY, b"duty-one"))
        await phone.people.let_in(bo)
        await phone.act(day_acts.start_duty(van.bo, DAY, b"duty-two"))
        van.clock.pass_ms(60_000)
        assert phone.last_fix() is None
        for number in range(3):
            await phone.take_fix(
                Fix(van.clock.now_ms() + number * 1_000, 601_000_000, 249_000_000, 8)
            )
        await phone.act(day_acts.stop_duty(van.bo, DAY, b"duty-two"))
        async with van.hub() as hub:
            await synced(phone)

            async def tracked() -> bool:
                rows = await hub.rows("SELECT stream FROM stream WHERE kind = 6")
                return len(rows) == 1

            await until(tracked, "one track came")
            ((track,),) = await hub.rows("SELECT stream FROM stream WHERE kind = 6")
            assert track == acts.track_stream(van.bo, DAY)


async def test_whoever_was_in_is_in_after_the_phone_was_killed(van: Van) -> None:
    async with van.both_in() as (phone, ana, bo):
        assert phone.worker == van.bo.hex()
    async with van.phone() as phone:
        assert phone.worker == van.bo.hex()
        await phone.people.let_in(ana)
    async with van.phone() as phone:
        assert phone.worker == van.ana.hex()
    # What the file says is a name of a folder here, or nothing.
    for nonsense in ("../../hub", "", "nobody", "\0", "a/b"):
        (van.phone_folder / IN_FILE).write_text(nonsense)
        assert folder_in(van.phone_folder) == van.phone_folder
    (van.phone_folder / IN_FILE).write_bytes(b"\xff\xfe")
    assert folder_in(van.phone_folder) == van.phone_folder


async def test_a_folder_that_was_going_when_the_power_went_is_gone_at_the_next_start(
    van: Van,
) -> None:
    async with van.both_in() as (phone, _, _):
        bos = phone.folder
        assert bos.parent.name == WORKERS_FOLDER
    (bos / GONE_FILE).write_bytes(b"")
    (bos / KEY_FILE).unlink()
    async with van.phone() as phone:
        assert phone.worker == van.ana.hex(), "the first is in where nobody else is"
        assert await titles(phone) == ["Boiler"]
    assert not bos.exists()


async def test_no_command_writes_to_a_folder_that_a_shared_phone_is_at_work_in(van: Van) -> None:
    async with van.both_in() as (phone, _, _):
        with pytest.raises(FolderInUse), occupied(phone.folder):
            pass
    with occupied(phone.folder):
        pass


async def test_a_worker_whose_phone_was_shut_out_is_told_of_and_holds_up_nobody(van: Van) -> None:
    async with van.both_in() as (phone, ana, _):
        await phone.people.let_in(ana)
        await phone.act(acts.add_note(van.job, "one more"))
        author = phone.writer.replica.author
        people = await phone.people.all()
        await phone.people.let_in(people[1].person)
        async with van.hub() as hub:
            await hub.hub.writer.run(revoke_and_cut, hub.hub.writer.replica, author)
            await synced(phone)

            async def told() -> bool:
                return (await phone.people.all())[0].needs != ""

            await until(told, "it is said of Ana")
            anas, bos = await phone.people.all()
            assert anas.owed
            assert bos.needs == ""


async def test_of_a_shared_phone_that_was_copied_everybody_has_to_join_again_and_nothing_is_lost(
    van: Van,
) -> None:
    async with van.both_in() as (phone, ana, bo):
        await phone.people.let_in(ana)
        await phone.act(acts.add_note(van.job, "the pump is loud"))
        await phone.people.let_in(bo)
        await phone.act(acts.add_note(van.bos_job, "the ladder is too short"))
    copied = van.phone_folder.with_name("copy")
    shutil.copytree(van.phone_folder, copied)
    shutil.rmtree(van.phone_folder)
    copied.rename(van.phone_folder)
    async with van.phone() as phone:
        assert phone.worker == ""
        assert "copied or restored" in phone.join_again

        async def told() -> bool:
            return all(each.needs for each in await phone.people.all() if not each.is_in)

        await until(told, "it is said of Ana too")
        assert [each.name for each in await phone.people.all()] == ["Ana", "Bo"]
        async with van.hub() as hub:
            for person, worker in ((ana, van.ana), (bo, van.bo)):
                await phone.people.let_in(person)
                await phone.enrol(link=(await hub.offer(worker)).link)
                await synced(phone)
            notes = await notes_at(hub)
        assert {"the pump is loud", "the ladder is too short"} <= set(notes)
        assert len(notes) == len(set(notes))


async def test_so_many_share_a_phone_and_no_more(van: Van) -> None:
    for number in range(FOLDERS_MAX - 1):
        folder = van.phone_folder / WORKERS_FOLDER / f"w{number}"
        folder.mkdir(parents=True)
        (folder / STORE_FILE).touch()
    assert len(worker_folders(van.phone_folder)) == FOLDERS_MAX
    async with van.phone() as phone:
        with pytest.raises(LogOutRefused, match="so many"):
            await phone.people.let_somebody_new_in()
        assert phone.worker == van.ana.hex()
