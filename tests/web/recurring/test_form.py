"""The form of a recurring job over HTTP: new, from a job or a customer, changed by two people."""

from __future__ import annotations

import json
import re
from urllib.parse import urlencode

import pytest

from core.dispatch.acts import Change, set_group
from core.dispatch.fields import REPEATS
from core.dispatch.recurrence import LAST_DAY, Often, is_pattern, occurrence_stream
from core.dispatch.recurrence_acts import edit_recurrence
from tests.web.board.town import BOILER_HOUSE, HOUR_MS, Town
from tests.web.office import NOON_MS, Person, Seen
from tests.web.recurring.test_pages import MONDAY, begun, day
from web.board.job_form import FormError
from web.recurring.form import (
    RepeatInputs,
    compose_repeats,
    hours_of,
    repeat_inputs,
    repeats_of,
    repeats_text,
)


async def stream_of(town: Town) -> bytes:
    (row,) = await town.office.rows("SELECT recurrence FROM recurrence")
    return bytes.fromhex(row["recurrence"])


async def send(person: Person, path: str, seen: Seen, **edits: object) -> Seen:
    """Send the form back as it was drawn, but for what was edited."""
    return await person.post(path, {**seen.form(), **edits})


# --- a new one


async def test_three_fields_make_a_weekly_job_at_a_customers(town: Town) -> None:
    letna = await town.customer("Letná")
    eva = await town.office.signed_in("Eva")
    seen = await eva.get(f"/recurring/new?customer={letna.hex()}")
    fields = {"title": "Filters", "weekday": ["0"], "hours_start": "8:00", "hours_end": "10:00"}
    seen = await send(eva, "/recurring/new", seen, **fields)
    stream = await stream_of(town)
    assert seen.path == f"/recurring/{stream.hex()}"
    assert "A-1 is added: 3 jobs are made so far." in seen.words
    jobs = await town.office.rows("SELECT * FROM job ORDER BY job")
    assert [job["number"] for job in jobs] == [f"A-1-{day(ahead)}" for ahead in (0, 7, 14)]
    (row,) = {tuple(job[name] for name in ("title", "customer", "address", "contact", "lat_e7"))
              for job in jobs}  # fmt: skip
    assert row == ("Filters", letna.hex(), "Ovenecká 3", "Pavel", BOILER_HOUSE[0])
    assert jobs[1]["window_start"] == NOON_MS - 4 * HOUR_MS + 7 * 24 * HOUR_MS
    assert all(job["place"] for job in jobs)


async def test_one_begun_from_a_job_takes_all_of_it_over_and_leaves_its_day_alone(
    town: Town,
) -> None:
    letna, skill = await town.customer("Letná"), town.office.entropy(8)
    await town.office.act(set_group("skill", skill, "Boilers"))
    job, _ = await town.job(
        "Boiler", customer=letna, contact="Marie", contact_phone="+420 777 1",
        planned_minutes=45, skills=[skill], priority=2, address="Yard", description="Ring twice.",
    )  # fmt: skip
    eva = await town.office.signed_in("Eva")
    seen = await eva.get(f"/recurring/new?job={job}")
    assert "which stays the job of its own day" in seen.words
    form = seen.form()
    assert (form["hours_start"], form["hours_end"]) == ("13:00", "14:00")
    assert (form["starts"], form["weekday"], form["often"]) == ("2026-11-23", "0", "weekly")
    # Sent as it is: nothing is left to be filled in.
    seen = await send(eva, "/recurring/new", seen)
    assert "A-2 is added: 2 jobs are made so far." in seen.words
    assert "today left out" in seen.words
    old, *new = await town.office.rows("SELECT * FROM job ORDER BY window_start")
    assert old["job"] == job
    kept = ("title", "customer", "address", "lat_e7", "radius_m", "contact", "contact_phone",
            "planned_minutes", "skills", "priority", "description")  # fmt: skip
    for made in new:
        assert [made[name] for name in kept] == [old[name] for name in kept]
    week_ms = 7 * 24 * HOUR_MS
    assert [made["window_start"] - old["window_start"] for made in new] == [week_ms, 2 * week_ms]


