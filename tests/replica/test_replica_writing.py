"""Writing to a replica: acts, what they had seen, what is refused, and what is kept on disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.dispatch import acts, day_acts
from core.dispatch.acts import SITE_STREAM, ActError, Change
from core.dispatch.fields import NOTE, PHASE, TITLE, Kind, LogKind, Phase
from core.dispatch.permits import CREATE_JOBS
from core.dispatch.reading import Reading
from core.log.certificate import issue
from core.log.entry import MINT, Entry
from core.log.stream import Placed
from replica.checking import check_store, dump_projections
from replica.identity import Identity
from replica.replica import Replica
from replica.store import StoreError
from tests.build import (
    MINUTE_MS,
    START_MS,
    Site,
    agree,
    clock_of,
    force,
    fresh_fold,
    hold,
    publish,
    revoke,
    rows_of,
    streams_of,
)

DAY = "2026-03-02"
TWO_FORMATS = Reading(formats=frozenset({1, 2}))


def placed_by(replica: Replica, stream: bytes) -> list[Placed]:
    """The replica's own entries in a stream, in order."""
    state = replica.state(stream)
    return [
        placed
        for key, log in state.logs.items()
        if key[0] == replica.author
        for placed in log.placed
    ]


def entry_of(placed: Placed) -> Entry:
    assert placed.entry is not None
    return placed.entry


def values(replica: Replica, stream: bytes, *path: object) -> list[object]:
    register = replica.state(stream).registers[tuple(path)]
    return sorted((write.value for write in register.writes.values()), key=repr)


def test_an_act_over_several_streams_is_one_transaction_under_one_id(
    site: Site, hub: Replica, ana: bytes
) -> None:
    first, second = (site.new_id(Kind.JOB) for _ in range(2))
    position = hub.position()
    written = hub.write(
        acts.create_job(first, {"title": "A"}) + acts.create_job(second, {"title": "B"})
    )
    assert hub.position() == position + 1
    assert set(written.hash_by_stream) == {first, second}
    assert len(written.act) == 8
    assert {entry_of(placed_by(hub, stream)[0]).act for stream in (first, second)} == {written.act}
    alone = hub.write(acts.edit_job(first, {"title": "C"}))
    assert alone.act == b""
    assert entry_of(placed_by(hub, first)[1]).act == b""


