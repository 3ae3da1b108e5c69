"""What a merge gives where people act at once: the ten rules of the field, one test each or more.

Entries are real, the fold is the log's; each case is folded in both orders of arrival.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from core.dispatch import acts, fields
from core.dispatch.acts import Change
from core.dispatch.fields import Phase
from core.dispatch.job import Conflict, Job, fold_job
from core.dispatch.permits import permits
from core.dispatch.show import show, value_at
from core.log.certificate import Standing
from core.log.entry import MINT
from core.log.stream import Stored, StreamState
from tests.core.log.authors import AT_MS, SITE, STREAM, Log, author_of

JOB = STREAM
ANA = bytes.fromhex("0b99541003") + b"ana0001"
BO = bytes.fromhex("0b99541003") + b"bo00002"
TURN, OTHER_TURN = b"turn0001", b"turn0002"
STANDINGS = {
    author_of("north"): Standing(b"A", 3),
    author_of("south"): Standing(b"B", 3),
    author_of("ana"): Standing(ANA, 1),
    author_of("bo"): Standing(BO, 1),
}


@dataclass
class Office:
    """A job's stream, written by two hubs and two phones that meet when a test says so."""

    logs: dict[str, Log] = field(default_factory=dict)
    known: dict[str, list[Stored]] = field(default_factory=dict)
    minutes: int = 0

    def write(self, name: str, changes: list[Change], **options: Any) -> Stored:
        """`name` writes a minute later, having seen all that it met since."""
        self.minutes += 1
        log = self.logs.setdefault(name, Log(name, JOB))
        news = self.known.pop(name, [])
        options.setdefault("wall_ms", AT_MS + self.minutes * 60_000)
        return log.write([(change.path, change.value) for change in changes], seen=news, **options)

    def meet(self) -> None:
        """Everybody gets everything."""
        for name in ("north", "south", "ana", "bo"):
            self.known[name] = [
                log.entries[-1] for other, log in self.logs.items() if other != name
            ]

    @property
    def entries(self) -> list[Stored]:
        return [stored for log in self.logs.values() for stored in log.entries]

    def state(self) -> StreamState:
        """The fold, the same from both ends."""
        states = [
            StreamState.build(SITE, JOB, order, STANDINGS, permits)
            for order in (self.entries, self.entries[::-1])
        ]
        assert states[0].plain() == states[1].plain()
        assert states[0].inert_count() == 0
        return states[0]

    def job(self) -> Job:
        return fold_job(self.state().registers)

    def shown(self, code: int, *ids: Any) -> Any:
        return value_at(self.state().registers, (code, *ids))


@pytest.fixture
def office() -> Office:
    """A job that everybody knows."""
    made = Office()
    made.write("north", acts.create_job(JOB, {"title": "Boiler", "address": "Main Street 1"}))
    made.meet()
    return made


@pytest.fixture
def assigned(office: Office) -> Office:
    """The job is Ana's, and everybody knows."""
    office.write("north", acts.assign(JOB, ANA, TURN))
    office.meet()
    return office


def kinds(job: Job) -> list[str]:
    return sorted(conflict.kind for conflict in job.conflicts)


def only(job: Job) -> Conflict:
    (conflict,) = job.conflicts
    return conflict


def phases(job: Job) -> dict[bytes, tuple[Phase, bool]]:
    return {
        assignment.worker: (assignment.phase, assignment.counts) for assignment in job.assignments
    }


# --- a status set by the office


def test_a_status_that_the_office_set_holds_until_somebody_who_saw_it_goes_on(
    assigned: Office,
) -> None:
    assigned.write("north", acts.override_status(JOB, "done", "the customer called"))
    assigned.write("ana", acts.set_phase(JOB, ANA, TURN, Phase.ON_SITE))
    assert (assigned.job().status, assigned.job().overridden) == ("done", True)
    assigned.meet()
    assigned.write("ana", acts.set_phase(JOB, ANA, TURN, Phase.PAUSED))
    assert (assigned.job().status, assigned.job().overridden) == ("in progress", False)


