"""The inbox over HTTP: what is listed, in what order, and what is done from it."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest

from core.dispatch import acts
from core.dispatch.acts import Change
from core.dispatch.fields import CUSTOMER_NAME, REPEATS, WORKER_SKILLS, Kind, Phase
from core.dispatch.recurrence_acts import create_recurrence
from hub.presence import Presence
from tests.web.board.town import HOUR_MS, MINUTE_MS, Town, send_part
from tests.web.office import NOON_MS, Person, Seen
from web.board.inbox_book import QUIET_MS, Repeats

DAY_MS = 24 * HOUR_MS


async def inbox(person: Person) -> Seen:
    """The board with the inbox on it."""
    return await person.get("/?show=inbox")


def listed(seen: Seen) -> list[str]:
    """What is listed from the top: what and of which job."""
    found = re.findall(r'<li class="problem"[^>]*aria-label="([^"]*)"', seen.text)
    return [" ".join(html.unescape(name).split()) for name in found]


async def told(person: Person, since: int | None = None) -> dict[str, Any]:
    """What the page's script is told."""
    query = "" if since is None else f"?since={since}"
    data: dict[str, Any] = json.loads((await person.get(f"/board/inbox.json{query}")).text)
    return data


async def wrote_apart(town: Town, stream: bytes, path: Any, *values: Any) -> None:
    """Eva and Jan write a field of a stream, each not knowing of the other."""
    state = await town.office.hub.reader.state(stream.hex())
    for name, value in zip(("Eva", "Jan"), values, strict=True):
        town.clock.at_ms += MINUTE_MS
        await town.office.hub.act(
            await town.account(name), [Change(stream, path, value)], {stream: state.token()}
        )


async def test_an_empty_inbox_says_that_nothing_needs_anybody(town: Town) -> None:
    eva = await town.office.signed_in("Eva")
    await town.job("Later", starts_in=600)
    seen = await inbox(eva)
    assert "Nothing needs you now" in seen.words
    assert await told(eva) == {
        "number": 0, "count": 0, "order": [], "fresh": [], "more": 0,
    }  # fmt: skip


async def test_problems_are_ranked_by_minutes_lost_times_priority(town: Town) -> None:
    ana = await town.worker("Ana")
    await town.job("Late, low", worker=ana, starts_in=-120, lasts=60, priority=0)
    await town.job("Late, urgent", worker=ana, starts_in=-120, lasts=60, priority=3)
    await town.job("Just late", worker=ana, starts_in=-70, lasts=65, priority=1)
    rejected, turn = await town.job("Refused", worker=ana)
    await town.phases(ana, rejected, turn, Phase.REJECTED)
    eva = await town.office.signed_in("Eva")
    seen = await inbox(eva)
    assert [name.partition(":")[2].partition(" A-")[2][2:] for name in listed(seen)] == [
        "Late, urgent", "Late, low", "Just late", "Refused",
    ]  # fmt: skip
    assert "No show, 1 h" in seen.words
    assert "The window is over, and Ana has not set out" in seen.words
    assert "“no key”. Nobody has it now." in seen.words
    assert 'id="inbox-count" data-tone="bad">4<' in seen.text


async def test_a_worker_or_customer_who_gets_another_name_is_listed_by_it(town: Town) -> None:
    ana, ben = await town.worker("Ana"), await town.worker("Ben")
    letna = await town.customer()
    await town.job("Late", worker=ana, starts_in=-120, lasts=60, customer=letna)
    await town.job("Late too", worker=ben, starts_in=-120, lasts=60)
    eva = await town.office.signed_in("Eva")
    seen = await inbox(eva)
    assert "Letná, Ana" in seen.words
    await town.office.act(acts.edit_worker(ana.stream, {"name": "Anna"}))
    seen = await inbox(eva)
    assert "Letná, Anna" in seen.words
    assert "The window is over, and Anna has not set out" in seen.words
    await town.office.act(acts.edit_customer(letna, {"name": "Letná A"}))
    seen = await inbox(eva)
    assert "Letná A, Anna" in seen.words
    assert "Ben has not set out" in seen.words


async def test_each_kind_of_alert_says_its_cause_minutes_and_since_when(town: Town) -> None:
    ana, ben = await town.worker("Ana"), await town.worker("Ben")
    eva = await town.office.signed_in("Eva")
    now = town.clock.now_ms()
    late, turn = await town.job("Started late", worker=ana, starts_in=-90, lasts=60)
    await town.phases(ana, late, turn, Phase.ON_SITE)
    long, turn = await town.job("Long", worker=ana, starts_in=-10, lasts=200, planned_minutes=20)
    await town.phases(ana, long, turn, Phase.ON_SITE)
    await town.job("Untold", worker=ben, starts_in=300)
    await town.job("Silent", worker=ben, starts_in=-5, lasts=300)
    town.clock.at_ms += 45 * MINUTE_MS
    town.office.hub.presence[ben.id] = Presence(
        now - 5 * MINUTE_MS, 500_000_000, 144_000_000, 9, 0, 0.0, 50, True, ""
    )
    seen = await inbox(eva)
    for words in (
        "Late start, 30 min since 11:30",
        "Ana began after the window",
        "Overrun, 25 min since 12:30",
        "45 min on site of 20 min planned",
        "Not on the phone, 45 min since 12:15",
        "Assigned to Ben, whose phone has not confirmed it",
        "Blind, 50 min since 12:25",
        "also: Not on the phone, 45 min",
    ):
        assert words in seen.words, words


