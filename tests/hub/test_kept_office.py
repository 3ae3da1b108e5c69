"""Who may sign in and the settings: the newest always, and read again only where they changed."""

from __future__ import annotations

import asyncio
import threading

from core.dispatch import acts
from core.dispatch.acts import set_account, set_setting
from core.dispatch.view_acts import remove_view, set_view
from tests.running import HubAtWork, until

EVA = b"eva-1234"


async def test_what_was_committed_is_in_the_next_answer(hub: HubAtWork) -> None:
    kept = hub.hub.office
    assert EVA.hex() not in (await kept.state()).accounts
    await hub.act(set_account(EVA, name="Eva", password="x", role="dispatcher"))
    assert (await kept.state()).accounts[EVA.hex()] == ("Eva", "dispatcher")
    for name in ("North", "South"):
        await hub.act(set_setting("site_name", name))
        assert (await kept.state()).settings["site_name"] == name
    view = b"view-123"
    await hub.act(set_view(view, name="Late", query="q=late", owner=b"", position=0))
    assert [row["name"] for row in (await kept.state()).saved_views] == ["Late"]
    await hub.act(remove_view(view))
    assert (await kept.state()).saved_views == []
    await hub.act(set_account(EVA, role="manager"))
    assert (await kept.state()).accounts[EVA.hex()] == ("Eva", "manager")
    await hub.act(set_account(EVA, disabled=True))
    assert EVA.hex() not in (await kept.state()).accounts, "a closed account is none"
    await hub.act(set_account(EVA, disabled=False))
    assert EVA.hex() in (await kept.state()).accounts


async def test_what_changes_all_day_does_not_make_it_read_again(hub: HubAtWork) -> None:
    kept, ana = hub.hub.office, await hub.worker("Ana")
    before = await kept.state()
    await hub.job("Boiler", ana, await hub.worker("Ben"))
    assert await kept.state() is before
    await hub.act(acts.set_group("team", hub.entropy(8), "North"))
    assert await kept.state() is not before


async def test_nobody_gets_what_is_older_than_what_somebody_had(hub: HubAtWork) -> None:
    kept = hub.hub.office
    seen: list[object] = []

    async def ask() -> None:
        while 9 not in seen:
            seen.append((await kept.state()).settings.get("threshold_min", 0))
            await asyncio.sleep(0)

    async def change() -> None:
        for minutes in range(1, 10):
            await hub.act(set_setting("threshold_min", minutes))
            assert (await kept.state()).settings["threshold_min"] == minutes

    async with asyncio.timeout(20):
        await asyncio.gather(change(), ask(), ask())
    assert seen == sorted(seen, key=str)
    assert len(set(seen)) > 2


async def test_whoever_is_shut_out_is_so_before_anybody_hears_of_it(hub: HubAtWork) -> None:
    kept, writer = hub.hub.office, hub.hub.writer
    await hub.act(set_account(EVA, name="Eva", password="x", role="dispatcher"))
    assert EVA.hex() in (await kept.state()).accounts
    closed, go_on = threading.Event(), threading.Event()

    def close() -> None:
        hub.hub.replica.write(set_account(EVA, disabled=True))

    def stay() -> None:
        closed.set()
        assert go_on.wait(20)

    # What peers ask for at once is carried out together: nothing is announced before its end.
    hears = writer.subscribe()
    loop = asyncio.get_running_loop()
    calls = [
        loop.create_task(writer.run(call, peer=peer))
        for peer, call in ((b"one", lambda: None), (b"two", close), (b"three", stay))
    ]
    await until(closed.is_set, "the account is closed, and the writer goes on")
    try:
        assert EVA.hex() not in (await kept.state()).accounts
        assert hears.take() == frozenset()
    finally:
        go_on.set()
        await asyncio.gather(*calls)
        writer.unsubscribe(hears)
