"""The planner over HTTP: what it draws, what it says before a move, and the one act of a move."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import threading
from typing import Any
from urllib.parse import unquote

import pytest

from core.dispatch import acts, day_acts
from core.dispatch.fields import Kind, LogKind, Phase
from core.dispatch.roster import set_absence, set_vehicle_on
from hub.keys import Account
from hub.presence import Presence
from hub.reckoning import THREADS
from replica.language import Language
from tests.marking import Marks
from tests.web.board.town import HOUR_MS, MINUTE_MS, Town, Worker, send_part
from tests.web.office import NOON_MS, Person, Seen
from web.board.state import RECKONER

DAY = "2026-11-23"


async def preview(
    person: Person, job: str, worker: str, start: object, status: int = 200, **more: str
) -> Any:
    """What a move would mean, as the planner's script asks."""
    fields = {"job": job, "worker": worker, "start": str(start), **more}
    seen = await send_part(person, "/board/planner/preview", fields)
    assert seen.status == status, seen.text
    return json.loads(seen.text)


async def drop(person: Person, job: str, worker: str, start: object, **more: str) -> Seen:
    """Move a job as the planner's script does."""
    fields = {"job": job, "worker": worker, "start": str(start), **more}
    return await send_part(person, "/board/planner/move", fields)


def said(seen: Seen) -> str:
    """The words of an answer for the person."""
    return unquote(seen.headers["X-Board-Notice"])


def chosen(prospect: Any) -> Any:
    """The offer that holds unless another is chosen."""
    (offer,) = [each for each in prospect["offers"] if each["chosen"]]
    return offer


def bars(seen: Seen) -> dict[str, str]:
    """The words of each job's link, by title."""
    found = re.findall(r'<a class="plan-job.*?</a>', seen.text, re.S)
    words = [" ".join(re.sub(r"<[^>]+>", "", each).split()) for each in found]
    return {each.split(" ", 2)[1]: each for each in words}


# --- what is drawn


async def test_the_planner_reads_as_lists_without_scripts(town: Town) -> None:
    ana, ben = await town.worker("Ana"), await town.worker("Ben")
    await town.office.act(acts.edit_worker(ana.stream, {"shift": (480, 960)}))
    await town.job("Boiler", worker=ana, starts_in=60, planned_minutes=30)
    await town.job("Roof", worker=ana, starts_in=60, lasts=240, planned_minutes=30)
    await town.job("Shed", worker=ana, starts_in=None)
    await town.job("Lift", starts_in=120)
    await town.job("Tomorrow", worker=ben, starts_in=24 * 60)
    eva = await town.office.signed_in("Eva")
    seen = await eva.get("/?show=planner&view=all")
    found = bars(seen)
    assert found["Boiler"].startswith("A-1 Boiler 13:00–13:30, open, window 13:00–14:00")
    assert found["Roof"].startswith("A-2 Roof 13:30–14:00, open"), "behind the one before it"
    assert found["Shed"].startswith("A-3 Shed any time")
    assert found["Lift"].startswith("A-4 Lift 14:00–15:00")
    assert "Tomorrow" not in found
    assert "Nobody 1" in seen.words
    assert "Ana 3 jobs, 2 h · shift 08:00–16:00" in seen.words
    assert seen.words.index("Nobody 1") < seen.words.index("Ana 3 jobs") < seen.words.index("free")
    tomorrow = bars(await eva.get("/?show=planner&view=all&day=2026-11-24"))
    assert list(tomorrow) == ["Tomorrow"]
    week = await eva.get("/?show=planner&view=all&span=week")
    assert set(bars(week)) == {"Boiler", "Roof", "Shed", "Lift", "Tomorrow"}
    assert "Tue 24 Nov: 1 h" in week.words


