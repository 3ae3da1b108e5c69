"""Two phones that meet with no hub: jobs handed on directly, nothing that is not for the other."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from core.dispatch import acts, day_acts
from core.dispatch.acts import SITE_STREAM
from core.dispatch.fields import Kind, Phase
from core.log.messages import Left
from core.log.session import Differing
from replica.checking import check_store
from replica.reach import is_with_colleague, unsent_entries
from replica.replica import Replica
from tests.build import (
    YEAR_MS,
    Meeting,
    Site,
    agree,
    clock_of,
    hold,
    interrupted,
    streams_of,
)

DAY = "2026-03-02"


@dataclass
class Pair:
    """A hub, Ana's phone with a job of a customer's, and Bo's phone that knows nothing of it."""

    site: Site
    hub: Replica
    ana: bytes
    bo: bytes
    giver: Replica
    taker: Replica
    job: bytes
    turn: bytes
    customer: bytes


@pytest.fixture
def pair(site: Site) -> Pair:
    hub = site.hub()
    ana, bo = site.worker(hub, "Ana"), site.worker(hub, "Bo")
    giver, taker = site.phone(hub, ana), site.phone(hub, bo)
    customer = site.new_id(Kind.CUSTOMER)
    hub.write(acts.edit_customer(customer, {"name": "Novak"}))
    job, (turn,) = site.job(hub, "Boiler", ana)
    hub.write(acts.edit_job(job, {"customer": customer}))
    for phone in (giver, taker):
        assert hold(phone, hub).live
    return Pair(site, hub, ana, bo, giver, taker, job, turn, customer)


def titles(replica: Replica) -> list[tuple[str, str]]:
    return replica.store.db.execute("SELECT title, status FROM job ORDER BY title").fetchall()


def assignments(replica: Replica) -> dict[str, str]:
    return dict(replica.store.db.execute("SELECT worker, phase FROM assignment").fetchall())


def differed(meeting: Meeting) -> bool:
    return any(isinstance(effect, Differing) for side in meeting.effects for effect in side)


def test_a_job_that_is_handed_on_is_on_the_colleagues_phone_without_any_hub(pair: Pair) -> None:
    giver, taker = pair.giver, pair.taker
    giver.write(acts.hand_over(pair.job, pair.ana, pair.turn, pair.bo))
    assert not is_with_colleague(giver.store.db, pair.job, giver.author, pair.bo)
    meeting = hold(giver, taker)
    assert meeting.live
    assert not differed(meeting)
    assert titles(taker) == [("Boiler", "open")]
    assert taker.store.db.execute("SELECT name FROM customer").fetchall() == [("Novak",)]
    assert assignments(taker) == {pair.ana.hex(): "withdrawn", pair.bo.hex(): "assigned"}
    # The giver knows that it arrived, and that no hub has heard of it.
    assert is_with_colleague(giver.store.db, pair.job, giver.author, pair.bo)
    assert not is_with_colleague(giver.store.db, pair.job, giver.author, pair.ana)
    assert len(unsent_entries(giver.store.db, giver.author)) == 1
    # The colleague goes on with it and tells the hub of both.
    taker.write(acts.set_phase(pair.job, pair.bo, pair.turn, Phase.FINISHED))
    assert hold(taker, pair.hub).live
    assert titles(pair.hub) == [("Boiler", "done")]
    assert titles(taker) == [("Boiler", "done")]
    assert hold(giver, pair.hub).live
    assert unsent_entries(giver.store.db, giver.author) == []
    assert pair.job not in streams_of(giver)
    for replica in (giver, taker, pair.hub):
        assert check_store(replica) == []


@pytest.mark.parametrize("opener", ["giver", "taker"])
def test_whoever_begins_what_comes_later_comes_too(pair: Pair, opener: str) -> None:
    giver, taker = pair.giver, pair.taker
    sides = (giver, taker) if opener == "giver" else (taker, giver)
    giver.write(acts.hand_over(pair.job, pair.ana, pair.turn, pair.bo))
    assert hold(*sides).live
    giver.write(acts.add_note(pair.job, "the key is at number 5"))
    again = hold(*sides)
    assert again.live
    assert not differed(again)
    assert taker.store.db.execute("SELECT text FROM note").fetchall() == [
        ("the key is at number 5",)
    ]
    assert is_with_colleague(giver.store.db, pair.job, giver.author, pair.bo)
    # With nothing new, nothing is sent.
    quiet = hold(*sides)
    assert quiet.live
    assert [type(message).__name__ for side in (0, 1) for message in quiet.read(side)] == [
        "Hello", "Proof", "State", "Hello", "Proof", "State",
    ]  # fmt: skip


def test_a_job_that_is_handed_on_while_they_talk_comes_at_once(pair: Pair) -> None:
    meeting = hold(pair.giver, pair.taker)
    assert meeting.live
    pair.giver.write(acts.hand_over(pair.job, pair.ana, pair.turn, pair.bo))
    meeting.run()
    assert titles(pair.taker) == [("Boiler", "open")]
    assert is_with_colleague(pair.giver.store.db, pair.job, pair.giver.author, pair.bo)


