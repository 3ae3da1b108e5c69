"""Frames that a certified peer can make and no honest one would: what they must not bring about."""

from __future__ import annotations

from typing import Any

import pytest

from core.dispatch.acts import SITE_STREAM
from core.dispatch.fields import CERTIFICATE
from core.log.messages import Run, Runs, WireSeal
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
