"""Colleagues whose code this phone has taken: who they are, and where their phones are reached.

A code is an address of these very screens, on loopback, so that whatever reads a colleague's QR
code opens it in one's own Fieldlog. It holds no secret: it says whom to give a job to, and what a
colleague's phone is told is decided by its certificate. Kept in a small file beside the store;
losing it loses no work. Invariant: what a code says is checked before it is kept or shown.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from core.dispatch.acts import NAME_LETTERS_MAX
from core.dispatch.fields import Kind
from core.sentence import say
from replica.pairing import PairingError, check_address

LOGGER = logging.getLogger(__name__)

COLLEAGUES_FILE: Final = "colleagues.json"
KEPT_MAX: Final = 200


class CodeUnreadable(ValueError):
    """A code is none of a colleague's; the sentence says what to do."""


@dataclass(frozen=True, slots=True)
class Colleague:
    """A worker by stream id (hex), name, and where the phone listens, '' where it does not."""

    worker: str
    name: str
    address: str = ""

    def link(self, port: int) -> str:
        """The code's text: an address that is opened on the phone that reads it."""
        query = {"worker": self.worker, "name": self.name}
        if self.address:
            query["at"] = self.address
        return f"http://127.0.0.1:{port}/colleagues/add?{urlencode(query)}"


def read_code(query: Mapping[str, str], own: str) -> Colleague:
    """The colleague that a code names; `own` is this phone's worker.

    Raises:
        CodeUnreadable: it names nobody.
    """
    worker = query.get("worker", "")
    if re.fullmatch("[0-9a-f]{24}", worker) is None or bytes.fromhex(worker)[4] != Kind.WORKER:
        raise CodeUnreadable(say("That is no code of a colleague's. Let them show it again."))
    if worker == own:
        raise CodeUnreadable(say("That is your own code: a colleague's phone is to read it."))
    name = " ".join("".join(c for c in query.get("name", "") if c.isprintable()).split())
    address = query.get("at", "")
    try:
        if address:
            check_address(address)
    except PairingError as error:
        raise CodeUnreadable(
            say("The code names no place in a network. Let them show it again.")
        ) from error
    return Colleague(worker, name[:NAME_LETTERS_MAX] or "A colleague", address)


class Colleagues:
    """The file, read once; the last met first."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / COLLEAGUES_FILE
        self._kept: dict[str, Colleague] = {}
        try:
            rows = json.loads(self._path.read_text("utf-8"))
            found = [read_code({**row, "at": row["address"]}, "") for row in rows]
            self._kept = {each.worker: each for each in found}
        except FileNotFoundError:
            LOGGER.debug("%s is not there yet", self._path)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            LOGGER.warning("%s was not readable (%s); it is begun anew", self._path, error)

    @property
    def all(self) -> tuple[Colleague, ...]:
        """All, the last met first."""
        return tuple(reversed(self._kept.values()))

    def named(self, worker: str) -> Colleague | None:
        """One of them, None where this phone does not know the worker."""
        return self._kept.get(worker)

    def add(self, colleague: Colleague) -> None:
        """Keep one; who was known is told anew. Raises OSError: the disk refused."""
        self._kept.pop(colleague.worker, None)
        self._kept[colleague.worker] = colleague
        while len(self._kept) > KEPT_MAX:
            self._kept.pop(next(iter(self._kept)))
        self._save()

    def forget(self, worker: str) -> None:
        """Drop one; one that is not known is a no-op. Raises OSError."""
        if self._kept.pop(worker, None) is not None:
            self._save()

    def _save(self) -> None:
        draft = self._path.with_suffix(".new")
        draft.write_text(json.dumps([asdict(each) for each in self._kept.values()]), "utf-8")
        draft.replace(self._path)
