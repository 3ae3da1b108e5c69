"""Hubs and phones that were lost, restored, copied or cloned: nothing is lost, no log is forked."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from core.dispatch import acts
from core.dispatch.acts import SITE_STREAM
from core.dispatch.fields import CERTIFICATE, Phase
from hub.browser_authority import LEAF_FILE_NAME, ROOT_FILE_NAME, BrowserAuthority
from hub.founding import open_hub_replica
from replica.backup import HUB_FILES, LEFT_OUT, PHONE_FILES, make_backup
from replica.device import Device
from replica.generation import MARK_PREFIX
from replica.identity import KEY_FILE, SITE_KEY_FILE, IdentityError
from replica.joining import HUB_FILE
from replica.opening import JOIN_AGAIN
from replica.preferences import PREFERENCES_FILE
from replica.replica import Replica
from replica.restoring import restore_backup
from replica.screens.colleagues import COLLEAGUES_FILE, Colleague, Colleagues
from replica.screens.guard import load_secret
from replica.screens.marks import MARKS_FILE
from replica.store import STORE_FILE, Store
from replica.transport_security import TRANSPORT_FILE_NAME
from tests.build import Entropy, SettableClock
from tests.running import HubAtWork, running_hub, running_phone, synced, until

CLOCK = SettableClock()


async def enrol(hub: HubAtWork, phone: Device, worker: bytes) -> None:
    offer = await hub.offer(worker)
    await phone.enrol(link=offer.link)
    await synced(phone)


async def titles(at: HubAtWork | Device) -> set[str]:
    reader = at.hub.reader if isinstance(at, HubAtWork) else at.reader
    return {row["title"] for row in await reader.rows("SELECT title FROM job")}


async def phases(hub: HubAtWork) -> set[str]:
    return {phase for (phase,) in await hub.rows("SELECT phase FROM assignment")}


def has_no_fork(replica: Replica) -> bool:
    forks = replica.store.db.execute("SELECT count(*) FROM log WHERE branch <> x''").fetchone()
    return bool(forks == (0,))


def lose(folder: Path, sooner: Path) -> None:
    """The folder is gone, and an older copy of it stands in its place."""
    shutil.rmtree(folder)
    shutil.copytree(sooner, folder)


@pytest.mark.parametrize("how", ["backup", "raw copy"])
async def test_a_lost_hub_comes_back_with_what_its_phones_hold(tmp_path: Path, how: str) -> None:
    folder = tmp_path / "hub"
    async with running_phone(tmp_path / "phone", CLOCK) as phone:
        async with running_hub(folder, CLOCK) as hub:
            port, worker = hub.port, await hub.worker("Aino")
            await enrol(hub, phone, worker)
            first, _ = await hub.job("Before", worker)
            await synced(phone)
            if how == "backup":
                kept, manifest = make_backup(folder, tmp_path, CLOCK, Entropy("backup"))
                assert manifest.role == "hub"
            else:
                kept = tmp_path / "copy"
                # As somebody would: of a hub at work, WAL and all.
                shutil.copytree(folder, kept)
            job, turn = await hub.job("After", worker)
            await hub.job("Lost: no phone had it")
            await phone.act(acts.add_note(first, "confirmed by the hub that was lost"))
            await until(lambda: _shows(phone, {"Before", "After"}), "the phone has the job")
            await synced(phone)
            old = hub.hub.replica.author
        await phone.act(acts.set_phase(job, worker, turn, Phase.ON_SITE))
        if how == "backup":
            shutil.rmtree(folder)
            restore_backup(kept, folder, CLOCK, Entropy("restore"))
            assert not (folder / KEY_FILE).exists()
        else:
            lose(folder, kept)
        async with running_hub(folder, CLOCK, seed="hub again", port=port) as hub:
            replica = hub.hub.replica
            assert replica.author != old, "the old key writes nothing more"
            assert replica.subject == b"A"
            await synced(phone)
            assert await titles(hub) == {"Before", "After"}
            assert "on site" in await phases(hub)
            assert await hub.rows("SELECT text FROM note") == [
                ("confirmed by the hub that was lost",)
            ]
            await hub.job("New", worker)
            await until(lambda: _shows(phone, {"Before", "After", "New"}), "new work arrives")
            numbers = {number for (number,) in await hub.rows("SELECT number FROM job")}
            assert numbers == {"A-1", "A-2", "A-1001"}, "no number is given twice"
            await synced(phone)
            assert has_no_fork(replica)
            assert has_no_fork(phone.writer.replica)
            keys = {
                path[1] for path in replica.state(SITE_STREAM).registers if path[0] == CERTIFICATE
            }
            assert {old, replica.author} <= keys
            again = await hub.worker("Eero")
            async with running_phone(tmp_path / "other", CLOCK, seed="other") as other:
                await enrol(hub, other, again)
        author = replica.author
        async with running_hub(folder, CLOCK, seed="later", port=port) as hub:
            assert hub.hub.replica.author == author, "it is at home now"


async def _shows(phone: Device, expected: set[str]) -> bool:
    return await titles(phone) == expected


@pytest.mark.parametrize("how", ["backup", "raw copy"])
async def test_a_phone_that_was_restored_joins_again_and_sends_what_waited(
    tmp_path: Path, how: str
) -> None:
    folder = tmp_path / "phone"
    async with running_hub(tmp_path / "hub", CLOCK) as hub:
        async with running_phone(folder, CLOCK) as phone:
            worker = await hub.worker("Aino")
            await enrol(hub, phone, worker)
            job, turn = await hub.job("Boiler", worker)
            await until(lambda: _shows(phone, {"Boiler"}), "the phone has the job")
            await synced(phone)
            old = phone.writer.replica.author
        # Out of reach: what it does now is on this phone alone.
        (folder / "hub").rename(tmp_path / "hub address")
        async with running_phone(folder, CLOCK) as phone:
            await phone.act(acts.set_phase(job, worker, turn, Phase.ON_SITE))
            if how == "backup":
                kept, manifest = make_backup(folder, tmp_path, CLOCK, Entropy("backup"))
                assert manifest.role == "phone"
        if how == "backup":
            shutil.rmtree(folder)
            restore_backup(kept, folder, CLOCK, Entropy("restore"))
        else:
            shutil.copytree(folder, tmp_path / "copy")
            lose(folder, tmp_path / "copy")
        async with running_phone(folder, CLOCK, seed="restored") as phone:
            assert phone.worker == ""
            assert phone.join_again == JOIN_AGAIN
            assert not (folder / KEY_FILE).exists()
        async with running_phone(folder, CLOCK, seed="restored") as phone:
            assert phone.join_again == JOIN_AGAIN, "it stays so until it has joined"
            offer = await hub.offer(worker)
            await phone.enrol(link=offer.link)
            assert (phone.join_again, phone.worker) == ("", worker.hex())
            assert phone.writer.replica.author != old
            await synced(phone)
            assert await phases(hub) == {"on site"}
            await phone.act(acts.set_phase(job, worker, turn, Phase.FINISHED))
            await synced(phone)
            assert await phases(hub) == {"finished"}
            assert has_no_fork(hub.hub.replica)


async def test_what_a_former_key_did_not_send_counts_as_waiting(tmp_path: Path) -> None:
    folder = tmp_path / "phone"
    async with running_hub(tmp_path / "hub", CLOCK) as hub:
        worker = await hub.worker("Aino")
        async with running_phone(folder, CLOCK) as phone:
            await enrol(hub, phone, worker)
            job, turn = await hub.job("Boiler", worker)
            await until(lambda: _shows(phone, {"Boiler"}), "the phone has the job")
        (folder / "hub").unlink()
        async with running_phone(folder, CLOCK) as phone:
            await phone.act(acts.set_phase(job, worker, turn, Phase.ON_SITE))
        shutil.copytree(folder, tmp_path / "copy")
        async with running_phone(tmp_path / "copy", CLOCK, seed="copy") as phone:
            offer = await hub.offer(worker)
            await phone.enrol(link=offer.link)
            waiting = (await phone.sync_state()).unsent_by_stream or {}
            assert waiting.get(job.hex()), "nothing is called sent that no hub has confirmed"
            await synced(phone)


async def test_a_clone_and_its_original_write_no_fork(tmp_path: Path) -> None:
    async with running_hub(tmp_path / "hub", CLOCK) as hub:
        worker = await hub.worker("Aino")
        async with running_phone(tmp_path / "phone", CLOCK) as phone:
            await enrol(hub, phone, worker)
            job, turn = await hub.job("Boiler", worker)
            await until(lambda: _shows(phone, {"Boiler"}), "the phone has the job")
            await synced(phone)
        shutil.copytree(tmp_path / "phone", tmp_path / "clone")
        async with (
            running_phone(tmp_path / "phone", CLOCK) as phone,
            running_phone(tmp_path / "clone", CLOCK, seed="clone") as clone,
        ):
            assert phone.worker == worker.hex(), "the original stays as it was"
            await enrol(hub, clone, worker)
            await phone.act(acts.set_phase(job, worker, turn, Phase.ON_SITE))
            await clone.act(acts.add_note(job, "from the clone"))
            await synced(phone)
            await synced(clone)
            assert has_no_fork(hub.hub.replica)
            assert await hub.rows("SELECT text FROM note") == [("from the clone",)]


async def test_a_phone_with_work_of_another_site_does_not_join_this_one(tmp_path: Path) -> None:
    async with running_hub(tmp_path / "one", CLOCK, seed="one") as hub:
        async with running_phone(tmp_path / "phone", CLOCK) as phone:
            await enrol(hub, phone, await hub.worker("Aino"))
        shutil.copytree(tmp_path / "phone", tmp_path / "copy")
    async with (
        running_hub(tmp_path / "two", CLOCK, seed="two") as hub,
        running_phone(tmp_path / "copy", CLOCK, seed="copy") as phone,
    ):
        offer = await hub.offer(await hub.worker("Eero"))
        with pytest.raises(Exception, match="keeps the work of another site"):
            await phone.enrol(link=offer.link)
        assert phone.worker == ""
        assert phone.join_again


def start(folder: Path, seed: str) -> Replica:
    return open_hub_replica(folder, CLOCK, Entropy(seed), tls_fingerprint=b"\x11" * 32)


def test_a_copied_hub_without_the_sites_key_stops_and_changes_nothing(tmp_path: Path) -> None:
    first = start(tmp_path / "hub", "hub")
    first.close()
    shutil.copytree(tmp_path / "hub", tmp_path / "copy")
    (tmp_path / "copy" / SITE_KEY_FILE).rename(tmp_path / "kept")
    before = (tmp_path / "copy" / KEY_FILE).read_bytes()
    for wrong in (None, b"\x07" * 32):
        if wrong is not None:
            (tmp_path / "copy" / SITE_KEY_FILE).write_bytes(wrong)
        with pytest.raises(IdentityError, match="put site.key of its site there"):
            start(tmp_path / "copy", "copy")
    assert (tmp_path / "copy" / KEY_FILE).read_bytes() == before
    (tmp_path / "kept").rename(tmp_path / "copy" / SITE_KEY_FILE)
    again = start(tmp_path / "copy", "copy")
    assert (again.site, again.subject) == (first.site, b"A")
    assert again.author != first.author
    again.close()


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_a_start_that_was_killed_while_it_began_anew_is_made_good(
    tmp_path: Path, kept: int
) -> None:
    """The key gone, the key new and the identity old, all new and no mark yet."""
    first = start(tmp_path / "hub", "hub")
    first.close()
    copy = tmp_path / "copy"
    shutil.copytree(tmp_path / "hub", copy)
    if kept == 0:
        (copy / KEY_FILE).unlink()
    if kept == 1:
        (copy / KEY_FILE).write_bytes(b"\x09" * 32)
    if kept == 2:
        start(copy, "killed").close()
        store = Store(copy / STORE_FILE)
        (token, _, _) = store.get("mark")
        store.close()
        (copy / f"{MARK_PREFIX}{token.hex()}").unlink()
    again = start(copy, "again")
    assert again.author != first.author
    assert has_no_fork(again)
    again.close()
    later = start(copy, "later")
    assert later.author == again.author
    later.close()


async def test_every_file_of_a_folder_is_in_a_backup_or_said_to_be_left_out(
    tmp_path: Path,
) -> None:
    async with running_hub(tmp_path / "hub", CLOCK) as hub:
        BrowserAuthority(tmp_path / "hub", "Fieldlog hub", ["localhost"], CLOCK.now_ms)
        (tmp_path / "hub" / "map").mkdir()
        async with running_phone(tmp_path / "phone", CLOCK) as phone:
            await enrol(hub, phone, await hub.worker("Aino"))
            load_secret(tmp_path / "phone", Entropy("secret"))
            (tmp_path / "phone" / MARKS_FILE).write_text("{}")
            await phone.choices.prefer("media", "wi-fi")
            Colleagues(tmp_path / "phone").add(Colleague("00" * 4 + "03" + "00" * 7, "Bo"))
            for folder, files in (("hub", HUB_FILES), ("phone", PHONE_FILES)):
                there = {each.name for each in (tmp_path / folder).iterdir()}
                there = {each for each in there if not each.startswith((MARK_PREFIX, STORE_FILE))}
                there -= {"browsers.sqlite-wal", "browsers.sqlite-shm"}
                known = {*files, *LEFT_OUT}
                if folder == "phone":
                    # Made anew when it joins again.
                    known |= {"identity", TRANSPORT_FILE_NAME}
                assert there <= known, there - known
    assert {ROOT_FILE_NAME, TRANSPORT_FILE_NAME, SITE_KEY_FILE} < {*HUB_FILES}
    assert {LEAF_FILE_NAME, KEY_FILE} < {*LEFT_OUT}
    assert {HUB_FILE, MARKS_FILE, COLLEAGUES_FILE, PREFERENCES_FILE} == {*PHONE_FILES}
