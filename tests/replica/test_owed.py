"""What a phone owes its hub: told one by one and summed up alike, until a hub has confirmed it."""

from __future__ import annotations

from collections import Counter

from core.dispatch import acts, day_acts
from replica.file_going import note_left
from replica.filing import save_file
from replica.generation import begin_anew, former_authors
from replica.identity import KEY_FILE, load_or_make_key, public_bytes
from replica.owed import NOTHING_OWED, owed
from replica.reach import unsent_entries, unsent_in_all
from replica.replica import Replica
from tests.build import Site, clock_of, hold
from tests.replica.files import photo

DAY = "2026-03-02"


def summed_alike(phone: Replica, listed: int = 3) -> int:
    """How many entries wait, where both ways of asking say the same."""
    db, former = phone.store.db, former_authors(phone.store)
    each = unsent_entries(db, phone.author, former)
    summed = unsent_in_all(db, phone.author, former, listed=listed)
    assert summed.count == len(each)
    assert summed.size_bytes == sum(entry.size_bytes for entry in each)
    assert summed.count_by_stream == Counter(entry.stream for entry in each)
    assert list(summed.oldest) == each[:listed]
    return summed.count


def test_what_waits_is_summed_up_as_it_is_told_one_by_one(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    jobs = [site.job(hub, title, ana)[0] for title in ("Boiler", "Pump")]
    assert hold(phone, hub).live
    assert summed_alike(phone) == 0
    for number in range(5):
        clock_of(phone).pass_ms(1_000)
        phone.write(acts.add_note(jobs[number % 2], f"note {number}"))
    phone.write(day_acts.start_duty(ana, DAY, b"duty-one"))
    assert summed_alike(phone) == 6
    assert hold(phone, hub).live
    assert summed_alike(phone) == 0
    phone.write(acts.add_note(jobs[0], "after that"))
    assert summed_alike(phone) == 1
    assert owed(phone).words == "1 change"


def test_what_a_former_key_wrote_waits_too(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    assert hold(phone, hub).live
    phone.write(acts.add_note(job, "before it was copied"))
    begin_anew(phone.store, site.entropy)
    assert not (phone.store.path.parent / KEY_FILE).exists()
    key = load_or_make_key(phone.store.path.parent / KEY_FILE, site.entropy)
    again = unsent_in_all(phone.store.db, public_bytes(key), former_authors(phone.store))
    assert again.count == 1


def test_a_photo_is_owed_until_the_hub_holds_it_also_where_its_job_has_left(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, (turn,) = site.job(hub, "Boiler", ana)
    assert hold(phone, hub).live
    data = photo("valve", 1.5)
    save_file(phone, job, data)
    waits = owed(phone)
    assert (waits.entries, waits.files, waits.file_bytes) == (1, 1, len(data))
    assert waits.words == "1 change, 1 photo or file"
    with phone.store.transaction():
        note_left(phone, [job])
    assert owed(phone).files == 1
    hub.write(acts.withdraw(job, ana, turn))
    assert hold(phone, hub).live
    assert owed(phone) == NOTHING_OWED
    assert not owed(phone)
