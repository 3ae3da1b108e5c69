"""Whose phones a commit may matter to: no session that must tell something is left asleep."""

from __future__ import annotations

from pathlib import Path

from core.dispatch import acts
from core.dispatch.acts import SITE_STREAM
from core.dispatch.fields import Kind
from core.log.certificate import Certificate
from core.log.chain import derived_unique
from replica.scope import AUDIENCE_STREAMS_MAX, audience_of, scope_of
from replica.shelf import ReplicaShelf
from replica.subscriptions import Subscriptions
from tests.build import Site


def concerns(
    shelf: ReplicaShelf, peer: Certificate, streams: set[bytes], audience: frozenset[bytes] | None
) -> bool:
    subscriptions = Subscriptions()
    one = subscriptions.begin(chooses=True)
    one.interest = shelf.interest(peer)
    subscriptions.announce(frozenset(streams), audience, 0.0)
    return one.take() == frozenset(streams)


def test_a_commit_is_news_for_those_alone_into_whose_scope_it_reaches(tmp_path: Path) -> None:
    site = Site(tmp_path)
    hub = site.hub("A")
    ana, ben = site.worker(hub, "Ana"), site.worker(hub, "Ben")
    phone, other = site.phone(hub, ana), site.phone(hub, ben)
    db = hub.store.db
    customer = acts.new_stream_id(Kind.CUSTOMER, 0, b"customer"[:7])
    hub.write(acts.edit_customer(customer, {"name": "Letna"}))
    job = acts.new_stream_id(Kind.JOB, 0, b"the job"[:7])
    hub.write(acts.create_job(job, {"title": "Boiler", "customer": customer}))
    assert audience_of(db, {job, customer}) == frozenset()
    hub.write(acts.assign(job, ana, b"turn0001"))
    day = acts.day_stream(ana, "2026-11-23")
    assert audience_of(db, {job}) == audience_of(db, {customer}) == frozenset({ana})
    assert audience_of(db, {ben, day}) == frozenset({ben, derived_unique(ana)})
    assert audience_of(db, {SITE_STREAM, job}) is None
    assert audience_of(db, {acts.new_stream_id(Kind(8), 0, bytes(7))}) == frozenset()
    assert audience_of(db, {bytes([0, 0, 0, 0, 99, 0, 0, 0, 0, 0, 0, 0])}) is None
    assert audience_of(db, [bytes([0] * 4 + [4, n] + [0] * 6) for n in range(65)]) is None
    assert AUDIENCE_STREAMS_MAX == 64

    # What somebody holds concerns them for as long as they hold it, whatever became of it since.
    shelf, peer, bens = ReplicaShelf(hub), phone.identity.own, other.identity.own
    assert concerns(shelf, peer, {job}, frozenset())
    assert job in shelf.shared(peer)
    assert job in scope_of(db, peer, 0)
    assert concerns(shelf, peer, {job}, frozenset())
    assert not concerns(shelf, peer, {ben}, frozenset({ben}))
    assert concerns(shelf, peer, {day}, audience_of(db, {day}))
    theirs = ReplicaShelf(hub)
    theirs.shared(bens)
    assert not concerns(theirs, bens, {job, customer, day}, audience_of(db, {job, day}))
    assert concerns(theirs, hub.identity.own, {job}, frozenset())
