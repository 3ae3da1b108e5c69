"""Bundles of real stores: what is chosen, what is left out, and what stands in the way."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from core.dispatch import acts, day_acts
from core.dispatch.acts import SITE_STREAM, Change
from core.dispatch.fields import LogKind, Phase
from core.log.bundle import read
from core.log.proof import Kind, Proven
from hub.revocation import shut_out
from replica import logs
from replica.proving import (
    ProvingError,
    days_with,
    find_day,
    find_job,
    find_worker,
    make_bundle,
    reading,
    workers_in,
)
from replica.replica import Replica
from replica.witnesses import witness_changes
from tests.build import MINUTE_MS, Site, clock_of, force, hold, interrupted, rows_of
from tests.damaged_bundles import strangers_verdict, verdict

DAY = "2026-03-02"


class Town:
    """A hub that witnessed a phone's visit to a job."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.hub = site.hub()
        self.ana = site.worker(self.hub, "Žofie Nováková")
        self.job, (self.turn,) = site.job(self.hub, "Boiler", self.ana)
        self.hub.write(acts.number_job(self.job, "A-17"))
        self.phone = site.phone(self.hub, self.ana)
        hold(self.phone, self.hub)
        self.phone.write(acts.set_phase(self.job, self.ana, self.turn, Phase.ON_SITE))
        self.phone.write(day_acts.start_log(self.ana, DAY, self.job, b"log-aaaa", LogKind.ON_SITE))
        clock_of(self.phone).pass_ms(50 * MINUTE_MS)
        self.phone.write(day_acts.stop_log(self.ana, DAY, self.job, b"log-aaaa"))
        clock_of(self.hub).pass_ms(60 * MINUTE_MS)
        hold(self.phone, self.hub)
        witness_changes(self.hub)

    @property
    def day(self) -> bytes:
        return acts.day_stream(self.ana, DAY)

    def prove(self, *streams: bytes, replica: Replica | None = None) -> tuple[bytes, Proven]:
        who = replica or self.hub
        with reading(who.store.path) as db:
            return make_bundle(db, who.identity, streams, who.clock.now_ms())


@pytest.fixture
def town(site: Site) -> Town:
    return Town(site)


def test_a_hub_proves_a_job_and_a_day_and_both_verifiers_agree(town: Town) -> None:
    data, proven = town.prove(town.job, town.day)
    assert proven.doubts == ()
    assert [len(stream.entries) for stream in proven.streams] == [2, 3]
    site = town.site.site
    assert verdict(data, site) == strangers_verdict(data, site) == []
    assert verdict(data, bytes(32)) is None


def test_the_same_store_gives_the_same_bytes_at_the_same_time(town: Town) -> None:
    assert town.prove(town.job, town.day)[0] == town.prove(town.day, town.job, town.job)[0]


def test_a_bundle_holds_the_certificates_that_it_needs_and_no_others(town: Town) -> None:
    other = town.site.phone(town.hub, town.site.worker(town.hub, "Bo"))
    hold(other, town.hub)
    _, proven = town.prove(town.job)
    assert set(proven.certificates) == {town.hub.author, town.phone.author}


def test_what_a_hub_writes_itself_is_sealed_anew(town: Town) -> None:
    clock_of(town.hub).pass_ms(MINUTE_MS)
    town.hub.write(acts.add_note(town.job, "the newest entry, never sent"))
    data, proven = town.prove(town.job)
    assert len(proven.streams[0].entries) == 4
    assert verdict(data, town.site.site) == []


def test_many_own_streams_take_several_seals(town: Town) -> None:
    jobs = [town.site.job(town.hub, f"Job {number}")[0] for number in range(70)]
    data, proven = town.prove(*jobs)
    assert [len(seal.leaves) for seal in proven.bundle.seals] == [64, 6]
    assert verdict(data, town.site.site) == strangers_verdict(data, town.site.site) == []


def test_each_entry_tells_by_when_the_hub_knew_it(town: Town) -> None:
    began_ms = town.hub.clock.now_ms()
    town.phone.write(acts.set_phase(town.job, town.ana, town.turn, Phase.FINISHED))
    clock_of(town.hub).pass_ms(10 * MINUTE_MS)
    hold(town.phone, town.hub)
    witness_changes(town.hub)
    _, proven = town.prove(town.job)
    (stream,) = proven.streams
    known = [stream.known_by(stored.hash) for stored in stream.entries]
    assert {seen.at_ms - began_ms for seen in known if seen} == {0, 10 * MINUTE_MS}


