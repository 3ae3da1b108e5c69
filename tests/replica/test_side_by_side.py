"""A phone in session with a hub and a colleague at once: one changes what the other gets."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from core.dispatch import acts
from core.log.messages import Check
from replica.reach import is_with_colleague
from replica.replica import Replica
from tests.build import Meeting, Site, agree, hold, notes_of, streams_of


@dataclass
class Trio:
    """A hub, Ana's and Bo's phones that both have a job, and Cid's that has it too."""

    site: Site
    hub: Replica
    bo: bytes
    anas: Replica
    bos: Replica
    cids: Replica
    job: bytes
    turn: bytes


@pytest.fixture
def trio(site: Site) -> Trio:
    hub = site.hub()
    workers = [site.worker(hub, name) for name in ("Ana", "Bo", "Cid")]
    anas, bos, cids = (site.phone(hub, worker) for worker in workers)
    job, turns = site.job(hub, "Boiler", *workers)
    for phone in (anas, bos, cids):
        assert hold(phone, hub).live
    return Trio(site, hub, workers[1], anas, bos, cids, job, turns[1])


def side_by_side(*meetings: Meeting) -> None:
    """Go on with several meetings until nobody has anything to say in any of them."""
    moved = True
    while moved:
        moved = False
        replicas = {id(each): each for meeting in meetings for each in meeting.replicas}
        for replica in replicas.values():
            changed = replica.take_changed()
            for meeting in meetings if changed else ():
                if replica in meeting.replicas:
                    side = meeting.replicas.index(replica)
                    meeting.carry(side, meeting.sessions[side].changed(changed))
            moved = moved or bool(changed)
        for meeting in meetings:
            while meeting.deliver(0) | meeting.deliver(1):
                moved = True


def test_what_came_while_a_job_was_not_the_colleagues_reaches_it_when_it_is_again(
    trio: Trio,
) -> None:
    hub, anas, bos, cids = trio.hub, trio.anas, trio.bos, trio.cids
    with_hub, with_bo, cid_with_hub = hold(anas, hub), hold(anas, bos), hold(cids, hub)
    meetings = (with_hub, with_bo, cid_with_hub)
    hub.write(acts.withdraw(trio.job, trio.bo, trio.turn))
    side_by_side(*meetings)
    cids.write(acts.add_note(trio.job, "the valve is stuck"))
    side_by_side(*meetings)
    assert notes_of(anas) == ["the valve is stuck"]
    assert notes_of(bos) == []
    hub.write(acts.assign(trio.job, trio.bo, trio.site.entropy(8)))
    side_by_side(*meetings)
    assert with_bo.live
    assert notes_of(bos) == ["the valve is stuck"]
    assert agree(anas, bos, streams={trio.job})


def test_of_a_job_that_came_into_scope_between_check_and_answer_nothing_is_proven(
    trio: Trio,
) -> None:
    hub, anas, bos = trio.hub, trio.anas, trio.bos
    alone, _ = trio.site.job(hub, "Only Ana's", anas.subject)
    assert hold(anas, hub).live
    anas.write(acts.add_note(alone, "the key is at number 5"))
    assert hold(anas, bos).live
    # Something differs, so that they check when they have sent it.
    anas.write(acts.add_note(trio.job, "the valve is stuck"))
    meeting = Meeting(anas, bos).start()
    while not any(isinstance(each, Check) for each in meeting.read(0)):
        assert meeting.deliver(1) or meeting.deliver(0)
    # The check is on its way when the hub gives Bo the other job, too.
    hub.write(acts.assign(alone, trio.bo, trio.site.entropy(8)))
    assert hold(anas, hub).live
    meeting.carry(0, meeting.sessions[0].changed({alone}))
    # Bo's phone answers the check, and is gone before the job comes.
    assert meeting.deliver(1)
    while meeting.deliver(0):
        pass
    assert alone not in streams_of(bos)
    assert not is_with_colleague(anas.store.db, alone, anas.author, trio.bo)
