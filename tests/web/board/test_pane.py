"""The detail pane and what is done from it: assign, take back, cancel, note, decide."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from core.dispatch import acts, day_acts
from core.dispatch.fields import LogKind, Phase
from core.dispatch.fix import Fix, encode_track
from core.log.entry import MINT
from hub.presence import Presence
from tests.web.board.town import HOUR_MS, MINUTE_MS, Town, send_part
from tests.web.office import NOON_MS, Person, Seen


def basis(seen: Seen) -> str:
    """The frontier that the pane was drawn from."""
    found = re.search(r'data-frontier="([0-9a-f]*)"', seen.text)
    assert found
    return found[1]


async def pane(person: Person, job: str) -> Seen:
    """The board with this job in its pane."""
    return await person.get(f"/?view=all&job={job}")


async def test_the_pane_shows_all_of_a_job(town: Town) -> None:
    letna = await town.customer("Letná")
    ana = await town.worker("Ana")
    job, turn = await town.job(
        "Boiler",
        worker=ana,
        customer=letna,
        contact="Marie",
        contact_phone="+420 777 1",
        address="Ovenecká 3",
        planned_minutes=45,
        description="Ring twice.",
        check_items=["Valve closed"],
    )
    await town.phases(ana, job, turn, Phase.OPENED, Phase.ON_SITE)
    await town.on_phone(ana, acts.add_note(bytes.fromhex(job), "Key is missing"))
    await town.meet(ana)
    eva = await town.office.signed_in("Eva")
    seen = await pane(eva, job)
    for words in ("Boiler", "Letná", "Marie", "45 min", "Ring twice.", "Valve closed", "Ana",
                  "On site", "Key is missing Ana, 12:00", "today 13:00–14:00"):  # fmt: skip
        assert words in seen.words, words
    assert 'href="tel:+4207771"' in seen.text
    assert 'href="tel:+420222110330"' in seen.text


async def test_an_assignment_shows_only_what_its_phone_is_proven_to_know(town: Town) -> None:
    ana = await town.worker("Ana")
    job, turn = await town.job("Boiler", worker=ana)
    eva = await town.office.signed_in("Eva")
    assert "Not on the phone Not opened" in (await pane(eva, job)).words
    await town.office.act(acts.set_phase(bytes.fromhex(job), ana.stream, turn, Phase.OPENED))
    assert "Not on the phone Not opened" in (await pane(eva, job)).words, "the office said so"
    await town.meet(ana)
    assert "On the phone Not opened" in (await pane(eva, job)).words
    await town.office.act(acts.edit_job(bytes.fromhex(job), {"description": "Bring a ladder"}))
    assert "On the phone older version Not opened" in (await pane(eva, job)).words
    stream = bytes.fromhex(job)
    await town.on_phone(ana, acts.set_phase(stream, ana.stream, turn, Phase.ACCEPTED))
    await town.meet(ana)
    seen = await pane(eva, job)
    assert "On the phone Opened" in seen.words
    assert "older version" not in seen.words


async def test_assigning_is_one_act_and_reassigning_takes_the_job_back(town: Town) -> None:
    ana, ben = await town.worker("Ana"), await town.worker("Ben")
    job, _ = await town.job("Boiler")
    eva = await town.office.signed_in("Eva")
    seen = await eva.post(f"/board/job/{job}/assign", {"worker": ana.id})
    assert "A-1 is assigned to Ana" in seen.words
    assert (await town.row(job))["worker"] == ana.id
    seen = await eva.post(f"/board/job/{job}/assign", {"worker": ana.id})
    assert "Ana has this job already" in seen.words
    await eva.post(f"/board/job/{job}/assign", {"worker": ben.id})
    turns = await town.office.rows("SELECT worker, phase FROM assignment WHERE job = ?", (job,))
    assert {(row["worker"], row["phase"]) for row in turns} == {
        (ana.id, "withdrawn"),
        (ben.id, "assigned"),
    }
    await eva.post(f"/board/job/{job}/assign", {"worker": ana.id, "keep_others": "1"})
    turns = await town.office.rows(
        "SELECT worker FROM assignment WHERE job = ? AND phase = 'assigned'", (job,)
    )
    assert {row["worker"] for row in turns} == {ana.id, ben.id}


async def test_who_is_at_work_is_taken_off_only_with_a_reason(town: Town) -> None:
    ana, ben = await town.worker("Ana"), await town.worker("Ben")
    job, turn = await town.job("Boiler", worker=ana)
    await town.phases(ana, job, turn, Phase.TRAVELLING)
    eva = await town.office.signed_in("Eva")
    seen = await eva.post(f"/board/job/{job}/assign", {"worker": ben.id})
    assert "say why it is taken away" in seen.words
    assert (await town.row(job))["worker"] == ana.id
    await eva.post(f"/board/job/{job}/assign", {"worker": ben.id, "reason": "van broke down"})
    assert (await town.row(job))["worker"] == ben.id
    assert "Taken back from Ana: van broke down" in (await pane(eva, job)).words


async def test_an_action_on_a_job_that_changed_meanwhile_says_who_and_writes_nothing(
    town: Town,
) -> None:
    ana, ben = await town.worker("Ana"), await town.worker("Ben")
    job, _ = await town.job("Boiler")
    eva, jan = await town.office.signed_in("Eva"), await town.office.signed_in("Jan")
    evas = basis(await pane(eva, job))
    await pane(jan, job)
    await jan.post(f"/board/job/{job}/assign", {"worker": ben.id, "basis": evas})
    seen = await send_part(eva, f"/board/job/{job}/assign", {"worker": ana.id, "basis": evas})
    assert seen.status == 409
    assert "Jan" in seen.headers["X-Board-Notice"]
    assert "Assigned%20to%20Ben" in seen.headers["X-Board-Notice"]
    assert [row["worker"] for row in await town.office.rows("SELECT worker FROM assignment")] == [
        ben.id
    ]
    seen = await eva.post(
        f"/board/job/{job}/assign", {"worker": ana.id, "basis": basis(await pane(eva, job))}
    )
    assert "is assigned to Ana, no longer to Ben" in seen.words


async def test_a_note_needs_no_newest_page(town: Town) -> None:
    job, _ = await town.job("Boiler")
    eva = await town.office.signed_in("Eva")
    old = basis(await pane(eva, job))
    await town.office.act(acts.edit_job(bytes.fromhex(job), {"title": "Boiler 2"}))
    seen = await eva.post(f"/board/job/{job}/note", {"text": "Customer called", "basis": old})
    assert "The note is added" in seen.words
    (note,) = await town.office.rows("SELECT text FROM note")
    assert note["text"] == "Customer called"


async def test_cancelling_needs_a_reason_and_can_be_taken_back(town: Town) -> None:
    job, _ = await town.job("Boiler")
    eva = await town.office.signed_in("Eva")
    assert "reason is missing" in (await eva.post(f"/board/job/{job}/cancel", {})).words
    seen = await eva.post(f"/board/job/{job}/cancel", {"reason": "sold the house"})
    assert "Cancelled: sold the house" in seen.words
    assert (await town.row(job))["status"] == "cancelled"
    seen = await eva.post(f"/board/job/{job}/assign", {"worker": (await town.worker("Ana")).id})
    assert "reopen it before you assign it" in seen.words
    await eva.post(f"/board/job/{job}/reopen", {})
    assert (await town.row(job))["status"] == "open"


async def test_the_office_sets_a_state_on_a_workers_behalf_and_a_job_done(town: Town) -> None:
    ana = await town.worker("Ana")
    job, turn = await town.job("Boiler", worker=ana)
    eva = await town.office.signed_in("Eva")
    turn_fields = {"worker": ana.id, "turn": turn.hex()}
    await eva.post(f"/board/job/{job}/phase", {**turn_fields, "phase": "on site"})
    assert (await town.row(job))["status"] == "in progress"
    seen = await eva.post(f"/board/job/{job}/phase", {**turn_fields, "phase": "rejected"})
    assert "reason is missing" in seen.words
    assert (
        "choose a state"
        in (await eva.post(f"/board/job/{job}/phase", {**turn_fields, "phase": "x"})).words.lower()
    )
    await eva.post(f"/board/job/{job}/finish", {"reason": "customer called"})
    row = await town.row(job)
    assert (row["status"], row["overridden"]) == ("done", 1)
    assert "Set to done: customer called" in (await pane(eva, job)).words
    await eva.post(f"/board/job/{job}/reopen", {})
    assert (await town.row(job))["status"] == "in progress"


@pytest.mark.parametrize(("by_rule", "who"), [(True, "a rule"), (False, "Ana")])
async def test_an_act_from_an_older_page_changes_nothing_and_says_who_acted(
    town: Town, by_rule: bool, who: str
) -> None:
    ana = await town.worker("Ana")
    job, turn = await town.job("Boiler", worker=ana)
    await town.meet(ana)
    eva = await town.office.signed_in("Eva")
    drawn = {"basis": (await town.row(job))["frontier"]}
    phase = acts.set_phase(bytes.fromhex(job), ana.stream, turn, Phase.ON_SITE)
    await town.office.hub.writer.run(lambda: ana.phone.write(phase, by_rule=by_rule))
    await town.meet(ana)
    seen = await eva.post(f"/board/job/{job}/cancel", drawn | {"reason": "sold"})
    assert f"since you opened this, {who} acted" in seen.words
    assert (await town.row(job))["status"] == "in progress"


@pytest.mark.parametrize("ended", ["finished", "rejected"])
async def test_a_reopened_job_is_nobodys_and_goes_on_with_whoever_gets_it(
    town: Town, ended: str
) -> None:
    ana = await town.worker("Ana")
    job, turn = await town.job("Boiler", worker=ana)
    eva = await town.office.signed_in("Eva")
    turn_fields = {"worker": ana.id, "turn": turn.hex(), "reason": "no key"}
    await eva.post(f"/board/job/{job}/phase", {**turn_fields, "phase": ended})
    await eva.post(f"/board/job/{job}/reopen", {"reason": "it leaks again"})
    row = await town.row(job)
    assert (row["status"], row["attention"], row["overridden"]) == ("open", "unassigned", 0)
    await eva.post(f"/board/job/{job}/assign", {"worker": ana.id})
    (again,) = await town.office.rows(
        "SELECT turn FROM assignment WHERE phase NOT IN ('withdrawn', 'released')"
    )
    fields = {"worker": ana.id, "turn": again["turn"], "phase": "finished"}
    await eva.post(f"/board/job/{job}/phase", fields)
    assert (await town.row(job))["status"] == "done"


async def test_check_items_are_ticked(town: Town) -> None:
    job, _ = await town.job("Boiler", check_items=["Valve closed"])
    eva = await town.office.signed_in("Eva")
    for ticked in ("1", "0"):
        await eva.post(f"/board/job/{job}/tick", {"item": "0", "ticked": ticked})
        (item,) = await town.office.rows("SELECT ticked FROM check_item")
        assert item["ticked"] == int(ticked)
    assert (
        "not there any more"
        in (await eva.post(f"/board/job/{job}/tick", {"item": "7", "ticked": "1"})).words
    )


@pytest.mark.parametrize("choice", [0, 1])
async def test_a_conflict_shows_both_values_and_one_decision_clears_it(
    town: Town, choice: int
) -> None:
    job, _ = await town.job("Boiler")
    stream = bytes.fromhex(job)
    token = (await town.row(job))["frontier"]
    eva, jan = await town.office.signed_in("Eva"), await town.office.signed_in("Jan")
    for name, hours in (("Eva", 3), ("Jan", 6)):
        window = (NOON_MS + hours * HOUR_MS, NOON_MS + (hours + 1) * HOUR_MS)
        town.clock.at_ms += MINUTE_MS
        await town.office.hub.act(
            await town.account(name),
            acts.edit_job(stream, {"window": window}),
            {stream: token},
        )
    seen = await eva.get(f"/?view=conflicts&job={job}")
    assert "1 conflict to decide" in seen.words
    assert "today 15:00–16:00 Eva, 12:01" in seen.words
    assert "today 18:00–19:00 Jan, 12:02 · shown now" in seen.words
    conflict = seen.value("conflict")
    await jan.get("/")
    fields = {"conflict": conflict, "choice": str(choice)}
    assert "Decided for A-1" in (await jan.post(f"/board/job/{job}/decide", fields)).words
    row = await town.row(job)
    assert row["conflicts"] == 0
    assert row["window_start"] == NOON_MS + (6, 3)[choice] * HOUR_MS
    assert (
        "that conflict is decided already"
        in (await jan.post(f"/board/job/{job}/decide", fields)).words.lower()
    )


async def test_work_after_a_cancel_is_kept_and_decided(town: Town) -> None:
    ana = await town.worker("Ana")
    job, turn = await town.job("Boiler", worker=ana)
    await town.meet(ana)
    stream = bytes.fromhex(job)
    await town.on_phone(ana, acts.set_phase(stream, ana.stream, turn, Phase.ON_SITE))
    await town.office.act(acts.cancel_job(stream, "sold the house"))
    await town.meet(ana)
    eva = await town.office.signed_in("Eva")
    seen = await eva.get(f"/?view=conflicts&job={job}")
    assert "the worker, not knowing, went on working" in seen.words
    assert "On site Ana, 12:00" in seen.words
    fields = {"conflict": seen.value("conflict"), "choice": "1"}
    await eva.post(f"/board/job/{job}/decide", fields)
    row = await town.row(job)
    assert (row["status"], row["conflicts"]) == ("in progress", 0)


async def test_who_is_near_comes_first_with_source_and_age(town: Town) -> None:
    near, far, unknown = [await town.worker(name) for name in ("Near", "Far", "Unknown")]
    job, _ = await town.job("Boiler", worker=None)
    now = town.clock.now_ms()
    for worker, lon in ((near, 144_300_000), (far, 146_000_000)):
        town.office.hub.presence[worker.id] = Presence(
            now - 4 * MINUTE_MS, 500_995_000, lon, 10, None, None, 80, True, "jobs on"
        )
    eva = await town.office.signed_in("Eva")
    seen = await eva.get(f"/board/job/{job}/candidates")
    names = re.findall(r'<span class="strong">(\w+)</span>', seen.text)
    assert names == ["Near", "Far", "Unknown"]
    assert "straight line, 357 m away, seen 4 min ago" in seen.words
    assert "position not known" in seen.words
    seen = await eva.get(f"/board/job/{job}/candidates?q=far")
    assert re.findall(r'<span class="strong">(\w+)</span>', seen.text) == ["Far"]
    assert unknown.name not in seen.words


async def test_time_is_shown_with_source_and_evidence(town: Town) -> None:
    ana = await town.worker("Ana")
    job, _ = await town.job("Boiler", worker=ana)
    await town.meet(ana)
    stream, log = bytes.fromhex(job), town.office.entropy(8)
    day = "2026-11-23"
    await town.on_phone(ana, day_acts.start_log(ana.stream, day, stream, log, LogKind.ON_SITE))
    town.clock.at_ms += 35 * MINUTE_MS
    await town.on_phone(ana, day_acts.stop_log(ana.stream, day, stream, log))
    await town.on_phone(ana, day_acts.start_log(ana.stream, day, stream, MINT, LogKind.TRAVEL))
    await town.meet(ana)
    eva = await town.office.signed_in("Eva")
    seen = await pane(eva, job)
    assert "On site 35 min" in seen.words
    assert "12:00 – 12:35 on site 35 min Ana · by hand" in seen.words
    assert "12:35 –now travel running" in seen.words


async def test_the_map_holds_the_tables_jobs_and_the_phones(town: Town) -> None:
    ana = await town.worker("Ana")
    job, _ = await town.job("Boiler", worker=ana)
    other, _ = await town.job("Lamp")
    town.office.hub.presence[ana.id] = Presence(
        town.clock.now_ms() - 10 * MINUTE_MS, 500_990_000, 144_200_000, 9, 90, 5.0, 50, True, ""
    )
    eva = await town.office.signed_in("Eva")

    async def asked(query: str) -> dict[str, list[Any]]:
        data: dict[str, list[Any]] = json.loads((await eva.get(f"/board/map.json?{query}")).text)
        return data

    data = await asked("view=unassigned")
    assert [pin["id"] for pin in data["jobs"]] == [other]
    (worker,) = data["workers"]
    assert (worker["name"], worker["fresh"], worker["heading"]) == ("Ana", "stale", 90)
    data = await asked(f"view=unassigned&job={job}")
    assert {pin["id"] for pin in data["jobs"]} == {job, other}, "the selected one is drawn too"
    data = await asked(f"view=unassigned&ids={job},{other}")
    assert data["gone"] == [job]


async def test_the_pane_lists_what_else_is_open_for_the_customer_and_why_the_job_is_late(
    town: Town,
) -> None:
    letna, ana = await town.customer("Letná"), await town.worker("Ana")
    job, _ = await town.job("Boiler", worker=ana, customer=letna, starts_in=-90, lasts=30)
    for number in range(7):
        await town.job(f"Pump {number}", customer=letna, starts_in=60 * (number + 1))
    await town.job("Elsewhere", starts_in=60)
    done, turn = await town.job("Filter", worker=ana, customer=letna, starts_in=-200)
    await town.phases(ana, done, turn, Phase.FINISHED)
    eva = await town.office.signed_in("Eva")
    words = (await pane(eva, job)).words
    assert "Other open jobs 7 A-2 Pump 0 open, nobody yet, today" in words
    assert "Pump 4" in words[words.index("Other open jobs") :].partition("2 more")[0]
    assert "Last visits 1 A-10 Filter done, Ana, today" in words
    plan = words[words.index("Plan Window") :]
    assert re.match(r"Plan Window today 10:30–11:00 Delay \+?1 h.*: ", plan), plan[:80]


async def test_a_state_says_how_far_off_it_was_set_and_that_it_was_made_offline(
    town: Town,
) -> None:
    ana = await town.worker("Ana")
    job, turn = await town.job("Boiler", worker=ana)
    hub, stream = town.office.hub, bytes.fromhex(job)
    await town.phases(ana, job, turn, Phase.OPENED)
    await hub._witness()
    town.clock.at_ms += HOUR_MS
    at_ms = town.clock.now_ms()
    fixes = [
        Fix(at_ms - MINUTE_MS, 501_000_000, 144_250_000, 10),
        Fix(at_ms + 40 * MINUTE_MS, 500_995_000, 144_250_000, 10),
    ]
    await town.on_phone(ana, day_acts.add_fixes(ana.stream, "2026-11-23", encode_track(fixes)))
    await town.on_phone(ana, acts.set_phase(stream, ana.stream, turn, Phase.ON_SITE))
    town.clock.at_ms += HOUR_MS
    await town.on_phone(ana, acts.set_phase(stream, ana.stream, turn, Phase.PAUSED))
    await town.meet(ana)
    await hub._witness()
    eva = await town.office.signed_in("Eva")
    words = (await pane(eva, job)).words
    states = words[words.index("States") :]
    late = "made offline, on the hub by 14:00"
    assert f"On site 56 m from the place {late} Ana (phone) 13:00" in states
    # What came at once, and what no fix is near of, says neither.
    assert "Paused Ana (phone) 14:00" in states
    assert "Opened Ana (phone) 12:00" in states
