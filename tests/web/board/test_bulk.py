"""What is done to many selected jobs at once: one act, and the truth for each row."""

from __future__ import annotations

import datetime as dt
import html
import json
import re
from urllib.parse import quote, unquote
from zoneinfo import ZoneInfo

import aiohttp
from hypothesis import given
from hypothesis import strategies as st

from core.dispatch import acts
from core.dispatch.fields import Phase
from core.dispatch.roster import set_absence
from tests.web.board.town import HOUR_MS, MINUTE_MS, Town
from tests.web.office import NOON_MS, Person, Seen
from web.board.bulk import PICKED_MAX, moved_window


async def picks(eva: Person, query: str = "view=all") -> dict[str, str]:
    """The frontiers of the rows that a board shows, by job."""
    seen = await eva.get(f"/?{query}")
    return dict(re.findall(r'name="pick" value="([0-9a-f]{24}):([0-9a-f]*)"', seen.text))


async def send(eva: Person, action: str, chosen: dict[str, str], **fields: str) -> Seen:
    """Send the bar's form as the board's script does."""
    form = [("pick", f"{job}:{basis}") for job, basis in chosen.items()]
    form += list(fields.items())
    headers = {"Origin": eva.origin, "X-Fieldlog-Token": eva._token, "X-Board-Part": "1"}
    path = f"{eva.origin}/board/bulk/{action}"
    async with eva._session.post(path, data=aiohttp.FormData(form), headers=headers) as answer:
        return Seen(answer.status, await answer.text(), answer.url.path_qs, answer.headers)


def said(seen: Seen) -> str:
    """The sentence that sums it up."""
    return unquote(seen.headers["X-Board-Notice"])


async def test_one_act_assigns_what_can_be_and_names_each_row_that_was_left(town: Town) -> None:
    office = town.office
    ana, ben = await town.worker("Ana"), await town.worker("Ben")
    free, _ = await town.job("Free")
    hers, _ = await town.job("Hers", worker=ana)
    his, _ = await town.job("His", worker=ben)
    busy, turn = await town.job("Busy", worker=ben)
    await town.phases(ben, busy, turn, Phase.ACCEPTED, Phase.ON_SITE)
    over, turn = await town.job("Over", worker=ben)
    await town.phases(ben, over, turn, Phase.ACCEPTED, Phase.ON_SITE, Phase.FINISHED)
    taken, _ = await town.job("Taken")
    eva, max_ = await office.signed_in("Eva"), await office.signed_in("Max")
    chosen = await picks(eva)
    assert set(chosen) == {free, hers, his, busy, over, taken}
    # Somebody else assigns one of them after Eva's page was drawn.
    await send(max_, "assign", {taken: (await picks(max_))[taken]}, worker=ben.id)
    entries = (await office.rows("SELECT count(*) AS n FROM entry"))[0]["n"]

    seen = await send(eva, "assign", chosen, worker=ana.id)
    assert said(seen) == "2 of 6 jobs assigned to Ana."
    why = {
        html.unescape(words[0]): html.unescape(words[1]).strip()
        for words in re.findall(r"</span> (\w+)</a> (.*?)</li>", seen.text)
    }
    assert set(why) == {"Hers", "Busy", "Over", "Taken"}
    assert why["Hers"] == "Ana has it already."
    assert why["Busy"] == "Ben is at it already; say why it is taken away."
    assert why["Over"] == "It is done; reopen it before you assign it."
    assert why["Taken"].startswith("Since you opened this, Max acted at ")
    assert "Assigned to Ben" in why["Taken"]
    assert re.search(r'data-done="([^"]*)"', seen.text)[1].split() == [free, his]  # type: ignore[index]

    # One act over the two streams, and nothing in the others.
    after = (await office.rows("SELECT count(*) AS n FROM entry"))[0]["n"]
    assert after == entries + 2
    rows = [(await office.history(job))[-1] for job in (free, his)]
    assert rows[0].act == rows[1].act != ""
    assert seen.headers["X-Board-Act"].split("-")[0] in (free, his)
    assert (await town.row(taken))["worker"] == ben.id
    # The phone then holds what the answer says, and the other one has lost what was taken.
    await town.meet(ana)
    await town.meet(ben)
    on_phone = {row[0] for row in ana.phone.store.db.execute("SELECT job FROM job")}
    assert on_phone == {free, hers, his}
    ill = {"worker": ana.id, "assign_reason": "ill"}
    with_reason = await send(eva, "assign", {busy: chosen[busy]}, **ill)
    assert said(with_reason) == "1 job assigned to Ana."


