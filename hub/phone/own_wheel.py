"""Fieldlog's own wheel, made of the Fieldlog that runs here.

A checkout is built; an installed one is put together from its installed files, so that a hub needs
no source and no build tools to give the program on. Invariant: the wheel that is put together holds
the bytes that were installed, each under its hash.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zipfile
from importlib.metadata import Distribution, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from hub.phone.pip import PipFailed, run_pip

PROJECT: Final = "fieldlog"

# Written by whoever installs, about one installation.
_OF_THE_INSTALLATION: Final = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"})
# The time of all files in a wheel that is put together: the earliest that a zip file knows.
_ZIP_TIME: Final = (1980, 1, 1, 0, 0, 0)


class NoOwnWheel(Exception):
    """The wheel cannot be made; the sentence says what to do."""


def own_wheel(folder: Path) -> Path:
    """Make the wheel in `folder` and return where it is. Raises NoOwnWheel."""
    installed = distribution(PROJECT)
    source = checkout_of(installed)
    return put_together(installed, folder) if source is None else _built(source, folder)


def checkout_of(installed: Distribution) -> Path | None:
    """The folder that an editable installation runs from; None for any other."""
    found = json.loads(installed.read_text("direct_url.json") or "{}")
    if not found.get("dir_info", {}).get("editable"):
        return None
    return Path(unquote(urlsplit(found["url"]).path))


def _built(source: Path, folder: Path) -> Path:
    # What builds it is here where the program is worked on; else pip fetches it for the moment.
    tools = all(find_spec(name) is not None for name in ("hatchling", "babel"))
    alone = ["--no-build-isolation", "--no-index"] if tools else []
    try:
        run_pip("wheel", "--no-deps", *alone, "--wheel-dir", str(folder), str(source))
    except PipFailed as error:
        raise NoOwnWheel(f"{source} could not be built: {error}") from error
    return max(folder.glob(f"{PROJECT}-*.whl"), key=lambda path: path.stat().st_mtime_ns)


def put_together(installed: Distribution, folder: Path) -> Path:
    """A wheel of an installed distribution, in `folder`. Raises NoOwnWheel."""
    files = [
        each
        for each in installed.files or ()
        if ".." not in each.parts
        and "__pycache__" not in each.parts
        and not (each.parts[0].endswith(".dist-info") and each.name in _OF_THE_INSTALLATION)
    ]
    info = next((each.parts[0] for each in files if each.name == "WHEEL"), None)
    if info is None:
        raise NoOwnWheel("this Fieldlog was not installed from a wheel; give one by --wheel")
    name, version = installed.metadata["Name"], installed.version
    target = folder / f"{name}-{version}-py3-none-any.whl"
    rows = []
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as wheel:
        for each in sorted(files):
            try:
                data = Path(str(installed.locate_file(each))).read_bytes()
            except OSError as error:
                raise NoOwnWheel(f"{each} cannot be read; install Fieldlog anew") from error
            wheel.writestr(zipfile.ZipInfo(each.as_posix(), _ZIP_TIME), data, zipfile.ZIP_DEFLATED)
            rows.append(record_row(each.as_posix(), data))
        record = f"{info}/RECORD"
        rows.append(f"{record},,")
        wheel.writestr(zipfile.ZipInfo(record, _ZIP_TIME), "\n".join(rows) + "\n")
    return target


def record_row(name: str, data: bytes) -> str:
    """A line of a wheel's RECORD: name, hash and size (binary distribution format)."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode("ascii")
    quoted = f'"{name}"' if "," in name else name
    return f"{quoted},sha256={digest},{len(data)}"