async def test_after_a_restart_the_log_says_who_is_on_duty_and_blind(town: Town) -> None:
    from core.dispatch import day_acts

    ana = await town.worker("Ana")
    await town.on_phone(ana, day_acts.start_duty(ana.stream, "2026-11-23", b"duty0001"))
    job, _ = await town.job("Boiler", worker=ana, starts_in=-10, lasts=300)
    await town.meet(ana)
    eva = await town.office.signed_in("Eva")
    assert not any("Blind" in name for name in listed(await inbox(eva)))
    town.clock.at_ms += 31 * MINUTE_MS
    assert town.office.hub.presence == {}
    assert any(name.startswith("Blind") for name in listed(await inbox(eva))), job


async def test_what_is_put_aside_comes_back_by_time_and_by_getting_worse(town: Town) -> None:
    ana = await town.worker("Ana")
    job, _ = await town.job("Boiler", starts_in=-50, lasts=55)
    eva, jan = await town.office.signed_in("Eva"), await town.office.signed_in("Jan")
    seen = await inbox(eva)
    assert listed(seen) == ["At risk, nobody assigned: A-1 Boiler"]
    assert "Nobody has it, and its window ends soon" in seen.words
    fields = {"stream": job, "alert": "at risk", "span": "60", "reason": "Ana comes", "back": ""}
    seen = await eva.post("/board/inbox/aside", {**fields, "back": "show=inbox"})
    assert "Put aside until 13:00; it comes back sooner if it gets worse." in seen.words
    assert "Nothing needs you now" in seen.words
    # Everybody sees it so, the table's exceptions too; it can be taken up again.
    seen = await inbox(jan)
    assert "Put aside until 13:00" in seen.words
    assert f'data-job="{job}"' not in (await jan.get("/?show=table")).text
    assert "until 13:00: Ana comes" in (await jan.get(f"/?job={job}")).words
    town.clock.at_ms += 6 * MINUTE_MS
    assert listed(await inbox(jan)) == ["No show, nobody assigned, 1 min: A-1 Boiler"]
    await eva.post("/board/inbox/aside", {**fields, "alert": "no show", "span": "15"})
    assert (await told(eva))["count"] == 0
    await jan.post("/board/inbox/wake", {"stream": job, "alert": "no show"})
    assert (await told(eva))["count"] == 1
    await eva.post("/board/inbox/aside", {**fields, "alert": "no show", "span": "tomorrow"})
    town.clock.at_ms += 11 * HOUR_MS
    assert (await told(eva))["count"] == 0
    town.clock.at_ms += HOUR_MS
    assert (await told(eva))["count"] == 1
    await town.office.act(acts.assign(bytes.fromhex(job), ana.stream, b"turn0001"))


async def test_a_snooze_that_makes_no_sense_is_refused_and_changes_nothing(town: Town) -> None:
    job, _ = await town.job("Boiler", starts_in=-120)
    eva = await town.office.signed_in("Eva")
    await inbox(eva)
    before = (await town.row(job))["frontier"]
    for fields, words in (
        ({"stream": job, "alert": "no show", "span": "soon"}, "Choose for how long"),
        ({"stream": job, "alert": "", "span": "15"}, "There is no such alert"),
        ({"stream": job, "alert": "no show", "span": "15", "reason": "x" * 201}, "longer than 200"),
        ({"stream": "00" * 12, "alert": "no show", "span": "15"}, "there are no alerts"),
        ({"stream": "ab" * 12, "alert": "no show", "span": "15"}, "holds no such record"),
        ({"stream": "nonsense", "alert": "no show", "span": "15"}, "holds no such record"),
    ):
        seen = await eva.post("/board/inbox/aside", fields)
        assert words in seen.words, seen.words
        part = await send_part(eva, "/board/inbox/aside", fields)
        assert part.status == 422
    assert (await eva.post("/board/inbox/burn", {})).status == 404
    assert (await town.row(job))["frontier"] == before
    max_ = await town.office.signed_in("Max", "manager")
    assert "Put aside" not in (await inbox(max_)).words
    fields = {"stream": job, "alert": "no show", "span": "15"}
    assert (await send_part(max_, "/board/inbox/aside", fields)).status in (403, 422)
    assert (await town.row(job))["frontier"] == before


