"""Extensions, settings, groups, phones, search, the hub's certificate, and errors in words."""

from __future__ import annotations

import re

import aiohttp
import pytest

from core.dispatch.acts import Change, create_job, edit_customer, edit_worker, new_stream_id
from core.dispatch.fields import Kind
from hub.browser_authority import BrowserAuthority
from replica.ballast import BALLAST_FILE
from replica.transport_security import show_fingerprint
from tests.build import force
from tests.replica.test_self_check import flip
from tests.web.office import NOON_MS, Office


async def test_job_dispatch_is_off_until_an_administrator_turns_it_on(office: Office) -> None:
    eva, petr = await office.signed_in("Eva", "admin"), await office.signed_in("Petr")
    assert "Job Dispatch" in (await petr.get("/extensions")).words
    assert await office.setting("job_dispatch") is not True
    assert (await petr.post("/extensions/job-dispatch", {"on": "yes"})).status == 403
    assert await office.setting("job_dispatch") is not True
    assert "Job Dispatch is on" in (await eva.post("/extensions/job-dispatch", {"on": "yes"})).words
    assert await office.setting("job_dispatch") is True
    seen = await eva.get("/extensions")
    assert "Next: add a customer and a worker" in seen.words
    assert 'href="/workers/new"' in seen.text
    assert "Job Dispatch is off" in (await eva.post("/extensions/job-dispatch", {"on": "no"})).words
    assert await office.setting("job_dispatch") is False


async def test_settings_are_saved_and_shown(office: Office) -> None:
    eva = await office.signed_in("Eva", "admin")
    form = (await eva.get("/settings")).form()
    seen = await eva.post("/settings", form | {"threshold_min": "7", "site_name": "Depot North"})
    assert "Settings saved" in seen.words
    assert await office.setting("threshold_min") == 7
    assert "Depot North" in (await eva.get("/help")).words
    assert await office.setting("radius_m") is None, "what was not edited was not written"


@pytest.mark.parametrize(
    "wrong",
    [{"threshold_min": "61"}, {"radius_m": "3"}, {"radius_m": "x"}, {"time_zone": "Mars/Base"}],
)
async def test_a_setting_out_of_its_range_is_refused(office: Office, wrong: dict[str, str]) -> None:
    eva = await office.signed_in("Eva", "admin")
    form = (await eva.get("/settings")).form()
    seen = await eva.post("/settings", form | {"site_name": "Other"} | wrong)
    assert seen.status == 422
    assert await office.setting("site_name") == "Stavservis"
    if wrong == {"threshold_min": "61"}:
        assert "minimum auto-logging time must be from 0 to 60 minutes" in seen.words


async def test_a_setting_changed_meanwhile_is_shown_and_asked_about(office: Office) -> None:
    eva, ada = await office.signed_in("Eva", "admin"), await office.signed_in("Ada", "admin")
    form_of_eva, form_of_ada = (
        (await eva.get("/settings")).form(),
        (await ada.get("/settings")).form(),
    )
    await ada.post("/settings", form_of_ada | {"threshold_min": "5"})
    seen = await eva.post("/settings", form_of_eva | {"threshold_min": "9"})
    assert seen.status == 409
    assert await office.setting("threshold_min") == 5
    await eva.post("/settings", seen.form())
    assert await office.setting("threshold_min") == 9


async def test_times_are_shown_by_the_sites_clock(office: Office) -> None:
    eva = await office.signed_in("Eva", "admin")
    job = new_stream_id(Kind.JOB, NOON_MS, office.entropy(7))
    window = [NOON_MS + 3_600_000, NOON_MS + 7_200_000]
    await office.act(create_job(job, {"title": "Leak", "window": window}))
    assert "today 13:00–14:00" in (await eva.get("/search?q=leak")).words
    form = (await eva.get("/settings")).form()
    await eva.post("/settings", form | {"time_zone": "America/New_York"})
    assert "today 07:00–08:00" in (await eva.get("/search?q=leak")).words