def test_an_act_that_fails_in_its_last_stream_leaves_nothing(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, (turn,) = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    before = rows_of(phone)
    with pytest.raises(ActError, match="does not permit"):
        phone.write(
            [*acts.set_phase(job, ana, turn, Phase.ON_SITE), Change(SITE_STREAM, (5,), "Mine")]
        )
    assert rows_of(phone) == before
    assert values(phone, SITE_STREAM, 2, phone.author, phone.identity.own.to_bytes()[-8:])
    phone.write(acts.set_phase(job, ana, turn, Phase.ON_SITE))
    assert phone.state(job).plain() == fresh_fold(phone, job).plain()


def test_a_worker_may_not_write_what_is_the_offices(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    bo = site.worker(hub, "Bo")
    job, turns = site.job(hub, "Boiler", ana, bo)
    hold(phone, hub)
    for changes in (
        acts.edit_job(job, {"title": "Mine"}),
        acts.assign(job, ana, bytes(8)),
        acts.set_phase(job, bo, turns[1], Phase.FINISHED),
        day_acts.start_duty(bo, DAY, bytes(8)),
        acts.edit_worker(ana, {"name": "Queen"}),
        acts.create_job(site.new_id(Kind.JOB), {"title": "New"}),
    ):
        before = rows_of(phone)
        with pytest.raises(ActError):
            phone.write(changes)
        assert rows_of(phone) == before


def test_nothing_is_no_act(hub: Replica) -> None:
    with pytest.raises(ActError, match="nothing was changed"):
        hub.write([])


def test_an_entry_over_a_limit_is_refused_in_words_and_nothing_is_kept(
    site: Site, hub: Replica
) -> None:
    job = site.new_id(Kind.JOB)
    with pytest.raises(ActError, match="longer than 8192 bytes"):
        hub.write([Change(job, (TITLE,), "x" * 9_000)])
    assert job not in streams_of(hub)


def test_an_entry_names_each_head_that_it_had_newly_seen_once(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, (turn,) = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    phone.write(acts.set_phase(job, ana, turn, Phase.TRAVELLING))
    phone.write(acts.set_phase(job, ana, turn, Phase.ON_SITE))
    first, second = (entry_of(placed) for placed in placed_by(phone, job))
    head = placed_by(hub, job)[-1].stored.hash[:8]
    assert (first.seen, second.seen) == ((head,), ())


def test_a_form_from_a_stale_page_is_concurrent_with_what_it_did_not_show(
    site: Site, hub: Replica, ana: bytes
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    eva = dan = hub.state(job).token()
    hub.write(acts.edit_job(job, {"title": "Eva's"}), actor=b"eva", basis={job: eva})
    hub.write(acts.edit_job(job, {"title": "Dan's"}), actor=b"dan", basis={job: dan})
    assert values(hub, job, TITLE) == ["Dan's", "Eva's"]
    fresh = hub.state(job).token()
    hub.write(acts.edit_job(job, {"title": "Both's"}), basis={job: fresh})
    assert values(hub, job, TITLE) == ["Both's"]
    with pytest.raises(ActError, match="load it again"):
        hub.write(acts.edit_job(job, {"title": "?"}), basis={job: "damaged"})


def test_a_fresh_page_needs_no_basis_in_the_entry(site: Site, hub: Replica) -> None:
    job, _ = site.job(hub, "Boiler")
    hub.write(acts.edit_job(job, {"title": "B"}), basis={job: hub.state(job).token()})
    assert entry_of(placed_by(hub, job)[-1]).basis is None


@pytest.mark.parametrize("wall_ms", [0, 10_000, 2_082_758_400_000, 4_102_444_800_000])
def test_a_phone_with_any_clock_syncs_and_overwrites_only_what_it_saw(
    site: Site, hub: Replica, ana: bytes, phone: Replica, wall_ms: int
) -> None:
    job, (turn,) = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    clock_of(phone).wall_ms = wall_ms
    phone.write(acts.set_phase(job, ana, turn, Phase.ON_SITE))
    phone.write(day_acts.start_log(ana, DAY, job, MINT, LogKind.ON_SITE))
    hub.write(acts.edit_job(job, {"title": "Boiler, upstairs"}))
    # The hub's certificate lasts twenty years; a phone of 2100 meets nobody that it trusts.
    if wall_ms > START_MS + 20 * 365 * 86_400_000:
        clock_of(phone).wall_ms = START_MS
    assert hold(phone, hub).live
    assert agree(phone, hub)
    assert values(hub, job, PHASE, ana, turn) == [Phase.ON_SITE]
    assert values(phone, job, TITLE) == ["Boiler, upstairs"]


def test_minutes_come_from_the_monotonic_clock_when_the_wall_clock_is_moved(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    day = acts.day_stream(ana, DAY)
    phone.write(day_acts.start_log(ana, DAY, None, b"log-0001", LogKind.OTHER))
    clock_of(phone).pass_ms(10 * MINUTE_MS)
    clock_of(phone).wall_ms += 60 * MINUTE_MS
    phone.write(day_acts.stop_log(ana, DAY, None, b"log-0001"))
    first, second = (entry_of(placed) for placed in placed_by(phone, day))
    assert first.uptime_ms is not None
    assert second.uptime_ms is not None
    assert first.boot == second.boot
    assert second.uptime_ms - first.uptime_ms == 10 * MINUTE_MS
    assert second.wall_ms - first.wall_ms == 70 * MINUTE_MS


def test_what_is_written_is_there_after_a_kill(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, (turn,) = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    phone.write(acts.set_phase(job, ana, turn, Phase.ON_SITE))
    expected = rows_of(phone), phone.state(job).fingerprint(), phone.position()
    phone = site.reopen(phone)
    assert (rows_of(phone), phone.state(job).fingerprint(), phone.position()) == expected
    # And the own log goes on where it was.
    phone.write(acts.set_phase(job, ana, turn, Phase.FINISHED))
    assert [placed.stored.seq for placed in placed_by(phone, job)] == [1, 2]


def test_a_full_disk_is_said_and_the_replica_goes_on_when_there_is_space(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    db = phone.store.db
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    db.execute(f"PRAGMA max_page_count = {pages}")

    def write_on() -> None:
        for index in range(200):
            phone.write(acts.add_note(job, f"{index} " + "x" * 1_900))

    with pytest.raises(StoreError, match="free some space"):
        write_on()
    written = len(placed_by(phone, job))
    assert phone.store.get("mine") == written
    assert phone.state(job).plain() == fresh_fold(phone, job).plain()
    db.execute("PRAGMA max_page_count = 1000000")
    phone.write(acts.add_note(job, "there is space again"))
    assert [placed.stored.seq for placed in placed_by(phone, job)] == list(range(1, written + 2))
    assert hold(phone, hub).live
    assert agree(phone, hub)


def busy_site(site: Site, hub: Replica) -> tuple[Replica, bytes]:
    """A site with a bit of everything: customers, conflicts, days, forks, inert entries."""
    ana, bo = site.worker(hub, "Ana"), site.worker(hub, "Bo")
    phone, other = site.phone(hub, ana), site.phone(hub, bo)
    customer = site.new_id(Kind.CUSTOMER)
    place = site.entropy(8)
    hub.write(acts.edit_customer(customer, {"name": "Novak"}))
    hub.write(acts.edit_place(customer, place, {"name": "Yard", "point": (1, 2), "radius": 80}))
    hub.write(acts.set_setting("threshold_min", 7))
    hub.write(acts.set_group("team", site.entropy(8), "North"))
    job, turns = site.job(hub, "Boiler", ana, bo)
    hub.write(acts.edit_job(job, {"customer": customer, "check_items": ["a", "b"]}))
    hold(phone, hub)
    hold(other, hub)
    token = hub.state(job).token()
    hub.write(acts.edit_job(job, {"title": "Eva's"}), actor=b"eva", basis={job: token})
    hub.write(acts.edit_job(job, {"title": "Dan's"}), actor=b"dan", basis={job: token})
    twin = site.clone(phone)
    for index, writer in enumerate((phone, twin, other)):
        clock_of(writer).pass_ms((index + 1) * MINUTE_MS)
        writer.write(acts.add_note(job, f"note of {index}"))
    phone.write(acts.set_phase(job, ana, turns[0], Phase.FINISHED))
    log = b"log-0001"
    phone.write(day_acts.start_duty(ana, DAY, b"duty0001"))
    phone.write(day_acts.start_log(ana, DAY, job, log, LogKind.ON_SITE))
    clock_of(phone).pass_ms(30 * MINUTE_MS)
    phone.write(day_acts.stop_log(ana, DAY, job, log))
    hub.write(acts.withdraw(job, bo, turns[1], "sick"))
    hub.write([Change(job, (3_000,), "of a later version")])
    for replica in (phone, twin, other, phone):
        hold(replica, hub)
    return phone, job


def test_projections_that_are_rebuilt_are_equal_row_by_row(site: Site, hub: Replica) -> None:
    phone, _ = busy_site(site, hub)

    def is_log(table: str) -> bool:
        return table in {"stream", "log", "entry", "seal", "certificate", "confirmed", "reach"}

    for replica in (hub, phone):
        before = dump_projections(replica.store.db)
        log = rows_of(replica, lambda table: not is_log(table))
        assert log
        assert before["conflict"]
        assert before["time_log"]
        replica.rebuild_projections()
        assert dump_projections(replica.store.db) == before
        assert rows_of(replica, lambda table: not is_log(table)) == log


def test_a_busy_store_checks_without_findings(site: Site, hub: Replica) -> None:
    phone, job = busy_site(site, hub)
    assert check_store(hub) == []
    assert check_store(phone) == []
    with phone.store.transaction() as db:
        db.execute("UPDATE entry SET body = x'930046a178' WHERE seq = 1 AND log = 1")
    assert check_store(phone) != []
    assert job in streams_of(phone)


def test_two_replicas_with_the_same_entries_have_the_same_rows(site: Site, hub: Replica) -> None:
    phone, _ = busy_site(site, hub)
    other = site.hub("B")
    hold(other, hub)
    hold(hub, other)
    log_tables = {
        "meta", "stream", "log", "entry", "seal", "staged", "certificate", "peer", "peer_stream",
        "revoked", "reach", "refused", "author", "confirmed", "peer_held",
        # These hold local numbers, and are compared as what they say.
        "word", "job", "job_text", "phase_time", "time_log_row", "note_row", "log_row",
    }  # fmt: skip
    ours, theirs = (rows_of(replica, log_tables.__contains__) for replica in (hub, other))
    assert ours == theirs
    assert dump_projections(hub.store.db) == dump_projections(other.store.db)
    assert agree(hub, other)


# --- revocation, formats


def test_a_certificate_with_more_rights_gives_standing_to_what_was_held_before_it(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    far = site.hub("B")
    hold(far, hub)
    hold(phone, hub)
    job = acts.own_job_stream(ana, hub.clock.now_ms(), site.entropy(3))
    force(phone, job, acts.create_job(job, {"title": "Found on the way"}))
    hold(phone, hub)
    hold(far, hub)
    titles = "SELECT title FROM job"
    assert far.store.db.execute(titles).fetchall() == []
    own = replace(phone.identity.own, rights=(CREATE_JOBS,), signature=b"")
    wider = issue(own, hub.identity.key)
    for replica in (far, hub):
        replica.adopt_certificate(wider)
        assert replica.store.db.execute(titles).fetchall() == [("Found on the way",)]
    assert agree(far, hub)


def test_the_right_to_make_jobs_is_none_to_rewrite_those_of_others(
    site: Site, hub: Replica, ana: bytes
) -> None:
    phone = site.phone(hub, ana, rights=(CREATE_JOBS,))
    job, _ = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    with pytest.raises(ActError):
        phone.write(acts.edit_job(job, {"title": "Mine now"}))
    own = acts.own_job_stream(ana, phone.clock.now_ms(), site.entropy(3))
    phone.write(acts.create_job(own, {"title": "Found on the way"}))
    with pytest.raises(ActError):
        phone.write(acts.create_job(site.new_id(Kind.JOB), {"title": "Not of this worker"}))
    assert hold(phone, hub).live
    assert sorted(hub.store.db.execute("SELECT title FROM job").fetchall()) == [
        ("Boiler",),
        ("Found on the way",),
    ]


def test_a_revoked_phones_late_entries_are_kept_inert_and_its_early_ones_stand(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    bo = site.worker(hub, "Bo")
    colleague = site.phone(hub, bo)
    job, _ = site.job(hub, "Ours", ana, bo)
    hold(phone, hub)
    hold(colleague, hub)
    phone.write(acts.add_note(job, "before"))
    hold(phone, hub)
    revoke(hub, phone.author)
    phone.write(acts.add_note(job, "after"))
    hold(phone, colleague)
    hold(colleague, hub)
    for replica in (hub, colleague):
        assert {row[0] for row in replica.store.db.execute("SELECT text FROM note")} == {"before"}
        assert replica.state(job).inert_count() == 1
    assert agree(hub, colleague)


def test_a_revocation_reaches_states_that_were_folded_before_it(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    other = site.hub("B")
    job, _ = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    phone.write(acts.add_note(job, "one"))
    hold(phone, hub)
    hold(other, hub)
    phone.write(acts.add_note(job, "two"))
    hold(phone, other)
    assert other.store.db.execute("SELECT count(*) FROM note").fetchone() == (2,)
    # This hub holds one note when it revokes; the other one learns of it afterwards, and cuts the
    # log where it held it.
    revoke(hub, phone.author)
    hold(other, hub)
    hold(other, hub)
    for replica in (hub, other):
        notes = {row[0] for row in replica.store.db.execute("SELECT text FROM note")}
        assert notes == {"one", "two"}
        assert replica.state(job).plain() == fresh_fold(replica, job).plain()
    assert agree(hub, other)


def test_a_later_format_is_kept_forwarded_and_read_after_an_upgrade(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    bo = site.worker(hub, "Bo")
    colleague = site.phone(hub, bo)
    job, _ = site.job(hub, "Ours", ana, bo)
    hold(phone, hub)
    hold(colleague, hub)
    # A newer program wrote this on Ana's phone.
    force(phone, job, [Change(job, (NOTE, MINT), "from the future")], version=2)
    phone.write(acts.add_note(job, "from today"))
    hold(phone, hub)
    hold(colleague, hub)
    for replica in (phone, hub, colleague):
        assert {row[0] for row in replica.store.db.execute("SELECT text FROM note")} == {
            "from today"
        }
        assert replica.state(job).inert_count() == 1
    upgraded = site.reopen(colleague, TWO_FORMATS)
    assert {row[0] for row in upgraded.store.db.execute("SELECT text FROM note")} == {
        "from today",
        "from the future",
    }
    assert hold(upgraded, hub).live


def test_a_certificate_that_comes_later_lets_nothing_change_but_its_own_author(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    phone.write(acts.add_note(job, "one"))
    hold(phone, hub)
    before = hub.state(job).fingerprint()
    stranger = site.phone(hub, ana, announced=False)
    publish(hub, stranger.identity.own)
    assert hub.state(job).fingerprint() == before


def test_a_store_of_another_site_is_refused(tmp_path: Path, site: Site, hub: Replica) -> None:
    other = Site(tmp_path / "other", "another site")
    far = other.hub()
    identity = Identity(far.identity.key, far.author, far.site, far.identity.certificates)
    hub.identity = identity
    with pytest.raises(ActError, match="another site"):
        Replica(hub.store, identity, hub.clock, site.entropy)
    other.close()
