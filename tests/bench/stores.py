"""Sites of the trace on disk, built once and copied for each measurement.

A built site is a folder: hub A with everything, hub B that listened while it was written, hubs B
and C as they were before anything came, and the frames that both were sent. A site that is there to
be large has a hub A alone. It is kept below
`tests/.cache` under a name that follows from the code that makes it. Holds no measurements.
Invariant: what was built is never opened for writing again; only copies are.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import msgpack

from core.log import messages
from core.log.certificate import Certificate
from replica.identity import load_identity
from replica.replica import Replica
from replica.store import STORE_FILE, Store
from tests.bench.site import DispatchSite
from tests.bench.trace import Trace, make_trace
from tests.build import Entropy, Meeting, SettableClock, hold

CACHE = Path(__file__).parents[1] / ".cache" / "bench"
_TOP = Path(__file__).parents[2]
# What decides the bytes of a built store.
_MADE_BY = (
    "replica/schema/*.sql", "replica/projection/*.py", "core/log/[cemp]*.py",
    "core/log/session.py", "replica/shelf.py", "core/dispatch/*acts.py",
    "tests/bench/trace.py", "tests/bench/acting.py", "tests/bench/site.py", "tests/bench/stores.py",
)  # fmt: skip
_FRAMES = "frames"


@dataclass(frozen=True)
class Built:
    """A built site: its trace, its folder, and what was sent while and after it was written.

    `live` are the frames of each epoch to hub B, `first` those of the first sync to hub C, `back`
    what hub C said in it, `sent` the bytes of both as they travelled, `end_ms` the hub's clock when
    all was written.
    """

    trace: Trace
    folder: Path
    live: tuple[tuple[bytes, ...], ...]
    first: tuple[bytes, ...]
    back: tuple[bytes, ...]
    sent: int
    end_ms: int

    @contextmanager
    def replica(self, name: str, wall_ms: int | None = None) -> Iterator[Replica]:
        """A copy of one of its replicas, open; gone afterwards."""
        with tempfile.TemporaryDirectory(dir=self.folder) as below:
            copy = Path(below) / name
            shutil.copytree(self.folder / name, copy)
            replica = opened(copy, self.end_ms if wall_ms is None else wall_ms)
            try:
                yield replica
            finally:
                replica.close()

    def certificate(self, name: str) -> Certificate:
        """The certificate of one of its replicas."""
        identity = load_identity(self.folder / name)
        assert identity is not None
        return identity.own


def opened(folder: Path, wall_ms: int) -> Replica:
    """The replica in a folder, its clock at `wall_ms`."""
    identity = load_identity(folder)
    assert identity is not None
    store, entropy = Store(folder / STORE_FILE), Entropy(f"bench {folder.name}")
    return Replica(store, identity, SettableClock(wall_ms), entropy)


def built(jobs: int, *, live: bool = True, whole: int | None = None, cache: Path = CACHE) -> Built:
    """The site of so many jobs, from the cache or made anew; `live`: with what hub B was sent.

    With `whole` it is a site of years: only so many jobs have all their ops, and nothing was sent.
    """
    trace = make_trace(jobs, whole=whole)
    kind = "live" if live else "alone"
    if whole is not None:
        kind, live = f"years-{whole}", False
    folder = cache / f"{jobs}-{kind}-{_code()}"
    if not (folder / _FRAMES).exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _build(trace, folder, live, sync=whole is None)
    end_ms, frames, first, back, sent = msgpack.unpackb((folder / _FRAMES).read_bytes())
    live_frames = tuple(tuple(epoch) for epoch in frames)
    return Built(trace, folder, live_frames, tuple(first), tuple(back), sent, end_ms)


def _build(trace: Trace, folder: Path, live: bool, sync: bool) -> None:
    site = DispatchSite(folder, trace)
    listener, newcomer = (
        site.site.hub(letter, SettableClock(site.hub.clock.now_ms())) for letter in "BC"
    )
    # One that joins holds nothing at all: its certificate comes to it with the site's stream.
    newcomer = _emptied(site, newcomer)
    for other in (listener, newcomer):
        folded(other)
        name = other.store.path.parent.name
        shutil.copytree(other.store.path.parent, folder / f"{name}-new")
    frames = site.build(*([listener] if live else []))
    end_ms = site.hub.clock.now_ms()
    folded(site.hub)
    shutil.copytree(site.hub.store.path.parent, folder / "hub-A-written")
    meeting = hold(newcomer, site.hub) if sync else Meeting(newcomer, site.hub)
    for replica in (site.hub, listener, newcomer):
        folded(replica)
    sent = sum(len(frame) for side in meeting.sent for frame in side)
    kept = [end_ms, frames, meeting.plain(1), meeting.plain(0), sent]
    site.close()
    (folder / _FRAMES).write_bytes(msgpack.packb(kept))


def _emptied(site: DispatchSite, replica: Replica) -> Replica:
    """The replica with its key and a store that was never written to."""
    folder = replica.store.path.parent
    site.site.opened.remove(replica)
    replica.close()
    for file in folder.glob("store.sqlite*"):
        file.unlink()
    fresh = opened(folder, replica.clock.now_ms())
    site.site.opened.append(fresh)
    return fresh


def folded(replica: Replica) -> None:
    """Move all of a replica's write-ahead log into its file."""
    replica.store.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _code() -> str:
    """A name for the code that decides what is built."""
    state = blake2b(digest_size=6)
    for pattern in _MADE_BY:
        for path in sorted(_TOP.glob(pattern)):
            state.update(path.read_bytes())
    return state.hexdigest()


def runs_of(frames: tuple[bytes, ...]) -> list[bytes]:
    """Those of the frames that carry entries."""
    return [frame for frame in frames if isinstance(messages.read(frame), messages.Runs)]
