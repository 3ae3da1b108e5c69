"""One phone of a live run: a real replica in a folder, its session with the hub, and its worker.

What a tap takes until the hub has confirmed all that it wrote is noted as it happens. All phones of
a process share its one thread. Holds no plan of the day. Invariant: what a worker does goes through
`act`, and the only address that is dialled is the target's.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import Executor, Future
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from core.dispatch.acts import Act
from replica.clock import Clock, SystemClock
from replica.dialling import Dialler, hub_dialler
from replica.joining import join_by_link
from replica.link import Link, LinkClosed
from replica.opening import open_phone
from replica.replica import Replica, Written
from replica.syncing import Syncer
from replica.writer import Writer
from simulator.live.tally import Tally
from simulator.live.target import Target
from simulator.world.truth import Truth

_LOGS: Final = "SELECT log, height FROM log WHERE stream = ? AND author = ? AND branch = x''"
_CONFIRMED: Final = "SELECT max(height) FROM confirmed WHERE log = ?"
_UNSENT: Final = """
    SELECT coalesce(sum(log.height - log.base), 0), coalesce(sum(log.height - max(log.base,
        coalesce((SELECT max(height) FROM confirmed WHERE confirmed.log = log.log), 0))), 0)
    FROM log WHERE author = ?
"""
_NEXT_PLACE: Final = """
    SELECT job.lat_e7, job.lon_e7 FROM assignment JOIN job USING (job)
    WHERE assignment.worker = ? AND job.lat_e7 IS NOT NULL
      AND assignment.phase NOT IN ('withdrawn', 'released', 'finished', 'rejected')
    ORDER BY assignment.assigned_at LIMIT 1
"""


class HereAndNow(Executor):
    """Runs a call where it is asked for: a process full of phones has no threads for them."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **named: Any) -> Future[Any]:
        """The call's outcome, which is there already."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **named))
        except BaseException as error:  # noqa: BLE001  # whatever it is, it is the caller's
            future.set_exception(error)
        return future


class ShiftedClock(SystemClock):
    """The machine's clock, so many milliseconds off."""

    def __init__(self, offset_ms: int) -> None:
        super().__init__()
        self._offset_ms = offset_ms

    def now_ms(self) -> int:
        """As a wrong clock says it."""
        return super().now_ms() + self._offset_ms


