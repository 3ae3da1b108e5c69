"""The live feed: what changed, for pages that are open.

Each event has a number; a page that lost its connection asks for what came since. Only the last
events are kept; a page that was away longer is told to load everything. Holds no rows.
Invariant: a subscriber gets every event after its `since`, in order, or is told that it can't.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass

# Events kept for pages that come back; at ten a second that is some seven minutes.
EVENTS_KEPT = 4_096

# Events that may wait for a slow page before it is told to load everything.
QUEUE_MAX = 512


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """`kind` is 'streams' (ids in hex), 'presence' (workers), or 'reload' (load everything)."""

    seq: int
    kind: str
    ids: tuple[str, ...]


class LiveFeed:
    """Numbers events and hands them to subscribers."""

    def __init__(self) -> None:
        self.seq = 0
        self._kept: deque[LiveEvent] = deque(maxlen=EVENTS_KEPT)
        self._queues: set[asyncio.Queue[LiveEvent]] = set()

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
