"""The OsmAnd protocol: fields in a query or a form, or the JSON of newer Traccar Clients.

Holds pure functions. The fields come from OsmAnd, GPSLogger and Traccar Client before version 9,
the JSON from Traccar Client since. Speeds are in knots in the field `speed`, and in metres per
second in JSON and in GPSLogger's `spd`; times are seconds, milliseconds or text.

Invariant: any query and any body give a Report; nothing is raised.

Source: Traccar's protocol page for OsmAnd; GPSLogger's list of parameters for a custom URL.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, urlencode

from core.dispatch.fix import Fix
from replica.location.report import (
    BODY_BYTES_MAX,
    MPS_PER_KNOT,
    Located,
    Notice,
    Report,
    Trouble,
    Unfit,
    accuracy_m,
    battery_percent,
    bearing_deg,
    json_object,
    number_in,
    number_of_text,
    place_e7,
    reported,
    speed_mps,
    time_ms_of_seconds,
    time_ms_of_text,
)

SOURCE: Final = "osmand"
GPSLOGGER_SOURCE: Final = "gpslogger"
JSON_SOURCE: Final = "traccar"

FIELDS_MAX: Final = 100
"""The longest list of a known app has some thirty fields."""

# A count of seconds is below this until 2038; a larger number is milliseconds.
_SECONDS_BELOW: Final = 2_147_483_647
# What GPSLogger calls its speed and its provider, and no other app does.
_GPSLOGGER_FIELDS: Final = frozenset({"spd", "prov"})
_NO: Final = frozenset({"false", "0", "no"})
_YES: Final = frozenset({"true", "1", "yes"})


def parse_traccar_json(body: bytes) -> Report:
    """What a JSON message of Traccar Client says."""
    if not body.strip():
        return Notice("empty")
    return reported(body, lambda: _parse_json(json_object(body)))


def parse_osmand_query(fields: Mapping[str, str]) -> Report:
    """What the fields of a query or form say; of a repeated field, the caller gives the first."""
    raw = urlencode(list(fields.items())[:FIELDS_MAX], errors="replace").encode("ascii")
    if not fields:
        return Notice("empty")
    return reported(raw, lambda: _parse_query(fields))


def parse_osmand_form(body: bytes) -> Report:
    """What the body of a form says, as `parse_osmand_query`."""
    if not body.strip():
        return Notice("empty")

    def parse() -> Report:
        if len(body) > BODY_BYTES_MAX:
            raise Unfit(Trouble.TOO_LARGE)
        fields: dict[str, str] = {}
        try:
            pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="replace",
                              max_num_fields=FIELDS_MAX)  # fmt: skip
        except ValueError:
            raise Unfit(Trouble.NOT_READABLE) from None
        for key, value in pairs:
            fields.setdefault(key, value)
        return _parse_query(fields)

    return reported(body, parse)


def _parse_json(message: dict[str, object]) -> Report:
    location = message.get("location")
    if not isinstance(location, dict):
        raise Unfit(Trouble.UNKNOWN_TYPE)
    coords = location.get("coords")
    if not isinstance(coords, dict):
        raise Unfit(Trouble.NO_PLACE)
    lat_e7, lon_e7 = place_e7(number_in(coords.get("latitude")), number_in(coords.get("longitude")))
    battery = location.get("battery")
    level = number_in(battery.get("level")) if isinstance(battery, dict) else None
    fix = Fix(
        time_ms=_json_time_ms(location.get("timestamp")),
        lat_e7=lat_e7,
        lon_e7=lon_e7,
        accuracy_m=accuracy_m(number_in(coords.get("accuracy"))),
        speed_mps=speed_mps(number_in(coords.get("speed"))),
        bearing_deg=bearing_deg(number_in(coords.get("heading"))),
        source=JSON_SOURCE,
        mock=location.get("mock") is True,
    )
    return Located(fix, battery_percent(None if level is None else level * 100))


def _json_time_ms(value: object) -> int:
    if isinstance(value, str):
        return _text_time_ms(value)
    return _number_time_ms(number_in(value))


def _parse_query(fields: Mapping[str, str]) -> Report:
    if fields.get("valid", "").lower() in _NO:
        raise Unfit(Trouble.SAID_INVALID)
    latitude, longitude = fields.get("lat"), fields.get("lon")
    if latitude is None and longitude is None:
        latitude, _, longitude = fields.get("location", "").partition(",")
    lat_e7, lon_e7 = place_e7(number_of_text(latitude), number_of_text(longitude))
    time_text = _first(fields, "timestamp", "time")
    if time_text is None:
        raise Unfit(Trouble.NO_TIME)
    speed_knots = number_of_text(fields.get("speed"))
    speed = number_of_text(fields.get("spd")) if speed_knots is None else speed_knots * MPS_PER_KNOT
    fix = Fix(
        time_ms=_text_time_ms(time_text),
        lat_e7=lat_e7,
        lon_e7=lon_e7,
        accuracy_m=accuracy_m(number_of_text(_first(fields, "accuracy", "acc"))),
        speed_mps=speed_mps(speed),
        bearing_deg=bearing_deg(number_of_text(_first(fields, "bearing", "heading", "dir"))),
        source=GPSLOGGER_SOURCE if _GPSLOGGER_FIELDS & fields.keys() else SOURCE,
        mock=fields.get("mock", "").lower() in _YES,
    )
    return Located(fix, battery_percent(number_of_text(fields.get("batt"))))


def _first(fields: Mapping[str, str], *names: str) -> str | None:
    return next((fields[name] for name in names if fields.get(name)), None)


def _text_time_ms(text: str) -> int:
    number = number_of_text(text)
    return time_ms_of_text(text) if number is None else _number_time_ms(number)


def _number_time_ms(number: float | None) -> int:
    if number is not None and number >= _SECONDS_BELOW:
        number /= 1_000
    return time_ms_of_seconds(number)