# --- 1. two dispatchers assign one job to two workers


def test_1_two_assignments_at_two_hubs_both_exist_and_are_a_conflict(office: Office) -> None:
    office.write("north", acts.assign(JOB, ANA, TURN))
    office.write("south", acts.assign(JOB, BO, OTHER_TURN))
    job = office.job()
    assert phases(job) == {ANA: (Phase.ASSIGNED, True), BO: (Phase.ASSIGNED, True)}
    conflict = only(job)
    assert conflict.kind == "double assignment"
    assert conflict.shown == ANA
    assert [value for value, _ in conflict.others] == [BO]


def test_1_two_assignments_from_two_pages_of_one_hub_are_one_too(office: Office) -> None:
    page = [office.logs["north"].entries[-1]]
    office.write("north", acts.assign(JOB, ANA, TURN), basis=page)
    office.write("north", acts.assign(JOB, BO, OTHER_TURN), basis=page)
    assert kinds(office.job()) == ["double assignment"]


def test_1_a_team_assigned_by_one_act_or_one_after_the_other_is_none(office: Office) -> None:
    office.write("north", acts.assign(JOB, ANA, TURN) + acts.assign(JOB, BO, OTHER_TURN))
    assert kinds(office.job()) == []
    office.meet()
    office.write("south", acts.assign(JOB, b"c" * 12, b"turn0003"))
    assert kinds(office.job()) == []


@pytest.mark.parametrize("phase", [Phase.TRAVELLING, Phase.ON_SITE, Phase.FINISHED])
def test_1_whoever_works_is_proposed_as_keeper(office: Office, phase: Phase) -> None:
    office.write("north", acts.assign(JOB, ANA, TURN))
    office.write("south", acts.assign(JOB, BO, OTHER_TURN))
    office.meet()
    office.write("bo", acts.set_phase(JOB, BO, OTHER_TURN, phase))
    assert only(office.job()).shown == BO


def test_1_one_decision_clears_it_on_every_replica(office: Office) -> None:
    office.write("north", acts.assign(JOB, ANA, TURN))
    office.write("south", acts.assign(JOB, BO, OTHER_TURN))
    office.meet()
    office.write("south", acts.withdraw(JOB, BO, OTHER_TURN, "Ana goes"))
    job = office.job()
    assert kinds(job) == []
    assert phases(job) == {ANA: (Phase.ASSIGNED, True), BO: (Phase.ASSIGNED, False)}


# --- 2. the office cancels while the worker is on site without a network


def test_2_a_cancel_keeps_the_work_and_asks_people(assigned: Office) -> None:
    assigned.write("ana", acts.set_phase(JOB, ANA, TURN, Phase.ON_SITE))
    assigned.write("ana", acts.add_note(JOB, "valve replaced"))
    assigned.write("north", acts.cancel_job(JOB, "customer called"))
    job = assigned.job()
    assert job.status == "cancelled"
    assert phases(job)[ANA] == (Phase.ON_SITE, True)
    conflict = only(job)
    assert (conflict.kind, conflict.shown) == (
        "worked after cancel",
        "cancelled: customer called",
    )
    assert [value for value, _ in conflict.others] == ["on site"]
    notes = [path for path in assigned.state().registers if path[0] == fields.NOTE]
    assert len(notes) == 1


def test_2_a_cancel_that_knew_of_the_work_is_no_conflict(assigned: Office) -> None:
    assigned.write("ana", acts.set_phase(JOB, ANA, TURN, Phase.ON_SITE))
    assigned.meet()
    assigned.write("north", acts.cancel_job(JOB, "customer called"))
    assert (assigned.job().status, kinds(assigned.job())) == ("cancelled", [])


