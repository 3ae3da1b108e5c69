"""`check` finds what is wrong with a store, says it, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core.dispatch import acts, day_acts
from core.dispatch.fields import LogKind, Phase
from replica.checking import check_store
from replica.logs import author_number
from replica.replica import Replica
from tests.build import Site, hold, rows_of

DAY = "2026-03-02"


@pytest.fixture
def hub(site: Site) -> Replica:
    """A hub that holds a phone's work."""
    hub = site.hub()
    worker = site.worker(hub, "Aino")
    job, (turn,) = site.job(hub, "Boiler", worker)
    phone = site.phone(hub, worker)
    hold(phone, hub)
    phone.write(acts.set_phase(job, worker, turn, Phase.ON_SITE))
    phone.write(day_acts.start_log(worker, DAY, job, b"log-aaaa", LogKind.ON_SITE))
    phone.write(day_acts.stop_log(worker, DAY, job, b"log-aaaa"))
    hold(phone, hub)
    return hub


def test_a_sound_store_has_no_findings_and_stays_as_it_is(hub: Replica) -> None:
    before = rows_of(hub)
    assert check_store(hub) == []
    assert rows_of(hub) == before


def _shorten_a_body(hub: Replica) -> None:
    hub.store.db.execute("UPDATE entry SET body = substr(body, 1, length(body) - 1) WHERE seq = 1")


def _lengthen_a_log(hub: Replica) -> None:
    number = author_number(hub.store.db, hub.author)
    hub.store.db.execute("UPDATE log_row SET height = height + 1 WHERE author = ?", (number,))


def _lose_an_entry(hub: Replica) -> None:
    (log,) = hub.store.db.execute("SELECT max(log) FROM log WHERE height > 1").fetchone()
    hub.store.db.execute("DELETE FROM entry WHERE log = ? AND seq = 2", (log,))


def _break_a_seal(hub: Replica) -> None:
    hub.store.db.execute("UPDATE seal SET signature = zeroblob(64)")


def _uncover_a_head(hub: Replica) -> None:
    hub.store.db.execute("UPDATE seal SET leaves = zeroblob(32)")


def _change_a_leaf(hub: Replica) -> None:
    hub.store.db.execute("UPDATE stream SET leaf = zeroblob(32) WHERE kind = 4")


def _add_a_minute(hub: Replica) -> None:
    hub.store.db.execute("UPDATE time_log_row SET seconds = seconds + 60")


def _rename_a_job(hub: Replica) -> None:
    hub.store.db.execute("UPDATE job SET title = 'Palace'")


def _lose_an_assignment(hub: Replica) -> None:
    hub.store.db.execute("DELETE FROM assignment")


def _lose_a_log(hub: Replica) -> None:
    hub.store.db.execute("DELETE FROM log_row WHERE log = (SELECT max(log) FROM log_row)")


def _lose_a_stream(hub: Replica) -> None:
    hub.store.db.execute("DELETE FROM stream WHERE kind = 5")


def _make_a_height_bytes(hub: Replica) -> None:
    hub.store.db.execute("UPDATE log_row SET height = x'ff'")


def _make_an_id_a_number(hub: Replica) -> None:
    hub.store.db.execute("UPDATE stream SET stream = 7 WHERE kind = 4")


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (_shorten_a_body, "is not what was signed"),
        (_lengthen_a_log, "is not as long as it says"),
        (_lose_an_entry, "not"),
        (_break_a_seal, "seal"),
        (_uncover_a_head, "does not cover"),
        (_change_a_leaf, "digest's leaf"),
        (_add_a_minute, "table time_log: 2 rows differ"),
        (_rename_a_job, "table job: 2 rows differ"),
        (_make_a_height_bytes, "can't be read whole"),
        (_make_an_id_a_number, "can't be read whole"),
        (_lose_a_log, "entries belong to no log"),
        (_lose_a_stream, "logs belong to no stream"),
        (_lose_an_assignment, "table assignment: 1 rows differ"),
    ],
)
def test_each_harm_is_found_and_named(
    hub: Replica, harm: Callable[[Replica], None], words: str
) -> None:
    harm(hub)
    before = rows_of(hub)
    found = check_store(hub)
    assert any(words in finding for finding in found), found
    assert rows_of(hub) == before


def test_a_state_in_memory_that_is_not_the_fold_is_found(hub: Replica, site: Site) -> None:
    job, _ = site.job(hub, "Other")
    state = hub.state(job)
    del state.registers[next(iter(state.registers))]
    assert any("is not the fold" in finding for finding in check_store(hub))
