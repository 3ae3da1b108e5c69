"""A site with a hub, a worker and that worker's phone, for the tests of this folder."""

from __future__ import annotations

import pytest

from replica.replica import Replica
from tests.build import Site


@pytest.fixture
def hub(site: Site) -> Replica:
    return site.hub()


@pytest.fixture
def ana(site: Site, hub: Replica) -> bytes:
    return site.worker(hub, "Ana")


@pytest.fixture
def phone(site: Site, hub: Replica, ana: bytes) -> Replica:
    return site.phone(hub, ana)
