"""The board's table: views, filters, order and pages of rows, as the hub answers them."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from urllib.parse import quote

import pytest

from core.dispatch import acts
from core.dispatch.fields import Kind, Phase
from tests.web.board.town import HOUR_MS, MINUTE_MS, Town, send_json
from tests.web.office import Person, Seen


def titles(seen: Seen) -> list[str]:
    """The titles of the rows, from the top."""
    return re.findall(r'class="row-link clip"[^>]*>([^<]*)<', seen.text)


def count(seen: Seen, view: str) -> int:
    """The count beside a view in the rail."""
    found = re.search(rf'data-view="{view}".*?class="count"[^>]*>(\d+)<', seen.text, re.S)
    assert found
    return int(found[1])


async def test_a_board_whose_extension_is_off_says_how_to_turn_it_on(town: Town) -> None:
    await town.office.act(acts.set_setting("job_dispatch", False))
    await town.job("Boiler")
    eva = await town.office.signed_in("Eva", "admin")
    seen = await eva.get("/")
    assert "Job Dispatch is off" in seen.words
    assert 'href="/extensions"' in seen.text
    assert "the 1 job of this site stay" in seen.words
    jan = await town.office.signed_in("Jan")
    assert "An administrator turns it on" in (await jan.get("/")).words


async def test_the_board_opens_on_what_needs_somebody(town: Town) -> None:
    ana = await town.worker("Ana")
    _, turn = await town.job("Quiet", worker=ana, starts_in=300)
    quiet, _ = (await town.office.rows("SELECT job FROM job"))[0]["job"], turn
    await town.phases(ana, quiet, turn, Phase.RECEIVED, Phase.OPENED)
    await town.job("Nobody's", starts_in=300)
    eva = await town.office.signed_in("Eva")
    seen = await eva.get("/")
    assert titles(seen) == ["Nobody&#39;s"]
    assert count(seen, "exceptions") == count(seen, "unassigned") == 1
    assert count(seen, "open") == count(seen, "all") == 2
    assert "Unassigned." in seen.words


async def test_a_board_without_any_job_says_how_to_begin(town: Town) -> None:
    eva = await town.office.signed_in("Eva")
    seen = await eva.get("/")
    assert "then make the first job" in seen.words
    assert 'href="/customers/new"' in seen.text
    assert 'href="/workers/new"' in seen.text
    await town.job("Later", worker=await town.worker("Ana"), starts_in=3000)
    seen = await eva.get("/")
    assert "Nothing needs you now" in seen.words
    assert "then make the first job" not in seen.words


async def test_each_exception_stands_in_its_view_and_says_why(town: Town) -> None:
    ana, ben = await town.worker("Ana"), await town.worker("Ben")
    late, turn = await town.job("Late", worker=ana, starts_in=-120, lasts=60)
    await town.phases(ana, late, turn, Phase.RECEIVED)
    refused, turn = await town.job("Refused", worker=ana)
    await town.phases(ana, refused, turn, Phase.REJECTED)
    await town.job("Unheard", worker=ben, starts_in=300)
    town.clock.at_ms += 20 * MINUTE_MS
    eva = await town.office.signed_in("Eva")
    seen = await eva.get("/?view=delayed")
    assert titles(seen) == ["Late"]
    assert "+1 h 20" in seen.words
    assert "nobody set out" in seen.words
    seen = await eva.get("/?view=rejected")
    assert titles(seen) == ["Refused"]
    assert "no key" in seen.words
    seen = await eva.get("/?view=unacknowledged")
    assert titles(seen) == ["Unheard"]
    assert titles(await eva.get("/")) == ["Late", "Refused", "Unheard"], "what hurts most first"


async def test_filters_narrow_and_are_taken_away_one_by_one(town: Town) -> None:
    ana = await town.worker("Ana Nováková")
    letna = await town.customer("Družstvo Letná")
    await town.job("Boiler", worker=ana, customer=letna)
    await town.job("Lamp", starts_in=24 * 60, description="in the stairwell")
    await town.job("Roof", starts_in=None)
    eva = await town.office.signed_in("Eva")

    async def found(query: str) -> list[str]:
        return titles(await eva.get(f"/?view=all&sort=title&{query}"))

    assert await found("") == ["Boiler", "Lamp", "Roof"]
    assert await found(f"worker={ana.id}") == ["Boiler"]
    assert await found("worker=none") == ["Lamp", "Roof"]
    assert await found("q=stair") == ["Lamp"]
    assert await found("q=druzstvo") == ["Boiler"]
    assert await found("q=novak") == ["Boiler"]
    assert await found("q=A-2") == ["Lamp"]
    assert await found("day=2026-11-24") == ["Lamp"]
    assert await found("day=2026-11-23&q=roof") == []
    # A day that no calendar can add one to is none, and filters nothing.
    assert len(await found("day=9999-12-31")) == len(await found(""))
    assert await found(f"customer={letna.hex()}") == ["Boiler"]
    assert await found("status=done") == []
    seen = await eva.get("/?view=all&status=done&q=lamp")
    assert "No job fits these filters" in seen.words
    assert "3 jobs of this view are hidden" in seen.words
    assert 'href="/?view=all&amp;q=lamp"' in seen.text, "the chip that takes away the status"


@pytest.mark.parametrize(
    "text", ['"', "boiler AND", "NEAR(", "*", "-", "a" * 300, "Ω≈ç", "'; DROP TABLE job; --"]
)
async def test_any_text_is_a_question(town: Town, text: str) -> None:
    await town.job("Boiler")
    eva = await town.office.signed_in("Eva")
    assert (await eva.get(f"/?view=all&q={quote(text)}")).status == 200
    assert len(await town.office.rows("SELECT 1 FROM job")) == 1


async def test_the_order_is_of_several_columns_and_said_to_readers(town: Town) -> None:
    for title, priority, start in (("B", 1, 60), ("A", 1, 120), ("C", 2, 60)):
        await town.job(title, priority=priority, starts_in=start)
    eva = await town.office.signed_in("Eva")
    seen = await eva.get("/?view=all&sort=window,-title")
    assert titles(seen) == ["C", "B", "A"]
    heads = dict(re.findall(r'class="c-(\w+)" aria-sort="(\w+)"', seen.text))
    assert heads["window"] == "ascending"
    assert heads["title"] == "descending"
    assert heads["worker"] == "none"


async def test_numbers_are_ordered_as_numbers(town: Town) -> None:
    for index in range(11):
        await town.job(f"t{index}")
    eva = await town.office.signed_in("Eva")
    seen = await eva.get("/?view=all&sort=number")
    assert titles(seen) == [f"t{index}" for index in range(11)]
    seen = await eva.get("/?view=all&sort=-number")
    assert titles(seen) == [f"t{index}" for index in reversed(range(11))]


# Whether each part of a row's key falls: a number has two, and the last is the job's id.
DIRECTIONS = {
    "title": [False, False],
    "-window,title": [True, False, False],
    "-updated": [True, False],
    "worker,-number": [False, True, True, False],
    "-delay": [True, False],
    "alert": [False, False],
}


@pytest.mark.parametrize("sort", DIRECTIONS)
async def test_all_pages_together_are_all_rows_once(town: Town, sort: str) -> None:
    ana = await town.worker("Ana")
    changes = []
    for index in range(215):
        job = acts.new_stream_id(Kind.JOB, town.clock.now_ms(), town.office.entropy(7))
        start = town.clock.now_ms() + (index * 7 % 10 - 5) * HOUR_MS
        values = {"title": f"Job {index % 9}", "window": (start, start + HOUR_MS)}
        changes += acts.create_job(job, values)
        if index % 3:
            changes += acts.assign(job, ana.stream, town.office.entropy(8))
    await town.office.act(changes)
    eva = await town.office.signed_in("Eva")
    seen = await eva.get(f"/?view=all&sort={sort}")
    down = DIRECTIONS[sort]
    assert f'data-directions="{json.dumps(down)}"' in seen.text
    jobs = re.findall(r'data-job="(\w+)" data-key="([^"]*)"', seen.text)
    while True:
        after = quote(jobs[-1][1].replace("&#34;", '"'))
        seen = await eva.get(f"/board/rows?view=all&sort={sort}&after={after}")
        assert seen.status == 200
        jobs += re.findall(r'data-job="(\w+)" data-key="([^"]*)"', seen.text)
        if seen.headers["X-More"] == "0":
            break
    assert len(jobs) == len({job for job, _ in jobs}) == 215
    keys = [json.loads(key.replace("&#34;", '"')) for _, key in jobs]
    assert all(in_order(one, other, down) for one, other in pairwise(keys))


def in_order(one: list[object], other: list[object], descending: list[bool]) -> bool:
    """The order that the page's script keeps by the same keys."""
    for left, right, down in zip(one, other, descending, strict=True):
        if left != right:
            return (left < right) is not down  # type: ignore[operator]
    return False


