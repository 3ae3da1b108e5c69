"""What really happened, written down at the moment it happened, beside the system.

Checkers measure the replicas by this and never by what the replicas say of themselves. Holds no
judgement. Invariant: nothing in here is read back from a store.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field

from core.dispatch import fields
from core.dispatch.acts import SITE_STREAM, Change
from core.dispatch.fields import Kind
from core.log.chain import derived_unique, stream_time_s
from core.log.entry import MINT, Path
from core.log.stream import AFTER_REVOCATION, StreamState


@dataclass(frozen=True, slots=True)
class Saved:
    """An entry of which a replica told its user that it was saved."""

    machine: str
    stream: bytes
    hash: bytes
    at_s: float


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo of which a phone told its worker that it is saved, with the entry that names it."""

    machine: str
    job: bytes
    entry: bytes
    data: bytes


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time log as it really was: true start and stop in virtual seconds, None while it runs."""

    worker: bytes
    day: str
    log: bytes
    job: bytes
    boot: int
    start_s: float
    stop_s: float | None = None
    stop_boot: int | None = None


@dataclass(frozen=True, slots=True)
class Erasure:
    """What erasing acts took away: single streams, and by kind all that began before a time."""

    streams: frozenset[bytes] = frozenset()
    before_ms_by_kind: Mapping[int, int] = field(default_factory=dict)

    def covers(self, stream: bytes) -> bool:
        """Whether a stream was erased."""
        before_ms = self.before_ms_by_kind.get(stream[4], 0)
        return stream in self.streams or stream_time_s(stream) * 1_000 < before_ms


@dataclass(slots=True)
class Truth:
    """The book of a world."""

    saved: dict[bytes, Saved] = field(default_factory=dict)
    lost_with_a_disk: set[bytes] = field(default_factory=set)
    missing_since_restore: dict[str, set[bytes]] = field(default_factory=dict)
    held_by_hub: dict[str, set[bytes]] = field(default_factory=dict)
    workers_by_job: dict[bytes, set[bytes]] = field(default_factory=dict)
    customers_by_job: dict[bytes, set[bytes]] = field(default_factory=dict)
    views: dict[bytes, dict[Path, dict[bytes, frozenset[bytes] | None]]] = field(
        default_factory=dict
    )
    stretches: dict[bytes, Stretch] = field(default_factory=dict)
    corrected: set[bytes] = field(default_factory=set)
    restored_at_s: dict[str, float] = field(default_factory=dict)
    dropped_at_s: dict[tuple[str, bytes], float] = field(default_factory=dict)
    stream_by_hash: dict[bytes, bytes] = field(default_factory=dict)
    author_by_hash: dict[bytes, bytes] = field(default_factory=dict)
    erasure_by_hash: dict[bytes, Erasure] = field(default_factory=dict)
    revoked_by_hash: dict[bytes, bytes] = field(default_factory=dict)
    # What a hub held of a key when it learnt that it is shut out; what any hub ever did.
    counted: dict[tuple[str, bytes], set[bytes]] = field(default_factory=dict)
    ever_counted: set[bytes] = field(default_factory=set)
    photos: dict[bytes, Photo] = field(default_factory=dict)
    photos_lost: set[bytes] = field(default_factory=set)
    photos_missing_since_restore: dict[str, set[bytes]] = field(default_factory=dict)
    laid_down_at_s: dict[bytes, float] = field(default_factory=dict)
    # Days of recurrences that every hub must have a job of.
    due_number_by_job: dict[bytes, str] = field(default_factory=dict)
    live_at_s: dict[tuple[str, str], float] = field(default_factory=dict)
    refused_beside_ballast: list[str] = field(default_factory=list)
    points: Counter[str] = field(default_factory=Counter)

    # --- what is written down

    def will_write(self, changes: Iterable[Change], author_worker: bytes) -> None:
        """An act is about to be tried: from here its streams may be in the scope of its workers."""
        for change in changes:
            code, ids = change.path[0], change.path[1:]
            if code in (fields.LOG_START, fields.LOG_STOP) and not author_worker:
                # The office admits a log that a shut-out key wrote: with the times that it said.
                self.corrected.add(ids[1])
            if change.stream[4] != Kind.JOB:
                continue
            workers = self.workers_by_job.setdefault(change.stream, set())
            if author_worker:
                workers.add(author_worker)
            if code == fields.ASSIGNED:
                workers.add(ids[0])
            elif code == fields.HANDED_TO:
                workers.add(ids[2])
            elif code == fields.CUSTOMER and isinstance(change.value, bytes):
                self.customers_by_job.setdefault(change.stream, set()).add(change.value)

    def wrote(
        self,
        author: bytes,
        stream: bytes,
        entry_hash: bytes,
        view_by_path: dict[Path, frozenset[bytes] | None],
    ) -> None:
        """An entry was made by somebody who saw these entries' writes stand at its paths.

        None for what was made from a page drawn before.
        """
        self.stream_by_hash[entry_hash] = stream
        self.author_by_hash[entry_hash] = author
        by_path = self.views.setdefault(stream, {})
        for path, view in view_by_path.items():
            by_path.setdefault(path, {})[entry_hash] = view

    def decides(self, entry_hash: bytes, changes: Iterable[Change]) -> None:
        """An entry was made of these changes; some of them may erase or shut a key out."""
        streams, before = set[bytes](), dict[int, int]()
        for change in changes:
            if change.path[0] == fields.ERASED:
                streams.add(change.path[1])
            elif change.path[0] == fields.ERASED_BEFORE:
                before[change.path[1]] = change.value
            elif change.path[0] == fields.REVOKED:
                self.revoked_by_hash[entry_hash] = change.path[1]
        if streams or before:
            self.erasure_by_hash[entry_hash] = Erasure(frozenset(streams), before)

    def learnt_of(self, machine: str, key: bytes, held: set[bytes]) -> None:
        """A machine learns that a key is shut out, of which it holds this."""
        self.counted.setdefault((machine, key), set()).update(held)
        self.ever_counted |= held

    def was_saved(
        self, machine: str, hash_by_stream: Iterable[tuple[bytes, bytes]], at_s: float
    ) -> None:
        """A write returned to the one who asked for it."""
        for stream, entry_hash in hash_by_stream:
            self.saved[entry_hash] = Saved(machine, stream, entry_hash, at_s)

    # --- what follows from it

    def may_hold(self, worker: bytes, stream: bytes) -> bool:
        """Whether a worker's phone could ever have been allowed a stream."""
        match stream[4]:
            case Kind.SITE:
                return stream == SITE_STREAM
            case Kind.WORKER:
                return stream == worker
            case Kind.DAY | Kind.TRACK:
                return stream[5:] == derived_unique(worker)
            case Kind.JOB:
                return worker in self.workers_by_job.get(stream, ())
            case Kind.CUSTOMER:
                return any(
                    stream in customers and worker in self.workers_by_job.get(job, ())
                    for job, customers in self.customers_by_job.items()
                )
        return False

    def erased_by(self, held: Set[bytes]) -> Erasure:
        """What is erased for a machine that holds these entries: what those of them that erase say.

        Whoever does not hold such an entry knows nothing of it, and is excused nothing.
        """
        streams, before = set[bytes](), dict[int, int]()
        for entry_hash, erasure in self.erasure_by_hash.items():
            if entry_hash in held:
                streams |= erasure.streams
                for kind, before_ms in erasure.before_ms_by_kind.items():
                    before[kind] = max(before_ms, before.get(kind, 0))
        return Erasure(frozenset(streams), before)

    def saved_by(self, machine: str) -> list[Saved]:
        """What a machine said it saved, but for what went with a disk."""
        return [
            saved
            for saved in self.saved.values()
            if saved.machine == machine and saved.hash not in self.lost_with_a_disk
        ]


