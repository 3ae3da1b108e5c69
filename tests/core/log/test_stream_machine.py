"""A stream in several places at once, as Hypothesis plays it: written, brought, forked, cut.

Each place holds some of a stream's entries and grows its state as a replica does: entry by entry
where that is allowed, folded whole where it is not. What an entry names as seen is drawn from all
that was ever written, so that it also names what a place does not hold. Holds no sessions.
Invariant, at every step: a place's state is the fold of what it holds, and the reference model's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from core.dispatch import fields
from core.log.canonical import pack
from core.log.certificate import Standing
from core.log.stream import Stored, StreamState
from tests.core.log.authors import AT_MS, STREAM, Log, author_of, standing
from tests.core.log.merge_cases import SITE, permits
from tests.core.log.reference import Reference
from tests.core.log.test_merge_cases import BOTH, inert, one_of, visible

# A hub, a dispatcher, and two workers, who may write less: each at a place of its own.
ROLES = {"north": 3, "eva": 2, "ana": 1, "bo": 1}
NAMES = sorted(ROLES)
PATHS: tuple[tuple[Any, ...], ...] = (
    (fields.TITLE,),
    (fields.ADDRESS,),
    (fields.NOTE, b"note-one"),
    (fields.TICK, 1),
)
CLOCKS_MS = (AT_MS, AT_MS, AT_MS + 10_000, 0, AT_MS + 10 * 365 * 86_400_000)
ENTRIES_MAX = 24
PLACES = st.integers(0, len(NAMES) - 1)


@dataclass
class Place:
    """What one replica holds: entries in the order in which they came, and the state so far.

    `state` is None where the stream has to be folded when it is next asked for.
    """

    log: Log
    held: list[Stored] = field(default_factory=list)
    state: StreamState | None = None

    def holds(self, stored: Stored) -> bool:
        return any(each.hash == stored.hash for each in self.held)


class Streams(RuleBasedStateMachine):
    """The rules; what they come to is compared after each of them."""

    def __init__(self) -> None:
        super().__init__()
        self.places = [Place(Log(name, site=SITE)) for name in NAMES]
        self.written: list[Stored] = []
        self.revoked: set[bytes] = set()
        self.tips: list[list[bytes]] = [[]]

    # --- what is known of everybody

    def standings(self) -> dict[bytes, Standing]:
        return {
            author_of(name): standing(role, revoked=author_of(name) in self.revoked)
            for name, role in ROLES.items()
        }

    def state_of(self, place: Place) -> StreamState:
        if place.state is None:
            place.state = self.fold(place.held)
        return place.state

    def fold(self, held: list[Stored]) -> StreamState:
        return StreamState.build(SITE, STREAM, held, self.standings(), permits, BOTH)

    def take(self, place: Place, run: list[Stored]) -> None:
        """Entries that follow each other come in, and are folded when the state is asked for."""
        new = [stored for stored in run if not place.holds(stored)]
        place.held += new
        if place.state is not None and not place.state.extend_all(new, one_of(self.standings())):
            place.state = None

    # --- rules

    @initialize()
    def the_hub_makes_the_job(self) -> None:
        hub = self.places[NAMES.index("north")]
        self.written.append(hub.log.write([((fields.TITLE,), "Boiler")]))
        self.take(hub, [self.written[-1]])

    @rule(
        at=PLACES,
        changes=st.lists(
            st.tuples(st.sampled_from(PATHS), st.sampled_from(["a", "b", True, 7])),
            min_size=1,
            max_size=2,
            unique_by=lambda change: change[0],
        ),
        seen=st.lists(st.integers(0, ENTRIES_MAX), max_size=3),
        basis=st.none() | st.integers(0, ENTRIES_MAX),
        clock=st.sampled_from(CLOCKS_MS),
        by_rule=st.booleans(),
        version=st.sampled_from([1, 1, 1, 2]),
    )
    def somebody_writes_anything(
        self,
        at: int,
        changes: list[tuple[Any, Any]],
        seen: list[int],
        basis: int | None,
        clock: int,
        by_rule: bool,
        version: int,
    ) -> None:
        """It names as seen whatever there was, and writes from any page that there was."""
        if len(self.written) >= ENTRIES_MAX:
            return
        place = self.places[at]
        named = [self.written[each % len(self.written)] for each in seen]
        self.tips.append(self.state_of(place).tips())
        stored = place.log.write(
            changes,
            seen=named,
            basis=None if basis is None else self.tips[basis % len(self.tips)],
            wall_ms=clock,
            by_rule=by_rule,
            version=version,
        )
        self.written.append(stored)
        self.take(place, [stored])

    @rule(at=PLACES, path=st.sampled_from(PATHS), value=st.sampled_from(["a", "b", True]))
    def somebody_honest_writes(self, at: int, path: tuple[Any, ...], value: Any) -> None:
        self.write_honestly(self.places[at], path, value)

    @rule(path=st.sampled_from(PATHS), value=st.sampled_from(["a", "b", True]))
    def everybody_writes(self, path: tuple[Any, ...], value: Any) -> None:
        for place in self.places:
            self.write_honestly(place, path, value)

    def write_honestly(self, place: Place, path: tuple[Any, ...], value: Any) -> None:
        if len(self.written) < ENTRIES_MAX:
            seen = self.state_of(place).unseen_by((place.log.author, b""))
            self.written.append(place.log.write([(path, value)], seen=seen))
            self.take(place, [self.written[-1]])

    @rule(at=PLACES, body=st.sampled_from([b"\xc0", b"\x93\x01\x02\x03", b"\x91\xcc\xff"]))
    def somebody_writes_what_nobody_can_read(self, at: int, body: bytes) -> None:
        if len(self.written) < ENTRIES_MAX:
            place = self.places[at]
            self.written.append(place.log.write_bytes(body))
            self.take(place, [self.written[-1]])

    @rule(to=PLACES, which=st.integers(0, ENTRIES_MAX), most=st.integers(1, 4))
    def some_of_a_log_is_brought(self, to: int, which: int, most: int) -> None:
        """In the order of the chain, as every session sends; a fork's branches one by one."""
        place = self.places[to]
        known = {stored.hash for stored in place.held}
        starts = [
            stored
            for stored in self.written
            if stored.hash not in known and (stored.seq == 1 or stored.previous in known)
        ]
        if not starts:
            return
        run = [starts[which % len(starts)]]
        for stored in self.written:
            if len(run) < most and stored.previous == run[-1].hash and stored.hash not in known:
                run.append(stored)
        self.take(place, run)

    @rule(to=PLACES)
    def all_that_can_be_is_brought(self, to: int) -> None:
        self.take(self.places[to], self.written)

    @rule(at=PLACES, kept=st.integers(0, 4), path=st.sampled_from(PATHS))
    def somebody_goes_on_from_an_old_copy(self, at: int, kept: int, path: tuple[Any, ...]) -> None:
        """Its next entry forks its log, wherever what it forgot is held."""
        place = self.places[at]
        place.log = place.log.fork(min(kept, len(place.log.entries)))
        self.write_honestly(place, path, "copy")

    @rule(name=st.sampled_from(["eva", "ana", "bo"]), at=st.integers(0, ENTRIES_MAX))
    def a_key_is_shut_out(self, name: str, at: int) -> None:
        """Everybody hears of it at once: who has heard what is for the site's stream to say."""
        if len(self.written) < ENTRIES_MAX // 3:
            # Where somebody is shut out all is folded whole; much is to grow before.
            return
        self.revoked.add(author_of(name))
        for place in self.places:
            place.state = None
        self.the_hub_cuts_a_log(name, at)

    @rule(name=st.sampled_from(["eva", "ana", "bo"]), at=st.integers(0, ENTRIES_MAX))
    def a_log_is_cut(self, name: str, at: int) -> None:
        self.the_hub_cuts_a_log(name, at)

    def the_hub_cuts_a_log(self, name: str, at: int) -> None:
        hub = self.places[NAMES.index("north")]
        own = [stored for stored in hub.held if stored.author == author_of(name)]
        if own and len(self.written) < ENTRIES_MAX:
            last = own[at % len(own)]
            path = (fields.CUT, last.author)
            self.written.append(hub.log.write([(path, [last.seq, last.hash])]))
            self.take(hub, [self.written[-1]])

    # --- what must hold

    @invariant()
    def every_state_is_the_fold_of_what_is_held(self) -> None:
        for place in self.places:
            state, folded = self.state_of(place), self.fold(place.held[::-1])
            assert pack(state.plain()) == pack(folded.plain())
            reference = Reference(STREAM, place.held, self.standings(), permits, BOTH)
            assert inert(state) == reference.inert()
            assert visible(state) == reference.visible()


Streams.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestStreams = Streams.TestCase
