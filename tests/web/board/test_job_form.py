"""The job's form: made, changed, refused in words, and two people at one job."""

from __future__ import annotations

import json

import pytest

from core.dispatch import acts
from core.dispatch.roster import set_absence
from tests.web.board.town import HOUR_MS, MINUTE_MS, Town, send_part
from tests.web.office import NOON_MS, Person, Seen

NEW = {
    "title": "Boiler service",
    "address": "Ovenecká 3, Praha 7",
    "point": "50.0995, 14.425",
    "window_day": "2026-11-23",
    "window_start": "14:00",
    "window_end": "15:30",
    "planned": "45",
    "priority": "2",
    "contact": "Pavel",
    "contact_phone": "+420 222 110 330",
    "description": "Ring twice.",
    "check_new": "Valve closed\nPhoto taken",
}


async def made(town: Town, person: Person, fields: dict[str, str]) -> dict[str, object]:
    """Make a job by the form and return its row."""
    seen = await person.post("/board/new", fields)
    assert seen.status == 200, seen.words
    assert "is made" in seen.words
    return await town.row(seen.path.rpartition("job=")[2])


async def edit(person: Person, job: str) -> dict[str, str]:
    """The texts of a job's form as it is drawn now."""
    seen = await person.get(f"/?view=all&job={job}&do=edit")
    assert seen.status == 200, seen.words
    return Seen(200, "<main" + seen.text[seen.text.index('class="job-form"') :], "", {}).form()


async def test_a_new_job_holds_what_was_typed(town: Town) -> None:
    eva = await town.office.signed_in("Eva")
    row = await made(town, eva, NEW)
    assert (row["number"], row["title"], row["priority"]) == ("A-1", "Boiler service", 2)
    assert (row["lat_e7"], row["lon_e7"]) == (500_995_000, 144_250_000)
    assert row["window_start"] == NOON_MS + 2 * HOUR_MS
    assert row["window_end"] == NOON_MS + 3 * HOUR_MS + 30 * MINUTE_MS
    checks = await town.office.rows("SELECT item, text FROM check_item ORDER BY item")
    assert checks == [{"item": 0, "text": "Valve closed"}, {"item": 1, "text": "Photo taken"}]


async def test_a_new_job_goes_to_its_worker_in_the_same_act(town: Town) -> None:
    ana, eva = await town.worker("Ana"), await town.office.signed_in("Eva")
    assert f'<option value="{ana.id}">Ana' in (await eva.get("/?do=new")).text
    seen = await eva.post("/board/new", NEW | {"worker": ana.id})
    assert "Job A-1 is made and assigned to Ana." in seen.words
    job = seen.path.rpartition("job=")[2]
    assert len({entry.act for entry in await town.office.history(job)}) == 1
    assert await town.listed(ana) == ["Boiler service"]

    # Who is not there that day is no silent choice, and what was typed stays.
    await town.office.act(set_absence(ana.stream, b"absence1", "2026-11-23", "2026-11-25", 1))
    seen = await eva.post("/board/new", NEW | {"worker": ana.id, "title": "Lift"})
    assert seen.status == 422
    assert "Ana is on holiday until" in seen.words
    assert 'value="Lift"' in seen.text
    assert f'<option value="{ana.id}" selected>' in seen.text
    seen = await eva.post("/board/new", NEW | {"worker": "00" * 12})
    assert "Choose a worker from the list" in seen.words
    assert len(await town.office.rows("SELECT job FROM job")) == 1


async def test_a_form_sent_back_unchanged_changes_nothing(town: Town) -> None:
    eva = await town.office.signed_in("Eva")
    row = await made(town, eva, NEW)
    job = str(row["job"])
    seen = await eva.post(f"/board/job/{job}/edit", await edit(eva, job))
    assert "Nothing was changed" in seen.words
    assert (await town.row(job))["frontier"] == row["frontier"]


async def test_a_refused_form_keeps_the_times_and_checks_that_were_typed(town: Town) -> None:
    eva = await town.office.signed_in("Eva")
    seen = await eva.post("/board/new", NEW | {"window_day": ""})
    assert "Give the day of the window" in seen.words
    form = Seen(200, "<main" + seen.text[seen.text.index('class="job-form"') :], "", {}).form()
    assert (form["window_start"], form["window_end"]) == ("14:00", "15:30")
    assert (form["check_0"], form["check_1"]) == ("Valve closed", "Photo taken")
    row = await made(town, eva, form | {"window_day": "2026-11-23"})
    assert row["window_start"] == NOON_MS + 2 * HOUR_MS
    checks = await town.office.rows("SELECT text FROM check_item ORDER BY item")
    assert [check["text"] for check in checks] == ["Valve closed", "Photo taken"]