async def test_groups_are_added_renamed_and_archived(office: Office) -> None:
    eva = await office.signed_in("Eva")
    await eva.post("/groups/vehicle", {"name": "Transit", "plate": "2AC 1199"})
    row = (await office.rows("SELECT * FROM vehicle"))[0]
    assert (row["name"], row["plate"], row["archived"]) == ("Transit", "2AC 1199", 0)
    path = f"/groups/vehicle/{row['vehicle']}"
    fields = {"name": "Old Transit", "plate": "2AC 1199", "archived": "yes"}
    assert "Old Transit was saved" in (await eva.post(path, fields)).words
    assert (await office.rows("SELECT name, archived FROM vehicle"))[0] == {
        "name": "Old Transit",
        "archived": 1,
    }


async def test_two_teams_of_one_name_cannot_be(office: Office) -> None:
    eva = await office.signed_in("Eva")
    await eva.post("/groups/team", {"name": "North"})
    assert "already" in (await eva.post("/groups/team", {"name": "north"})).words
    assert len(await office.rows("SELECT 1 FROM team")) == 1


async def test_search_finds_jobs_customers_and_workers_without_accents(office: Office) -> None:
    eva = await office.signed_in("Eva")
    customer = new_stream_id(Kind.CUSTOMER, NOON_MS, office.entropy(7))
    worker = new_stream_id(Kind.WORKER, NOON_MS, office.entropy(7))
    job = new_stream_id(Kind.JOB, NOON_MS, office.entropy(7))
    await office.act(edit_customer(customer, {"name": "Kovář a syn"}))
    await office.act(edit_worker(worker, {"name": "Karel Kovářík"}))
    await office.act(create_job(job, {"title": "Kovářská výheň", "customer": customer}))
    found = (await eva.get("/search?q=kovar")).words
    for words in ("Kovář a syn", "Karel Kovářík", "Kovářská výheň", "A-1"):
        assert words in found
    assert "Kovářská výheň" in (await eva.get("/search?q=a-1")).words


@pytest.mark.parametrize(
    "text", ['"', "NEAR(", "a* OR b", "'; DROP TABLE job", "-", "(", "x" * 500]
)
async def test_search_takes_whatever_is_typed(office: Office, text: str) -> None:
    eva = await office.signed_in("Eva")
    seen = await eva.get(f"/search?q={text.replace('#', '')}")
    assert seen.status == 200
    assert "Nothing found" in seen.words


async def test_a_search_for_nothing_that_can_be_typed_is_one_for_nothing(office: Office) -> None:
    eva = await office.signed_in("Eva")
    assert (await eva.get("/search?q=%00")).status == 200


async def test_phones_page_shows_what_was_refused(office: Office) -> None:
    eva = await office.signed_in("Eva")
    assert "No phone has joined yet" in (await eva.get("/phones")).words

    def refuse() -> None:
        with office.hub.replica.store.transaction() as db:
            db.execute(
                "INSERT INTO refused (at, peer, stream, reason) VALUES (?, NULL, NULL, ?)",
                (NOON_MS, "a seal does not fit its entries; the sender keeps them"),
            )

    await office.hub.writer.run(refuse)
    assert "a seal does not fit its entries" in (await eva.get("/phones")).words


async def test_phones_page_counts_what_a_later_version_wrote(office: Office) -> None:
    eva = await office.signed_in("Eva")
    assert "Kept, but not counted" not in (await eva.get("/phones")).words
    replica = office.hub.replica
    job = new_stream_id(Kind.JOB, NOON_MS, b"unknown")

    new = bytes.fromhex("0b995470") + bytes([max(Kind) + 1]) + b"unknown"

    def write() -> None:
        force(replica, job, create_job(job, {"title": "Boiler"}), version=2)
        force(replica, new, [Change(new, (3_000,), "of a kind to come")], version=2)

    await office.hub.writer.run(write)
    seen = await eva.get("/phones")
    assert "Kept, but not counted" in seen.words
    assert "count by themselves once this hub has that version" in seen.words
    assert job.hex() in seen.text
    assert "Something new" in seen.words


async def test_hubs_own_root_certificate_is_offered_to_everybody(office: Office) -> None:
    stranger = await office.person()
    assert "nothing to install" in (await stranger.get("/install")).words
    assert (await stranger.get("/install/fieldlog-hub.crt")).status == 404
    office.hub.browser_authority = authority = BrowserAuthority(
        office.hub.folder, "Depot", ["hub.local"], office.clock.now_ms
    )
    seen = await stranger.get("/install")
    assert show_fingerprint(authority.root_fingerprint) in seen.words
    answer = await stranger.get("/install/fieldlog-hub.pem")
    assert answer.text == authority.root_pem.decode()


