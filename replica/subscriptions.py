"""Who hears of which commits: listeners at the writer, found by what they want to hear of.

A hub has a thousand sessions, and most commits are news for one or two; so nobody is asked at a
commit, but looked up. Holds no calls. Invariants: who is told is told of everything that changed;
nobody whose interest takes a commit is left out; an interest that is set on the writer's thread
before a commit is announced holds for that commit.
"""

from __future__ import annotations

import asyncio
import math
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Iterable
from operator import attrgetter

from replica.interest import Audience, Interest


class Subscription:
    """Streams as they change: `async for streams in subscription`.

    Args:
        number: how many began before it.
        restless: where it stands from when its interest changed, or its time was brought forward,
            until it is found by them.
        chooses: whether it may ever have an interest.
    """

    def __init__(self, number: int, restless: deque[Subscription], *, chooses: bool) -> None:
        self.number = number
        self.chooses = chooses
        self._due_s = 0.0
        self._interest: Interest | None = None
        self._restless = restless
        self._streams: set[bytes] = set()
        self._ready = asyncio.Event()
        self.closed = False

    @property
    def interest(self) -> Interest | None:
        """Of what alone it hears, None of everything. May be set on any thread."""
        return self._interest

    @interest.setter
    def interest(self, interest: Interest | None) -> None:
        """Hear of this alone, from the next commit that is announced."""
        if interest is not self._interest:
            self._interest = interest
            self._restless.append(self)

    @property
    def due_s(self) -> float:
        """From when on, by the loop's clock, it hears of one commit whatever its interest; then
        never, until this is set again: whoever waits long for a turn is not told ever more."""
        return self._due_s

    @due_s.setter
    def due_s(self, due_s: float) -> None:
        """Hear of the first commit after this."""
        if due_s < self._due_s:
            self._restless.append(self)
        self._due_s = due_s

    def add(self, streams: frozenset[bytes]) -> None:
        """Announce changed streams."""
        self._streams |= streams
        self._ready.set()

    def take(self) -> frozenset[bytes]:
        """What has changed since the last time, without waiting; for those who only ask."""
        streams, self._streams = frozenset(self._streams), set()
        self._ready.clear()
        return streams

    def close(self) -> None:
        """End the iteration."""
        self.closed = True
        self._ready.set()

    async def __aiter__(self) -> AsyncIterator[frozenset[bytes]]:
        while True:
            await self._ready.wait()
            self._ready.clear()
            streams, self._streams = frozenset(self._streams), set()
            if streams:
                yield streams
            if self.closed:
                return


class Subscriptions:
    """All subscriptions of a writer. Used on the loop, but for `has_choosers` and interests."""

    def __init__(self) -> None:
        # What each is found by; None: by everything.
        self._known: dict[Subscription, Interest | None] = {}
        self._hear_all: set[Subscription] = set()
        self._by_key: defaultdict[bytes, set[Subscription]] = defaultdict(set)
        self._by_stream: defaultdict[bytes, set[Subscription]] = defaultdict(set)
        self._restless: deque[Subscription] = deque()
        self._choosers = 0
        self._begun = 0
        self._next_due_s = math.inf

    def __len__(self) -> int:
        return len(self._known)

    @property
    def has_choosers(self) -> bool:
        """Whether it is of use to know whom a commit matters to."""
        return self._choosers > 0

    def begin(self, *, chooses: bool) -> Subscription:
        """One more, which hears of everything until it has an interest."""
        subscription = Subscription(self._begun, self._restless, chooses=chooses)
        self._begun += 1
        self._known[subscription] = None
        self._hear_all.add(subscription)
        self._choosers += chooses
        return subscription

    def end(self, subscription: Subscription) -> None:
        """One less; one that has ended stays so."""
        subscription.close()
        if subscription in self._known:
            self._find_by(subscription, None)
            self._hear_all.discard(subscription)
            del self._known[subscription]
            self._choosers -= subscription.chooses

    def announce(self, changed: frozenset[bytes], audience: Audience, now_s: float) -> None:
        """Tell whoever is to hear of a commit to these streams, for this audience."""
        while self._restless:
            restless = self._restless.popleft()
            if restless in self._known:
                self._find_by(restless, restless.interest)
        for each in self._known if audience is None else self._found(changed, audience):
            each.add(changed)
        if now_s > self._next_due_s:
            self._tell_due(changed, now_s)

    def _found(self, changed: Iterable[bytes], audience: Iterable[bytes]) -> list[Subscription]:
        found = set(self._hear_all)
        for key in audience:
            found |= self._by_key.get(key, frozenset())
        for stream in changed:
            found |= self._by_stream.get(stream, frozenset())
        # A simulated world is the same each time only if they wake in the same order.
        return sorted(found, key=attrgetter("number"))

    def _tell_due(self, changed: frozenset[bytes], now_s: float) -> None:
        self._next_due_s = math.inf
        for each, interest in self._known.items():
            if interest is not None:
                if now_s > each.due_s:
                    each.add(changed)
                    each.due_s = math.inf
                self._next_due_s = min(self._next_due_s, each.due_s)

    def _find_by(self, subscription: Subscription, interest: Interest | None) -> None:
        if interest is not None:
            self._next_due_s = min(self._next_due_s, subscription.due_s)
        before, self._known[subscription] = self._known[subscription], interest
        if interest is before:
            return
        if interest is None:
            self._hear_all.add(subscription)
        else:
            self._hear_all.discard(subscription)
        none = frozenset[bytes]()
        keys = (before.keys if before else none, interest.keys if interest else none)
        holds = (before.holds if before else none, interest.holds if interest else none)
        for index, (old, new) in ((self._by_key, keys), (self._by_stream, holds)):
            for name in old - new:
                index[name].discard(subscription)
                if not index[name]:
                    del index[name]
            for name in new - old:
                index[name].add(subscription)
