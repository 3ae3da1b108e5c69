"""Changes of the log in a few words, for the story of a run: `job 3c431f: title New boiler`.

Streams go by their kind and the end of their id, which is what tells those of one run apart. Holds
no story. Invariant: the same changes give the same words.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, Final

from core.dispatch.acts import Change
from core.dispatch.fields import FIELDS, Kind, Phase
from core.log.entry import MINT

TEXT_MAX: Final = 40
# Milliseconds that can only be moments: of 2001 to 2064, UTC.
_MOMENTS_MS: Final = range(10**12, 3 * 10**12)
_END_BYTES: Final = 3


def words_of(changes: Iterable[Change]) -> str:
    """What an act writes, by stream."""
    return "; ".join(
        f"{stream_words(stream)}: "
        + ", ".join(f"{path_words(path)} {_value(path, value)}" for _, path, value in own)
        for stream, own in groupby(changes, lambda change: change.stream)
    )


def stream_words(stream: bytes) -> str:
    """A stream by its kind and the end of its id; the site's and the office's are one each."""
    kind = Kind(stream[4]) if stream[4] in set(Kind) else None
    if kind in (Kind.SITE, Kind.OFFICE):
        return kind.name.lower()
    name = "stream" if kind is None else kind.name.lower()
    return f"{name} {stream[-_END_BYTES:].hex()}"


def path_words(path: Sequence[Any]) -> str:
    """A register by the name of its field, with the ends of the ids behind it."""
    field = FIELDS.get(path[0])
    name = f"field {path[0]}" if field is None else field.name.replace("_", " ")
    return " ".join([name, *map(_short, path[1:])])


def _value(path: Sequence[Any], value: Any) -> str:
    field = FIELDS.get(path[0])
    if field is not None and field.name == "phase" and value in set(Phase):
        return Phase(value).name.lower().replace("_", " ")
    return _short(value)


def _short(value: Any) -> str:
    if isinstance(value, bytes):
        return value[-_END_BYTES:].hex() or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and value in _MOMENTS_MS:
        return dt.datetime.fromtimestamp(value / 1_000, dt.UTC).strftime("%d %b %H:%M")
    if isinstance(value, list | tuple):
        return _cut("(" + " ".join(map(_short, value)) + ")")
    return "new" if value is MINT else _cut(str(value))


def _cut(text: str) -> str:
    return text if len(text) <= TEXT_MAX else f"{text[:TEXT_MAX]}…"
