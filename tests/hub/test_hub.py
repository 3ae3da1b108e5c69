"""What a hub lets an account do, what it numbers, and what it looks after by itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest

from core.dispatch import acts
from core.dispatch.acts import SITE_STREAM, ActError, Change
from core.dispatch.fields import CERTIFICATE, ERASED, SITE_NAME, Kind
from hub.app import make_app
from hub.browser_authority import BrowserAuthority
from hub.hub import Hub
from hub.keys import PASSWORDS, Account
from replica.store import StoreError
from tests.build import Entropy, SettableClock
from tests.running import HubAtWork, running_hub, until

DAY_MS = 86_400_000


EVA = Account("ad" * 8, "Eva", "admin")
DAN = Account("d1" * 8, "Dan", "dispatcher")
MIA = Account("aa" * 8, "Mia", "manager")


async def test_a_manager_changes_nothing(hub: HubAtWork) -> None:
    job = acts.new_stream_id(Kind.JOB, hub.clock.now_ms(), b"1234567")
    with pytest.raises(ActError, match="reads only"):
        await hub.hub.act(MIA, acts.create_job(job, {"title": "Boiler"}))
    assert await hub.rows("SELECT * FROM job") == []


@pytest.mark.parametrize(
    "changes",
    [
        acts.set_setting("threshold_min", 5),
        acts.set_account(b"account1", name="Mallory", role="admin"),
        acts.set_account(b"\xd1" * 8, role="admin"),
        acts.set_account(b"\xad" * 8, password="x"),
        acts.set_account(b"\xd1" * 8, password="x") + acts.set_account(b"\xd1" * 8, role="admin"),
        [Change(SITE_STREAM, (SITE_NAME,), "Mine")],
        [Change(SITE_STREAM, (CERTIFICATE, bytes(32), bytes(8)), b"")],
        [Change(SITE_STREAM, (ERASED, bytes(12)), True)],
    ],
)
async def test_a_dispatcher_changes_no_settings_accounts_or_certificates(
    hub: HubAtWork, changes: list[Change]
) -> None:
    before = hub.hub.replica.position()
    with pytest.raises(ActError, match="only an administrator"):
        await hub.hub.act(DAN, changes)
    assert hub.hub.replica.position() == before


async def test_a_dispatcher_plans_and_sets_an_own_password(hub: HubAtWork) -> None:
    job = acts.new_stream_id(Kind.JOB, hub.clock.now_ms(), b"1234567")
    await hub.hub.act(DAN, acts.create_job(job, {"title": "Boiler"}))
    await hub.hub.act(DAN, acts.set_account(b"\xd1" * 8, password="argon2id$…"))
    history = await hub.hub.reader.history(job.hex())
    assert {row.actor for row in history} == {DAN.account}


async def test_jobs_are_numbered_in_the_act_that_makes_them(hub: HubAtWork) -> None:
    one, two = (acts.new_stream_id(Kind.JOB, hub.clock.now_ms(), bytes([n]) * 7) for n in (1, 2))
    both = acts.create_job(one, {"title": "One"}) + acts.create_job(two, {"title": "Two"})
    await hub.hub.act(DAN, both)
    assert await hub.rows("SELECT number FROM job ORDER BY number") == [("A-1",), ("A-2",)]
    broken = acts.create_job(hub.entropy(12)[:4] + b"\x04" + b"x" * 7, {"title": "Three"})
    with pytest.raises(ActError):
        await hub.hub.act(DAN, [*broken, Change(one, (70,), 5)])
    three, _ = await hub.job("Three")
    ((number,),) = await hub.rows("SELECT number FROM job WHERE job = ?", three.hex())
    assert number == "A-3", "an act that failed uses up no number"


async def test_what_act_returns_from_is_on_disk_and_was_told(hub: HubAtWork) -> None:
    told = hub.hub.feed.subscribe()
    waiting = asyncio.get_running_loop().create_task(anext(told))
    await asyncio.sleep(0)
    job, _ = await hub.job("Boiler")
    event = await asyncio.wait_for(waiting, 10)
    assert (event.kind, job.hex() in event.ids) == ("streams", True)
    assert await hub.rows("SELECT title FROM job") == [("Boiler",)]
    await told.aclose()


async def test_an_account_whose_rights_change_is_signed_out_everywhere(hub: HubAtWork) -> None:
    sessions = hub.hub.sessions
    account = bytes.fromhex(DAN.account)
    await hub.hub.act(EVA, acts.set_account(account, name="Dan", role="dispatcher"))
    for change in (acts.set_account(account, role="manager"),
                   acts.set_account(account, disabled=True)):  # fmt: skip
        sessions.begin(DAN.account, "10.0.0.9", "a browser")
        kept = sessions.begin(EVA.account, "10.0.0.8", "a browser")
        await hub.hub.act(EVA, change)
        assert sessions.of_account(DAN.account) == []
        assert sessions.find(kept) is not None


async def test_an_account_closed_at_another_hub_does_not_come_back_with_an_old_cookie(
    hub: HubAtWork,
) -> None:
    account = bytes.fromhex(DAN.account)
    await hub.hub.act(EVA, acts.set_account(account, name="Dan", password="x", role="dispatcher"))
    cookie = {"__Host-fieldlog": hub.hub.sessions.begin(DAN.account, "10.0.0.9", "a browser")}
    url = f"https://{hub.address}/map/region.json"

    async def status() -> int:
        async with aiohttp.ClientSession() as client:
            headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookie.items())}
            async with client.get(url, headers=headers, ssl=False) as answer:
                return answer.status

    assert await status() == 200
    # As another hub's entries do it: past this hub's own acts.
    replica = hub.hub.replica
    await hub.hub.writer.run(replica.write, acts.set_account(account, disabled=True))
    assert await status() == 401
    await hub.hub.writer.run(replica.write, acts.set_account(account, disabled=False))
    assert await status() == 401


async def test_ended_browser_sessions_are_forgotten_by_themselves(
    tmp_path: Path, clock: SettableClock
) -> None:
    async with running_hub(tmp_path / "hub", clock) as hub:
        hub.hub.sessions.begin(DAN.account, "10.0.0.9", "a browser")
        clock.pass_ms(31 * DAY_MS)
        count = "SELECT count(*) FROM session"
        assert hub.hub.sessions.connection.execute(count).fetchone() == (1,)
    async with running_hub(tmp_path / "hub", clock) as hub:
        db = hub.hub.sessions.connection
        await until(lambda: db.execute(count).fetchone() == (0,), "it is forgotten")


async def test_the_browsers_certificate_is_renewed_in_time(
    tmp_path: Path, clock: SettableClock
) -> None:
    with_authority = Hub(tmp_path / "hub", clock, Entropy("renewal"), None)
    authority = BrowserAuthority(tmp_path / "hub", "Hub", ["localhost"], clock.now_ms)
    before = authority.leaf_valid_until_ms
    clock.wall_ms = before - DAY_MS
    with_authority.browser_authority = authority
    async with with_authority:
        await until(lambda: authority.leaf_valid_until_ms > before, "it is renewed")


WITNESSED = "SELECT count(*) FROM witnessed WHERE lower(hex(stream)) = ?"


async def test_a_hub_witnesses_now_and_again_what_it_holds(
    tmp_path: Path, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.hub.WITNESS_S", 0.01)
    async with running_hub(tmp_path / "witnessing", clock) as found:
        job, _ = await found.job("Boiler")

        async def witnessed() -> bool:
            return await found.rows(WITNESSED, job.hex()) == [(1,)]

        await until(witnessed, "the hub signs that it holds the job")


async def test_what_came_in_last_is_witnessed_before_a_hub_stops(
    tmp_path: Path, clock: SettableClock
) -> None:
    async with running_hub(tmp_path / "stopping", clock) as found:
        job, _ = await found.job("Boiler")
    async with running_hub(tmp_path / "stopping", clock) as again:
        assert await again.rows(WITNESSED, job.hex()) == [(1,)]


async def test_a_hub_whose_disk_is_held_says_so_and_witnesses_the_next_time(
    tmp_path: Path, clock: SettableClock, hub: HubAtWork, caplog: pytest.LogCaptureFixture
) -> None:
    import sqlite3

    job, _ = await hub.job("Boiler")
    other = sqlite3.connect(tmp_path / "hub" / "store.sqlite", isolation_level=None)
    hub.hub.replica.store.db.execute("PRAGMA busy_timeout = 10")
    other.execute("BEGIN IMMEDIATE")
    await hub.hub._witness()
    assert "was not witnessed; the next time does it" in caplog.text
    other.execute("ROLLBACK")
    other.close()
    await hub.hub._witness()
    assert await hub.rows(WITNESSED, job.hex()) == [(1,)]


async def test_an_application_that_is_closed_leaves_no_password_threads(hub: HubAtWork) -> None:
    app = make_app(hub.hub, secure=True)
    app.freeze()
    await app.startup()
    hasher = app[PASSWORDS]
    await app.cleanup()
    with pytest.raises(RuntimeError, match="shutdown"):
        await hasher.hash("three words together")


async def test_a_hub_hangs_up_on_its_phones_before_it_stops(hub: HubAtWork) -> None:
    app = make_app(hub.hub, secure=True)
    app.freeze()
    await app.startup()
    await app.shutdown()
    await app.cleanup()
    assert hub.hub.conversations == {}


async def test_a_store_that_another_process_holds_is_said(
    tmp_path: Path, clock: SettableClock, hub: HubAtWork
) -> None:
    import sqlite3

    other = sqlite3.connect(tmp_path / "hub" / "store.sqlite", isolation_level=None)
    hub.hub.replica.store.db.execute("PRAGMA busy_timeout = 10")
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="in use by another process"):
        await hub.job("Boiler")
    other.execute("ROLLBACK")
    other.close()
    await hub.job("Boiler")
    assert await hub.rows("SELECT number FROM job") == [("A-1",)]
