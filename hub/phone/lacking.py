"""What is missing before a phone can install Fieldlog from the wheels that are there.

Reads what the wheels themselves ask for and goes from part to part. Holds no files and fetches
none. Invariant: where nothing is lacking, pip on a phone finds every part in these wheels or in
Termux.

Sources: core metadata (Requires-Dist, Requires-Python), PEP 508 (markers), PEP 425 (tags).
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path
from typing import Final

from packaging.markers import default_environment
from packaging.requirements import InvalidRequirement, Requirement
from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from hub.phone.wheelhouse import WHEEL, WheelhouseError

PROJECT: Final = "fieldlog"
FROM_TERMUX: Final = frozenset({"cryptography"})
"""Termux builds it for phones; nobody publishes a wheel of it for Android."""


@dataclass(frozen=True, slots=True)
class Lacking:
    """A part that is missing: what is asked for, and by which wheel."""

    requirement: str
    asked_by: str

    def __str__(self) -> str:
        return f"{self.requirement} (for {self.asked_by})"


@dataclass(frozen=True, slots=True)
class _Wheel:
    version: Version
    requirements: tuple[Requirement, ...]


def requirements_of(wheel: Path) -> dict[str, str]:
    """What a wheel asks for without extras: requirement by normalised name, markers left out.

    Raises WheelhouseError.
    """
    found: dict[str, str] = {}
    for each in _requirements(wheel):
        if each.marker is None or each.marker.evaluate({"extra": ""}):
            found[canonicalize_name(each.name)] = f"{each.name}{each.specifier}"
    return found


def lacking(files: Iterable[Path], python: str) -> tuple[Lacking, ...]:
    """What a phone with this Python (`3.14`) would not find. Raises WheelhouseError."""
    wheels: dict[str, list[_Wheel]] = {}
    for path in files:
        if path.suffix == WHEEL and (read := _pure_wheel(path)) is not None:
            wheels.setdefault(read[0], []).append(read[1])
    environment = _phone(python)
    found: dict[Lacking, None] = {}
    asked = [(Requirement(PROJECT), "the phone")]
    seen = set()
    while asked:
        requirement, by = asked.pop()
        name = canonicalize_name(requirement.name)
        fitting = [
            each
            for each in wheels.get(name, ())
            if requirement.specifier.contains(each.version, prereleases=True)
        ]
        if not fitting:
            found[Lacking(f"{requirement.name}{requirement.specifier}", by)] = None
        if name in seen or not fitting:
            continue
        seen.add(name)
        newest = max(fitting, key=lambda each: each.version)
        asked += [
            (each, name)
            for each in newest.requirements
            if canonicalize_name(each.name) not in FROM_TERMUX
            and (each.marker is None or each.marker.evaluate(environment))
        ]
    return tuple(found)


def _phone(python: str) -> dict[str, str]:
    environment = {name: str(value) for name, value in default_environment().items()}
    return environment | {
        "extra": "",
        "python_version": python,
        "python_full_version": f"{python}.0",
        "implementation_version": f"{python}.0",
        "sys_platform": "android",
        "platform_system": "Android",
    }


def name_and_version(wheel: Path) -> tuple[str, Version]:
    """A wheel's project, normalised, and its version, by its file name. Raises WheelhouseError."""
    name, version, _ = _parsed(wheel)
    return name, version


def _parsed(wheel: Path) -> tuple[str, Version, frozenset[Tag]]:
    try:
        name, version, _, tags = parse_wheel_filename(wheel.name)
    except InvalidWheelFilename as error:
        raise WheelhouseError(f"{wheel.name} has no name of a wheel; publish it anew") from error
    return name, version, tags


def _pure_wheel(path: Path) -> tuple[str, _Wheel] | None:
    """A wheel for every phone: its project and what it asks for; None for a compiled one."""
    name, version, tags = _parsed(path)
    if not any(tag.platform == "any" and tag.abi == "none" for tag in tags):
        return None
    return name, _Wheel(version, tuple(_requirements(path)))


def _requirements(path: Path) -> list[Requirement]:
    try:
        with zipfile.ZipFile(path) as wheel:
            (metadata,) = (
                name
                for name in wheel.namelist()
                if name.endswith(".dist-info/METADATA") and name.count("/") == 1
            )
            text = wheel.read(metadata).decode()
        asked = HeaderParser().parsestr(text).get_all("Requires-Dist") or []
        return [Requirement(each) for each in asked]
    except (OSError, ValueError, zipfile.BadZipFile, InvalidRequirement) as error:
        raise WheelhouseError(f"{path.name} is no sound wheel ({error})") from error
