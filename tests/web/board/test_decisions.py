"""Two hubs that are cut off from each other decide the same conflict, and then meet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.dispatch import acts
from core.dispatch.acts import ActError
from core.dispatch.fields import Phase
from core.dispatch.overruled import not_taken
from replica.checking import dump_projections
from replica.replica import Replica
from tests.build import Site, clock_of, hold
from web.board.conflicts import open_conflicts
from web.board.decisions import both_words, decision


class Apart:
    """Two hubs and a phone that has written where an office wrote too; they meet when told to."""

    def __init__(self, folder: Path) -> None:
        self.site = Site(folder)
        self.north, self.south = self.site.hub("A"), self.site.hub("B")
        self.worker = self.site.worker(self.north, "Ana")
        self.job, (self.turn,) = self.site.job(self.north, "Boiler", self.worker)
        self.phone = self.site.phone(self.north, self.worker)
        self.meet()

    def meet(self) -> None:
        """All tell each other everything."""
        for _ in range(2):
            hold(self.phone, self.north)
            hold(self.south, self.north)

    def late(self, replica: Replica, changes: acts.Act) -> None:
        """Write a minute later."""
        for each in (self.north, self.south, self.phone):
            clock_of(each).pass_ms(60_000)
        replica.write(changes)

    def decide(self, replica: Replica, choice: str) -> None:
        """Decide the one conflict that this replica shows."""
        state = replica.state(self.job)
        (conflict,) = open_conflicts(state)
        self.late(replica, decision(state, conflict, choice))

    def conflicts(self) -> set[tuple[tuple[str, ...], ...]]:
        """What each replica's table says is open; equal ones are one."""
        found = set()
        for replica in (self.north, self.south, self.phone):
            rows = replica.store.db.execute("SELECT conflict, kind, shown, other FROM conflict")
            found.add(tuple(sorted(map(tuple, rows.fetchall()))))
        return found


@pytest.fixture
def apart(tmp_path: Path) -> Iterator[Apart]:
    """A worker travels while the office, not knowing, called it finished."""
    made = Apart(tmp_path)
    phases = ((made.phone, Phase.TRAVELLING), (made.north, Phase.FINISHED))
    for replica, phase in phases:
        made.late(replica, acts.set_phase(made.job, made.worker, made.turn, phase))
    made.meet()
    assert len(next(iter(made.conflicts()))) == 1
    yield made
    made.site.close()


def phase(replica: Replica) -> str:
    return str(replica.store.db.execute("SELECT phase FROM assignment").fetchone()[0])


def test_two_hubs_that_decide_alike_clear_it_everywhere(apart: Apart) -> None:
    apart.decide(apart.north, "1")
    apart.decide(apart.south, "1")
    apart.meet()
    assert apart.conflicts() == {()}
    assert [phase(each) for each in (apart.north, apart.south, apart.phone)] == ["travelling"] * 3
    assert not_taken(apart.phone.state(apart.job), apart.worker) == []


def test_two_hubs_that_decide_differently_have_one_new_conflict_to_decide(apart: Apart) -> None:
    apart.decide(apart.north, "1")
    apart.decide(apart.south, "0")
    apart.meet()
    (same,) = apart.conflicts()
    assert len(same) == 1, "the same one, on every replica"
    apart.decide(apart.north, "0")
    apart.meet()
    assert apart.conflicts() == {()}
    shown = dump_projections(apart.north.store.db)["job"]
    assert dump_projections(apart.south.store.db)["job"] == shown


def test_the_worker_who_lost_is_told_so_by_the_log_of_either_hub(apart: Apart) -> None:
    apart.decide(apart.south, "0")
    apart.meet()
    told = [
        not_taken(each.state(apart.job), apart.worker)
        for each in (apart.north, apart.south, apart.phone)
    ]
    assert told[0] == told[1] == told[2]
    (one,) = told[0]
    assert (one.own, one.instead, one.decided) == (Phase.TRAVELLING, Phase.FINISHED, True)


def test_what_excludes_itself_or_is_no_choice_is_refused(apart: Apart) -> None:
    state = apart.north.state(apart.job)
    (conflict,) = open_conflicts(state)
    assert both_words(conflict) == ""
    for choice, words in (("both", "exclude each other"), ("2", "choose"), ("x", "choose")):
        with pytest.raises(ActError, match=words):
            decision(state, conflict, choice)


def test_both_texts_that_are_too_long_together_are_refused_with_a_way_out(apart: Apart) -> None:
    apart.decide(apart.north, "1")
    apart.meet()
    for replica, letter in ((apart.north, "a"), (apart.south, "b")):
        apart.late(replica, acts.edit_job(apart.job, {"description": letter * 1_500}))
    apart.meet()
    state = apart.north.state(apart.job)
    (conflict,) = open_conflicts(state)
    with pytest.raises(ActError, match="longer than 2,000 letters; choose one"):
        decision(state, conflict, "both")
