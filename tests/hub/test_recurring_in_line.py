"""Jobs that were made already follow their recurrence where somebody asks for it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.dispatch import acts
from core.dispatch.acts import ActError
from core.dispatch.fields import Kind, Phase
from core.dispatch.recurrence import Often, occurrence_stream, occurrence_turn
from core.dispatch.recurrence_acts import edit_recurrence
from hub.recurring import add, make_due, skip
from hub.recurring_in_line import OFF_WORDS, bring_in_line, open_count
from replica.checking import check_store
from replica.replica import Replica
from tests.build import START_MS, SettableClock, Site, hold
from tests.hub.test_recurring import DAILY, DAY_MS, MONDAY

EIGHT_MS = START_MS - 3_600_000


def found(replica: Replica, column: str) -> list[object]:
    return [row[0] for row in replica.store.db.execute(f"SELECT {column} FROM job ORDER BY job")]


def test_made_jobs_follow_and_what_people_wrote_or_began_stays(site: Site) -> None:
    hub = site.hub(clock=SettableClock())
    ana, bo = site.worker(hub, "Ana"), site.worker(hub, "Bo")
    stream = add(hub, {**DAILY, "worker": ana})
    make_due(hub)
    jobs = [occurrence_stream(stream, MONDAY + timedelta(days=ahead)) for ahead in range(7)]
    turns = [occurrence_turn(stream, MONDAY + timedelta(days=ahead), ana) for ahead in range(7)]
    hub.write(acts.set_phase(jobs[0], ana, turns[0], Phase.ON_SITE))
    hub.write(acts.edit_job(jobs[1], {"planned_minutes": 90, "title": "Belts"}))
    hub.write([*acts.withdraw(jobs[2], ana, turns[2]), *acts.assign(jobs[2], bo, b"turn-bo1")])
    hub.write(acts.withdraw(jobs[3], ana, turns[3]))
    skip(hub, stream, MONDAY + timedelta(days=4))
    changes = {"title": "Filters 2", "hours": [540, 600], "planned_minutes": None, "worker": bo}
    hub.write(edit_recurrence(stream, {**changes, "priority": 2}))
    assert open_count(hub, stream) == 5
    assert bring_in_line(hub, stream, actor=b"account1") == (5, 0)
    assert bring_in_line(hub, stream) == (0, 0)
    assert found(hub, "title") == [
        "Filters", "Belts", "Filters 2", "Filters 2", "Filters", "Filters 2", "Filters 2",
    ]  # fmt: skip
    assert found(hub, "planned_minutes") == [45, 90, None, None, 45, None, None]
    assert found(hub, f"(window_start - {EIGHT_MS}) / 3600000") == [
        0, 25, 49, 73, 96, 121, 145,
    ]  # fmt: skip
    workers = [
        {ana.hex(): "Ana", bo.hex(): "Bo"}.get(str(each), "") for each in found(hub, "worker")
    ]
    assert workers == ["Ana", "Bo", "Bo", "", "Ana", "Bo", "Bo"]
    # And back again: a turn that was taken back is not used a second time.
    hub.write(edit_recurrence(stream, {"worker": ana}))
    assert bring_in_line(hub, stream) == (3, 0)
    assert hub.store.db.execute("SELECT * FROM conflict").fetchall() == []
    assert found(hub, "status").count("open") == 5
    assert found(hub, "worker").count(ana.hex()) == 5
    assert check_store(hub) == []


def test_jobs_of_days_that_it_falls_on_no_more_are_cancelled_and_opened_if_it_does_again(
    site: Site,
) -> None:
    clock = SettableClock()
    hub, other = site.hub("A", clock), site.hub("B", clock)
    stream = add(hub, DAILY)
    make_due(hub)
    clock.pass_ms(DAY_MS)
    hub.write(edit_recurrence(stream, {"repeats": [Often.WEEKLY, 1, [0, 2]]}))
    make_due(hub)
    assert bring_in_line(hub, stream) == (0, 5)
    assert found(hub, "status") == [
        "open", "cancelled", "open", *["cancelled"] * 4, "open",
    ]  # fmt: skip
    assert found(hub, "reason")[1] == OFF_WORDS
    assert hold(other, hub).live
    other.write(edit_recurrence(stream, {"repeats": [Often.WEEKLY, 1, [0, 2, 4]]}))
    make_due(other)
    assert hold(other, hub).live
    for each in (hub, other):
        statuses = found(each, "status")
        assert statuses[:5] == ["open", "cancelled", "open", "cancelled", "open"]
        assert check_store(each) == []


def test_one_that_makes_no_jobs_brings_none_into_line(site: Site) -> None:
    hub = site.hub()
    with pytest.raises(ActError, match="makes no jobs"):
        bring_in_line(hub, site.new_id(Kind.RECURRENCE))
    assert open_count(hub, site.new_id(Kind.RECURRENCE)) == 0
