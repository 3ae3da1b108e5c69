"""Rows are written where they differ and nowhere else, and end up as if written anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.dispatch import acts
from core.dispatch.fields import Kind, Phase
from replica.checking import check_store
from replica.projection.rows import rewrite
from replica.replica import Replica
from tests.build import Site, clock_of


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
