"""Who lost a conflict is told: what a worker wrote that was not taken, on every replica alike."""

from __future__ import annotations

from core.dispatch import acts, fields
from core.dispatch.acts import Change
from core.dispatch.fields import Phase
from core.dispatch.job import Conflict
from core.dispatch.overruled import NotTaken, not_taken
from tests.core.dispatch.test_merge_cases import (
    ANA,
    BO,
    JOB,
    OTHER_TURN,
    TURN,
    Office,
    assigned,
    office,
)

__all__ = ["assigned", "office"]


def phase(name: Phase, worker: bytes = ANA, turn: bytes = TURN) -> list[Change]:
    return acts.set_phase(JOB, worker, turn, name)


def told(made: Office, worker: bytes = ANA) -> list[NotTaken]:
    return not_taken(made.state(), worker)


def conflict(made: Office) -> Conflict:
    (found,) = made.job().conflicts
    return found


def test_a_value_that_met_the_offices_is_told_while_it_waits_and_when_it_is_decided(
    assigned: Office,
) -> None:
    assigned.write("ana", phase(Phase.TRAVELLING))
    assigned.write("north", phase(Phase.FINISHED))
    (one,) = told(assigned)
    assert (one.field, one.own, one.instead, one.decided) == ("phase", 4, 7, False)
    assert told(assigned, BO) == []
    assigned.meet()
    path = conflict(assigned).path
    assigned.write("south", [Change(JOB, path, int(Phase.FINISHED))])
    (one,) = told(assigned)
    assert (one.own, one.instead, one.decided) == (4, 7, True)
    # Once the worker goes on, having seen it, there is nothing to tell.
    assigned.meet()
    assigned.write("ana", phase(Phase.ON_SITE))
    assert told(assigned) == []


def test_a_value_that_was_taken_or_changed_by_who_knew_it_is_no_loss(assigned: Office) -> None:
    assigned.write("ana", phase(Phase.ON_SITE))
    assigned.write("north", phase(Phase.TRAVELLING))
    assert told(assigned) == [], "the worker's own is shown"
    assigned.meet()
    assigned.write("south", [Change(JOB, conflict(assigned).path, int(Phase.ON_SITE))])
    assert told(assigned) == []
    assigned.meet()
    assigned.write("north", phase(Phase.PAUSED))
    assert told(assigned) == [], "who changed it knew of it"


def test_what_a_phone_writes_by_itself_is_missed_by_nobody(assigned: Office) -> None:
    assigned.write("ana", phase(Phase.OPENED))
    assigned.write("north", phase(Phase.ACCEPTED))
    assert told(assigned) == []


def test_the_decision_that_a_cancelled_job_stays_cancelled_is_told_to_who_worked(
    assigned: Office,
) -> None:
    assigned.write("ana", phase(Phase.ON_SITE))
    assigned.write("north", acts.cancel_job(JOB, "customer rang"))
    assert told(assigned) == []
    assigned.meet()
    assigned.write("north", acts.decide(JOB, conflict(assigned).key, "as shown"))
    (one,) = told(assigned)
    assert (one.kind, one.instead) == ("worked after cancel", "customer rang")
    assigned.meet()
    assigned.write("north", acts.reopen_job(JOB))
    assert told(assigned) == []


def test_the_decision_that_a_turn_stays_taken_back_is_told(assigned: Office) -> None:
    assigned.write("ana", phase(Phase.ON_SITE))
    assigned.write("north", acts.withdraw(JOB, ANA, TURN))
    assigned.meet()
    key = conflict(assigned).key
    decided = acts.withdraw(JOB, ANA, TURN) + acts.decide(JOB, key, "withdrawn")
    assigned.write("north", decided)
    (one,) = told(assigned)
    assert (one.kind, one.own) == ("worked after withdrawal", int(Phase.ON_SITE))


def test_of_two_who_were_assigned_the_one_who_was_not_kept_is_told_who_was(office: Office) -> None:
    office.write("north", acts.assign(JOB, ANA, TURN))
    office.write("south", acts.assign(JOB, BO, OTHER_TURN))
    office.meet()
    found = conflict(office)
    kept = acts.decide(JOB, found.key, f"kept {ANA.hex()}")
    office.write("south", acts.withdraw(JOB, BO, OTHER_TURN) + kept)
    assert told(office) == []
    (one,) = told(office, BO)
    assert (one.kind, one.instead) == ("double assignment", ANA)


def test_every_write_that_counts_is_told_with_what_its_author_had_seen(assigned: Office) -> None:
    assigned.write("north", acts.edit_job(JOB, {"title": "North"}))
    assigned.write("south", acts.edit_job(JOB, {"title": "South"}))
    assigned.meet()
    assigned.write("north", acts.edit_job(JOB, {"title": "Both"}))
    written = assigned.state().writes_to([(fields.TITLE,)])[(fields.TITLE,)]
    writes = sorted(written, key=lambda write: write.corrected_ms)
    assert [write.value for write in writes] == ["Boiler", "North", "South", "Both"]
    first, north, south, both = writes
    assert north.saw(first)
    assert not north.saw(south)
    assert not south.saw(north)
    assert both.saw(north)
    assert both.saw(south)
