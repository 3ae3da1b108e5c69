"""The region that the tests of the map look at: the centre of Helsinki, imported once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from hub.map.extract import Extract, read_extract
from hub.map.gazetteer import Gazetteer
from hub.map.region import Region, open_region
from hub.map.roads import Roads

HELSINKI: Final = Path(__file__).parents[3] / "simulator" / "data" / "helsinki.osm.pbf"


def silent(_line: str) -> None:
    """Take a line of progress and show it to nobody."""


@pytest.fixture(scope="session")
def helsinki() -> Path:
    return HELSINKI


@pytest.fixture(scope="session")
def extract() -> Extract:
    return read_extract(HELSINKI, silent)


@pytest.fixture(scope="session")
def region(map_folder: Path) -> Iterator[Region]:
    opened = open_region(map_folder)
    assert opened is not None
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def gazetteer(region: Region) -> Gazetteer:
    assert region.gazetteer is not None
    return region.gazetteer


@pytest.fixture(scope="session")
def roads(region: Region) -> Roads:
    assert region.roads is not None
    return region.roads
