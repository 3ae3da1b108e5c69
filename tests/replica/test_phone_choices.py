"""What a worker chooses for one phone: photos not by mobile data, and a battery that is spared."""

from __future__ import annotations

import json
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from core.dispatch import acts, day_acts
from core.dispatch.sampling import STILL, STILL_SAVING, Sampling
from replica.commands.device import device_app
from replica.device import Device
from replica.listener import Listener
from replica.location.intake import location_secret
from replica.location.owntracks import Monitoring
from replica.preferences import PREFERENCES_FILE, Preferences
from replica.screens.guard import load_secret
from tests.build import START_MS, SettableClock
from tests.replica.files import photo
from tests.replica.test_device import DAY, at_work
from tests.running import HubAtWork, running_phone, synced, until


def test_a_choice_is_kept_over_a_restart_and_nonsense_counts_as_the_first(tmp_path: Path) -> None:
    preferences = Preferences(tmp_path)
    assert (preferences["media"], preferences["battery"]) == ("always", "normal")
    assert preferences.choose("media", "wi-fi")
    assert not preferences.choose("media", "by pigeon")
    assert not preferences.choose("colour", "red")
    assert Preferences(tmp_path)["media"] == "wi-fi"
    for text in ("", "[]", '{"media": ["wi-fi"]}', '{"media": "by pigeon"}'):
        (tmp_path / PREFERENCES_FILE).write_text(text)
        assert Preferences(tmp_path)["media"] == "always"


async def is_on_hub(hub: HubAtWork, address: bytes) -> bool:
    return await hub.hub.writer.run(hub.hub.replica.files.holds, address)


async def test_photos_wait_for_wi_fi_while_all_else_goes(
    tmp_path: Path, clock: SettableClock
) -> None:
    async with at_work(tmp_path, clock) as (hub, phone, job, _):
        assert await phone.choices.prefer("media", "wi-fi")
        assert phone.choices.files_wait, "nothing is known of the network yet"
        await phone.choices.hear_network(True)
        address = await phone.save_file(job, photo("valve"))
        await phone.act(acts.add_note(job, "Photographed"))

        async def told() -> bool:
            return await hub.rows("SELECT text FROM note") == [("Photographed",)]

        await until(told, "the note is on the hub")
        await synced(phone)
        assert not await is_on_hub(hub, address)
        await phone.choices.hear_network(False)
        assert not phone.choices.files_wait
        await until(lambda: is_on_hub(hub, address), "the photo came by Wi-Fi")


async def test_who_lets_photos_go_by_any_network_again_need_not_wait(
    tmp_path: Path, clock: SettableClock
) -> None:
    async with at_work(tmp_path, clock) as (hub, phone, job, _):
        await phone.choices.prefer("media", "wi-fi")
        await phone.choices.hear_network(True)
        address = await phone.save_file(job, photo("valve"))
        await phone.choices.prefer("media", "always")
        await until(lambda: is_on_hub(hub, address), "the photo came by mobile data")


async def test_a_choice_holds_from_the_start_of_the_next_run(
    tmp_path: Path, clock: SettableClock
) -> None:
    async with at_work(tmp_path, clock) as (_, phone, _, _):
        await phone.choices.prefer("media", "wi-fi")
    async with running_phone(tmp_path / "phone", clock) as again:
        assert again.choices.files_wait
        assert again.writer.replica.files_wait


async def posted(phone: Device, body: dict[str, object]) -> list[dict[str, object]]:
    """What the phone answers OwnTracks, over real HTTP."""
    secret = load_secret(phone.folder, phone.entropy)
    runner = web.AppRunner(device_app(phone, secret), access_log=None, shutdown_timeout=1)
    await runner.setup()
    await Listener(runner, "127.0.0.1", 0).start()
    address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with aiohttp.ClientSession() as app:
            url = f"{address}/location/owntracks/{location_secret(secret)}"
            async with app.post(url, json=body) as answer:
                assert answer.status == 200
                found: list[dict[str, object]] = json.loads(await answer.text())
                return found
    finally:
        await runner.cleanup()


def located(at_ms: int, **more: object) -> dict[str, object]:
    return {"_type": "location", "tst": at_ms // 1000, "lat": 60.1, "lon": 24.9, "acc": 8, **more}


@pytest.mark.parametrize(("preset", "sampling"), [("normal", STILL), ("saving", STILL_SAVING)])
async def test_owntracks_is_told_how_often_by_its_own_answer_and_says_which_network(
    tmp_path: Path, clock: SettableClock, preset: str, sampling: Sampling
) -> None:
    async with at_work(tmp_path, clock) as (hub, phone, _, _):
        await hub.act(acts.set_setting("job_dispatch", True))

        async def heard() -> bool:
            asked = "SELECT 1 FROM setting WHERE name = 'job_dispatch'"
            return await phone.reader.row(asked) is not None

        await until(heard, "the phone knows that Job Dispatch is on")
        await phone.choices.prefer("battery", preset)
        worker = bytes.fromhex(phone.worker)
        await phone.act(day_acts.start_duty(worker, DAY, phone.entropy(8)))
        commands = await posted(phone, located(START_MS, conn="m"))
        assert phone.choices.on_mobile_data is True
        (told,) = [each for each in commands if each["action"] == "setConfiguration"]
        assert told["configuration"] == {
            "_type": "configuration",
            "monitoring": int(Monitoring.WHEN_MOVED),
            "locatorInterval": sampling.every_s,
            "locatorDisplacement": 0,
            "moveModeLocatorInterval": sampling.every_s,
            "pegLocatorFastestIntervalToInterval": True,
        }
        assert await posted(phone, located(START_MS + 60_000, conn="w")) == []
        assert phone.choices.on_mobile_data is False
