"""A process with many live phones: real replicas, each in a session of its own with the hub.

    python -m tests.bench.board.phones FILE

FILE (JSON) says the phones' folders, jobs and turns, how many changes a second they make in all,
and for how long; they begin when a line comes in. Each change is a phase that a worker sets; when
it is durable, a line says so: the job, the phase, and the moment (ms of this machine's clock).
Holds no measurements.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

from core.dispatch import acts
from core.dispatch.fields import Phase
from replica.clock import SystemClock
from replica.dialling import hub_dialler
from replica.identity import load_identity
from replica.joining import load_hub_address
from replica.replica import Replica
from replica.store import Store
from replica.syncing import Syncer
from replica.writer import Writer
from tests.build import Entropy
from tests.web.office import TownClock

_FIRST = (Phase.RECEIVED, Phase.OPENED, Phase.ACCEPTED, Phase.TRAVELLING, Phase.ON_SITE)


class LivePhone:
    """One phone in session with its hub."""

    def __init__(self, folder: Path, job: str, turn: str, executor: ThreadPoolExecutor) -> None:
        identity = load_identity(folder)
        hub = load_hub_address(folder)
        assert identity is not None
        assert hub is not None
        store = Store(folder / "store.sqlite")
        self.replica = Replica(store, identity, TownClock(), Entropy(str(folder)))
        self.writer = Writer(self.replica, executor)
        self.syncer = Syncer(self.writer, hub_dialler(lambda: _known(hub)), lambda: None)
        self._job, self._turn = bytes.fromhex(job), bytes.fromhex(turn)
        self._done = 0

    async def change(self) -> None:
        """Set the next phase: up to the site, then a break and on again."""
        done, self._done = self._done, self._done + 1
        beyond = (Phase.PAUSED, Phase.ON_SITE)[(done - len(_FIRST)) % 2]
        phase = _FIRST[done] if done < len(_FIRST) else beyond
        worker = self.replica.identity.own.subject
        changes = acts.set_phase(self._job, worker, self._turn, phase)
        await self.writer.run(self.replica.write, changes)
        name = phase.name.lower().replace("_", " ")
        print(self._job.hex(), name, SystemClock().now_ms(), sep="\t", flush=True)


async def _told() -> None:
    """Wait for a line from whoever started this process."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.readline()


async def _known(hub: Any) -> list[Any]:
    return [hub]


async def run(asked: dict[str, Any]) -> None:
    """Live as long as was asked, making so many changes a second in all."""
    chance = Random(1)
    with ThreadPoolExecutor(max_workers=1) as executor:
        phones = [LivePhone(Path(f), job, turn, executor) for f, job, turn in asked["phones"]]
        async with asyncio.TaskGroup() as group:
            syncing = [group.create_task(phone.syncer.run()) for phone in phones]
            await asyncio.sleep(asked["settle_s"])
            print("settled", flush=True)
            await _told()
            until_s = time.monotonic() + asked["for_s"]
            chance.shuffle(phones)
            # In turn: of two changes of one phone that follow each other at once, on site to paused
            # and back, a page would have nothing to show.
            for phone in itertools.cycle(phones):
                if time.monotonic() >= until_s:
                    break
                await asyncio.sleep(chance.expovariate(asked["per_s"]))
                await phone.change()
            await asyncio.sleep(3.0)
            for task in syncing:
                task.cancel()


if __name__ == "__main__":
    asyncio.run(run(json.loads(Path(sys.argv[1]).read_text("utf-8"))))