def test_2_a_cancel_before_the_work_began_is_no_conflict(assigned: Office) -> None:
    assigned.write("ana", acts.set_phase(JOB, ANA, TURN, Phase.ACCEPTED))
    assigned.write("north", acts.cancel_job(JOB, "customer called"))
    assert (assigned.job().status, kinds(assigned.job())) == ("cancelled", [])


def test_2_one_decision_clears_it(assigned: Office) -> None:
    assigned.write("ana", acts.set_phase(JOB, ANA, TURN, Phase.FINISHED))
    assigned.write("north", acts.cancel_job(JOB, "customer called"))
    assigned.meet()
    assigned.write("south", acts.decide(JOB, only(assigned.job()).key, "keep the cancel"))
    assert kinds(assigned.job()) == []
    assigned.meet()
    assigned.write("south", acts.reopen_job(JOB))
    assert assigned.job().status == "done"


# --- 3. the window moves while the worker writes notes


def test_3_different_fields_are_both_kept_and_nobody_is_asked(assigned: Office) -> None:
    window = [AT_MS, AT_MS + 3_600_000]
    assigned.write("north", acts.edit_job(JOB, {"window": window}))
    assigned.write("ana", acts.add_note(JOB, "key at the neighbour's"))
    assigned.write("ana", acts.set_phase(JOB, ANA, TURN, Phase.ACCEPTED))
    assert assigned.shown(fields.WINDOW) == window
    assert kinds(assigned.job()) == []
    assert phases(assigned.job())[ANA] == (Phase.ACCEPTED, True)


# --- 4. one field, edited twice


def test_4_one_value_is_shown_and_the_other_can_be_restored_by_one_act(office: Office) -> None:
    office.write("north", acts.edit_job(JOB, {"title": "Boiler, upstairs"}))
    office.write("south", acts.edit_job(JOB, {"title": "Boiler, urgent"}))
    conflict = only(office.job())
    assert (conflict.kind, conflict.field, conflict.shown) == ("field", "title", "Boiler, urgent")
    ((other, write),) = conflict.others
    assert other == "Boiler, upstairs"
    assert write.log == (author_of("north"), b"")
    office.meet()
    office.write("north", acts.edit_job(JOB, {"title": other}))
    assert kinds(office.job()) == []
    assert office.shown(fields.TITLE) == "Boiler, upstairs"


def test_4_the_same_value_twice_is_no_conflict(office: Office) -> None:
    for hub in ("north", "south"):
        office.write(hub, acts.edit_job(JOB, {"title": "Boiler, upstairs"}))
    assert kinds(office.job()) == []


def test_4_the_key_of_a_conflict_is_the_same_whatever_else_arrives(office: Office) -> None:
    office.write("north", acts.edit_job(JOB, {"title": "A"}))
    office.write("south", acts.edit_job(JOB, {"title": "B"}))
    before = only(office.job()).key
    office.write("ana", acts.add_note(JOB, "unrelated"))
    assert only(office.job()).key == before


# --- 5. the worker finishes while the office gives the job to another


def reassign(office: Office) -> None:
    office.write("north", acts.withdraw(JOB, ANA, TURN, "late") + acts.assign(JOB, BO, OTHER_TURN))


def test_5_the_finished_work_wins_and_the_new_assignment_is_released(assigned: Office) -> None:
    assigned.write("ana", acts.set_phase(JOB, ANA, TURN, Phase.FINISHED))
    reassign(assigned)
    job = assigned.job()
    assert job.status == "done"
    assert phases(job) == {ANA: (Phase.FINISHED, True), BO: (Phase.ASSIGNED, False)}
    released = [assignment.released for assignment in job.assignments if assignment.worker == BO]
    assert released == [True]
    assert kinds(job) == ["worked after withdrawal"]


def test_5_a_new_worker_who_has_begun_is_not_released(assigned: Office) -> None:
    assigned.write("ana", acts.set_phase(JOB, ANA, TURN, Phase.FINISHED))
    reassign(assigned)
    known = assigned.logs["north"].entries[-1]
    assigned.known["bo"] = [known]
    assigned.write("bo", acts.set_phase(JOB, BO, OTHER_TURN, Phase.ON_SITE))
    job = assigned.job()
    assert phases(job) == {ANA: (Phase.FINISHED, True), BO: (Phase.ON_SITE, True)}
    assert job.status == "in progress"