async def test_only_what_was_changed_is_written(town: Town) -> None:
    eva = await town.office.signed_in("Eva")
    job = str((await made(town, eva, NEW))["job"])
    before = await town.office.history(job)
    form = await edit(eva, job)
    await eva.post(f"/board/job/{job}/edit", form | {"priority": "3", "check_0": "Valve shut"})
    added = (await town.office.history(job))[len(before) :]
    assert {row.field for row in added} == {"priority", "check item"}
    row = await town.row(job)
    assert row["priority"] == 3
    assert row["window_start"] == NOON_MS + 2 * HOUR_MS


async def test_a_window_over_midnight_ends_on_the_next_day(town: Town) -> None:
    eva = await town.office.signed_in("Eva")
    row = await made(town, eva, NEW | {"window_start": "22:00", "window_end": "02:00"})
    assert int(str(row["window_end"])) - int(str(row["window_start"])) == 4 * HOUR_MS
    whole_day = await made(town, eva, NEW | {"window_start": "", "window_end": ""})
    assert int(str(whole_day["window_end"])) - int(str(whole_day["window_start"])) == (
        24 * HOUR_MS - MINUTE_MS
    )
    assert (await made(town, eva, {"title": "Undated"}))["window_start"] is None


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"title": ""}, "The title is missing"),
        ({"point": "somewhere"}, "latitude, longitude"),
        ({"planned": "soon"}, "Write a whole number"),
        ({"planned": "99999"}, "from 1 to 10,080"),
        ({"window_day": "", "window_start": "10:00"}, "Give the day of the window"),
        ({"window_start": "25:00"}, "Write the day as 2026-11-23"),
        ({"window_day": "2027-03-28", "window_start": "02:30"}, "02:30 does not exist on 28 March"),
        ({"window_end_day": "2026-11-22"}, "ends before it starts"),
        ({"customer": "zz"}, "Choose one from the list"),
        ({"description": "x" * 2_001}, "longer than 2,000"),
        ({"check_new": "\n".join(str(n) for n in range(101))}, "at most 100 items"),
    ],
)
async def test_what_cannot_be_is_refused_in_words_and_keeps_what_was_typed(
    town: Town, wrong: dict[str, str], words: str
) -> None:
    eva = await town.office.signed_in("Eva")
    seen = await eva.post("/board/new", NEW | wrong)
    assert seen.status == 422
    assert words.lower() in seen.words.lower()
    assert "Pavel" in seen.text
    assert await town.office.rows("SELECT 1 FROM job") == []


async def test_a_customers_place_fills_what_was_left_empty(town: Town) -> None:
    letna = await town.customer("Letná")
    eva = await town.office.signed_in("Eva")
    row = await made(town, eva, {"title": "Boiler", "customer": letna.hex()})
    assert (row["address"], row["contact"], row["radius_m"]) == ("Ovenecká 3", "Pavel", 60)
    assert row["lat_e7"] == 500_995_000
    found = json.loads((await eva.get("/board/customers.json?q=ovenecka")).text)
    assert [one["words"] for one in found] == ["Letná"]
    filled = json.loads((await eva.get(f"/board/customers/{letna.hex()}.json")).text)
    assert filled["fills"]["point"] == "50.0995, 14.425"


async def test_a_customer_who_is_new_is_made_with_the_job_when_asked_for(town: Town) -> None:
    eva = await town.office.signed_in("Eva")
    typed = NEW | {"customer_text": "Café Letná"}
    seen = await eva.post("/board/new", typed)
    assert seen.status == 422
    assert "There is no customer 'Café Letná' yet" in seen.words
    assert await town.office.rows("SELECT 1 FROM customer") == []
    row = await made(town, eva, typed | {"new_customer": "1"})
    (customer,) = await town.office.rows("SELECT * FROM customer")
    assert (customer["name"], customer["customer"]) == ("Café Letná", row["customer"])
    (place,) = await town.office.rows("SELECT * FROM customer_place")
    assert (place["place"], place["lat_e7"]) == (row["place"], 500_995_000)


async def test_two_people_at_one_field_see_both_values_and_nothing_is_lost(town: Town) -> None:
    eva, jan = await town.office.signed_in("Eva"), await town.office.signed_in("Jan")
    job = str((await made(town, eva, NEW))["job"])
    evas, jans = await edit(eva, job), await edit(jan, job)
    town.clock.at_ms += MINUTE_MS
    await jan.post(f"/board/job/{job}/edit", jans | {"title": "Boiler repair", "planned": "90"})
    seen = await eva.post(f"/board/job/{job}/edit", evas | {"title": "Boiler check"})
    assert seen.status == 409
    assert "Jan changed it, 12:01" in seen.words
    assert "Boiler repair" in seen.words
    assert (await town.row(job))["title"] == "Boiler repair"

    again = Seen(200, "<main" + seen.text[seen.text.index('class="job-form"') :], "", {}).form()
    assert again["title"] == "Boiler check"
    assert again["planned"] == "90", "what only Jan changed is in the form already"
    unsaid = await eva.post(f"/board/job/{job}/edit", again)
    assert unsaid.status == 409
    assert "Choose for each field" in unsaid.words
    assert "Boiler repair" in unsaid.words
    assert (await town.row(job))["title"] == "Boiler repair", "nothing is written unasked"
    theirs = await eva.post(f"/board/job/{job}/edit", again | {"keep_title": "theirs"})
    assert theirs.status == 200
    assert (await town.row(job))["title"] == "Boiler repair"
    await eva.post(f"/board/job/{job}/edit", again | {"keep_title": "mine"})
    row = await town.row(job)
    assert (row["title"], row["planned_minutes"], row["conflicts"]) == ("Boiler check", 90, 0)


