"""One peer's turn, in a process and an environment of its own: prints one line of JSON.

`python -m tests.bench.peers PEER TURN --jobs N --folder F`. Turns: `author` writes the trace as
two replicas do and keeps what each thousand ops sent; `merge` gives that to a replica that holds
nothing, durably; `open` opens what `merge` left and asks one question; `wire` counts bytes.
Needs the peers' packages and nothing of Fieldlog. Invariant: every turn works on the same trace.
"""

from __future__ import annotations

import argparse
import importlib
import json
import shutil
import sys
import time
import zlib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgpack

from tests.bench.trace import Op, make_trace

EPOCH_OPS = 1_000
MODULES = {
    "loro": "tests.bench.peers.loro_document",
    "pycrdt": "tests.bench.peers.yrs_document",
    "sqlite-sync-core": "tests.bench.peers.rows_by_trigger",
}


def author(peer: Any, folder: Path, jobs: int) -> dict[str, Any]:
    """Write the trace: the phones' halves of pairs at a second replica, which had not seen."""
    office, phone = peer.Replica(None, 1), peer.Replica(None, 2)
    trace = make_trace(jobs)
    payloads: list[tuple[int, bytes]] = []
    sent: bytes | None = None
    for at in range(0, len(trace.ops), EPOCH_OPS):
        epoch = trace.ops[at : at + EPOCH_OPS]
        late = _split(office, epoch)
        before = phone.version()
        for op in late:
            phone.apply(op)
        if late:
            office.merge(phone.updates(before))
        payloads.append((len(epoch), office.updates(sent)))
        sent = office.version()
        phone.merge(payloads[-1][1])
    (folder / "payloads").write_bytes(msgpack.packb(payloads))
    return {"payloads": len(payloads)}


def _split(office: Any, epoch: tuple[Op, ...]) -> list[Op]:
    """Write an epoch at the office; the ops that the phone wrote without having seen it."""
    made, late = set(), []
    for op in epoch:
        if op.kind == "create":
            made.add(op.job)
        if op.pair == 2 and op.job not in made:
            late.append(op)
        else:
            office.apply(op)
    return late


def _payloads(folder: Path) -> list[tuple[int, bytes]]:
    return [(count, data) for count, data in msgpack.unpackb((folder / "payloads").read_bytes())]


def merge(peer: Any, folder: Path, jobs: int) -> dict[str, Any]:
    """Merge the payloads into a new durable replica, which stays for `open`."""
    merged = folder / "merged"
    shutil.rmtree(merged, ignore_errors=True)
    merged.mkdir()
    payloads = _payloads(folder)
    replica = peer.Replica(merged, 3)
    wall_s, processor_s = time.perf_counter(), time.process_time()
    for _, data in payloads:
        replica.merge(data)
    timing = {
        "wall_s": time.perf_counter() - wall_s,
        "processor_s": time.process_time() - processor_s,
    }
    replica.close()
    size = sum(path.stat().st_size for path in merged.iterdir())
    return {"count": sum(count for count, _ in payloads), "bytes": size, **timing}


def open_again(peer: Any, folder: Path, jobs: int) -> dict[str, Any]:
    """Open what was merged and ask for a worker's open jobs."""
    wall_s, processor_s = time.perf_counter(), time.process_time()
    replica = peer.Replica(folder / "merged", 4)
    answer = replica.answer("W007")
    timing = {
        "wall_s": time.perf_counter() - wall_s,
        "processor_s": time.process_time() - processor_s,
    }
    replica.close()
    return {"count": 1, "answer": answer, **timing}


def wire(peer: Any, folder: Path, jobs: int) -> dict[str, Any]:
    """Bytes of a first sync, of the day apart after it, and of a contact with nothing new."""
    hub, phone = peer.Replica(None, 5), peer.Replica(None, 6)
    for _, data in _payloads(folder):
        hub.merge(data)
    first = hub.updates(None)
    phone.merge(first)
    trace = make_trace(jobs)
    at_hub, at_phone = hub.version(), phone.version()
    for op in trace.office_window:
        hub.apply(op)
    for op in trace.phone_window:
        phone.apply(op)
    # A peer that counts in rows of its own file is told what of it the other had seen.
    counts_rows = peer.PACKAGE == "sqlite-sync-core"
    down = hub.updates(at_hub if counts_rows else phone.version())
    up = phone.updates(at_phone if counts_rows else hub.version())
    nothing_new = len(hub.version()) + len(phone.version())
    return {
        "first": len(first), "first_deflated": _deflated([first]),
        "apart": len(up) + len(down), "apart_deflated": _deflated([up]) + _deflated([down]),
        "nothing_new": nothing_new,
    }  # fmt: skip


def _deflated(messages: list[bytes]) -> int:
    """Bytes as one deflate stream at level 6."""
    squeeze = zlib.compressobj(6, zlib.DEFLATED, -15)
    return sum(len(squeeze.compress(message)) for message in messages) + len(squeeze.flush())


TURNS = {"author": author, "merge": merge, "open": open_again, "wire": wire}


def main() -> int:
    """Take one turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer", choices=MODULES)
    parser.add_argument("turn", choices=TURNS)
    parser.add_argument("--jobs", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    peer = importlib.import_module(MODULES[arguments.peer])
    arguments.folder.mkdir(parents=True, exist_ok=True)
    found = TURNS[arguments.turn](peer, arguments.folder, arguments.jobs)
    found["version"] = version(peer.PACKAGE)
    sys.stdout.write(json.dumps(found) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
