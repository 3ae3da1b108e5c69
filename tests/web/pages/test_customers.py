"""Customers on their pages: made, changed, found, and two people at one form."""

from __future__ import annotations

from core.dispatch.acts import set_setting
from tests.web.office import Office, Person

LETNA = {
    "name": "Družstvo Letná",
    "number": "C-17",
    "place.new0.name": "Boiler house",
    "place.new0.address": "Ovenecká 3, Praha 7",
    "place.new0.point": "50.0995, 14.425",
    "place.new0.radius": "60",
    "contact.new0.name": "Pavel",
    "contact.new0.phone": "+420 222 110 330",
}


async def make(person: Person, fields: dict[str, str]) -> str:
    """Make a customer and return the path of its page."""
    seen = await person.post("/customers/new", fields)
    assert seen.status == 200, seen.words
    return seen.path


async def test_a_new_customer_has_its_place_and_contact(office: Office) -> None:
    eva = await office.signed_in("Eva")
    path = await make(eva, LETNA)
    seen = await eva.get(path)
    for words in ("Družstvo Letná", "C-17", "Boiler house", "50.0995, 14.425", "60 m", "Pavel"):
        assert words in seen.words
    place = (await office.rows("SELECT * FROM customer_place"))[0]
    assert (place["lat_e7"], place["lon_e7"], place["radius_m"]) == (500_995_000, 144_250_000, 60)


async def test_a_new_place_takes_the_sites_radius(office: Office) -> None:
    eva = await office.signed_in("Eva")
    await office.act(set_setting("radius_m", 250))
    await make(eva, LETNA | {"place.new0.radius": ""})
    assert await office.rows("SELECT radius_m FROM customer_place") == [{"radius_m": 250}]


async def test_a_customer_is_found_without_accents(office: Office) -> None:
    eva = await office.signed_in("Eva")
    await make(eva, LETNA)
    for text in ("letna", "ovenecka", "c-17", "PAVEL", "222 110"):
        assert "Družstvo Letná" in (await eva.get(f"/customers?q={text}")).words, text
    assert "Nobody matches" in (await eva.get("/customers?q=zzz")).words


async def test_what_cannot_be_is_refused_in_words_and_nothing_is_written(office: Office) -> None:
    eva = await office.signed_in("Eva")
    for wrong, words in (
        ({"name": ""}, "name is missing"),
        ({"place.new0.point": "somewhere"}, "latitude, longitude"),
        ({"place.new0.point": "95, 14"}, "within ±90"),
        ({"place.new0.radius": "5"}, "30 to 1,000"),
        ({"note": "x" * 3_000}, "longer than 2,000"),
    ):
        seen = await eva.post("/customers/new", LETNA | wrong)
        assert seen.status == 422
        assert words.lower() in seen.words.lower()
    assert await office.rows("SELECT 1 FROM customer") == []


async def test_a_refused_form_keeps_what_was_typed(office: Office) -> None:
    eva = await office.signed_in("Eva")
    seen = await eva.post("/customers/new", LETNA | {"place.new0.radius": "5"})
    assert seen.value("name") == "Družstvo Letná"
    assert seen.value("place.new0.address") == "Ovenecká 3, Praha 7"


async def test_markup_in_a_name_is_shown_as_typed(office: Office) -> None:
    eva = await office.signed_in("Eva")
    seen = await eva.get(await make(eva, {"name": '<script>alert("x")</script>'}))
    assert "<script>alert" not in seen.text
    assert '<script>alert("x")</script>' in seen.words


async def test_only_edited_fields_are_written(office: Office) -> None:
    eva = await office.signed_in("Eva")
    path = await make(eva, LETNA)
    form = (await eva.get(f"{path}/edit")).form()
    before = await office.history(path.rpartition("/")[2])
    assert "Saved" in (await eva.post(f"{path}/edit", form | {"number": "C-18"})).words
    added = (await office.history(path.rpartition("/")[2]))[len(before) :]
    assert [(row.field, row.value) for row in added] == [("number", "C-18")]


async def test_two_people_who_edit_different_fields_do_not_disturb_each_other(
    office: Office,
) -> None:
    eva, petr = await office.signed_in("Eva"), await office.signed_in("Petr")
    path = await make(eva, LETNA)
    form_of_eva = (await eva.get(f"{path}/edit")).form()
    form_of_petr = (await petr.get(f"{path}/edit")).form()
    await petr.post(f"{path}/edit", form_of_petr | {"note": "Ring twice."})
    seen = await eva.post(f"{path}/edit", form_of_eva | {"number": "C-99"})
    assert seen.path == path
    row = (await office.rows("SELECT number, note FROM customer"))[0]
    assert row == {"number": "C-99", "note": "Ring twice."}


