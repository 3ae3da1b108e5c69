"""Importing over HTTP: what a preview says, what is written, and what a phone then has."""

from __future__ import annotations

import io
import json
import re

import aiohttp

from core.dispatch import acts
from core.dispatch.roster import set_absence
from replica.checking import check_store
from tests.web.board.town import Town
from tests.web.office import Office, Person, Seen

CUSTOMERS = (
    "Number;Name;Street;City;Position;Contact;Phone;E-mail\n"
    "C-7;Družstvo Letná;Ovenecká 3;Praha;50.0995, 14.425;Pavel;+420 222 110 330;\n"
    "C-8;=cmd();Lidická 11;Brno;;Eva;;eva@example.org\n"
    "C-7;Družstvo Letná;Letenská 5;Praha;;Zdena;;\n"
    "C-9;;Nowhere 1;;;;;\n"
    "C-10;Bad;Street 2;;somewhere;;;\n"
)


async def upload(person: Person, kind: str, text: str) -> Seen:
    """Paste a table and see its preview."""
    return await person.post("/import", {"kind": kind, "pasted": text})


async def import_shown(person: Person, seen: Seen) -> Seen:
    """Press the button of a preview."""
    form = seen.text[seen.text.index('name="mark"') - 4_000 :]
    fields = dict(re.findall(r'<input type="hidden" name="([a-z0-9]+)" value="([^"]*)"', form))
    fields = {name: text for name, text in fields.items() if name != "form_token"}
    return await person.post(seen.path.partition("?")[0], fields)


async def choose(person: Person, seen: Seen, **choices: str) -> Seen:
    """See the preview again with other choices."""
    form = seen.form()
    form.pop("form_token", None)
    asked = {name: text for name, text in (form | choices).items() if name != "mark"}
    query = "&".join(f"{name}={text.replace(' ', '%20')}" for name, text in asked.items())
    return await person.get(f"{seen.path.partition('?')[0]}?{query}")


async def test_customers_come_with_places_and_contacts_in_one_act(town: Town) -> None:
    office, eva = town.office, await town.office.signed_in("Eva")
    seen = await upload(eva, "customers", CUSTOMERS)
    assert "2 new customers" in seen.words
    assert "1 more place or contact" in seen.words
    assert "2 faulty, left out" in seen.words
    assert "line 5 the name is missing" in seen.words
    assert "line 6 “somewhere” is no position" in seen.words
    assert await office.rows("SELECT * FROM customer") == []
    seen = await import_shown(eva, seen)
    assert "2 new customers" in seen.words
    rows = await office.rows("SELECT customer, name, number FROM customer ORDER BY number")
    assert [(row["name"], row["number"]) for row in rows] == [
        *(("Družstvo Letná", "C-7"), ("=cmd()", "C-8")),
    ]
    letna = rows[0]["customer"]
    places = await office.rows(
        "SELECT address, lat_e7, radius_m FROM customer_place WHERE customer = ? ORDER BY address",
        (letna,),
    )
    assert [(row["address"], row["lat_e7"], row["radius_m"]) for row in places] == [
        *(("Letenská 5, Praha", None, 100), ("Ovenecká 3, Praha", 500_995_000, 100)),
    ]
    names = await office.rows("SELECT name FROM contact WHERE customer = ? ORDER BY 1", (letna,))
    assert [row["name"] for row in names] == ["Pavel", "Zdena"]
    # All streams carry the act that the page and the answer name.
    acts_seen = {entry.act for row in rows for entry in await office.history(row["customer"])}
    found = re.search(r'data-act="([0-9a-f]{16})"', seen.text)
    assert found is not None
    assert acts_seen == {found[1]}
    told = json.loads((await eva.get(f"{seen.path.partition('?')[0]}/progress.json")).text)
    assert (told["state"], told["act"]) == ("done", found[1])


async def test_an_existing_customer_is_found_and_skipped_updated_or_made_again(town: Town) -> None:
    office, eva = town.office, await town.office.signed_in("Eva")
    await town.customer("Družstvo Letná")
    text = "Name;Number;Address;Contact;Phone;Note\nDRUZSTVO LETNA;;ovenecka 3;Pavel;777;Dog\n"
    seen = await upload(eva, "customers", text)
    assert "1 equal to existing" in seen.words
    assert "equal to Družstvo Letná (C-1)" in seen.words
    assert 'name="mark"' not in seen.text
    seen = await choose(eva, seen, same="anyway", c0="name")
    assert "1 new customer" in seen.words
    seen = await choose(eva, seen, same="update")
    assert "1 of them updated" in seen.words
    await import_shown(eva, seen)
    (row,) = await office.rows("SELECT * FROM customer")
    assert (row["note"], row["number"]) == ("Dog", "C-1")
    (contact,) = await office.rows("SELECT name, phone FROM contact")
    assert (contact["name"], contact["phone"]) == ("Pavel", "777")
    (place,) = await office.rows("SELECT lat_e7 FROM customer_place")
    assert place["lat_e7"] == 500_995_000
    # The same once more: nothing is left that would change anything.
    seen = await choose(eva, await upload(eva, "customers", text), same="update")
    assert 'name="mark"' not in seen.text


