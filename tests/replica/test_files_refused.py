"""What is not taken of files, and who gets none: nothing is kept, and entries go on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from core.dispatch import acts
from core.log.chunk_list import ChunkList, chunk_hash, list_of
from core.log.errors import LogError, Malformed, OverLimit, Unauthentic
from core.log.file_messages import Chunk, Fetch, FileList, FileMessage, Held, NoFile, Offer
from core.log.limits import FILE_CHUNK_BYTES, FILE_ROOM_BYTES_MIN
from core.log.messages import Hello, read, write
from core.log.quota import DAY_MS, Allowance
from replica.checking import check_store
from replica.file_checking import check_files
from replica.files import MachineFiles
from replica.filing import save_file, want_file
from replica.replica import Replica
from replica.store import DiskFull
from tests.build import Meeting, Site, clock_of, hold, rows_of
from tests.replica.files import chunks_sent, error_of, photo, whereabouts


@pytest.fixture
def job(site: Site, hub: Replica, ana: bytes, phone: Replica) -> bytes:
    job, _ = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    return job


def until(meeting: Meeting, kind: type[FileMessage]) -> FileMessage:
    """Let a meeting go on until a message of a kind waits for the hub."""
    while True:
        for frame in meeting.waiting[1]:
            message = read(frame) if frame[0] != 0xC1 else None
            if isinstance(message, kind):
                return message
        assert meeting.deliver(1) | meeting.deliver(0) or meeting.tell(), "it never came"


def flipped(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]


def brought_wrong(
    phone: Replica,
    hub: Replica,
    kind: type[Chunk] | type[FileList],
    wrong: Callable[[bytes], bytes],
) -> Meeting:
    """A meeting in which the first of what a phone brings of a kind is not what it was."""
    meeting = Meeting(phone, hub).start()
    sound = until(meeting, kind)
    assert isinstance(sound, (Chunk, FileList))
    meeting.waiting[1].clear()
    meeting.waiting[1].append(write(replace(sound, data=wrong(sound.data))))
    return meeting.run()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda data: flipped(data),
        lambda data: data[:-1],
        lambda data: data[:-1] + b"\0",
        lambda data: b"",
    ],
)
def test_a_wrong_chunk_ends_the_session_by_name_and_is_not_kept(
    hub: Replica, phone: Replica, job: bytes, wrong: Callable[[bytes], bytes]
) -> None:
    address = save_file(phone, job, photo("valve")).address
    meeting = brought_wrong(phone, hub, Chunk, wrong)
    assert isinstance(error_of(meeting, 1), Unauthentic)
    assert hub.files.missing(address) == [1, 2, 3, 4]
    hold(phone, hub)
    assert hub.files.read(address) == photo("valve")


@pytest.mark.parametrize("wrong", [flipped, lambda data: list_of(b"another file").to_bytes()])
def test_a_wrong_list_ends_the_session_by_name_and_is_not_kept(
    hub: Replica, phone: Replica, job: bytes, wrong: Callable[[bytes], bytes]
) -> None:
    address = save_file(phone, job, photo("valve")).address
    meeting = brought_wrong(phone, hub, FileList, wrong)
    assert isinstance(error_of(meeting, 1), Unauthentic)
    assert hub.files.addresses() == []
    assert not hub.files.holds(address)


def test_a_file_of_another_size_than_its_list_says_is_held_by_no_hub(
    hub: Replica, phone: Replica, job: bytes
) -> None:
    chunks = [b"a" * 10, b"b" * FILE_CHUNK_BYTES]
    made = ChunkList(FILE_CHUNK_BYTES + 1, tuple(map(chunk_hash, chunks)))
    phone.write(acts.add_file(job, made.address))
    phone.files.begin(made)
    for number, chunk in enumerate(chunks, 1):
        phone.files.put(made.address, number, chunk)
    assert hold(phone, hub).live
    assert not hub.files.holds(made.address)


def test_of_files_that_a_peer_says_it_holds_those_that_are_not_here_take_no_memory(
    hub: Replica, phone: Replica, job: bytes
) -> None:
    address = save_file(phone, job, photo("valve")).address
    meeting = hold(phone, hub)
    assert meeting.live
    for frame in range(4):
        drawn = tuple(photo(f"{frame} {number}", 0.001)[:32] for number in range(1_000))
        meeting.waiting[1].append(write(Held((address, *drawn))))
    meeting.run()
    beside = meeting.sessions[1]._beside
    assert beside is not None
    exchange = beside._files
    assert exchange is not None
    assert exchange._offered == {address}
    assert whereabouts(phone, address).on_hub


def test_what_nobody_asked_for_is_refused_by_name_and_not_kept(
    hub: Replica, phone: Replica, job: bytes
) -> None:
    data = photo("valve", 0.5)
    made = list_of(data)
    phone.write(acts.add_file(job, made.address))
    hold(phone, hub)
    before = rows_of(hub, without=lambda name: name in ("peer", "meta"))
    for message in (
        FileList(made.address, made.to_bytes()),
        Chunk(made.address, 1, data),
        NoFile(made.address),
    ):
        meeting = hold(phone, hub)
        meeting.waiting[1].append(write(message))
        meeting.run()
        assert isinstance(error_of(meeting, 1), Malformed)
        assert isinstance(error_of(meeting, 0), LogError)
    assert hub.files.addresses() == []
    assert rows_of(hub, without=lambda name: name in ("peer", "meta")) == before


def test_a_chunk_comes_once_for_each_time_that_it_was_asked_for(
    hub: Replica, phone: Replica, job: bytes
) -> None:
    save_file(phone, job, photo("valve"))
    meeting = Meeting(phone, hub).start()
    until(meeting, Chunk)
    meeting.waiting[1].insert(0, meeting.waiting[1][0])
    meeting.run()
    assert isinstance(error_of(meeting, 1), Malformed)


def test_who_asks_for_much_at_once_is_refused_before_anything_is_read(
    hub: Replica, phone: Replica, job: bytes
) -> None:
    address = save_file(hub, job, photo("plan", 20)).address
    for asked in ([Fetch(address, 1, 9)], [Fetch(address, 1, 256)]):
        meeting = hold(phone, hub)
        meeting.waiting[1].extend(write(each) for each in asked)
        meeting.run()
        assert isinstance(error_of(meeting, 1), OverLimit)
        assert chunks_sent(meeting, 1) == []
    meeting = hold(phone, hub)
    meeting.waiting[1].append(b"\x94\x0e\xc4\x20" + address + b"\x01\xcf" + b"\x7f" + b"\xff" * 7)
    meeting.run()
    assert isinstance(error_of(meeting, 1), OverLimit)


def test_nobody_gets_a_file_that_no_stream_of_its_scope_names(
    site: Site, hub: Replica, ana: bytes, phone: Replica, job: bytes
) -> None:
    address = save_file(phone, job, photo("valve")).address
    hold(phone, hub)
    stranger = site.phone(hub, site.worker(hub, "Bo"))
    meeting = hold(stranger, hub)
    for asked in (Fetch(address, 0, 1), Fetch(address, 2, 3)):
        meeting.waiting[1].append(write(asked))
    meeting.waiting[1].append(write(Fetch(bytes(32), 0, 1)))
    replies = []
    while meeting.deliver(1):
        replies += [read(frame) for frame in meeting.waiting[0]]
        meeting.waiting[0].clear()
    # The same answer for what is here and for what is nowhere.
    assert replies == [NoFile(address)] * 4 + [NoFile(bytes(32))]
    assert photo("valve")[:64] not in b"".join(meeting.sent[1])


def test_a_job_that_goes_to_another_worker_takes_its_files_out_of_reach(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, (turn,) = site.job(hub, "Boiler", ana)
    address = save_file(hub, job, photo("plan", 9)).address
    hold(phone, hub)
    want_file(phone, address)
    meeting = Meeting(phone, hub).start()
    while len(chunks_sent(meeting, 1)) < 3:
        assert meeting.deliver(1) | meeting.deliver(0) or meeting.tell()
    hub.write(acts.withdraw(job, ana, turn))
    meeting.tell()
    meeting.run()
    assert meeting.live
    assert len(chunks_sent(meeting, 1)) < 9
    assert phone.files.addresses() == []


def without_files(meeting: Meeting) -> Meeting:
    """Hold a meeting of two of which each hears that the other has protocol 1 alone."""
    for _ in range(10_000):
        for side in (1, 0):
            for at, frame in enumerate(meeting.waiting[side]):
                if frame[:2] == b"\x95\x00":
                    hello = read(frame)
                    assert isinstance(hello, Hello)
                    meeting.waiting[side][at] = write(replace(hello, versions=(1,)))
            if meeting.deliver(side):
                break
        else:
            if not meeting.tell():
                break
    return meeting


def test_with_an_earlier_program_all_goes_on_as_before_and_no_file_is_spoken_of(
    hub: Replica, phone: Replica, job: bytes
) -> None:
    phone.write(acts.add_note(job, "see the photo"))
    address = save_file(phone, job, photo("valve")).address
    want_file(hub, address)
    meeting = without_files(Meeting(phone, hub).start())
    assert meeting.live
    assert hub.store.db.execute("SELECT text FROM note").fetchall() == [("see the photo",)]
    assert not [m for side in (0, 1) for m in meeting.read(side) if isinstance(m, FileMessage)]
    assert not whereabouts(phone, address).on_hub
    meeting.waiting[1].append(write(Offer((address,))))
    meeting.run()
    assert isinstance(error_of(meeting, 1), Malformed)
    # Once it is replaced, the file goes.
    hold(phone, hub)
    assert hub.files.holds(address)


def test_a_hub_takes_so_much_of_one_author_a_day_and_the_rest_another_day(
    hub: Replica, phone: Replica, job: bytes
) -> None:
    hub.quotas.files = Allowance("of one key came", 100, 300_000, "files")
    first = save_file(phone, job, photo("valve", 3)).address
    second = save_file(phone, job, photo("pump", 3)).address
    phone.write(acts.add_note(job, "two photos"))
    assert hold(phone, hub).live
    assert hub.files.holds(first)
    assert not hub.files.holds(second)
    assert hub.store.db.execute("SELECT text FROM note").fetchall() == [("two photos",)]
    (told,) = hub.store.db.execute("SELECT stream, reason FROM refused").fetchall()
    assert told[0] == job
    assert "more than 100 files or 0 MB of one key came within a day" in told[1]
    assert not whereabouts(phone, second).on_hub
    for replica in (hub, phone):
        clock_of(replica).pass_ms(DAY_MS)
    hold(phone, hub)
    assert hub.files.holds(second)
    assert check_files(hub) == []


def test_what_hubs_name_counts_to_no_quota(
    site: Site, hub: Replica, phone: Replica, job: bytes
) -> None:
    other = site.hub("B")
    hold(other, hub)
    other.quotas.files = Allowance("of one key came", 0, 0, "files")
    address = save_file(hub, job, photo("plan")).address
    hold(other, hub)
    assert other.files.holds(address)


class NearlyFull(MachineFiles):
    """A disk that has room for entries alone."""

    free = FILE_ROOM_BYTES_MIN - 1

    def free_bytes(self, folder: Path) -> int:
        return self.free


def test_a_hub_whose_disk_is_nearly_full_takes_no_file_and_every_entry(
    hub: Replica, phone: Replica, job: bytes
) -> None:
    disk = hub.store.disk = NearlyFull()
    address = save_file(phone, job, photo("valve")).address
    phone.write(acts.add_note(job, "see the photo"))
    meeting = hold(phone, hub)
    assert meeting.live
    assert hub.store.db.execute("SELECT text FROM note").fetchall() == [("see the photo",)]
    assert hub.files.addresses() == []
    ((reason,),) = hub.store.db.execute("SELECT reason FROM refused").fetchall()
    assert "the disk is almost full" in reason
    disk.free = 1 << 40
    hold(phone, hub)
    assert hub.files.holds(address)


def test_a_phone_whose_disk_is_nearly_full_saves_no_photo_and_changes_nothing(
    phone: Replica, job: bytes
) -> None:
    phone.store.disk = NearlyFull()
    before = rows_of(phone, without=lambda name: name == "meta")
    with pytest.raises(DiskFull, match="no room left on this device for photos"):
        save_file(phone, job, photo("valve"))
    assert rows_of(phone, without=lambda name: name == "meta") == before
    phone.write(acts.add_note(job, "what is written is saved"))


def test_a_damaged_chunk_is_not_sent_and_ends_no_session(
    hub: Replica, phone: Replica, job: bytes
) -> None:
    address = save_file(phone, job, photo("valve")).address
    own = phone.files._for_writing()
    with own.transaction() as db:
        db.execute("UPDATE chunk SET bytes = zeroblob(65536) WHERE number = 2")
    meeting = hold(phone, hub)
    assert meeting.live
    assert not whereabouts(phone, address).on_hub
    assert [number for _, number in chunks_sent(meeting, 0)] == [1, 3]
    phone.write(acts.add_note(job, "entries go on"))
    meeting.run()
    assert hub.store.db.execute("SELECT text FROM note").fetchall() == [("entries go on",)]


def test_files_that_cannot_be_read_at_all_end_no_session(
    site: Site, hub: Replica, phone: Replica, job: bytes
) -> None:
    save_file(phone, job, photo("valve"))
    phone.files.close()
    phone.files.path.write_bytes(b"no database" * 1_000)
    phone.files.path.with_name(f"{phone.files.path.name}-wal").unlink(missing_ok=True)
    phone = site.reopen(phone)
    phone.write(acts.add_note(job, "entries go on"))
    assert hold(phone, hub).live
    assert hub.store.db.execute("SELECT text FROM note").fetchall() == [("entries go on",)]
    assert check_store(phone) == []
    assert "can't be read whole" in check_files(phone)[0]


def test_what_a_peer_says_to_hold_of_files_that_nobody_names_is_not_kept(
    hub: Replica, phone: Replica, job: bytes
) -> None:
    meeting = hold(phone, hub)
    meeting.waiting[0].append(write(Held((bytes(32), b"\1" * 32))))
    meeting.run()
    assert meeting.live
    assert phone.store.db.execute("SELECT count(*) FROM file_held").fetchone() == (0,)