@pytest.mark.parametrize("show", ["table", "planner"])
async def test_a_script_that_asks_anew_gets_what_the_page_has_of_it(town: Town, show: str) -> None:
    ana = await town.worker("Ana")
    job, _ = await town.job("Boiler", worker=ana, starts_in=-60, lasts=30)
    await town.job("Lamp")
    eva = await town.office.signed_in("Eva")
    address = f"/?view=all&sort=-title&job={job}&show={show}"
    whole, asked = await eva.get(address), await eva.get_part(address)
    assert titles(asked) == titles(whole) == ["Lamp", "Boiler"]

    def pieces(seen: Seen) -> list[str]:
        """What the page's script takes over: rail, heads to planner, and what it reads of each."""
        text = re.sub(r"\s+", " ", seen.text)
        rail = text[text.index('<nav class="rail"') :]
        jobs = text[text.index('<div class="toolbar">') :]
        planner = jobs.index('<section class="planner"')
        end = planner + jobs[planner:].index("</section>")
        told = re.findall(r'<title>[^<]*</title>|data-directions="[^"]*"|data-show="[^"]*"', text)
        return [rail[: rail.index("</nav>")], jobs[:end].replace(" selected", ""), *told]

    assert pieces(asked) == pieces(whole)
    assert "<html" not in asked.text
    assert 'id="pane"' not in asked.text


