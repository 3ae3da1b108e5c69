"""A virtual loop on which a whole phone lives, and which sees when its power manager would wake it.

The phone's own reader asks the store on a thread; the loop lets no time pass until that has
answered. What is done in the context of `PHONE` is the phone's: its timers that come due, and what
others hand to it (`stir`). Holds no phone. Invariant: what a hub or a location app does on the same
loop is not the phone's.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from contextvars import Context, ContextVar, copy_context
from queue import SimpleQueue
from typing import Any, Final, TypeVarTuple, Unpack

from simulator.streams import Streams, StreamTransport
from simulator.virtual_loop import ProtocolFactory, VirtualLoop

Ts = TypeVarTuple("Ts")

OWNER: Final = ContextVar("owner", default="")
PHONE: Final = "phone"

IDLE_S: Final = 1.0
"""A processor that has had nothing to do for so long has gone to sleep; the next is a wake-up."""
RADIO_TAIL_S: Final = 15.0
"""A mobile radio stays up for 10 to 20 s after each piece that it sends or takes."""


class PhoneLoop(VirtualLoop):
    """`moments` are the seconds at which the phone had something to do, each with why."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed, executor_delay_s=(0.005, 0.02))
        self.moments: list[tuple[float, str]] = []
        self._asked = 0
        self._answers: SimpleQueue[tuple[Callable[..., object], tuple[Any, ...]]] = SimpleQueue()
        self._own_thread = threading.get_ident()

    def stir(self, why: str) -> None:
        """The phone has something to do now."""
        self.moments.append((self.time(), why))

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Run a callback at a virtual time; one of the phone's is seen when it does."""
        within = copy_context() if context is None else context
        if within.get(OWNER) != PHONE:
            return super().call_at(when, callback, *args, context=context)

        def come_due(*values: *Ts) -> None:
            self.stir("timer")
            callback(*values)

        come_due.__qualname__ = getattr(callback, "__qualname__", "timer")
        return super().call_at(when, come_due, *args, context=context)

    # --- the reader's thread

    def create_future(self) -> asyncio.Future[Any]:
        """A future; what asks a thread for its value is counted."""
        if sys._getframe(1).f_globals.get("__name__") == "aiosqlite.core":
            self._asked += 1
        return super().create_future()

    def call_soon_threadsafe(
        self,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.Handle:
        """As `call_soon`; from the reader's thread it is the answer that the loop waits for."""
        if threading.get_ident() == self._own_thread:
            return self.call_soon(callback, *args, context=context)
        self._answers.put((callback, args))
        return asyncio.Handle(callback, args, self, context)

    def _run_once(self) -> None:
        """One round; time stands still while the thread works."""
        while self._asked and not self._soon and not self._stopping:
            callback, args = self._answers.get(timeout=60)
            self._asked -= 1
            self.call_soon(callback, *args)
        super()._run_once()


class CountedStreams(Streams):
    """The network of a phone that dials a hub; each piece that goes or comes is counted."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.bytes_out = self.bytes_in = 0
        self.moments: list[float] = []

    async def connect(
        self, factory: ProtocolFactory, path: str
    ) -> tuple[StreamTransport, asyncio.BaseProtocol]:
        """Connect as the phone; what the hub does upon it is not the phone's."""
        transport, protocol = await super().connect(factory, path)
        loop, own = asyncio.get_running_loop(), copy_context()
        assert isinstance(loop, PhoneLoop)
        take, write = transport.take, transport.write

        def taken(frame: bytes) -> None:
            loop.stir("frame")
            self.moments.append(loop.time())
            self.bytes_in += len(frame)
            own.copy().run(take, frame)

        def written(data: bytes | bytearray | memoryview[Any]) -> None:
            self.moments.append(loop.time())
            self.bytes_out += len(data)
            Context().run(write, data)

        transport.take, transport.write = taken, written  # type: ignore[method-assign]
        return transport, protocol


def wake_ups(moments: Iterable[tuple[float, str]]) -> Counter[str]:
    """How often the phone was woken, by what woke it: what came after `IDLE_S` of nothing."""
    woken: Counter[str] = Counter()
    last_s = -IDLE_S
    for at_s, why in sorted(moments, key=lambda moment: moment[0]):
        if at_s - last_s >= IDLE_S:
            woken[why] += 1
        last_s = at_s
    return woken


def up(moments: Iterable[float], tail_s: float) -> tuple[int, float]:
    """How often what stays up for `tail_s` after each moment went up, and its seconds in all."""
    times, lasts_s, last_s = 0, 0.0, float("-inf")
    for at_s in sorted(moments):
        if at_s - last_s > tail_s:
            times += 1
        lasts_s += min(tail_s, at_s - last_s)
        last_s = at_s
    return times, lasts_s
