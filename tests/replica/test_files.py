"""Files between real replicas: saved offline, brought to hubs by chunks, and where they are."""

from __future__ import annotations

import pytest

from core.dispatch import acts
from core.dispatch.acts import ActError
from core.log.chunk_list import list_of
from core.log.errors import Malformed, OverLimit
from core.log.file_messages import FileMessage, Held, Offer
from core.log.limits import FILE_BYTES_MAX
from core.log.messages import Runs
from replica.checking import check_store
from replica.filing import save_file, want_file
from replica.replica import Replica
from tests.build import Meeting, Site, hold, interrupted, rows_of
from tests.replica.files import chunks_sent, fetched, photo, whereabouts


@pytest.fixture
def job(site: Site, hub: Replica, ana: bytes, phone: Replica) -> bytes:
    job, _ = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    return job


def told(meeting: Meeting, side: int, stream: bytes) -> None:
    """Let a session go on that hears of what another one brought."""
    meeting.carry(side, meeting.sessions[side].changed({stream}))
    meeting.run()


def test_a_file_saved_without_a_network_is_at_the_hub_byte_for_byte_after_the_next_meeting(
    hub: Replica, phone: Replica, job: bytes
) -> None:
    data = photo("valve")
    saved = save_file(phone, job, data, acts.add_note(job, "see the photo"))
    assert whereabouts(phone, saved.address).here
    assert not whereabouts(phone, saved.address).on_hub
    meeting = hold(phone, hub)
    assert meeting.live
    assert hub.files.read(saved.address) == data
    assert whereabouts(phone, saved.address).on_hub
    # One act: the note and the file stand in one entry.
    assert list(saved.written.hash_by_stream) == [job]
    rows = "SELECT job, address, author FROM file_ref"
    for replica in (hub, phone):
        found = replica.store.db.execute(rows).fetchall()
        assert found == [(job.hex(), saved.address, phone.author)]
        assert check_store(replica) == []


def test_a_file_is_on_the_hub_only_once_the_hub_says_so(
    hub: Replica, phone: Replica, job: bytes
) -> None:
    saved = save_file(phone, job, photo("valve"))
    meeting = Meeting(phone, hub).start()
    while not whereabouts(phone, saved.address).on_hub:
        held = [each for each in meeting.read(1) if isinstance(each, Held)]
        assert not held or meeting.waiting[0]
        assert meeting.deliver(1) | meeting.deliver(0) or meeting.tell()
    assert [each for each in meeting.read(1) if isinstance(each, Held)] == [Held((saved.address,))]
    # The hub had committed the whole of it before it said so.
    assert hub.files.read(saved.address) == photo("valve")


@pytest.mark.parametrize("deliveries", [*range(4, 40, 3)])
def test_a_meeting_that_is_cut_goes_on_with_what_is_missing(
    site: Site, hub: Replica, phone: Replica, job: bytes, deliveries: int
) -> None:
    data = photo("valve", 7.2)
    saved = save_file(phone, job, data)
    cut = interrupted(phone, hub, deliveries)
    lost = len([f for f in cut.waiting[1] if len(f) > 40_000])
    arrived = len(chunks_sent(cut, 0)) - lost
    phone, hub = site.reopen(phone), site.reopen(hub)
    meeting = hold(phone, hub)
    assert hub.files.read(saved.address) == data
    assert whereabouts(phone, saved.address).on_hub
    again = chunks_sent(meeting, 0)
    assert len(again) == 8 - arrived
    assert not {*chunks_sent(cut, 0)[:arrived]} & {*again}


def test_what_one_peer_had_no_time_for_comes_from_another(
    site: Site, hub: Replica, ana: bytes, phone: Replica, job: bytes
) -> None:
    other = site.hub("B")
    hold(other, hub)
    data = photo("valve", 6)
    saved = save_file(phone, job, data)
    hold(phone, hub)
    cut = Meeting(phone, other).start()
    while len(other.files.missing(saved.address)) != 4:
        cut.deliver(1)
        cut.deliver(0)
    meeting = hold(other, hub)
    assert other.files.read(saved.address) == data
    assert [number for _, number in chunks_sent(meeting, 1)] == [3, 4, 5, 6]


