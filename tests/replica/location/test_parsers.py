"""What location apps send, as they send it, and what is made of everything else."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dispatch.fix import Fix, settled
from replica.location.osmand import parse_osmand_form, parse_osmand_query, parse_traccar_json
from replica.location.owntracks import Monitoring, parse_owntracks, provisioning_link
from replica.location.report import (
    BODY_BYTES_MAX,
    RAW_BYTES_KEPT_MAX,
    TIME_MS_MAX,
    Crossing,
    Located,
    Notice,
    Report,
    Trouble,
    Unusable,
)

OWNTRACKS = {
    "_type": "location", "_id": "e9d9699f", "tst": 1_779_000_000, "created_at": 1_779_000_001,
    "lat": 47.1393, "lon": 9.5228, "acc": 12, "alt": 455, "vac": 3, "vel": 43, "cog": 180,
    "batt": 81, "bs": 1, "t": "p", "m": 1, "conn": "m", "inregions": ["Job 12"], "tid": "JD",
    "topic": "owntracks/user/dev", "source": "gps",
}  # fmt: skip
TRACCAR_COORDS: dict[str, object] = {
    "latitude": 47.1393, "longitude": 9.5228, "accuracy": 11.2, "speed": -1, "heading": -1,
    "altitude": 455.0,
}  # fmt: skip
TRACCAR_LOCATION: dict[str, object] = {
    "timestamp": "2026-05-17T06:40:00.000Z", "coords": TRACCAR_COORDS, "is_moving": True,
    "odometer": 123, "event": "motionchange", "battery": {"level": 0.81, "is_charging": False},
    "activity": {"type": "in_vehicle"}, "mock": True, "extras": {},
}  # fmt: skip
TRACCAR = {"location": TRACCAR_LOCATION, "device_id": "48241179"}
OSMAND = {
    "id": "W17", "timestamp": "1779000000", "lat": "47.1393", "lon": "9.5228", "speed": "10",
    "bearing": "359.7", "altitude": "455", "accuracy": "11.2", "batt": "81.4", "charge": "true",
}  # fmt: skip


def fix_of(report: Report) -> Fix:
    assert isinstance(report, Located | Crossing), report
    return report.fix


def settled_report(report: Report) -> Located:
    """A report as the phone's track gives it back: the speed to a centimetre a second."""
    assert isinstance(report, Located), report
    return replace(report, fix=settled(report.fix))


def trouble_of(report: Report) -> Trouble:
    assert isinstance(report, Unusable), report
    return report.trouble


def test_a_location_of_owntracks_comes_in_our_units() -> None:
    report = parse_owntracks(json.dumps(OWNTRACKS).encode())
    assert settled_report(report) == Located(
        Fix(
            time_ms=1_779_000_000_000,
            lat_e7=471_393_000,
            lon_e7=95_228_000,
            accuracy_m=12,
            speed_mps=11.94,
            bearing_deg=180,
            source="owntracks",
            mock=False,
        ),
        battery_percent=81,
        on_mobile_data=True,
        app_mode=(1, 1_779_000_001_000),
    )


def test_a_location_of_traccar_client_comes_in_our_units() -> None:
    report = parse_traccar_json(json.dumps(TRACCAR).encode())
    assert settled_report(report) == Located(
        Fix(
            time_ms=1_779_000_000_000,
            lat_e7=471_393_000,
            lon_e7=95_228_000,
            accuracy_m=12,
            speed_mps=None,
            bearing_deg=None,
            source="traccar",
            mock=True,
        ),
        battery_percent=81,
    )


def test_an_osmand_query_and_form_come_in_our_units() -> None:
    report = parse_osmand_query(OSMAND)
    assert settled_report(report) == Located(
        Fix(
            time_ms=1_779_000_000_000,
            lat_e7=471_393_000,
            lon_e7=95_228_000,
            accuracy_m=12,
            speed_mps=5.14,
            bearing_deg=0,
            source="osmand",
            mock=False,
        ),
        battery_percent=81,
    )
    assert parse_osmand_form(urlencode(OSMAND).encode()) == report


