"""What a site has erased: a function of the set of entries, in few bytes, as the page says."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from core.dispatch import acts, erasure
from core.dispatch.acts import SITE_STREAM, Act, ActError, Change
from core.dispatch.erasure import Erased, erased_in
from core.dispatch.fields import CERTIFICATE, ERASED, ERASED_BEFORE, REVOKED, Kind, Role
from core.dispatch.permits import permits
from core.log.canonical import pack
from core.log.certificate import Certificate, Standing, issue
from core.log.chain import chain_start, stream_id
from core.log.entry import Cursor, Entry, encode
from core.log.stream import Stored, StreamState
from tests.core.log.pages import hex_examples

SITE = b"S" * 32
DAY_MS = 86_400_000
START_MS = 1_772_409_600_000  # 2026-03-02, a Monday
HUB = Standing(b"A", int(Role.HUB))


class Author:
    """One hub's log in the site stream, entry by entry."""

    def __init__(self, name: bytes) -> None:
        self.key = name * 32
        self.entries: list[Stored] = []
        self._cursor = Cursor.at_start(SITE_STREAM)
        self._head = chain_start(SITE, SITE_STREAM, self.key)

    def write(self, act: Act, wall_ms: int = START_MS, **besides: object) -> None:
        """Append an entry."""
        changes = tuple((change.path, change.value) for change in act)
        body, own, _ = encode(Entry(wall_ms, changes, **besides), self._cursor, self._head)  # type: ignore[arg-type]
        self.entries.append(Stored(self.key, len(self.entries) + 1, self._head, own, body))
        self._head = own


def fold(entries: list[Stored], standing: Standing = HUB) -> StreamState:
    standings = {entry.author: standing for entry in entries}
    return StreamState.build(SITE, SITE_STREAM, entries, standings, permits)