def test_nothing_is_said_of_files_again_where_all_is_held(
    hub: Replica, phone: Replica, job: bytes
) -> None:
    save_file(phone, job, photo("valve"))
    hold(phone, hub)
    meeting = hold(phone, hub)
    assert not [m for side in (0, 1) for m in meeting.read(side) if isinstance(m, FileMessage)]


def test_a_file_that_is_saved_in_a_live_session_goes_at_once(
    hub: Replica, phone: Replica, job: bytes
) -> None:
    meeting = hold(phone, hub)
    saved = save_file(phone, job, photo("valve"))
    meeting.run()
    assert hub.files.holds(saved.address)


def test_an_entry_written_in_the_middle_of_a_file_overtakes_the_rest_of_it(
    hub: Replica, phone: Replica, job: bytes
) -> None:
    meeting = hold(phone, hub)
    save_file(phone, job, photo("valve", 20))
    meeting.tell()
    while len(chunks_sent(meeting, 0)) < 5:
        meeting.deliver(1)
        meeting.deliver(0)
    phone.write(acts.add_note(job, "in a hurry"))
    before = len(chunks_sent(meeting, 0))
    meeting.tell()
    # What the hub asks for meanwhile waits until it has acked the entry.
    assert meeting.waiting[0]
    while meeting.deliver(0):
        pass
    meeting.deliver(1)
    while meeting.deliver(0):
        pass
    sent = meeting.read(0)
    assert isinstance(sent[-1], Runs)
    assert len(chunks_sent(meeting, 0)) == before
    meeting.run()
    assert len(chunks_sent(meeting, 0)) == 20
    assert hub.store.db.execute("SELECT text FROM note").fetchall() == [("in a hurry",)]


def test_no_more_than_two_chunks_are_on_their_way(hub: Replica, phone: Replica, job: bytes) -> None:
    save_file(phone, job, photo("valve", 9))
    save_file(phone, job, photo("pump", 3))
    meeting = Meeting(phone, hub).start()
    most = 0
    while meeting.deliver(1) or meeting.tell():
        # A link that is slow to the hub, and quick back.
        while meeting.deliver(0):
            most = max(most, len([frame for frame in meeting.waiting[1] if len(frame) > 32_000]))
    assert most == 2
    assert len(chunks_sent(meeting, 0)) == 12