async def test_a_conflict_of_a_job_shows_what_each_had_seen_and_is_asked_and_decided(
    town: Town,
) -> None:
    ana = await town.worker("Ana")
    job, turn = await town.job("Boiler", worker=ana)
    await town.meet(ana)
    stream = bytes.fromhex(job)
    eva = await town.office.signed_in("Eva")
    town.clock.at_ms += MINUTE_MS
    await town.on_phone(ana, acts.set_phase(stream, ana.stream, turn, Phase.TRAVELLING))
    town.clock.at_ms += MINUTE_MS
    by_eva = acts.set_phase(stream, ana.stream, turn, Phase.FINISHED)
    await town.office.hub.act(await town.account("Eva"), by_eva)
    await town.meet(ana)
    seen = await inbox(eva)
    assert "Conflict: Phase" in seen.words
    assert "Travelling Ana, 12:01 , on Ana's phone did not know of the other" in seen.words
    assert "Finished Eva, 12:02 , on hub A · shown now did not know of the other" in seen.words
    await eva.post("/board/inbox/ask", {"stream": job, "text": "Are you done?"})
    await town.meet(ana)
    notes = ana.phone.store.db.execute("SELECT text FROM note").fetchall()
    assert notes == [("Question: Are you done?",)]
    fields = {
        "stream": job, "conflict": seen.value("conflict"), "choice": "1",
        "basis": seen.value("basis"), "back": "show=inbox",
    }  # fmt: skip
    after = await eva.post("/board/inbox/decide", fields)
    assert "Decided; every phone and hub will know." in after.words
    assert "Conflict: Phase" not in after.words
    assert (await town.row(job))["phase"] == "travelling"
    again = await eva.post("/board/inbox/decide", fields)
    assert "decided already" in again.words
    await town.meet(ana)
    assert ana.phone.store.db.execute("SELECT phase FROM assignment").fetchall() == [
        ("travelling",)
    ]


async def test_conflicts_of_customers_and_workers_are_decided_there_too(town: Town) -> None:
    customer, ana = await town.customer("Letná"), await town.worker("Ana")
    eva, _ = await town.office.signed_in("Eva"), await town.office.signed_in("Jan")
    await wrote_apart(town, customer, (CUSTOMER_NAME,), "Letná A", "Letná B")
    skills = [[b"skill--1"], [b"skill--2"]]
    await wrote_apart(town, ana.stream, (WORKER_SKILLS,), *skills)
    seen = await inbox(eva)
    assert "Conflict: Customer's name" in seen.words
    assert "Letná A Eva, 12:01 , on hub A did not know of the other; had seen Letná" in seen.words
    assert "Conflict: Skills" in seen.words
    for stream, choice in ((customer.hex(), "1"), (ana.id, "both")):
        card = seen.text[seen.text.index(f'name="stream" value="{stream}"') :]
        key = re.search(r'name="conflict" value="([0-9a-f]+)"', card)
        assert key
        fields = {"stream": stream, "conflict": key[1], "choice": choice}
        await eva.post("/board/inbox/decide", fields)
    assert (await told(eva))["count"] == 0
    (row,) = await town.office.rows("SELECT name FROM customer")
    assert row["name"] == "Letná A"
    (row,) = await town.office.rows("SELECT skills FROM worker")
    assert json.loads(row["skills"]) == [b"skill--1".hex(), b"skill--2".hex()]


async def test_a_conflict_of_a_recurring_job_is_said_in_words_and_decided(town: Town) -> None:
    stream = acts.new_stream_id(Kind.RECURRENCE, NOON_MS, b"weekly1")
    values = {"title": "Filter", "repeats": [2, 1, [0]], "starts": "2030-01-07", "zone": "UTC"}
    await town.office.act(create_recurrence(stream, values))
    eva, _ = await town.office.signed_in("Eva"), await town.office.signed_in("Jan")
    await wrote_apart(town, stream, (REPEATS,), [2, 2, [0, 3]], [3, 1, [1, -1]])
    seen = await inbox(eva)
    assert "Conflict: Repeats" in seen.words
    assert "Filter Recurring job" in seen.words
    assert "Every 2 weeks on Monday and Thursday Eva" in seen.words
    assert "Every month on the 1st and last day Jan" in seen.words
    fields = {"stream": stream.hex(), "conflict": seen.value("conflict"), "choice": "1"}
    await eva.post("/board/inbox/decide", fields)
    (row,) = await town.office.rows("SELECT repeats FROM recurrence")
    assert json.loads(row["repeats"]) == [2, 2, [0, 3]]
    assert (await told(eva))["count"] == 0


