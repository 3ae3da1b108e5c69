"""A proposal from the hub's own data: made, told, accepted as one act, overtaken, dropped."""

from __future__ import annotations

import asyncio
import re

from core.dispatch import acts
from core.dispatch.fields import Phase
from core.dispatch.roster import set_absence
from tests.web.board.test_near import shift, stand
from tests.web.board.town import MINUTE_MS, Town
from tests.web.office import Person, Seen

SOUTH = (500_500_000, 144_250_000)


async def made(person: Person, day: str = "2026-11-23", jobs: str = "") -> Seen:
    """Make a proposal and wait until it is there."""
    await person.get("/proposal")
    seen = await person.post("/proposal", {"day": day, "jobs": jobs})
    for _ in range(200):
        if 'http-equiv="refresh"' not in seen.text:
            return seen
        await asyncio.sleep(0.05)
        seen = await person.get(seen.path)
    raise AssertionError("the proposal was never ready")


def ticks(seen: Seen) -> list[str]:
    return re.findall(r'<input type="checkbox" name="job" value="(\w+)"', seen.text)


async def test_what_is_accepted_comes_to_the_phones_in_order_by_one_act(town: Town) -> None:
    ana, ben = await town.worker("Ana"), await town.worker("Ben")
    gas = town.office.entropy(8)
    await town.office.act(acts.set_group("skill", gas, "Gas"))
    await town.office.act(acts.edit_worker(ben.stream, {"skills": [gas]}))
    for worker, metres in ((ana, 0), (ben, 7_000)):
        await shift(town, worker, 8, 16)
        stand(town, worker, metres)
    fixed, _ = await town.job("Fixed", worker=ana, starts_in=120, lasts=60, planned_minutes=20)
    near, _ = await town.job("Near", starts_in=5, lasts=60, planned_minutes=20)
    skilled, _ = await town.job("Gas leak", starts_in=5, lasts=90, planned_minutes=20, skills=[gas])
    lost, _ = await town.job("Nowhere", starts_in=5, point=None)
    eva = await town.office.signed_in("Eva")
    begin = await eva.get("/proposal?day=2026-11-23")
    assert "3 jobs that nobody has, 2 workers" in begin.words
    seen = await made(eva)
    assert sorted(ticks(seen)) == sorted([near, skilled])
    assert "The only one with the skill" in seen.words
    assert "keeps all windows" in seen.words
    assert "Nowhere : its position is not known; give it one" in seen.words
    assert (await town.row(near))["worker"] == ""
    told = await eva.post(f"{seen.path}/accept", {"job": ticks(seen)})
    assert "2 jobs accepted" in told.words
    assert "accepted: Ana has it" in told.words
    rows = {job: await town.row(job) for job in (near, skilled, fixed)}
    assert [rows[job]["worker"] for job in (near, skilled, fixed)] == [ana.id, ben.id, ana.id]
    acted = {
        next(change.act for change in await town.office.history(job) if change.field == "assigned"
             and change.act)
        for job in (near, skilled)
    }  # fmt: skip
    assert len(acted) == 1
    for worker, titles in ((ana, ["Near", "Fixed"]), (ben, ["Gas leak"])):
        await town.meet(worker)
        held = worker.phone.store.db.execute(
            "SELECT title FROM job JOIN assignment USING (job) ORDER BY position"
        ).fetchall()
        assert [row[0] for row in held] == titles
    assert lost


async def test_what_somebody_changed_meanwhile_is_left_and_named(town: Town) -> None:
    ana = await town.worker("Ana")
    stand(town, ana, 0)
    one, _ = await town.job("One", starts_in=5)
    other, _ = await town.job("Other", starts_in=70)
    eva = await town.office.signed_in("Eva")
    karel = await town.office.add_account("Karel", "dispatcher")
    seen = await made(eva)
    await town.office.hub.act(karel, acts.cancel_job(bytes.fromhex(one), "called off"))
    told = await eva.post(f"{seen.path}/accept", {"job": [one, other]})
    assert "1 job accepted. 1 left as it is" in told.words
    assert "left as it is: Karel changed it meanwhile (cancelled)" in told.words
    assert (await town.row(one))["worker"] == ""
    assert (await town.row(other))["worker"] == ana.id
    again = await eva.post(f"{seen.path}/accept", {"job": [one, other]})
    assert "0 jobs accepted" in again.words


async def test_two_clicks_at_once_assign_once(town: Town) -> None:
    ana = await town.worker("Ana")
    stand(town, ana, 0)
    job, _ = await town.job("One", starts_in=5)
    eva = await town.office.signed_in("Eva")
    seen = await made(eva)
    clicks = (eva.post(f"{seen.path}/accept", {"job": [job]}) for _ in range(3))
    await asyncio.gather(*clicks)
    rows = await town.office.rows("SELECT turn FROM assignment WHERE job = ?", (job,))
    assert len(rows) == 1


