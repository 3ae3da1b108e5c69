"""Files carried by hand between replicas on real files: what they bring, prove and refuse."""

from __future__ import annotations

import random
import zlib
from pathlib import Path

import pytest

from core.dispatch import acts
from core.dispatch.acts import SITE_STREAM
from core.dispatch.fields import REVOKED, Phase
from core.log.carried import carry_out, opened, sealed
from core.log.errors import LogError, Malformed, OverLimit, SessionRefused, Unauthentic, WrongSite
from core.log.limits import CARRIED_BYTES_MAX
from core.log.session import Close
from replica.carrying import file_for, sender_of, take_file
from replica.reach import unsent_entries
from replica.receivers import NobodyToCarryTo, receiver_named, receivers
from replica.replica import Replica
from replica.shelf import ReplicaShelf
from tests.build import YEAR_MS, Site, agree, clock_of, hold, rows_of, streams_of


def carried(sender: Replica, receiver: Replica) -> bytes:
    """A file of one for the other."""
    named = receiver_named(sender, receiver.author.hex())
    return file_for(sender, named).data


def test_a_whole_job_is_done_with_nothing_but_files(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, (turn,) = site.job(hub, "Boiler", ana)
    brought = take_file(phone, carried(hub, phone))
    assert brought.refused == ()
    assert streams_of(phone) == {SITE_STREAM, ana, job}
    phone.write(acts.set_phase(job, ana, turn, Phase.FINISHED))
    phone.write(acts.add_note(job, "gate code 4711"))
    back = take_file(hub, carried(phone, hub))
    assert (back.entries, back.refused) == (2, ())
    assert sender_of(hub, back) == "Ana"
    assert hub.store.db.execute("SELECT status FROM job").fetchone() == ("done",)
    assert agree(phone, hub)


def test_what_the_hubs_next_file_shows_counts_as_on_the_hub(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, (turn,) = site.job(hub, "Boiler", ana)
    take_file(phone, carried(hub, phone))
    phone.write(acts.set_phase(job, ana, turn, Phase.FINISHED))
    take_file(hub, carried(phone, hub))
    # The hub has it, but the phone cannot know that yet.
    assert len(unsent_entries(phone.store.db, phone.author)) == 1
    answer = carried(hub, phone)
    take_file(phone, answer)
    assert unsent_entries(phone.store.db, phone.author) == []
    # What both know of each other by now is not carried again.
    again = file_for(phone, receiver_named(phone, ""))
    assert again.entries == 0
    meeting = hold(phone, hub)
    assert meeting.live
    assert agree(phone, hub)


def test_to_make_a_file_counts_as_sent_to_nobody(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, (turn,) = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    phone.write(acts.set_phase(job, ana, turn, Phase.FINISHED))
    first = file_for(phone, receiver_named(phone, ""))
    second = file_for(phone, receiver_named(phone, ""))
    assert first.entries == second.entries == 1
    assert len(unsent_entries(phone.store.db, phone.author)) == 1
    take_file(hub, second.data)
    take_file(hub, first.data)
    assert agree(phone, hub)


def test_a_file_taken_in_twice_changes_nothing_more(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    site.job(hub, "Boiler", ana)
    data = carried(hub, phone)
    take_file(phone, data)
    before = rows_of(phone)
    assert take_file(phone, data).refused == ()
    assert rows_of(phone) == before


def test_a_phones_file_carries_no_other_workers_job(site: Site, hub: Replica, ana: bytes) -> None:
    bo = site.worker(hub, "Bo")
    site.job(hub, "Secret still", bo)
    job, _ = site.job(hub, "Boiler", ana)
    phone = site.phone(hub, ana)
    take_file(phone, carried(hub, phone))
    assert streams_of(phone) == {SITE_STREAM, ana, job}


def test_hubs_carry_a_whole_site_to_each_other(site: Site, hub: Replica, ana: bytes) -> None:
    other = site.hub("B")
    for index in range(30):
        site.job(hub, f"Boiler {index}", ana)
    hub.adopt_certificate(other.identity.own)
    take_file(other, carried(hub, other))
    site.job(other, "Gutter", ana)
    take_file(hub, carried(other, hub))
    take_file(other, carried(hub, other))
    assert agree(hub, other)


# --- what is refused


def test_only_whom_it_is_for_can_open_a_file(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    site.job(hub, "Boiler", ana)
    colleague = site.phone(hub, site.worker(hub, "Bo"))
    data = carried(hub, phone)
    assert b"Boiler" not in data
    before = rows_of(colleague)
    with pytest.raises(SessionRefused):
        take_file(colleague, data)
    # With the name on it changed to the colleague's it can't be opened either.
    forged = data.replace(phone.author, colleague.author)
    with pytest.raises(Unauthentic):
        take_file(colleague, forged)
    assert rows_of(colleague) == before


def test_a_file_that_was_changed_anywhere_changes_nothing(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    site.job(hub, "Boiler", ana)
    data = carried(hub, phone)
    before = rows_of(phone)
    chance = random.Random(3)
    for at in [*range(80), *chance.sample(range(80, len(data)), 120)]:
        damaged = bytearray(data)
        damaged[at] ^= 1 << chance.randrange(8)
        with pytest.raises(LogError):
            take_file(phone, bytes(damaged))
    for size in (0, 1, 8, 71, 72, 87, 88, len(data) // 2, len(data) - 1):
        with pytest.raises(LogError):
            take_file(phone, data[:size])
    with pytest.raises(LogError):
        take_file(phone, data + b"\0")
    assert rows_of(phone) == before


def test_what_is_no_carried_file_is_refused_in_words(phone: Replica) -> None:
    with pytest.raises(Malformed, match="made to be carried"):
        take_file(phone, b"PK\x03\x04 some other file of a hundred bytes" * 3)
    with pytest.raises(OverLimit):
        take_file(phone, bytes(CARRIED_BYTES_MAX + 1))


def test_a_file_of_a_revoked_phone_is_refused(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, (turn,) = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    phone.write(acts.set_phase(job, ana, turn, Phase.FINISHED))
    data = carried(phone, hub)
    hub.write([acts.Change(SITE_STREAM, (REVOKED, phone.author), True)])
    with pytest.raises(SessionRefused, match="revoked"):
        take_file(hub, data)
    assert all(each.certificate.author != phone.author for each in receivers(hub))


def test_a_file_of_another_site_is_refused(tmp_path: Path, site: Site, hub: Replica) -> None:
    other = Site(tmp_path / "elsewhere", seed="another site")
    stranger = other.hub("A")
    made = carry_out(ReplicaShelf(stranger), hub.identity.own, bytes(range(48)))
    with pytest.raises(WrongSite):
        take_file(hub, made.data)
    other.close()


def test_a_phone_whose_certificate_has_run_out_hands_over_its_work_by_file(
    site: Site, hub: Replica, ana: bytes
) -> None:
    phone = site.phone(hub, ana)
    job, (turn,) = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    phone.write(acts.set_phase(job, ana, turn, Phase.FINISHED))
    data = carried(phone, hub)
    clock_of(hub).pass_ms(2 * YEAR_MS)
    assert isinstance(hold(phone, hub).effects[1][-1], Close)
    assert take_file(hub, data).refused == ()
    assert hub.store.db.execute("SELECT status FROM job").fetchone() == ("done",)


def test_of_a_strangers_file_nothing_is_read_before_the_proof(
    tmp_path: Path, site: Site, hub: Replica
) -> None:
    other = Site(tmp_path / "elsewhere", seed="another site")
    stranger = other.hub("A")
    made = carry_out(ReplicaShelf(stranger), hub.identity.own, bytes(range(48)))
    plain = opened(made.data, hub.identity.key, hub.author)
    bomb = b"\xc1" + zlib.compress(bytes(100_000_000), 9)[2:-4]
    # Between its sound beginning and its proof stands what would fill the memory.
    size = 4 + int.from_bytes(plain[:4], "big")
    size += 4 + int.from_bytes(plain[size : size + 4], "big")
    stuffed = plain[:size] + len(bomb).to_bytes(4, "big") + bomb + plain[size:]
    with pytest.raises(WrongSite):
        take_file(hub, sealed(stuffed, hub.author, bytes(range(32))))
    other.close()


# --- stores that went back


def test_a_file_of_an_older_store_of_the_phone_proves_nothing_of_the_new_one(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, (turn,) = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    empty = site.copy(phone)
    phone.write(acts.set_phase(job, ana, turn, Phase.TRAVELLING))
    hub.write(acts.edit_job(job, {"title": "Boiler, upstairs"}))
    hold(phone, hub)
    old = carried(phone, hub)
    phone = site.restore(phone, empty)
    hold(phone, hub)
    take_file(hub, old)
    assert hold(phone, hub).live
    assert agree(phone, hub)


# --- for whom


def test_a_phone_carries_to_its_hub_under_the_key_that_it_has_now(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, (turn,) = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    again = site.hub_again(hub)
    hold(again, hub)
    hold(phone, hub)
    assert [each.name for each in receivers(phone)] == ["hub A"]
    assert receiver_named(phone, "").certificate.author == again.author
    phone.write(acts.set_phase(job, ana, turn, Phase.FINISHED))
    assert take_file(again, carried(phone, again)).refused == ()
    # Nor does a hub carry to what it was itself.
    assert all(each.certificate.author != hub.author for each in receivers(again))


def test_a_phone_carries_to_its_own_hub_and_a_hub_asks_for_whom(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    hold(phone, hub)
    assert receiver_named(phone, "").certificate.author == hub.author
    assert receiver_named(phone, "A").name == "hub A"
    assert receiver_named(hub, "ana").certificate.author == phone.author
    second = site.phone(hub, ana)
    with pytest.raises(NobodyToCarryTo, match=second.author.hex()[:8]):
        receiver_named(hub, "Ana")
    assert receiver_named(hub, second.author.hex()[:8]).certificate.author == second.author
    with pytest.raises(NobodyToCarryTo, match="nobody here is called 'Bo'"):
        receiver_named(hub, "Bo")
