"""Files that go: erased everywhere, or left by a phone once a hub has them; hubs that come back."""

from __future__ import annotations

from random import Random

import pytest

from core.dispatch import acts, erasure
from core.dispatch.acts import SITE_STREAM, ActError, Change
from core.dispatch.fields import FILE, REVOKED
from core.log.file_messages import FileMessage, Offer
from core.log.messages import write
from replica.checking import check_store
from replica.cuts import write_cuts
from replica.file_checking import check_files
from replica.file_going import forget_files
from replica.filing import save_file, want_file
from replica.purging import forget_erased, scrub_if_due
from replica.repair import repair_store
from replica.replica import Replica
from tests.build import Entropy, Meeting, SettableClock, Site, hold, streams_of
from tests.replica.files import chunks_sent, photo, whereabouts


@pytest.fixture
def job(site: Site, hub: Replica, ana: bytes, phone: Replica) -> bytes:
    job, _ = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    return job


def traces(replica: Replica, data: bytes) -> list[int]:
    """Where bytes of a file stand in any file of a replica's folder: offsets within `data`."""
    folder = replica.store.path.parent
    found = b"\0\0\0\0".join(each.read_bytes() for each in folder.iterdir() if each.is_file())
    return [at for at in range(0, len(data) - 16, 509) if data[at : at + 16] in found]


def meet_until_left(phone: Replica, hub: Replica, job: bytes) -> None:
    """A meeting that is cut as soon as the phone has let go of a job, before its files went."""
    meeting = Meeting(phone, hub).start()
    while job in streams_of(phone):
        assert meeting.deliver(1) | meeting.deliver(0) or meeting.tell()


def named_twice(
    site: Site, hub: Replica, ana: bytes, phone: Replica, job: bytes, data: bytes
) -> tuple[bytes, bytes]:
    """Ana saves one photo in a second job too: that job, and the photo's address."""
    other, _ = site.job(hub, "Pump", ana)
    hold(phone, hub)
    save_file(phone, job, data)
    return other, save_file(phone, other, data).address


def leaves_for(hub: Replica, phone: Replica, address: bytes) -> None:
    """The valve's photo is on the phone still, and goes once the hub has it."""
    assert phone.files.holds(address)
    hold(phone, hub)
    assert hub.files.read(address) == photo("valve", 9)
    assert phone.files.addresses() == []


def test_an_erased_job_takes_its_files_along_everywhere_down_to_their_bytes(
    site: Site, hub: Replica, ana: bytes, phone: Replica, job: bytes
) -> None:
    second = site.hub("B")
    kept, _ = site.job(hub, "Pump", ana)
    hold(phone, hub)
    gone = save_file(phone, job, photo("valve")).address
    stays = save_file(phone, kept, photo("pump", 0.02)).address
    everybody = (hub, second, phone)
    for peer in (hub, second, hub):
        hold(phone, peer)
        hold(second, hub)
    for each in everybody:
        assert each.files.read(gone) == photo("valve")
        assert traces(each, photo("valve"))
    hub.write(erasure.erase([job]))
    for each in (phone, second):
        assert hold(each, hub).live
    for each in everybody:
        assert scrub_if_due(each)
        assert each.files.addresses() == [stays]
        assert traces(each, photo("valve")) == []
        assert traces(each, photo("pump", 0.02))
        assert each.store.db.execute("SELECT count(*) FROM file_held").fetchone()[0] <= 2
        assert each.store.db.execute("SELECT count(*) FROM file_going").fetchone() == (0,)
        assert check_store(each) == []
        assert check_files(each) == []


def test_erased_files_do_not_come_back_from_who_has_not_heard(
    site: Site, hub: Replica, phone: Replica, job: bytes
) -> None:
    address = save_file(phone, job, photo("valve")).address
    hold(phone, hub)
    hub.write(erasure.erase([job]))
    assert scrub_if_due(hub)
    meeting = hold(phone, hub)
    # A program that did not do as it was told.
    meeting.waiting[1].append(write(Offer((address,))))
    meeting.run()
    assert meeting.live
    spoken = [message for side in (0, 1) for message in meeting.read(side)]
    assert [message for message in spoken if isinstance(message, FileMessage)] == []
    assert scrub_if_due(phone)
    assert hub.files.addresses() == phone.files.addresses() == []


def test_a_job_erased_in_the_middle_of_its_file_leaves_nothing_of_it(
    hub: Replica, phone: Replica, job: bytes
) -> None:
    data = photo("valve", 9)
    save_file(phone, job, data)
    meeting = Meeting(phone, hub).start()
    while len(chunks_sent(meeting, 0)) < 4:
        assert meeting.deliver(1) | meeting.deliver(0) or meeting.tell()
    hub.write(erasure.erase([job]))
    forget_erased(hub)
    meeting.run()
    assert meeting.live
    for each in (hub, phone):
        forget_erased(each)
        assert each.files.addresses() == []
        assert traces(each, data) == []


