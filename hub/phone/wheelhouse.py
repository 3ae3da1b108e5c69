"""The files that a hub keeps for phones: wheels of Fieldlog and its parts, apps, Termux's packages.

Holds the list and where the files lie. It fetches nothing (`hub.phone.gathering` does) and serves
nothing (`hub.phone.serve`). Invariant: a file lies under its own SHA-256 and is never changed, and
the list is replaced by one rename, so whoever reads it finds every file that it names.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

FOLDER: Final = "phone"
"""The folder inside the hub's."""
LIST_FILE: Final = "list.json"
WHEEL: Final = ".whl"
BESIDE: Final = (".apk", ".deb")
"""What the office may put beside the wheels: apps, and packages of Termux."""

_SHA256: Final = re.compile(r"[0-9a-f]{64}\Z")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~%-]{0,199}\Z")


class WheelhouseError(Exception):
    """The files for phones cannot be read or kept; the sentence says what to do."""


@dataclass(frozen=True, slots=True, order=True)
class KeptFile:
    """A file for phones: its name, the SHA-256 of its bytes in hex, and how many bytes it has."""

    name: str
    sha256: str
    size: int

    @property
    def project(self) -> str:
        """Of a wheel: the project's name as PEP 503 normalises it."""
        return re.sub(r"[-_.]+", "-", self.name.partition("-")[0]).lower()

    @property
    def version(self) -> str:
        """Of a wheel: its version."""
        return self.name.split("-")[1]

    @property
    def is_wheel(self) -> bool:
        """Whether pip installs it."""
        return self.name.endswith(WHEEL)


def path_of(folder: Path, file: KeptFile) -> Path:
    """Where a file lies in `folder`."""
    return folder / file.sha256 / file.name


def read_list(folder: Path) -> tuple[KeptFile, ...]:
    """The files in `folder`, by name; none where nothing was gathered yet. Raises WheelhouseError.

    Only what is there in full is listed: a file that was removed by hand is as one never gathered.
    """
    path = folder / LIST_FILE
    try:
        found = [KeptFile(**row) for row in json.loads(path.read_text())]
        sound = all(map(_is_sound, found))
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, TypeError) as error:
        raise WheelhouseError(f"{path} cannot be read ({error}); gather the files anew") from error
    if not sound:
        raise WheelhouseError(f"{path} is no list of files; gather them anew")
    return tuple(sorted(each for each in found if _is_there(folder, each)))


def _is_sound(file: KeptFile) -> bool:
    wheel = file.name.count("-") >= 4 or not file.is_wheel
    return bool(_SHA256.match(file.sha256) and _NAME.match(file.name) and wheel)


def _is_there(folder: Path, file: KeptFile) -> bool:
    try:
        return path_of(folder, file).stat().st_size == file.size
    except OSError:
        return False


def keep(folder: Path, files: Iterable[Path]) -> tuple[KeptFile, ...]:
    """Let `folder` hold exactly these files; returns its list. Raises WheelhouseError, OSError.

    Whoever downloads a file that goes has its last bytes all the same.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = [_taken_in(folder, path) for path in files]
    beside = folder / f"{LIST_FILE}.new"
    beside.write_text(json.dumps([asdict(each) for each in sorted(kept)], indent=1) + "\n")
    with beside.open("rb") as written:
        os.fsync(written.fileno())
    beside.replace(folder / LIST_FILE)
    names = {each.sha256 for each in kept}
    for old in folder.iterdir():
        if old.is_dir() and _SHA256.match(old.name) and old.name not in names:
            shutil.rmtree(old)
    return tuple(sorted(kept))


def _taken_in(folder: Path, path: Path) -> KeptFile:
    if _NAME.match(path.name) is None or path.suffix not in (WHEEL, *BESIDE):
        raise WheelhouseError(
            f"{path.name[:80]!r} is nothing for a phone: wheels, .apk and .deb files are, under "
            "the names that they were published with"
        )
    data = path.read_bytes()
    file = KeptFile(path.name, hashlib.sha256(data).hexdigest(), len(data))
    goal = path_of(folder, file)
    if not _is_there(folder, file):
        goal.parent.mkdir(exist_ok=True)
        unfinished = goal.with_name(f"{goal.name}.new")
        unfinished.write_bytes(data)
        unfinished.replace(goal)
    return file


def newest(files: Sequence[KeptFile], project: str) -> KeptFile | None:
    """The wheel of a project; of several for different phones the first by name."""
    return next((each for each in files if each.is_wheel and each.project == project), None)
