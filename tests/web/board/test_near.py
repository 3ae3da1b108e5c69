"""Who is near a place that is no job yet, and one worker's day as the map draws it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from core.dispatch import acts
from core.dispatch.acts import track_stream
from core.dispatch.fields import TRACK_FIXES, Phase
from core.dispatch.fix import Fix, encode_track
from hub.presence import Presence
from tests.web.board.town import BOILER_HOUSE, MINUTE_MS, Town, Worker, send_part

HERE = "50.0995, 14.425"
NAME = re.compile(r'<span class="strong">([^<]+)</span>')


def stand(town: Town, worker: Worker, metres_east: int, minutes_ago: int = 0) -> None:
    """Let a worker's phone say a place this far from the boiler house."""
    lat_e7, lon_e7 = BOILER_HOUSE
    now_ms = town.clock.now_ms()
    town.office.hub.presence[worker.id] = Presence(
        now_ms - minutes_ago * MINUTE_MS, lat_e7, lon_e7 + metres_east * 140, 9, None, None, 80,
        True, "jobs on", now_ms, worker.phone.identity.author.hex(),
    )  # fmt: skip


async def shift(town: Town, worker: Worker, start: int, end: int) -> None:
    await town.office.act(acts.edit_worker(worker.stream, {"shift": (start * 60, end * 60)}))


async def test_workers_are_ranked_by_when_they_come_and_what_becomes_late_by_it(
    town: Town,
) -> None:
    free, busy, begun = [await town.worker(name) for name in ("Free", "Busy", "Begun")]
    await shift(town, free, 8, 16)
    stand(town, free, 6_000, 3)
    stand(town, busy, 300)
    stand(town, begun, 100)
    await town.job("Promised", worker=busy, starts_in=0, lasts=20, planned_minutes=30)
    job, turn = await town.job("Under way", worker=begun, planned_minutes=50)
    await town.phases(begun, job, turn, Phase.ON_SITE)
    town.clock.at_ms += 10 * MINUTE_MS
    eva = await town.office.signed_in("Eva")
    seen = await eva.get(f"/?do=near&at={HERE}&radius=10")
    assert NAME.findall(seen.text) == ["Free", "Begun", "Busy"]
    assert "there about 12:22 12 min straight line, 6.0 km away, seen 13 min ago" in seen.words
    assert "shift until 16:00" in seen.words
    assert "at A-2, 40 min left" in seen.words
    assert re.search(r"A-1 comes \d+ min late", seen.words)
    near = await eva.get(f"/board/pane?do=near&at={HERE}&radius=5&minutes=5")
    assert NAME.findall(near.text) == ["Busy", "Begun"]
    assert "2 within 5 km" in near.words


async def test_what_speaks_against_a_worker_is_said(town: Town) -> None:
    gas = town.office.entropy(8)
    await town.office.act(acts.set_group("skill", gas, "Gas"))
    ana, ben = await town.worker("Ana"), await town.worker("Ben")
    await shift(town, ana, 8, 12)
    await town.office.act(acts.edit_worker(ben.stream, {"skills": [gas]}))
    stand(town, ana, 100, 45)
    stand(town, ben, 8_000)
    town.clock.at_ms += 20 * MINUTE_MS
    eva = await town.office.signed_in("Eva")
    seen = await eva.get(f"/?do=near&at={HERE}&skill={gas.hex()}")
    assert NAME.findall(seen.text) == ["Ben", "Ana"]
    for words in ("lacks Gas", "the position is old", "phone silent for 20 min", "shift ended at"):
        assert words in seen.words


async def test_a_job_is_made_and_assigned_in_one_act_and_comes_to_the_phone(town: Town) -> None:
    ana = await town.worker("Ana")
    stand(town, ana, 500)
    await town.meet(ana)
    eva = await town.office.signed_in("Eva")
    seen = await eva.get(f"/?do=near&at={HERE}")
    fields: dict[str, Any] = seen.form() | {
        "title": "Burst pipe", "urgent": "1", "worker": ana.id, "address": "Ovenecká 3",
    }  # fmt: skip
    made = await send_part(eva, "/board/near", fields)
    assert made.status == 200, made.text
    assert "Burst pipe" in made.words
    (row,) = await town.office.rows("SELECT * FROM job")
    assert (row["title"], row["priority"], row["planned_minutes"]) == ("Burst pipe", 3, 60)
    assert (row["lat_e7"], row["lon_e7"], row["worker"]) == (*BOILER_HOUSE, ana.id)
    history = await town.office.history(row["job"])
    assert len({change.entry for change in history}) == 1
    await town.meet(ana)
    held = ana.phone.store.db.execute("SELECT title, address FROM job").fetchall()
    assert [tuple(one) for one in held] == [("Burst pipe", "Ovenecká 3")]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"title": " "}, "The title is missing"),
        ({"worker": "00" * 12}, "Choose a worker from the list"),
        ({"at": "north of here"}, "Give the position as latitude, longitude"),
        ({"minutes": "-5"}, "Give the time needed as whole minutes"),
    ],
)
async def test_wrong_input_is_told_and_makes_nothing(
    town: Town, changed: dict[str, str], words: str
) -> None:
    ana = await town.worker("Ana")
    eva = await town.office.signed_in("Eva")
    fields = {"title": "Pipe", "at": HERE, "minutes": "60", "worker": ana.id} | changed
    seen = await send_part(eva, "/board/near", fields)
    assert seen.status == 422
    assert words in seen.text
    plain = await eva.post("/board/near", fields)
    assert words in plain.words
    assert await town.office.rows("SELECT job FROM job") == []


