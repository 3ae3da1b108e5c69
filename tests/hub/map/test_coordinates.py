"""Places that are typed as coordinates."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.map.coordinates import read_point


@pytest.mark.parametrize(
    "text",
    [
        "60.17, 24.94",
        "60.17,24.94",
        " 60.17 24.94 ",
        "60,17 24,94",
        "60,17; 24,94",
        "N 60.17 E 24.94",
        "60.17N, 24.94E",
        "60.17° N 24.94° E",
        "geo:60.17,24.94",
        "geo:60.17,24.94;u=35",
        "60°10'12\"N 24°56'24\"E",
    ],
)
def test_the_same_place_is_read_however_it_is_written(text: str) -> None:
    assert read_point(text) == (601_700_000, 249_400_000)


def test_south_and_west_are_below_nought() -> None:
    assert read_point("S 33.9 W 18.4") == (-339_000_000, -184_000_000)
    assert read_point("-33.9, -18.4") == (-339_000_000, -184_000_000)


@pytest.mark.parametrize(
    ("code", "lat", "lon"),
    [
        ("7FG49QCJ+2V", 20.3700625, 2.7821875),
        ("8FVC2222+22", 47.0000625, 8.0000625),
        ("4VCPPQGP+Q9", -41.2730625, 174.7859375),
        ("9C3W9QCJ+2VX", 51.3701125, -1.217765625),
    ],
)
def test_plus_codes_are_read_as_their_specification_says(code: str, lat: float, lon: float) -> None:
    point = read_point(code.lower())
    assert point is not None
    assert point[0] / 1e7 == pytest.approx(lat, abs=1e-6)
    assert point[1] / 1e7 == pytest.approx(lon, abs=1e-6)


@pytest.mark.parametrize(
    "text",
    ["", "Kauppakatu 5", "12 3", "5", "91.0, 24.0", "60.1, 181.0", "60.1", "1" * 500, "AAAA+22"],
)
def test_what_is_no_clear_place_is_not_guessed(text: str) -> None:
    assert read_point(text) is None


@given(
    st.integers(-900_000_000, 900_000_000),
    st.integers(-1_799_999_999, 1_799_999_999),
    st.sampled_from([", ", ",", " ", "; "]),
)
def test_every_place_on_earth_can_be_typed(lat_e7: int, lon_e7: int, between: str) -> None:
    assert read_point(f"{lat_e7 / 1e7:.7f}{between}{lon_e7 / 1e7:.7f}") == (lat_e7, lon_e7)


@given(st.text(max_size=90))
def test_any_text_may_be_asked(text: str) -> None:
    point = read_point(text)
    assert point is None or abs(point[0]) <= 900_000_000