class LivePhone:
    """A phone with its worker.

    Args:
        folder: where it keeps everything; made when it joins.
        worker: its worker's stream id in hex.
        truth: the book of what workers of this process know to run.
    """

    def __init__(
        self,
        folder: Path,
        target: Target,
        worker: str,
        clock: Clock,
        entropy: Callable[[int], bytes],
        tally: Tally,
        truth: Truth,
    ) -> None:
        self.folder = folder
        self.worker = bytes.fromhex(worker)
        self.clock: Clock = clock
        self.truth = truth
        self.has_network = True
        self.wrote_offline = 0
        self._target = target
        self._entropy = entropy
        self._tally = tally
        self._replica: Replica | None = None
        self._writer: Writer | None = None
        self._syncer: Syncer | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._waiting: dict[int, deque[tuple[int, float, bool]]] = {}
        self._log_by_stream: dict[bytes, int] = {}
        self._links: set[Link] = set()

    # --- its program

    async def join(self, link: str) -> None:
        """Join by an enrolment's link, and open the store. Raises EnrolmentRefused."""
        self.folder.mkdir(mode=0o700, parents=True)
        await join_by_link(self.folder, link, self._entropy)
        self.open()

    def open(self) -> None:
        """Open the store as a program that starts does."""
        replica = open_phone(self.folder, self.clock, self._entropy)
        assert replica is not None, "it has joined"
        self._replica = replica
        self._writer = Writer(replica, HereAndNow())
        self._log_by_stream.clear()

    @property
    def replica(self) -> Replica:
        """Its replica, while it is open."""
        assert self._replica is not None, "it is open"
        return self._replica

    def come_on(self) -> None:
        """Keep in session with the hub from here on."""
        if self._tasks or self._writer is None:
            return
        self._syncer = Syncer(self._writer, self._dialler(), self._heard)
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self._syncer.run()),
            loop.create_task(self._watch(self._writer)),
        ]

    async def go_off(self) -> None:
        """End the session and what runs for it."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                self._tally.failed(f"a part of a phone stopped: {ended!r}"[:200])
        self._syncer = None

    async def die_and_come_back(self) -> None:
        """The program is killed, and started again on the files as they are."""
        was_on = bool(self._tasks)
        await self.go_off()
        self.close()
        self._forget_waiting()
        self.open()
        if was_on:
            self.come_on()

    def close(self) -> None:
        """Close the store."""
        if self._replica is not None:
            self._replica.close()
        self._replica = self._writer = None

    def remove(self) -> None:
        """Close the store and remove the folder: the key is used no more."""
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _dialler(self) -> Dialler:
        async def only_the_target() -> list[Any]:
            return [self._target.hub]

        dial = hub_dialler(only_the_target)

        @asynccontextmanager
        async def where_there_is_a_network() -> AsyncIterator[tuple[Link, bytes]]:
            if not self.has_network:
                raise LinkClosed("there is no network here")
            began_s = time.perf_counter()
            async with dial() as (link, channel):
                self._tally.took("connection", 1_000 * (time.perf_counter() - began_s))
                counted = CountedLink(link, self._tally)
                self._links.add(counted)
                try:
                    yield counted, channel
                finally:
                    self._links.discard(counted)

        return where_there_is_a_network

    # --- the network

    async def lose_network(self) -> None:
        """From here no frame goes either way; what is on its way is confirmed later."""
        self.has_network = False
        self._forget_waiting()
        for link in list(self._links):
            with contextlib.suppress(LinkClosed):
                await link.close()

    def find_network(self) -> None:
        """The network is back."""
        self.has_network = True
        if self._syncer is not None:
            self._syncer.sync_now()

    @property
    def is_live(self) -> bool:
        """Whether its session has come to agree with the hub."""
        return self._syncer is not None and self._syncer.figures.live

    @property
    def is_connected(self) -> bool:
        """Whether it holds a connection to the hub."""
        return self._syncer is not None and self._syncer.figures.connected

    @property
    def has_met(self) -> bool:
        """Whether it has agreed with the hub since its program came on."""
        return self._syncer is not None and self._syncer.figures.met_at_ms is not None

    @property
    def refusal(self) -> str:
        """Why the hub refuses it, '' where it does not."""
        return "" if self._syncer is None else self._syncer.figures.refusal

    def place(self) -> tuple[int, int] | None:
        """Where its next job lies, which is where the worker is; degrees x 10^7."""
        row = self.replica.store.db.execute(_NEXT_PLACE, (self.worker.hex(),)).fetchone()
        return None if row is None else (row[0], row[1])

    def entries(self) -> tuple[int, int]:
        """How many entries it wrote, and how many of them no hub has confirmed."""
        row = self.replica.store.db.execute(_UNSENT, (self.replica.author,)).fetchone()
        return int(row[0]), int(row[1])

    # --- what its worker does

    async def act(
        self,
        make: Callable[[Replica], Act],
        *,
        actor: bytes = b"",
        basis: Mapping[bytes, str] | None = None,
    ) -> Written | None:
        """Commit the act that `make` decides on from what the store shows; None if on nothing."""

        def write(replica: Replica) -> Written | None:
            with replica.store.transaction():
                changes = make(replica)
                return replica.write(changes, actor=actor, basis=basis) if changes else None

        assert self._writer is not None, "it is open"
        began_s = time.perf_counter()
        written = await self._writer.act(write, self.replica)
        if written is None:
            return None
        self._tally.took("tap", 1_000 * (time.perf_counter() - began_s))
        self._tally.count("taps")
        self._tally.count("entries written", len(written.hash_by_stream))
        await_s = began_s if self.is_live else 0.0
        self._expect(written, await_s)
        return written

    def _expect(self, written: Written, began_s: float) -> None:
        """The tap is over for its worker; it is over for the site when the hub has it all."""
        db, author = self.replica.store.db, self.replica.author
        if not began_s:
            self.wrote_offline += len(written.hash_by_stream)
        for number, stream in enumerate(written.hash_by_stream):
            row = db.execute(_LOGS, (stream, author)).fetchone()
            self._log_by_stream[stream] = row[0]
            # Of an act over several streams the last one confirmed ends the wait of all.
            waiting = self._waiting.setdefault(row[0], deque())
            waiting.append((row[1], began_s, number == len(written.hash_by_stream) - 1))

    def _forget_waiting(self) -> None:
        """What was on its way when the link went is confirmed after the next meeting."""
        for log, waiting in self._waiting.items():
            self._waiting[log] = deque((height, 0.0, last) for height, _, last in waiting)

    async def _watch(self, writer: Writer) -> None:
        subscription = writer.subscribe()
        try:
            async for streams in subscription:
                for stream in streams:
                    log = self._log_by_stream.get(stream)
                    if log is not None and self._waiting.get(log):
                        self._confirmed(log)
        finally:
            writer.unsubscribe(subscription)

    def _confirmed(self, log: int) -> None:
        row = self.replica.store.db.execute(_CONFIRMED, (log,)).fetchone()
        height, waiting = row[0] or 0, self._waiting[log]
        now_s = time.perf_counter()
        while waiting and waiting[0][0] <= height:
            _, began_s, is_last = waiting.popleft()
            self._tally.count("entries confirmed")
            if began_s and is_last:
                self._tally.took("acknowledgement", 1_000 * (now_s - began_s))

    def _heard(self) -> None:
        """The session began, agreed or ended."""
        if self.is_live:
            for log in list(self._waiting):
                if self._waiting[log]:
                    self._confirmed(log)


class CountedLink:
    """A link whose bytes are counted."""

    def __init__(self, link: Link, tally: Tally) -> None:
        self._link = link
        self._tally = tally

    async def send(self, frame: bytes) -> None:
        """Send one frame."""
        self._tally.count("bytes sent", len(frame))
        await self._link.send(frame)

    async def receive(self) -> bytes:
        """The next frame."""
        frame = await self._link.receive()
        self._tally.count("bytes received", len(frame))
        return frame

    async def close(self) -> None:
        """End the link."""
        await self._link.close()
