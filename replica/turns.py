"""Whose turn it is at the writer: people first, then the peer that took least of late.

A replica has one writer, and its sessions share it. A peer that floods it, by malice or with the
uploads of a month, waits behind those that ask for little, so that nobody's tap and nobody's short
meeting with the hub takes long because of others. What a peer took is forgotten by halves within
seconds. Holds no calls. Invariant: turns don't overlap, and whoever waits gets one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

# Whose turns come before all others: the people at this replica, and its own parts.
PEOPLE: Final = b""

# A peer's account halves in so many ms: long beside one frame's work, short beside a meeting.
HALF_LIFE_MS: Final = 2_000
# Below this an account says nothing, and counts as none.
FORGOTTEN_MS: Final = 0.5
ACCOUNTS_FEW: Final = 64


C = TypeVar("C")


@dataclass(eq=False, slots=True)
class Waiting(Generic[C]):
    """Somebody in the line; `call` is what another may carry out for them, if any may."""

    peer: bytes
    given: asyncio.Future[bool]
    call: C | None


class Turns(Generic[C]):
    """Gives turns, one at a time.

    Args:
        uptime_ms: a monotonic clock.
    """

    def __init__(self, uptime_ms: Callable[[], int]) -> None:
        self._uptime_ms = uptime_ms
        self._taken = False
        self._waiting: list[Waiting[C]] = []
        self._spent: dict[bytes, tuple[float, int]] = {}
        self._accounts_max = ACCOUNTS_FEW

    @asynccontextmanager
    async def turn(self, peer: bytes = PEOPLE, call: C | None = None) -> AsyncIterator[bool]:
        """A turn of `peer` (its key, or `PEOPLE`) for the length of a block.

        It is False where somebody else had the turn and carried out `call` in it (`take_along`).
        """
        if not await self._wait(peer, call):
            yield False
            return
        try:
            began_ms = self._uptime_ms()
            try:
                yield True
            finally:
                if peer != PEOPLE:
                    # A call below a millisecond is no gift.
                    self._charge(peer, max(1, self._uptime_ms() - began_ms))
        finally:
            self._pass_on()

    def take_along(self, most: int) -> list[tuple[Waiting[C], C]]:
        """Calls of peers that whoever has the turn may carry out in it, in their order.

        None while people wait: they wait for one call at the most. All go to `carried` in the end.
        """
        self._waiting = [each for each in self._waiting if not each.given.done()]
        if any(each.peer == PEOPLE for each in self._waiting):
            return []
        now_ms = self._uptime_ms()
        able = [(each, each.call) for each in self._waiting if each.call is not None]
        able.sort(key=lambda pair: self._left_of(pair[0].peer, now_ms))
        taken = {id(each) for each, _ in able[:most]}
        self._waiting = [each for each in self._waiting if id(each) not in taken]
        return able[:most]

    def carried(self, those: Sequence[tuple[Waiting[C], int]], left: Sequence[Waiting[C]]) -> None:
        """What was taken along was carried out, in so many milliseconds each; `left` wait on."""
        self._waiting = [*left, *self._waiting]
        for one, _ in those:
            if not one.given.done():
                one.given.set_result(False)
        # Whatever fails here, nobody waits for it.
        for one, took_ms in those:
            self._charge(one.peer, max(1, took_ms))

    async def _wait(self, peer: bytes, call: C | None) -> bool:
        if not self._taken:
            self._taken = True
            return True
        given: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(Waiting(peer, given, call))
        try:
            return await given
        except asyncio.CancelledError:
            if given.done() and not given.cancelled():
                # It was given in the same moment: somebody else shall have it.
                if given.result():
                    self._pass_on()
            else:
                self._waiting = [each for each in self._waiting if each.given is not given]
            raise

    def _pass_on(self) -> None:
        """Give the turn to who comes first: people, then the least spent, then the longest wait."""
        # Who gave up waiting may not have run since, and still stands in the line.
        self._waiting = [each for each in self._waiting if not each.given.done()]
        if not self._waiting:
            self._taken = False
            return
        first = 0
        try:
            now_ms = self._uptime_ms()
            spent = [
                -1.0 if each.peer == PEOPLE else self._left_of(each.peer, now_ms)
                for each in self._waiting
            ]
            first = spent.index(min(spent))
        finally:
            # Whatever fails here, somebody gets it.
            self._waiting.pop(first).given.set_result(True)

    def _left_of(self, peer: bytes, now_ms: int) -> float:
        """What is left of a peer's account."""
        spent_ms, at_ms = self._spent.get(peer, (0.0, now_ms))
        # A simulated machine starts its clock anew while its program runs on.
        age_ms = max(0, now_ms - at_ms)
        left_ms: float = spent_ms * 0.5 ** (age_ms / HALF_LIFE_MS)
        return left_ms if left_ms >= FORGOTTEN_MS else 0.0

    def _charge(self, peer: bytes, took_ms: int) -> None:
        now_ms = self._uptime_ms()
        self._spent[peer] = (self._left_of(peer, now_ms) + took_ms, now_ms)
        if len(self._spent) > self._accounts_max:
            self._spent = {
                each: account
                for each, account in self._spent.items()
                if self._left_of(each, now_ms)
            }
            # Where a thousand peers all have one, to look through them at each turn takes long.
            self._accounts_max = max(ACCOUNTS_FEW, 2 * len(self._spent))
