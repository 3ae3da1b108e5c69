"""Streams of bytes over the weather: the transports that a virtual loop gives to network libraries.

A stream is a wire of `simulator.wire` whose frames are pieces of what was written: they cost time,
wait while the weather blocks the way, fill the sender's buffer until the reader takes them, and the
connection ends as any wire does. What one write was arrives in several pieces, and what several
were in one. It knows no HTTP, and no TLS: a stream is what TLS would carry, by a peer whom it would
have proven. (Its handshakes have lengths that no seed decides: a signature's DER is a byte longer
or shorter by chance.) Of the bytes the trace has how many there were, since WebSockets mask them by
a chance of their own; what they carry is hashed by whoever unpacks it.
Invariant: a protocol is given a beginning of what the other side wrote, in order, and then told
once that the connection is lost; after that it hears nothing.
"""

from __future__ import annotations

import asyncio
import errno
from collections import deque
from collections.abc import Iterable
from random import Random
from typing import Any, Final

from replica.link import LinkClosed
from simulator.virtual_loop import ProtocolFactory
from simulator.weather import Listener, Weather
from simulator.wire import Wire

PIECES_MAX: Final = 5
HEAD_BYTES: Final = 14
"""The head of a WebSocket's frame: where a cut hurts a careless reader most."""
CUT_IN_HEAD: Final = 0.5
JOINED: Final = 0.5
"""How often a reader finds all that has arrived in one piece."""
SYN_S_MAX: Final = 127.0
"""How long Linux goes on trying to connect; a program that waits less gives up by itself."""

_WAY = " to "


def way(source: str, target: str) -> str:
    """The path by which one endpoint connects to another."""
    return f"{source}{_WAY}{target}"


class StreamTransport(asyncio.Transport):
    """One end of a stream, and the end of its wire.

    `name` is the endpoint that holds it and `peer` the one at the other end.
    """

    def __init__(self, wire: Wire[StreamTransport], name: str, peer: str) -> None:
        # Whoever asks whether a connection is safe is told yes: see the top of this file.
        super().__init__({"peername": (peer, 0), "sockname": (name, 0), "sslcontext": True})
        self.name = name
        self.peer = peer
        self.ended = ""
        self.doubt: asyncio.TimerHandle | None = None
        self._wire = wire
        self._chance: Random = wire.sky.chance
        self._protocol: asyncio.BaseProtocol | None = None
        self._inbox: deque[bytes] = deque()
        self._closing = self._lost = False
        self._reading = True
        self._writing_paused = False
        self._delivering: asyncio.Handle | None = None
        self._error: Exception | None = None

    def begin(self, protocol: asyncio.BaseProtocol) -> None:
        """Give the stream to a protocol, which hears of it soon."""
        self._protocol = protocol
        self._wire.sky.loop.call_soon(protocol.connection_made, self)
        self._deliver_soon()

    # --- what the wire tells

    def take(self, frame: bytes) -> None:
        """Bytes arrived."""
        if not self.ended and not self._closing:
            self._inbox.append(frame)
            self._deliver_soon()

    def hear_end(self) -> None:
        """The other side closed its end."""
        self._end("the other side closed it", None)

    def finish(self, reason: str) -> None:
        """The connection is over."""
        self._end(reason, ConnectionResetError(errno.ECONNRESET, reason))

    def _end(self, reason: str, error: Exception | None) -> None:
        if self.ended:
            return
        self.ended = reason
        self._error = None if self._closing else error
        if self.doubt is not None:
            self.doubt.cancel()
            self.doubt = None
        if self._closing or self._writing_paused:
            # Nobody reads any more, or the writing fails first.
            self._inbox.clear()
            self._reading = True
        self._deliver_soon()
        self._wire.after_finish()

    def drain(self) -> None:
        """There may be room in the buffer again."""
        if self._lost or self.ended or self._wire.is_full(self):
            return
        if self._closing:
            self._wire.close(self)
        elif self._writing_paused and isinstance(self._protocol, asyncio.Protocol):
            self._writing_paused = False
            self._protocol.resume_writing()

    def label(self, frame: bytes) -> str:
        """How many bytes there are: their values are masked by chance."""
        return f"{len(frame)} bytes"

    # --- what the protocol is told

    def _deliver_soon(self) -> None:
        """In a round of its own, as from a selector: not within whoever changed the weather."""
        ready = self._inbox or self.ended
        if ready and self._reading and not self._lost and self._delivering is None:
            self._delivering = self._wire.sky.loop.call_soon(self._deliver)

    def _deliver(self) -> None:
        self._delivering = None
        protocol = self._protocol
        if protocol is None or self._lost or not self._reading:
            return
        if not self._inbox:
            if self.ended:
                self._lose(protocol)
            return
        together = len(self._inbox) > 1 and self._chance.random() < JOINED
        pieces = [self._inbox.popleft()]
        while together and self._inbox:
            pieces.append(self._inbox.popleft())
        data = b"".join(pieces)
        self._wire.taken(self, len(data))
        if isinstance(protocol, asyncio.Protocol):
            protocol.data_received(data)
        self._deliver_soon()

    def _lose(self, protocol: asyncio.BaseProtocol) -> None:
        self._lost = True
        if self._error is None and not self._closing and isinstance(protocol, asyncio.Protocol):
            # Nothing can be written to who closed both ways, so the answer does not matter.
            protocol.eof_received()
        protocol.connection_lost(self._error)

    # --- what the protocol asks for

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Send bytes; over a stream that is over they go nowhere."""
        if not data or self._closing or self._lost:
            return
        if self.ended:
            # A reader that pauses learns of the end by its writing.
            self._inbox.clear()
            self._reading = True
            self._deliver_soon()
            return
        for piece in _pieces(bytes(data), self._chance, self._wire.sky.options):
            self._wire.carry(self, piece)
            if self.ended:
                return
        if not self._writing_paused and self._wire.is_full(self):
            self._writing_paused = True
            if isinstance(self._protocol, asyncio.Protocol):
                self._protocol.pause_writing()

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview[Any]]) -> None:
        """Send several pieces of bytes."""
        self.write(b"".join(list_of_data))

    def close(self) -> None:
        """Read no more, and end when all that was written has found room on its way."""
        if self._closing or self._lost:
            return
        self._closing = True
        self._inbox.clear()
        self._reading = True
        if self.ended:
            self._error = None
            self._deliver_soon()
        elif not self._wire.is_full(self):
            self._wire.close(self)

    def hang_up(self) -> None:
        """As `close`."""
        self.close()

    def abort(self) -> None:
        """End at once; the other side is told that the connection was reset."""
        self._closing = True
        self._inbox.clear()
        self._reading = True
        if not self.ended:
            self._wire.break_off(self, "it was aborted here", silent=False)

    def is_closing(self) -> bool:
        """Whether it is over, or about to be."""
        return self._closing or self._lost

    def can_write_eof(self) -> bool:
        """No end is closed for writing alone."""
        return False

    def pause_reading(self) -> None:
        """Let what arrives wait, and fill the other side's buffer."""
        self._reading = False

    def resume_reading(self) -> None:
        """Read on."""
        self._reading = True
        self._deliver_soon()

    def is_reading(self) -> bool:
        """Whether what arrives is given to the protocol."""
        return self._reading and not self.is_closing()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Give what arrives from here on to another protocol."""
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Whom the stream belongs to."""
        assert self._protocol is not None
        return self._protocol