async def test_who_is_absent_on_a_jobs_day_is_not_given_it_among_many(town: Town) -> None:
    eva, ana = await town.office.signed_in("Eva"), await town.worker("Ana")
    today, _ = await town.job("Today")
    later, _ = await town.job("Later", starts_in=3 * 24 * 60)
    await town.office.act(set_absence(ana.stream, b"absence1", "2026-11-25", "2026-11-30", 1))
    seen = await send(eva, "assign", await picks(eva), worker=ana.id)
    assert said(seen) == "1 of 2 jobs assigned to Ana."
    assert "Ana is on holiday until 30 Nov; assign it by itself if that is meant" in seen.words
    assert (await town.row(today))["worker"] == ana.id
    assert (await town.row(later))["worker"] == ""


async def test_the_other_actions_say_what_they_did_to_each(town: Town) -> None:
    office = town.office
    ana = await town.worker("Ana")
    hers, _ = await town.job("Hers", worker=ana, priority=3)
    free, _ = await town.job("Free", starts_in=None)
    eva = await office.signed_in("Eva")
    chosen = await picks(eva)

    seen = await send(eva, "priority", chosen, priority="3")
    assert said(seen) == "1 of 2 jobs given urgent priority."
    assert "Its priority is urgent already." in seen.words
    seen = await send(eva, "day", await picks(eva), to_day="2026-11-30")
    assert said(seen) == "1 of 2 jobs moved to Mon 30 Nov."
    assert "It has no window to move; give it one first." in seen.words
    row = await town.row(hers)
    assert row["window_start"] == town.clock.now_ms() + (7 * 24 * 60 + 60) * MINUTE_MS
    assert row["window_end"] - row["window_start"] == 60 * MINUTE_MS
    # What nobody depends on is not overtaken by anything.
    seen = await send(eva, "note", chosen, note="bring a ladder")
    assert said(seen) == "2 jobs given the note."
    assert (await town.row(free))["notes"] == 1
    seen = await send(eva, "withdraw", await picks(eva))
    assert said(seen) == "1 of 2 jobs taken back."
    assert "Nobody has it who could be asked for it back." in seen.words
    seen = await send(eva, "cancel", await picks(eva), cancel_reason="flood")
    assert said(seen) == "2 jobs cancelled."
    assert {(await town.row(job))["reason"] for job in (hers, free)} == {"flood"}
    seen = await send(eva, "cancel", await picks(eva), cancel_reason="again")
    assert said(seen) == "None of 2 jobs cancelled."
    assert seen.headers["X-Board-Act"] == ""


async def test_a_field_that_somebody_changed_since_is_left_alone_and_no_other(town: Town) -> None:
    job, _ = await town.job("Roof")
    eva = await town.office.signed_in("Eva")
    chosen = await picks(eva)
    await town.office.act(acts.edit_job(bytes.fromhex(job), {"priority": 0}))
    seen = await send(eva, "priority", chosen, priority="2")
    assert said(seen) == "None of 1 job given high priority."
    assert "Priority: Low" in seen.words
    assert (await town.row(job))["priority"] == 0
    seen = await send(eva, "day", chosen, to_day="2026-11-25")
    assert said(seen) == "1 job moved to Wed 25 Nov."


async def test_what_makes_sense_for_no_job_changes_nothing_and_says_why(town: Town) -> None:
    job, _ = await town.job("Roof")
    eva = await town.office.signed_in("Eva")
    chosen = await picks(eva)
    before = (await town.row(job))["frontier"]
    for action, fields, why in (
        ("assign", {"worker": "f" * 24}, "Choose a worker from the list."),
        ("priority", {"priority": "9"}, "Choose a priority from the list."),
        ("day", {"to_day": "soon"}, "Choose the day to move to."),
        ("cancel", {"cancel_reason": " "}, "The reason is missing; give one."),
        ("note", {"note": ""}, "The note is missing; give one."),
    ):
        seen = await send(eva, action, chosen, **fields)
        assert (seen.status, said(seen)) == (422, why)
    seen = await send(eva, "note", {}, note="x")
    assert said(seen) == "No job is selected; select some rows first."
    many = {f"{number:024x}": "" for number in range(PICKED_MAX + 1)}
    assert said(await send(eva, "note", many, note="x")).startswith("501 jobs are selected")
    damaged = await send(eva, "cancel", {job: "zz"}, cancel_reason="x")
    assert "frontier was damaged" in damaged.words
    gone = await send(eva, "note", {"f" * 24: ""}, note="x")
    assert "It is not on this hub any more." in gone.words
    boss = await town.office.signed_in("Olga", "manager")
    await boss.get("/?view=all")
    seen = await send(boss, "note", chosen, note="x")
    assert (seen.status, "reads only" in seen.text) == (403, True)
    assert (await eva.post("/board/bulk/burn", {})).status == 404
    assert (await town.row(job))["frontier"] == before


