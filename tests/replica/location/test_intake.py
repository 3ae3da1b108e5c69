"""The intake on a real loopback port: who is let in, what is kept, and what is answered."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from replica.listener import Listener
from replica.location.intake import IntakeCounts, WeakIntakeSecret, attach_intake
from replica.location.owntracks import NOTHING_TOLD, Command, Monitoring, Region, answer_for
from replica.location.report import Crossing, Located, Notice, Report, Trouble, Unusable

SECRET = "aB3-_" * 5
LOCATION = {"_type": "location", "tst": 1_779_000_000, "lat": 47.1393, "lon": 9.5228, "acc": 12}
AUTHORITY = "Basic " + "ZmllbGRsb2c6" + "YUIzLV9hQjMtX2FCMy1fYUIzLV9hQjMtXw=="


@dataclass
class Phone:
    """A phone with an open intake, and an app beside it that posts."""

    kept: list[Report] = field(default_factory=list)
    disk_is_full: bool = False
    commands: list[Command] = field(default_factory=list)
    commands_fail: bool = False
    counts: IntakeCounts = field(init=False)
    url: str = ""
    client: aiohttp.ClientSession = field(init=False)

    async def keep(self, report: Report) -> None:
        if self.disk_is_full:
            raise OSError("the disk is full")
        self.kept.append(report)

    def next_commands(self) -> list[Command]:
        if self.commands_fail:
            raise RuntimeError("the planner broke")
        return self.commands

    async def post(self, path: str, body: bytes = b"", **headers: str) -> tuple[int, str]:
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        async with self.client.post(self.url + path, data=body, headers=named) as answer:
            return answer.status, await answer.text()

    async def owntracks(self, message: object, **headers: str) -> tuple[int, str]:
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        return await self.post(
            "/location/owntracks", body, **({"Authorization": AUTHORITY} | headers)
        )


@pytest_asyncio.fixture
async def phone() -> AsyncIterator[Phone]:
    opened = Phone()
    app = web.Application()
    opened.counts = attach_intake(app, SECRET, opened.keep, opened.next_commands)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await Listener(runner, "127.0.0.1", 0).start()
    opened.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with aiohttp.ClientSession() as opened.client:
        yield opened
    await runner.cleanup()


async def test_a_fix_of_owntracks_is_kept_and_answered(phone: Phone) -> None:
    assert await phone.owntracks(LOCATION) == (200, "[]")
    (report,) = phone.kept
    assert isinstance(report, Located)
    assert (report.fix.lat_e7, report.fix.accuracy_m) == (471_393_000, 12)
    assert phone.counts.taken == 1


async def test_the_answer_sets_todays_regions(phone: Phone) -> None:
    region = Region(b"muster", "J-12 Müster", 471_000_000, 95_000_000, 75)
    cleared = answer_for(NOTHING_TOLD, [region], Monitoring.ALWAYS).told
    phone.commands = answer_for(cleared, [region], Monitoring.ALWAYS).commands
    assert phone.commands
    status, text = await phone.owntracks(LOCATION)
    assert (status, json.loads(text)) == (200, phone.commands)


async def test_a_crossing_is_kept(phone: Phone) -> None:
    crossing = LOCATION | {"_type": "transition", "event": "enter", "wtst": 7, "desc": "J-12"}
    assert (await phone.owntracks(crossing))[0] == 200
    assert isinstance(phone.kept[0], Crossing)


async def test_an_app_that_takes_only_a_url_carries_the_secret_in_it(phone: Phone) -> None:
    body = json.dumps(LOCATION).encode()
    assert await phone.post(f"/location/owntracks/{SECRET}", body) == (200, "[]")
    traccar = {
        "location": {
            "timestamp": "2026-05-17T06:40:00.000Z",
            "coords": {"latitude": 47.1393, "longitude": 9.5228},
        }
    }
    path = f"/location/osmand/{SECRET}"
    assert await phone.post(path, json.dumps(traccar).encode()) == (200, "")
    assert await phone.post(path, b"id=1&timestamp=1779000000&lat=47.1393&lon=9.5228") == (200, "")
    query = "?id=1&timestamp=1779000000&lat=47.1393&lon=9.5228&lat=0"
    assert await phone.post(path + query) == (200, "")
    async with phone.client.get(phone.url + path + query) as answer:
        assert answer.status == 200
    places = {(r.fix.time_ms, r.fix.lat_e7) for r in phone.kept if isinstance(r, Located)}
    assert places == {(1_779_000_000_000, 471_393_000)}
    assert len(phone.kept) == 5


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (b"", Notice("empty")),
        ({"_type": "lwt"}, Notice("lwt")),
        (b"nonsense", Unusable(Trouble.NOT_READABLE, b"nonsense")),
        ({"_type": "x"}, Unusable(Trouble.UNKNOWN_TYPE, b'{"_type": "x"}')),
    ],
)
async def test_what_can_never_become_valid_is_taken_kept_and_counted(
    phone: Phone, message: object, expected: Report
) -> None:
    assert (await phone.owntracks(message))[0] == 200
    assert phone.kept == [expected]
    if isinstance(expected, Unusable):
        assert phone.counts.unusable_by_trouble == {expected.trouble: 1}


@pytest.mark.parametrize("path", ["/location/owntracks", f"/location/osmand/{SECRET}"])
async def test_a_message_too_large_is_taken_in_part_and_does_not_come_again(
    phone: Phone, path: str
) -> None:
    status, _ = await phone.post(path, b"{" + b" " * 300_000, Authorization=AUTHORITY)
    assert status == 200
    (report,) = phone.kept
    assert isinstance(report, Unusable)
    assert report.trouble is Trouble.TOO_LARGE
    assert len(report.raw) == 2_048


@pytest.mark.parametrize(
    "authority",
    ["", "Basic", "Basic !!!", "Basic ZmllbGRsb2c6d3Jvbmc=", "Bearer " + SECRET, "Basic " + SECRET,
     AUTHORITY[:-8]],
)  # fmt: skip
async def test_an_app_without_the_secret_is_refused_and_keeps_its_message(
    phone: Phone, authority: str
) -> None:
    headers = {"Authorization": authority} if authority else {}
    status, _ = await phone.post("/location/owntracks", json.dumps(LOCATION).encode(), **headers)
    assert status == 401
    assert (await phone.post("/location/osmand/wrong?lat=1&lon=1&timestamp=1"))[0] == 401
    assert (await phone.post("/location/osmand/wr%C3%B6ng?lat=1&lon=1&timestamp=1"))[0] == 401
    assert phone.kept == []
    assert phone.counts.refused == 3


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://127.0.0.1:8471"},
        {"Origin": "https://evil.example"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "10.0.0.1:8471"},
    ],
    ids=str,
)
async def test_a_page_in_the_phones_browser_gets_nowhere_even_with_the_secret(
    phone: Phone, headers: dict[str, str]
) -> None:
    assert (await phone.owntracks(LOCATION, **headers))[0] == 403
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    url = f"{phone.url}/location/osmand/{SECRET}?lat=1&lon=1&timestamp=1"
    async with phone.client.get(url, headers=named) as answer:
        assert answer.status == 403
    assert phone.kept == []


async def test_what_could_not_be_kept_is_sent_again(phone: Phone) -> None:
    phone.disk_is_full = True
    assert (await phone.owntracks(LOCATION))[0] == 503
    assert (phone.counts.taken, phone.counts.not_kept) == (0, 1)
    phone.disk_is_full = False
    assert (await phone.owntracks(LOCATION))[0] == 200
    assert len(phone.kept) == 1


async def test_a_fault_in_the_answer_does_not_make_the_app_repeat_itself(phone: Phone) -> None:
    phone.commands_fail = True
    assert await phone.owntracks(LOCATION) == (200, "[]")
    assert len(phone.kept) == 1


@pytest.mark.parametrize("secret", ["", "short", "x" * 21, "x" * 129, "ü" * 30, "a/b" * 10])
def test_a_weak_secret_is_refused(secret: str, phone: Phone) -> None:
    with pytest.raises(WeakIntakeSecret, match="22"):
        attach_intake(web.Application(), secret, phone.keep)