async def test_who_can_be_chosen_follows_every_change_of_the_workers(town: Town) -> None:
    eva = await town.office.signed_in("Eva")

    async def choices() -> list[str]:
        seen = await eva.get("/?view=all")
        return re.findall(r'name="worker" value="\w+"[^>]*><span>([^<]*)<', seen.text)

    assert await choices() == ["Nobody"]
    ana = await town.worker("Ana")
    await town.worker("Ben")
    assert await choices() == ["Nobody", "Ana", "Ben"]
    await town.office.act(acts.edit_worker(ana.stream, {"name": "Zoe"}))
    assert await choices() == ["Nobody", "Ben", "Zoe"]
    await town.office.act(acts.edit_worker(ana.stream, {"archived": True}))
    assert await choices() == ["Nobody", "Ben"]


async def test_the_list_of_workers_comes_again_only_where_it_is_another(town: Town) -> None:
    ana, eva = await town.worker("Ana"), await town.office.signed_in("Eva")
    address = f"/?view=all&worker={ana.id}"

    def named(seen: Seen) -> str:
        return re.findall(r'data-list="(\w+)"', seen.text)[0]

    def listed(seen: Seen) -> list[str]:
        return re.findall(r'name="worker" value="(\w+)"[^>]*><span>', seen.text)

    had = named(await eva.get(address))
    asked = await eva.get_part(address, had)
    assert listed(asked) == []
    assert re.findall(r'name="worker" value="(\w+)" checked', asked.text) == [ana.id]
    assert "data-had" in asked.text
    ben = await town.worker("Ben")
    asked = await eva.get_part(address, had)
    assert listed(asked) == ["none", ana.id, ben.id]
    assert named(asked) != had
    assert "data-had" not in asked.text