def _pieces(data: bytes, chance: Random, options: Any) -> list[bytes]:
    """What a write comes to on its way: itself, or some pieces cut at drawn places."""
    if len(data) < 2 or chance.random() >= options.fragmented_per_write:
        return [data]
    places = {chance.randrange(1, len(data)) for _ in range(chance.randrange(1, PIECES_MAX))}
    if chance.random() < CUT_IN_HEAD:
        places.add(chance.randrange(1, min(len(data), HEAD_BYTES)))
    cuts = [0, *sorted(places), len(data)]
    return [data[start:end] for start, end in zip(cuts, cuts[1:], strict=False)]


class StreamServer(asyncio.AbstractServer):
    """An endpoint that takes streams."""

    sockets: tuple[()] = ()

    def __init__(self, listener: Listener[StreamTransport], factory: ProtocolFactory) -> None:
        self._listener = listener
        self._factory = factory
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(self._accept(), name=f"{listener.name} accepts")

    async def _accept(self) -> None:
        try:
            while True:
                transport = await self._listener.accept()
                transport.begin(self._factory())
        except LinkClosed:
            # The machine's program is gone, or `close` was called.
            return

    def close(self) -> None:
        """Take no more; those that were taken go on."""
        self._listener.close()
        self._task.cancel()

    async def wait_closed(self) -> None:
        """Wait until no more is taken."""
        await asyncio.wait([self._task])

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """The loop that it belongs to."""
        return self._loop

    def is_serving(self) -> bool:
        """Whether it takes streams."""
        return not self._task.done()

    async def start_serving(self) -> None:
        """It does from the beginning."""

    async def serve_forever(self) -> None:
        """Wait until it takes no more."""
        await self.wait_closed()


class Streams:
    """The network that a virtual loop is given: endpoints of a weather, by path.

    Who listens names itself; who connects gives a `way`.
    """

    def __init__(self, weather: Weather) -> None:
        self._weather = weather

    async def listen(self, factory: ProtocolFactory, path: str) -> StreamServer:
        """Take streams at an endpoint. Raises OSError if it takes any already."""
        try:
            return StreamServer(self._weather.listen_for(path, StreamTransport), factory)
        except ValueError as error:
            raise OSError(errno.EADDRINUSE, str(error)) from error

    async def connect(
        self, factory: ProtocolFactory, path: str
    ) -> tuple[StreamTransport, asyncio.BaseProtocol]:
        """Connect by a `way`. Raises OSError: nobody listens there, or nobody answers."""
        source, _, target = path.partition(_WAY)
        try:
            transport = await self._weather.join(source, target, StreamTransport, SYN_S_MAX)
        except LinkClosed as error:
            raise ConnectionRefusedError(errno.ECONNREFUSED, str(error)) from error
        protocol = factory()
        transport.begin(protocol)
        try:
            # `begin` has only asked for it.
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            transport.close()
            raise
        return transport, protocol