async def test_a_window_is_given_on_the_sites_clock_and_not_over_anothers(town: Town) -> None:
    job, _ = await town.job("Roof")
    eva = await town.office.signed_in("Eva")
    chosen = await picks(eva)
    night = {"window_day": "2026-11-24", "window_start": "22:00", "window_end": "02:30"}
    seen = await send(eva, "window", chosen, **night)
    assert said(seen) == "1 job given the window tomorrow 22:00–Wed 25 Nov 02:30."
    start = NOON_MS + 34 * HOUR_MS
    row = await town.row(job)
    assert (row["window_start"], row["window_end"]) == (start, start + 270 * MINUTE_MS)
    # Drawn before that: what is there now is said, and nothing is written over it.
    seen = await send(eva, "window", chosen, window_day="2026-11-25")
    assert said(seen) == "None of 1 job given the window Wed 25 Nov 00:00–23:59."
    assert "Window: tomorrow 22:00–Wed 25 Nov 02:30" in seen.words
    assert (await town.row(job))["window_start"] == start
    chosen = await picks(eva)
    assert "That is its window already." in (await send(eva, "window", chosen, **night)).words
    for wrong, why in (
        ({"window_start": "10:00"}, "Give the day of the window, or leave all of it empty."),
        ({"window_day": "soon"}, "Write the day as 2026-11-23 and times as 14:30."),
        ({"window_day": "2026-03-29", "window_start": "02:30"}, "02:30 does not exist on 29 March"),
    ):
        refused = await send(eva, "window", chosen, **wrong)
        assert (refused.status, said(refused).startswith(why)) == (422, True), said(refused)
    seen = await send(eva, "window", chosen)
    assert said(seen) == "1 job left without a window."
    assert (await town.row(job))["window_start"] is None


async def test_a_row_carries_what_an_editor_in_its_cells_begins_with(town: Town) -> None:
    ana = await town.worker("Ana")
    await town.job("Roof", worker=ana, priority=2)
    await town.job("Lamp", starts_in=None)
    eva = await town.office.signed_in("Eva")
    text = (await eva.get("/?view=all&sort=number")).text
    values = re.findall(
        r'class="c-(number|window|worker)" tabindex="-1" data-value="([^"]*)"', text
    )
    assert values == [
        ("number", "2"),
        ("window", "2026-11-23T13:00/2026-11-23T14:00"),
        ("worker", ana.id),
        ("number", "1"),
        ("window", ""),
        ("worker", ""),
    ]


async def test_everything_that_matches_can_be_selected_with_its_frontiers(town: Town) -> None:
    for number in range(3):
        await town.job(f"Boiler {number}")
    await town.job("Roof")
    eva = await town.office.signed_in("Eva")
    answer = json.loads((await eva.get("/board/picks.json?view=all&q=boiler&sort=title")).text)
    assert answer["total"] == 3
    shown = await picks(eva, "view=all&q=boiler&sort=title")
    assert answer["picks"] == [list(pair) for pair in shown.items()]


async def test_the_bar_works_without_a_script(town: Town) -> None:
    job, _ = await town.job("Roof")
    other, _ = await town.job("Lamp", priority=3)
    eva = await town.office.signed_in("Eva")
    chosen = [f"{one}:{basis}" for one, basis in (await picks(eva)).items()]
    seen = await eva.post(
        "/board/bulk/priority", {"pick": chosen, "priority": "3", "back": "view=all"}
    )
    assert "1 of 2 jobs given urgent priority. 1 left as it is:" in seen.words
    assert f'href="/?view=all&amp;job={other}"' in seen.text
    again = [f"{job}:{(await town.row(job))['frontier']}"]
    seen = await eva.post("/board/bulk/day", {"pick": again, "to_day": "2026-11-29", "back": ""})
    assert seen.path == "/"
    assert "1 job moved to Sun 29 Nov." in seen.words
    assert quote("Roof") in seen.text


PRAGUE = ZoneInfo("Europe/Prague")


@given(
    st.datetimes(dt.datetime(2020, 1, 1), dt.datetime(2030, 1, 1)),
    st.integers(0, 3 * 24 * 60),
    st.dates(dt.date(2020, 1, 1), dt.date(2030, 1, 1)),
)
def test_a_moved_window_keeps_its_hours_on_the_clock(
    first: dt.datetime, minutes: int, day: dt.date
) -> None:
    begin = first.replace(second=0, microsecond=0, tzinfo=PRAGUE)
    start = int(begin.timestamp() * 1000)
    moved = moved_window(start, start + minutes * MINUTE_MS, day, PRAGUE)
    there = dt.datetime.fromtimestamp(moved[0] / 1000, PRAGUE)
    assert moved[0] <= moved[1]
    assert abs((there.date() - day).days) <= 1
    # Where the clocks are put forward an hour that is not there becomes the next.
    shown = dt.datetime.fromtimestamp(start / 1000, PRAGUE)
    late = (there.hour * 60 + there.minute) - (shown.hour * 60 + shown.minute)
    assert late in (0, 60)