async def test_a_selection_moves_what_is_assigned_and_never_what_is_begun(town: Town) -> None:
    ana, ben = await town.worker("Ana"), await town.worker("Ben")
    for worker, metres in ((ana, 0), (ben, 12_000)):
        await shift(town, worker, 8, 16)
        stand(town, worker, metres)
    far, _ = await town.job("Far from Ben", worker=ben, starts_in=None, planned_minutes=20)
    begun, turn = await town.job("Begun", worker=ben, starts_in=None, point=SOUTH)
    await town.phases(ben, begun, turn, Phase.TRAVELLING)
    eva = await town.office.signed_in("Eva")
    seen = await made(eva, jobs=f"{far},{begun}")
    assert ticks(seen) == [far]
    assert "it is begun, and stays as it is" in seen.words
    await town.meet(ben)
    told = await eva.post(f"{seen.path}/accept", {"only": far})
    assert "1 job accepted" in told.words
    rows = await town.office.rows(
        "SELECT worker, phase FROM assignment WHERE job = ? ORDER BY phase", (far,)
    )
    assert {(row["worker"], row["phase"]) for row in rows} == {
        (ana.id, "assigned"), (ben.id, "withdrawn"),
    }  # fmt: skip
    assert (await town.row(begun))["worker"] == ben.id
    for worker, titles in ((ben, {"Begun"}), (ana, {"Far from Ben"})):
        await town.meet(worker)
        held = worker.phone.store.db.execute(
            "SELECT title FROM job JOIN assignment USING (job)"
            " WHERE assignment.phase <> 'withdrawn'"
        ).fetchall()
        assert {row[0] for row in held} == titles


async def test_lines_are_dropped_one_by_one_or_all_and_nothing_is_written(town: Town) -> None:
    ana = await town.worker("Ana")
    stand(town, ana, 0)
    jobs = [(await town.job(title, starts_in=5))[0] for title in ("One", "Other")]
    eva = await town.office.signed_in("Eva")
    seen = await made(eva)
    told = await eva.post(f"{seen.path}/drop", {"only": jobs[0]})
    assert "1 dropped; nothing was written" in told.words
    assert ticks(told) == [jobs[1]]
    told = await eva.post(f"{seen.path}/accept", {"job": jobs})
    assert "1 job accepted" in told.words
    assert (await town.row(jobs[0]))["worker"] == ""
    await eva.post(f"{seen.path}/drop", {"all": "1"})
    gone = await eva.get(seen.path)
    assert "not there any more" in gone.words
    assert "Nothing is ticked" in (
        await eva.post(f"{(await made(eva)).path}/accept", {})
    ).words  # fmt: skip


async def test_wrong_input_and_readers_change_nothing(town: Town) -> None:
    ana = await town.worker("Ana")
    stand(town, ana, 0)
    job, _ = await town.job("One", starts_in=5)
    mia = await town.office.signed_in("Mia", "manager")
    seen = await mia.get("/proposal?day=2026-13-40&jobs=nonsense")
    assert "1 job that nobody has, 1 worker." in seen.words
    assert "Make a proposal" not in seen.text
    told = await mia.post("/proposal", {"day": "2026-11-23"})
    assert "your account reads only" in told.words.lower() or told.status == 403
    eva = await town.office.signed_in("Eva")
    path = (await made(eva)).path
    await mia.post(f"{path}/accept", {"job": [job]})
    assert (await town.row(job))["worker"] == ""
    empty = await eva.get("/proposal?day=2027-01-01")
    assert "Nothing is to be placed" in empty.words


async def test_a_shift_that_is_over_takes_nothing_more(town: Town) -> None:
    ana = await town.worker("Ana")
    await shift(town, ana, 4, 11)
    stand(town, ana, 0)
    await town.job("Held", worker=ana, starts_in=-30)
    await town.job("One", starts_in=5)
    eva = await town.office.signed_in("Eva")
    town.clock.at_ms += MINUTE_MS
    seen = await made(eva)
    assert ticks(seen) == []
    assert "nobody who could do it works then" in seen.words


async def test_who_is_absent_gets_nothing_and_is_told_of_if_it_was_said_meanwhile(
    town: Town,
) -> None:
    ana, ben = await town.worker("Ana"), await town.worker("Ben")
    for worker in (ana, ben):
        await shift(town, worker, 8, 18)
        stand(town, worker, 100)
    job, _ = await town.job("Near", starts_in=5, lasts=120, planned_minutes=20)
    await town.office.act(set_absence(ana.stream, b"absence1", "2026-11-23", "2026-11-24", 1))
    eva = await town.office.signed_in("Eva")
    seen = await made(eva)
    assert ticks(seen) == [job]
    await town.office.act(set_absence(ben.stream, b"absence2", "2026-11-23", "2026-11-23", 2))
    told = await eva.post(f"{seen.path}/accept", {"job": [job]})
    assert "left as it is: the worker is sick until 23 Nov" in told.words
    assert (await town.row(job))["worker"] == ""
    assert ticks(await made(eva)) == []


async def test_a_selected_job_of_a_later_day_is_not_put_into_this_one(town: Town) -> None:
    ana, eva = await town.worker("Ana"), await town.office.signed_in("Eva")
    await shift(town, ana, 8, 18)
    later, _ = await town.job("Later", starts_in=3 * 24 * 60)
    seen = await made(eva, jobs=later)
    assert ticks(seen) == []
    assert "its window is on a later day" in seen.words


async def test_who_only_reads_drops_no_proposal(town: Town) -> None:
    await shift(town, await town.worker("Ana"), 8, 18)
    job, _ = await town.job("Near", starts_in=5)
    eva = await town.office.signed_in("Eva")
    seen = await made(eva)
    mia = await town.office.signed_in("Mia", "manager")
    for fields in ({"all": "1"}, {"job": [job]}):
        await mia.post(f"{seen.path}/drop", fields)
        assert ticks(await eva.get(seen.path)) == [job]
