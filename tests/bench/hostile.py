"""How much slower an honest phone is served while seven hostile ones press the hub.

Real sessions over links in memory that hold a few frames each way, as sockets do; the hub has its
writer thread. Hostile phones hold sessions, throw frames as fast as the hub takes them and come
again when they are shown out. An honest phone brings a day of a worker and fetches the jobs of the
next one; the same beside phones that are quiet, in turns. Invariant: at the end of each turn the
hub holds all that the honest phone wrote.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

from core.log.errors import LogError
from core.log.session import Send, Session
from replica.driver import Hooks, converse
from replica.link import Link, LinkClosed
from replica.replica import Replica
from replica.writer import Writer
from simulator.hostile.forging import Forger
from simulator.hostile.lying import LyingShelf
from simulator.hostile.volley import Volley
from tests.bench.measuring import ROUNDS, Row, Timing, in_turns, watched
from tests.build import START_MS, Site, clock_of
from tests.proof.acting import Hand

HOSTILE = 7
ENTRIES = 480
JOBS = 60
# Frames that a link holds in each direction before its sender waits.
BUFFER_FRAMES = 4
# Frames that a hostile phone has at hand, so that making them takes no time of the measurement.
FRAMES = 60
SLOWER_MAX = 2.0
DAY = "2026-03-02"


class BufferedLink:
    """One end of a link whose senders wait while the other end takes nothing."""

    def __init__(self, coming: asyncio.Queue[bytes], going: asyncio.Queue[bytes]) -> None:
        self._coming = coming
        self._going = going
        self._over = asyncio.Event()
        self.other: BufferedLink | None = None

    async def send(self, frame: bytes) -> None:
        """Send one frame."""
        await self._unless_over(self._going.put(frame))

    async def receive(self) -> bytes:
        """The next frame."""
        frame = await self._unless_over(self._coming.get())
        assert isinstance(frame, bytes)
        return frame

    async def _unless_over(self, doing: object) -> object:
        if self._over.is_set():
            doing.close()  # type: ignore[attr-defined]
            raise LinkClosed("the link was closed")
        loop = asyncio.get_running_loop()
        done, waiting = await asyncio.wait(
            [loop.create_task(doing), loop.create_task(self._over.wait())],  # type: ignore[arg-type]
            return_when=asyncio.FIRST_COMPLETED,
        )
        for task in waiting:
            task.cancel()
        if self._over.is_set():
            raise LinkClosed("the link was closed")
        return next(iter(done)).result()

    async def close(self) -> None:
        """Close both ends."""
        self._over.set()
        if self.other is not None:
            self.other._over.set()


def buffered_pair() -> tuple[BufferedLink, BufferedLink]:
    """Two joined ends."""
    ways: tuple[asyncio.Queue[bytes], asyncio.Queue[bytes]] = (
        asyncio.Queue(BUFFER_FRAMES),
        asyncio.Queue(BUFFER_FRAMES),
    )
    one, two = BufferedLink(*ways), BufferedLink(*reversed(ways))
    one.other, two.other = two, one
    return one, two


@dataclass
class Press:
    """A hub, an honest phone with its worker, and others that are quiet or hostile."""

    site: Site
    hub: Replica
    phone: Replica
    worker: bytes
    others: list[Replica]
    chance: Random

    def new_work(self) -> None:
        """A day of the worker on the phone, and the jobs of the next one on the hub."""
        for number in range(JOBS):
            clock_of(self.hub).pass_ms(60_000)
            self.site.job(self.hub, f"Job {number}", self.worker)
        hand = Hand(self.worker, self.chance)
        for _ in range(ENTRIES):
            clock_of(self.phone).pass_ms(60_000)
            self.phone.write(hand.changes(self.phone, DAY))

    def is_served(self) -> bool:
        """Whether the hub holds all that the phone wrote."""
        heads = [_own_heads(replica, self.phone.author) for replica in (self.phone, self.hub)]
        return heads[0] == heads[1]


def hostile_rows(rounds: int = ROUNDS) -> list[Row]:
    """An honest phone's meeting beside hostile phones, against the same beside quiet ones."""
    with _pressed() as press:
        works = {
            "quiet": lambda: asyncio.run(_meeting(press, hostile=False)),
            "hostile": lambda: asyncio.run(_meeting(press, hostile=True)),
        }
        found = in_turns(works, rounds)
    quiet, hostile = (
        statistics.median(timing.wall_s for timing in found[name]) * 1_000
        for name in ("quiet", "hostile")
    )
    slower = hostile / quiet
    return [
        Row(
            "bench_hostile_meeting", hostile, "ms", f"beside {HOSTILE} quiet phones", quiet,
            f"< {SLOWER_MAX:g} of it", slower < SLOWER_MAX,
        )
    ]  # fmt: skip