async def test_two_texts_can_be_kept_both_and_what_excludes_itself_can_not(town: Town) -> None:
    job, _ = await town.job("Boiler")
    stream = bytes.fromhex(job)
    eva, _ = await town.office.signed_in("Eva"), await town.office.signed_in("Jan")
    await wrote_apart(town, stream, (71,), "Ring twice.", "Use the back door.")
    await wrote_apart(town, stream, (80,), [NOON_MS, NOON_MS + 1], [NOON_MS, NOON_MS + 2])
    seen = await inbox(eva)
    keys = dict(
        re.findall(r'/svg>Conflict: (\w+)<.*?name="conflict" value="([0-9a-f]+)"', seen.text, re.S)
    )
    answer = await eva.post(
        "/board/inbox/decide", {"stream": job, "conflict": keys["Window"], "choice": "both"}
    )
    assert "These exclude each other" in answer.words
    await eva.post(
        "/board/inbox/decide", {"stream": job, "conflict": keys["Instructions"], "choice": "both"}
    )
    row = await town.row(job)
    assert row["description"] == "Use the back door.\nRing twice."
    assert row["conflicts"] == 1


async def test_a_reported_problem_stays_until_it_is_answered_or_dealt_with(town: Town) -> None:
    ana = await town.worker("Ana")
    job, _ = await town.job("Boiler", worker=ana)
    await town.meet(ana)
    eva = await town.office.signed_in("Eva")
    for number, deal in enumerate(("answer", "aside")):
        town.clock.at_ms += MINUTE_MS
        await town.on_phone(ana, acts.report_problem(bytes.fromhex(job), f"No access {number}"))
        await town.meet(ana)
        seen = await inbox(eva)
        assert listed(seen)[:1] == ["Problem reported: A-1 Boiler"]
        assert f"Ana: No access {number}" in seen.words
        alert = seen.value("alert")
        town.clock.at_ms += MINUTE_MS
        # What the office notes beside it, or noted before it heard of it, is no answer.
        note = {"pick": f"{job}:", "note": "The part is ordered"}
        assert (await eva.post("/board/bulk/note", note)).status == 200
        assert listed(await inbox(eva))[:1] == ["Problem reported: A-1 Boiler"]
        fields = {"stream": job, "text": "Ring Pavel", "alert": alert, "span": "good"}
        await eva.post(f"/board/inbox/{deal}", fields)
        order = (await told(eva))["order"]
        assert not any("Problem" in each["words"] for each in order)
    assert "Dealt with" in (await inbox(eva)).words


async def test_a_phone_with_work_that_is_silent_for_a_day_is_listed(town: Town) -> None:
    ana = await town.worker("Ana")
    await town.worker("Idle")
    await town.job("Boiler", worker=ana, starts_in=5 * 24 * 60)
    await town.meet(ana)
    eva = await town.office.signed_in("Eva")
    assert listed(await inbox(eva)) == []
    town.clock.at_ms += 2 * DAY_MS + HOUR_MS
    await eva.sign_in("Eva")
    await eva.get("/password")
    seen = await inbox(eva)
    assert listed(seen) == ["Silent phone: Ana's phone"]
    assert "It was silent for 2 days, and Ana has jobs to do." in seen.words
    await eva.post("/board/inbox/aside", {"stream": ana.id, "alert": "silent phone", "span": "60"})
    assert (await told(eva))["count"] == 0


async def test_a_problem_is_told_once_and_a_flicker_is_no_news() -> None:
    repeats = Repeats()
    assert repeats.listed(["old"], 0) == {"old": 0}
    assert repeats.listed(["old", "late"], 60_000) == {"old": 0, "late": 1}
    assert repeats.listed(["old"], 120_000) == {"old": 0}
    within = 60_000 + QUIET_MS - 1
    assert repeats.listed(["old", "late"], within)["late"] == 1, "it flickered"
    repeats.listed(["old"], within + 1)
    gone = within + 1 + QUIET_MS
    repeats.listed(["old"], gone)
    assert repeats.listed(["old", "late"], gone)["late"] == repeats.number


async def test_the_script_is_told_of_each_new_problem_once(town: Town) -> None:
    eva = await town.office.signed_in("Eva")
    first = await told(eva)
    for number in range(5):
        await town.job(f"Late {number}", starts_in=-120)
    now = await told(eva, first["number"])
    assert len(now["fresh"]) == 3
    assert (now["more"], now["count"]) == (2, 5)
    assert (await told(eva, now["number"]))["fresh"] == []
    assert (await told(eva))["fresh"] == []


@pytest.mark.parametrize("path", ["/board/inbox", "/board/inbox.json", "/?show=inbox"])
async def test_nobody_sees_the_inbox_without_an_account(town: Town, path: str) -> None:
    stranger = await town.office.person()
    seen = await stranger.get(path)
    assert seen.status == 401 or seen.path.startswith("/sign-in")
