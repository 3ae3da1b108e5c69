"""The bare store's process, killed at any moment: what it acknowledged is there when it comes back.

A process writes acts to a replica one after another and says after each commit which it was; it is
killed with SIGKILL in the middle, and the next one opens the same files. Processes are forked from
one that has everything loaded, so that a life costs little more than its work. Invariant: what is
counted as acknowledged was read from the process while it lived.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import tempfile
from pathlib import Path
from random import Random
from typing import IO

from core.dispatch import acts
from core.dispatch.fields import Kind
from replica.replica import Replica
from replica.store import STORE_FILE, Store
from simulator.draw import chance_for
from tests.build import START_MS, Entropy, SettableClock, Site
from tests.proof.found import Found

# A life ends at once after its so manieth acknowledgement was heard, at the mean the 65th; the
# process goes on writing meanwhile, so the kill meets it anywhere.
ACKNOWLEDGED_MAX = 130
# A process that says nothing for so long is broken.
SILENT_S_MAX = 60.0
# Lives of one store; a new one then, so that files stay as small as a phone's.
LIVES_PER_STORE = 10
# A life writes no more than this, wherever the killing is late.
ACTS_MAX = 2_000


def kills(count: int, seed: int) -> Found:
    """So many lives; acknowledged acts that the next life does not find, of how many."""
    found = Found([])
    for first in range(0, count, LIVES_PER_STORE):
        lives = min(LIVES_PER_STORE, count - first)
        words, acks = _of_one_store(lives, chance_for(seed, "kills", first))
        found.violations.extend(words)
        found.happened["acknowledgements"] += acks
    return found


def _of_one_store(lives: int, chance: Random) -> tuple[list[str], int]:
    # On a real disk where there is one: what a kill leaves lies in the system's own cache.
    folder = Path(tempfile.mkdtemp())
    try:
        site = Site(folder, seed=str(chance.random()))
        hub = site.hub("A")
        identity, path = hub.identity, hub.store.path
        job, _ = site.job(hub, "Boiler")
        site.close()
        assert path.name == STORE_FILE
        texts: list[str] = []
        for life in range(lives):
            texts += _life(path, hub, job, life, chance)
        store = Store(path)
        replica = Replica(store, identity, SettableClock(), Entropy("after"))
        kept = [text for (text,) in store.db.execute("SELECT text FROM note")]
        replica.close()
        found = [f"'{text}' was acknowledged and is not there" for text in set(texts) - set(kept)]
        if len(kept) != len(set(kept)):
            found.append(f"{len(kept) - len(set(kept))} notes are there twice")
        return found, len(texts)
    finally:
        shutil.rmtree(folder)


def _life(path: Path, before: Replica, job: bytes, life: int, chance: Random) -> list[str]:
    """One process from its start to its end; what it acknowledged."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _write(path, before, job, life, writing)
    os.close(writing)
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        said = _heard(pipe, chance.randrange(1, ACKNOWLEDGED_MAX))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        # What it had said before it died is in the pipe.
        said += pipe.read()
    return said.decode().split("\n")[:-1]


def _heard(pipe: IO[bytes], lines: int) -> bytes:
    """What comes out of a pipe until so many lines have come, or its end."""
    said = b""
    while said.count(b"\n") < lines:
        ready, _, _ = select.select([pipe], [], [], SILENT_S_MAX)
        data = pipe.read(65_536) if ready else b""
        if not data:
            break
        said += data
    return said


def _write(path: Path, before: Replica, job: bytes, life: int, writing: int) -> None:
    """The process that will be killed: never returns."""
    try:
        store = Store(path)
        clock = SettableClock(START_MS + life * 1_000)
        replica = Replica(store, before.identity, clock, Entropy(f"life {life}"))
        other = acts.new_stream_id(Kind.JOB, START_MS, life.to_bytes(7, "big"))
        for number in range(ACTS_MAX):
            text = f"{life} {number}"
            replica.write(acts.add_note(job if number % 3 else other, text))
            os.write(writing, f"{text}\n".encode())
        signal.pause()
    finally:
        os._exit(1)
