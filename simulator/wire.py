"""One connection: two ends, a pipe each way, and the ways in which it can end.

Frames cost time by their size and by distance, wait while the weather blocks their way, and are
counted against the sender's buffer until the receiver has taken them, as TCP does. It does not
decide when the weather changes. Invariant: an end that is told that the connection is over is told
once, after the frames that still reach it, and never becomes alive again.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable
from hashlib import blake2b
from random import Random
from typing import Any, Final, Generic, Protocol, TypeVar

from replica.link import LinkClosed
from simulator.battering import Batterer
from simulator.draw import Options
from simulator.trace import Trace

DOUBT_S_MIN: Final = 1.0
"""No program gives a silent peer less time than this."""


class Sky(Protocol):
    """What a wire asks of the weather."""

    loop: asyncio.AbstractEventLoop
    chance: Random
    options: Options
    trace: Trace
    batterer: Batterer

    def passes(self, source: str, target: str) -> bool:
        """Whether a frame gets through from one endpoint to another now."""

    def forget(self, wire: Wire[Any]) -> None:
        """The wire is over on both ends."""


class End(Protocol):
    """One end of a wire, as the wire sees it: a link that carries frames, or a stream of bytes."""

    name: str
    peer: str
    ended: str
    doubt: asyncio.TimerHandle | None

    def take(self, frame: bytes) -> None:
        """A frame arrived."""

    def hear_end(self) -> None:
        """The other side closed in good order, and all that it sent has arrived."""

    def drain(self) -> None:
        """There may be room in the buffer again."""

    def finish(self, reason: str) -> None:
        """This end learns that the connection is over."""

    def hang_up(self) -> None:
        """Close in good order, for those who cannot wait."""

    def label(self, frame: bytes) -> str:
        """What the trace says of a frame that this end sent."""


E = TypeVar("E", bound=End)


class WeatherLink:
    """One end of a simulated connection; a `replica.link.Link`.

    `name` is the endpoint that holds it and `peer` the one at the other end.
    """

    def __init__(self, wire: Wire[WeatherLink], name: str, peer: str) -> None:
        self.name = name
        self.peer = peer
        self.ended = ""
        self.doubt: asyncio.TimerHandle | None = None
        self._wire = wire
        self._inbox: deque[bytes] = deque()
        self._arrival: asyncio.Future[None] | None = None
        self._drains: list[asyncio.Future[None]] = []

    async def send(self, frame: bytes) -> None:
        """Send one frame; waits while the buffer is full. Raises LinkClosed."""
        self._raise_if_ended()
        self._wire.carry(self, bytes(frame))
        while not self.ended and self._wire.is_full(self):
            drained = self._wire.sky.loop.create_future()
            self._drains.append(drained)
            await drained
        self._raise_if_ended()

    async def receive(self) -> bytes:
        """The next frame. Raises LinkClosed when all that arrived was taken and no more will."""
        if self._arrival is not None:
            raise RuntimeError(f"two tasks receive on the link of {self.name} to {self.peer}")
        while not self._inbox:
            self._raise_if_ended()
            self._arrival = self._wire.sky.loop.create_future()
            try:
                await self._arrival
            finally:
                self._arrival = None
        frame = self._inbox.popleft()
        self._wire.taken(self, len(frame))
        return frame

    async def close(self) -> None:
        """End the link; the other side hears of it after what was sent, or finds out."""
        self.hang_up()
        await asyncio.sleep(0)

    def hang_up(self) -> None:
        """`close` for those who cannot wait; what arrived and was not received is gone."""
        self._inbox.clear()
        self._wire.close(self)

    def take(self, frame: bytes) -> None:
        """A frame arrived; an end that is over has no use for it."""
        if not self.ended:
            self._inbox.append(frame)
            _wake(self._arrival)

    def hear_end(self) -> None:
        """The other side closed it."""
        self.finish("the other side closed it")

    def label(self, frame: bytes) -> str:
        """The hash of a frame: two runs with one trace sent the same bytes."""
        return blake2b(frame, digest_size=8).hexdigest()

    def drain(self) -> None:
        """There may be room in the buffer again."""
        drains, self._drains = self._drains, []
        for drained in drains:
            _wake(drained)

    def finish(self, reason: str) -> None:
        """This end learns that the connection is over; what arrived can still be received."""
        if self.ended:
            return
        self.ended = reason
        if self.doubt is not None:
            self.doubt.cancel()
            self.doubt = None
        _wake(self._arrival)
        self.drain()
        self._wire.after_finish()

    def _raise_if_ended(self) -> None:
        if self.ended:
            raise LinkClosed(f"the link to {self.peer} ended: {self.ended}")


class Pipe:
    """One direction of a wire."""

    def __init__(self, sky: Sky, source: End, target: End) -> None:
        self.source = source
        self.target = target
        self.unread_bytes = 0
        self._sky = sky
        self._queue: list[tuple[float, int, bytes | None]] = []
        self._pushed = 0
        self._line_free_s = 0.0
        self._last_arrival_s = 0.0

    def push(self, frame: bytes | None) -> None:
        """Put a frame on its way; None is the end."""
        sky, options = self._sky, self._sky.options
        size = 0 if frame is None else len(frame)
        sent_s = max(sky.loop.time(), self._line_free_s) + size / options.bytes_per_s
        self._line_free_s = sent_s
        arrival_s = sent_s + sky.chance.uniform(options.latency_s_min, options.latency_s_max)
        if sky.chance.random() < options.stall_per_frame:
            arrival_s += sky.chance.uniform(0.0, options.stall_s_max)
        pieces: list[tuple[float, bytes | None]] = [(0.0, None)]
        if frame is not None:
            pieces = [*sky.batterer.batter(frame, options)]
        for late_s, piece in pieces:
            # A late piece lets others overtake it, which an honest connection never does.
            due_s = max(arrival_s, self._last_arrival_s)
            self._last_arrival_s = due_s
            due_s += late_s
            self._pushed += 1
            self.unread_bytes += 0 if piece is None else len(piece)
            heapq.heappush(self._queue, (due_s, self._pushed, piece))
            sky.loop.call_at(due_s, self.pump)

    def swallow(self, frame: bytes) -> None:
        """A frame that goes nowhere still fills the buffer."""
        self.unread_bytes += len(frame)

    def pump(self) -> None:
        """Deliver what is due, if the weather lets it through."""
        now_s = self._sky.loop.time()
        while self._queue and self._queue[0][0] <= now_s:
            if not self.is_open():
                return
            _, number, frame = heapq.heappop(self._queue)
            label = "end" if frame is None else self.source.label(frame)
            self._sky.trace.step(now_s, f"{self.source.name}>{self.target.name} {number} {label}")
            if frame is None:
                self.target.hear_end()
            else:
                self.target.take(frame)

    def is_open(self) -> bool:
        """Whether frames get through this way now."""
        return self._sky.passes(self.source.name, self.target.name)

    def lose(self, *, all_of_it: bool) -> float:
        """Lose what is on its way, or a drawn rest of it; when the last of what is kept arrives."""
        self._queue.sort()
        kept = 0 if all_of_it else self._sky.chance.randint(0, len(self._queue))
        del self._queue[kept:]
        return self._queue[-1][0] if self._queue else self._sky.loop.time()


class Wire(Generic[E]):
    """A connection between two endpoints; `ends[0]` is the one that dialled.

    Args:
        make_end: makes an end of this wire from the endpoint that holds it and the one beyond.
    """

    def __init__(
        self,
        sky: Sky,
        number: int,
        source: str,
        target: str,
        make_end: Callable[[Wire[E], str, str], E],
    ) -> None:
        self.sky = sky
        self.number = number
        self.broken = False
        self.silent = False
        first, second = make_end(self, source, target), make_end(self, target, source)
        self.ends = (first, second)
        self._pipes = (Pipe(sky, first, second), Pipe(sky, second, first))

    def carry(self, end: E, frame: bytes) -> None:
        """Send a frame from an end; the wire may be cut while it is on its way."""
        pipe = self._pipe_from(end)
        if self.broken:
            pipe.swallow(frame)
            return
        pipe.push(frame)
        if self.sky.chance.random() < self.sky.options.cut_per_frame:
            self.cut()

    def is_full(self, end: E) -> bool:
        """Whether an end has sent more than its buffer holds."""
        return self._pipe_from(end).unread_bytes > self.sky.options.send_buffer_bytes

    def taken(self, end: E, size: int) -> None:
        """An end took a frame out of its inbox."""
        pipe = self._pipe_to(end)
        pipe.unread_bytes -= size
        pipe.source.drain()

    def close(self, end: E) -> None:
        """An end closes in good order."""
        if end.ended:
            return
        end.finish("it was closed here")
        if not self.broken:
            self._pipe_from(end).push(None)

    def cut(self) -> None:
        """The connection breaks in the middle; each side learns of it in its own time."""
        if self.broken:
            return
        self.broken = True
        self._note("is cut")
        self._lose(silent=False)

    def break_off(self, end: E, reason: str, *, silent: bool) -> None:
        """One end is gone at once; the other is told by the network unless it is `silent`."""
        end.finish(reason)
        if self.broken:
            return
        self.broken, self.silent = True, silent
        self._note(f"breaks off at {end.name}: {reason}")
        self._lose(silent=silent)

    def _lose(self, *, silent: bool) -> None:
        sky, options = self.sky, self.sky.options
        for pipe, end in self._arriving():
            heard_s = pipe.lose(all_of_it=bool(end.ended) or not pipe.is_open())
            if end.ended:
                continue
            late = sky.chance.random() < options.half_open_per_cut
            if late or silent or not pipe.is_open():
                heard_s = max(heard_s, sky.loop.time() + self._doubt_s())
            sky.loop.call_at(heard_s, end.finish, "the connection broke")

    def weather_changed(self) -> None:
        """Let wait, let go on, or let doubt."""
        blocked = not all(pipe.is_open() for pipe in self._pipes)
        for pipe, end in self._arriving():
            pipe.pump()
            if end.ended:
                continue
            if self.broken and not self.silent and pipe.is_open():
                # The other side's machine answers that it knows of no such connection.
                self.sky.loop.call_later(
                    self.sky.options.latency_s_max, end.finish, "the connection was reset"
                )
            elif blocked and end.doubt is None:
                end.doubt = self.sky.loop.call_later(self._doubt_s(), self._give_up, end)
            elif not blocked and end.doubt is not None:
                end.doubt.cancel()
                end.doubt = None

    def _arriving(self) -> tuple[tuple[Pipe, E], tuple[Pipe, E]]:
        """Each pipe with the end at which it arrives."""
        return (self._pipes[0], self.ends[1]), (self._pipes[1], self.ends[0])

    def after_finish(self) -> None:
        """Both ends over: nothing more can happen here."""
        if all(end.ended for end in self.ends):
            self.sky.forget(self)

    def _give_up(self, end: E) -> None:
        self.break_off(end, "the other side does not answer", silent=False)

    def _doubt_s(self) -> float:
        longest_s = max(DOUBT_S_MIN, self.sky.options.find_out_s_max)
        return self.sky.chance.uniform(DOUBT_S_MIN, longest_s)

    def _note(self, words: str) -> None:
        source, target = self.ends[0].name, self.ends[1].name
        self.sky.trace.note(
            self.sky.loop.time(), "link", f"{source}~{target} {self.number} {words}"
        )

    def _pipe_from(self, end: E) -> Pipe:
        return self._pipes[0] if end is self.ends[0] else self._pipes[1]

    def _pipe_to(self, end: E) -> Pipe:
        return self._pipes[1] if end is self.ends[0] else self._pipes[0]


def _wake(future: asyncio.Future[None] | None) -> None:
    if future is not None and not future.done():
        future.set_result(None)