def test_gpslogger_names_its_fields_otherwise_and_its_speed_is_metric() -> None:
    fields = {
        "lat": "47.1393", "lon": "9.5228", "acc": "11.2", "dir": "90", "spd": "5.5",
        "time": "2026-05-17T06:40:00Z", "prov": "gps",
    }  # fmt: skip
    fix = fix_of(parse_osmand_query(fields))
    assert fix == Fix(1_779_000_000_000, 471_393_000, 95_228_000, 12, 5.5, 90, "gpslogger")


@pytest.mark.parametrize(
    "text",
    ["1779000000", "1779000000.0", "1779000000000", "2026-05-17T06:40:00Z",
     "2026-05-17T06:40:00.000Z", "2026-05-17T08:40:00+02:00", "2026-05-17 06:40:00",
     " 1779000000 "],
)  # fmt: skip
def test_a_time_is_read_however_it_is_written(text: str) -> None:
    assert fix_of(parse_osmand_query(OSMAND | {"timestamp": text})).time_ms == 1_779_000_000_000


@pytest.mark.parametrize("space", ["\x1c", "\x1f", "\u2003"])
def test_a_number_in_odd_space_is_read_or_left_out(space: str) -> None:
    # A message that raises would be sent again for ever, and nothing behind it.
    fields = OSMAND | {"timestamp": "1779000000", "bearing": f"{space}270"}
    assert fix_of(parse_osmand_query(fields)).bearing_deg == 270


def test_a_place_may_come_in_one_field() -> None:
    fields = {key: value for key, value in OSMAND.items() if key not in ("lat", "lon")}
    fix = fix_of(parse_osmand_query(fields | {"location": "-47.5,-9.25"}))
    assert (fix.lat_e7, fix.lon_e7) == (-475_000_000, -92_500_000)


@pytest.mark.parametrize("event", ["enter", "leave"])
def test_a_crossing_says_which_region_and_which_way(event: str) -> None:
    message = OWNTRACKS | {
        "_type": "transition", "event": event, "desc": "J-12 Muster", "wtst": 1_123_456_789,
    }  # fmt: skip
    report = parse_owntracks(json.dumps(message).encode())
    assert isinstance(report, Crossing)
    assert report.entered == (event == "enter")
    assert (report.region, report.name) == (1_123_456_789, "J-12 Muster")
    assert report.fix.source == "owntracks-region"


@pytest.mark.parametrize("kind", ["waypoint", "waypoints", "status", "lwt", "card"])
def test_messages_without_a_place_are_in_order(kind: str) -> None:
    assert parse_owntracks(json.dumps({"_type": kind}).encode()) == Notice(kind)


def test_an_empty_message_is_in_order() -> None:
    for report in (
        parse_owntracks(b""),
        parse_owntracks(b" \r\n"),
        parse_traccar_json(b""),
        parse_osmand_form(b""),
        parse_osmand_query({}),
    ):
        assert report == Notice("empty")