@pytest.mark.parametrize("deliveries", range(14))
def test_a_meeting_that_is_cut_anywhere_is_gone_on_with(pair: Pair, deliveries: int) -> None:
    pair.giver.write(acts.hand_over(pair.job, pair.ana, pair.turn, pair.bo))
    interrupted(pair.giver, pair.taker, deliveries)
    arrived = is_with_colleague(pair.giver.store.db, pair.job, pair.giver.author, pair.bo)
    assert not arrived or titles(pair.taker) == [("Boiler", "open")]
    assert hold(pair.taker, pair.giver).live
    assert titles(pair.taker) == [("Boiler", "open")]
    assert is_with_colleague(pair.giver.store.db, pair.job, pair.giver.author, pair.bo)


def test_a_colleague_gets_nothing_but_what_is_for_it(pair: Pair) -> None:
    site, hub, giver, taker = pair.site, pair.hub, pair.giver, pair.taker
    mine, _ = site.job(hub, "Only Ana's", pair.ana)
    hub.write(acts.edit_job(mine, {"customer": pair.customer}))
    theirs, _ = site.job(hub, "Only Bo's", pair.bo)
    other = site.new_id(Kind.CUSTOMER)
    hub.write(acts.edit_customer(other, {"name": "Secret & Sons"}))
    hub.write(acts.edit_job(theirs, {"customer": other}))
    both, turns = site.job(hub, "Ours", pair.ana, pair.bo)
    for phone in (giver, taker):
        assert hold(phone, hub).live
    giver.write(day_acts.start_duty(pair.ana, DAY, site.entropy(8)))
    giver.write(acts.hand_over(pair.job, pair.ana, pair.turn, pair.bo))
    taker.write(acts.set_phase(both, pair.bo, turns[1], Phase.ON_SITE))
    meeting = hold(taker, giver)
    assert meeting.live
    assert not differed(meeting)
    assert [title for title, _ in titles(taker)] == ["Boiler", "Only Bo's", "Ours"]
    assert [title for title, _ in titles(giver)] == ["Boiler", "Only Ana's", "Ours"]
    assert agree(giver, taker, streams={both, SITE_STREAM})
    told = b"".join(frame for side in (0, 1) for frame in meeting.plain(side))
    for secret in (b"Only", b"Secret", pair.ana + mine, theirs):
        assert secret not in told
    assert acts.day_stream(pair.ana, DAY) not in streams_of(taker)
    # What a giver no longer has comes back to it by no colleague.
    taker.write(acts.add_note(pair.job, "done in five minutes"))
    assert hold(taker, giver).live
    assert giver.store.db.execute("SELECT count(*) FROM note").fetchone() == (0,)


def test_a_colleague_hears_of_no_dropped_job_that_its_phone_never_had(pair: Pair) -> None:
    hub, giver, taker = pair.hub, pair.giver, pair.taker
    both, turns = pair.site.job(hub, "Ours", pair.ana, pair.bo)
    for phone in (giver, taker):
        assert hold(phone, hub).live
    assert hold(giver, taker).live
    hub.write(acts.withdraw(pair.job, pair.ana, pair.turn))
    hub.write(acts.withdraw(both, pair.ana, turns[0]))
    assert hold(giver, hub).live
    assert streams_of(giver).isdisjoint({pair.job, pair.customer, both})
    meeting = hold(giver, taker)
    left = [each for told in meeting.read(0) if isinstance(told, Left) for each in told.streams]
    assert left == [both]


@pytest.mark.parametrize("by_ms", [-YEAR_MS, YEAR_MS])
def test_two_phones_whose_clocks_are_a_year_apart_agree_on_jobs_that_are_closed(
    pair: Pair, by_ms: int
) -> None:
    """How long a closed job is in scope hangs on a clock; what both hold alike must not."""
    hub, giver, taker = pair.hub, pair.giver, pair.taker
    both, _ = pair.site.job(hub, "Ours", pair.ana, pair.bo)
    hub.write(acts.cancel_job(both, "the customer moved"))
    for phone in (giver, taker):
        assert hold(phone, hub).live
    clock_of(giver).wall_ms += by_ms
    meeting = hold(giver, taker)
    assert meeting.live
    assert not differed(meeting)
    quiet = hold(taker, giver)
    assert [len(frames) for frames in quiet.sent] == [3, 3]


def test_a_job_that_was_taken_back_meanwhile_is_not_handed_out_again(pair: Pair) -> None:
    """The giver met the hub and knows; the taker, who was away, gets nothing new of it."""
    giver, taker, hub = pair.giver, pair.taker, pair.hub
    giver.write(acts.hand_over(pair.job, pair.ana, pair.turn, pair.bo))
    assert hold(giver, hub).live
    assert pair.job not in streams_of(giver)
    assert hold(giver, taker).live
    assert titles(taker) == []
    assert hold(taker, hub).live
    assert titles(taker) == [("Boiler", "open")]


def test_who_was_shut_out_is_met_by_nobody_who_knows_it(pair: Pair) -> None:
    from replica.cuts import revoke_and_cut

    revoke_and_cut(pair.hub, pair.giver.author)
    assert hold(pair.taker, pair.hub).live
    pair.giver.write(acts.hand_over(pair.job, pair.ana, pair.turn, pair.bo))
    meeting = hold(pair.giver, pair.taker)
    assert not meeting.live
    assert titles(pair.taker) == []