async def test_a_key_of_another_order_is_refused(town: Town) -> None:
    eva = await town.office.signed_in("Eva")
    for after in ("", "[]", '["x"]', "[1,2,3,4]", '[{"a":1},"b"]', "nonsense"):
        assert (await eva.get(f"/board/rows?sort=title&after={quote(after)}")).status == 400


async def changed(person: Person, query: str, jobs: list[str]) -> dict[str, dict[str, object]]:
    """What the page's script gets for jobs that changed."""
    seen = await send_json(person, f"/board/changed?{query}", jobs)
    assert seen.status == 200, seen.text
    found: dict[str, dict[str, object]] = json.loads(seen.text)["rows"]
    return found


async def test_a_changed_row_is_the_row_of_a_fresh_page(town: Town) -> None:
    job, _ = await town.job("Boiler")
    eva = await town.office.signed_in("Eva")
    seen = await eva.get("/?view=unassigned")
    row = re.search(r'<tr role="row" class="job".*?</tr>', seen.text, re.S)
    assert row
    rows = await changed(eva, "view=unassigned", [job])
    assert rows[job]["html"] == row[0]
    assert rows[job]["matches"] is True
    ana = await town.worker("Ana")
    await town.office.act(acts.assign(bytes.fromhex(job), ana.stream, town.office.entropy(8)))
    rows = await changed(eva, "view=unassigned", [job])
    assert rows[job]["matches"] is False
    assert "Ana" in str(rows[job]["html"])


async def test_what_becomes_late_by_the_clock_alone_is_told(town: Town) -> None:
    ana = await town.worker("Ana")
    job, turn = await town.job("Boiler", worker=ana, starts_in=60)
    await town.phases(ana, job, turn, Phase.OPENED)
    eva = await town.office.signed_in("Eva")
    await eva.get("/")
    assert await changed(eva, "alerts=1", []) == {}
    town.clock.at_ms += 3 * HOUR_MS
    rows = await changed(eva, "alerts=1", [])
    assert rows[job]["matches"] is True
    assert "+1 h 00" in str(rows[job]["html"])


async def test_a_row_that_nobody_changed_says_another_day_after_midnight(town: Town) -> None:
    await town.job("Boiler", starts_in=24 * 60)

    async def row() -> str:
        # A session ends within a day.
        seen = await (await town.office.signed_in("Eva")).get("/?view=all")
        return re.findall(r"<tr [^>]*data-job=.*?</tr>", seen.text, re.S)[0]

    assert "Tomorrow" in await row()
    assert ">now<" in await row()
    town.clock.at_ms += 4 * MINUTE_MS
    assert ">4 min<" in await row()
    town.clock.at_ms += 24 * HOUR_MS
    assert "Today" in await row()


async def test_asking_for_rows_takes_a_list_of_ids_and_nothing_else(town: Town) -> None:
    eva = await town.office.signed_in("Eva")
    await eva.get("/")
    for body in ({"a": 1}, "x", ["0" * 24] * 501):
        assert (await send_json(eva, "/board/changed", body)).status == 400
    assert await changed(eva, "", ["' OR 1", "0" * 24]) == {}


async def test_a_manager_sees_the_board_and_changes_nothing(town: Town) -> None:
    job, _ = await town.job("Boiler")
    boss = await town.office.signed_in("Boss", "manager")
    seen = await boss.get(f"/?job={job}")
    assert "Boiler" in seen.words
    assert "New job" not in seen.words
    assert '<form method="post" action="/board' not in seen.text
    assert (await boss.post(f"/board/job/{job}/cancel", {"reason": "x"})).status == 403
    assert (await town.row(job))["status"] == "open"


async def test_a_job_that_is_not_there_is_said_so(town: Town) -> None:
    eva = await town.office.signed_in("Eva")
    seen = await eva.get(f"/?job={'0' * 24}")
    assert seen.status == 404
    assert "holds no job with that address" in seen.words
    assert (await eva.get("/jobs/xyz")).status == 404