@pytest.mark.parametrize(
    ("change", "trouble"),
    [
        ({"_type": "encrypted"}, Trouble.ENCRYPTED),
        ({"_type": "hologram"}, Trouble.UNKNOWN_TYPE),
        ({"_type": ["location"]}, Trouble.UNKNOWN_TYPE),
        ({"_type": "transition", "event": "hover"}, Trouble.UNKNOWN_TYPE),
        ({"_type": "transition", "event": ["enter"]}, Trouble.UNKNOWN_TYPE),
        ({"lat": None}, Trouble.NO_PLACE),
        ({"lat": "47.1"}, Trouble.NO_PLACE),
        ({"lat": True}, Trouble.NO_PLACE),
        ({"lat": float("nan")}, Trouble.NO_PLACE),
        ({"lat": 0, "lon": 0.0}, Trouble.NO_PLACE),
        ({"lat": 90.1}, Trouble.PLACE_OUT_OF_RANGE),
        ({"lon": -180.1}, Trouble.PLACE_OUT_OF_RANGE),
        ({"lon": 10**400}, Trouble.NO_PLACE),
        ({"tst": None}, Trouble.NO_TIME),
        ({"tst": "yesterday"}, Trouble.NO_TIME),
        ({"tst": -1}, Trouble.TIME_OUT_OF_RANGE),
        ({"tst": 1e300}, Trouble.TIME_OUT_OF_RANGE),
    ],
    ids=str,
)
def test_a_message_that_gives_no_fix_is_kept_with_its_reason(
    change: dict[str, object], trouble: Trouble
) -> None:
    raw = json.dumps(OWNTRACKS | change).encode()
    report = parse_owntracks(raw)
    assert trouble_of(report) is trouble
    assert isinstance(report, Unusable)
    assert report.raw == raw[:RAW_BYTES_KEPT_MAX]


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        ({"acc": -1}, "accuracy_m", None),
        ({"acc": "good"}, "accuracy_m", None),
        ({"acc": 1e12}, "accuracy_m", 1_000_000),
        ({"acc": 0.1}, "accuracy_m", 1),
        ({"vel": -1}, "speed_mps", None),
        ({"vel": 100_000}, "speed_mps", None),
        ({"vel": None}, "speed_mps", None),
        ({"cog": 361}, "bearing_deg", None),
        ({"cog": 360}, "bearing_deg", 0),
        ({"tst": 0}, "time_ms", 0),
        ({"tst": TIME_MS_MAX // 1_000}, "time_ms", TIME_MS_MAX),
        ({"lat": -90, "lon": 180}, "lat_e7", -900_000_000),
    ],
    ids=str,
)
def test_a_wrong_detail_is_left_out_and_the_fix_stays(
    change: dict[str, object], field: str, value: object
) -> None:
    assert getattr(fix_of(parse_owntracks(json.dumps(OWNTRACKS | change).encode())), field) == value