def test_5_a_withdrawal_that_knew_of_the_finish_stands(assigned: Office) -> None:
    assigned.write("ana", acts.set_phase(JOB, ANA, TURN, Phase.FINISHED))
    assigned.meet()
    reassign(assigned)
    job = assigned.job()
    assert phases(job) == {ANA: (Phase.FINISHED, False), BO: (Phase.ASSIGNED, True)}
    assert (job.status, kinds(job)) == ("open", [])


def test_5_a_reassignment_before_the_work_began_takes_the_job_away(assigned: Office) -> None:
    assigned.write("ana", acts.set_phase(JOB, ANA, TURN, Phase.ACCEPTED))
    reassign(assigned)
    job = assigned.job()
    assert phases(job) == {ANA: (Phase.ACCEPTED, False), BO: (Phase.ASSIGNED, True)}
    assert kinds(job) == []


# --- 6. one act that arrives twice


def test_6_an_act_that_arrives_twice_is_one_act(assigned: Office) -> None:
    assigned.write("ana", acts.add_note(JOB, "once"))
    state = assigned.state()
    before = state.plain()
    for stored in assigned.entries:
        assert state.extend_all([stored], STANDINGS.__getitem__)
    assert state.plain() == before
    doubled = StreamState.build(SITE, JOB, assigned.entries * 2, STANDINGS, permits)
    assert doubled.plain() == before
    assert len([path for path in state.registers if path[0] == fields.NOTE]) == 1


# --- 7. clearing a field


def test_7_a_cleared_field_stays_cleared(office: Office) -> None:
    office.write("south", acts.edit_job(JOB, {"address": None}))
    assert office.shown(fields.ADDRESS) is None
    assert kinds(office.job()) == []
    shown = show(office.state().registers, (fields.ADDRESS,))
    assert shown is not None
    assert shown.write.log == (author_of("south"), b"")


def test_7_clearing_beside_an_edit_keeps_both(office: Office) -> None:
    office.write("south", acts.edit_job(JOB, {"address": None}))
    office.write("north", acts.edit_job(JOB, {"address": "Side Street 2"}))
    conflict = only(office.job())
    assert conflict.shown == "Side Street 2"
    assert [value for value, _ in conflict.others] == [None]


# --- 8. what was taken away neither comes back nor erases anything


def test_8_a_withdrawn_turn_does_not_come_back_by_a_late_answer(assigned: Office) -> None:
    assigned.write("north", acts.withdraw(JOB, ANA, TURN))
    for phase in (Phase.RECEIVED, Phase.OPENED, Phase.ACCEPTED):
        assigned.write("ana", acts.set_phase(JOB, ANA, TURN, phase))
    job = assigned.job()
    assert phases(job) == {ANA: (Phase.ACCEPTED, False)}
    assert (job.status, job.attention) == ("open", "unassigned")


def test_8_a_cancelled_job_stays_cancelled_and_keeps_its_history(assigned: Office) -> None:
    assigned.write("ana", acts.add_note(JOB, "was there"))
    assigned.write("north", acts.cancel_job(JOB, "double"))
    assigned.write("ana", acts.set_phase(JOB, ANA, TURN, Phase.ACCEPTED))
    assert assigned.job().status == "cancelled"
    assert len(list(assigned.state().entries())) == 5
    assert [path[0] for path in assigned.state().registers].count(fields.NOTE) == 1


def test_8_two_cancels_need_one_reopening_that_saw_both(assigned: Office) -> None:
    assigned.write("north", acts.cancel_job(JOB, "double"))
    assigned.write("south", acts.cancel_job(JOB, "customer called"))
    page = [assigned.logs["north"].entries[-1]]
    assigned.write("north", acts.reopen_job(JOB), basis=page)
    # The reopening had not seen the other hub's cancel, which still stands.
    assert assigned.job().status == "cancelled"
    assigned.meet()
    assigned.write("north", acts.reopen_job(JOB))
    assert assigned.job().status == "open"