@pytest.mark.parametrize(
    ("edits", "name", "words"),
    [
        ({"title": ""}, "title", "Title is missing"),
        ({"weekday": []}, "repeats", "Tick at least one day"),
        ({"often": "hourly"}, "repeats", "Choose how often"),
        ({"every": "0"}, "repeats", "whole number from 1"),
        ({"often": "monthly", "month_days": "32"}, "repeats", "“32” is no day of a month"),
        ({"often": "monthly", "month_days": ""}, "repeats", "such as 1, 15 or last"),
        ({"often": "weekday", "nth_0": ""}, "repeats", "which weekday of the month"),
        ({"often": "weekday", "nth_0": "9"}, "repeats", "Choose both"),
        ({"hours_start": "8"}, "hours", "Give both"),
        ({"hours_start": "8h", "hours_end": "10"}, "hours", "such as 08:30"),
        ({"starts": "23.11.2026"}, "starts", "Write the day as 2026-11-23"),
        ({"starts": ""}, "starts", "First day is missing"),
        ({"ends": "2026-11-22"}, "ends", "before the first"),
        ({"zone": "Prague"}, "zone", "no time zone"),
        ({"horizon": "400"}, "horizon", "1 to 366 days ahead"),
        ({"customer_text": "Nobody"}, "customer", "There is no customer"),
        ({"worker": "me"}, "worker", "Choose one from the list"),
        ({"worker": "ab"}, "worker", "choose one from the list"),
        ({"point": "here"}, "point", "latitude, longitude"),
        ({"radius": "5"}, "radius", "30 to 1,000"),
        ({"planned": "long"}, "planned", "whole number"),
        ({"title": "x" * 201}, "title", "longer than 200"),
    ],
)
async def test_what_is_wrong_is_told_beside_its_input_and_nothing_is_kept(
    town: Town, edits: dict[str, object], name: str, words: str
) -> None:
    eva = await town.office.signed_in("Eva")
    seen = await eva.get("/recurring/new")
    given = {"title": "Filters", "weekday": ["0"], **edits}
    seen = await send(eva, "/recurring/new", seen, **given)
    assert seen.status == 422
    (error,) = re.findall(r'id="e-(\w+)">([^<]*)<', seen.text)
    assert error[0] == name
    assert words in error[1].replace("&#39;", "'")
    for field, text in given.items():
        if isinstance(text, str) and field in seen.form():
            assert seen.form()[field] == text.strip() or field in ("often", "nth_0", "worker")
    assert await town.office.rows("SELECT * FROM recurrence") == []
    assert await town.office.rows("SELECT * FROM job") == []


async def test_all_that_is_wrong_is_told_at_once_and_a_name_finds_its_customer_without_a_script(
    town: Town,
) -> None:
    letna = await town.customer("Letná")
    eva = await town.office.signed_in("Eva")
    seen = await eva.get("/recurring/new")
    edits = {"title": "", "weekday": [], "hours_start": "x", "hours_end": "y"}
    seen = await send(eva, "/recurring/new", seen, customer_text="letna", **edits)
    assert set(re.findall(r'id="e-(\w+)"', seen.text)) == {"title", "repeats", "hours"}
    right = {"title": "Filters", "weekday": ["2"], "hours_start": "", "hours_end": ""}
    await send(eva, "/recurring/new", seen, **right)
    (row,) = await town.office.rows("SELECT customer, hours, repeats FROM recurrence")
    assert row == {"customer": letna.hex(), "hours": "null", "repeats": "[2, 1, [2]]"}


async def test_a_manager_is_offered_no_form(town: Town) -> None:
    max_ = await town.office.signed_in("Max", "manager")
    for path in ("/recurring/new", f"/recurring/{(await begun(town)).hex()}/edit"):
        assert (await max_.get(path)).status == 403
    seen = await max_.post("/recurring/new", {"title": "X"})
    assert seen.status in (403, 422)
    assert len(await town.office.rows("SELECT * FROM recurrence")) == 1


# --- changed


async def test_only_what_was_changed_is_written_and_what_was_made_stays(town: Town) -> None:
    ana = await town.worker("Ana")
    stream = await begun(town)
    eva = await town.office.signed_in("Eva")
    path = f"/recurring/{stream.hex()}/edit"
    seen = await eva.get(path)
    assert "Nothing was changed." in (await send(eva, path, seen, weekday=["0", "3"])).words
    before = len(await town.office.history(stream.hex()))
    night = {"hours_start": "22:00", "hours_end": "06:00", "worker": ana.id}
    third = {"often": "weekday", "every": "2", "nth_0": "-1", "weekday_0": "4",
             "nth_1": "1", "weekday_1": "1"}  # fmt: skip
    seen = await send(eva, path, seen, **night, **third, weekday=["0", "3"])
    assert "Saved. Jobs that are made already stay as they are." in seen.words
    assert "Every 2 months on the second Tuesday and last Friday, 22:00–06:00 on the next day" in (
        seen.words
    )
    rows = (await town.office.history(stream.hex()))[before:]
    assert {row.field for row in rows} == {"repeats", "hours", "worker"}
    row = await town.row(occurrence_stream(stream, day(3)).hex())
    assert (row["worker"], row["window_start"]) == ("", NOON_MS + 68 * HOUR_MS)
    seen = await eva.get(path)
    assert {name: seen.form()[name] for name in third} == third | {
        "nth_0": "-1", "weekday_0": "4",
    }  # fmt: skip


