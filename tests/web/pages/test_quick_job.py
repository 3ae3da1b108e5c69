"""A job for a customer in three fields: the rest comes from the customer."""

from __future__ import annotations

import re

from core.dispatch.roster import set_absence
from tests.web.board.town import Town


async def test_a_job_takes_all_but_three_fields_from_its_customer(town: Town) -> None:
    office, eva, ana = town.office, await town.office.signed_in("Eva"), await town.worker("Ana")
    customer = (await town.customer("Letná")).hex()
    page = await eva.get(f"/customers/{customer}")
    assert "Ovenecká 3 · Pavel" in page.words
    form = page.text[page.text.index(f"/customers/{customer}/job") :].partition("</form>")[0]
    shown = re.findall(r'<(?:input|select|textarea)[^>]*name="(\w+)"', form)
    assert [name for name in shown if name != "form_token"] == ["title", "day", "worker"]
    given = {"title": "Boiler service", "day": "2026-11-24", "worker": ana.id}
    seen = await eva.post(f"/customers/{customer}/job", given)
    assert "The job is made and assigned to Ana." in seen.words
    (row,) = await office.rows("SELECT * FROM job")
    assert seen.path == f"/?view=all&job={row['job']}"
    assert (row["number"], row["customer"], row["worker"]) == ("A-1", customer, ana.id)
    assert (row["address"], row["contact"], row["radius_m"]) == ("Ovenecká 3", "Pavel", 60)
    assert row["window_end"] - row["window_start"] == (24 * 60 - 1) * 60_000
    entries = await office.history(row["job"])
    assert len({entry.entry for entry in entries}) == 1, "made and assigned at once"
    await town.meet(ana)
    assert ana.phone.store.db.execute("SELECT title FROM job").fetchall() == [("Boiler service",)]
    # Its title is offered the next time.
    assert '<option value="Boiler service">' in (await eva.get(f"/customers/{customer}")).text


async def test_a_title_alone_makes_a_job_and_what_cannot_be_is_said_with_what_was_typed(
    town: Town,
) -> None:
    office, eva = town.office, await town.office.signed_in("Eva")
    path = f"/customers/{(await town.customer()).hex()}/job"
    for wrong, words in (
        ({"title": "", "day": "2026-11-24"}, "The title is missing"),
        ({"title": "Leak", "day": "tomorrow"}, "Write the day as"),
        ({"title": "Leak", "worker": "00"}, "Choose a worker from the list"),
    ):
        seen = await eva.post(path, wrong)
        assert seen.status == 422
        assert words in seen.words
        assert f'value="{wrong["title"]}"' in seen.text
    assert await office.rows("SELECT * FROM job") == []
    await eva.post(path, {"title": "Leak"})
    (row,) = await office.rows("SELECT * FROM job")
    assert (row["title"], row["worker"], row["window_start"]) == ("Leak", "", None)
    assert (await eva.post(f"/customers/{'0' * 24}/job", {"title": "Leak"})).status == 404


async def test_whoever_is_absent_on_the_day_is_asked_about_before_the_job_is_made(
    town: Town,
) -> None:
    office, eva, ana = town.office, await town.office.signed_in("Eva"), await town.worker("Ana")
    path = f"/customers/{(await town.customer()).hex()}/job"
    await office.act(set_absence(ana.stream, b"absence1", "2026-11-24", "2026-12-03", 1))
    given = {"title": "Leak", "day": "2026-11-25", "worker": ana.id}
    seen = await eva.post(path, given)
    assert seen.status == 409
    assert "Ana is on holiday until 3 Dec; the job is on 25 Nov." in seen.words
    assert await office.rows("SELECT * FROM job") == []
    await eva.post(path, given | {"despite_absence": ana.id})
    (row,) = await office.rows("SELECT worker FROM job")
    assert row["worker"] == ana.id


async def test_there_is_no_quick_job_for_a_manager_or_while_dispatch_is_off(town: Town) -> None:
    marta = await town.office.signed_in("Marta", "manager")
    customer = (await town.customer()).hex()
    assert "Make the job" not in (await marta.get(f"/customers/{customer}")).words
    assert (await marta.post(f"/customers/{customer}/job", {"title": "x"})).status == 403
