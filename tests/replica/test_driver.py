"""The driver carries a session over a link, and its end is told by what broke first."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.dispatch import acts
from core.dispatch.fields import Kind, Phase
from core.log import messages
from core.log.certificate import Certificate
from core.log.errors import LogError, Malformed, Revoked
from core.log.messages import Ack
from replica.driver import LOOK_S, Conversation, Hooks, converse
from replica.link import LinkClosed, memory_link_pair
from replica.replica import Replica
from replica.scope import RETENTION_DAYS
from replica.writer import Writer
from simulator.virtual_loop import VirtualLoop, run
from tests.build import START_MS, YEAR_MS, Site, clock_of, hold, revoke, streams_of


@dataclass
class Pair:
    """A phone and a hub, each with a writer thread of its own."""

    site: Site
    worker: bytes
    hub: Writer
    phone: Writer


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    site = Site(tmp_path)
    hub = site.hub()
    worker = site.worker(hub, "Aino")
    phone = site.phone(hub, worker)
    with ThreadPoolExecutor(1) as first, ThreadPoolExecutor(1) as second:
        yield Pair(site, worker, Writer(hub, first), Writer(phone, second))
    site.close()


class Talk:
    """Both ends of a conversation as tasks, with what their hooks were told."""

    def __init__(self, pair: Pair) -> None:
        self.ends = memory_link_pair()
        self.live = (asyncio.Event(), asyncio.Event())
        self.met: list[Certificate] = []
        self.seen: list[dict[int, int]] = []
        self.conversations: list[Conversation] = []
        self.tasks = [
            asyncio.get_running_loop().create_task(
                converse(
                    writer,
                    self.ends[index],
                    opens=index == 0,
                    hooks=Hooks(met=self._met, live=self._live(index), seen=self._seen),
                    started=self.conversations.append,
                )
            )
            for index, writer in enumerate((pair.phone, pair.hub))
        ]

    async def _met(self, peer: Certificate) -> None:
        self.met.append(peer)

    async def _seen(self, peer: Certificate, presence: dict[int, int]) -> None:
        self.seen.append(presence)

    def _live(self, index: int) -> Callable[[], Awaitable[None]]:
        async def live() -> None:
            self.live[index].set()

        return live

    async def both_live(self) -> None:
        async with asyncio.timeout(20):
            await self.live[0].wait()
            await self.live[1].wait()

    async def end(self) -> list[BaseException | None]:
        for end in self.ends:
            await end.close()
        return await asyncio.wait_for(asyncio.gather(*self.tasks, return_exceptions=True), 20)


async def held(replica: Replica, stream: bytes) -> None:
    for _ in range(1_000):
        if replica.store.db.execute("SELECT 1 FROM stream WHERE stream = ?", (stream,)).fetchone():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came")


async def test_both_come_to_agree_and_what_is_written_then_is_pushed(pair: Pair) -> None:
    talk = Talk(pair)
    await talk.both_live()
    assert {peer.author for peer in talk.met} == {
        pair.hub.replica.author,
        pair.phone.replica.author,
    }
    job = pair.site.new_id(Kind.JOB)
    changes = acts.create_job(job, {"title": "Boiler"}) + acts.assign(job, pair.worker, b"turn-one")
    await pair.hub.run(pair.hub.replica.write, changes)
    await held(pair.phone.replica, job)
    first = talk.conversations[0]
    assert first.frames_in >= 3
    assert first.bytes_out > 100
    assert all(isinstance(error, LinkClosed) for error in await talk.end())


async def test_presence_goes_over_and_is_not_in_the_log(pair: Pair) -> None:
    talk = Talk(pair)
    await talk.both_live()
    before = pair.hub.replica.position()
    opener = talk.conversations[0]
    await opener.carry_out(opener.session.presence({0: START_MS, 7: 1}))
    for _ in range(500):
        if talk.seen:
            break
        await asyncio.sleep(0.01)
    assert talk.seen == [{0: START_MS, 7: 1}]
    assert pair.hub.replica.position() == before
    await talk.end()


async def test_a_refusal_is_what_both_sides_are_told(pair: Pair) -> None:
    revoke(pair.hub.replica, pair.phone.replica.author)
    talk = Talk(pair)
    errors = await asyncio.wait_for(asyncio.gather(*talk.tasks, return_exceptions=True), 20)
    assert [type(error) for error in errors] == [Revoked, Revoked]
    assert all("revoked" in str(error) for error in errors)


async def test_a_broken_rule_is_told_before_the_link_that_ended_by_it(pair: Pair) -> None:
    talk = Talk(pair)
    await talk.both_live()
    await talk.ends[0].send(messages.write(Ack(99)))
    errors = await asyncio.wait_for(asyncio.gather(*talk.tasks, return_exceptions=True), 20)
    assert isinstance(errors[1], Malformed)
    assert isinstance(errors[0], LogError), "the other side is told by name, too"


async def test_a_link_that_goes_down_ends_it_and_nobody_listens_on(pair: Pair) -> None:
    talk = Talk(pair)
    await talk.both_live()
    await talk.end()
    assert len(pair.hub._subscriptions) == len(pair.phone._subscriptions) == 0


async def test_a_conversation_that_is_cancelled_closes_its_link(pair: Pair) -> None:
    talk = Talk(pair)
    await talk.both_live()
    talk.tasks[0].cancel()
    errors = await asyncio.wait_for(asyncio.gather(*talk.tasks, return_exceptions=True), 20)
    assert isinstance(errors[0], asyncio.CancelledError)
    assert isinstance(errors[1], LinkClosed)


async def test_an_expired_phone_is_told_by_its_hubs_clock(pair: Pair) -> None:
    clock_of(pair.hub.replica).wall_ms += 2 * YEAR_MS
    talk = Talk(pair)
    errors = await asyncio.wait_for(asyncio.gather(*talk.tasks, return_exceptions=True), 20)
    assert "run out" in str(errors[0])


def test_a_closed_job_leaves_a_phone_that_stays_connected_while_nobody_writes(pair: Pair) -> None:
    hub, phone = pair.hub.replica, pair.phone.replica
    job, (turn,) = pair.site.job(hub, "Boiler", pair.worker)
    hold(phone, hub)
    phone.write(acts.set_phase(job, pair.worker, turn, Phase.FINISHED))
    hold(phone, hub)
    days_s = RETENTION_DAYS * 86_400

    async def a_month(loop: VirtualLoop) -> tuple[bool, bool]:
        talk = Talk(pair)
        await talk.both_live()
        came_to = []
        for seconds in (days_s - 3_600, 2 * 3_600):
            clock_of(hub).pass_ms(seconds * 1_000)
            await asyncio.sleep(3_600)
            came_to.append(job in streams_of(phone))
        await talk.end()
        return came_to[0], came_to[1]

    assert run(a_month, 1).value == (True, False)


def test_a_closed_job_leaves_it_with_any_commit_a_minute_after_the_last_look(pair: Pair) -> None:
    hub, phone = pair.hub.replica, pair.phone.replica
    job, (turn,) = pair.site.job(hub, "Boiler", pair.worker)
    hold(phone, hub)
    phone.write(acts.set_phase(job, pair.worker, turn, Phase.FINISHED))
    hold(phone, hub)

    async def some_minutes(loop: VirtualLoop) -> list[bool]:
        talk = Talk(pair)
        await talk.both_live()
        came_to = []
        for days, pause_s in ((0, LOOK_S + 1), (RETENTION_DAYS + 1, LOOK_S / 2), (0, LOOK_S)):
            clock_of(hub).pass_ms(days * 86_400_000)
            await asyncio.sleep(pause_s)
            # What is none of the phone's business.
            customer = pair.site.new_id(Kind.CUSTOMER)
            await pair.hub.run(hub.write, acts.edit_customer(customer, {"name": "Letna"}))
            await asyncio.sleep(5)
            came_to.append(job in streams_of(phone))
        await talk.end()
        return came_to

    assert run(some_minutes, 1).value == [True, True, False]
