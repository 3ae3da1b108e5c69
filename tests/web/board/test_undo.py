"""Undo and redo over HTTP: of one change, of many at once, and where others built on it."""

from __future__ import annotations

import json
import re
from typing import Any

from core.dispatch import acts
from core.dispatch.fields import Phase
from core.dispatch.undoing import undo_changes
from hub.keys import Account
from hub.past_acts import reference_of
from tests.web.board.town import MINUTE_MS, Town, send_part
from tests.web.office import Person, Seen
from web.board.undoing import plan_of


def offered(seen: Seen) -> str:
    """The act that the notice of a page offers to undo."""
    found = re.search(r'data-undo="([0-9a-f]{24}-[0-9a-f]{16})"', seen.text)
    assert found, seen.words
    return found[1]


async def undo(person: Person, act: str, **more: str) -> Seen:
    """Undo as a form without scripts does; where others built on it, the page of the decision."""
    return await person.post("/board/undo", {"act": act, "back": "/?view=all", **more})


async def undo_by_script(person: Person, act: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((await send_part(person, "/board/undo", {"act": act})).text)
    return told


def redo(seen: Seen) -> str:
    """The act that the notice offers to redo."""
    assert "Redo" in seen.words, seen.words
    return offered(seen)


async def worker_of(town: Town, job: str) -> str:
    found: str = (await town.row(job))["worker"]
    return found


async def test_an_assignment_is_undone_from_its_notice_and_the_phone_loses_the_job(
    town: Town,
) -> None:
    ana = await town.worker("Ana")
    job, _ = await town.job("Boiler")
    eva = await town.office.signed_in("Eva")
    seen = await eva.post(f"/board/job/{job}/assign", {"worker": ana.id})
    await town.meet(ana)
    held = "SELECT job FROM job"
    assert ana.phone.store.db.execute(held).fetchall()
    seen = await undo(eva, offered(seen))
    assert "Undone: Assigned to Ana (A-1 Boiler)." in seen.words
    assert await worker_of(town, job) == ""
    await town.meet(ana)
    assert not ana.phone.store.db.execute(held).fetchall(), "the phone has lost the job again"
    await undo(eva, redo(seen))
    assert await worker_of(town, job) == ana.id
    await town.meet(ana)
    assert ana.phone.store.db.execute(held).fetchall()


async def test_what_was_done_to_many_and_in_the_planner_is_undone_alike(
    town: Town,
) -> None:
    ana, eva = await town.worker("Ana"), await town.office.signed_in("Eva")
    jobs = [(await town.job(title))[0] for title in ("Boiler", "Lift")]
    await eva.get("/")
    picks = [f"{job}:" for job in jobs]
    fields = {"pick": picks, "worker": ana.id}
    seen = await send_part(eva, "/board/bulk/assign", fields)
    assert [await worker_of(town, job) for job in jobs] == [ana.id, ana.id]
    await undo_by_script(eva, seen.headers["X-Board-Act"])
    assert [await worker_of(town, job) for job in jobs] == ["", ""]
    move = {"job": jobs[0], "worker": ana.id, "start": "2026-11-24", "way": "time"}
    seen = await send_part(eva, "/board/planner/move", move)
    assert await worker_of(town, jobs[0]) == ana.id
    await undo_by_script(eva, seen.headers["X-Board-Undo"])
    assert await worker_of(town, jobs[0]) == ""


async def test_a_script_gets_words_and_the_act_to_redo(town: Town) -> None:
    job, _ = await town.job("Boiler")
    eva = await town.office.signed_in("Eva")
    seen = await send_part(eva, f"/board/job/{job}/cancel", {"reason": "sold the house"})
    told = await undo_by_script(eva, seen.headers["X-Board-Undo"])
    assert told["words"].startswith("Undone: Cancelled: sold the house")
    assert (await town.row(job))["status"] == "open"
    again = await undo_by_script(eva, seen.headers["X-Board-Undo"])
    assert again == {
        "words": "That is taken back already.",
        "redo": told["redo"],
        "confirm": "",
    }
    await undo_by_script(eva, told["redo"])
    assert (await town.row(job))["reason"] == "sold the house"


async def test_what_another_dispatcher_built_on_is_shown_and_left_unless_decided(
    town: Town,
) -> None:
    job, _ = await town.job("Boiler", priority=1)
    stream = bytes.fromhex(job)
    eva = await town.office.signed_in("Eva")
    await town.office.signed_in("Jan")
    edit = acts.edit_job(stream, {"title": "Pump", "priority": 3})
    act = reference_of(await town.office.hub.act(await town.account("Eva"), edit)).text()
    town.clock.at_ms += MINUTE_MS
    jans = acts.edit_job(stream, {"title": "Pump of the school"})
    await town.office.hub.act(await town.account("Jan"), jans)

    seen = await undo(eva, act)
    assert seen.path.startswith("/board/undo")
    for words in (
        "Title: Boiler → Pump",
        "Title: Pump of the school Jan, 12:01",
        "Priority: Normal → Urgent",
        "Undo the rest",
        "Undo all the same",
        "Leave it",
    ):
        assert words in seen.words, words
    assert (await town.row(job))["title"] == "Pump of the school", "nothing is written yet"
    assert (await town.row(job))["priority"] == 3

    mark = seen.value("mark")
    seen = await undo(eva, act, choice="rest", mark=mark)
    assert "left as it is" in seen.words
    assert (await town.row(job))["priority"] == 1
    assert (await town.row(job))["title"] == "Pump of the school"

    town.clock.at_ms += MINUTE_MS
    jans = acts.edit_job(stream, {"title": "Pump of the old school"})
    await town.office.hub.act(await town.account("Jan"), jans)
    seen = await undo(eva, act, choice="all", mark=mark)
    assert "Somebody built on it once more" in seen.words
    assert (await town.row(job))["title"] == "Pump of the old school"
    await undo(eva, act, choice="all", mark=seen.value("mark"))
    assert (await town.row(job))["title"] == "Boiler"


async def test_whoever_has_begun_keeps_the_job_and_the_office_is_told(town: Town) -> None:
    ana = await town.worker("Ana")
    job, _ = await town.job("Boiler")
    eva = await town.office.signed_in("Eva")
    seen = await eva.post(f"/board/job/{job}/assign", {"worker": ana.id})
    act = offered(seen)
    (row,) = await town.office.rows("SELECT turn FROM assignment")
    await town.phases(ana, job, bytes.fromhex(row["turn"]), Phase.TRAVELLING)
    seen = await undo(eva, act)
    assert "Nothing was undone. The worker has begun" in seen.words
    assert await worker_of(town, job) == ana.id


async def test_an_act_over_many_jobs_is_undone_as_one_but_for_what_others_built_on(
    town: Town,
) -> None:
    eva = await town.office.signed_in("Eva")
    jobs = [(await town.job(f"Job {number}", priority=1))[0] for number in range(30)]
    changes = [
        change for job in jobs for change in acts.edit_job(bytes.fromhex(job), {"priority": 3})
    ]
    written = await town.office.hub.act(await town.account("Eva"), changes)
    assert written.act
    act = reference_of(written).text()
    seen = await undo(eva, act)
    assert "Undone: Priority: Normal → Urgent (30 jobs)." in seen.words
    rows = await town.office.rows("SELECT DISTINCT priority FROM job")
    assert [row["priority"] for row in rows] == [1]
    await undo(eva, redo(seen))
    stream = bytes.fromhex(jobs[3])
    await town.office.act(acts.edit_job(stream, {"priority": 2}))
    seen = await undo(eva, act)
    assert "Others have built on this 1" in seen.words
    assert "A-4 Job 3 Priority: Normal → Urgent Priority: High" in seen.words
    await undo(eva, act, choice="rest")
    rows = await town.office.rows("SELECT job, priority FROM job")
    assert {row["job"]: row["priority"] for row in rows} == {
        job: 2 if job == jobs[3] else 1 for job in jobs
    }


async def test_an_act_that_is_damaged_unknown_or_not_ones_to_undo_is_refused_in_words(
    town: Town,
) -> None:
    job, _ = await town.job("Boiler")
    eva = await town.office.signed_in("Eva")
    max_ = await town.office.signed_in("Max", "manager")
    assert "names no change" in (await undo_by_script(eva, "x"))["words"]
    assert "not on this hub" in (await undo_by_script(eva, f"{job}-{'0' * 16}"))["words"]
    rows = await town.office.history(job)
    act = f"{job}-{rows[0].entry}"
    seen = await max_.post("/board/undo", {"act": act})
    assert (seen.status, "reads only" in seen.words) == (403, True)
    assert (await town.row(job))["status"] == "open"
    settings = acts.set_setting("retention_days", 9)
    written = await town.office.hub.act(Account("00" * 8, "the office", "admin"), settings)
    told = await undo_by_script(eva, reference_of(written).text())
    assert "Only an administrator" in told["words"]
    seen = await eva.post("/board/undo", {"act": "x", "back": "//elsewhere.example/"})
    assert seen.path == "/"


async def test_a_new_job_is_undone_by_cancelling_it_with_what_was_made_for_it_archived(
    town: Town,
) -> None:
    eva = await town.office.signed_in("Eva")
    fields_of_form = (await eva.get("/?do=new")).form() | {
        "title": "Lamp", "customer_text": "Nová", "new_customer": "1",
    }  # fmt: skip
    seen = await eva.post("/board/new", fields_of_form)
    assert "Job A-1 is made." in seen.words
    await undo(eva, offered(seen))
    (job,) = await town.office.rows("SELECT status, reason FROM job")
    assert (job["status"], job["reason"]) == ("cancelled", "taken back")
    (customer,) = await town.office.rows("SELECT archived FROM customer")
    assert customer["archived"] == 1


async def test_forms_of_the_office_are_undone_too(town: Town) -> None:
    eva = await town.office.signed_in("Eva")
    customer = (await town.customer("Letná")).hex()
    form = (await eva.get(f"/customers/{customer}/edit")).form()
    seen = await eva.post(f"/customers/{customer}/edit", form | {"name": "Letna s.r.o."})
    seen = await eva.post("/board/undo", {"act": offered(seen), "back": f"/customers/{customer}"})
    assert "Undone: Customer's name: Letná → Letna s.r.o." in seen.words
    (row,) = await town.office.rows("SELECT name FROM customer")
    assert row["name"] == "Letná"
    fields = {"act": redo(seen), "back": f"/customers/{customer}", "redo": "1"}
    seen = await eva.post("/board/undo", fields)
    assert "Redone: Customer's name: Letna s.r.o. → Letná" in seen.words
    assert offered(seen)
    assert 'aria-label="Undo: name, Letna s.r.o."' in seen.text, "and in the list of changes"


async def test_what_comes_in_between_reading_and_writing_is_kept_beside_what_was_undone(
    town: Town,
) -> None:
    job, _ = await town.job("Boiler")
    stream, hub = bytes.fromhex(job), town.office.hub
    await town.office.signed_in("Eva")
    eva = await town.account("Eva")
    reference = reference_of(await hub.act(eva, acts.edit_job(stream, {"title": "Pump"})))
    plan = await plan_of(hub, reference)
    await town.office.act(acts.edit_job(stream, {"title": "Pump of the school"}))
    await hub.act(eva, undo_changes(plan.parts), plan.basis)
    (conflict,) = await town.office.rows("SELECT shown, other FROM conflict")
    assert "Pump of the school" in conflict["shown"] + conflict["other"]


async def test_the_pane_lists_what_each_change_changed_and_undoes_those_of_the_office(
    town: Town,
) -> None:
    ana = await town.worker("Ana")
    eva = await town.office.signed_in("Eva")
    job, _ = await town.job("Boiler", worker=ana, by=await town.account("Eva"))
    stream = bytes.fromhex(job)
    await town.office.hub.act(await town.account("Eva"), acts.edit_job(stream, {"title": "Pump"}))
    await town.meet(ana)
    await town.on_phone(ana, acts.set_tick(stream, 0, True))
    await town.meet(ana)
    seen = await eva.get(f"/?view=all&job={job}")
    assert "Title Boiler became Pump" in seen.words
    forms = re.findall(r'aria-label="(Undo: [^"]*)"', seen.text)
    assert "Undo: Title" in forms
    assert "Undo: Assigned to Ana" in forms
    assert not [words for words in forms if "Tick" in words], "a worker's is not the office's"


async def test_recent_acts_are_listed_of_everybody_or_of_one_and_undone_and_redone_there(
    town: Town,
) -> None:
    eva, jan = await town.office.signed_in("Eva"), await town.office.signed_in("Jan")
    await town.worker("Ana")
    job, _ = await town.job("Boiler", priority=1, by=await town.account("Eva"))
    other, _ = await town.job("Lamp", by=await town.account("Eva"))
    town.clock.at_ms += MINUTE_MS
    both = [
        change
        for each in (job, other)
        for change in acts.edit_job(bytes.fromhex(each), {"priority": 3})
    ]
    await town.office.hub.act(await town.account("Jan"), both)
    seen = await eva.get("/acts")
    assert "12:01 Jan Priority: Normal → Urgent 2 jobs Undo" in seen.words
    assert "Eva Made A-1 Boiler Undo" in seen.words
    account = (await town.account("Eva")).account
    seen = await eva.get(f"/acts?by={account}")
    assert "2 jobs" not in seen.words
    seen = await eva.get("/acts")
    act = re.search(r'name="act" value="([^"]*)"', seen.text)
    assert act
    seen = await jan.post("/board/undo", {"act": act[1], "back": "/acts"})
    assert seen.path == "/acts"
    assert "12:01 Jan Priority: Normal → Urgent undone 2 jobs Redo" in seen.words
    assert (await town.row(job))["priority"] == 1
    again = seen.text.index(">undone<")
    act = re.search(r'name="act" value="([^"]*)"', seen.text[again:])
    assert act
    await jan.post("/board/undo", {"act": act[1], "back": "/acts"})
    assert (await town.row(job))["priority"] == 3
    assert "argon2" not in (await jan.get("/acts")).text, "a password is no history"
    max_ = await town.office.signed_in("Max", "manager")
    seen = await max_.get("/acts")
    assert "Made A-1 Boiler" in seen.words
    assert 'name="act"' not in seen.text


async def test_an_act_over_jobs_of_which_one_has_nothing_left_to_undo_can_be_undone_of_the_rest(
    town: Town,
) -> None:
    eva = await town.office.signed_in("Eva")
    jobs = sorted([(await town.job(f"Job {number}", priority=1))[0] for number in range(3)])
    changes = [
        change for job in jobs for change in acts.edit_job(bytes.fromhex(job), {"priority": 3})
    ]
    act = reference_of(await town.office.hub.act(await town.account("Eva"), changes)).text()
    # Somebody went on from the two that a list of acts would look at first and last.
    for job in (jobs[0], jobs[-1]):
        await town.office.act(acts.edit_job(bytes.fromhex(job), {"priority": 1}))
    assert "Priority: Normal → Urgent 3 jobs Undo" in (await eva.get("/acts")).words
    await undo(eva, act, choice="rest")
    assert (await town.row(jobs[1]))["priority"] == 1


async def test_what_two_acts_took_back_bit_by_bit_no_one_act_offers_to_redo(town: Town) -> None:
    eva = await town.office.signed_in("Eva")
    jobs = [(await town.job(f"Job {number}", priority=1))[0] for number in range(2)]
    changes = [
        change for job in jobs for change in acts.edit_job(bytes.fromhex(job), {"priority": 3})
    ]
    act = reference_of(await town.office.hub.act(await town.account("Eva"), changes)).text()
    await town.office.act(acts.edit_job(bytes.fromhex(jobs[0]), {"priority": 2}))
    await undo(eva, act, choice="rest")
    mark = (await undo(eva, act)).value("mark")
    await undo(eva, act, choice="all", mark=mark)
    assert [(await town.row(job))["priority"] for job in jobs] == [1, 1]
    told = await undo_by_script(eva, act)
    assert told == {"words": "That is taken back already.", "redo": "", "confirm": ""}


async def test_recent_acts_are_found_without_reading_the_streams_of_others(town: Town) -> None:
    eva = await town.office.signed_in("Eva")
    job, _ = await town.job("Boiler", by=await town.account("Eva"))
    ana = await town.worker("Ana")
    await town.office.act(acts.assign(bytes.fromhex(job), ana.stream, town.office.entropy(8)))
    await town.meet(ana)
    await town.on_phone(ana, acts.add_note(bytes.fromhex(job), "No key"))
    await town.meet(ana)
    seen = await eva.get("/acts")
    assert "No key" not in seen.words
    assert seen.words.count("A-1 Boiler") == 1, "the outside administrator has no account"


async def test_a_note_is_taken_back(town: Town) -> None:
    job, _ = await town.job("Boiler")
    eva = await town.office.signed_in("Eva")
    seen = await eva.post(f"/board/job/{job}/note", {"text": "Ring twice"})
    seen = await undo(eva, offered(seen))
    assert "Undone: Note added: Ring twice" in seen.words
    assert await town.office.rows("SELECT * FROM note") == []


async def test_who_was_given_anothers_job_is_no_redo_of_what_was_given_before(
    town: Town,
) -> None:
    ana, ben = await town.worker("Ana"), await town.worker("Ben")
    job, _ = await town.job("Boiler")
    eva = await town.office.signed_in("Eva")
    seen = await eva.post(f"/board/job/{job}/assign", {"worker": ana.id})
    first = offered(seen)
    await eva.post(f"/board/job/{job}/assign", {"worker": ben.id})
    told = await undo_by_script(eva, first)
    assert told == {"words": "That is taken back already.", "redo": "", "confirm": ""}
    assert await worker_of(town, job) == ben.id


async def test_no_account_and_no_password_is_undone_from_a_list(town: Town) -> None:
    eva = await town.office.signed_in("Eva", "admin")
    account = await town.account("Eva")
    rows = await town.office.rows("SELECT hex(stream) AS stream FROM stream WHERE kind = 1")
    stream = rows[0]["stream"].lower()
    made = next(r for r in await town.office.history(stream) if r.actor == account.account)
    told = await undo_by_script(eva, f"{stream}-{made.entry}")
    assert "changed on their own page" in told["words"]
    assert (await eva.get("/acts")).status == 200
