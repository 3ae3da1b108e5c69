"""The page of what was erased: finding, confirming, what stays, and who may."""

from __future__ import annotations

from core.dispatch import acts
from core.dispatch.acts import day_stream
from core.dispatch.fields import Kind
from hub.forgetting import erase_streams
from tests.web.office import NOON_MS, Office
from tests.web.pages.test_reports import TODAY, fill, read_csv


async def test_a_customer_is_found_erased_with_the_jobs_and_listed(office: Office) -> None:
    customer = acts.new_stream_id(Kind.CUSTOMER, NOON_MS, office.entropy(7))
    job = acts.new_stream_id(Kind.JOB, NOON_MS, office.entropy(7))
    await office.act(acts.edit_customer(customer, {"name": "Novakova"}))
    await office.act(acts.create_job(job, {"title": "Leak", "customer": customer}))
    eva = await office.signed_in("Eva", "admin")
    assert "Nothing here is called that" in (await eva.get("/erased?find=Nobody")).words
    seen = await eva.get("/erased?find=novakova")
    assert "customer Novakova" in seen.words
    assert "and its 1 job," in seen.words
    refused = await eva.post(f"/erased/{customer.hex()}", {"along": "yes"})
    assert "cancel or close it first" in refused.words
    assert len(await office.rows("SELECT 1 FROM customer")) == 1
    await office.act(acts.cancel_job(job, "no need"))
    await eva.get("/erased")
    done = await eva.post(f"/erased/{customer.hex()}", {"along": "yes"})
    assert "Erased. Phones forget it" in done.words
    assert "A-1, cancelled, 0 minutes" in done.words
    assert "Customer 2026-11-23" in done.words
    assert "Eva" in done.words
    assert await office.rows("SELECT 1 FROM customer") == []
    assert await office.rows("SELECT 1 FROM job") == []


async def test_what_the_hub_erased_for_nobody_stands_under_its_letter(office: Office) -> None:
    customer = acts.new_stream_id(Kind.CUSTOMER, NOON_MS, office.entropy(7))
    await office.act(acts.edit_customer(customer, {"name": "Novakova"}))
    await office.hub.writer.run(erase_streams, office.hub.replica, [customer])
    other = acts.new_stream_id(Kind.CUSTOMER, NOON_MS, office.entropy(7))
    await office.act(acts.edit_customer(other, {"name": "Svoboda"}))
    bo = await office.signed_in("Bo", "admin")
    await bo.get("/erased")
    await bo.post(f"/erased/{other.hex()}", {})
    words = (await bo.get("/erased")).words
    assert "hub A" in words
    assert "Bo" in words


async def test_only_an_administrator_erases(office: Office) -> None:
    customer = acts.new_stream_id(Kind.CUSTOMER, NOON_MS, office.entropy(7))
    await office.act(acts.edit_customer(customer, {"name": "Novakova"}))
    petr = await office.signed_in("Petr")
    assert (await petr.get("/erased")).status == 403
    assert (await petr.post(f"/erased/{customer.hex()}", {})).status == 403
    assert len(await office.rows("SELECT 1 FROM customer")) == 1


async def test_the_hours_of_an_erased_day_stay_in_the_reports(office: Office) -> None:
    jan = await fill(office)
    query = f"from={TODAY}&to={TODAY}&by=worker"
    before = (await read_csv(office, query))[0]
    eva = await office.signed_in("Eva", "admin")
    await eva.get("/erased")
    day = day_stream(jan, TODAY.isoformat())
    assert "Erased." in (await eva.post(f"/erased/{day.hex()}", {})).words
    assert await office.rows("SELECT 1 FROM time_log") == []
    after = (await read_csv(office, query))[0]
    assert {name for name in before if before[name] != after[name]} <= {"auto_share_pct"}
    assert after["worked_min"] == "180"


async def test_how_long_things_are_kept_is_a_setting(office: Office) -> None:
    eva = await office.signed_in("Eva", "admin")
    form = (await eva.get("/settings")).form()
    assert (form["keep_tracks_days"], form["keep_days_days"]) == ("90", "0")
    seen = await eva.post("/settings", form | {"keep_days_days": "29"})
    assert "30 days at least, or 0 for ever" in seen.words
    seen = await eva.post("/settings", form | {"keep_days_days": "730"})
    assert "Settings saved" in seen.words
    assert await office.setting("keep_days_days") == 730