# --- 9. a phone's entries are a series


def test_9_a_later_entry_waits_for_the_one_before_it(assigned: Office) -> None:
    for phase in (Phase.TRAVELLING, Phase.ON_SITE, Phase.FINISHED):
        assigned.write("ana", acts.set_phase(JOB, ANA, TURN, phase))
    office, ana = assigned.logs["north"].entries, assigned.logs["ana"].entries
    statuses = []
    for held in ([], ana[1:], ana[:1], [ana[0], ana[2]], ana[:2], ana):
        state = StreamState.build(SITE, JOB, [*office, *held], STANDINGS, permits)
        statuses.append(fold_job(state.registers).status)
    assert statuses == [
        "open",
        "open",
        "in progress",
        "in progress",
        "in progress",
        "done",
    ]


# --- 10. no clock replaces another


def test_10_the_phones_time_and_the_offset_are_both_kept(assigned: Office) -> None:
    years_ms = 30 * 365 * 86_400_000
    written = assigned.write(
        "ana",
        acts.set_phase(JOB, ANA, TURN, Phase.FINISHED),
        wall_ms=AT_MS - years_ms,
        offset_ms=years_ms + 60_000,
    )
    state = assigned.state()
    place = state.position(written.hash)
    assert place is not None
    entry = state.logs[place[0]].placed[place[1] - 1].entry
    assert entry is not None
    assert entry.wall_ms == AT_MS - years_ms
    assert entry.offset_ms == years_ms + 60_000
    assert entry.corrected_ms == AT_MS + 60_000
    assert assigned.job().status == "done"


# --- handing on, which is a consequence and never written


def test_handing_on_gives_the_colleague_a_turn_and_takes_the_givers(assigned: Office) -> None:
    assigned.write("ana", acts.hand_over(JOB, ANA, TURN, BO))
    job = assigned.job()
    assert phases(job) == {ANA: (Phase.ASSIGNED, False), BO: (Phase.ASSIGNED, True)}
    assigned.known["bo"] = [assigned.logs["ana"].entries[-1]]
    assigned.write("bo", acts.set_phase(JOB, BO, TURN, Phase.FINISHED))
    assert assigned.job().status == "done"


CID = bytes.fromhex("0b99541003") + b"cid0003"


def give_to_cid(office: Office) -> None:
    """The office takes Ana's turn and gives the job to Cid."""
    office.write("north", acts.withdraw(JOB, ANA, TURN) + acts.assign(JOB, CID, OTHER_TURN))


def handed_to_bo(office: Office) -> None:
    """Ana's phone hands the job to Bo's, where no hub is."""
    office.known["bo"] = [office.write("ana", acts.hand_over(JOB, ANA, TURN, BO))]


def test_a_colleagues_finished_work_wins_over_an_office_that_took_the_job_from_its_giver(
    assigned: Office,
) -> None:
    handed_to_bo(assigned)
    assigned.write("bo", acts.set_phase(JOB, BO, TURN, Phase.FINISHED))
    give_to_cid(assigned)
    job = assigned.job()
    assert (job.status, kinds(job)) == ("done", ["worked after withdrawal"])
    assert phases(job) == {
        ANA: (Phase.ASSIGNED, False),
        BO: (Phase.FINISHED, True),
        CID: (Phase.ASSIGNED, False),
    }


def test_a_job_that_the_office_takes_is_taken_from_whom_it_was_handed_to(assigned: Office) -> None:
    handed_to_bo(assigned)
    assigned.write("bo", acts.set_phase(JOB, BO, TURN, Phase.ACCEPTED))
    give_to_cid(assigned)
    job = assigned.job()
    assert (job.status, kinds(job)) == ("open", [])
    assert [each.worker for each in job.assignments if each.counts] == [CID]


