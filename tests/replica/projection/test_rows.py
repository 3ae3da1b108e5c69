"""Rows are written where they differ and nowhere else, and end up as if written anew."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType

import pytest

from core.dispatch import acts, day_acts
from core.dispatch.acts import OFFICE_STREAM, SITE_STREAM, Change
from core.dispatch.fields import ACCOUNT_NAME, NOTE, SETTING, SITE_NAME, Kind, LogKind, Phase
from replica.checking import check_store
from replica.projection.rows import rewrite
from replica.replica import Replica
from tests.build import Site, clock_of, force, hold, notes_of, rows_of


def new_job(hub: Replica, number: int, title: str) -> bytes:
    job = acts.new_stream_id(Kind.JOB, hub.clock.now_ms(), number.to_bytes(7, "big"))
    hub.write(acts.create_job(job, {"title": title}))
    return job


def found_by(hub: Replica, word: str) -> list[str]:
    asked = (
        "SELECT job FROM job_text JOIN job ON local = job_text.rowid WHERE job_text MATCH ? "
        "ORDER BY job"
    )
    return [row[0] for row in hub.store.db.execute(asked, (word,))]


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


def test_a_note_costs_no_more_where_a_job_has_many(hub: Replica) -> None:
    job = new_job(hub, 1, "Boiler")
    calls = 0

    def count(_: FrameType, event: str, __: object) -> None:
        nonlocal calls
        calls += event == "call"

    counted = []
    for number in range(400):
        note = acts.add_note(job, f"note {number}")
        calls, profile = 0, sys.getprofile()
        sys.setprofile(count)
        hub.write(note)
        sys.setprofile(profile)
        counted.append(calls)
    assert sum(counted[-20:]) < 1.1 * sum(counted[20:40])
    assert hub.store.db.execute("SELECT notes FROM job").fetchone() == (400,)
    assert check_store(hub) == []


def test_a_job_that_left_is_found_no_more(hub: Replica) -> None:
    job = new_job(hub, 1, "Boiler")
    hub.drop_streams([job])
    assert found_by(hub, "boiler") == []
    assert hub.store.db.execute("SELECT count(*) FROM job_text").fetchone() == (0,)


def test_an_index_of_text_that_does_not_follow_from_the_rows_is_noticed(hub: Replica) -> None:
    new_job(hub, 1, "Boiler")
    with hub.store.transaction() as db:
        db.execute("INSERT INTO job_text (rowid, text) VALUES (1, 'palace')")
    assert "table job_text: 1 rows differ from the log" in check_store(hub)
    hub.rebuild_projections()
    assert check_store(hub) == []


def test_the_words_of_a_note_stand_in_the_log_alone(site: Site, hub: Replica) -> None:
    worker = site.worker(hub, "Aino")
    phone = site.phone(hub, worker)
    job, _ = site.job(hub, "Boiler", worker)
    texts = {"Key under the mat", "Möbel\nim Flur \N{KEY}", "cut\0short"}
    for number, text in enumerate(texts):
        hub.write([Change(job, (NOTE, bytes([number] * 8)), text)])
    kept = {row[0] for row in hub.store.db.execute("SELECT text FROM note_row")}
    assert kept == {None, "cut\0short"}
    assert notes_of(hub) == sorted(texts)
    # A fork moves entries to logs with other numbers.
    hold(phone, hub)
    phone.write(acts.add_note(job, "before"))
    clone = site.clone(phone)
    phone.write(acts.add_note(job, "of the phone"))
    clone.write(acts.add_note(job, "of its copy"))
    hold(phone, hub)
    hold(clone, hub)
    assert notes_of(hub) == sorted([*texts, "before", "of the phone", "of its copy"])
    assert check_store(hub) == []


def test_a_phase_is_dated_by_the_first_time_that_its_key_wrote_it(tmp_path: Path) -> None:
    site = Site(tmp_path)
    hub = site.hub()
    ana = site.worker(hub, "Ana")
    job, (turn,) = site.job(hub, "Boiler", ana)
    began_ms = hub.clock.now_ms()
    for phase in (Phase.TRAVELLING, Phase.ACCEPTED, Phase.TRAVELLING):
        clock_of(hub).pass_ms(60_000)
        hub.write(acts.set_phase(job, ana, turn, phase))
    rows = hub.store.db.execute(
        "SELECT phase_time.job, author.author, phase, at FROM phase_time JOIN author"
        " ON author.number = phase_time.author ORDER BY at"
    ).fetchall()
    assert rows == [
        (job, hub.author, Phase.TRAVELLING, began_ms + 60_000),
        (job, hub.author, Phase.ACCEPTED, began_ms + 120_000),
    ]
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
