"""A key is shut out while hubs are apart: what each held when it learnt of it goes on counting."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import pytest

from core.dispatch import acts
from core.dispatch.acts import SITE_STREAM
from core.dispatch.admission import admissions, waiting_in
from core.dispatch.fields import CUT, NOTE
from core.log.entry import Entry, encode
from core.log.frontier import frontier_token
from core.log.stream import Stored
from hub.revocation import shut_out
from replica.cuts import BRANCHES_CUT_MAX, write_cuts
from replica.replica import Replica, Touched
from tests.build import START_MS, Site, agree, hold, notes_of, put


def cuts_by(replica: Replica, job: bytes) -> int:
    """How many cuts a replica wrote in a stream."""
    state = replica.state(job)
    own = [log for log in state.logs.values() if log.key[0] == replica.author]
    placed = [each.entry for log in own for each in log.placed]
    return sum(entry is not None and entry.changes[0][0][0] == CUT for entry in placed)


# Which of the three meet, and in which order; three such rounds bring everything everywhere.
MEETINGS = [(0, 1), (1, 2), (0, 2)]


@pytest.mark.parametrize("order", list(permutations(MEETINGS)))
def test_what_each_of_three_hubs_held_when_it_learnt_of_a_revocation_stands_everywhere(
    tmp_path: Path, order: list[tuple[int, int]]
) -> None:
    site = Site(tmp_path)
    hubs = [site.hub(letter) for letter in "ABC"]
    ana, bo = site.worker(hubs[0], "Ana"), site.worker(hubs[0], "Bo")
    phone, courier = site.phone(hubs[0], ana), site.phone(hubs[0], bo)
    job, _ = site.job(hubs[0], "Boiler", ana, bo)
    for hub in hubs[1:]:
        hold(hub, hubs[0])
    for name, hub in zip("ABC", hubs, strict=True):
        phone.write(acts.add_note(job, f"told to {name}"))
        hold(phone, hub)
    hold(courier, hubs[0])
    shut_out(hubs[0], phone.author)
    phone.write(acts.add_note(job, "told to nobody in time"))
    hold(phone, courier)
    for _ in range(3):
        for one, other in order:
            hold(hubs[one], hubs[other])
    hold(courier, hubs[2])
    for one, other in order:
        hold(hubs[one], hubs[other])
    for hub in hubs:
        assert notes_of(hub) == ["told to A", "told to B", "told to C"]
        assert hub.state(job).inert_count() == 1
    assert agree(*hubs, courier)
    site.close()


def test_a_hub_writes_its_cuts_once_and_none_where_all_stands(tmp_path: Path) -> None:
    site = Site(tmp_path)
    hub, other = site.hub("A"), site.hub("B")
    ana = site.worker(hub, "Ana")
    phone = site.phone(hub, ana)
    job, _ = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    phone.write(acts.add_note(job, "one"))
    hold(phone, hub)
    hold(other, hub)
    shut_out(hub, phone.author)
    for _ in range(2):
        hold(other, hub)
    # The other cannot know yet, when it learns of it, what the first lets stand.
    assert (cuts_by(hub, job), cuts_by(other, job)) == (1, 1)
    other = site.reopen(other)
    hold(other, hub)
    assert write_cuts(other, [phone.author]) == write_cuts(hub, [phone.author]) == 0
    third = site.hub("C")
    hold(third, hub)
    assert write_cuts(third, [phone.author]) == 0
    assert [cuts_by(each, job) for each in (hub, other, third)] == [1, 1, 0]
    assert notes_of(third) == ["one"]
    site.close()


def test_a_phone_and_a_hub_that_is_shut_out_itself_write_no_cuts(tmp_path: Path) -> None:
    site = Site(tmp_path)
    hub, other = site.hub("A"), site.hub("B")
    ana, bo = site.worker(hub, "Ana"), site.worker(hub, "Bo")
    phone, colleague = site.phone(hub, ana), site.phone(hub, bo)
    job, _ = site.job(hub, "Boiler", ana, bo)
    for each in (phone, colleague, other):
        hold(each, hub)
    phone.write(acts.add_note(job, "one"))
    for each in (hub, colleague, other):
        hold(phone, each)
    shut_out(hub, other.author)
    shut_out(hub, phone.author)
    hold(colleague, hub)
    # No session tells a hub that it is shut out; somebody who was joined again brings the word.
    put(hub, other, SITE_STREAM)
    for each in (colleague, other):
        assert each.standing(other.author).revoked
        assert each.standing(phone.author).revoked
        assert write_cuts(each, [phone.author]) == 0
        assert cuts_by(each, job) == 0
    site.close()


def test_a_cut_by_a_hub_that_retires_goes_on_counting(tmp_path: Path) -> None:
    site = Site(tmp_path)
    hub, other = site.hub("A"), site.hub("B")
    ana = site.worker(hub, "Ana")
    phone = site.phone(hub, ana)
    job, _ = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    phone.write(acts.add_note(job, "one"))
    hold(phone, hub)
    shut_out(hub, phone.author)
    hold(other, hub)
    shut_out(other, hub.author)
    assert notes_of(other) == ["one"]
    assert other.state(job).inert_count() == 0
    site.close()


def test_of_a_key_that_forked_without_end_few_branches_are_cut_and_the_rest_can_be_admitted(
    tmp_path: Path,
) -> None:
    """Each cut is an entry of its own, and folds the stream anew: a thousand would take minutes."""
    site = Site(tmp_path)
    hub = site.hub()
    ana = site.worker(hub, "Ana")
    phone = site.phone(hub, ana)
    job, _ = site.job(hub, "Boiler", ana)
    assert hold(phone, hub).live
    phone.write(acts.add_note(job, "before it was stolen"))
    assert hold(phone, hub).live
    previous = phone.state(job).logs[(phone.author, b"")].head
    with hub.store.transaction():
        for number in range(BRANCHES_CUT_MAX + 8):
            change = ((NOTE, number.to_bytes(8, "big")), f"fork {number}")
            cursor = hub.state(job).cursor_of((phone.author, b""))
            body, entry_hash, _ = encode(Entry(START_MS, (change,)), cursor, previous)
            hub.add(job, Stored(phone.author, 2, previous, entry_hash, body))
        hub.finish(Touched({job}))
    shut_out(hub, phone.author)
    assert cuts_by(hub, job) == BRANCHES_CUT_MAX
    assert "before it was stolen" in notes_of(hub)
    (waiting,) = waiting_in(hub.state(job))
    assert len(waiting.placed) + len(notes_of(hub)) == 1 + BRANCHES_CUT_MAX + 8
    for admission in admissions(hub.state(job), waiting):
        hub.write(admission.changes, basis={job: frontier_token(admission.basis)})
    assert len(notes_of(hub)) == 1 + BRANCHES_CUT_MAX + 8
    site.close()
