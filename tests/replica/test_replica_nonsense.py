"""Values of every kind in every field: an entry may mean nothing, and must stop nobody.

A certified phone, or a program of another version, may write any value to any path that it is
permitted. The fold and the rows made from it take that in, and everything else goes on.
"""

from __future__ import annotations

import random
from typing import Any

from core.dispatch import acts, day_acts
from core.dispatch.acts import OFFICE_STREAM, SITE_STREAM, Change
from core.dispatch.erasure import summary_stream
from core.dispatch.fields import (
    CUT,
    ERASED,
    ERASED_BEFORE,
    FIELDS,
    REVOKED,
    Field,
    Kind,
    LogKind,
    Phase,
)
from core.dispatch.permits import CREATE_JOBS
from core.log.entry import MINT
from core.log.errors import LogError
from replica.replica import Replica
from tests.build import Site, agree, force, fresh_fold, hold, rows_of

DAY = "2026-03-02"
ROUNDS = 5
# A hub's word in these is law, and takes away what the tests look at.
BINDING = (CUT, REVOKED, ERASED, ERASED_BEFORE)


def nonsense(chance: random.Random, depth: int = 2) -> Any:
    """A value of any kind, often one that is nearly right."""
    if depth and chance.random() < 0.3:
        return [nonsense(chance, depth - 1) for _ in range(chance.randrange(5))]
    return chance.choice(
        [
            None,
            True,
            False,
            0,
            1,
            -1,
            2**63,
            2**64 - 1,
            -(2**63),
            1_772_434_800_000,
            "",
            "x",
            "\n\t\0 ✂ الورشة",
            "x" * 3_000,
            b"",
            b"12345678",
            b"\xff" * 12,
            {1: 2},
            [1, 2],
            [2, 1, None],
            [1, [2]],
        ]
    )


def identity(chance: random.Random, known: list[Any]) -> Any:
    return chance.choice([*known, *known, MINT, 0, 7, 2**40, "text", b"x", b"\xfe" * 32])


def change(chance: random.Random, stream: bytes, field: Field, known: list[Any]) -> Change:
    ids = [identity(chance, known) for _ in field.ids]
    if field.ids[:1] == ("worker",):
        ids[0] = known[0]
    return Change(stream, (field.code, *ids), nonsense(chance))


def test_nonsense_in_every_field_of_every_stream_stops_nothing(site: Site) -> None:
    chance = random.Random(4711)
    hub, other = site.hub(), site.hub("B")
    ana, bo = site.worker(hub, "Ana"), site.worker(hub, "Bo")
    phone = site.phone(hub, ana)
    customer = site.new_id(Kind.CUSTOMER)
    hub.write(acts.edit_customer(customer, {"name": "Novak"}))
    job, turns = site.job(hub, "Boiler", ana, bo)
    day = acts.day_stream(ana, DAY)
    streams = {
        Kind.SITE: SITE_STREAM,
        Kind.OFFICE: OFFICE_STREAM,
        Kind.CUSTOMER: customer,
        Kind.WORKER: ana,
        Kind.JOB: job,
        Kind.DAY: day,
        Kind.TRACK: acts.track_stream(ana, DAY),
        Kind.SUMMARY: summary_stream(day),
        Kind.RECURRENCE: site.new_id(Kind.RECURRENCE),
    }
    known = [ana, bo, job, customer, *turns, b"log-0001", "threshold_min", 1]
    fields = [field for field in FIELDS.values() if field.code not in BINDING]
    hold(other, hub)
    written = 0
    for _ in range(ROUNDS):
        for field in fields:
            stream = streams[field.kind or Kind.JOB]
            made = change(chance, stream, field, known)
            try:
                force(chance.choice((hub, other)), stream, [made])
            except LogError:
                # Too long or too deep for the log: refused before it is written.
                continue
            written += 1
        assert hold(other, hub).live
    assert written > ROUNDS * len(fields) // 2
    assert agree(hub, other)
    assert hold(phone, hub).live
    for replica in (hub, other):
        before = rows_of(replica)
        replica.rebuild_projections()
        assert rows_of(replica) == before
    # And what makes sense still does.
    phone.write(acts.add_note(job, "still here"))
    assert hold(phone, hub).live
    assert ("still here",) in hub.store.db.execute("SELECT text FROM note").fetchall()


def test_nonsense_of_a_phone_stops_neither_its_hub_nor_its_colleagues(site: Site) -> None:
    chance = random.Random(815)
    hub = site.hub()
    ana, bo = site.worker(hub, "Ana"), site.worker(hub, "Bo")
    phone, colleague = site.phone(hub, ana, rights=(CREATE_JOBS,)), site.phone(hub, bo)
    job, turns = site.job(hub, "Boiler", ana, bo)
    day = acts.day_stream(ana, DAY)
    hold(phone, hub)
    phone.write(day_acts.start_log(ana, DAY, job, b"log-0001", LogKind.ON_SITE))
    known = [ana, bo, job, *turns, b"log-0001", 1]
    track = acts.track_stream(ana, DAY)
    kinds = {Kind.JOB: job, Kind.DAY: day, Kind.TRACK: track, Kind.WORKER: ana}
    fields = [field for field in FIELDS.values() if field.kind in kinds]
    written = 0
    for _ in range(ROUNDS):
        for field in fields:
            assert field.kind is not None
            made = change(chance, kinds[field.kind], field, known)
            try:
                force(phone, made.stream, [made])
            except LogError:
                continue
            written += 1
        assert hold(phone, hub).live
    assert written > ROUNDS * len(fields) // 3
    assert hold(colleague, hub).live
    assert agree(phone, hub)
    assert agree(colleague, hub)
    colleague.write(acts.set_phase(job, bo, turns[1], Phase.FINISHED))
    assert hold(colleague, hub).live
    see_that_the_fold_is_what_is_stored(hub, job)
    see_that_the_fold_is_what_is_stored(hub, day)


def see_that_the_fold_is_what_is_stored(replica: Replica, stream: bytes) -> None:
    assert replica.state(stream).plain() == fresh_fold(replica, stream).plain()