async def test_different_fields_of_two_people_are_both_kept_and_said(town: Town) -> None:
    eva, jan = await town.office.signed_in("Eva"), await town.office.signed_in("Jan")
    job = str((await made(town, eva, NEW))["job"])
    evas, jans = await edit(eva, job), await edit(jan, job)
    await jan.post(
        f"/board/job/{job}/edit", jans | {"window_start": "16:00", "window_end": "17:00"}
    )
    seen = await eva.post(f"/board/job/{job}/edit", evas | {"description": "Use the back door."})
    assert seen.status == 200
    assert "Meanwhile Jan changed window: kept as well" in seen.words
    row = await town.row(job)
    assert row["description"] == "Use the back door."
    assert row["window_start"] == NOON_MS + 4 * HOUR_MS


@pytest.mark.parametrize(
    ("window", "words"),
    [
        (("2026-11-23", "15:00", "", "14:00"), "before it starts at 15:00"),
        (("0001-01-01", "08:00", "", "09:00"), "between 2000 and 2100"),
        (("9999-12-31", "23:00", "", "23:30"), "between 2000 and 2100"),
        (("2026-11-23", "15:00", "2026-11-22", "16:00"), "put the end after the start"),
    ],
)
async def test_a_window_that_is_rather_a_slip_is_refused_in_words(
    town: Town, window: tuple[str, str, str, str], words: str
) -> None:
    eva = await town.office.signed_in("Eva")
    names = ("window_day", "window_start", "window_end_day", "window_end")
    seen = await eva.post("/board/new", NEW | dict(zip(names, window, strict=True)))
    assert seen.status == 422
    assert words in seen.words
    assert await town.office.rows("SELECT 1 FROM job") == []


async def test_a_night_shift_ends_the_next_morning(town: Town) -> None:
    eva = await town.office.signed_in("Eva")
    night = {"window_day": "2026-11-23", "window_start": "22:00", "window_end": "06:00"}
    row = await made(town, eva, NEW | night)
    assert int(str(row["window_end"])) - int(str(row["window_start"])) == 8 * HOUR_MS


async def test_a_form_that_was_damaged_writes_nothing(town: Town) -> None:
    eva = await town.office.signed_in("Eva")
    job = str((await made(town, eva, NEW))["job"])
    form = await edit(eva, job)
    shown = ("[", '{"title": 1}', "[null]", "1e999", "[" * 50_000)
    for damage in ({"basis": "xyz"}, *({"shown": text} for text in shown)):
        seen = await eva.post(f"/board/job/{job}/edit", form | {"title": "Changed"} | damage)
        assert seen.status == 422, damage
        assert "load it again" in seen.words
    assert (await town.row(job))["title"] == "Boiler service"


async def test_the_script_gets_the_pane_and_where_to_go(town: Town) -> None:
    eva = await town.office.signed_in("Eva")
    await eva.get("/")
    seen = await send_part(eva, "/board/new", NEW | {"back": "view=all&sort=title"})
    (row,) = await town.office.rows("SELECT job FROM job")
    assert seen.headers["X-Board-Go"] == f"/?view=all&sort=title&job={row['job']}"
    assert "<html" not in seen.text
    assert "Boiler service" in seen.words


async def test_an_archived_customer_is_not_offered(town: Town) -> None:
    letna = await town.customer("Letná")
    await town.office.act(acts.edit_customer(letna, {"archived": True}))
    eva = await town.office.signed_in("Eva")
    assert json.loads((await eva.get("/board/customers.json?q=letna")).text) == []


async def test_an_address_is_found_among_the_customers_places_and_typed_positions(
    town: Town,
) -> None:
    await town.customer("Letná")
    eva = await town.office.signed_in("Eva")
    found = json.loads((await eva.get("/board/addresses.json?q=ovenecka%203")).text)
    assert found["region"] is False
    (one,) = found["found"]
    assert (one["point"], one["kind"]) == ("50.0995, 14.425", "customer's place")
    found = json.loads((await eva.get("/board/addresses.json?q=50.1,14.4")).text)
    assert found["found"][0]["point"] == "50.1, 14.4"