def test_a_file_that_another_job_names_stays_when_one_is_erased(
    site: Site, hub: Replica, ana: bytes, phone: Replica, job: bytes
) -> None:
    other, address = named_twice(site, hub, ana, phone, job, photo("valve"))
    hold(phone, hub)
    hub.write(erasure.erase([job]))
    hold(phone, hub)
    for each in (hub, phone):
        assert scrub_if_due(each)
        assert each.files.read(address) == photo("valve")


def test_a_file_stays_when_one_job_is_erased_while_the_entry_of_another_does_not_stand(
    site: Site, hub: Replica, ana: bytes, phone: Replica, job: bytes
) -> None:
    other, address = named_twice(site, hub, ana, phone, job, photo("valve"))
    hold(phone, hub)
    # No hub has cut the key yet, so that nothing of it stands for now.
    hub.write([Change(SITE_STREAM, (REVOKED, phone.author), True)])
    assert hub.store.db.execute("SELECT count(*) FROM file_ref").fetchone() == (0,)
    hub.write(erasure.erase([job]))
    assert scrub_if_due(hub)
    assert hub.files.holds(address)
    assert write_cuts(hub, [phone.author])
    assert hub.store.db.execute("SELECT job FROM file_ref").fetchall() == [(other.hex(),)]
    assert hub.files.read(address) == photo("valve")


def test_what_a_job_named_once_and_names_no_more_is_erased_with_it(
    hub: Replica, phone: Replica, job: bytes
) -> None:
    address = save_file(phone, job, photo("valve")).address
    hold(phone, hub)
    ((file,),) = hub.store.db.execute("SELECT file FROM file_ref").fetchall()
    hub.write([Change(job, (FILE, bytes.fromhex(file)), bytes(32))])
    assert hub.store.db.execute("SELECT address FROM file_ref").fetchall() == [(bytes(32),)]
    assert hub.files.holds(address)
    hub.write(erasure.erase([job]))
    assert scrub_if_due(hub)
    assert hub.files.addresses() == []
    assert traces(hub, photo("valve")) == []


def test_deleted_files_leave_no_byte_whatever_is_saved_and_deleted_around_them(
    phone: Replica,
) -> None:
    chance = Random(7)
    files, kept, gone = phone.files, {}, []
    for turn in range(60):
        size = chance.choice((20, 400, 900, 3_000, 4_050, 5_000, 65_000, 70_000, 131_072))
        data = chance.randbytes(size + chance.randrange(700))
        kept[files.add(data).address] = data
        if turn % 2:
            address = chance.choice(sorted(kept))
            assert files.delete([address])
            gone.append(kept.pop(address))
    assert [traces(phone, data) for data in gone] == [[]] * len(gone)
    for address, data in kept.items():
        assert files.read(address) == data
        assert traces(phone, data) or len(data) < 17
    assert check_files(phone) == []


def test_what_was_yet_to_be_deleted_goes_after_a_repair_too(
    site: Site, hub: Replica, phone: Replica, job: bytes
) -> None:
    save_file(phone, job, photo("valve"))
    hold(phone, hub)
    hub.write(erasure.erase([job]))
    # Killed before the photo went, and damaged then.
    folder = hub.store.path.parent
    hub.close()
    site.opened.remove(hub)
    repair_store(folder, SettableClock(), Entropy("repair"))
    repaired = site._open(folder, SettableClock())
    forget_erased(repaired)
    assert repaired.files.addresses() == []
    assert traces(repaired, photo("valve")) == []


# --- what leaves a phone


def reassign(site: Site, hub: Replica, job: bytes, ana: bytes) -> None:
    asked = "SELECT turn FROM assignment WHERE job = ?"
    ((turn,),) = hub.store.db.execute(asked, (job.hex(),)).fetchall()
    hub.write(acts.withdraw(job, ana, bytes.fromhex(turn)))


def test_a_phone_drops_the_files_of_a_job_that_leaves_where_a_hub_holds_them(
    site: Site, hub: Replica, ana: bytes, phone: Replica, job: bytes
) -> None:
    address = save_file(phone, job, photo("valve")).address
    hold(phone, hub)
    reassign(site, hub, job, ana)
    assert hold(phone, hub).live
    assert job not in streams_of(phone)
    assert phone.files.addresses() == []
    assert hub.files.read(address) == photo("valve")


def test_a_phone_keeps_the_files_of_a_job_that_leaves_until_a_hub_holds_them(
    site: Site, hub: Replica, ana: bytes, phone: Replica, job: bytes
) -> None:
    address = save_file(phone, job, photo("valve", 9)).address
    reassign(site, hub, job, ana)
    meet_until_left(phone, hub, job)
    # Cut before the file is there; the phone starts again.
    phone = site.reopen(phone)
    forget_erased(phone)
    assert not hub.files.holds(address)
    leaves_for(hub, phone, address)
    assert phone.store.db.execute("SELECT count(*) FROM file_going").fetchone() == (0,)


