"""The live feed: what changed, for pages that are open.

Each event has a number; a page that lost its connection asks for what came since. Only the last
events are kept; a page that was away longer is told to load everything. Who moved is no event:
thousands of phones move each second, and where they were is of no use. Holds no rows.
Invariant: a subscriber gets every event after its `since`, in order, or is told that it can't.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

# Events kept for pages that come back; at ten a second that is some seven minutes.
EVENTS_KEPT = 4_096

# Events that may wait for a slow page before it is told to load everything.
QUEUE_MAX = 512

# Who watches workers move is told no more often than this.
MOVES_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """`kind` is 'streams' (ids in hex), 'sync', 'enrolment', or 'reload' (load everything)."""

    seq: int
    kind: str
    ids: tuple[str, ...]


class Movers:
    """Workers (hex ids) that moved, each once, however often it moved since it was last taken."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._taken_s = -math.inf
        self._workers: set[str] = set()
        self._some = asyncio.Event()

    def add(self, worker: str) -> None:
        """Something else is known of where a worker is."""
        self._workers.add(worker)
        self._some.set()

    async def take(self) -> list[str]:
        """Those that moved since the last time, in order; waits for one, and some time."""
        await self._some.wait()
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(self._taken_s + self._every_s - loop.time(), 0))
        self._taken_s = loop.time()
        self._some.clear()
        workers, self._workers = sorted(self._workers), set()
        return workers


class LiveFeed:
    """Numbers events and hands them to subscribers."""

    def __init__(self) -> None:
        self.seq = 0
        self._kept: deque[LiveEvent] = deque(maxlen=EVENTS_KEPT)
        self._queues: set[asyncio.Queue[LiveEvent]] = set()
        self._movers: list[Movers] = []
        self.moves_every_s = MOVES_EVERY_S

    def publish(self, kind: str, ids: Iterable[str]) -> None:
        """Tell every page that is open."""
        self.seq += 1
        event = LiveEvent(self.seq, kind, tuple(sorted(ids)))
        self._kept.append(event)
        for queue in self._queues:
            if queue.qsize() >= QUEUE_MAX:
                while not queue.empty():
                    queue.get_nowait()
                event_or_reload = LiveEvent(self.seq, "reload", ())
            else:
                event_or_reload = event
            queue.put_nowait(event_or_reload)

    def moved(self, worker: str) -> None:
        """Tell those who watch it that something else is known of where a worker is."""
        for movers in self._movers:
            movers.add(worker)

    @contextmanager
    def movers(self) -> Iterator[Movers]:
        """Who moves from now on, for the length of a block."""
        movers = Movers(self.moves_every_s)
        self._movers.append(movers)
        try:
            yield movers
        finally:
            self._movers.remove(movers)

    async def subscribe(self, since: int | None = None) -> AsyncGenerator[LiveEvent, None]:
        """Events from now on, or those after number `since` first."""
        queue: asyncio.Queue[LiveEvent] = asyncio.Queue()
        self._queues.add(queue)
        try:
            if since is not None and since != self.seq:
                kept = [event for event in self._kept if event.seq > since]
                if since > self.seq or not kept or kept[0].seq != since + 1:
                    yield LiveEvent(self.seq, "reload", ())
                else:
                    for event in kept:
                        yield event
            while True:
                yield await queue.get()
        finally:
            self._queues.discard(queue)