def job(at_ms: int, unique: bytes = b"unique!") -> bytes:
    return stream_id(Kind.JOB, at_ms // 1000, unique)


def test_the_pages_examples_are_what_is_written() -> None:
    examples = hex_examples("erasure.md")
    (one,) = erasure.erase([bytes.fromhex("0b99541004626f696c657231")])
    (by_time,) = erasure.erase_before(Kind.TRACK, START_MS)
    assert pack([list(one.path), one.value]) == examples["erase one"]
    assert pack([list(by_time.path), by_time.value]) == examples["erase by time"]
    assert (ERASED, ERASED_BEFORE) == (4, 20)


def test_a_time_erases_what_is_earlier_of_its_kind_and_nothing_else() -> None:
    author = Author(b"a")
    author.write(erasure.erase_before(Kind.JOB, START_MS))
    erased = erased_in(fold(author.entries))
    assert erased.covers(job(START_MS - 1000))
    assert not erased.covers(job(START_MS))
    assert not erased.covers(stream_id(Kind.DAY, START_MS // 1000 - 9, b"unique!"))


@pytest.mark.parametrize("kind", [Kind.SITE, Kind.OFFICE, Kind.SUMMARY])
def test_the_site_the_office_and_the_summaries_are_never_erased(kind: Kind) -> None:
    stream = stream_id(kind, 0, b"\0" * 7)
    author = Author(b"a")
    author.write([Change(SITE_STREAM, (ERASED, stream), True)])
    author.write([Change(SITE_STREAM, (ERASED_BEFORE, int(kind)), START_MS)])
    assert not erased_in(fold(author.entries)).covers(stream)
    with pytest.raises(ActError):
        erasure.erase([stream])
    with pytest.raises(ActError):
        erasure.erase_before(kind, START_MS)


def test_an_age_says_nothing_of_customers_and_workers() -> None:
    author = Author(b"a")
    for kind in (Kind.CUSTOMER, Kind.WORKER):
        author.write([Change(SITE_STREAM, (ERASED_BEFORE, int(kind)), START_MS)])
        assert not erased_in(fold(author.entries)).covers(stream_id(kind, 9, b"unique!"))


def test_what_was_erased_stays_so_whatever_is_written_over_it() -> None:
    author = Author(b"a")
    author.write(erasure.erase([job(START_MS)]))
    author.write(erasure.erase_before(Kind.JOB, START_MS - DAY_MS))
    before = erased_in(fold(author.entries))
    author.write([Change(SITE_STREAM, (ERASED, job(START_MS)), None)])
    author.write([Change(SITE_STREAM, (ERASED, job(START_MS)), False)])
    author.write([Change(SITE_STREAM, (ERASED_BEFORE, int(Kind.JOB)), START_MS - 9 * DAY_MS)])
    assert erased_in(fold(author.entries)) == before


def test_only_a_hub_erases() -> None:
    author = Author(b"a")
    author.write(erasure.erase([job(START_MS)]))
    for role in (Role.WORKER, Role.DISPATCHER):
        assert erased_in(fold(author.entries, Standing(b"w" * 12, int(role)))) == Erased()
    cut_off = Standing(b"A", int(Role.HUB), revoked=True)
    assert erased_in(fold(author.entries, cut_off)) == Erased()


@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(0, 5), st.sampled_from([Kind.JOB, Kind.DAY, None])),
        max_size=8,
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_of_arrival_erases_nothing_more_and_nothing_less(
    written: list[tuple[bool, int, Kind | None]], chance: random.Random
) -> None:
    authors = (Author(b"a"), Author(b"b"))
    for second, days, kind in written:
        at_ms = START_MS + days * DAY_MS
        act = erasure.erase([job(at_ms)]) if kind is None else erasure.erase_before(kind, at_ms)
        authors[second].write(act)
    everything = [entry for author in authors for entry in author.entries]
    whole = fold(everything)
    grown = fold([])
    waiting = [list(author.entries) for author in authors]
    while any(waiting):
        log = chance.choice([each for each in waiting if each])
        if not grown.extend_all([log.pop(0)], lambda _: HUB):
            pytest.fail("no fork and no cut is written here")
    assert erased_in(grown) == erased_in(whole)
    assert grown.fingerprint() == whole.fingerprint()


# --- ten years


def ten_years() -> Iterator[tuple[int, Act, dict[str, object]]]:
    """All acts of the site stream of a busy site: when (ms), what, and what the entry says besides.

    Twenty phones are certified anew each year and the old keys shut out; tracks and jobs are erased
    by rule each week, a customer with eight jobs by a person each month; settings, groups and the
    hub's addresses change now and then.
    """
    chance = random.Random(10)
    hub = Ed25519PrivateKey.from_private_bytes(chance.randbytes(32))
    issuer = hub.public_key().public_bytes_raw()
    before: list[bytes] = []
    by_person: dict[str, object] = {"actor": b"an admin"}
    for day in range(3_652):
        at_ms = START_MS + day * DAY_MS
        if day % 365 == 0:
            for author in before:
                yield at_ms, [Change(SITE_STREAM, (REVOKED, author), True)], by_person
            before = [chance.randbytes(32) for _ in range(20)]
            for author in before:
                subject = stream_id(Kind.WORKER, 0, chance.randbytes(7))
                until = at_ms + 400 * DAY_MS
                role = int(Role.WORKER)
                unsigned = Certificate(SITE, author, subject, role, (), until, b"", issuer)
                data = issue(unsigned, hub).to_bytes()
                change = Change(SITE_STREAM, (CERTIFICATE, author, data[-8:]), data)
                yield at_ms, [change], by_person
        if day % 7 == 0:
            for kind in (Kind.TRACK, Kind.JOB):
                act = erasure.erase_before(kind, at_ms - 90 * DAY_MS)
                yield at_ms, act, {"by_rule": True}
        if day % 30 == 0:
            gone = [stream_id(Kind.CUSTOMER, at_ms // 1000, chance.randbytes(7))]
            gone += [job(at_ms - 7 * n * DAY_MS, chance.randbytes(7)) for n in range(8)]
            yield at_ms, erasure.erase(gone), by_person
            yield at_ms, acts.set_hub_addresses(issuer, [f"10.0.0.{day % 250}:8443"]), {}
            yield at_ms, acts.set_setting("radius_m", 100 + day % 50), by_person
            group = acts.set_group("team", chance.randbytes(8), f"Team {day}")
            yield at_ms, group, by_person


def test_ten_years_of_a_sites_own_stream_take_less_than_200_kb() -> None:
    author = Author(b"h")
    gone: set[bytes] = set()
    for at_ms, act, besides in ten_years():
        author.write(act, at_ms, **besides)
        gone |= {change.path[1] for change in act if change.path[0] == ERASED}
    size = sum(len(entry.body) for entry in author.entries)
    assert size < 200_000
    erased = erased_in(fold(author.entries))
    assert len(gone) == 122 * 9
    assert all(erased.covers(stream) for stream in gone)
