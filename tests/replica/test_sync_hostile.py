"""Frames that a certified peer can make and no honest one would: what they must not bring about."""

from __future__ import annotations

from typing import Any

import pytest

from core.dispatch.acts import SITE_STREAM
from core.dispatch.fields import CERTIFICATE, NOTE, Role
from core.log.certificate import issue
from core.log.limits import REFUSED_KEPT_MAX, STAGED_BYTES_MAX, STAGED_ROW_BYTES
from core.log.messages import Run, Runs, WireSeal
from core.log.stream import Stored
from replica import logs
from replica.intake import Intake, take_runs
from replica.replica import Replica
from tests.build import Site, rows_of
from tests.core.log.authors import Log


def passed_on(hub: Replica, phone: Replica, log: Log) -> Intake:
    """What comes of a stranger's whole log that a phone passes on, under the stranger's seal."""
    seal = log.seal()
    wire = WireSeal(1, seal.number, (0,), seal.signature)
    run = Run(log.stream, 1, 1, tuple(stored.body for stored in log.entries))
    return take_runs(hub, phone.identity.own, Runs(1, None, (log.author,), (wire,), (run,)))


@pytest.mark.parametrize("ids", [(), (b"x" * 32,), ("stranger", 1), (b"x" * 32, b"y", b"z")])
def test_a_stranger_whose_certificate_stands_nowhere_is_refused_by_name(
    site: Site, hub: Replica, phone: Replica, ids: tuple[Any, ...]
) -> None:
    log = Log("stranger", SITE_STREAM, site.site)
    log.write([((CERTIFICATE, *ids), b"no certificate")])
    assert [name for _, name, _ in passed_on(hub, phone, log).refused] == ["uncertified"]


def test_a_stranger_that_shows_a_hubs_certificate_is_refused_and_nothing_of_it_stored(
    site: Site, hub: Replica, phone: Replica
) -> None:
    log = Log("stranger", SITE_STREAM, site.site)
    path = (CERTIFICATE, log.author, b"whatever")
    log.write([(path, hub.identity.own.to_bytes())])
    before = rows_of(hub, lambda name: name == "refused")
    assert [name for _, name, _ in passed_on(hub, phone, log).refused] == ["uncertified"]
    assert rows_of(hub, lambda name: name == "refused") == before


def count_of(replica: Replica, table: str) -> int:
    (count,) = replica.store.db.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(count)


def test_small_entries_that_wait_for_a_seal_are_bounded_by_what_their_rows_take(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    row = Stored(phone.author, 1, bytes(32), bytes(32), b"x")
    with hub.store.transaction() as db:
        rows = range(STAGED_BYTES_MAX // STAGED_ROW_BYTES)
        logs.stage(db, job, [row._replace(hash=number.to_bytes(32, "big")) for number in rows])
    take_runs(hub, phone.identity.own, Runs(1, None, (), (), (Run(job, 0, 1, (b"body",)),)))
    assert count_of(hub, "staged") == 0


def test_a_peer_that_sends_what_is_refused_for_ever_fills_no_disk(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    gaps = Runs(1, None, (), (), (Run(job, 0, 9, (b"body",)),) * 1_024)
    for _ in range(REFUSED_KEPT_MAX // 1_024 + 2):
        assert len(take_runs(hub, phone.identity.own, gaps).refused) == 1_024
    assert count_of(hub, "refused") == REFUSED_KEPT_MAX


def test_a_run_that_a_seal_names_many_times_is_refused_once(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    log = Log("another", job, site.site)
    log.write([((NOTE, b"note0001"), "one")])
    seal = WireSeal(1, 1, (0,) * 64, bytes(64))
    run = Run(job, 1, 1, (log.entries[0].body,))
    another = site.phone(hub, ana).author
    intake = take_runs(hub, phone.identity.own, Runs(1, None, (another,), (seal,), (run,)))
    assert [(index, name) for index, name, _ in intake.refused] == [(0, "unauthentic")]


def test_a_long_log_that_waited_for_its_seal_comes_in_whole(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    log = Log("north", job, site.site)
    for number in range(40):
        log.write([((NOTE, number.to_bytes(8, "big")), "x")])
    site_log = Log("north", SITE_STREAM, site.site)
    unsigned = site._unsigned(site_log.author, b"C", Role.HUB, site.site)
    certificate = issue(unsigned, site.key).to_bytes()
    site_log.write([((CERTIFICATE, site_log.author, certificate[-8:]), certificate)])
    assert passed_on(hub, phone, site_log).refused == []
    bodies = tuple(stored.body for stored in log.entries)
    for first in range(0, 39, 13):
        run = Run(job, 1, 1 + first, bodies[first : first + 13])
        take_runs(hub, phone.identity.own, Runs(1, None, (log.author,), (), (run,)))
    assert count_of(hub, "staged") == 39
    seal = log.seal()
    wire = WireSeal(1, seal.number, (0,), seal.signature)
    run = Run(job, 1, 40, bodies[39:])
    take_runs(hub, phone.identity.own, Runs(1, None, (log.author,), (wire,), (run,)))
    held = logs.stored_entries(hub.store.db, job)
    assert {stored.hash for stored in log.entries} <= {stored.hash for stored in held}
    assert count_of(hub, "staged") == 0
