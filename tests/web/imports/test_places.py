"""Positions for imported addresses: only where one house fits, and a word where none does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.map.extract import read_extract
from hub.map.gazetteer import Gazetteer
from hub.map.gazetteer_build import write_gazetteer
from tests.hub.map.conftest import silent
from tests.hub.map.small_maps import write_map
from web.imports.places import Addresses


@pytest.fixture
def gazetteer(tmp_path: Path) -> Iterator[Gazetteer]:
    """Two towns with a Station Road each, and a mill in one."""
    houses = {
        1: ("Station Road", "5", "Aston", 50.0, 14.0),
        2: ("Station Road", "5", "Beeton", 50.5, 14.5),
        3: ("Mill Lane", "2", "Aston", 50.001, 14.001),
    }
    points = {number: (lat, lon) for number, (_, _, _, lat, lon) in houses.items()}
    write_map(
        tmp_path / "towns.osm.pbf",
        {**points, 10: (50.0, 14.0), 11: (50.001, 14.001)},
        [((10, 11), {"highway": "residential", "name": "Mill Lane"})],
        tags_by_node={
            number: {"addr:street": street, "addr:housenumber": house, "addr:city": town}
            for number, (street, house, town, _, _) in houses.items()
        },
    )
    file = tmp_path / "gazetteer.sqlite"
    write_gazetteer(read_extract(tmp_path / "towns.osm.pbf", silent), file)
    opened = Gazetteer.open(file)
    yield opened
    opened.close()


def test_a_house_that_is_found_gets_its_position(gazetteer: Gazetteer) -> None:
    addresses = Addresses(gazetteer)
    assert addresses.can_be_found
    assert addresses.find("Mill Lane 2, Aston") == ((500_010_000, 140_010_000), "")
    assert addresses.find("station road 5, beeton").point == (505_000_000, 145_000_000)


def test_an_address_of_two_towns_gets_none_and_both_are_named(gazetteer: Gazetteer) -> None:
    found = Addresses(gazetteer).find("Station Road 5")
    assert found.point is None
    assert "Aston" in found.note
    assert "Beeton" in found.note


@pytest.mark.parametrize("address", ["Mill Lane 77, Aston", "Mill Lane", "Nowhere 1, Utopia"])
def test_what_is_found_but_nearly_gets_none_and_says_why(
    gazetteer: Gazetteer, address: str
) -> None:
    found = Addresses(gazetteer).find(address)
    assert found.point is None
    assert found.note.endswith("it gets no position")


def test_without_a_map_nothing_is_asked() -> None:
    addresses = Addresses(None)
    assert not addresses.can_be_found
    assert addresses.find("Mill Lane 2, Aston") == (None, "")