async def test_what_was_worked_is_drawn_where_it_was(town: Town) -> None:
    ana = await town.worker("Ana")
    job, turn = await town.job("Boiler", worker=ana, starts_in=-180)
    stream, log = bytes.fromhex(job), town.office.entropy(8)
    await town.phases(ana, job, turn, Phase.ON_SITE)
    begun = NOON_MS - 90 * MINUTE_MS
    await town.on_phone(
        ana, day_acts.start_log(ana.stream, DAY, stream, log, LogKind.ON_SITE, at_ms=begun)
    )
    await town.meet(ana)
    eva = await town.office.signed_in("Eva")
    seen = await eva.get("/board/planner?view=all")
    assert "09:00–10:00 +2 h 00, on site, worked 10:30–12:00, delayed" in bars(seen)["Boiler"]
    kinds = set(re.findall(r'class="plan-piece" data-kind="([a-z-]+)"', seen.text))
    assert kinds == {"plan", "link", "on-site", "delayed"}
    (place,) = re.findall(r'data-at="(\d+) (\d+) 0"', seen.text)
    assert (int(place[0]), int(place[1])) == (10_000 * 9 // 28, 10_000 * 3 // 28), "10:30, 90 min"


async def test_the_filter_makes_jobs_stand_out_and_chooses_rows(town: Town) -> None:
    ana, ben = await town.worker("Ana"), await town.worker("Ben")
    boiler, _ = await town.job("Boiler", worker=ana)
    await town.job("Roof", worker=ben)
    lift, _ = await town.job("Lift")
    eva = await town.office.signed_in("Eva")
    seen = await eva.get("/board/planner?view=all&q=boiler")
    pale = set(re.findall(r'data-job="([0-9a-f]+)"[^>]* data-pale', seen.text))
    assert len(pale) == 2
    assert boiler not in pale
    assert "1 of 3 jobs fit “All jobs” and the filters; the others are pale." in seen.words
    seen = await eva.get(f"/board/planner?view=all&worker={ben.id}")
    assert set(bars(seen)) == {"Roof"}
    assert "Ana" not in seen.words
    for words in ("Nobody", "Every job has somebody"):
        assert words not in seen.words, "what nobody has is not asked for"
    seen = await eva.get(f"/board/planner?view=all&worker={ben.id}&worker=none")
    assert lift in seen.text
    await town.office.act(acts.edit_worker(ben.stream, {"archived": True}))
    assert "Ben" not in (await eva.get("/board/planner?view=all")).words


async def test_an_empty_planner_says_why_and_what_next(town: Town) -> None:
    eva = await town.office.signed_in("Eva")
    seen = await eva.get("/?show=planner")
    assert "There are no workers yet" in seen.words
    assert "Every job has somebody." in seen.words
    assert 'href="/workers"' in seen.text
    for path in ("?day=2026-02-31", "?span=month", "?span=week&day=1999-01-01"):
        assert (await eva.get(f"/board/planner{path}")).status == 200


async def test_a_row_says_who_is_absent_and_what_is_driven_on_that_day(town: Town) -> None:
    ana, ben = await town.worker("Ana"), await town.worker("Ben")
    vans = [town.office.entropy(8) for _ in range(2)]
    for van, name in zip(vans, ("Van 1", "Van 2"), strict=True):
        await town.office.act(acts.set_group("vehicle", van, name))
    for worker in (ana, ben):
        values = {"shift": (480, 960), "vehicle": vans[0]}
        await town.office.act(acts.edit_worker(worker.stream, values))
    await town.office.act(set_absence(ana.stream, b"absence1", DAY, DAY, 2))
    await town.office.act(set_vehicle_on(ben.stream, "2026-11-24", vans[1]))
    eva = await town.office.signed_in("Eva")
    monday = await eva.get("/board/planner?view=all")
    anas, bens = monday.text.split(' data-name="Ben"')
    assert " data-absent>" in anas
    assert " data-absent>" not in bens
    assert "Ana free sick until 23 Nov" in monday.words
    assert "Ben free · shift 08:00–16:00 no phone yet" not in monday.words
    assert "Ben free · shift 08:00–16:00 Van 1" in monday.words
    tuesday = await eva.get("/board/planner?view=all&day=2026-11-24")
    assert "Ana free · shift 08:00–16:00 Van 1" in tuesday.words
    assert "Ben free · shift 08:00–16:00 Van 2" in tuesday.words
    week = await eva.get("/board/planner?view=all&span=week")
    assert "Mon 23 Nov sick" in week.words
    assert "Tue 24 Nov vehicle: Van 2" in week.words
    assert week.text.count(" data-absent>") == 1


async def test_a_phone_is_as_silent_in_the_planner_as_in_the_assign_list(town: Town) -> None:
    ana = await town.worker("Ana")
    job, _ = await town.job("Boiler", worker=ana)
    await town.meet(ana)
    eva = await town.office.signed_in("Eva")
    for minutes, words in ((14, ""), (6, "phone silent")):
        town.clock.at_ms += minutes * MINUTE_MS
        seen = await eva.get("/board/planner?view=all")
        listed = await eva.get(f"/board/job/{job}/candidates")
        assert ("phone silent since 12:00" in seen.words) is bool(words)
        assert ("phone silent for 20 min" in listed.words) is bool(words)


# --- before a move


async def test_a_preview_says_arrivals_and_faults_and_writes_nothing(town: Town) -> None:
    ana = await town.worker("Ana")
    gas = town.office.entropy(8)
    await town.office.act(acts.set_group("skill", gas, "Gas"))
    await town.office.act(acts.edit_worker(ana.stream, {"shift": (480, 14 * 60)}))
    there = (501_995_000, 144_250_000)
    await town.job("Boiler", worker=ana, starts_in=60, lasts=30, planned_minutes=60)
    lift, _ = await town.job(
        "Lift", starts_in=30, lasts=150, planned_minutes=60, skills=[gas], point=there
    )
    town.office.hub.presence[ana.id] = Presence(
        NOON_MS, *there, 10, None, None, 70, True, "jobs on", heard_ms=NOON_MS - 50 * MINUTE_MS
    )
    eva = await town.office.signed_in("Eva")
    before = await town.office.rows("SELECT count(*) AS n FROM entry")
    found = await preview(eva, lift, ana.id, NOON_MS + 30 * MINUTE_MS)
    assert found["title"] == "A-2 to Ana, 12:30"
    assert found["ask"], "it is in the way of Boiler"
    assert [each["way"] for each in found["offers"]] == ["order", "time", "push"]
    order = chosen(found)
    assert order["words"] == "Insert in the order"
    assert order["note"] == "keeps its window 12:30–15:00, arrives about 12:30"
    late = [fault for fault in order["faults"] if "late for its window" in fault]
    assert len(late) == 1
    assert late[0].startswith("A-1 is ")
    assert "Ana lacks Gas." in order["faults"]
    assert any("is outside Ana's shift (08:00–14:00)" in fault for fault in order["faults"])
    assert any("silent since" in fault for fault in order["faults"]) is False, (
        "it spoke by presence"
    )
    assert order["arrivals"][0] == "A-2 about 12:30"
    assert re.fullmatch(r"A-1 about 1\d:\d\d \(\+.*min\)", order["arrivals"][1])
    assert found["source"] == "Arrivals by the air line."
    push = found["offers"][2]
    assert "moves on A-1 to" in push["note"]
    assert "changes the promised window from today 12:30–15:00 to 12:30–15:00" in push["note"]
    assert await town.office.rows("SELECT count(*) AS n FROM entry") == before


async def test_a_preview_and_a_move_are_told_in_the_readers_language(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana, eva = await town.worker("Ana"), await town.office.signed_in("Eva")
    job, _ = await town.job("Lift", worker=ana)
    for module in ("web.language", "web.board.planner_moves"):
        monkeypatch.setattr(f"{module}.language_of", lambda _: Language("xx", Marks()))
    found = await preview(eva, job, ana.id, NOON_MS + 60 * MINUTE_MS)
    assert found["title"] == "‹A-1 to Ana, 13:00›"
    assert "‹At 13:00›" in [each["words"] for each in found["offers"]]
    taken = await drop(eva, job, "", 0)
    assert said(taken) == "‹A-1 is taken back from Ana.›"


async def test_a_move_to_somebody_absent_is_asked_about_first(town: Town) -> None:
    ana, eva = await town.worker("Ana"), await town.office.signed_in("Eva")
    job, _ = await town.job("Lift")
    await town.office.act(set_absence(ana.stream, b"absence1", "2026-11-23", "2026-11-30", 2))
    found = await preview(eva, job, ana.id, NOON_MS + 60 * MINUTE_MS)
    assert found["ask"]
    assert all(each["faults"][0] == "Ana is sick until 30 Nov." for each in found["offers"])


async def test_wrong_input_is_refused_in_words_and_changes_nothing(town: Town) -> None:
    ana = await town.worker("Ana")
    job, turn = await town.job("Boiler", worker=ana)
    done, _ = await town.job("Done")
    await town.office.act(acts.override_status(bytes.fromhex(done), "done", "seen"))
    eva = await town.office.signed_in("Eva")
    before = await town.office.rows("SELECT count(*) AS n FROM entry")
    for fields, words in (
        ({"worker": "x"}, "Choose a worker of the planner."),
        ({"worker": "ab" * 12}, "archived or unknown"),
        ({"start": "soon"}, "Say when"),
        ({"start": "9" * 15}, "Say when"),
        ({"start": "0"}, "Say when"),
        ({"start": "1999-01-01"}, "Say when"),
        ({"way": "fast"}, "Choose one of the ways"),
        ({"seen": "{"}, "damaged"),
        ({"seen": '{"x": 1}'}, "damaged"),
        ({"seen": json.dumps({job: "zz"})}, "damaged"),
        ({"giver": "cd" * 12}, "has this job already"),
        ({"job": done}, "A-2 is done; reopen it before you plan it."),
        ({"job": done, "worker": ""}, "A-2 is done"),
        ({"way": "push"}, "not open any more"),
    ):  # fmt: skip
        given: dict[str, str] = {"worker": ana.id, "start": str(NOON_MS), "job": job, **fields}
        answer = await send_part(eva, "/board/planner/move", given)
        assert answer.status == 422, fields
        assert words in said(answer), said(answer)
    assert await town.office.rows("SELECT count(*) AS n FROM entry") == before
    for name in ("0" * 24, "nonsense"):
        assert (await drop(eva, name, ana.id, NOON_MS)).status == 404
    await town.phases(ana, job, turn, Phase.ON_SITE)
    refused = await preview(eva, job, ana.id, NOON_MS, 422)
    assert refused["error"] == "Ana is on site already; A-1 can't be planned anew."
    max_ = await town.office.signed_in("Max", "manager")
    answer = await drop(max_, job, "", 0)
    assert "reads only" in answer.text + answer.headers.get("X-Board-Notice", "")
    assert (await town.row(job))["worker"] == ana.id


# --- the move


async def test_a_move_is_one_act_and_the_phones_hold_what_it_says(town: Town) -> None:
    ana, ben = await town.worker("Ana"), await town.worker("Ben")
    boiler, _ = await town.job("Boiler", worker=ana, starts_in=60, lasts=240, planned_minutes=30)
    for title, starts_in in (("First", 30), ("Second", 120), ("Third", 180)):
        await town.job(title, worker=ben, starts_in=starts_in, lasts=120, planned_minutes=30)
    assert await town.listed(ana) == ["Boiler"]
    assert await town.listed(ben) == ["First", "Second", "Third"]
    eva = await town.office.signed_in("Eva")
    start = NOON_MS + 160 * MINUTE_MS
    found = await preview(eva, boiler, ben.id, start, giver=ana.id)
    assert found["giver"] == "Ana"
    assert chosen(found)["way"] == "order", "its window is promised, and holds"
    answer = await drop(
        eva, boiler, ben.id, start, giver=ana.id, seen=found["seen"], back="view=all"
    )
    assert answer.status == 200
    assert said(answer) == "A-1 is assigned to Ben, no longer to Ana."
    assert "plan-row" in answer.text
    history = [
        row for row in await town.office.history(boiler) if row.field in ("assigned", "withdrawn")
    ]
    assert len({row.act or row.entry for row in history[-2:]}) == 1, "one act"
    assert await town.listed(ben) == ["First", "Second", "Boiler", "Third"]
    assert await town.listed(ana) == []
    row = await town.row(boiler)
    assert row["window_start"] == NOON_MS + 60 * MINUTE_MS, "what was promised stands"


async def test_a_job_without_a_window_is_planned_where_it_was_put(town: Town) -> None:
    ana = await town.worker("Ana")
    job, _ = await town.job("Shed", starts_in=None, planned_minutes=45)
    eva = await town.office.signed_in("Eva")
    start = NOON_MS + 2 * HOUR_MS
    found = await preview(eva, job, ana.id, start + 4 * MINUTE_MS)
    assert not found["ask"]
    assert found["start"] == start, "quarters of an hour"
    await drop(eva, job, ana.id, start, way=chosen(found)["way"], seen=found["seen"])
    row = await town.row(job)
    assert (row["window_start"], row["window_end"]) == (start, start + 45 * MINUTE_MS)
    assert await town.listed(ana) == ["Shed"]
    found = await preview(eva, job, ana.id, start + HOUR_MS)
    assert found["ask"], "by now somebody was told"
    found = await preview(eva, job, ana.id, "2026-11-25")
    assert "Wed 25 Nov 14:00" in found["title"]
    answer = await drop(eva, job, ana.id, "2026-11-25", seen=found["seen"])
    assert answer.status == 422
    assert said(answer) == "Choose one of the ways that the planner offers."
    assert (await town.row(job))["window_start"] == start, "a promise is not moved unasked"
    await drop(eva, job, ana.id, "2026-11-25", way="time", seen=found["seen"])
    assert (await town.row(job))["window_start"] == start + 48 * HOUR_MS


async def test_pushing_moves_the_later_ones_on_in_the_same_act(town: Town) -> None:
    ana = await town.worker("Ana")
    later, _ = await town.job("Later", worker=ana, starts_in=60, lasts=30, planned_minutes=60)
    job, _ = await town.job("Urgent", starts_in=None, planned_minutes=60)
    eva = await town.office.signed_in("Eva")
    start = NOON_MS + 60 * MINUTE_MS
    found = await preview(eva, job, ana.id, start)
    assert [each["words"] for each in found["offers"]] == [
        "Insert in the order",
        "Overlap",
        "Push the later ones",
    ]
    answer = await drop(eva, job, ana.id, start, way="push", seen=found["seen"])
    assert said(answer) == "A-2 is assigned to Ana, 13:00; 1 later window moved on."
    row = await town.row(later)
    assert (row["window_start"], row["window_end"]) == (
        start + HOUR_MS,
        start + HOUR_MS + 30 * MINUTE_MS,
    )
    made = [(await town.office.history(each))[-1].act for each in (later, job)]
    assert made[0] == made[1] != ""
    assert await town.listed(ana) == ["Urgent", "Later"]


async def test_who_is_at_work_is_taken_off_only_with_a_reason(town: Town) -> None:
    ana, ben = await town.worker("Ana"), await town.worker("Ben")
    job, turn = await town.job("Boiler", worker=ana)
    await town.phases(ana, job, turn, Phase.TRAVELLING)
    eva = await town.office.signed_in("Eva")
    start = NOON_MS + HOUR_MS
    assert (await preview(eva, job, ben.id, start))["reason"]
    answer = await drop(eva, job, ben.id, start)
    assert answer.status == 422
    assert said(answer) == "Ana is at A-1 already; say why it is taken away."
    assert (await town.row(job))["worker"] == ana.id
    answer = await drop(eva, job, ben.id, start, reason="van broke down")
    assert answer.status == 200
    assert (await town.row(job))["worker"] == ben.id
    answer = await drop(eva, job, "", 0, giver=ben.id)
    assert said(answer) == "A-1 is taken back from Ben."
    assert (await town.row(job))["worker"] == ""


async def test_who_was_overtaken_is_told_and_nothing_is_written(town: Town) -> None:
    ana, ben = await town.worker("Ana"), await town.worker("Ben")
    maria = await town.office.add_account("Maria", "dispatcher")
    job, _ = await town.job("Boiler")
    eva = await town.office.signed_in("Eva")
    start = NOON_MS + HOUR_MS
    found = await preview(eva, job, ana.id, start)
    other = acts.assign(bytes.fromhex(job), ben.stream, town.office.entropy(8))
    await town.office.hub.act(maria, other)
    answer = await drop(eva, job, ana.id, start, seen=found["seen"])
    assert answer.status == 409
    assert "since you looked, Maria acted on A-1 at 12:00 (Assigned to Ben)" in said(answer)
    assert (await town.row(job))["worker"] == ben.id

    found = await preview(eva, job, ana.id, start)
    await _another_for(town, ana, maria)
    answer = await drop(eva, job, ana.id, start, seen=found["seen"])
    assert answer.status == 409
    assert "Ana's day got other jobs" in said(answer)

    found = await preview(eva, job, ana.id, start)
    await town.meet(ben)
    turns = await town.office.rows("SELECT turn FROM assignment WHERE worker = ?", (ben.id,))
    turn = bytes.fromhex(turns[0]["turn"])
    await town.phases(ben, job, turn, Phase.OPENED)
    answer = await drop(eva, job, ana.id, start, way="order", seen=found["seen"])
    assert answer.status == 200, "that the phone opened it is no reason to decide again"


async def test_who_is_overtaken_while_the_move_is_weighed_is_told_too(town: Town) -> None:
    ana, ben = await town.worker("Ana"), await town.worker("Ben")
    maria = await town.office.add_account("Maria", "dispatcher")
    job, _ = await town.job("Boiler")
    eva = await town.office.signed_in("Eva")
    start, gate = NOON_MS + HOUR_MS, threading.Event()
    found = await preview(eva, job, ana.id, start)
    reckoner = town.office.app[RECKONER]
    async with asyncio.TaskGroup() as group:
        for _ in range(THREADS):
            group.create_task(reckoner.run(gate.wait, 30))
        dropping = group.create_task(drop(eva, job, ana.id, start, seen=found["seen"]))
        done, _ = await asyncio.wait([dropping], timeout=0.5)
        assert not done
        other = acts.assign(bytes.fromhex(job), ben.stream, town.office.entropy(8))
        await town.office.hub.act(maria, other)
        gate.set()
    answer = dropping.result()
    assert answer.status == 409
    assert "since you looked, Maria acted on A-1" in said(answer)
    assert (await town.row(job))["worker"] == ben.id


async def _another_for(town: Town, worker: Worker, account: Account) -> None:
    await town.job("Another", worker=worker, by=account)


async def _calls(person: Person, url: str) -> tuple[int, int]:
    """How many jobs a page of the planner draws, and how many calls of functions that took."""
    counted = 0

    def count(_frame: object, event: str, _of: object) -> None:
        nonlocal counted
        counted += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        seen = await person.get(url)
    finally:
        sys.setprofile(None)
    return len(re.findall(r'class="plan-job', seen.text)), counted


@pytest.mark.parametrize("span", ["", "week"])
async def test_the_planners_work_grows_no_faster_than_its_jobs(town: Town, span: str) -> None:
    workers = [acts.new_stream_id(Kind.WORKER, NOON_MS, town.office.entropy(7)) for _ in range(60)]
    for each in workers:
        await town.office.act(
            acts.edit_worker(each, {"name": each.hex()[-4:], "shift": (480, 960)})
        )
    eva = await town.office.signed_in("Eva")
    url = f"/board/planner?view=all&span={span}"
    took = []
    for hours in (range(-4, 0), range(4)):
        changes: acts.Act = []
        for index in range(240):
            job = acts.new_stream_id(Kind.JOB, NOON_MS, town.office.entropy(7))
            start = NOON_MS + hours[index // 60] * HOUR_MS
            point = (500_900_000 + index * 1000, 144_000_000 + index * 700)
            values = {"title": "Job", "window": (start, start + HOUR_MS), "point": point}
            changes += acts.create_job(job, values)
            changes += acts.assign(job, workers[index % 60], town.office.entropy(8))
        await town.office.act(changes)
        await eva.get(url)
        took.append(await _calls(eva, url))
    (few, once), (many, twice) = took
    assert (few, many) == (240, 480)
    # Some 500 for a job now; ten times as much would be felt.
    assert twice < 2_000 * many
    assert twice < 2 * once, f"{once} calls for {few} jobs, {twice} for {many}"
