"""OwnTracks on Android as its source has it: what it is set to, what it posts, what it obeys.

Written from what version 2.6.0 does: its default settings, the location request of each of its
four modes, transitions that it sees by its own fixes, commands in the answer of a POST. Holds no
receiver and no port. Invariant: what it does follows from its settings alone, and these change by
its link, by commands, and by a person's hand.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs, urlsplit

from core.dispatch.fix import Fix
from core.dispatch.geometry import distance_m

DEFAULTS: Final[Mapping[str, Any]] = {
    "mode": 0, "url": "", "auth": False, "username": "", "password": "", "deviceId": "", "tid": "",
    "monitoring": 1, "locatorInterval": 60, "locatorDisplacement": 500,
    "moveModeLocatorInterval": 10, "pegLocatorFastestIntervalToInterval": False,
    "cmd": True, "remoteConfiguration": False,
}  # fmt: skip
"""The settings that matter here, as the app comes; others it would keep too."""

MOVE, SIGNIFICANT, MANUAL = 2, 1, 0
PING_S: Final = 900.0
"""In its two loud modes it posts the last place anew so often, while there is a network."""


class Request(NamedTuple):
    """What it asks the phone's system for: seconds, metres since the last (0: any), how exact."""

    every_s: int
    every_m: int
    exact: bool


@dataclass(slots=True)
class Waypoint:
    """A region that it watches; `inside` is None until it has seen which."""

    desc: str
    lat_e7: int
    lon_e7: int
    rad_m: int
    inside: bool | None = None

    def holds(self, fix: Fix) -> bool:
        """Whether a fix is in it, with the accuracy that it claims."""
        away_m = distance_m(self.lat_e7, self.lon_e7, fix.lat_e7, fix.lon_e7)
        return away_m <= self.rad_m + (fix.accuracy_m or 0)


class OwnTracks:
    """The app of one phone. `chance` puts the commands of an answer in an order, where given."""

    def __init__(self, chance: Random | None = None) -> None:
        self.settings = dict(DEFAULTS)
        self.regions: dict[int, Waypoint] = {}
        self._chance = chance

    def open_link(self, link: str) -> None:
        """Import what a link of its own scheme carries. Raises ValueError."""
        parts = urlsplit(link)
        if (parts.scheme, parts.path) != ("owntracks", "/config"):
            raise ValueError(f"{link} is no link of the app")
        self._import(json.loads(base64.b64decode(parse_qs(parts.query)["inline"][0])))

    def obey(self, commands: Iterable[Mapping[str, Any]]) -> None:
        """Carry out what the answer of a POST says. Raises ValueError for what it does not know."""
        received = list(commands)
        if self._chance is not None:
            # Each runs as a coroutine of its own on a pool of threads.
            self._chance.shuffle(received)
        for command in received:
            if command.get("_type") != "cmd":
                raise ValueError(f"{command} is no command")
            if self.settings["cmd"]:
                self._obey(command)

    def _obey(self, command: Mapping[str, Any]) -> None:
        match command["action"]:
            case "clearWaypoints":
                self.regions.clear()
            case "setWaypoints":
                for each in command["waypoints"]["waypoints"]:
                    self.regions[each["tst"]] = Waypoint(
                        each["desc"], round(each["lat"] * 1e7), round(each["lon"] * 1e7),
                        each["rad"],
                    )  # fmt: skip
            case "setConfiguration":
                if self.settings["remoteConfiguration"]:
                    self._import(command["configuration"])
            case other:
                raise ValueError(f"{other} is no action that is answered here")

    def _import(self, configuration: Mapping[str, Any]) -> None:
        if configuration.get("_type") != "configuration":
            raise ValueError("a configuration says that it is one")
        for name, value in configuration.items():
            if name in DEFAULTS:
                if type(value) is not type(DEFAULTS[name]):
                    raise ValueError(f"{name} is no {type(value).__name__}")
                self.settings[name] = value

    # --- what it asks for and says

    @property
    def speaks(self) -> bool:
        """Whether it posts anything by itself."""
        return bool(self.settings["monitoring"] >= SIGNIFICANT)

    @property
    def request(self) -> Request:
        """What it asks the phone's system for now."""
        if self.settings["monitoring"] == MOVE:
            return Request(self.settings["moveModeLocatorInterval"], 0, exact=True)
        settings = self.settings
        return Request(settings["locatorInterval"], settings["locatorDisplacement"], exact=False)

    def location(self, fix: Fix, made_ms: int, trigger: str = "") -> dict[str, Any]:
        """The message of a fix."""
        message = {
            "_type": "location", "tst": fix.time_ms // 1_000, "created_at": made_ms // 1_000,
            "lat": fix.lat_e7 / 1e7, "lon": fix.lon_e7 / 1e7, "batt": 80, "bs": 1, "conn": "m",
            "m": self.settings["monitoring"], "tid": self.settings["tid"],
            "inregions": [each.desc for each in self.regions.values() if each.inside],
        }  # fmt: skip
        told = {
            "acc": fix.accuracy_m,
            "vel": None if fix.speed_mps is None else round(fix.speed_mps * 3.6),
            "cog": fix.bearing_deg,
            "t": trigger or None,
        }
        return message | {name: value for name, value in told.items() if value is not None}

    def transitions(self, fix: Fix, trigger: str = "l") -> list[dict[str, Any]]:
        """The messages of the regions that a fix enters or leaves."""
        posted = []
        for number, region in self.regions.items():
            inside = region.holds(fix)
            is_news = inside if region.inside is None else inside != region.inside
            region.inside = inside
            if is_news and self.settings["monitoring"] >= MANUAL:
                posted.append(
                    {
                        "_type": "transition", "event": "enter" if inside else "leave",
                        "wtst": number, "desc": region.desc, "tst": fix.time_ms // 1_000,
                        "lat": fix.lat_e7 / 1e7, "lon": fix.lon_e7 / 1e7,
                        "acc": fix.accuracy_m or 0, "t": trigger, "tid": self.settings["tid"],
                    }
                )  # fmt: skip
        return posted
