"""Rows are written where they differ and nowhere else, and end up as if written anew."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

import pytest

from core.dispatch import acts, day_acts
from core.dispatch.acts import OFFICE_STREAM, SITE_STREAM, Change
from core.dispatch.fields import ACCOUNT_NAME, NOTE, SETTING, SITE_NAME, Kind, LogKind, Phase
from replica.checking import check_store
from replica.projection.rows import rewrite
from replica.replica import Replica
from tests.build import Site, clock_of, force, hold, rows_of


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Replica]:
    site = Site(tmp_path)
    yield site.hub()
    site.close()


def new_job(hub: Replica, number: int, title: str) -> bytes:
    job = acts.new_stream_id(Kind.JOB, hub.clock.now_ms(), number.to_bytes(7, "big"))
    hub.write(acts.create_job(job, {"title": title}))
    return job


def found_by(hub: Replica, word: str) -> list[str]:
    asked = "SELECT job FROM job_text WHERE job_text MATCH ? ORDER BY job"
    return [row[0] for row in hub.store.db.execute(asked, (word,))]


def texts_of(hub: Replica, job: bytes) -> list[str]:
    rows = hub.store.db.execute("SELECT text FROM job_text WHERE job = ?", (job.hex(),))
    return [row[0] for row in rows]


def test_rows_that_stand_are_not_written_again(hub: Replica) -> None:
    db = hub.store.db
    with hub.store.transaction():
        before = db.total_changes
        rewrite(db, "team", {"team": "aa"}, [("aa", "North", 0)])
        assert db.total_changes == before + 1
        rewrite(db, "team", {"team": "aa"}, [("aa", "North", 0)])
        assert db.total_changes == before + 1
        rewrite(db, "team", {"team": "aa"}, [("aa", "South", 0)])
        assert db.execute("SELECT * FROM team").fetchall() == [("aa", "South", 0)]
        rewrite(db, "team", {"team": "aa"}, [])
        assert db.execute("SELECT * FROM team").fetchall() == []


def test_a_job_is_found_by_its_new_words_and_no_more_by_its_old_ones(hub: Replica) -> None:
    job = new_job(hub, 1, "Boiler")
    hub.write(acts.edit_job(job, {"title": "Chimney"}))
    assert found_by(hub, "boiler") == []
    assert found_by(hub, "chimney") == [job.hex()]
    assert check_store(hub) == []


def test_a_note_does_not_write_the_search_text_again(hub: Replica) -> None:
    job = new_job(hub, 1, "Boiler")
    index = "SELECT max(rowid), count(*) FROM job_text_data"
    before = hub.store.db.execute(index).fetchone()
    hub.write(acts.add_note(job, "Key under the mat"))
    assert hub.store.db.execute(index).fetchone() == before


def test_search_text_of_an_earlier_version_is_replaced_and_not_doubled(hub: Replica) -> None:
    job = new_job(hub, 1, "Boiler")
    with hub.store.transaction() as db:
        # Earlier versions let the index count its rows.
        db.execute("DELETE FROM job_text")
        db.execute("INSERT INTO job_text VALUES (?, ?)", (job.hex(), "~000001 Boiler"))
    hub.write(acts.edit_job(job, {"title": "Chimney"}))
    assert texts_of(hub, job) == ["~000001 Chimney"]
    hub.write(acts.edit_job(job, {"title": "Gutter"}))
    assert texts_of(hub, job) == ["~000001 Gutter"]
    assert check_store(hub) == []


def test_a_number_that_another_job_has_already_costs_neither_its_text(hub: Replica) -> None:
    job = acts.new_stream_id(Kind.JOB, hub.clock.now_ms(), bytes(7))
    taken = int.from_bytes(blake2b(job.hex().encode(), digest_size=7).digest(), "big")
    other = new_job(hub, 1, "Boiler")
    with hub.store.transaction() as db:
        db.execute("DELETE FROM job_text")
        row = (taken, other.hex(), "~000001 Boiler")
        db.execute("INSERT INTO job_text (rowid, job, text) VALUES (?, ?, ?)", row)
    hub.write(acts.create_job(job, {"title": "Chimney"}))
    hub.write(acts.edit_job(job, {"title": "Gutter"}))
    assert texts_of(hub, other) == ["~000001 Boiler"]
    assert texts_of(hub, job) == ["~000000 Gutter"]
    assert check_store(hub) == []


def test_history_goes_on_where_it_ended_and_is_mended_where_a_late_entry_belongs(
    tmp_path: Path,
) -> None:
    site = Site(tmp_path)
    hub = site.hub()
    ana = site.worker(hub, "Ana")
    job, (turn,) = site.job(hub, "Boiler", ana)
    numbers = "SELECT number, field FROM history WHERE stream = ? ORDER BY number"
    began = hub.store.db.execute(numbers, (job.hex(),)).fetchall()
    clock_of(hub).pass_ms(60_000)
    hub.write(acts.set_phase(job, ana, turn, Phase.ACCEPTED))
    grown = hub.store.db.execute(numbers, (job.hex(),)).fetchall()
    assert grown == [*began, (len(began) + 1, "phase")]
    clock_of(hub).pass_ms(-30_000)
    hub.write(acts.add_note(job, "Made before, written after"))
    mended = hub.store.db.execute(numbers, (job.hex(),)).fetchall()
    assert mended == [*began, (len(began) + 1, "note"), (len(began) + 2, "phase")]
    assert check_store(hub) == []
    site.close()


@pytest.mark.parametrize("kind", [Kind.SITE, Kind.OFFICE])
def test_a_phone_that_invents_a_second_site_or_office_empties_nobodys_rows(
    tmp_path: Path, kind: Kind
) -> None:
    site = Site(tmp_path)
    hub = site.hub()
    phone = site.phone(hub, site.worker(hub, "Ana"))
    hub.write([Change(OFFICE_STREAM, (ACCOUNT_NAME, b"account1"), "Dan")])
    hub.write([Change(SITE_STREAM, (SETTING, "retention_days"), 60)])
    hold(phone, hub)
    stream = site.new_id(kind)
    force(phone, stream, [Change(stream, (NOTE, b"note0001"), "mine")])
    hold(phone, hub)
    db = hub.store.db
    assert db.execute("SELECT entries FROM stream WHERE stream = ?", (stream,)).fetchone() == (1,)
    assert db.execute("SELECT count(*) FROM account").fetchone() == (1,)
    assert db.execute("SELECT value FROM setting").fetchall() == [("60",)]
    site.close()


def test_the_settings_are_those_of_the_sites_own_stream_whatever_came_last(hub: Replica) -> None:
    other = acts.new_stream_id(Kind.SITE, hub.clock.now_ms(), b"another")
    hub.write([Change(SITE_STREAM, (SETTING, "retention_days"), 60)])
    hub.write([Change(other, (SETTING, "retention_days"), 1), Change(other, (SITE_NAME,), "x")])
    assert hub.store.db.execute("SELECT value FROM setting").fetchall() == [("60",)]
    before = rows_of(hub)
    hub.rebuild_projections()
    assert rows_of(hub) == before


def test_a_second_stream_of_a_workers_day_takes_no_rows_of_the_day_with_it(tmp_path: Path) -> None:
    site = Site(tmp_path)
    hub = site.hub()
    ana = site.worker(hub, "Ana")
    phone = site.phone(hub, ana)
    job, _ = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    phone.write(day_acts.start_log(ana, "2026-03-02", job, b"log-0001", LogKind.ON_SITE))
    day = acts.day_stream(ana, "2026-03-02")
    later = (int.from_bytes(day[:4], "big") + 3_600).to_bytes(4, "big") + day[4:]
    force(phone, later, [Change(later, (NOTE, b"note0001"), "mine")])
    before = rows_of(phone, lambda name: name != "time_log")
    assert before
    phone.drop_streams([later])
    assert rows_of(phone, lambda name: name != "time_log") == before
    site.close()