async def test_a_stale_form_shows_both_values_and_writes_neither_unasked(office: Office) -> None:
    eva, petr = await office.signed_in("Eva"), await office.signed_in("Petr")
    path = await make(eva, LETNA)
    form_of_eva = (await eva.get(f"{path}/edit")).form()
    form_of_petr = (await petr.get(f"{path}/edit")).form()
    await petr.post(f"{path}/edit", form_of_petr | {"number": "C-PETR"})
    seen = await eva.post(f"{path}/edit", form_of_eva | {"number": "C-EVA", "note": "Dog."})
    assert seen.status == 409
    assert "while you were writing" in seen.words
    for words in ("C-PETR", "Petr"):
        assert words in seen.words
    assert seen.value("number") == "C-EVA"
    row = (await office.rows("SELECT number, note FROM customer"))[0]
    assert row == {"number": "C-PETR", "note": ""}
    # Saving again is a decision that knows both.
    assert (await eva.post(f"{path}/edit", seen.form())).path == path
    row = (await office.rows("SELECT number, note FROM customer"))[0]
    assert row == {"number": "C-EVA", "note": "Dog."}
    assert await office.rows("SELECT 1 FROM conflict") == []


async def test_the_same_edit_by_two_people_is_no_clash(office: Office) -> None:
    eva, petr = await office.signed_in("Eva"), await office.signed_in("Petr")
    path = await make(eva, LETNA)
    form_of_eva = (await eva.get(f"{path}/edit")).form()
    form_of_petr = (await petr.get(f"{path}/edit")).form()
    await petr.post(f"{path}/edit", form_of_petr | {"number": "C-18"})
    assert (await eva.post(f"{path}/edit", form_of_eva | {"number": "C-18"})).path == path


async def test_a_clash_in_one_of_two_places_names_the_place(office: Office) -> None:
    eva, petr = await office.signed_in("Eva"), await office.signed_in("Petr")
    path = await make(eva, LETNA | {"place.new1.name": "Garage", "place.new1.address": "Yard 1"})
    form_of_eva = (await eva.get(f"{path}/edit")).form()
    form_of_petr = (await petr.get(f"{path}/edit")).form()
    (garage,) = [name for name, text in form_of_eva.items() if text == "Yard 1"]
    await petr.post(f"{path}/edit", form_of_petr | {garage: "Yard 2"})
    seen = await eva.post(f"{path}/edit", form_of_eva | {garage: "Yard 3"})
    assert seen.status == 409
    assert "Address of Garage" in seen.words
    assert "Yard 2" in seen.words


async def test_a_place_no_longer_used_is_archived_and_can_come_back(office: Office) -> None:
    eva = await office.signed_in("Eva")
    path = await make(eva, LETNA)
    form = (await eva.get(f"{path}/edit")).form()
    (name,) = [name for name in form if name.startswith("place.") and name.endswith(".name")]
    archived = name.replace(".name", ".archived")
    await eva.post(f"{path}/edit", form | {archived: "yes"})
    assert "Boiler house" not in (await eva.get(path)).words.partition("Changes")[0]
    form = (await eva.get(f"{path}/edit")).form()
    assert form.pop(archived) == "yes"
    await eva.post(f"{path}/edit", form)
    assert "Boiler house" in (await eva.get(path)).words


async def test_a_damaged_form_is_refused_in_words(office: Office) -> None:
    eva = await office.signed_in("Eva")
    path = await make(eva, LETNA)
    form = (await eva.get(f"{path}/edit")).form()
    for damage in ({"basis": "xyz"}, {"basis": "00"}, {"shown": "{"}, {"shown": "[1]"}):
        seen = await eva.post(f"{path}/edit", form | {"name": "Other"} | damage)
        assert seen.status == 400
        assert "load it again" in seen.words
    assert (await office.rows("SELECT name FROM customer"))[0]["name"] == "Družstvo Letná"


async def test_an_unknown_customer_is_not_found(office: Office) -> None:
    eva = await office.signed_in("Eva")
    for path in ("/customers/" + "0" * 24, "/customers/" + "0" * 24 + "/edit"):
        assert (await eva.get(path)).status == 404
