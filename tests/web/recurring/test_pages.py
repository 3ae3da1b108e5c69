"""The pages of recurring jobs over HTTP: the list, one with its days, and what is done from it."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from typing import Any

import pytest

from core.dispatch import acts
from core.dispatch.acts import Change
from core.dispatch.fields import EACH_TITLE, RECURRENCE_NUMBER, REPEATS, ZONE, Kind, Phase
from core.dispatch.recurrence import Often, occurrence_stream, occurrence_turn
from core.dispatch.recurrence_acts import create_recurrence, edit_recurrence, skip_day
from hub.recurring import make_due
from tests.web.board.town import Town, send_part
from tests.web.office import NOON_MS, Person, Seen

MONDAY = date(2026, 11, 23)
PRAGUE = "Europe/Prague"
WEEKLY: dict[str, object] = {
    "title": "Filters",
    "repeats": [Often.WEEKLY, 1, [0, 3]],
    "starts": MONDAY,
    "zone": PRAGUE,
    "hours": [8 * 60, 10 * 60],
}


async def begun(town: Town, **values: object) -> bytes:
    """A recurring job that the office began, with the jobs that are due by now."""
    stream = acts.new_stream_id(Kind.RECURRENCE, NOON_MS, town.office.entropy(7))
    await town.office.act(create_recurrence(stream, {**WEEKLY, **values}))
    await town.office.hub.make_recurring()
    return stream


async def one(person: Person, stream: bytes) -> Seen:
    return await person.get(f"/recurring/{stream.hex()}")


async def do(person: Person, stream: bytes, doing: str, **fields: Any) -> Seen:
    """Do something from the page as it is now."""
    seen = await one(person, stream)
    given = {"basis": seen.value("basis"), **fields}
    return await person.post(f"/recurring/{stream.hex()}/{doing}", given)


async def status(town: Town, stream: bytes, day: date) -> str:
    rows = await town.office.rows(
        "SELECT status FROM job WHERE job = ?", (occurrence_stream(stream, day).hex(),)
    )
    return rows[0]["status"] if rows else ""


def day(ahead: int) -> date:
    return MONDAY + timedelta(days=ahead)


# --- the list


async def test_the_list_says_of_each_what_comes_next_and_what_is_wrong(town: Town) -> None:
    letna, ana = await town.customer("Letná"), await town.worker("Ana")
    await begun(town, customer=letna, worker=ana.stream)
    await begun(town, title="Old", ends=day(-1), starts=day(-30))
    await begun(town, title="Rare", repeats=[Often.MONTHLY_BY_WEEKDAY, 2, [8, -3]], hours=None)
    lost = await begun(town, title="Lost")
    await town.office.act([Change(lost, (ZONE,), "Mars/Olympus")])
    future = await begun(town, title="Future")
    # As of a later program, whose patterns this one can't read.
    await town.office.act([Change(future, (REPEATS,), [9, 1, []])])
    eva = await town.office.signed_in("Eva")
    seen = await eva.get("/recurring")
    assert 'href="/recurring" aria-current="page"' in seen.text
    for words in (
        "4 running", "Filters", "A-1", "Letná", "Every week on Monday and Thursday", "08:00–10:00",
        "today, Thu 26 Nov, Mon 30 Nov", "Ana", "any time of the day", "makes no jobs",
        "Every 2 months on the second Tuesday and last Friday", "no time zone Mars/Olympus",
        "a rule that this version can't read",
    ):  # fmt: skip
        assert words in seen.words, words
    assert "Old" not in seen.words
    (open_jobs,) = re.findall(r'data-label="Open jobs">(\d+)<', seen.text)[:1] or ("",)
    assert int(open_jobs) > 0
    ended = await eva.get("/recurring?which=ended")
    assert "none: its last day was yesterday" in ended.words
    found = await eva.get("/recurring?q=letna")
    assert "1 match" in found.words
    assert "Rare" not in found.words
    assert "Nothing matches" in (await eva.get("/recurring?q=zzz")).words


async def test_an_empty_list_says_how_to_begin(town: Town) -> None:
    eva = await town.office.signed_in("Eva")
    seen = await eva.get("/recurring")
    assert "No recurring jobs yet" in seen.words
    assert 'href="/recurring/new"' in seen.text


# --- one


async def test_the_page_shows_the_next_days_with_their_jobs_and_those_that_are_left_out(
    town: Town,
) -> None:
    ana = await town.worker("Ana")
    stream = await begun(town, worker=ana.stream, planned_minutes=45, description="Ring twice.")
    await town.office.act(skip_day(stream, day(3)) + skip_day(stream, day(70)))
    eva = await town.office.signed_in("Eva")
    seen = await one(eva, stream)
    head, _, rest = seen.words.partition("Next days")
    assert "A-1 · Every week on Monday and Thursday, 08:00–10:00" in head
    days = rest.partition("Leave out a later day")[0]
    for words in (
        "today Open A-1-2026-11-23 Ana",
        "Thu 26 Nov left out",
        "will be made Mon 30 Nov",
    ):
        assert words in days, words
    assert days.count("Leave out") == 7
    assert "Left out later 1" in seen.words
    for words in ("45 min", "Ring twice.", "endless", "14 days", "Europe/Prague"):
        assert words in seen.words, words
    assert (await eva.get(f"/recurring/{'0' * 8}08{'0' * 14}")).status == 404
    assert (await eva.get(f"/recurring/{ana.id}")).status == 404


async def test_a_day_is_left_out_and_taken_up_again(town: Town) -> None:
    stream = await begun(town)
    eva = await town.office.signed_in("Eva")
    assert await status(town, stream, day(3)) == "open"
    seen = await do(eva, stream, "leave-out", day=day(3).isoformat())
    assert "2026-11-26 is left out" in seen.words
    assert await status(town, stream, day(3)) == "cancelled"
    (row,) = await town.office.rows("SELECT skipped FROM recurrence")
    assert json.loads(row["skipped"]) == ["2026-11-26"]
    history = await town.office.history(stream.hex())
    assert history[-1].actor == (await town.account("Eva")).account
    seen = await do(eva, stream, "take-up", day=day(3).isoformat())
    assert "left out no more" in seen.words
    assert await status(town, stream, day(3)) == "open"


async def test_what_can_not_be_left_out_is_told_and_changes_nothing(town: Town) -> None:
    ana = await town.worker("Ana")
    stream = await begun(town, worker=ana.stream)
    turn = occurrence_turn(stream, MONDAY, ana.stream)
    await town.phases(ana, occurrence_stream(stream, MONDAY).hex(), turn, Phase.ON_SITE)
    eva, max_ = await town.office.signed_in("Eva"), await town.office.signed_in("Max", "manager")
    for who, fields, words in (
        (eva, {"day": day(1).isoformat()}, "has no job on 2026-11-24"),
        (eva, {"day": MONDAY.isoformat()}, "is in progress; cancel it on the board"),
        (eva, {"day": "soon"}, "Give the day, as in 2026-11-23"),
        (eva, {"day": day(3).isoformat(), "basis": "xyz"}, "page"),
        (max_, {"day": day(3).isoformat(), "basis": ""}, "reads only"),
    ):
        path = f"/recurring/{stream.hex()}/leave-out"
        basis = (await one(eva, stream)).value("basis") if who is eva else ""
        await who.get("/recurring")
        seen = await who.post(path, {"basis": basis, **fields})
        assert seen.status in (403, 422), (fields, seen.status)
        if words != "page":
            assert words in seen.words, seen.words
    seen = await do(eva, stream, "take-up", day=day(3).isoformat())
    assert "does not skip 2026-11-26" in seen.words
    (row,) = await town.office.rows("SELECT skipped FROM recurrence")
    assert row["skipped"] == "[]"
    assert "Leave out" not in (await one(max_, stream)).words


async def test_it_is_ended_with_the_jobs_that_nobody_has_begun(town: Town) -> None:
    ana = await town.worker("Ana")
    stream = await begun(town, worker=ana.stream)
    started, later = day(3), day(7)
    turn = occurrence_turn(stream, started, ana.stream)
    await town.phases(ana, occurrence_stream(stream, started).hex(), turn, Phase.ON_SITE)
    eva = await town.office.signed_in("Eva")
    seen = await do(eva, stream, "end", ends="whenever")
    assert seen.status == 422
    seen = await do(eva, stream, "end", ends=MONDAY.isoformat(), cancel="1")
    assert "Its last day is 2026-11-23." in seen.words
    assert "3 jobs after it are cancelled" in seen.words
    assert await status(town, stream, MONDAY) == "open"
    assert await status(town, stream, started) == "in progress"
    assert await status(town, stream, later) == "cancelled"
    town.clock.at_ms += 86_400_000
    await eva.sign_in("Eva")
    assert "Ended" in (await one(eva, stream)).words
    assert "End the recurring job" not in (await one(eva, stream)).words


# --- conflicts


async def test_a_conflict_is_found_from_the_list_and_decided_on_the_page(town: Town) -> None:
    ana = await town.worker("Ana")
    stream = await begun(town)
    (row,) = await town.office.rows("SELECT frontier FROM recurrence")
    basis = {stream: row["frontier"]}
    eva = await town.office.signed_in("Eva")
    petr, account = await town.office.signed_in("Petr"), await town.account("Eva")
    fields = {"hours": [9 * 60, 11 * 60], "repeats": [Often.DAILY, 2, []], "ends": day(300),
              "worker": ana.stream, "horizon": 20, "title": "Belts"}  # fmt: skip
    other = {"hours": [6 * 60, 7 * 60], "repeats": [Often.WEEKLY, 1, [5]], "ends": day(99),
             "worker": None, "horizon": 3, "title": "Valves"}  # fmt: skip
    # From two pages that showed the same.
    await town.office.hub.act(account, edit_recurrence(stream, fields), basis)
    await town.office.hub.act(await town.account("Petr"), edit_recurrence(stream, other), basis)
    seen = await petr.get("/recurring")
    assert "6 conflicts" in seen.words
    assert "Conflicts 1" in seen.words
    assert (
        f"/recurring/{stream.hex()}#conflicts" in (await eva.get("/recurring?which=conflicts")).text
    )
    for count in range(6, 0, -1):
        seen = await one(eva, stream)
        sections = re.findall(r'aria-label="Conflict: ([^"]+)"', seen.text)
        assert len(sections) == count
        assert "shown now" in seen.words
        if count == 6:
            assert sorted(sections) == [
                "Days ahead", "Hours", "Last day", "Repeats", "Title", "Worker",
            ]  # fmt: skip
            for words in ("09:00–11:00 Eva", "06:00–07:00 Petr", "Every 2 days", "Belts", "Ana",
                          "20 days", "Every week on Saturday", "nothing"):  # fmt: skip
                assert words in seen.words, words
        choice = {"conflict": seen.value("conflict"), "choice": "1"}
        seen = await do(eva, stream, "decide", **choice)
        assert "Decided" in seen.words
        again = await eva.post(
            f"/recurring/{stream.hex()}/decide", {"basis": seen.value("basis"), **choice}
        )
        assert again.status == 422
        assert "decided already" in again.words
    assert await town.office.rows("SELECT * FROM conflict") == []
    (row,) = await town.office.rows("SELECT * FROM recurrence")
    # What was shown was Petr's, as the later; the other side was taken each time.
    assert (row["title"], row["hours"], row["horizon_days"]) == ("Belts", "[540, 660]", 20)
    assert (row["worker"], row["ends"]) == (ana.id, day(300).isoformat())


async def test_a_value_of_a_conflict_that_no_act_makes_is_refused_in_words(town: Town) -> None:
    stream = await begun(town)
    (row,) = await town.office.rows("SELECT frontier FROM recurrence")
    basis, eva = {stream: row["frontier"]}, await town.office.signed_in("Eva")
    account = await town.account("Eva")
    for number in ("A-8", "A-9"):
        changes = [Change(stream, (RECURRENCE_NUMBER,), number)]
        await town.office.hub.act(account, changes, basis)
    seen = await one(eva, stream)
    assert "Conflict: Number" in seen.text
    for choice, words in (("0", "be chosen here"), ("7", "Choose one"), ("", "Choose one")):
        seen = await do(
            eva,
            stream,
            "decide",
            conflict=(await one(eva, stream)).value("conflict"),
            choice=choice,
        )
        assert seen.status == 422
        assert words in seen.words


# --- a job's pane, a customer's page


async def test_a_jobs_pane_names_its_recurring_job_and_leaves_the_day_out(town: Town) -> None:
    stream = await begun(town)
    job = occurrence_stream(stream, day(3)).hex()
    eva = await town.office.signed_in("Eva")
    seen = await eva.get(f"/?view=all&job={job}")
    assert f'href="/recurring/{stream.hex()}"' in seen.text
    assert "Comes again: A-1 Filters" in seen.words
    assert "Make it recurring" not in seen.words
    (basis,) = re.findall(r'data-frontier="([0-9a-f]*)"', seen.text)
    fields = {"basis": basis, "back": "view=all"}
    seen = await send_part(eva, f"/board/job/{job}/leave-out", fields)
    assert seen.status == 200
    assert "this day is left out" in seen.words
    assert await status(town, stream, day(3)) == "cancelled"
    # From a page that was drawn before: told, and nothing is written.
    seen = await send_part(eva, f"/board/job/{job}/take-up", fields)
    assert seen.status == 409
    (basis,) = re.findall(r'data-frontier="([0-9a-f]*)"', seen.text)
    seen = await send_part(eva, f"/board/job/{job}/take-up", {"basis": basis, "back": ""})
    assert seen.status == 200
    assert await status(town, stream, day(3)) == "open"
    (row,) = await town.office.rows("SELECT skipped FROM recurrence")
    assert row["skipped"] == "[]"


async def test_a_job_that_people_made_belongs_to_no_recurring_job_whatever_its_number(
    town: Town,
) -> None:
    await begun(town)
    job, _ = await town.job("Boiler")
    await town.office.act(acts.number_job(bytes.fromhex(job), "A-1-2026-11-26"))
    eva = await town.office.signed_in("Eva")
    seen = await eva.get(f"/?view=all&job={job}")
    assert "Comes again" not in seen.words
    assert f'href="/recurring/new?job={job}"' in seen.text
    seen = await send_part(eva, f"/board/job/{job}/leave-out", {"basis": "", "back": ""})
    assert seen.status == 422
    assert "Boiler" not in (await eva.get("/recurring")).words


async def test_a_customers_page_lists_what_comes_again(town: Town) -> None:
    letna = await town.customer("Letná")
    stream = await begun(town, customer=letna)
    eva = await town.office.signed_in("Eva")
    seen = await eva.get(f"/customers/{letna.hex()}")
    assert f'href="/recurring/{stream.hex()}"' in seen.text
    assert f'href="/recurring/new?customer={letna.hex()}"' in seen.text


@pytest.mark.parametrize("code", [EACH_TITLE, RECURRENCE_NUMBER])
async def test_one_that_lacks_a_part_is_shown_and_can_be_mended(town: Town, code: int) -> None:
    stream = await begun(town)
    await town.office.act([Change(stream, (code,), None)])
    eva = await town.office.signed_in("Eva")
    assert "Part of it is missing" in (await one(eva, stream)).words
    assert "makes no jobs" in (await eva.get("/recurring")).words
    assert (await eva.get(f"/recurring/{stream.hex()}/edit")).status == 200


async def test_what_is_made_and_what_the_page_says_are_the_same_days(town: Town) -> None:
    stream = await begun(town, repeats=[Often.DAILY, 3, []], horizon=20)
    await town.office.hub.writer.run(make_due, town.office.hub.replica)
    eva = await town.office.signed_in("Eva")
    seen = await one(eva, stream)
    shown = re.findall(r"A-1-(\d{4}-\d\d-\d\d)", seen.text)
    rows = await town.office.rows("SELECT number FROM job ORDER BY job")
    assert [row["number"].removeprefix("A-1-") for row in rows] == sorted(set(shown))
