"""Places that people type or paste as coordinates: degrees, and plus codes.

Holds the reading of texts, and no map. Invariant: what is read lies on the earth, and a text that
is not clearly a place as coordinates is answered with None and never guessed.

Source: Open Location Code specification 1.0 for full codes; geo URIs as in RFC 5870.
"""

from __future__ import annotations

import re
from typing import Final

from core.dispatch.geometry import LAT_E7_MAX, LON_E7_MAX, Point

TEXT_CHARACTERS_MAX: Final = 80

_DEGREES: Final = re.compile(
    r"(?:geo:)?\s*(?P<ns>[NS])?\s*(?P<lat>[+-]?\d{1,2}(?:\.\d+)?)\s*°?\s*(?P<ns2>[NS])?"
    r"\s*(?:[,;]\s*|\s+)"
    r"(?P<ew>[EW])?\s*(?P<lon>[+-]?\d{1,3}(?:\.\d+)?)\s*°?\s*(?P<ew2>[EW])?(?:[?;].*)?\Z",
    re.IGNORECASE,
)
_COMMA_DEGREES: Final = re.compile(r"\s*([+-]?\d{1,2},\d+)\s*[;\s]\s*([+-]?\d{1,3},\d+)\s*\Z")
_MINUTES: Final = re.compile(
    r"\s*(\d{1,2})°\s*(\d{1,2}(?:\.\d+)?)['′]\s*(?:(\d{1,2}(?:\.\d+)?)[\"″])?\s*([NS])[\s,]*"
    r"(\d{1,3})°\s*(\d{1,2}(?:\.\d+)?)['′]\s*(?:(\d{1,2}(?:\.\d+)?)[\"″])?\s*([EW])\s*\Z",
    re.IGNORECASE,
)
_PLUS_DIGITS: Final = "23456789CFGHJMPQRVWX"
_PLUS_CODE: Final = re.compile(rf"\s*([{_PLUS_DIGITS}]{{8}})\+([{_PLUS_DIGITS}]{{2,7}})\s*\Z")


def read_point(text: str) -> Point | None:
    """Return the place that a text gives as coordinates, or None if it gives none.

    Reads `60.17, 24.94`, `60,17 24,94`, `N 60.17 E 24.94`, degrees with minutes and seconds,
    `geo:60.17,24.94`, and full plus codes such as `9GG65WCR+2X`.
    """
    if len(text) > TEXT_CHARACTERS_MAX:
        return None
    return _decimal(text.strip()) or _minutes(text) or _plus_code(text.upper())


def _decimal(text: str) -> Point | None:
    """Read degrees with a decimal point, or with a decimal comma where that is unmistakable."""
    comma = _COMMA_DEGREES.match(text)
    if comma is not None:
        return _point(float(comma[1].replace(",", ".")), float(comma[2].replace(",", ".")))
    found = _DEGREES.match(text)
    if found is None:
        return None
    marked = any(found[name] for name in ("ns", "ns2", "ew", "ew2")) or text.startswith("geo:")
    # "12 3" is a house and a flat; two bare numbers need a point or a comma to be a place.
    if not marked and "." not in text and "," not in text:
        return None
    north = -1 if (found["ns"] or found["ns2"] or "N").upper() == "S" else 1
    east = -1 if (found["ew"] or found["ew2"] or "E").upper() == "W" else 1
    return _point(north * float(found["lat"]), east * float(found["lon"]))


def _minutes(text: str) -> Point | None:
    """Read degrees, minutes and seconds."""
    found = _MINUTES.match(text)
    if found is None:
        return None
    lat = float(found[1]) + float(found[2]) / 60 + float(found[3] or 0) / 3600
    lon = float(found[5]) + float(found[6]) / 60 + float(found[7] or 0) / 3600
    return _point(
        -lat if found[4].upper() == "S" else lat, -lon if found[8].upper() == "W" else lon
    )


def _plus_code(text: str) -> Point | None:
    """Read a full plus code: the middle of its square."""
    found = _PLUS_CODE.match(text)
    if found is None:
        return None
    digits = [_PLUS_DIGITS.index(letter) for letter in found[1] + found[2]]
    lat, lon, step = -90.0, -180.0, 400.0
    height = width = step
    for place in range(0, 10, 2):
        step /= 20
        lat += digits[place] * step
        lon += digits[place + 1] * step
        height = width = step
    for digit in digits[10:]:
        height, width = height / 5, width / 4
        lat += digit // 4 * height
        lon += digit % 4 * width
    return _point(lat + height / 2, lon + width / 2)


def _point(lat: float, lon: float) -> Point | None:
    """Return the place in integers, or None if it is not on the earth."""
    lat_e7, lon_e7 = round(lat * 1e7), round(lon * 1e7)
    if abs(lat_e7) > LAT_E7_MAX or abs(lon_e7) > LON_E7_MAX:
        return None
    return lat_e7, lon_e7