def test_a_phone_fetches_a_file_when_somebody_asks_for_it_and_not_before(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    address = save_file(hub, job, photo("plan")).address
    hold(phone, hub)
    assert not whereabouts(phone, address).here
    assert fetched(hold(phone, hub), 0) == []
    assert want_file(phone, address) is False
    phone = site.reopen(phone)
    assert whereabouts(phone, address).wanted
    meeting = hold(phone, hub)
    assert phone.files.read(address) == photo("plan")
    assert not whereabouts(phone, address).wanted
    assert want_file(phone, address) is True
    assert len(chunks_sent(meeting, 1)) == 4


def test_a_file_that_is_asked_for_in_a_live_session_comes_at_once(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    address = save_file(hub, job, photo("plan")).address
    meeting = hold(phone, hub)
    want_file(phone, address)
    meeting.run()
    assert phone.files.read(address) == photo("plan")


def test_a_file_that_the_hub_has_not_yet_comes_to_who_asked_when_it_has(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    bo = site.worker(hub, "Bo")
    colleague = site.phone(hub, bo)
    job, _ = site.job(hub, "Boiler", ana, bo)
    hold(phone, hub)
    address = save_file(phone, job, photo("valve", 5)).address
    # The entry comes to the hub, and of the file nothing yet.
    cut = Meeting(phone, hub).start()
    while not hub.store.db.execute("SELECT 1 FROM file_ref").fetchall():
        cut.deliver(1)
        cut.deliver(0)
    waiting = hold(colleague, hub)
    want_file(colleague, address)
    waiting.run()
    assert not whereabouts(colleague, address).here
    hold(phone, hub)
    told(waiting, 1, job)
    assert colleague.files.read(address) == photo("valve", 5)


def test_two_hubs_pass_files_on_to_each_other(
    site: Site, hub: Replica, ana: bytes, phone: Replica, job: bytes
) -> None:
    other = site.hub("B")
    hold(other, hub)
    between = Meeting(other, hub).start().run()
    of_phone = save_file(phone, job, photo("valve")).address
    of_other = save_file(other, job, photo("plan")).address
    between.run()
    assert hub.files.read(of_other) == photo("plan")
    hold(phone, hub)
    told(between, 1, job)
    assert other.files.read(of_phone) == photo("valve")


def test_a_colleague_who_shares_the_job_gives_a_file_and_is_no_hub(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    bo = site.worker(hub, "Bo")
    colleague = site.phone(hub, bo)
    job, _ = site.job(hub, "Boiler", ana, bo)
    for each in (phone, colleague):
        hold(each, hub)
    address = save_file(phone, job, photo("valve")).address
    hold(phone, colleague)
    assert not whereabouts(colleague, address).here
    want_file(colleague, address)
    hold(colleague, phone)
    assert colleague.files.read(address) == photo("valve")
    for each in (phone, colleague):
        assert not whereabouts(each, address).on_hub
    # And brings it to the hub.
    hold(colleague, hub)
    assert hub.files.read(address) == photo("valve")


def test_files_are_offered_to_hubs_alone(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    save_file(hub, job, photo("plan"))
    meeting = hold(phone, hub)
    assert not [each for each in meeting.read(1) if isinstance(each, Offer)]


def test_saving_what_is_too_large_or_empty_changes_nothing(phone: Replica, job: bytes) -> None:
    before = rows_of(phone)
    with pytest.raises(OverLimit):
        save_file(phone, job, bytes(FILE_BYTES_MAX + 1))
    with pytest.raises(Malformed):
        save_file(phone, job, b"")
    assert rows_of(phone) == before


def test_saving_for_a_job_that_one_may_not_write_to_changes_nothing(
    hub: Replica, phone: Replica, job: bytes
) -> None:
    customer = job[:4] + b"\x02" + job[5:]
    with pytest.raises(ActError):
        save_file(phone, customer, photo("valve"))
    assert phone.files.addresses() == []
    assert phone.store.db.execute("SELECT count(*) FROM file_going").fetchone() == (0,)
    # What another entry names stays.
    address = save_file(phone, job, photo("valve")).address
    with pytest.raises(ActError):
        save_file(phone, customer, photo("valve"))
    assert phone.files.read(address) == photo("valve")


def test_the_same_photo_saved_for_two_jobs_is_kept_once(
    site: Site, hub: Replica, ana: bytes, phone: Replica, job: bytes
) -> None:
    other, _ = site.job(hub, "Pump", ana)
    hold(phone, hub)
    one, two = (save_file(phone, each, photo("valve")).address for each in (job, other))
    assert one == two == list_of(photo("valve")).address
    meeting = hold(phone, hub)
    assert len(chunks_sent(meeting, 0)) == 4
    assert hub.files.addresses() == [one]


def test_a_value_that_is_no_address_names_no_file(hub: Replica, phone: Replica, job: bytes) -> None:
    for value in (b"short", "words", 7, [bytes(32)]):
        phone.write([acts.Change(job, (98, phone.entropy(8)), value)])
    assert hold(phone, hub).live
    assert hub.store.db.execute("SELECT count(*) FROM file_ref").fetchone() == (0,)
    assert check_store(hub) == []