async def test_the_number_decides_before_the_name(town: Town) -> None:
    eva = await town.office.signed_in("Eva")
    await town.customer("Letná")
    seen = await upload(eva, "customers", "Name;Number\nRenamed;c-1\nLetná;C-2\nLetná;\n")
    assert "1 new customer" in seen.words
    assert seen.words.count("equal to Letná (C-1)") == 2


async def test_what_changed_since_the_preview_is_shown_before_anything_is_written(
    town: Town,
) -> None:
    office, eva = town.office, await town.office.signed_in("Eva")
    seen = await upload(eva, "customers", "Name;Number\nLetná;C-1\nNew;C-2\n")
    await town.customer("Letná")
    seen = await import_shown(eva, seen)
    assert "Nothing was imported: since this was shown" in seen.words
    assert "1 new customer" in seen.words
    assert len(await office.rows("SELECT * FROM customer")) == 1
    await import_shown(eva, seen)
    assert len(await office.rows("SELECT * FROM customer")) == 2
    # Pressed twice, by an impatient hand: written once.
    await import_shown(eva, seen)
    assert len(await office.rows("SELECT * FROM customer")) == 2


async def test_an_edit_since_the_preview_stops_an_update_that_would_run_over_it(town: Town) -> None:
    office, eva = town.office, await town.office.signed_in("Eva")
    letna = await town.customer("Letná")
    seen = await upload(eva, "customers", "Name;Number;Note\nLetná;C-1;Dog\n")
    seen = await choose(eva, seen, same="update")
    await office.act(acts.edit_customer(letna, {"note": "No dog any more"}))
    seen = await import_shown(eva, seen)
    assert "Nothing was imported: since this was shown" in seen.words
    (row,) = await office.rows("SELECT note FROM customer")
    assert row["note"] == "No dog any more"


async def test_jobs_of_one_title_at_different_addresses_are_different_jobs(town: Town) -> None:
    office, eva = town.office, await town.office.signed_in("Eva")
    rows = "Title;Day;Address\n" + "".join(f"Meter;25.11.2026;Street {n}\n" for n in (1, 2, 3, 2))
    seen = await upload(eva, "jobs", rows)
    assert "3 new jobs" in seen.words
    assert "says the same as line 3" in seen.words
    await import_shown(eva, seen)
    jobs = await office.rows("SELECT address FROM job ORDER BY address")
    assert [job["address"] for job in jobs] == ["Street 1", "Street 2", "Street 3"]
    seen = await upload(eva, "jobs", rows + "Meter;25.11.2026;Street 4\n")
    assert "1 new job" in seen.words


async def test_a_worker_who_is_left_out_makes_no_team_for_the_next(town: Town) -> None:
    office, eva = town.office, await town.office.signed_in("Eva")
    text = f"Name;Phone;Team;Skills\nBad;601;South;{'x' * 300}\nAna Malá;602;South;\n"
    seen = await upload(eva, "workers", text)
    assert "1 new worker" in seen.words
    assert "1 faulty" in seen.words
    await import_shown(eva, seen)
    (team,) = await office.rows("SELECT team, name FROM team")
    (worker,) = await office.rows("SELECT name, team FROM worker")
    assert (worker["name"], worker["team"], team["name"]) == ("Ana Malá", team["team"], "South")


async def test_workers_bring_their_teams_vehicles_and_skills(town: Town) -> None:
    office, eva = town.office, await town.office.signed_in("Eva")
    north = office.entropy(8)
    await office.act(acts.set_group("team", north, "North"))
    text = (
        "First name,Last name,Mobile,Team,Van,Number plate,Skills,Shift\n"
        "Jan,Novák,+420 601,north,Transit,2AC 1199,Boilers; Heights,7:00-15:30\n"
        "Ana,Malá,,South,Transit,2AC 1199,Boilers,22-6\n"
        "Bo,Velký,,South,,,,late\n"
    )
    seen = await upload(eva, "workers", text)
    for words in ("2 new workers", "1 faulty", "team South", "vehicle Transit", "skill Heights"):
        assert words in seen.words, words
    assert "team North" not in seen.words
    await import_shown(eva, seen)
    rows = {row["name"]: row for row in await office.rows("SELECT * FROM worker")}
    assert set(rows) == {"Jan Novák", "Ana Malá"}
    assert rows["Jan Novák"]["team"] == north.hex()
    assert json.loads(rows["Jan Novák"]["shift"]) == [420, 930]
    assert json.loads(rows["Ana Malá"]["shift"]) == [1320, 1800]
    assert rows["Jan Novák"]["vehicle"] == rows["Ana Malá"]["vehicle"] != ""
    assert len(json.loads(rows["Jan Novák"]["skills"])) == 2
    names = [row["name"] for row in await office.rows("SELECT name FROM skill ORDER BY name")]
    assert names == ["Boilers", "Heights"]
    again = await upload(eva, "workers", text)
    assert "2 equal to existing" in again.words