def mark_of(stream: bytes) -> str:
    """What every text that is written in a stream ends with, so that its bytes can be found."""
    return f" of {stream.hex()}"


def standing_hashes(state: StreamState, path: Path) -> frozenset[bytes]:
    """The hashes of the entries whose writes stand at a path."""
    register = state.registers.get(path)
    if register is None:
        return frozenset()
    found = []
    for write in register.writes.values():
        log = state.logs[write.log]
        found.append(log.placed[write.seq - log.base - 1].stored.hash)
    return frozenset(found)


def views_of(
    state: StreamState, paths: Iterable[Path], *, stale: bool
) -> dict[Path, frozenset[bytes] | None]:
    """What stands at the paths of an act before it is made; paths with a new id are left out.

    Besides what stands, what fell with its author's key: whoever knows of a revocation and not yet
    of the cut holds it and is shown nothing of it, and what is written there follows upon it.
    """
    fallen = _fallen_by_path(state) if state.has_revoked_author else {}
    return {
        path: None if stale else standing_hashes(state, path) | fallen.get(path, frozenset())
        for path in paths
        if MINT not in path
    }


def _fallen_by_path(state: StreamState) -> dict[Path, frozenset[bytes]]:
    found: dict[Path, frozenset[bytes]] = {}
    for placed in state.entries():
        if placed.inert == AFTER_REVOCATION and placed.entry is not None:
            for path, _ in placed.entry.changes:
                found[path] = found.get(path, frozenset()) | {placed.stored.hash}
    return found
