"""Undoing by law: what an act did is taken back, nothing else is touched, and others are named.

Entries are real, the fold is the log's; two hubs and a phone write, and meet when a case says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dispatch import acts, fields, undoing
from core.dispatch.acts import Act, ActError
from core.dispatch.attached import files_of
from core.dispatch.fields import Kind, Phase
from core.dispatch.permits import permits
from core.dispatch.recurrence import read_recurrence
from core.dispatch.recurrence_acts import create_recurrence, number_recurrence
from core.dispatch.show import show_register
from core.dispatch.undoing import Part, undo_changes, undo_parts
from core.log.canonical import pack
from core.log.stream import Stored, StreamState
from tests.core.dispatch.test_merge_cases import (
    ANA,
    BO,
    JOB,
    OTHER_TURN,
    STANDINGS,
    TURN,
    Office,
    phases,
)
from tests.core.log.authors import AT_MS, SITE, Log


def parts_of(office: Office, stored: Stored) -> tuple[Part, ...]:
    """What undoing an entry means now, the same from whichever end the entries came in."""
    found = []
    for order in (office.entries, office.entries[::-1]):
        state = StreamState.build(SITE, JOB, order, STANDINGS, permits)
        placed = state.named(stored.hash[:8])
        assert placed is not None
        found.append(undo_parts(state, placed))
    assert found[0] == found[1]
    return found[0]


def undo(office: Office, stored: Stored, *, by: str = "north", over_others: bool = False) -> Stored:
    """Undo an entry at one place, which then knows everything; everybody hears of it."""
    changes = undo_changes(parts_of(office, stored), over_others=over_others)
    office.meet()
    written = office.write(by, changes)
    office.meet()
    return written


def shown(state: StreamState) -> dict[Any, bytes]:
    """What every register shows."""
    return {
        path: pack(show_register(register, path[0]).value)
        for path, register in state.registers.items()
    }


@pytest.fixture
def office() -> Office:
    """A job that everybody knows."""
    made = Office()
    made.write("north", acts.create_job(JOB, {"title": "Boiler", "address": "Main Street 1"}))
    made.meet()
    return made


# --- laws

EDITS: tuple[dict[str, object], ...] = (
    {"title": "Boiler 2"},
    {"title": "Pump", "priority": 3},
    {"priority": None},
    {"priority": 1, "description": "Ring twice"},
    {"description": None},
    {"window": (1_000, 2_000)},
)
STEPS = st.lists(
    st.tuples(st.sampled_from(["north", "south", "ana"]), st.sampled_from(EDITS), st.booleans()),
    min_size=1,
    max_size=8,
)


def edited(steps: Sequence[tuple[str, dict[str, object], bool]]) -> tuple[Office, list[Stored]]:
    office = Office()
    written: list[Stored] = []
    office.write("south", acts.create_job(JOB, {"title": "Boiler"}))
    office.meet()
    for name, values, meets in steps:
        act = (
            acts.set_tick(JOB, 1, len(written) % 2 == 0)
            if name == "ana"
            else acts.edit_job(JOB, values)
        )
        stored = office.write(name, act)
        if name != "ana":
            written.append(stored)
        if meets:
            office.meet()
    return office, written


@given(STEPS, st.data())
def test_undoing_changes_no_register_that_the_act_did_not_write_and_none_that_others_built_on(
    steps: Sequence[tuple[str, dict[str, object], bool]], data: st.DataObject
) -> None:
    office, written = edited(steps)
    if not written:
        return
    chosen = data.draw(st.sampled_from(written))
    parts = parts_of(office, chosen)
    before = shown(office.state())
    changes = undo_changes(parts)
    paths = {change.path for change in changes}
    assert paths <= {part.path for part in parts}
    built_upon = {part.path for part in parts if part.lost}
    assert not paths & built_upon
    if not changes:
        return
    undo(office, chosen)
    after = shown(office.state())
    assert {path for path in after if after[path] != before.get(path)} <= paths


@given(STEPS, st.data())
def test_what_nobody_built_on_shows_again_what_it_showed_before_and_redone_what_it_showed_after(
    steps: Sequence[tuple[str, dict[str, object], bool]], data: st.DataObject
) -> None:
    office, written = edited(steps)
    if not written:
        return
    chosen = data.draw(st.sampled_from(written))
    parts = [part for part in parts_of(office, chosen) if part.is_open and not part.lost]
    at_first, registers = shown(office.state()), office.state().registers
    # Who wrote at once keeps what they wrote: that is another case.
    if not parts or any(len(registers[part.path].writes) > 1 for part in parts):
        return
    undone = undo(office, chosen)
    state = shown(office.state())
    assert [state[part.path] for part in parts] == [pack(part.before) for part in parts]
    redone = undo(office, undone)
    assert shown(office.state()) == at_first
    assert not any(part.is_open for part in parts_of(office, undone)), "it is redone already"
    assert all(part.is_open for part in parts_of(office, redone))


@given(STEPS, st.data())
def test_two_who_undo_the_same_act_at_once_agree(
    steps: Sequence[tuple[str, dict[str, object], bool]], data: st.DataObject
) -> None:
    office, written = edited(steps)
    if not written:
        return
    chosen = data.draw(st.sampled_from(written))
    changes = undo_changes(parts_of(office, chosen))
    if not changes:
        return
    office.meet()
    for name in ("north", "south"):
        office.write(name, changes)
    for change in changes:
        there = show_register(office.state().registers[change.path], change.path[0])
        assert (there.value, there.others) == (change.value, ())


# --- fields


def test_an_edit_that_another_edited_is_left_alone_and_names_who_until_somebody_says_otherwise(
    office: Office,
) -> None:
    edit = office.write("north", acts.edit_job(JOB, {"title": "Pump", "priority": 3}))
    office.meet()
    office.write("south", acts.edit_job(JOB, {"title": "Pump of the school"}))
    office.meet()
    by_path = {part.path: part for part in parts_of(office, edit)}
    (later,) = by_path[(fields.TITLE,)].lost
    assert later.write.value == "Pump of the school"
    assert not by_path[(fields.PRIORITY,)].lost
    undo(office, edit)
    assert office.shown(fields.TITLE) == "Pump of the school"
    assert office.shown(fields.PRIORITY) is None
    undo(office, edit, over_others=True)
    assert office.shown(fields.TITLE) == "Boiler"


def test_who_wrote_at_once_with_what_is_undone_keeps_what_they_wrote(office: Office) -> None:
    edit = office.write("north", acts.edit_job(JOB, {"title": "Pump"}))
    office.write("south", acts.edit_job(JOB, {"title": "Tap"}))
    office.meet()
    undo(office, edit)
    assert office.shown(fields.TITLE) == "Tap"
    assert not office.job().conflicts


def test_of_three_values_at_once_people_decide(office: Office) -> None:
    edit = office.write("north", acts.edit_job(JOB, {"title": "Pump"}))
    basis = [office.logs["north"].entries[0]]
    office.write("south", acts.edit_job(JOB, {"title": "Tap"}))
    office.write("north", acts.edit_job(JOB, {"title": "Sink"}), basis=basis)
    office.meet()
    (part,) = parts_of(office, edit)
    assert "decide that conflict" in part.stays


def test_what_is_undone_already_is_said_to_be_and_by_which_act(office: Office) -> None:
    edit = office.write("north", acts.edit_job(JOB, {"title": "Pump"}))
    undone = undo(office, edit)
    (part,) = parts_of(office, edit)
    assert part.done is not None
    state = office.state()
    assert state.placed_at(part.done.log, part.done.seq).stored.hash == undone.hash


def test_a_note_of_the_office_is_taken_back_and_a_workers_is_not(office: Office) -> None:
    note = office.write("north", acts.add_note(JOB, "Ring twice"))
    theirs = office.write("ana", acts.add_note(JOB, "No key"))
    office.meet()
    (part,) = parts_of(office, theirs)
    assert part.stays == undoing.WORKERS_OWN
    undone = undo(office, note)
    values = sorted(str(shown) for shown in notes(office))
    assert values == ["No key", "None"]
    undo(office, undone)
    assert sorted(map(str, notes(office))) == ["No key", "Ring twice"]


def notes(office: Office) -> list[Any]:
    registers = office.state().registers
    return [
        show_register(registers[path], path[0]).value
        for path in registers
        if path[0] == fields.NOTE
    ]


def test_what_does_not_count_can_not_be_undone(office: Office) -> None:
    stored = office.write("ana", [acts.Change(JOB, (fields.TITLE,), "Mine")])
    state = StreamState.build(SITE, JOB, office.entries, STANDINGS, permits)
    placed = state.named(stored.hash[:8])
    assert placed is not None
    with pytest.raises(ActError, match="does not count"):
        undo_parts(state, placed)


def test_no_entry_is_named_by_what_none_begins_with(office: Office) -> None:
    assert office.state().named(b"\0" * 8) is None


# --- jobs and turns


def test_making_a_job_is_undone_by_cancelling_it_and_redone_by_reopening(office: Office) -> None:
    made = office.logs["north"].entries[0]
    undone = undo(office, made, by="south")
    assert office.job().status == "cancelled"
    assert office.shown(fields.TITLE) == "Boiler"
    undo(office, undone)
    assert office.job().status == "open"


def test_a_job_that_others_went_on_with_names_what_they_wrote(office: Office) -> None:
    office.write("south", acts.edit_job(JOB, {"priority": 3}))
    office.write("south", acts.assign(JOB, ANA, TURN))
    office.meet()
    made = office.logs["north"].entries[0]
    (part,) = parts_of(office, made)
    assert [later.path[0] for later in part.lost] == [fields.PRIORITY, fields.ASSIGNED]
    assert undo_changes([part]) == []


def test_an_assignment_is_undone_by_taking_it_back_and_redone_by_a_new_turn(
    office: Office,
) -> None:
    assigned = office.write("north", acts.assign(JOB, ANA, TURN, position=4))
    office.meet()
    undone = undo(office, assigned)
    assert phases(office.job()) == {ANA: (Phase.ASSIGNED, False)}
    undo(office, undone)
    (living,) = [each for each in office.job().assignments if each.counts]
    assert (living.worker, living.position) == (ANA, 4)
    assert living.turn != TURN


def test_a_reassignment_is_undone_as_a_whole(office: Office) -> None:
    office.write("north", acts.assign(JOB, ANA, TURN))
    moved = office.write("north", acts.withdraw(JOB, ANA, TURN) + acts.assign(JOB, BO, OTHER_TURN))
    office.meet()
    undone = undo(office, moved)
    assert [a.worker for a in office.job().assignments if a.counts] == [ANA]
    undo(office, undone)
    assert [a.worker for a in office.job().assignments if a.counts] == [BO]


@pytest.mark.parametrize("phase", [Phase.TRAVELLING, Phase.ON_SITE, Phase.FINISHED])
def test_who_has_begun_keeps_the_job_and_whom_it_was_taken_from_does_not_get_it(
    office: Office, phase: Phase
) -> None:
    office.write("north", acts.assign(JOB, ANA, TURN))
    moved = office.write("north", acts.withdraw(JOB, ANA, TURN) + acts.assign(JOB, BO, OTHER_TURN))
    office.meet()
    office.write("bo", acts.set_phase(JOB, BO, OTHER_TURN, phase))
    office.meet()
    parts = parts_of(office, moved)
    assert all(part.stays for part in parts)
    assert undo_changes(parts, over_others=True) == []


def test_who_has_accepted_loses_the_job_only_when_somebody_says_so(office: Office) -> None:
    assigned = office.write("north", acts.assign(JOB, ANA, TURN))
    office.meet()
    office.write("ana", acts.set_phase(JOB, ANA, TURN, Phase.ACCEPTED))
    office.meet()
    assert undo_changes(parts_of(office, assigned)) == []
    undo(office, assigned, over_others=True)
    assert not any(each.counts for each in office.job().assignments)


def test_what_was_taken_back_stays_with_whoever_got_it_since(office: Office) -> None:
    office.write("north", acts.assign(JOB, ANA, TURN))
    taken = office.write("north", acts.withdraw(JOB, ANA, TURN))
    office.meet()
    office.write("south", acts.assign(JOB, BO, OTHER_TURN))
    office.meet()
    (part,) = parts_of(office, taken)
    assert "somebody else has the job" in part.stays
    assert [later.path[1] for later in part.lost] == [BO]


def test_a_job_that_was_reopened_is_done_again_with_the_work_that_was_done(
    office: Office,
) -> None:
    office.write("north", acts.assign(JOB, ANA, TURN))
    office.meet()
    office.write("ana", acts.set_phase(JOB, ANA, TURN, Phase.FINISHED))
    office.meet()
    reopened = office.write("north", acts.reopen_job(JOB) + acts.withdraw(JOB, ANA, TURN, "leaks"))
    office.meet()
    assert office.job().status == "open"
    undo(office, reopened)
    assert office.job().status == "done"
    assert phases(office.job()) == {ANA: (Phase.FINISHED, True)}


def test_a_state_set_on_a_workers_behalf_is_undone_until_the_worker_goes_on(
    office: Office,
) -> None:
    office.write("north", acts.assign(JOB, ANA, TURN))
    set_state: Act = acts.set_phase(JOB, ANA, TURN, Phase.FINISHED)
    stored = office.write("north", set_state)
    office.meet()
    undone = undo(office, stored)
    assert phases(office.job()) == {ANA: (Phase.ASSIGNED, True)}
    undo(office, undone)
    assert office.job().status == "done"
    office.write("ana", acts.set_phase(JOB, ANA, TURN, Phase.PAUSED))
    office.meet()
    (part,) = parts_of(office, stored)
    assert "gone on since" in part.stays


def test_a_recurrence_that_was_made_makes_no_jobs_once_that_is_undone() -> None:
    recurrence = acts.new_stream_id(Kind.RECURRENCE, AT_MS, b"boilers")
    values = {
        "title": "Boiler", "repeats": [1, 1, []], "starts": "2026-11-23", "zone": "Europe/Prague",
        "ends": "2026-11-30",
    }  # fmt: skip
    log = Log("north", recurrence)
    made = create_recurrence(recurrence, values) + number_recurrence(recurrence, "A-1")
    at = [log.write([(change.path, change.value) for change in made])]

    def days() -> int:
        state = StreamState.build(SITE, recurrence, at, STANDINGS, permits)
        found = read_recurrence(recurrence, state.registers)
        assert found is not None
        first = date(2026, 11, 20)
        return sum(found.falls_on(first + timedelta(days=each)) for each in range(20))

    assert days() == 8
    for count in (0, 8):
        state = StreamState.build(SITE, recurrence, at, STANDINGS, permits)
        placed = state.named(at[-1].hash[:8])
        assert placed is not None
        changes = undo_changes(undo_parts(state, placed))
        at.append(log.write([(change.path, change.value) for change in changes]))
        assert days() == count


def test_a_file_that_was_added_is_removed_and_shown_again(office: Office) -> None:
    def shown() -> list[str]:
        state = StreamState.build(SITE, JOB, office.entries, STANDINGS, permits)
        return [each.shown for each in files_of(state.registers)]

    named = office.write("north", acts.add_file(JOB, b"\1" * 32, b"photo id", "valve.jpg"))
    assert shown() == ["valve.jpg"]
    removed = undo(office, named, by="south")
    assert shown() == []
    undo(office, removed)
    assert shown() == ["valve.jpg"]