async def test_an_imported_job_is_on_the_workers_phone_after_they_meet(town: Town) -> None:
    office, eva = town.office, await town.office.signed_in("Eva")
    ana = await town.worker("Ana Malá")
    customer = await town.customer("Letná")
    await office.act(set_absence(ana.stream, b"absence1", "2026-11-24", "2026-11-30", 1))
    text = (
        "Title\tCustomer\tDay\tFrom\tUntil\tPriority\tWorker\tInstructions\n"
        "Boiler service\tletna\t24.11.2026\t8:00\t10:30\turgent\tana mala\tRing twice\n"
        "Leak\tLetná\t2026-11-25\t\t\t\t\t\n"
        "Lost\tNobody\t\t\t\t\t\t\n"
        "Lost too\t\t\t9:00\t\t\tBo\t\n"
        "No day\t\t\t9:00\t\t\t\t\n"
        "Leak\tLetná\t25.11.2026\t\t\t\t\t\n"
    )
    seen = await upload(eva, "jobs", text)
    for words in (
        *("2 new jobs", "3 faulty", "there is no customer “Nobody”", "there is no worker “Bo”"),
        "Ana Malá is on holiday until 30 Nov, and the job is in that time",
        *("there is a time but no day", "says the same as line 3", "tomorrow 08:00–10:30"),
    ):
        assert words in seen.words, words
    await import_shown(eva, seen)
    rows = await office.rows("SELECT * FROM job ORDER BY title")
    assert [row["title"] for row in rows] == ["Boiler service", "Leak"]
    boiler = rows[0]
    assert (boiler["number"], boiler["customer"], boiler["priority"]) == ("A-1", customer.hex(), 3)
    assert (boiler["address"], boiler["contact"]) == ("Ovenecká 3", "Pavel")
    assert boiler["window_end"] - boiler["window_start"] == 150 * 60_000
    await town.meet(ana)
    on_phone = ana.phone.store.db.execute("SELECT title, description FROM job").fetchall()
    assert [tuple(row) for row in on_phone] == [("Boiler service", "Ring twice")]
    assert check_store(office.hub.replica) == []


async def test_a_job_that_exists_gets_every_column_that_the_table_has(town: Town) -> None:
    office, eva = town.office, await town.office.signed_in("Eva")
    skill = bytes.fromhex("3000000000000005")
    await office.act(acts.set_group("skill", skill, name="Gas"))
    text = "Name;Street;Position\nLetná;Street 1;50.0995, 14.425\nNusle;Street 2;50.06, 14.44\n"
    await import_shown(eva, await upload(eva, "customers", text))
    await import_shown(eva, await upload(eva, "jobs", "Title;Customer\nBoiler;Letná\n"))
    (job,) = await office.rows("SELECT number FROM job")
    text = f"Number;Title;Customer;Skills;Radius\n{job['number']};Boiler;Nusle;Gas;250\n"
    seen = await choose(eva, await upload(eva, "jobs", text), same="update")
    assert "1 of them updated" in seen.words
    await import_shown(eva, seen)
    (row,) = await office.rows(
        "SELECT job.*, customer.name, customer_place.customer AS whose FROM job"
        " JOIN customer ON customer.customer = job.customer"
        " JOIN customer_place ON customer_place.place = job.place"
    )
    assert (row["name"], row["whose"], row["address"]) == ("Nusle", row["customer"], "Street 2")
    assert (row["radius_m"], json.loads(row["skills"])) == (250, [skill.hex()])
    seen = await choose(eva, await upload(eva, "jobs", text), same="update")
    assert "of them updated" not in seen.words, "it has all of that now"


async def test_an_imported_job_is_bounded_as_the_place_that_it_lies_at(town: Town) -> None:
    office, eva = town.office, await town.office.signed_in("Eva")
    text = "Name;Street;Position\nLetná;Street 1;50.0995, 14.425\nNusle;Street 2;50.06, 14.44\n"
    await import_shown(eva, await upload(eva, "customers", text))
    (letna,) = await office.rows("SELECT * FROM customer_place WHERE address = 'Street 1'")
    customer, place = bytes.fromhex(letna["customer"]), bytes.fromhex(letna["place"])
    yard = [500_990_000, 144_240_000, 500_990_000, 144_260_000, 501_000_000, 144_250_000]
    await office.act(acts.edit_place(customer, place, {"outline": yard}))
    text = "Title;Customer;Position\nAt the yard;Letná;\nElsewhere;Letná;50.2, 14.5\n"
    await import_shown(eva, await upload(eva, "jobs", text))
    rows = await office.rows("SELECT number, title, outline FROM job ORDER BY title")
    assert [row["outline"] for row in rows] == [json.dumps(yard, separators=(",", ":")), ""]
    text = f"Number;Title;Customer\n{rows[0]['number']};At the yard;Nusle\n"
    await import_shown(eva, await choose(eva, await upload(eva, "jobs", text), same="update"))
    (row,) = await office.rows("SELECT outline FROM job WHERE title = 'At the yard'")
    assert row["outline"] == ""


