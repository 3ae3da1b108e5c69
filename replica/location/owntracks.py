"""OwnTracks in HTTP mode: its messages, the answers that steer it, the link that sets it up.

Holds pure functions. It opens no port (`replica.location.intake` does) and does not decide which
regions or how much reporting are wanted.

Invariant: an answer tells only what changed. OwnTracks forgets whether it was inside a region when
that region is told again, so repeating them at each message would make it see arrivals that never
were.

Source: the OwnTracks booklet (JSON, location, remote configuration) and the Android app 2.6.0, its
message processor, location processor and background service. In HTTP mode it obeys commands in the
answer, `setConfiguration` only where `remoteConfiguration` is on; each command of an answer runs by
itself, so that the order of two is not promised; it knows a region by its `tst` alone. Quiet and
on request it posts nothing by itself, so that no answer ever reaches it again: neither is told.
"""

from __future__ import annotations

import base64
import enum
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from core.dispatch.fix import Fix
from core.dispatch.sampling import IDLE, Sampling
from replica.location.report import (
    MPS_PER_KMH,
    Crossing,
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
    place_e7,
    reported,
    speed_mps,
    time_ms_of_seconds,
)

SOURCE: Final = "owntracks"
REGION_SOURCE: Final = "owntracks-region"

REGIONS_MAX: Final = 90
"""Android gives an app 100 regions, and the app keeps some for itself."""
RADIUS_M_MIN: Final = 50
"""A phone's system sees no smaller region reliably; what counts as a visit is not decided by it."""
NAME_CHARACTERS_MAX: Final = 80
USER: Final = "fieldlog"
"""OwnTracks wants a name beside the secret; the intake takes any."""

_WITHOUT_PLACE: Final = frozenset(
    {"waypoint", "waypoints", "status", "lwt", "card", "cmd", "configuration", "steps", "request"}
)
# Region numbers look like times, and are kept within what every version shows as one (2001-2035).
_REGION_NUMBER_FIRST: Final = 1_000_000_000
_REGION_NUMBERS: Final = 1 << 30

Command = dict[str, object]


class Monitoring(enum.IntEnum):
    """How much OwnTracks reports; the numbers are its own.

    The first two are what a person may have chosen in the app; see the top of this file.
    """

    QUIET = -1
    ON_REQUEST = 0
    WHEN_MOVED = 1
    ALWAYS = 2


def parse_owntracks(body: bytes) -> Report:
    """What a message of OwnTracks says. Total: any bytes give a Report, and nothing is raised."""
    if not body.strip():
        return Notice("empty")
    return reported(body, lambda: _parse(json_object(body)))


def _parse(message: dict[str, object]) -> Report:
    kind = message.get("_type")
    if kind == "location":
        battery = battery_percent(number_in(message.get("batt")))
        mobile = _is_mobile(message.get("conn"))
        return Located(_fix(message, SOURCE), battery, mobile, _mode(message))
    if kind == "transition":
        return _crossing(message)
    if kind == "encrypted":
        raise Unfit(Trouble.ENCRYPTED)
    if isinstance(kind, str) and kind in _WITHOUT_PLACE:
        return Notice(kind)
    raise Unfit(Trouble.UNKNOWN_TYPE)


def _is_mobile(connection: object) -> bool | None:
    """Whether the phone is on mobile data, as the app says; None where nothing is told."""
    return {"m": True, "w": False}.get(connection) if isinstance(connection, str) else None


def _mode(message: dict[str, object]) -> tuple[int, int] | None:
    """The app's mode and when it made the message, ms; None where it does not tell both."""
    mode, made_s = number_in(message.get("m")), number_in(message.get("created_at"))
    return None if mode is None or made_s is None else (round(mode), round(made_s * 1_000))


def _crossing(message: dict[str, object]) -> Crossing:
    event, name = message.get("event"), message.get("desc")
    if event not in ("enter", "leave"):
        raise Unfit(Trouble.UNKNOWN_TYPE)
    region = number_in(message.get("wtst"))
    return Crossing(
        fix=_fix(message, REGION_SOURCE),
        entered=event == "enter",
        region=None if region is None else round(region),
        name=name[:NAME_CHARACTERS_MAX] if isinstance(name, str) else "",
    )


def _fix(message: dict[str, object], source: str) -> Fix:
    lat_e7, lon_e7 = place_e7(number_in(message.get("lat")), number_in(message.get("lon")))
    speed_kmh = number_in(message.get("vel"))
    return Fix(
        time_ms=time_ms_of_seconds(number_in(message.get("tst"))),
        lat_e7=lat_e7,
        lon_e7=lon_e7,
        accuracy_m=accuracy_m(number_in(message.get("acc"))),
        speed_mps=speed_mps(None if speed_kmh is None else speed_kmh * MPS_PER_KMH),
        bearing_deg=bearing_deg(number_in(message.get("cog"))),
        source=source,
        mock=message.get("mock") is True,
    )


