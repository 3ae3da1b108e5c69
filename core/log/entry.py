"""Entries: what one author changed in one stream at one moment, and their bytes.

The byte format stands in docs/formats/entry.md. A later format that keeps the grammar is read
here too, by whoever supports it (`StreamState` asks first). An entry is written as the difference
from its author's previous entry of the same format in the log, so it is decoded with a `Cursor`
that has walked the log to it. Does not know what a path means, nor whether an entry stands.
Invariant: `decode(encode(draft))` gives the draft back, and only those bytes decode to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from core.log import chain
from core.log.canonical import check_value, pack, unpack
from core.log.errors import Malformed, OverLimit
from core.log.limits import (
    CHANGES_MAX,
    ENTRY_BYTES_MAX,
    LOG_IDS_MAX,
    PATH_IDS_MAX,
    SEEN_MAX,
    WALL_MS_MAX,
)

FORMAT = 1
_VERSION, _OFFSET, _CLOCK, _ACTOR, _ACT, _SEEN, _BASIS, _BY_RULE = range(8)
_KNOWN_EXTRAS = frozenset(range(8))


class _Mint:
    """Stands in a path for an id that the entry itself mints."""

    def __repr__(self) -> str:
        return "MINT"


MINT: Final = _Mint()

# (field code, *ids): ids are bytes, small whole numbers or text.
Path = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry, decoded. Times in ms; `seen` and `basis` are first eight bytes of entry hashes.

    `wall_ms` is what the author's clock said, a multiple of 10; `offset_ms` how far that clock
    stood from the hub's at their last contact; `boot` and `uptime_ms` the monotonic clock, None
    where unknown. `basis` is None where the author knew all that it had seen.
    """

    wall_ms: int
    changes: tuple[tuple[Path, Any], ...]
    offset_ms: int = 0
    boot: int | None = None
    uptime_ms: int | None = None
    actor: bytes = b""
    act: bytes = b""
    seen: tuple[bytes, ...] = ()
    basis: tuple[bytes, ...] | None = None
    by_rule: bool = False
    version: int = FORMAT

    @property
    def corrected_ms(self) -> int:
        """The author's clock, corrected by what it last knew of the hub's."""
        return self.wall_ms + self.offset_ms


@dataclass(slots=True)
class Cursor:
    """What the next entry of a log is the difference from. Walks with encode and decode."""

    wall_cs: int
    offset_ms: int = 0
    boot: int | None = None
    uptime_ms: int | None = None
    actor: bytes = b""
    ids: list[bytes] = field(default_factory=list)
    index_by_id: dict[bytes, int] = field(default_factory=dict)
    paths: list[Path] = field(default_factory=list)
    index_by_path: dict[Path, int] = field(default_factory=dict)

    @classmethod
    def at_start(cls, stream: bytes) -> Cursor:
        """The cursor before the first entry of a log in `stream`."""
        return cls(wall_cs=chain.stream_time_s(stream) * 100)

    def copy(self) -> Cursor:
        """An own copy, for a branch or for a try."""
        return replace(
            self,
            ids=list(self.ids),
            index_by_id=dict(self.index_by_id),
            paths=list(self.paths),
            index_by_path=dict(self.index_by_path),
        )

    def mark(self) -> tuple[Any, ...]:
        """Where the cursor stands, for `go_back`: cheaper than a copy, whose tables grow."""
        told = (self.wall_cs, self.offset_ms, self.boot, self.uptime_ms, self.actor)
        return (*told, len(self.ids), len(self.paths))

    def go_back(self, mark: tuple[Any, ...]) -> None:
        """Stand again where `mark` was taken."""
        self.wall_cs, self.offset_ms, self.boot, self.uptime_ms, self.actor, ids, paths = mark
        # Those that an entry being written mints have no number yet.
        for identity in self.ids[ids:]:
            self.index_by_id.pop(identity, None)
        for path in self.paths[paths:]:
            self.index_by_path.pop(path, None)
        del self.ids[ids:], self.paths[paths:]

    def name(self, identity: bytes) -> None:
        """Let later entries refer to `identity` by a number."""
        if identity in self.index_by_id:
            return
        if len(self.ids) >= LOG_IDS_MAX:
            raise OverLimit(f"a log may introduce at most {LOG_IDS_MAX} ids")
        self.index_by_id[identity] = len(self.ids)
        self.ids.append(identity)

    def use(self, path: Path) -> None:
        """Let later entries refer to a path with ids by a number; all but the first so many."""
        if path not in self.index_by_path and len(self.paths) < LOG_IDS_MAX:
            self.index_by_path[path] = len(self.paths)
            self.paths.append(path)