def test_who_knows_that_the_job_was_taken_hands_it_on_to_nobody(assigned: Office) -> None:
    give_to_cid(assigned)
    assigned.meet()
    handed_to_bo(assigned)
    assert [each.worker for each in assigned.job().assignments if each.counts] == [CID]


def test_an_office_that_knows_of_the_hand_over_takes_the_job_from_the_giver_alone(
    assigned: Office,
) -> None:
    handed_to_bo(assigned)
    assigned.meet()
    assigned.write("north", acts.withdraw(JOB, ANA, TURN))
    assert [each.worker for each in assigned.job().assignments if each.counts] == [BO]


@pytest.mark.parametrize("later", ["to Cid", "to nobody"])
@pytest.mark.parametrize("knew", [False, True])
def test_a_giver_who_hands_the_job_on_again_undoes_no_work_of_the_first_colleague(
    assigned: Office, later: str, knew: bool
) -> None:
    handed_to_bo(assigned)
    assigned.write("bo", acts.set_phase(JOB, BO, TURN, Phase.FINISHED))
    if knew:
        assigned.meet()
    again = acts.hand_over(JOB, ANA, TURN, CID)
    if later == "to nobody":
        again = [Change(JOB, (fields.HANDED_TO, ANA, TURN, BO), None)]
    assigned.write("ana", again)
    job = assigned.job()
    assert phases(job) == {ANA: (Phase.ASSIGNED, False), BO: (Phase.FINISHED, True)}
    assert (job.status, kinds(job)) == ("done", [])


def test_a_job_handed_on_again_before_anybody_began_is_the_last_colleagues(
    assigned: Office,
) -> None:
    handed_to_bo(assigned)
    assigned.write("ana", acts.hand_over(JOB, ANA, TURN, CID))
    assert phases(assigned.job()) == {ANA: (Phase.ASSIGNED, False), CID: (Phase.ASSIGNED, True)}
    assigned.write("ana", [Change(JOB, (fields.HANDED_TO, ANA, TURN, CID), None)])
    # What Ana said before holds again: to give it to Bo was never taken back.
    assert [each.worker for each in assigned.job().assignments if each.counts] == [BO]


def test_a_job_that_the_office_and_its_worker_hand_on_at_once_is_shown_as_given_twice(
    assigned: Office,
) -> None:
    handed_to_bo(assigned)
    assigned.write("north", acts.hand_over(JOB, ANA, TURN, CID))
    job = assigned.job()
    assert phases(job) == {
        ANA: (Phase.ASSIGNED, False),
        BO: (Phase.ASSIGNED, True),
        CID: (Phase.ASSIGNED, True),
    }
    assert kinds(job) == ["double assignment"]


def test_a_turn_that_nobody_had_can_not_be_handed_on(assigned: Office) -> None:
    assigned.write("bo", acts.hand_over(JOB, BO, b"no-turn!", ANA))
    assert phases(assigned.job()) == {ANA: (Phase.ASSIGNED, True)}


def test_a_turn_handed_round_in_a_ring_ends(assigned: Office) -> None:
    assigned.write("ana", acts.hand_over(JOB, ANA, TURN, BO))
    assigned.meet()
    assigned.write("bo", acts.hand_over(JOB, BO, TURN, ANA))
    job = assigned.job()
    assert {assignment.worker for assignment in job.assignments} == {ANA, BO}
    assert (job.status, job.attention) == ("open", "unassigned")


def test_a_note_has_the_id_that_its_entry_minted(assigned: Office) -> None:
    first = assigned.write("ana", [Change(JOB, (fields.NOTE, MINT), "same words")])
    second = assigned.write("ana", [Change(JOB, (fields.NOTE, MINT), "same words")])
    notes = [path for path in assigned.state().registers if path[0] == fields.NOTE]
    assert len(notes) == 2
    assert first.hash != second.hash
