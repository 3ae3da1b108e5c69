"""Reach that falls is told like reach that rises: no screen goes on showing what is not proven."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.dispatch import acts
from core.dispatch.fields import Kind
from core.log.messages import StreamHeads
from replica.replica import Replica
from replica.shelf import ReplicaShelf
from tests.build import Site, hold


@pytest.fixture
def met(tmp_path: Path) -> tuple[Replica, Replica, bytes]:
    """A hub, and a phone that has confirmed holding a job."""
    site = Site(tmp_path)
    hub = site.hub("A")
    ana = site.worker(hub, "Ana")
    phone = site.phone(hub, ana)
    job = acts.new_stream_id(Kind.JOB, 0, b"the job")
    hub.write([*acts.create_job(job, {"title": "Boiler"}), *acts.assign(job, ana, b"turn0001")])
    hold(phone, hub)
    hub.take_changed()
    return hub, phone, job


def test_a_phone_of_another_store_is_told_to_hold_nothing(
    met: tuple[Replica, Replica, bytes],
) -> None:
    hub, phone, job = met
    ReplicaShelf(hub).meet(phone.identity.own, b"another!")
    assert job in hub.take_changed()


def test_what_a_phone_lacks_or_says_that_it_holds_is_told(
    met: tuple[Replica, Replica, bytes],
) -> None:
    hub, phone, job = met
    shelf, peer = ReplicaShelf(hub), phone.identity.own
    shelf.peer_lacks(peer, [job])
    assert hub.take_changed() == {job}
    shelf.peer_holds(peer, [StreamHeads(job, ())])
    assert hub.take_changed() == {job}
    # Of what another hub holds no screen says anything.
    shelf.peer_lacks(hub.identity.own, [job])
    assert hub.take_changed() == frozenset()
