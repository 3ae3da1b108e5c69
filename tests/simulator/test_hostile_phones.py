"""Certified phones that break every rule: the honest ones come to agree, and no checker objects.

Small sites, so that the suite stays quick; `fieldlog simulate seeded --hostile N` runs full ones.
"""

from __future__ import annotations

import zlib
from collections import Counter
from dataclasses import dataclass, field
from random import Random

import pytest

from core.dispatch.acts import Change
from core.dispatch.permits import is_job_of, permits
from core.log import messages
from core.log.certificate import standing_of
from core.log.chain import chain_next, chain_start
from core.log.errors import LogError
from core.log.packing import IN_COLUMNS, MARK, unpacked
from core.log.stream import StreamState
from simulator.device_clock import EPOCH_MS
from simulator.hostile.forging import Forger
from simulator.hostile.volley import Volley
from simulator.world.campaign import attempt
from simulator.world.run import Report, Size
from simulator.world.site import Site, found_site

# One honest phone among many, and some among as many.
ALONE = Size(phones=1, days=1, entries_per_phone=20, hostile=7)
AMONG = Size(phones=3, days=1, entries_per_phone=20, hostile=4)


@dataclass
class Astray:
    """A forger of a site, and what it gave away."""

    site: Site = field(default_factory=lambda: found_site(1, 2, hostile=1))

    told: list[Change] = field(default_factory=list)

    def forger(self, seed: int) -> Forger:
        def now_ms() -> int:
            return EPOCH_MS

        return Forger(self.site.hostile[0], Random(seed), now_ms, self.told.extend)


# How often they get in follows from the seed and from how an interpreter's event loop takes turns;
# with these it is often under 3.11.2 and 3.11.7 alike.
@pytest.mark.parametrize(("seed", "size"), [(1, ALONE), (4, AMONG)], ids=["alone", "among"])
def test_the_honest_agree_whatever_the_others_do(seed: int, size: Size) -> None:
    outcome = attempt(seed, size)
    assert isinstance(outcome, Report), outcome
    assert outcome.points["a hostile phone was let in"] > 50
    assert outcome.points["a hostile phone was shown out"] > 50
    assert outcome.points["a hostile phone was let in while the others healed"] > 0


def test_a_planted_bug_is_caught_among_hostile_phones_too() -> None:
    for seed in range(1, 5):
        outcome = attempt(seed, AMONG, "last-arrival-wins")
        if not isinstance(outcome, Report):
            assert outcome.checker == "equal", outcome
            return
    raise AssertionError("no checker saw the planted bug")


def test_the_keys_of_the_honest_are_the_same_however_many_are_hostile() -> None:
    alone, beside = found_site(5, 3), found_site(5, 3, hostile=4)
    assert [each.author for each in alone.phones] == [each.author for each in beside.phones]
    assert len({each.author for each in (*beside.phones, *beside.hostile)}) == 7


@pytest.mark.parametrize("seed", range(5))
def test_the_book_knows_of_every_job_that_a_forger_may_take_for_its_own(seed: int) -> None:
    """The office lets it make jobs, and so assign itself to any that is its own by its id."""
    astray = Astray()
    forger = astray.forger(seed)
    for _ in range(120):
        forger.forge()
    own = {log.stream for log in forger.logs if is_job_of(log.stream, forger.worker)}
    assert own
    assert own <= {change.stream for change in astray.told}


@pytest.mark.parametrize("seed", range(5))
def test_what_is_forged_is_chained_soundly_and_forks(seed: int) -> None:
    forger = Astray().forger(seed)
    for _ in range(120):
        forger.forge()
    for log in forger.logs:
        head = chain_start(forger.identity.site, log.stream, forger.author)
        for seq, stored in enumerate(log.entries, 1):
            assert (stored.seq, stored.previous) == (seq, head)
            head = chain_next(head, stored.body)
            assert stored.hash == head
    assert len({log.stream for log in forger.logs}) < len(forger.logs)


def test_what_is_forged_holds_entries_that_stand_and_all_kinds_that_do_not() -> None:
    site = Astray()
    forger = site.forger(3)
    for _ in range(400):
        forger.forge()
    standing = standing_of([forger.identity.own], revoked=False)
    found = Counter[str]()
    for log in forger.logs:
        state = StreamState.build(
            forger.identity.site,
            log.stream,
            log.entries,
            {forger.author: standing},
            permits,
            frozenset({1}),
        )
        for placed in state.entries():
            inert = "unread" if placed.entry is None else "read in vain"
            found[inert if placed.inert else "stands"] += 1
    assert min(found[kind] for kind in ("stands", "unread", "read in vain")) > 10


def test_thrown_frames_are_of_every_kind_and_polite_ones_are_read() -> None:
    volley = Volley(Astray().forger(1), Random(1), other_site=bytes(32))
    for _ in range(100):
        messages.read(unpacked(volley.frame(polite=True)))
    faults = set()
    for _ in range(300):
        try:
            messages.read(unpacked(volley.frame(polite=False)))
        except LogError as error:
            faults.add(error.name)
    assert faults >= {"malformed", "over-limit"}
    bomb = volley._bomb().removeprefix(MARK).removeprefix(bytes([IN_COLUMNS]))
    assert zlib.decompressobj(-15).decompress(bomb, 2**20) == bytes(2**20)
