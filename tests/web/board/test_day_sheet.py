"""Day sheets: what a worker has to do on one day, on paper."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

from core.dispatch import acts
from core.dispatch.fields import AbsenceKind, Phase
from core.dispatch.roster import set_absence
from tests.web.board.town import HOUR_MS, Town
from tests.web.office import NOON_MS, Seen
from web.pages.day_sheet import when_on_paper

DAY = "2026-11-23"
PRAGUE = ZoneInfo("Europe/Prague")


def sheets(seen: Seen) -> list[str]:
    """The words of each sheet."""
    found = re.findall(r'<article class="day-sheet".*?</article>', seen.text, re.DOTALL)
    return [Seen(200, text, "", {}).words for text in found]


async def test_a_sheet_holds_all_that_a_worker_needs_in_the_order_of_the_phone(town: Town) -> None:
    ana, letna = await town.worker("Ana"), await town.customer("Letná")
    gas, van = town.office.entropy(8), town.office.entropy(8)
    await town.office.act(acts.set_group("skill", gas, "Gas"))
    await town.office.act(acts.set_group("vehicle", van, "Van 3"))
    own = {"vehicle": van, "shift": [8 * 60, 16 * 60]}
    await town.office.act(acts.edit_worker(ana.stream, own))
    await town.office.act(acts.edit_customer(letna, {"note": "Mind the dog"}))
    await town.job("Second", worker=ana, starts_in=180, lasts=30)
    job, _ = await town.job(
        "First",
        worker=ana,
        customer=letna,
        starts_in=60,
        planned_minutes=45,
        address="Ovenecká 3",
        contact="Marie",
        contact_phone="+420 777 1",
        priority=3,
        description="Ring twice",
        check_items=["Valve closed"],
        skills=[gas],
    )
    done, turn = await town.job("Done already", worker=ana, starts_in=-120)
    await town.phases(ana, done, turn, Phase.FINISHED)
    await town.job("Tomorrow", worker=ana, starts_in=24 * 60)
    await town.office.act(acts.add_note(bytes.fromhex(job), "The pump is dead"))
    eva = await town.office.signed_in("Eva")
    page = await eva.get(f"/workers/{ana.id}/day?date={DAY}")
    (sheet,) = sheets(page)
    assert sheet.startswith(
        "Ana Monday 23 November 2026 Phone +420 601 000 111 Vehicle Van 3 Shift 08:00–16:00 "
        "1 13:00–14:00 45 min Urgent First A-2 Letná Ovenecká 3 Marie +420 777 1 "
        "Pavel +420 222 110 330 Skills: Gas Ring twice About the customer: Mind the dog "
        "Note: The pump is dead Valve closed Arrived Left Break What was done "
        "Customer’s signature 2 15:00–15:30 Second A-1"
    ), sheet
    assert sheet.endswith(
        "Ana, date and signature Stavservis · printed 23 November 2026 12:00 (Europe/Prague)"
    )
    assert "Done already" not in sheet
    assert "Tomorrow" in sheets(await eva.get(f"/workers/{ana.id}/day?date=2026-11-24"))[0]
    assert f'href="/workers/{ana.id}/day"' in (await eva.get(f"/workers/{ana.id}")).text


async def test_all_of_a_team_or_of_a_filter_come_one_a_page(town: Town) -> None:
    ana, ben, cyril = [await town.worker(name) for name in ("Ana", "Ben", "Cyril")]
    north = town.office.entropy(8)
    await town.office.act(acts.set_group("team", north, "North"))
    await town.office.act(acts.edit_worker(ben.stream, {"team": north}))
    for worker in (ben, ana):
        await town.job(f"Job of {worker.name}", worker=worker)
    first, last = "2026-11-20", "2026-12-03"
    await town.office.act(
        set_absence(cyril.stream, town.office.entropy(8), first, last, AbsenceKind.HOLIDAY)
    )
    eva = await town.office.signed_in("Eva")
    page = await eva.get(f"/workers/day?date={DAY}")
    assert [sheet.partition(" ")[0] for sheet in sheets(page)] == ["Ana", "Ben"]
    assert "1 worker without jobs on this day has no sheet" in page.words
    (own,) = sheets(await eva.get(f"/workers/day?date={DAY}&team={north.hex()}"))
    assert own.startswith("Ben Monday")
    assert len(sheets(await eva.get(f"/workers/day?date={DAY}&worker={ana.id}"))) == 1
    everybody = sheets(await eva.get(f"/workers/day?date={DAY}&all=yes"))
    assert "Cyril is on holiday until 3 Dec." in everybody[2]
    assert "No jobs on this day." in everybody[2]
    planner = await eva.get(f"/?view=all&show=planner&worker={ana.id}")
    assert f'href="/workers/day?date={DAY}&amp;worker={ana.id}"' in planner.text


async def test_a_day_that_is_none_is_told_and_nobody_who_is_not_there_has_a_sheet(
    town: Town,
) -> None:
    ana = await town.worker("Ana")
    eva = await town.office.signed_in("Eva")
    seen = await eva.get(f"/workers/{ana.id}/day?date=someday")
    assert "“someday” is no day; write it as 2026-11-23." in seen.words
    assert sheets(seen)[0].startswith("Ana Monday 23 November 2026")
    assert (await eva.get(f"/workers/{'ab' * 12}/day")).status == 404
    assert "Nobody has jobs on this day" in (await eva.get("/workers/day?date=2026-12-24")).words


def test_times_on_paper_say_their_day_where_it_is_another_one() -> None:
    def when(start: int | None, end: int | None) -> str:
        at = [None if hours is None else NOON_MS + hours * HOUR_MS for hours in (start, end)]
        return when_on_paper(at[0], at[1], DAY, PRAGUE)

    assert when(1, 2) == "13:00–14:00"
    assert when(-24, -22) == "22 Nov 12:00–14:00"
    assert when(11, 13) == "23:00–24 Nov 01:00"
    assert when(None, 2) == "by 14:00"
    assert when(1, None) == "from 13:00"
    assert when(None, None) == "any time"