async def test_a_file_in_another_encoding_is_read_and_named(office: Office) -> None:
    eva = await office.signed_in("Eva")
    await eva.get("/import?kind=customers")
    form = aiohttp.FormData()
    form.add_field("form_token", eva._token)
    form.add_field("kind", "customers")
    data = "Název;Ulice\nŘeznictví Šťastný;Dlouhá 1\n".encode("cp1250")
    form.add_field("file", io.BytesIO(data), filename="customers-2026.csv")
    seen = await eva._ask("POST", "/import", form)
    assert "Řeznictví Šťastný" in seen.words
    assert "customers-2026.csv" in seen.words
    assert re.search(r'value="cp1250" selected', seen.text)
    assert "Say which column is the name" in seen.words
    seen = await choose(eva, seen, c0="name", c1="address")
    assert "1 new customer" in seen.words


async def test_what_is_too_large_or_no_table_is_refused_and_changes_nothing(office: Office) -> None:
    eva = await office.signed_in("Eva")
    await eva.get("/import")
    form = aiohttp.FormData()
    form.add_field("form_token", eva._token)
    form.add_field("file", io.BytesIO(b"Customer;1\n" * 1_000_000), filename="huge.csv")
    seen = await eva._ask("POST", "/import", form)
    assert seen.status == 422
    assert "The table has 1,000,000 rows; at most 5,000 are imported at once" in seen.words
    assert (await upload(eva, "customers", "  ")).status == 422
    seen = await upload(eva, "customers", 'Name;Note\nA;"open\n')
    assert "quotation marks do not fit" in seen.words
    assert "A;&#34;open" in seen.text, "what was pasted is still there to be mended"


async def test_an_import_can_be_given_up_and_is_its_owners_alone(office: Office) -> None:
    eva, jan = await office.signed_in("Eva"), await office.signed_in("Jan")
    seen = await upload(eva, "customers", "Name\nLetná\nNusle\n")
    path = seen.path
    assert (await jan.get(path)).status == 404
    assert "not here any more" in (await jan.get(path)).words
    assert "Nothing was imported" in (await eva.post(f"{path}/cancel", {})).words
    assert (await eva.get(path)).status == 404
    assert await office.rows("SELECT * FROM customer") == []
    marta = await office.signed_in("Marta", "manager")
    assert (await marta.get("/import")).status == 403
    assert (await marta.post("/import", {"pasted": "Name\nx\n"})).status == 403


async def _while_it_works(person: Person, path: str, other: Person) -> None:
    """Let somebody else use the hub until an import has been planned or written."""
    while json.loads((await person.get(f"{path}/progress.json")).text)["state"] == "working":
        assert (await other.get("/workers")).status == 200


async def test_many_rows_are_one_act_and_the_hub_answers_meanwhile(
    office: Office,
) -> None:
    eva, jan = await office.signed_in("Eva"), await office.signed_in("Jan")
    text = "Name;Number;Street;Phone\n" + "".join(
        f"Customer {number};{number};Street {number};+420 {number}\n" for number in range(1_500)
    )
    seen = await upload(eva, "customers", text)
    path = seen.path.partition("?")[0]
    await _while_it_works(eva, path, jan)
    seen = await eva.get(seen.path)
    assert "1500 new customers" in seen.words
    await import_shown(eva, seen)
    await _while_it_works(eva, path, jan)
    told = json.loads((await eva.get(f"{path}/progress.json")).text)
    rows = await office.rows("SELECT customer FROM customer")
    assert len(rows) == 1_500
    assert {
        entry.act for row in rows[::300] for entry in await office.history(row["customer"])
    } == {told["act"]}


async def test_a_customer_with_more_places_than_an_act_carries_is_told(office: Office) -> None:
    eva = await office.signed_in("Eva")
    rows = "".join(f"Chain;7;Street {number}\n" for number in range(100))
    seen = await upload(eva, "customers", f"Name;Number;Street\n{rows}")
    assert "import this row in a second file" in seen.words
    await import_shown(eva, seen)
    (row,) = await office.rows("SELECT count(*) AS n FROM customer_place")
    assert 40 < row["n"] < 100
