"""Keys that flood: stopped by named limits before anything is verified, and honest ones are not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.dispatch.acts import SITE_STREAM, ActError, Change, add_note
from core.dispatch.fields import NOTE, REVOKED
from core.log.certificate import Certificate
from core.log.chain import chain_start
from core.log.entry import MINT, Cursor, Entry, encode
from core.log.limits import (
    LOG_ENTRIES_MAX,
    REFUSED_KEPT_MAX,
    SEEN_MAX,
    STAGED_BYTES_AUTHOR_MAX,
)
from core.log.messages import Run, Runs, WireSeal
from core.log.quota import DAY_MS, Allowance, Quotas
from core.log.stream import Stored
from replica import logs
from replica.intake import take_runs
from replica.replica import Replica, Touched
from tests.build import Site, agree, clock_of, hold
from tests.core.log.authors import Log


def few(entries: int) -> Quotas:
    """Quotas of so many entries of an author, and four times as many of a peer."""
    return Quotas(
        Allowance("came from this device", 4 * entries, 10**6),
        Allowance("of one key came", entries, 10**6),
    )


def refusals(replica: Replica) -> list[str]:
    """What people read of what was refused."""
    return [row[0] for row in replica.store.db.execute("SELECT reason FROM refused")]


def notes(replica: Replica) -> int:
    """How many notes stand."""
    (count,) = replica.store.db.execute("SELECT count(*) FROM note").fetchone()
    return int(count)


def test_a_phone_that_floods_is_stopped_and_its_rest_comes_another_day(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    bo = site.worker(hub, "Bo")
    colleague = site.phone(hub, bo)
    job, _ = site.job(hub, "Boiler", ana, bo)
    hold(phone, hub)
    hold(colleague, hub)
    hub.quotas = few(20)
    for number in range(30):
        phone.write(add_note(job, f"flood {number}"))
        if number % 10 == 9:
            hold(phone, hub)
    assert notes(hub) == 20
    assert any("over-limit: more than 20 entries" in words for words in refusals(hub))
    colleague.write(add_note(job, "honest"))
    assert hold(colleague, hub).live
    assert notes(hub) == 21
    clock_of(hub).pass_ms(DAY_MS)
    assert hold(phone, hub).live
    assert notes(hub) == 31
    assert agree(phone, hub)


def test_of_a_key_over_its_quota_no_signature_is_verified(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    frame = forged(phone.author, job, 9)
    hub.quotas = few(10)
    assert named(hub, phone.identity.own, frame) == ["unauthentic"]
    hub.quotas = few(8)
    assert named(hub, phone.identity.own, frame) == ["over-limit"]


def test_who_lies_in_the_name_of_another_uses_up_its_own_quota_alone(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    bo = site.worker(hub, "Bo")
    liar = site.phone(hub, bo).identity.own
    job, _ = site.job(hub, "Boiler", ana, bo)
    hold(phone, hub)
    hub.quotas = few(10)
    lies = [named(hub, liar, forged(phone.author, job, 9, author=1)) for _ in range(6)]
    assert lies == [["unauthentic"]] * 4 + [["over-limit"]] * 2
    for number in range(10):
        phone.write(add_note(job, f"note {number}"))
    assert hold(phone, hub).live
    assert notes(hub) == 10


def test_what_hubs_bring_each_other_has_no_quota(site: Site, hub: Replica, ana: bytes) -> None:
    other = site.hub("B")
    job, _ = site.job(hub, "Boiler", ana)
    for number in range(30):
        hub.write(add_note(job, f"note {number}"))
    other.quotas = few(5)
    assert hold(other, hub).live
    assert notes(other) == 30


def test_no_log_goes_on_beyond_its_last_place(site: Site, hub: Replica, ana: bytes) -> None:
    phone = site.phone(hub, ana)
    job, _ = site.job(hub, "Boiler", ana)
    run = Run(job, 0, LOG_ENTRIES_MAX, (b"\x92\x00\x01",) * 2, b"12345678")
    assert named(hub, phone.identity.own, Runs(1, None, (), (), (run,))) == ["over-limit"]
    at_the_end = replace(run, bodies=run.bodies[:1])
    assert named(hub, phone.identity.own, Runs(1, None, (), (), (at_the_end,))) == ["gap"]
    state = hub.state(job)
    log = state.logs[(hub.author, b"")]
    log.base = LOG_ENTRIES_MAX
    with pytest.raises(ActError, match="as much as one key may"):
        hub.write(add_note(job, "one too many"))


def test_who_stages_without_end_pushes_out_nobody_else(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    bo = site.worker(hub, "Bo")
    other = site.phone(hub, bo)
    job, _ = site.job(hub, "Boiler", ana, bo)
    with hub.store.transaction() as db:
        for author, count in ((phone.author, STAGED_BYTES_AUTHOR_MAX // 65_536), (other.author, 3)):
            row = Stored(author, 1, bytes(32), bytes(32), bytes(65_536))
            for index in range(count):
                logs.stage(db, job, [row._replace(hash=index.to_bytes(32, "big"))])
    log = Log("anybody", job, site.site)
    log.write([((NOTE, MINT), "x")])
    run = Run(job, 1, 1, tuple(stored.body for stored in log.entries))
    frame = Runs(1, None, (phone.author,), (), (run,))
    assert named(hub, other.identity.own, frame) == []
    staged = hub.store.db.execute("SELECT author, count(*) FROM staged GROUP BY author").fetchall()
    assert staged == [(other.author, 3)]


def test_of_refusals_the_newest_are_kept(site: Site, hub: Replica, ana: bytes) -> None:
    phone = site.phone(hub, ana)
    job, _ = site.job(hub, "Boiler", ana)
    with hub.store.transaction() as db:
        rows = [(1, phone.author, job, "earlier")] * REFUSED_KEPT_MAX
        db.executemany("INSERT INTO refused VALUES (NULL, ?, ?, ?, ?)", rows)
    named(hub, phone.identity.own, forged(phone.author, job, 2))
    found = refusals(hub)
    assert len(found) == REFUSED_KEPT_MAX
    assert found[-1].startswith("unauthentic")


def test_a_phone_that_forks_the_sites_stream_without_end_can_still_be_shut_out(
    site: Site, hub: Replica, phone: Replica
) -> None:
    """What it writes there stands for nothing, and yet each branch is a head to be seen."""
    start = chain_start(site.site, SITE_STREAM, phone.author)
    with hub.store.transaction():
        for number in range(SEEN_MAX + 10):
            draft = Entry(clock_of(hub).now_ms(), (((NOTE, number.to_bytes(8, "big")), "x"),))
            body, entry_hash, _ = encode(draft, Cursor.at_start(SITE_STREAM), start)
            hub.add(SITE_STREAM, Stored(phone.author, 1, start, entry_hash, body))
        hub.finish(Touched({SITE_STREAM}))
    hub.write([Change(SITE_STREAM, (REVOKED, phone.author), True)])
    assert hub.standing(phone.author).revoked


def named(hub: Replica, peer: Certificate, frame: Runs) -> list[str]:
    """The names of what was refused of a frame."""
    return [name for _, name, _ in take_runs(hub, peer, frame).refused]


def forged(claimed: bytes, job: bytes, count: int, *, author: int = 0) -> Runs:
    """Entries under a seal that nobody signed; `author` 0 for the sender, 1 for `claimed`."""
    run = Run(job, author, 1, tuple(b"\x92\x00" + bytes([number]) for number in range(count)))
    authors = (claimed,) if author else ()
    seal = WireSeal(author, 1, (0,) if author else (), bytes(64))
    return Runs(1, None, authors, (seal,), (run,))