def test_a_file_that_waits_for_a_hub_stays_where_saving_the_same_bytes_again_fails(
    site: Site, hub: Replica, ana: bytes, phone: Replica, job: bytes
) -> None:
    address = save_file(phone, job, photo("valve", 9)).address
    reassign(site, hub, job, ana)
    meet_until_left(phone, hub, job)
    with pytest.raises(ActError):
        # None of its jobs, so this is refused.
        save_file(phone, SITE_STREAM, photo("valve", 9))
    leaves_for(hub, phone, address)


def test_a_file_that_waits_for_a_hub_stays_when_another_job_that_names_it_is_erased(
    site: Site, hub: Replica, ana: bytes, phone: Replica, job: bytes
) -> None:
    other, address = named_twice(site, hub, ana, phone, job, photo("valve", 9))
    reassign(site, hub, job, ana)
    meet_until_left(phone, hub, job)
    hub.write(erasure.erase([other]))
    # Cut as soon as the phone has heard of that; it starts again.
    meet_until_left(phone, hub, other)
    phone = site.reopen(phone)
    forget_erased(phone)
    assert not hub.files.holds(address)
    leaves_for(hub, phone, address)


def test_a_file_whose_job_left_and_came_back_stays(
    site: Site, hub: Replica, ana: bytes, phone: Replica, job: bytes
) -> None:
    address = save_file(phone, job, photo("valve", 9)).address
    reassign(site, hub, job, ana)
    meet_until_left(phone, hub, job)
    hub.write(acts.assign(job, ana, site.entropy(8)))
    hold(phone, hub)
    assert job in streams_of(phone)
    assert forget_files(phone)
    assert phone.files.read(address) == hub.files.read(address) == photo("valve", 9)
    assert phone.store.db.execute("SELECT count(*) FROM file_going").fetchone() == (0,)


# --- hubs that come back


def test_a_restored_hub_gets_its_files_again_from_phones(
    site: Site, hub: Replica, phone: Replica, job: bytes
) -> None:
    old = site.copy(hub)
    address = save_file(phone, job, photo("valve")).address
    hold(phone, hub)
    assert whereabouts(phone, address).on_hub
    hub.files.close()
    hub.files.path.unlink()
    hub = site.restore(hub, old)
    cut = Meeting(phone, hub).start()
    while whereabouts(phone, address).on_hub:
        assert cut.deliver(1) | cut.deliver(0)
    assert not hub.files.holds(address)
    hold(phone, hub)
    assert hub.files.read(address) == photo("valve")
    assert whereabouts(phone, address).on_hub


def test_a_hub_that_has_its_files_still_says_so_and_fetches_nothing(
    site: Site, hub: Replica, phone: Replica, job: bytes
) -> None:
    address = save_file(phone, job, photo("valve")).address
    hold(phone, hub)
    hub = site.restore(hub, site.copy(hub))
    meeting = hold(phone, hub)
    assert chunks_sent(meeting, 0) == []
    assert whereabouts(phone, address).on_hub


def test_a_hub_whose_files_alone_are_gone_asks_for_all_that_its_log_names(
    site: Site, hub: Replica, phone: Replica, job: bytes
) -> None:
    address = save_file(phone, job, photo("valve")).address
    hold(phone, hub)
    hub.files.close()
    for path in hub.store.path.parent.glob("files.sqlite*"):
        path.unlink()
    hub = site.reopen(hub)
    assert "is gone" in check_files(hub)[0]
    hub = site.reopen(hub)
    meeting = hold(phone, hub)
    assert len(chunks_sent(meeting, 0)) == 4
    assert hub.files.read(address) == photo("valve")
    assert whereabouts(phone, address).on_hub


def test_reach_of_a_file_falls_when_the_hub_asks_for_it_itself(
    hub: Replica, phone: Replica, job: bytes
) -> None:
    address = save_file(phone, job, photo("valve", 9)).address
    hold(phone, hub)
    hub.files.discard(address, [3])
    want_file(hub, address)
    meeting = Meeting(phone, hub).start()
    while whereabouts(phone, address).on_hub:
        assert meeting.deliver(1) | meeting.deliver(0) or meeting.tell()
    meeting.run()
    assert chunks_sent(meeting, 0) == [(address, 3)]
    assert whereabouts(phone, address).on_hub
    assert hub.files.read(address) == photo("valve", 9)


def test_what_a_hub_said_before_it_was_made_anew_under_another_key_lets_no_file_go(
    site: Site, hub: Replica, ana: bytes, phone: Replica, job: bytes
) -> None:
    address = save_file(phone, job, photo("valve", 9)).address
    hold(phone, hub)
    assert hub.files.holds(address)
    # Nothing is left of what the hub had; it meets the phone, but not until the file is there.
    again = site.hub_again(hub)
    with again.store.transaction():
        again.store.put("generation", site.entropy(8))
    meeting = Meeting(phone, again).start()
    while not meeting.live:
        assert meeting.deliver(1) | meeting.deliver(0) or meeting.tell()
    reassign(site, again, job, ana)
    meet_until_left(phone, again, job)
    assert not again.files.holds(address)
    assert phone.files.holds(address)
    hold(phone, again)
    assert again.files.read(address) == photo("valve", 9)
    assert not phone.files.holds(address)