async def test_a_manager_looks_and_makes_nothing(town: Town) -> None:
    ana = await town.worker("Ana")
    stand(town, ana, 500)
    mia = await town.office.signed_in("Mia", "manager")
    seen = await mia.get(f"/?do=near&at={HERE}")
    assert "Ana" in seen.words
    assert 'name="title"' not in seen.text
    await mia.post("/board/near", {"title": "X", "at": HERE, "minutes": "9", "worker": ana.id})
    assert await town.office.rows("SELECT job FROM job") == []


async def test_an_address_is_found_or_asked_about_or_said_to_be_unknown(town: Town) -> None:
    await town.customer("Letná")
    eva = await town.office.signed_in("Eva")
    seen = await eva.get("/?do=near&near=ovenecka")
    assert seen.value("at") == HERE
    await town.customer("Holešovice", (501_100_000, 144_500_000))
    seen = await eva.get("/?do=near&near=ovenecka")
    assert "Which one?" in seen.words
    links = re.findall(r'<li><a href="([^"]+)">Ovenecká 3</a>', seen.text)
    assert len(links) == 2
    chosen = await eva.get(links[1].replace("&amp;", "&"))
    assert "Which one?" not in chosen.words
    assert chosen.value("at") == HERE
    assert "“Nowhere 9” was not found" in (await eva.get("/?do=near&near=Nowhere 9")).words
    # Another text than the position belongs to: it is the text that counts.
    stale = await eva.get(f"/?do=near&near=Nowhere 9&at={HERE}&at_for=ovenecka")
    assert "was not found" in stale.words


async def test_who_becomes_free_is_said_where_nobody_is_near(town: Town) -> None:
    ana = await town.worker("Ana")
    stand(town, ana, 30_000)
    job, turn = await town.job("Here soon", worker=ana, starts_in=None, planned_minutes=40)
    eva = await town.office.signed_in("Eva")
    seen = await eva.get(f"/?do=near&at={HERE}&radius=5")
    assert "Nobody is within 5 km now" in seen.words
    assert re.search(r"Ana about 13:4\d , after A-1, 0 m away", seen.words)
    assert "radius=10" in seen.text
    await town.phases(ana, job, turn, Phase.TRAVELLING)
    seen = await eva.get(f"/?do=near&at={HERE}&radius=5")
    assert re.search(r"Ana about 13:4\d , after A-1", seen.words)


async def test_a_workers_day_has_its_stops_in_order_with_etas_and_the_way_that_was(
    town: Town,
) -> None:
    ana = await town.worker("Ana")
    stand(town, ana, 2_000)
    await town.job("Second", worker=ana, starts_in=60, lasts=30)
    late = (501_500_000, 144_250_000)
    await town.job("First", worker=ana, starts_in=-30, lasts=35, point=late)
    await town.job("Elsewhere", worker=None)
    now = town.clock.now_ms()
    fixes = [Fix(now - 60_000 * (9 - n), 500_990_000 + 9_000 * n, 144_200_000, 8) for n in range(9)]
    day = track_stream(ana.stream, "2026-11-23")
    change = acts.Change(day, (TRACK_FIXES, town.office.entropy(8)), encode_track(fixes))
    await town.meet(ana)
    await town.on_phone(ana, [change])
    await town.meet(ana)
    eva = await town.office.signed_in("Eva")
    seen = json.loads((await eva.get(f"/board/worker/{ana.id}/day.json")).text)
    assert [stop["title"] for stop in seen["stops"]] == ["First", "Second"]
    first, second = seen["stops"]
    assert re.fullmatch(r"about 12:\d\d", first["eta"])
    assert first["source"] == "straight line"
    assert re.fullmatch(r"\d+ min late", first["late"])
    assert second["late"] == ""
    assert [len(line) for line in seen["line"]] == [2, 2]
    assert seen["track"] == [[[14.42, (500_990_000 + 9_000 * n) / 1e7] for n in range(9)]]
    assert (await eva.get(f"/board/worker/{'00' * 12}/day.json")).status == 404