@pytest.mark.parametrize(
    ("change", "trouble"),
    [
        ({"valid": "false"}, Trouble.SAID_INVALID),
        ({"lat": "47,1393"}, Trouble.NO_PLACE),
        ({"lat": "1_0"}, Trouble.NO_PLACE),
        ({"lat": "nan"}, Trouble.NO_PLACE),
        ({"lat": "9" * 5_000}, Trouble.NO_PLACE),
        ({"lat": "1e999"}, Trouble.NO_PLACE),
        ({"lat": "91"}, Trouble.PLACE_OUT_OF_RANGE),
        ({"timestamp": ""}, Trouble.NO_TIME),
        ({"timestamp": "noon"}, Trouble.NO_TIME),
        ({"timestamp": "-5"}, Trouble.TIME_OUT_OF_RANGE),
        ({"timestamp": "1812-01-01T00:00:00Z"}, Trouble.TIME_OUT_OF_RANGE),
        ({"timestamp": "9999999999999999"}, Trouble.TIME_OUT_OF_RANGE),
        ({"timestamp": "0001-01-01T00:00:00+14:00"}, Trouble.TIME_OUT_OF_RANGE),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_query_that_gives_no_fix_is_kept_with_its_reason(
    change: dict[str, str], trouble: Trouble
) -> None:
    assert trouble_of(parse_osmand_query(OSMAND | change)) is trouble


def test_a_traccar_message_without_its_parts_is_kept_with_its_reason() -> None:
    assert trouble_of(parse_traccar_json(b"{}")) is Trouble.UNKNOWN_TYPE
    assert trouble_of(parse_traccar_json(b'{"location":{}}')) is Trouble.NO_PLACE
    coords = {"location": {"coords": TRACCAR_COORDS}}
    assert trouble_of(parse_traccar_json(json.dumps(coords).encode())) is Trouble.NO_TIME


@pytest.mark.parametrize(
    ("body", "trouble"),
    [
        (b"\xff\xfe\x00", Trouble.NOT_READABLE),
        (b"[1, 2]", Trouble.NOT_READABLE),
        (b"{" * 60_000, Trouble.NOT_READABLE),
        (b"[" * 60_000, Trouble.NOT_READABLE),
        (b'{"tst":' + b"9" * 10_000 + b"}", Trouble.NOT_READABLE),
        (b" " * BODY_BYTES_MAX + b"{}", Trouble.TOO_LARGE),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_body_of_nonsense_is_kept_in_part_with_its_reason(body: bytes, trouble: Trouble) -> None:
    for report in (parse_owntracks(body), parse_traccar_json(body)):
        assert report == Unusable(trouble, body[:RAW_BYTES_KEPT_MAX])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=10,
)


@given(
    st.dictionaries(st.sampled_from([*OWNTRACKS, "event", "desc", "wtst", "mock"]), json_values),
    st.sampled_from(["location", "transition"]),
)
def test_owntracks_never_makes_us_raise(changes: dict[str, object], kind: str) -> None:
    message = OWNTRACKS | {"_type": kind, "event": "enter"} | changes
    check(parse_owntracks(json.dumps(message).encode()))


@given(
    st.dictionaries(st.sampled_from(["timestamp", "coords", "battery", "mock"]), json_values),
    st.dictionaries(st.sampled_from(["latitude", "longitude", "speed", "heading"]), json_values),
)
def test_traccar_never_makes_us_raise(
    changes: dict[str, object], coords: dict[str, object]
) -> None:
    location = TRACCAR_LOCATION | {"coords": TRACCAR_COORDS | coords} | changes
    check(parse_traccar_json(json.dumps({"location": location}).encode()))


@given(st.dictionaries(st.sampled_from(sorted(OSMAND)), st.text(max_size=30)))
def test_osmand_never_makes_us_raise(changes: dict[str, str]) -> None:
    check(parse_osmand_query(OSMAND | changes))


@given(st.binary(max_size=300))
def test_bytes_never_make_us_raise(body: bytes) -> None:
    for parse in (parse_owntracks, parse_traccar_json, parse_osmand_form):
        check(parse(body))


def check(report: Report) -> None:
    if isinstance(report, Located | Crossing):
        fix = report.fix
        assert 0 <= fix.time_ms <= TIME_MS_MAX
        assert abs(fix.lat_e7) <= 900_000_000
        assert abs(fix.lon_e7) <= 1_800_000_000
        assert fix.accuracy_m is None or 0 <= fix.accuracy_m <= 1_000_000
        assert fix.speed_mps is None or 0 <= fix.speed_mps <= 500
        assert fix.bearing_deg is None or 0 <= fix.bearing_deg < 360


def test_the_link_sets_owntracks_up_to_post_to_this_phone() -> None:
    link = provisioning_link(8_471, "s+/=&cret", "phone-17", Monitoring.WHEN_MOVED)
    parts = urlsplit(link)
    assert (parts.scheme, parts.netloc, parts.path) == ("owntracks", "", "/config")
    configuration = json.loads(base64.b64decode(parse_qs(parts.query)["inline"][0]))
    assert configuration["url"] == "http://127.0.0.1:8471/location/owntracks"
    assert (configuration["mode"], configuration["auth"]) == (3, True)
    assert configuration["password"] == "s+/=&cret"
    assert (configuration["cmd"], configuration["remoteConfiguration"]) == (True, True)
    assert (configuration["tid"], configuration["monitoring"]) == ("PH", 1)
    # Its own defaults are half a kilometre, and whatever other apps ask the receiver for.
    assert (configuration["locatorInterval"], configuration["locatorDisplacement"]) == (300, 200)
    assert configuration["pegLocatorFastestIntervalToInterval"] is True
