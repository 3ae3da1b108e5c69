"""Gathering what a phone installs, while the office's machine has the internet.

Wheels for every phone, whatever its processor: pure ones, and of one part a compiled one besides
where a phone can use it. Holds what is chosen and why. Invariant: nothing that is gathered has to
be compiled on a phone, and a phone needs nothing that is not gathered but `FROM_TERMUX`.

Sources: the binary distribution format (tags), PEP 738 (Android's tags), PEP 503 (names).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from packaging.version import Version

from hub.phone.lacking import (
    FROM_TERMUX,
    PROJECT,
    Lacking,
    lacking,
    name_and_version,
    requirements_of,
)
from hub.phone.own_wheel import NoOwnWheel, own_wheel
from hub.phone.pip import PipFailed, run_pip
from hub.phone.wheelhouse import BESIDE, WHEEL, KeptFile, WheelhouseError, keep

MADE_PURE: Final[Mapping[str, Mapping[str, str]]] = {
    "msgpack": {"MSGPACK_PUREPYTHON": "1"},
    # Its build goes on without its compiled part where there is no compiler.
    "markupsafe": {"CC": "false"},
}
"""Parts that publish no pure wheel, and what lets their own build make one."""

FOR_OLDER: Final = ("typing-extensions",)
"""Parts of parts on an older Python than the one that gathers may be."""

COMPILED: Final = "markupsafe"
"""It puts every page together and has wheels for Android; the others of ours have none, or work as
well without: see docs/decisions."""
COMPILED_FOR: Final = ("3.13", "3.14")
ANDROID: Final = "android_24_arm64_v8a"
"""Android 7 and later on 64-bit ARM, as Termux is built."""

_PURE: Final = ("--only-binary", ":all:", "--implementation", "py", "--abi", "none")
_ANY_PHONE: Final = (*_PURE, "--platform", "any", "--python-version", "3.14")


class GatheringFailed(Exception):
    """What phones need could not be gathered; the sentence says why and what to do."""


def gather(
    folder: Path,
    workshop: Path,
    *,
    own: Path | None = None,
    source: Path | None = None,
    beside: Iterable[Path] = (),
    tell: Callable[[str], None] = lambda _: None,
) -> tuple[KeptFile, ...]:
    """Fill `folder` with what phones install; what it held before goes. Returns its list.

    Args:
        workshop: an empty folder for what is not finished.
        own: Fieldlog's wheel; made of the Fieldlog that runs here where it is None.
        source: a folder of wheels to take the parts from, in place of the internet.
        beside: apps (.apk) and Termux's packages (.deb) to keep with the wheels.
        tell: is told in a line what goes on.

    Raises:
        GatheringFailed: nothing was changed in `folder`.
    """
    made = workshop / "made"
    try:
        made.mkdir()
        tell("Making Fieldlog's own wheel." if own is None else f"Taking {own.name}.")
        wheel = own_wheel(made) if own is None else Path(shutil.copy(own, made))
        if source is None:
            _fetch(requirements_of(wheel), made, tell)
        else:
            tell(f"Taking the other parts from {source}.")
            _take(made, source)
        # What stands beside the wheels in a folder that was carried here comes along.
        ends = BESIDE if source is not None else ()
        carried = (each for end in ends for each in _ending(source or folder, end))
        files = (*_ending(made, WHEEL), *carried, *beside)
        faults = [each for version in ("3.11", "3.14") for each in lacking(files, version)]
        if faults:
            raise GatheringFailed(_in_words(faults))
        return keep(folder, {path.name: path for path in files}.values())
    except (NoOwnWheel, WheelhouseError) as error:
        raise GatheringFailed(str(error)) from error
    except PipFailed as error:
        whence = "the internet" if source is None else str(source)
        raise GatheringFailed(
            f"pip could not get all parts from {whence}; nothing was changed. Without the internet,"
            f" fill a folder elsewhere and give it by --from. pip said:\n{error}"
        ) from error
    except OSError as error:
        raise GatheringFailed(f"{error.filename or folder}: {error.strerror}") from error


def _fetch(asked: Mapping[str, str], made: Path, tell: Callable[[str], None]) -> None:
    wanted = {name: text for name, text in asked.items() if name not in FROM_TERMUX}
    for name, environment in MADE_PURE.items():
        tell(f"Making a pure wheel of {name}.")
        words = ("wheel", "--no-deps", "--no-binary", name, "--no-cache-dir", "--wheel-dir")
        run_pip(*words, str(made), wanted[name], environment=environment)
    tell("Fetching the other parts.")
    parts = (*wanted.values(), *FOR_OLDER)
    place = ("--find-links", str(made), "--dest", str(made))
    run_pip("download", *_ANY_PHONE, *place, *parts)
    pure = next(each for each in _ending(made, WHEEL) if each.name.startswith(f"{COMPILED}-"))
    version = pure.name.split("-")[1]
    for python in COMPILED_FOR:
        tag = f"cp{python.replace('.', '')}"
        kind = ("--implementation", "cp", "--abi", tag, "--platform", ANDROID)
        words = ("download", "--no-deps", "--only-binary", ":all:", "--python-version", python)
        try:
            run_pip(*words, *kind, "--dest", str(made), f"{COMPILED}=={version}")
        except PipFailed:
            tell(f"No compiled {COMPILED} {version} for Python {python}; the pure one does.")


def _take(made: Path, source: Path) -> None:
    """Take from a folder the newest wheels of each part; a hub's own has a folder for each file."""
    if not source.is_dir():
        raise GatheringFailed(f"{source} is no folder of wheels")
    wheels: dict[str, dict[Version, list[Path]]] = {}
    for each in _ending(source, WHEEL):
        name, version = name_and_version(each)
        if name != PROJECT:
            wheels.setdefault(name, {}).setdefault(version, []).append(each)
    for by_version in wheels.values():
        for each in by_version[max(by_version)]:
            shutil.copy(each, made)


def _ending(folder: Path, end: str) -> list[Path]:
    return sorted(path for path in folder.rglob(f"*{end}") if path.is_file())


def _in_words(faults: Iterable[Lacking]) -> str:
    listed = "; ".join(dict.fromkeys(map(str, faults)))
    return f"some parts are missing, so nothing was changed: {listed}"