def format_of(body: bytes) -> int:
    """The format version of an entry's bytes; every version keeps it where this one looks.

    Raises:
        Malformed: not an entry of any version.
    """
    return version_of(unpack(body))


def act_and_rule(body: bytes) -> tuple[bytes, bool]:
    """The id of the act that an entry belongs to (b"" when alone), and whether a rule made it.

    Both stand in the bytes as they are: no walk along the log is needed for them.

    Raises:
        Malformed: not an entry of any version.
    """
    parts = unpack(body)
    if not isinstance(parts, list) or len(parts) < 2:
        raise Malformed("an entry is a list of a time and changes")
    extras = parts[1] if isinstance(parts[1], dict) else {}
    act = extras.get(_ACT, b"")
    return (act if isinstance(act, bytes) else b""), extras.get(_BY_RULE) is True


def version_of(value: Any) -> int:
    """The format version of an entry that was unpacked.

    Raises:
        Malformed: not an entry of any version.
    """
    if not isinstance(value, list) or not value:
        raise Malformed("an entry is a list")
    if len(value) > 1 and isinstance(value[1], dict):
        version = value[1].get(_VERSION, FORMAT)
        if type(version) is not int or version < 1:
            raise Malformed("an entry's format version is a whole number from 1")
        return version
    return FORMAT


def encode(draft: Entry, cursor: Cursor, previous: bytes) -> tuple[bytes, bytes, Entry]:
    """Write `draft` as the entry after the one with hash `previous`; the cursor walks on.

    Returns its bytes, its chain hash, and the entry with its minted ids in place of `MINT`.

    Raises:
        OverLimit, Malformed: the draft is no entry; the cursor is as it was.
    """
    _check_draft(draft)
    wall_cs = draft.wall_ms // 10
    extras = _extras(draft, cursor, wall_cs)
    parts: list[Any] = [wall_cs - cursor.wall_cs]
    if extras:
        parts.append(extras)
    before = cursor.mark()
    try:
        for path, value in draft.changes:
            parts += [_code_path(path, cursor), value]
    finally:
        # It walks on with the reading of what was written.
        cursor.go_back(before)
    body = pack(parts)
    if len(body) > ENTRY_BYTES_MAX:
        raise OverLimit(f"an entry of {len(body)} bytes is over {ENTRY_BYTES_MAX}")
    entry_hash = chain.chain_next(previous, body)
    return body, entry_hash, decode(body, cursor, entry_hash)


def _check_draft(draft: Entry) -> None:
    if not draft.changes:
        raise Malformed("an entry changes something")
    if draft.version < FORMAT or (draft.boot is None) is not (draft.uptime_ms is None):
        raise Malformed("an entry has a format, and a boot number and an uptime or neither")
    for path, _ in draft.changes:
        if not path:
            raise Malformed("a path begins with a field code")
        # A negative number would be read as a reference to an id that the log has named.
        if any(type(part) is int and part < 0 for part in path):
            raise Malformed("the numbers in a path are not negative")
    heads = [*draft.seen, *(draft.basis or ())]
    if any(len(head) != chain.SHORT_BYTES for head in heads):
        raise Malformed("seen and basis name heads by eight bytes")
    if len(draft.changes) > CHANGES_MAX:
        raise OverLimit(f"an entry makes at most {CHANGES_MAX} changes")
    if draft.wall_ms % 10 or not 0 <= draft.wall_ms <= WALL_MS_MAX:
        raise Malformed("an entry's time is a multiple of 10 ms between 1970 and 9999")


def _extras(draft: Entry, cursor: Cursor, wall_cs: int) -> dict[int, Any]:
    extras: dict[int, Any] = {}
    if draft.version != FORMAT:
        extras[_VERSION] = draft.version
    if draft.offset_ms != cursor.offset_ms:
        extras[_OFFSET] = draft.offset_ms
    if (draft.boot, draft.uptime_ms) != _expected_clock(cursor, wall_cs):
        extras[_CLOCK] = None if draft.boot is None else [draft.boot, draft.uptime_ms]
    if draft.actor != cursor.actor:
        extras[_ACTOR] = draft.actor
    if draft.act:
        extras[_ACT] = draft.act
    if draft.seen:
        extras[_SEEN] = b"".join(sorted(draft.seen))
    if draft.basis is not None:
        extras[_BASIS] = b"".join(sorted(draft.basis))
    if draft.by_rule:
        extras[_BY_RULE] = True
    return extras


