"""What people type is made equal to what stands on signs and doors."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.map.folding import HouseNumber, fold, house_number, spellings, word_distance


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("Töölönlahdenkatu", "toolonlahdenkatu"),
        ("Landstr. 15", "landstrasse 15"),
        ("Landstraße", "landstrasse"),
        ("LANDSTRASSE", "landstrasse"),
        ("Fürst-Franz-Josef-Str.", "furst franz josef strasse"),
        ("Łódź, Księży Młyn", "lodz ksiezy mlyn"),
        ("Sørensens  Gård", "sorensens gard"),
        ("Rue de l'Église", "rue de l eglise"),
        ("Street", "street"),
    ],
)
def test_spellings_of_one_name_are_folded_to_one(written: str, folded: str) -> None:
    assert fold(written) == folded


@given(st.text(max_size=40))
def test_folding_what_is_folded_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_umlauts_are_found_in_both_ways_of_writing_them() -> None:
    assert spellings("Städtle") == ["stadtle", "staedtle"]
    assert spellings("Kauppakatu") == ["kauppakatu"]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5", HouseNumber(5, 5, "")),
        ("5b", HouseNumber(5, 5, "b")),
        ("12 A", HouseNumber(12, 12, "a")),
        ("3-7", HouseNumber(3, 7, "")),
        ("3–7", HouseNumber(3, 7, "")),
        ("12/3", HouseNumber(12, 12, "")),
        ("29-27", HouseNumber(29, 29, "")),
    ],
)
def test_house_numbers_are_read_as_they_stand_on_doors(text: str, number: HouseNumber) -> None:
    assert house_number(text) == number


def test_text_without_a_number_is_no_house_number() -> None:
    assert house_number("ground floor") is None


def test_range_covers_its_own_side_of_the_street() -> None:
    assert HouseNumber(3, 7, "").covers(HouseNumber(5, 5, ""))
    assert not HouseNumber(3, 7, "").covers(HouseNumber(4, 4, ""))
    assert HouseNumber(3, 4, "").covers(HouseNumber(4, 4, ""))


def fewest_edits(typed: str, word: str) -> int:
    """The same distance from its definition: over all beginnings of the word."""

    @cache
    def edits(left: int, right: int) -> int:
        if left == 0 or right == 0:
            return left + right
        least = min(
            edits(left - 1, right) + 1,
            edits(left, right - 1) + 1,
            edits(left - 1, right - 1) + (typed[left - 1] != word[right - 1]),
        )
        swapped = left > 1 and right > 1 and typed[left - 2 : left] == word[right - 2 : right][::-1]
        return min(least, edits(left - 2, right - 2) + 1) if swapped else least

    return min(edits(len(typed), end) for end in range(len(word) + 1))


@given(st.text("abc", max_size=7), st.text("abc", max_size=8), st.integers(0, 3))
def test_distance_of_words_is_the_fewest_edits_to_a_beginning(
    typed: str, word: str, bound: int
) -> None:
    edits = fewest_edits(typed, word)
    assert word_distance(typed, word, bound) == (edits if edits <= bound else None)
