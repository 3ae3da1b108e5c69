"""A hub's witnesses: when it signs, what is kept, and what is let go."""

from __future__ import annotations

import pytest

from core.dispatch import acts
from core.log.witness import check_witness, path_to, root_from, root_of, tips_leaf
from replica import logs, witnesses
from replica.checking import check_store
from replica.replica import Replica
from replica.witnesses import KEPT_MAX, TIP_BYTES, tips_of, witness_changes, witnesses_of
from tests.build import MINUTE_MS, START_MS, Site, clock_of, hold, revoke, rows_of


def check(hub: Replica, stream: bytes) -> None:
    """What is kept last of a stream is what the hub holds and signed."""
    kept = witnesses_of(hub.store.db, stream)[-1]
    tips = tips_of(logs.log_rows(hub.store.db, stream))
    assert sorted(tip.hash[:TIP_BYTES] for tip in tips) == list(kept.tips)
    leaf = tips_leaf(stream, tips)
    root = root_from(leaf, path_to(kept.leaves, leaf))
    assert root == root_of(kept.leaves)
    check_witness(hub.site, kept.hub, kept.at_ms, root, kept.signature)


def test_one_signature_serves_all_streams_that_changed(site: Site, hub: Replica) -> None:
    jobs = [site.job(hub, f"Job {number}")[0] for number in range(20)]
    assert witness_changes(hub) == 21
    assert hub.store.db.execute("SELECT count(*) FROM witness").fetchone() == (1,)
    for job in jobs:
        check(hub, job)


def test_what_did_not_change_is_not_witnessed_again(site: Site, hub: Replica) -> None:
    one, other = (site.job(hub, title)[0] for title in ("Boiler", "Pump"))
    witness_changes(hub)
    before = rows_of(hub)
    assert witness_changes(hub) == 0
    assert rows_of(hub) == before
    clock_of(hub).pass_ms(MINUTE_MS)
    hub.write(acts.add_note(one, "a note"))
    assert witness_changes(hub) == 1
    assert [kept.at_ms for kept in witnesses_of(hub.store.db, one)] == [
        START_MS,
        START_MS + MINUTE_MS,
    ]
    assert len(witnesses_of(hub.store.db, other)) == 1
    check(hub, one)


def test_a_stream_that_was_only_folded_anew_is_not_witnessed_again(
    site: Site, hub: Replica
) -> None:
    ana = site.worker(hub, "Ana")
    phone = site.phone(hub, ana)
    job, _ = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    phone.write(acts.add_note(job, "mine"))
    hold(phone, hub)
    witness_changes(hub)
    revoke(hub, phone.author)
    # The cut is an entry of the job, the revocation one of the site.
    assert witness_changes(hub) == 2
    hub.rebuild_projections()
    assert witness_changes(hub) == 0


def test_both_branches_of_a_fork_are_witnessed_and_what_was_before_goes_on_holding(
    site: Site, hub: Replica
) -> None:
    ana = site.worker(hub, "Ana")
    phone = site.phone(hub, ana)
    job, _ = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    phone.write(acts.add_note(job, "before there was a clone"))
    hold(phone, hub)
    clone = site.clone(phone)
    phone.write(acts.add_note(job, "one"))
    hold(phone, hub)
    witness_changes(hub)
    (first,) = witnesses_of(hub.store.db, job)
    clone.write(acts.add_note(job, "two"))
    hold(clone, hub)
    assert witness_changes(hub) == 1
    check(hub, job)
    kept = witnesses_of(hub.store.db, job)
    assert [len(each.tips) for each in kept] == [2, 3]
    assert kept[0] == first


def test_many_streams_are_signed_in_groups(
    site: Site, hub: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witnesses, "WITNESS_STREAMS_MAX", 4)
    jobs = [site.job(hub, f"Job {number}")[0] for number in range(9)]
    assert witness_changes(hub) == 10
    assert hub.store.db.execute("SELECT count(*) FROM witness").fetchone() == (3,)
    for job in jobs:
        check(hub, job)


def test_of_a_busy_stream_so_many_are_kept_and_the_closest_together_go(
    site: Site, hub: Replica
) -> None:
    busy, calm = (site.job(hub, title)[0] for title in ("Boiler", "Pump"))
    witness_changes(hub)
    first_ms = clock_of(hub).wall_ms
    times = [first_ms]
    for number in range(KEPT_MAX + 8):
        # In pairs, the second of which comes soon after the first.
        clock_of(hub).pass_ms(MINUTE_MS if number % 2 else 30 * MINUTE_MS)
        hub.write(acts.add_note(busy, f"note {number}"))
        witness_changes(hub)
        times.append(clock_of(hub).wall_ms)
    kept = [each.at_ms for each in witnesses_of(hub.store.db, busy)]
    assert len(kept) == KEPT_MAX
    assert (kept[0], kept[-1]) == (first_ms, times[-1])
    gone = sorted(set(times) - set(kept))
    assert all(at + MINUTE_MS in times for at in gone), "of each pair the earlier one went"
    check(hub, busy)
    check(hub, calm)
    # A signature goes with the last stream that it serves.
    (count,) = hub.store.db.execute("SELECT count(*) FROM witness").fetchone()
    assert count == KEPT_MAX
    orphans = "SELECT count(*) FROM witnessed WHERE witness NOT IN (SELECT witness FROM witness)"
    assert hub.store.db.execute(orphans).fetchone() == (0,)


def test_a_clock_that_was_set_back_is_witnessed_as_it_stood(site: Site, hub: Replica) -> None:
    job, _ = site.job(hub, "Boiler")
    witness_changes(hub)
    clock_of(hub).wall_ms -= 5 * MINUTE_MS
    hub.write(acts.add_note(job, "earlier, it seems"))
    witness_changes(hub)
    assert [each.at_ms - START_MS for each in witnesses_of(hub.store.db, job)] == [
        0,
        -5 * MINUTE_MS,
    ]
    check(hub, job)


def test_a_witness_takes_few_bytes(site: Site, hub: Replica) -> None:
    for number in range(200):
        site.job(hub, f"Job {number}")
    witness_changes(hub)
    sizes = "SELECT sum(length(stream) + 4 + length(tips)) FROM witnessed"
    (rows,) = hub.store.db.execute(sizes).fetchone()
    (leaves,) = hub.store.db.execute("SELECT sum(length(leaves)) FROM witness").fetchone()
    assert (rows + leaves) / 201 <= 64, "bytes for each stream and witness"


def test_check_finds_a_witness_that_rotted_and_an_entry_that_it_names_and_nobody_has(
    site: Site, hub: Replica
) -> None:
    job, _ = site.job(hub, "Boiler")
    witness_changes(hub)
    assert check_store(hub) == []
    hub.store.db.execute("UPDATE witness SET at = at + 1")
    assert check_store(hub) == ["witness 1 is not what its hub signed"]
    hub.store.db.execute("UPDATE witness SET at = at - 1")
    hub.store.db.execute("UPDATE witnessed SET tips = zeroblob(16) WHERE stream = ?", (job,))
    assert check_store(hub) == [f"stream {job.hex()}: an entry that was witnessed is not held"]