async def test_made_jobs_follow_a_change_where_the_person_asks_for_it(town: Town) -> None:
    ana = await town.worker("Ana")
    stream = await begun(town)
    eva = await town.office.signed_in("Eva")
    path = f"/recurring/{stream.hex()}/edit"
    seen = await eva.get(path)
    assert "Change the 5 that nobody has begun as well" in seen.words
    nine = {"hours_start": "09:00", "hours_end": "10:00", "worker": ana.id, "weekday": ["0"]}
    seen = await send(eva, path, seen, in_line="1", **nine)
    assert "Saved. Of the made jobs 3 follow and 2 are cancelled." in seen.words
    rows = await town.office.rows("SELECT status, worker, window_start FROM job ORDER BY job")
    assert [row["status"] for row in rows] == ["open", "cancelled"] * 2 + ["open"]
    assert {row["worker"] for row in rows if row["status"] == "open"} == {ana.id}
    assert rows[0]["window_start"] == NOON_MS - 3 * HOUR_MS
    assert "Eva" in (await eva.get(f"/recurring/{stream.hex()}")).words
    await town.meet(ana)
    held = ana.phone.store.db.execute("SELECT status FROM job").fetchall()
    assert held == [("open",)] * 3


async def test_two_who_change_the_same_field_are_both_heard_and_the_second_decides(
    town: Town,
) -> None:
    stream = await begun(town)
    eva, petr = await town.office.signed_in("Eva"), await town.office.signed_in("Petr")
    path, days = f"/recurring/{stream.hex()}/edit", {"weekday": ["0", "3"]}
    hers, his = await eva.get(path), await petr.get(path)
    await send(petr, path, his, title="Belts", planned="30", weekday=["5"])
    seen = await send(eva, path, hers, title="Valves", contact="Marie", **days)
    assert seen.status == 409
    assert "Petr changed it" in seen.words
    assert "Valves" in seen.words
    assert "Belts" in seen.words
    (row,) = await town.office.rows("SELECT title FROM recurrence")
    assert row["title"] == "Belts"
    # Nothing chosen: asked once more. The days were Petr's alone, and stay his.
    days = {"weekday": ["5"]}
    seen = await send(eva, path, seen, **days)
    assert seen.status == 409
    assert "Choose for each field whose value stays." in seen.words
    seen = await send(eva, path, seen, keep_title="mine", **days)
    assert seen.status == 200
    (row,) = await town.office.rows("SELECT title, repeats FROM recurrence")
    assert row == {"title": "Valves", "repeats": "[2, 1, [5]]"}
    fields = {row.field: row.value for row in await town.office.history(stream.hex())}
    assert (fields["contact"], fields["planned minutes"]) == ("Marie", "30")
    assert await town.office.rows("SELECT * FROM conflict") == []


async def test_theirs_is_taken_and_a_damaged_form_writes_nothing(town: Town) -> None:
    stream = await begun(town)
    eva = await town.office.signed_in("Eva")
    path, days = f"/recurring/{stream.hex()}/edit", {"weekday": ["0", "3"]}
    seen = await eva.get(path)
    await town.office.act(edit_recurrence(stream, {"title": "Belts", "ends": day(300)}))
    seen = await send(eva, path, seen, title="Valves", ends=day(90).isoformat(), **days)
    assert set(re.findall(r'name="keep_(\w+)" value="mine"', seen.text)) == {"title", "ends"}
    seen = await send(eva, path, seen, keep_title="theirs", keep_ends="mine", **days)
    (row,) = await town.office.rows("SELECT title, ends FROM recurrence")
    assert row == {"title": "Belts", "ends": day(90).isoformat()}
    seen = await eva.get(path)
    for damage in ({"basis": "xyz"}, {"shown": "{"}, {"shown": "[]"}):
        answer = await send(eva, path, seen, title="Broken", **damage, **days)
        assert answer.status == 400
    (row,) = await town.office.rows("SELECT title FROM recurrence")
    assert row["title"] == "Belts"


async def test_another_customer_brings_its_own_place_and_what_was_typed_stays(town: Town) -> None:
    letna = await town.customer("Letná")
    eva = await town.office.signed_in("Eva")
    seen = await eva.get(f"/recurring/new?customer={letna.hex()}")
    await send(eva, "/recurring/new", seen, title="Filters", weekday=["0"])
    stream = await stream_of(town)
    other = await town.customer("Pekárna", (500_000_000, 140_000_000))
    path = f"/recurring/{stream.hex()}/edit"
    seen = await eva.get(path)
    seen = await send(
        eva, path, seen, customer_text="Pekárna", contact="Marie", weekday=["0"], title="Oven"
    )
    seen = await eva.get(path)
    form = seen.form()
    assert (form["customer"], form["contact"]) == (other.hex(), "Marie")
    assert form["point"] == "50.0, 14.0"
    (place,) = await town.office.rows(
        "SELECT place FROM customer_place WHERE customer = ?", (other.hex(),)
    )
    assert form["place"] == place["place"]