async def test_what_is_not_there_is_said_in_words_on_a_page(office: Office) -> None:
    eva = await office.signed_in("Eva")
    seen = await eva.get("/no-such-page")
    assert seen.status == 404
    assert "nothing at this address" in seen.words
    assert '<a class="bar-site"' in seen.text, "the frame stands round it, so one can go on"


async def test_a_fault_of_the_hub_is_told_with_a_reference(office: Office) -> None:
    eva = await office.signed_in("Eva")

    def break_store() -> None:
        with office.hub.replica.store.transaction() as db:
            db.execute("DROP TABLE refused")

    await office.hub.writer.run(break_store)
    seen = await eva.get("/phones")
    assert seen.status == 500
    assert re.search(r"the reference [0-9a-f]{6}\.", seen.words)
    assert "Try again" in seen.words


async def test_a_program_gets_an_error_as_it_was_said(office: Office) -> None:
    async with aiohttp.ClientSession() as program:
        headers = {"Accept": "application/json"}
        async with program.get(f"{office.origin}/customers", headers=headers) as answer:
            assert answer.status == 401
            assert (await answer.json())["error"] == "You are not signed in."


async def test_a_form_without_its_token_changes_nothing_and_says_why(office: Office) -> None:
    eva = await office.signed_in("Eva")
    seen = await eva.post("/customers/new", {"name": "Novák"}, token=False)
    assert seen.status == 403
    assert "open for too long" in seen.words
    assert "<h1>" in seen.text
    assert await office.rows("SELECT 1 FROM customer") == []


@pytest.mark.parametrize(
    "path",
    ["/customers", "/workers", "/groups", "/extensions", "/phones", "/help", "/search?q=a"],
)
async def test_a_manager_reads_every_page_and_is_offered_no_change(
    office: Office, path: str
) -> None:
    marta = await office.signed_in("Marta", "manager")
    seen = await marta.get(path)
    assert seen.status == 200
    posts = re.findall(r'<form[^>]*method="post"[^>]*action="([^"]*)"', seen.text)
    assert posts == ["/sign-out"]


async def test_notices_are_shown_once(office: Office) -> None:
    eva = await office.signed_in("Eva", "admin")
    assert (
        "Job Dispatch is on." in (await eva.post("/extensions/job-dispatch", {"on": "yes"})).words
    )
    assert "Job Dispatch is on." not in (await eva.get("/extensions")).words


async def test_pages_are_kept_by_no_cache_and_hold_no_inline_script_or_style(
    office: Office,
) -> None:
    eva = await office.signed_in("Eva", "admin")
    for path in ("/customers", "/workers/new", "/accounts", "/settings", "/phones", "/help"):
        seen = await eva.get(path)
        assert seen.headers["Cache-Control"] == "no-store"
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style\b|\sstyle=|\son[a-z]+=", seen.text)


async def test_every_page_says_that_the_hubs_disk_is_almost_full_until_there_is_room(
    office: Office,
) -> None:
    eva, stranger = await office.signed_in("Eva"), await office.person()
    assert "almost full" not in (await eva.get("/customers")).words
    assert office.hub.ballast.give_up()
    # Nothing can be put where a folder of that name stands, as on a disk without room.
    (office.hub.folder / BALLAST_FILE).mkdir()
    assert "The hub's disk is almost full" in (await eva.get("/customers")).words
    assert "almost full" not in (await stranger.get("/sign-in")).words
    (office.hub.folder / BALLAST_FILE).rmdir()
    assert "almost full" not in (await eva.get("/customers")).words


async def test_every_page_says_that_a_check_found_the_hubs_store_damaged(office: Office) -> None:
    eva, stranger = await office.signed_in("Eva"), await office.person()
    job = new_stream_id(Kind.JOB, NOON_MS, office.entropy(7))
    await office.act(create_job(job, {"title": "Boiler"}))
    await office.hub.writer.run(flip, office.hub.replica, job)
    while await office.hub.writer.run(office.hub.self_check.step):
        pass
    assert "A check found damage in the hub's store" in (await eva.get("/customers")).words
    assert "damage" not in (await stranger.get("/sign-in")).words