def test_a_phone_proves_what_it_holds_and_that_no_hub_witnessed_it(town: Town) -> None:
    data, proven = town.prove(town.day, replica=town.phone)
    assert [doubt.kind for doubt in proven.doubts] == [Kind.UNWITNESSED]
    assert strangers_verdict(data, town.site.site) == ["unwitnessed"]


def test_a_clone_is_shown_with_both_its_branches(town: Town) -> None:
    clone = town.site.clone(town.phone)
    town.phone.write(acts.add_note(town.job, "one"))
    clone.write(acts.add_note(town.job, "two"))
    clone.write(acts.add_note(town.job, "three"))
    for each in (town.phone, clone):
        assert hold(each, town.hub).live
    witness_changes(town.hub)
    data, proven = town.prove(town.job)
    assert [doubt.kind for doubt in proven.doubts] == [Kind.FORK]
    assert strangers_verdict(data, town.site.site) == ["fork"]
    assert len(proven.streams[0].tips) == 3
    # What was witnessed before the clone came holds, though its log is split by now.
    assert len(proven.streams[0].witnesses) == 2


def test_a_key_that_was_shut_out_is_told(town: Town) -> None:
    shut_out(town.hub, town.phone.author)
    data, proven = town.prove(town.job)
    assert [doubt.kind for doubt in proven.doubts] == [Kind.REVOKED]
    assert strangers_verdict(data, town.site.site) == ["revoked"]
    assert town.prove(SITE_STREAM)[1].doubts == ()


def test_another_hub_that_lacks_an_entry_shows_the_gap(town: Town) -> None:
    town.hub.write(acts.add_note(town.job, "the phone saw this"))
    hold(town.phone, town.hub)
    town.phone.write(acts.set_phase(town.job, town.ana, town.turn, Phase.FINISHED))
    south = town.site.hub("B")
    hold(town.phone, south)
    data, proven = town.prove(town.job, replica=south)
    assert proven.doubts == ()
    # The same hub, without the log of the first one: as if it had never come.
    db = south.store.db
    for row in logs.log_rows(db, town.job):
        if row.author == town.hub.author:
            db.execute("DELETE FROM entry WHERE log = ?", (row.log,))
            db.execute("DELETE FROM log_row WHERE log = ?", (row.log,))
    data, proven = town.prove(town.job, replica=south)
    assert {doubt.kind for doubt in proven.doubts} == {Kind.GAP}
    assert set(strangers_verdict(data, town.site.site) or ()) == {"gap"}


def test_what_waits_for_its_seal_is_left_out_and_told(town: Town, site: Site) -> None:
    south = site.hub("B")
    for number in range(40):
        town.phone.write(acts.add_note(town.job, f"{number} " + "x" * 1_900))
    hold(town.phone, town.hub)
    for deliveries in range(4, 40):
        interrupted(town.hub, south, deliveries)
        staged = south.store.db.execute("SELECT count(*) FROM staged").fetchone()[0]
        if staged and logs.log_rows(south.store.db, town.job):
            break
    data, proven = town.prove(town.job, replica=south)
    assert [doubt.kind for doubt in proven.doubts] == [Kind.WAITING]
    assert read(data).streams[0].waiting == staged
    assert strangers_verdict(data, site.site) == ["waiting"]


def test_an_entry_of_a_newer_format_is_proven_and_not_understood(town: Town) -> None:
    force(town.phone, town.job, [Change(town.job, (70,), "x")], version=2)
    hold(town.phone, town.hub)
    data, proven = town.prove(town.job)
    assert [doubt.kind for doubt in proven.doubts] == [Kind.UNREADABLE]
    assert strangers_verdict(data, town.site.site) == ["unreadable"]


# --- what stands in the way


def test_nothing_is_written_and_nothing_can_be(town: Town) -> None:
    before = rows_of(town.hub)
    town.prove(town.job)
    assert rows_of(town.hub) == before
    with (
        reading(town.hub.store.path) as db,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
    ):
        db.execute("DELETE FROM entry")


def test_a_bundle_is_of_one_moment_though_the_hub_goes_on_writing(town: Town) -> None:
    with reading(town.hub.store.path) as db:
        before = len(logs.stored_entries(db, town.job))
        town.hub.write(acts.add_note(town.job, "meanwhile"))
        witness_changes(town.hub)
        _, proven = make_bundle(db, town.hub.identity, [town.job], town.hub.clock.now_ms())
    assert len(proven.streams[0].entries) == before


def test_a_store_is_read_whether_its_program_runs_or_not(town: Town) -> None:
    town.hub.close()
    town.site.opened.remove(town.hub)
    assert town.prove(town.job)[1].doubts == ()