def _expected_clock(cursor: Cursor, wall_cs: int) -> tuple[int | None, int | None]:
    """Where the monotonic clock stands if it ran on with the wall clock."""
    if cursor.boot is None or cursor.uptime_ms is None:
        return None, None
    return cursor.boot, cursor.uptime_ms + (wall_cs - cursor.wall_cs) * 10


def _code_path(path: Path, walked: Cursor) -> Any:
    if len(path) == 1:
        return path[0]
    known = walked.index_by_path.get(path)
    if known is not None:
        return -1 - known
    coded: list[Any] = [path[0]]
    for identity in path[1:]:
        if identity is MINT:
            coded.append(None)
            # A placeholder keeps the table's numbering; the hash is known only afterwards.
            walked.ids.append(b"")
        else:
            coded.append(_code_id(identity, walked))
    if MINT in path:
        walked.paths.append(())
    else:
        walked.use(path)
    return coded


def _code_id(identity: Any, walked: Cursor) -> Any:
    if isinstance(identity, bytes) and identity:
        index = walked.index_by_id.get(identity)
        if index is not None:
            return -1 - index
        walked.name(identity)
    return identity


def decode(body: bytes, cursor: Cursor, entry_hash: bytes) -> Entry:
    """Read the entry whose chain hash is `entry_hash`; the cursor walks on only if it is sound.

    Raises:
        Malformed, OverLimit: not an entry of this format; the cursor is as it was.
    """
    if len(body) > ENTRY_BYTES_MAX:
        raise OverLimit(f"an entry of {len(body)} bytes is over {ENTRY_BYTES_MAX}")
    return read_parts(unpack(body), cursor, entry_hash)


def read_parts(parts: Any, cursor: Cursor, entry_hash: bytes) -> Entry:
    """As `decode`, from the entry's unpacked bytes, whose length was seen to."""
    if not isinstance(parts, list) or len(parts) < 3 or type(parts[0]) is not int:
        raise Malformed("an entry is a list of a time and changes")
    extras = parts[1] if isinstance(parts[1], dict) else {}
    version = extras.get(_VERSION, FORMAT)
    if isinstance(parts[1], dict) and (not extras or extras.get(_VERSION) == FORMAT):
        raise Malformed("an entry of format 1 names no format and leaves empty extras out")
    if type(version) is not int or version < FORMAT:
        raise Malformed("an entry's format version is a whole number from 1")
    flat = parts[2:] if extras else parts[1:]
    if len(flat) % 2 or not flat or len(flat) > 2 * CHANGES_MAX:
        raise Malformed("an entry's changes are pairs of path and value")
    wall_cs = cursor.wall_cs + parts[0]
    if not 0 <= wall_cs * 10 <= WALL_MS_MAX:
        raise Malformed("an entry's time lies between 1970 and 9999")
    seen = _hashes(extras[_SEEN], "seen", True) if _SEEN in extras else ()
    basis = _hashes(extras[_BASIS], "basis", False) if _BASIS in extras else None
    before = cursor.mark()
    try:
        _read_extras(extras, cursor, wall_cs)
        changes = _read_changes(flat, cursor, entry_hash)
    except BaseException:
        cursor.go_back(before)
        raise
    cursor.wall_cs = wall_cs
    return Entry(
        wall_ms=wall_cs * 10,
        changes=changes,
        offset_ms=cursor.offset_ms,
        boot=cursor.boot,
        uptime_ms=cursor.uptime_ms,
        actor=cursor.actor,
        act=extras.get(_ACT, b""),
        seen=seen,
        basis=basis,
        by_rule=extras.get(_BY_RULE, False),
        version=version,
    )


