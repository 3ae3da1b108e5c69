"""One key in two places: both branches count, travel, and are written on; nobody's work is lost."""

from __future__ import annotations

from core.dispatch import acts
from core.dispatch.fields import Phase
from replica import logs
from replica.replica import Replica
from tests.build import Site, agree, fresh_fold, hold, rows_of


def notes(replica: Replica) -> set[str]:
    return {row[0] for row in replica.store.db.execute("SELECT text FROM note")}


def see_that_rows_tell_the_entries(replica: Replica, stream: bytes) -> None:
    """Rows of logs, and the fold past every cache, say what the state in memory says."""
    state = replica.state(stream)
    assert state.plain() == fresh_fold(replica, stream).plain()
    rows = [row for row in logs.log_rows(replica.store.db, stream) if row.height > row.base]
    assert sorted((r.author, r.branch, r.height, r.head) for r in rows) == [
        tuple(head) for head in state.heads()
    ]
    for row in rows:
        seqs = replica.store.db.execute(
            "SELECT seq FROM entry WHERE log = ? ORDER BY seq", (row.log,)
        ).fetchall()
        assert [seq for (seq,) in seqs] == list(range(row.base + 1, row.height + 1))


def test_a_cloned_phone_forks_its_log_and_both_branches_reach_everybody(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    bo = site.worker(hub, "Bo")
    colleague = site.phone(hub, bo)
    job, _ = site.job(hub, "Boiler", ana, bo)
    hold(phone, hub)
    phone.write(acts.add_note(job, "shared"))
    twin = site.clone(phone)
    phone.write(acts.add_note(job, "from the phone"))
    twin.write(acts.add_note(job, "from its twin"))
    twin.write(acts.add_note(job, "from its twin again"))
    everybody = (phone, twin, colleague)
    for _ in range(2):
        for replica in everybody:
            assert hold(replica, hub).live
    expected = {"shared", "from the phone", "from its twin", "from its twin again"}
    for replica in (*everybody, hub):
        assert notes(replica) == expected
        see_that_rows_tell_the_entries(replica, job)
    assert agree(phone, twin, hub, streams={job})
    assert agree(colleague, hub, streams={job})
    forked = [log for log in hub.state(job).logs.values() if log.drift]
    assert [log.key for log in forked] == [(phone.author, b"")]


def test_a_log_that_is_forked_at_its_first_entry_travels(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    twins = [phone, site.clone(phone), site.clone(phone)]
    for index, twin in enumerate(twins):
        for note in range(index + 1):
            twin.write(acts.add_note(job, f"{index}.{note}"))
    for _ in range(2):
        for twin in twins:
            assert hold(twin, hub).live
    assert notes(hub) == {"0.0", "1.0", "1.1", "2.0", "2.1", "2.2"}
    assert agree(*twins, hub, streams={job})
    see_that_rows_tell_the_entries(hub, job)


def test_a_fork_of_a_fork_travels_in_one_session(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    bo = site.worker(hub, "Bo")
    colleague = site.phone(hub, bo)
    job, _ = site.job(hub, "Boiler", ana, bo)
    hold(phone, hub)
    family = [phone]
    for generation in range(4):
        family[-1].write(acts.add_note(job, f"before {generation}"))
        family.append(site.clone(family[-1]))
        family[-2].write(acts.add_note(job, f"elder {generation}"))
        family[-1].write(acts.add_note(job, f"younger {generation}"))
    for _ in range(2):
        for twin in family:
            assert hold(twin, hub).live
    meeting = hold(colleague, hub)
    assert meeting.live
    assert not colleague.store.db.execute("SELECT count(*) FROM refused").fetchone()[0]
    assert len(notes(colleague)) == 12
    assert agree(*family, colleague, hub, streams={job})
    for replica in (colleague, hub):
        see_that_rows_tell_the_entries(replica, job)
        shown = [log for log in replica.state(job).logs.values() if log.drift]
        assert len(shown) == 4


def test_a_forked_phone_writes_on_and_names_what_it_saw_of_its_other_branch(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, (turn,) = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    twin = site.clone(phone)
    phone.write(acts.set_phase(job, ana, turn, Phase.ON_SITE))
    twin.write(acts.set_phase(job, ana, turn, Phase.TRAVELLING))
    for replica in (phone, twin, phone):
        hold(replica, hub)
    phone.write(acts.set_phase(job, ana, turn, Phase.FINISHED))
    assert hold(phone, hub).live
    (register,) = [r for path, r in hub.state(job).registers.items() if path[0] == 94]
    assert [write.value for write in register.writes.values()] == [Phase.FINISHED]
    hold(twin, hub)
    twin.write(acts.add_note(job, "the twin writes on too"))
    hold(twin, hub)
    assert hold(phone, hub).live
    assert agree(phone, twin, hub, streams={job})


def test_a_phone_that_does_not_know_of_its_fork_yet_still_gets_its_entries_through(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    twin = site.clone(phone)
    for replica, name in ((phone, "phone"), (twin, "twin")):
        for index in range(3):
            replica.write(acts.add_note(job, f"{name} {index}"))
        hold(replica, hub)
    # Both branches have an entry 3 at the hub; the phone, unaware, sends its fourth.
    phone.write(acts.add_note(job, "phone 3"))
    assert hold(phone, hub).live
    assert len(notes(hub)) == 7
    assert agree(phone, hub)


def test_a_restored_phone_that_wrote_under_its_old_key_loses_nothing(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    phone.write(acts.add_note(job, "one"))
    hold(phone, hub)
    old = site.copy(phone)
    phone.write(acts.add_note(job, "two"))
    hold(phone, hub)
    phone = site.restore(phone, old)
    phone.write(acts.add_note(job, "another two"))
    assert hold(phone, hub).live
    assert notes(phone) == notes(hub) == {"one", "two", "another two"}


def test_a_store_that_is_only_behind_takes_its_own_entries_back(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    old = site.copy(phone)
    for text in ("one", "two"):
        phone.write(acts.add_note(job, text))
    hold(phone, hub)
    phone = site.restore(phone, old)
    assert hold(phone, hub).live
    phone.write(acts.add_note(job, "three"))
    assert hold(phone, hub).live
    assert notes(phone) == notes(hub) == {"one", "two", "three"}
    assert not any(log.drift for log in hub.state(job).logs.values())


def test_branches_arrive_in_any_order_and_give_the_same_rows(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    twins = [phone, site.clone(phone)]
    for index, twin in enumerate(twins):
        twin.write(acts.add_note(job, f"{index}"))
    twins.append(site.clone(twins[1]))
    twins[1].write(acts.add_note(job, "on"))
    twins[2].write(acts.add_note(job, "otherwise on"))
    other = site.hub("B")
    hold(other, hub)
    for twin in twins:
        hold(twin, hub)
    for twin in reversed(twins):
        hold(twin, other)
    hold(hub, other)
    tables = {"note", "history", "job", "assignment", "conflict"}
    shown = [rows_of(replica, lambda table: table not in tables) for replica in (hub, other)]
    assert shown[0] == shown[1]
    assert agree(hub, other)
