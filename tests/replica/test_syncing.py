"""The phone tries its hub again and again, tells refusals, and stops when told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from core.log.errors import LogError
from replica import syncing
from replica.dialling import Dialler
from replica.driver import converse
from replica.link import Crowded, Link, LinkClosed, memory_link_pair
from replica.store import StoreError
from replica.syncing import BACK_OFF_S_MAX, Syncer
from replica.writer import Writer
from tests.build import Site, publish, revoke
from tests.running import until


class Line:
    """A telephone line to a hub that a test cuts and repairs."""

    def __init__(self, hub: Writer) -> None:
        self.hub = hub
        self.up = True
        self.fault: Exception | None = None
        self.calls = 0
        self.open: set[Link] = set()

    @property
    def dial(self) -> Dialler:
        @asynccontextmanager
        async def dialled() -> AsyncIterator[tuple[Link, bytes]]:
            self.calls += 1
            if self.fault is not None:
                raise self.fault
            if not self.up:
                raise LinkClosed("no network")
            near, far = memory_link_pair()
            self.open.add(near)
            answering = asyncio.get_running_loop().create_task(converse(self.hub, far, opens=False))
            try:
                yield near, b""
            finally:
                self.open.discard(near)
                await far.close()
                with suppress(LinkClosed, LogError):
                    await answering

        return dialled

    async def cut(self) -> None:
        """Take the network away."""
        self.up = False
        for link in list(self.open):
            await link.close()


class Running:
    """A syncer that runs, its line, and how often it told of a change."""

    def __init__(self, site: Site, phone: Writer, line: Line) -> None:
        self.site, self.phone, self.line = site, phone, line
        self.told = 0
        self.syncer = Syncer(phone, line.dial, self._changed)
        self.task = asyncio.get_running_loop().create_task(self.syncer.run())

    def _changed(self) -> None:
        self.told += 1

    async def live(self) -> None:
        await until(lambda: self.syncer.figures.live, "in session")

    async def stop(self) -> None:
        self.task.cancel()
        # A wake in the same moment must not swallow the end.
        self.syncer.sync_now()
        with suppress(asyncio.CancelledError):
            await asyncio.wait_for(self.task, 10)


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    site = Site(tmp_path)
    hub = site.hub()
    phone = site.phone(hub, site.worker(hub, "Aino"))
    with ThreadPoolExecutor(1) as first, ThreadPoolExecutor(1) as second:
        found = Running(site, Writer(phone, first), Line(Writer(hub, second)))
        yield found
        await found.stop()
    site.close()


async def test_it_comes_back_when_the_network_does(running: Running) -> None:
    await running.live()
    figures = running.syncer.figures
    assert figures.connected
    assert figures.met_at_ms is not None
    await running.line.cut()
    await until(lambda: not figures.connected, "it notices")
    assert not figures.live
    assert figures.refusal == "", "a lost network is no refusal"
    running.line.up = True
    running.syncer.sync_now()
    await running.live()


async def test_every_change_is_told_to_the_screens(running: Running) -> None:
    await running.live()
    before = running.told
    await running.line.cut()
    await until(lambda: running.told > before, "the screens hear of it")


async def test_a_refusal_stays_in_words_until_the_hub_agrees_again(running: Running) -> None:
    await running.live()
    hub, phone = running.line.hub.replica, running.phone.replica
    await running.line.hub.run(revoke, hub, phone.author)
    await running.line.cut()
    running.line.up = True
    running.syncer.sync_now()
    figures = running.syncer.figures
    await until(lambda: "revoked" in figures.refusal, "the words are kept")
    assert figures.refused_words == "Sync with the hub was refused."
    await running.line.cut()
    running.syncer.sync_now()
    calls = running.line.calls
    await until(lambda: running.line.calls > calls, "it tries again")
    assert "revoked" in figures.refusal, "silence does not take the words away"


@pytest.mark.parametrize(
    ("fault", "title"),
    [
        (StoreError("the disk is full; free some space"), "This phone could not save what came."),
        (ZeroDivisionError("oops"), "Sync stopped by a fault of this program."),
    ],
)
async def test_whatever_goes_wrong_is_told_and_tried_again(
    running: Running, fault: Exception, title: str
) -> None:
    await running.live()
    running.line.fault = fault
    await running.line.cut()
    running.syncer.sync_now()
    figures = running.syncer.figures
    await until(lambda: bool(figures.refusal), "it is told")
    assert figures.refused_words == title
    running.line.fault, running.line.up = None, True
    running.syncer.sync_now()
    await running.live()
    assert figures.refusal == "", "and forgotten once all is well"


async def test_a_hub_that_is_gone_is_asked_less_and_less(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncing, "BACK_OFF_S_MIN", 0.01)
    await running.live()
    await running.line.cut()
    loop = asyncio.get_running_loop()
    times = []
    for wanted in range(running.line.calls + 1, running.line.calls + 6):
        while running.line.calls < wanted:  # noqa: ASYNC110  # the line has no event
            await asyncio.sleep(0.01)
        times.append(loop.time())
    pauses = [later - earlier for earlier, later in zip(times, times[1:], strict=False)]
    assert pauses[-1] > pauses[0]
    assert BACK_OFF_S_MAX >= 60


async def test_a_hub_that_serves_others_first_is_asked_again_soon_and_is_no_refusal(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncing, "BACK_OFF_S_MIN", 0.01)
    monkeypatch.setattr(syncing, "CROWDED_S_MAX", 0.02)
    await running.live()
    running.line.fault = Crowded("the hub serves others first")
    await running.line.cut()
    # As often as a hub that is gone would be put off for a minute and more.
    await until(lambda: running.line.calls > 14, "it is asked again and again")
    assert running.syncer.figures.refusal == ""
    running.line.fault, running.line.up = None, True
    await running.live()


async def test_phones_that_lost_their_hub_at_one_moment_come_back_one_by_one(
    running: Running,
) -> None:
    other = running.site.phone(running.line.hub.replica, running.site.worker(
        running.line.hub.replica, "Ben"
    ))  # fmt: skip
    with ThreadPoolExecutor(1) as executor:
        second = Syncer(Writer(other, executor), running.line.dial, lambda: None)
        spreads = []
        for tries in range(100):
            for syncer in (running.syncer, second):
                syncer.figures.tries = tries
                spreads.append(syncer._spread())
    assert len(set(spreads)) == 200, "another for each phone and each try"
    assert 0.5 <= min(spreads) < 0.6
    assert 1.4 < max(spreads) < 1.5


async def test_a_device_published_again_syncs_again(running: Running) -> None:
    """A certificate that the hub meets for the first time in the hello is taken up."""
    publish(running.line.hub.replica, running.phone.replica.identity.own)
    await running.live()