def _read_extras(extras: Mapping[int, Any], walked: Cursor, wall_cs: int) -> None:
    """Walk on by what an entry says once; each is compared with what stood before it is taken."""
    expected = _expected_clock(walked, wall_cs)
    walked.boot, walked.uptime_ms = expected
    if not extras:
        return
    if not extras.keys() <= _KNOWN_EXTRAS:
        raise Malformed("an entry has an extra that its format does not know")
    if _OFFSET in extras:
        offset = extras[_OFFSET]
        if type(offset) is not int or offset == walked.offset_ms or abs(offset) > WALL_MS_MAX:
            raise Malformed("an entry's clock offset is a whole number that changed")
        walked.offset_ms = offset
    if _CLOCK in extras:
        walked.boot, walked.uptime_ms = _read_clock(extras[_CLOCK], expected)
    if _ACTOR in extras:
        actor = extras[_ACTOR]
        if not isinstance(actor, bytes) or len(actor) > 32 or actor == walked.actor:
            raise Malformed("an entry's actor is an id that changed")
        walked.actor = actor
    act = extras.get(_ACT)
    if _ACT in extras and (not isinstance(act, bytes) or not 1 <= len(act) <= 16):
        raise Malformed("an act's id is at most 16 bytes")
    if _BY_RULE in extras and extras[_BY_RULE] is not True:
        raise Malformed("an entry made by a rule says so or says nothing")


def _read_clock(
    clock: Any, expected: tuple[int | None, int | None]
) -> tuple[int | None, int | None]:
    if clock is None:
        read: tuple[int | None, int | None] = (None, None)
    elif (
        isinstance(clock, list)
        and len(clock) == 2
        and all(type(part) is int and 0 <= part <= WALL_MS_MAX for part in clock)
    ):
        read = (clock[0], clock[1])
    else:
        raise Malformed("an entry's monotonic clock is a boot number and an uptime")
    if read == expected:
        raise Malformed("an entry's monotonic clock stands only where it did not run on")
    return read


def _read_changes(
    flat: Sequence[Any], walked: Cursor, entry_hash: bytes
) -> tuple[tuple[Path, Any], ...]:
    changes: list[tuple[Path, Any]] = []
    minted = 0
    for at in range(0, len(flat), 2):
        path, minted = _read_path(flat[at], walked, entry_hash, minted)
        check_value(flat[at + 1])
        changes.append((path, flat[at + 1]))
    if len(changes) > 1 and len({path for path, _ in changes}) < len(changes):
        raise Malformed("an entry changes a path once")
    return tuple(changes)


def _read_path(coded: Any, walked: Cursor, entry_hash: bytes, minted: int) -> tuple[Path, int]:
    """A path from its coded form, and how many ids the entry has minted so far."""
    if type(coded) is int and coded < 0:
        if -1 - coded >= len(walked.paths):
            raise Malformed("a path's number points past the paths that the log has used")
        return walked.paths[-1 - coded], minted
    code = coded[0] if isinstance(coded, list) and coded else coded
    if type(code) is not int or not 0 <= code < 65_536:
        raise Malformed("a field code is a small whole number")
    if type(coded) is int:
        return (coded,), minted
    if not 1 < len(coded) <= 1 + PATH_IDS_MAX:
        raise Malformed("a path is a field code, or a list of a code and its ids")
    ids: list[Any] = []
    for part in coded[1:]:
        if part is None:
            identity = chain.minted_id(entry_hash, minted)
            minted += 1
            walked.name(identity)
            ids.append(identity)
        else:
            ids.append(_read_id(part, walked))
    path = (code, *ids)
    if path in walked.index_by_path:
        raise Malformed("a path that the log has used is referred to by its number")
    walked.use(path)
    return path, minted


def _read_id(part: Any, walked: Cursor) -> Any:
    if isinstance(part, bytes):
        if len(part) > 32:
            raise OverLimit("an id has at most 32 bytes")
        if part in walked.index_by_id:
            raise Malformed("an id that the log has named is referred to by its number")
        if part:
            walked.name(part)
        return part
    if type(part) is int:
        if part >= 0:
            return part
        if -1 - part >= len(walked.ids):
            raise Malformed("an id's number points past the ids that the log has named")
        return walked.ids[-1 - part]
    if isinstance(part, str) and 0 < len(part) <= 64:
        return part
    raise Malformed("an id is bytes, a small whole number or a short text")


def _hashes(data: Any, what: str, filled: bool) -> tuple[bytes, ...]:
    if not isinstance(data, bytes) or len(data) % chain.SHORT_BYTES or (filled and not data):
        raise Malformed(f"{what} is a row of eight-byte hashes")
    if len(data) > SEEN_MAX * chain.SHORT_BYTES:
        raise OverLimit(f"{what} names at most {SEEN_MAX} heads")
    step = chain.SHORT_BYTES
    hashes = tuple(data[at : at + step] for at in range(0, len(data), step))
    if len(hashes) > 1 and any(a >= b for a, b in zip(hashes, hashes[1:], strict=False)):
        raise Malformed(f"{what} is sorted and names a head once")
    return hashes