@contextmanager
def _pressed() -> Iterator[Press]:
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder))
        hub = site.hub("A")
        workers = [site.worker(hub, f"Worker {number}") for number in range(1 + HOSTILE)]
        phone, *others = [site.phone(hub, worker) for worker in workers]
        yield Press(site, hub, phone, workers[0], others, Random(4))
        site.close()


async def _meeting(press: Press, *, hostile: bool) -> Timing:
    """From dialling until the hub has the day and the phone the jobs."""
    press.new_work()
    async with AsyncExitStack() as stack:
        hub = Writer(press.hub, stack.enter_context(ThreadPoolExecutor(1)))
        phone = Writer(press.phone, stack.enter_context(ThreadPoolExecutor(1)))
        for number, other in enumerate(press.others):
            beside = _pressing(hub, other, number) if hostile else _quiet(hub, other)
            await stack.enter_async_context(beside)
        with watched() as watch:
            await _until_live(hub, phone)
    assert press.is_served()
    return watch.of(1)


async def _until_live(hub: Writer, phone: Writer) -> None:
    live = asyncio.Event()

    async def met() -> None:
        live.set()

    one, two = buffered_pair()
    async with asyncio.TaskGroup() as group:
        group.create_task(_hold(hub, two, opens=False))
        group.create_task(_hold(phone, one, opens=True, hooks=Hooks(live=met)))
        await live.wait()
        await one.close()


async def _hold(writer: Writer, link: Link, *, opens: bool, hooks: Hooks | None = None) -> None:
    with suppress(LinkClosed, LogError):
        await converse(writer, link, opens=opens, hooks=hooks)


@asynccontextmanager
async def _quiet(hub: Writer, replica: Replica) -> AsyncIterator[None]:
    """A phone that is live and has nothing to say."""
    live = asyncio.Event()

    async def met() -> None:
        live.set()

    one, two = buffered_pair()
    with ThreadPoolExecutor(1) as executor:
        async with asyncio.TaskGroup() as group:
            group.create_task(_hold(hub, two, opens=False))
            own = Writer(replica, executor)
            group.create_task(_hold(own, one, opens=True, hooks=Hooks(live=met)))
            await live.wait()
            yield
            await one.close()


@asynccontextmanager
async def _pressing(hub: Writer, replica: Replica, number: int) -> AsyncIterator[None]:
    """A hostile phone that throws frames as fast as the hub takes them."""
    chance = Random(number)
    forger = Forger(replica.identity, chance, lambda: START_MS, lambda _: None)
    for _ in range(10):
        forger.forge()
    volley = Volley(forger, chance, bytes(32))
    frames = [volley.frame(polite=index % 4 != 0) for index in range(FRAMES)]
    let_in = asyncio.Event()
    loop = asyncio.get_running_loop()
    pressing = loop.create_task(_press(hub, forger, chance, frames, let_in))
    await let_in.wait()
    try:
        yield
    finally:
        pressing.cancel()
        await asyncio.wait([pressing])


async def _press(
    hub: Writer, forger: Forger, chance: Random, frames: list[bytes], let_in: asyncio.Event
) -> None:
    while True:
        one, two = buffered_pair()
        session = Session(LyingShelf(forger, chance), opens=True, nonce=chance.randbytes(16))
        known = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(_hold(hub, two, opens=False))
            listening = group.create_task(_listen(session, one, known))
            await known.wait()
            let_in.set()
            with suppress(LinkClosed):
                while not serving.done():
                    await one.send(chance.choice(frames))
            await one.close()
            await asyncio.wait([listening])


async def _listen(session: Session, link: Link, known: asyncio.Event) -> None:
    with suppress(LinkClosed):
        effects = session.open()
        while True:
            for effect in effects:
                if isinstance(effect, Send):
                    await link.send(effect.frame)
            if session.peer is not None:
                known.set()
            effects = session.receive(await link.receive())


def _own_heads(replica: Replica, author: bytes) -> set[tuple[bytes, int, bytes]]:
    rows = replica.store.db.execute(
        "SELECT stream, height, head FROM log WHERE author = ?", (author,)
    )
    return set(rows.fetchall())