async def test_a_rule_of_a_later_version_stays_until_somebody_chooses_another(town: Town) -> None:
    stream = await begun(town)
    await town.office.act([Change(stream, (REPEATS,), [9, 1, []])])
    eva = await town.office.signed_in("Eva")
    path = f"/recurring/{stream.hex()}/edit"
    seen = await send(eva, path, await eva.get(path), often="", title="Belts")
    assert seen.status == 200
    (row,) = await town.office.rows("SELECT title, repeats FROM recurrence")
    assert row == {"title": "Belts", "repeats": "[9, 1, []]"}


# --- texts


@pytest.mark.parametrize(
    "repeats",
    [
        [Often.DAILY, 3, []],
        [Often.WEEKLY, 2, [0, 4, 6]],
        [Often.MONTHLY, 1, [LAST_DAY, 1, 31]],
        [Often.MONTHLY_BY_WEEKDAY, 6, [-3, 8, 34]],
        [Often.MONTHLY_BY_WEEKDAY, 1, [-7, -3, 8, 16, 24, 32]],
    ],
)
def test_a_rule_that_was_drawn_is_read_as_the_same(repeats: list[object]) -> None:
    text = repeats_text(repeats)
    assert is_pattern(*repeats)  # type: ignore[arg-type]
    assert compose_repeats(repeat_inputs(text)) == text
    often, interval, days = repeats_of(text)
    assert [often, interval, days] == [*repeats[:2], sorted(repeats[2])]  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("typed", "days"), [("1, 15,last", "-1,1,15"), ("1st 2nd 3rd 31st", "1,2,3,31"), ("7.", "7")]
)
def test_days_of_a_month_are_read_as_people_write_them(typed: str, days: str) -> None:
    inputs = RepeatInputs("monthly", "1", (), typed, ())
    assert compose_repeats(inputs) == f"monthly 1 {days}"


def test_hours_that_end_before_they_begin_end_on_the_next_day() -> None:
    assert hours_of("22:00-06:00") == [22 * 60, 30 * 60]
    assert hours_of("") is None
    with pytest.raises(FormError):
        hours_of("-10:00")


async def test_a_job_over_night_fills_in_its_hours_and_one_of_days_none(town: Town) -> None:
    eva = await town.office.signed_in("Eva")
    night, _ = await town.job("Night", starts_in=10 * 60, lasts=8 * 60)
    long, _ = await town.job("Long", lasts=50 * 60)
    undated, _ = await town.job("Undated", starts_in=None)
    forms = [(await eva.get(f"/recurring/new?job={job}")).form() for job in (night, long, undated)]
    assert [(form["hours_start"], form["hours_end"]) for form in forms] == [
        ("22:00", "06:00"), ("", ""), ("", ""),
    ]  # fmt: skip
    assert "weekday" not in forms[2]
    assert forms[2]["starts"] == MONDAY.isoformat()
    # Of a job without a day no day is left out.
    seen = await eva.get(f"/recurring/new?job={undated}")
    await send(eva, "/recurring/new", seen, weekday=["0"])
    stream = await stream_of(town)
    made = occurrence_stream(stream, MONDAY)
    assert await town.office.rows("SELECT 1 FROM job WHERE job = ?", (made.hex(),))
    assert (await eva.get(f"/recurring/new?job={'0' * 24}")).status == 404


async def test_a_pattern_that_was_found_fills_the_form_and_what_makes_no_sense_is_left_out(
    town: Town,
) -> None:
    eva, letna = await town.office.signed_in("Eva"), await town.customer()
    ana = await town.worker("Ana")
    found = [("customer", letna.hex()), ("title", "Filter"), ("often", "weekly"), ("every", "2"),
             ("weekday", "1"), ("weekday", "3"), ("starts", "2026-12-01"), ("hours_start", "08:30"),
             ("hours_end", "10:30"), ("planned", "45"), ("worker", ana.id)]  # fmt: skip
    seen = await eva.get(f"/recurring/new?{urlencode(found)}")
    assert len(re.findall(r'name="weekday" value="[13]"[^>]* checked', seen.text)) == 2
    seen = await send(eva, "/recurring/new", seen, weekday=["1", "3"])
    (row,) = await town.office.rows("SELECT * FROM recurrence")
    assert json.loads(row["repeats"]) == [Often.WEEKLY, 2, [1, 3]]
    assert "Every 2 weeks on Tuesday and Thursday" in seen.words
    assert "08:30–10:30" in seen.words
    assert "45 min" in seen.words
    assert "Ana" in seen.words
    seen = await eva.get("/recurring/new?often=never&every=x&worker=zz&hours_start=99&title=Odd")
    assert seen.status == 200
    assert seen.value("title") == "Odd"
