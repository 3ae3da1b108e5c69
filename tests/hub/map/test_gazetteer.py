"""Addresses are found in the ways people ask for them."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dispatch.geometry import distance_m
from hub.map.errors import RegionError
from hub.map.extract import Extract, read_extract
from hub.map.folding import fold
from hub.map.gazetteer import Accuracy, Answer, Gazetteer, Kind
from hub.map.gazetteer_build import write_gazetteer
from hub.map.region import Region
from tests.hub.map.conftest import silent
from tests.hub.map.small_maps import write_map


def first(gazetteer: Gazetteer, text: str) -> Answer:
    found = gazetteer.search(text)
    assert found, f"nothing was found for {text!r}"
    return found[0]


def test_address_is_found_on_its_roof(gazetteer: Gazetteer, extract: Extract) -> None:
    answer = first(gazetteer, "Töölönlahdenkatu 2")
    assert (answer.kind, answer.accuracy) == (Kind.ADDRESS, Accuracy.ROOFTOP)
    assert answer.label == "Töölönlahdenkatu 2, 00100 Helsinki"
    assert answer.note == ""
    real = [
        (one.lat_e7, one.lon_e7)
        for one in extract.addresses
        if (one.street, one.number) == ("Töölönlahdenkatu", "2")
    ]
    assert answer.point in real


@pytest.mark.parametrize(
    "text",
    [
        "toolonlahdenkatu 2",
        "TÖÖLÖNLAHDENKATU 2",
        "töölönlahdenk 2",
        "2 Töölönlahdenkatu",
        "Töölönlahdenkatu 2, Helsinki",
        "Töölönlahdenkatu 2, 00100 Helsinki",
        "toeoeloenlahdenkatu 2",
        "Tölönlahdenkatu 2",
        "toolonlahdenaktu 2",
        "Töölönlahdenkatu 2 B",
    ],
)
def test_one_address_is_found_in_all_the_ways_people_type_it(
    gazetteer: Gazetteer, text: str
) -> None:
    assert first(gazetteer, text).label == "Töölönlahdenkatu 2, 00100 Helsinki"


def test_street_is_found_by_its_name_in_the_other_language(gazetteer: Gazetteer) -> None:
    assert first(gazetteer, "Mannerheimvägen").label == "Mannerheimintie, Helsinki"
    assert first(gazetteer, "Mannerheimvagen 5").label.startswith("Mannerheimintie 5")


def test_the_beginning_of_a_name_is_enough(gazetteer: Gazetteer) -> None:
    for text in ("mannerheimi", "mannerhe", "mann"):
        assert first(gazetteer, text).label == "Mannerheimintie, Helsinki"


def test_place_that_is_called_so_comes_before_all_that_only_contain_it(
    gazetteer: Gazetteer,
) -> None:
    for text in ("Helsinki", "helsingfors"):
        answer = first(gazetteer, text)
        assert (answer.kind, answer.accuracy) == (Kind.PLACE, Accuracy.TOWN)
        assert answer.label == "Helsinki"


def test_streets_come_before_the_shops_in_them(gazetteer: Gazetteer) -> None:
    kinds = [answer.kind for answer in gazetteer.search("Aleksanterinkatu", limit=20)]
    assert kinds[0] == Kind.STREET
    assert Kind.LANDMARK in kinds


def test_landmark_is_found_with_its_address(gazetteer: Gazetteer) -> None:
    assert first(gazetteer, "ateneum").label == "Ateneum, Kaivokatu 2, Helsinki"


def test_number_that_the_map_lacks_is_placed_between_its_neighbours(gazetteer: Gazetteer) -> None:
    low, high = first(gazetteer, "Bulevardi 1"), first(gazetteer, "Bulevardi 5")
    assert low.note == high.note == ""
    between = first(gazetteer, "Bulevardi 3")
    if between.note:
        assert between.accuracy == Accuracy.STREET
    sides = distance_m(*low.point, *between.point) + distance_m(*between.point, *high.point)
    assert sides < 2 * distance_m(*low.point, *high.point)


def test_number_beyond_the_last_one_says_where_it_was_put(gazetteer: Gazetteer) -> None:
    answer = first(gazetteer, "Mannerheimintie 7777")
    assert (answer.kind, answer.accuracy) == (Kind.STREET, Accuracy.STREET)
    assert "7777 is not on the map" in answer.note


def test_number_with_another_letter_is_said_to_be_another(gazetteer: Gazetteer) -> None:
    answer = first(gazetteer, "Mannerheimintie 13")
    assert answer.label == "Mannerheimintie 13A, 00100 Helsinki"
    assert answer.note == "Number 13 is not on the map; this is 13A."


def test_word_that_is_not_on_the_map_is_left_out_and_named(gazetteer: Gazetteer) -> None:
    answer = first(gazetteer, "Töölönlahdenkatu 2 zzyxquatsch")
    assert answer.label == "Töölönlahdenkatu 2, 00100 Helsinki"
    assert answer.note == "Not found, left out: zzyxquatsch."


def test_words_that_exist_but_not_together_still_find_the_street(gazetteer: Gazetteer) -> None:
    answer = first(gazetteer, "Mannerheimintie Hakaniemi")
    assert answer.label == "Mannerheimintie, Helsinki"
    assert "hakaniemi" in answer.note


def test_coordinates_are_a_place_whatever_the_map_holds(gazetteer: Gazetteer) -> None:
    (answer,) = gazetteer.search("60.17,24.94")
    assert (answer.kind, answer.accuracy) == (Kind.POINT, Accuracy.POINT)
    assert answer.point == (601_700_000, 249_400_000)


def test_nothing_is_found_for_nothing_and_for_nonsense(gazetteer: Gazetteer) -> None:
    for text in ("", "   ", "5", "qqqqzzzz", "'\"*()-", "AND OR NOT", "\x00"):
        assert gazetteer.search(text) == []


@given(st.text(max_size=60))
def test_any_text_is_a_valid_question(gazetteer: Gazetteer, text: str) -> None:
    answers = gazetteer.search(text, limit=5)
    assert len(answers) <= 5
    assert all(answer.label for answer in answers)


def test_every_address_of_the_extract_is_found_by_its_own_words(
    gazetteer: Gazetteer, extract: Extract
) -> None:
    plain = [one for one in extract.addresses if re.fullmatch(r"\d+ ?[A-Za-z]?(-\d+)?", one.number)]
    assert len(plain) > 1_000
    lost = [
        question
        for question in sorted({f"{one.street} {one.number}" for one in plain})
        if not any(
            fold(answer.label).startswith(fold(question))
            for answer in gazetteer.search(question, limit=20)
        )
    ]
    assert lost == []


def test_click_on_a_house_is_answered_with_its_address(gazetteer: Gazetteer) -> None:
    house = first(gazetteer, "Töölönlahdenkatu 2")
    here = gazetteer.here(house.point)
    assert here is not None
    assert here.label == house.label
    aside = gazetteer.here((house.lat_e7 + 3_000, house.lon_e7))
    assert aside is not None
    assert aside.note.endswith("m from there")


def test_click_on_the_sea_is_not_answered(gazetteer: Gazetteer) -> None:
    assert gazetteer.here((601_000_000, 250_500_000)) is None


def test_nearest_address_is_the_nearest(gazetteer: Gazetteer, extract: Extract) -> None:
    for point in [(601_700_000, 249_420_000), (601_690_000, 249_460_000)]:
        here = gazetteer.here(point)
        assert here is not None
        nearest = min(
            distance_m(*point, one.lat_e7, one.lon_e7)
            for one in extract.addresses
            if any(letter.isdigit() for letter in one.number)
        )
        # Of the doors with one number the gazetteer keeps one, so another one may be nearer.
        assert distance_m(*point, *here.point) <= nearest + 60


TWO_TOWNS = {
    1: (47.00, 9.50),
    2: (47.00, 9.51),
    3: (47.20, 9.50),
    4: (47.20, 9.51),
    10: (47.001, 9.505),
    11: (47.201, 9.505),
    20: (47.0005, 9.502),
    21: (47.2005, 9.502),
    22: (47.2005, 9.506),
}
MAIN_STREET = {"highway": "residential", "name": "Hauptstraße"}
TAGS = {
    10: {"place": "village", "name": "Unterdorf"},
    11: {"place": "village", "name": "Oberdorf"},
    20: {"addr:street": "Hauptstraße", "addr:housenumber": "4"},
    21: {"addr:street": "Hauptstr.", "addr:housenumber": "4"},
    22: {"addr:street": "Hauptstraße", "addr:housenumber": "8-10"},
}


@pytest.fixture
def two_towns(tmp_path: Path) -> Iterator[Gazetteer]:
    ways = [((1, 2), MAIN_STREET), ((3, 4), MAIN_STREET)]
    extract = read_extract(write_map(tmp_path / "towns.osm.pbf", TWO_TOWNS, ways, TAGS), silent)
    write_gazetteer(extract, tmp_path / "gazetteer.sqlite")
    opened = Gazetteer.open(tmp_path / "gazetteer.sqlite")
    yield opened
    opened.close()


def test_namesakes_are_told_apart_by_their_towns(two_towns: Gazetteer) -> None:
    labels = {answer.label for answer in two_towns.search("hauptstr 4")}
    assert labels == {"Hauptstraße 4, Unterdorf", "Hauptstraße 4, Oberdorf"}
    for text in ("Hauptstrasse 4 Oberdorf", "haupstrasse 4 oberdorf", "oberdorf hauptstr. 4"):
        assert [answer.label for answer in two_towns.search(text)] == ["Hauptstraße 4, Oberdorf"]


def test_the_nearer_namesake_comes_first_where_one_is_near(two_towns: Gazetteer) -> None:
    for lat_e7, town in ((470_000_000, "Unterdorf"), (472_000_000, "Oberdorf")):
        answers = two_towns.search("hauptstr 4", near=(lat_e7, 95_000_000))
        assert answers[0].label == f"Hauptstraße 4, {town}"


def test_number_inside_a_range_is_at_the_house_with_the_range(two_towns: Gazetteer) -> None:
    (answer,) = two_towns.search("Hauptstraße 10 Oberdorf")
    assert answer.label == "Hauptstraße 8-10, Oberdorf"
    assert answer.accuracy == Accuracy.ROOFTOP


def test_number_between_two_houses_lies_between_them(two_towns: Gazetteer) -> None:
    (answer,) = two_towns.search("Hauptstraße 6 Oberdorf")
    assert answer.point == (472_005_000, 95_040_000)
    assert answer.note == "Number 6 is not on the map; placed between 4 and 8-10."


def test_damaged_or_foreign_file_is_refused_by_name(region: Region, tmp_path: Path) -> None:
    path = tmp_path / "gazetteer.sqlite"
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(RegionError, match="damaged"):
        Gazetteer.open(path)
    sqlite3.connect(path.with_name("other.sqlite")).close()
    with pytest.raises(RegionError, match="another version"):
        Gazetteer.open(path.with_name("other.sqlite"))
    data = bytearray((region.folder / "gazetteer.sqlite").read_bytes())
    data[len(data) // 2 : len(data) // 2 + 8_192] = bytes(8_192)
    path.write_bytes(data)
    damaged = Gazetteer.open(path)
    with pytest.raises(RegionError, match="damaged"):
        damaged.check()
    damaged.close()