@dataclass(frozen=True, slots=True)
class Region:
    """A circle that the phone's system is to watch; `place` is the id of what lies there."""

    place: bytes
    name: str
    lat_e7: int
    lon_e7: int
    radius_m: int


@dataclass(frozen=True, slots=True)
class Told:
    """What OwnTracks was told last: regions by number, how much to report and how often.

    None if unknown.
    """

    region_by_number: Mapping[int, Region] | None = None
    monitoring: Monitoring | None = None
    sampling: Sampling | None = None


NOTHING_TOLD: Final = Told()


@dataclass(frozen=True, slots=True)
class Answer:
    """The commands for OwnTracks, and what it has been told once it has them."""

    told: Told
    commands: list[Command] = field(default_factory=list)


def answer_for(
    told: Told,
    regions: Sequence[Region],
    monitoring: Monitoring,
    sampling: Sampling | None = None,
) -> Answer:
    """What to answer so that OwnTracks watches `regions` and reports as `monitoring` says.

    With a `sampling` it reports as often as that asks for. Of more than `REGIONS_MAX` regions the
    first are told, so give the likeliest first. No commands when nothing changed. Where a region is
    to go, this answer takes all away and the next one brings those that are wanted.
    """
    wanted = _numbered(told.region_by_number or {}, regions[:REGIONS_MAX])
    commands: list[Command] = []
    known = told.region_by_number
    if known is None or known.keys() - wanted.keys():
        # There is no command that takes one region away. What came back in the same answer might
        # be taken away after it came.
        commands.append({"_type": "cmd", "action": "clearWaypoints"})
        known = wanted = {}
    changed = [_waypoint(number, wanted[number]) for number in wanted
               if known.get(number) != wanted[number]]  # fmt: skip
    if changed:
        waypoints = {"_type": "waypoints", "waypoints": changed}
        commands.append({"_type": "cmd", "action": "setWaypoints", "waypoints": waypoints})
    news = sampling if sampling != told.sampling else None
    if told.monitoring != monitoring or news is not None:
        configuration = {"_type": "configuration", "monitoring": int(monitoring)}
        if news is not None:
            configuration |= _intervals(news)
        commands.append(
            {"_type": "cmd", "action": "setConfiguration", "configuration": configuration}
        )
    return Answer(Told(wanted, monitoring, sampling or told.sampling), commands)


def _intervals(sampling: Sampling) -> Command:
    """The app's own settings: seconds in its two modes, and metres in the one that saves.

    Where metres are told, both must have passed. Without the last one the app takes what others
    ask the receiver for, once a second while somebody navigates.
    """
    return {
        "locatorInterval": sampling.every_s,
        "locatorDisplacement": sampling.every_m,
        "moveModeLocatorInterval": sampling.every_s,
        "pegLocatorFastestIntervalToInterval": True,
    }


def region_crossed(told: Told, crossing: Crossing) -> Region | None:
    """The region that a crossing is about, or None if it is not among those told."""
    if crossing.region is None or told.region_by_number is None:
        return None
    return told.region_by_number.get(crossing.region)


def _numbered(known: Mapping[int, Region], regions: Sequence[Region]) -> dict[int, Region]:
    """Each place once, under the number that it had, or the one that its id gives it."""
    number_by_place = {region.place: number for number, region in known.items()}
    numbered: dict[int, Region] = {}
    # By place, so that the numbers do not depend on the order in which the regions are given.
    for region in sorted({each.place: each for each in regions}.values(), key=lambda r: r.place):
        number = number_by_place.get(region.place)
        if number is None:
            digest = hashlib.blake2b(region.place, digest_size=4).digest()
            number = _REGION_NUMBER_FIRST + int.from_bytes(digest, "big") % _REGION_NUMBERS
            while number in known or number in numbered:
                number += 1
        numbered[number] = region
    return numbered


def _waypoint(number: int, region: Region) -> Command:
    return {
        "_type": "waypoint",
        "tst": number,
        "desc": region.name[:NAME_CHARACTERS_MAX],
        "lat": region.lat_e7 / 10_000_000,
        "lon": region.lon_e7 / 10_000_000,
        "rad": max(region.radius_m, RADIUS_M_MIN),
    }


def owntracks_url(port: int) -> str:
    """Where OwnTracks posts on its own phone."""
    return f"http://127.0.0.1:{port}/location/owntracks"


def provisioning_link(port: int, secret: str, device: str, monitoring: Monitoring) -> str:
    """The link (or QR code) that sets OwnTracks up to post to this phone's own intake.

    `device` names the phone, and its first two characters stand on OwnTracks' map.
    """
    configuration = {
        "_type": "configuration",
        "mode": 3,
        "url": owntracks_url(port),
        "auth": True,
        "username": USER,
        "password": secret,
        "deviceId": device,
        "tid": device[:2].upper(),
        "monitoring": int(monitoring),
        "cmd": True,
        "remoteConfiguration": True,
        **_intervals(IDLE),
    }
    packed = base64.b64encode(json.dumps(configuration, separators=(",", ":")).encode())
    return "owntracks:///config?inline=" + quote(packed.decode("ascii"), safe="")