def test_a_store_that_was_changed_proves_nothing(town: Town) -> None:
    town.hub.store.db.execute(
        "UPDATE entry SET body = CAST(body || x'00' AS BLOB) WHERE log IN "
        "(SELECT log FROM log WHERE stream = ? AND author = ?)",
        (town.job, town.phone.author),
    )
    with pytest.raises(ProvingError, match="`fieldlog check`"):
        town.prove(town.job)


def test_a_witness_of_what_is_not_held_is_said(town: Town) -> None:
    town.hub.store.db.execute("UPDATE witnessed SET tips = zeroblob(16)")
    with pytest.raises(ProvingError, match="was witnessed .* is not held"):
        town.prove(town.job)


def test_an_end_without_a_seal_is_said(town: Town) -> None:
    town.hub.store.db.execute("UPDATE log_row SET seal = NULL")
    with pytest.raises(ProvingError, match="no seal at its end"):
        town.prove(town.job)


def test_a_stream_of_which_nothing_is_held_proves_nothing(town: Town) -> None:
    with pytest.raises(ProvingError, match="nothing is held"):
        town.prove(b"\x0b" * 12)


@pytest.mark.parametrize(
    ("pragma", "words"),
    [
        ("application_id = 7", "no store of Fieldlog"),
        ("user_version = 2", "older version; start its hub or phone once"),
        ("user_version = 999", "newer version"),
    ],
)
def test_a_file_of_another_version_or_program_is_said(town: Town, pragma: str, words: str) -> None:
    town.hub.store.db.execute(f"PRAGMA {pragma}")
    with pytest.raises(ProvingError, match=words):
        town.prove(town.job)


def test_a_folder_with_odd_letters_in_its_name_is_read(tmp_path: Path) -> None:
    odd = Site(tmp_path / "50% of #1? yes")
    found = Town(odd)
    assert found.prove(found.job)[1].doubts == ()
    odd.close()


# --- what people call it


def test_a_job_is_found_by_number_or_id(town: Town) -> None:
    unnumbered, _ = town.site.job(town.hub, "No number yet")
    with reading(town.hub.store.path) as db:
        for name in ("A-17", "a-17", town.job.hex(), town.job.hex().upper()):
            assert find_job(db, name) == town.job
        assert find_job(db, f"~{unnumbered.hex()[-6:]}") == unnumbered
        with pytest.raises(ProvingError, match="no job 'A-18' here"):
            find_job(db, "A-18")


def test_two_jobs_of_one_number_are_told_apart_by_id(town: Town) -> None:
    other, _ = town.site.job(town.hub, "Pump")
    town.hub.write(acts.number_job(other, "A-17"))
    with reading(town.hub.store.path) as db:
        with pytest.raises(ProvingError, match=other.hex()):
            find_job(db, "A-17")
        assert find_job(db, other.hex()) == other


def test_a_worker_is_found_by_name_or_id_and_a_day_by_date(town: Town) -> None:
    twin = town.site.worker(town.hub, "Bo")
    town.site.worker(town.hub, "Bo")
    with reading(town.hub.store.path) as db:
        for name in ("Žofie Nováková", " žofie nováková ", town.ana.hex()):
            assert find_worker(db, name) == town.ana
        with pytest.raises(ProvingError, match=twin.hex()):
            find_worker(db, "Bo")
        with pytest.raises(ProvingError, match="no worker 'Cyd'"):
            find_worker(db, "Cyd")
        assert find_day(db, town.ana, DAY) == town.day
        with pytest.raises(ProvingError, match="nothing is held of that worker's 2026-03-03"):
            find_day(db, town.ana, "2026-03-03")
        with pytest.raises(ProvingError, match="is no day; write it as"):
            find_day(db, town.ana, "yesterday")


def test_the_days_and_workers_of_a_job_are_found(town: Town) -> None:
    town.site.job(town.hub, "Other", town.site.worker(town.hub, "Bo"))
    with reading(town.hub.store.path) as db:
        assert days_with(db, town.job) == [town.day]
        assert workers_in(db, [town.job]) == [town.ana]
        assert workers_in(db, [town.day]) == [town.ana]


def test_a_bundle_that_would_be_too_large_is_said(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.log.bundle.BUNDLE_BYTES_MAX", 1_000)
    with pytest.raises(ProvingError, match="choose fewer streams"):
        town.prove(town.job)


def test_own_entries_that_came_back_from_a_peer_are_proven(town: Town) -> None:
    copy = town.site.copy(town.hub)
    town.hub.write(acts.add_note(town.job, "written before the copy came back"))
    hold(town.phone, town.hub)
    restored = town.site.restore(town.hub, copy)
    hold(town.phone, restored)
    data, proven = town.prove(town.job, replica=restored)
    assert len(proven.streams[0].entries) == 4
    assert verdict(data, town.site.site) == []
