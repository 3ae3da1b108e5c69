"""Opens what earlier versions of the program left, as `make.py` kept it.

Holds no assertions. Invariant: what is checked in is never written to.
"""

from __future__ import annotations

import gzip
import json
import shutil
from functools import cache
from pathlib import Path
from typing import Any

from core.dispatch.reading import PRESENT, Reading
from replica.identity import IDENTITY_FILE, KEY_FILE, load_identity
from replica.replica import Replica
from replica.store import STORE_FILE, Store
from tests.build import START_MS, Entropy, SettableClock, Site
from tests.versions.make import SEED

FOLDER = Path(__file__).parents[1] / "fixtures" / "versions"
VERSIONS = sorted(folder.name for folder in FOLDER.iterdir())
SIDES = ("hub", "phone")

# The next morning, when the program has been replaced.
NEXT_MORNING_MS = START_MS + 86_400_000


def kept(version: str, name: str) -> Any:
    """What was written down of a version: `bytes` or `states`."""
    return json.loads((FOLDER / version / f"{name}.json").read_text("utf-8"))


@cache
def store_bytes(version: str, side: str) -> bytes:
    """The store's file as that version left it."""
    return gzip.decompress((FOLDER / version / side / f"{STORE_FILE}.gz").read_bytes())


def unpack_folder(version: str, side: str, folder: Path) -> Path:
    """A folder as that version left it."""
    folder.mkdir(parents=True)
    for name in (KEY_FILE, IDENTITY_FILE):
        shutil.copyfile(FOLDER / version / side / name, folder / name)
    (folder / STORE_FILE).write_bytes(store_bytes(version, side))
    return folder


def opened(folder: Path, reading: Reading = PRESENT) -> Replica:
    """The replica in a folder, opened by the present program."""
    identity = load_identity(folder)
    assert identity is not None
    clock = SettableClock(NEXT_MORNING_MS, boot=8)
    return Replica(Store(folder / STORE_FILE), identity, clock, Entropy(str(folder.name)), reading)


def site_of_today(folder: Path) -> Site:
    """The site of all versions, as one who has its key goes on with it."""
    site = Site(folder, SEED)
    site.entropy = Entropy("today")
    return site
