"""The filter's text on the board: which jobs each term finds, and what stays where it is none."""

from __future__ import annotations

import html
import json
import re
from urllib.parse import quote

import pytest_asyncio

from core.dispatch import acts
from core.dispatch.fields import Phase
from tests.web.board.town import Town, send_json
from tests.web.office import Person

DAY_MIN = 24 * 60


@pytest_asyncio.fixture
async def eva(town: Town) -> Person:
    """A dispatcher of a town with four jobs that differ in everything that is filtered by."""
    office = town.office
    north, gas = office.entropy(8), office.entropy(8)
    await office.act(acts.set_group("team", north, "North"))
    await office.act(acts.set_group("skill", gas, "Gas"))
    ana, ben = await town.worker("Ana Berg"), await town.worker("Ben")
    await office.act(acts.edit_worker(ana.stream, {"team": north}))
    letna = await town.customer("Družstvo Letná")
    old, turn = await town.job("Old lamp", starts_in=None, worker=ben, priority=0)
    await town.phases(ben, old, turn, Phase.RECEIVED, Phase.ACCEPTED, Phase.ON_SITE, Phase.FINISHED)
    town.clock.at_ms += 3 * 3_600_000
    late, _ = await town.job(
        "Boiler house", worker=ana, customer=letna, starts_in=-60, lasts=30, priority=3
    )
    await office.act(acts.add_note(bytes.fromhex(late), "ring twice"))
    await town.job("Boiler", starts_in=60, skills=[gas], planned_minutes=90, point=None)
    await town.job("Roof", starts_in=DAY_MIN, address="Přístavní 5", worker=ben, priority=2)
    return await office.signed_in("Eva")


def titles(text: str) -> list[str]:
    """The titles of the rows, the first first."""
    return re.findall(r'class="row-link clip"[^>]*>([^<]*)<', text)


def written(text: str) -> str:
    """What stands in the filter's box."""
    box = re.search(r'id="filter-text" value="([^"]*)"', text)
    assert box is not None
    return html.unescape(box[1])


async def found(eva: Person, text: str) -> str:
    """The titles that a text finds, in their alphabet."""
    seen = await eva.get(f"/?view=all&sort=title&q={quote(text)}")
    assert 'aria-invalid="true"' not in seen.text, seen.words
    return ", ".join(titles(seen.text))


async def test_each_term_finds_its_jobs_and_its_opposite_the_others(eva: Person) -> None:
    every = "Boiler, Boiler house, Old lamp, Roof"
    for text, here in {
        "": every,
        "status:done": "Old lamp",
        "status:done,open": every,
        'worker:"ana berg"': "Boiler house",
        "worker:ben,none": "Boiler, Old lamp, Roof",
        "team:north": "Boiler house",
        "team:none": "Boiler, Old lamp, Roof",
        "customer:druzstvo": "Boiler house",
        "customer:none": "Boiler, Old lamp, Roof",
        "skill:gas": "Boiler",
        "skill:none": "Boiler house, Old lamp, Roof",
        "place:pristavni": "Roof",
        "day:today": "Boiler, Boiler house, Old lamp",
        "day:tomorrow": "Roof",
        "day:2026-11-24,none": "Old lamp, Roof",
        "day>today": "Roof",
        "day<=today": "Boiler, Boiler house",
        "delay>10": "Boiler house",
        "delay>10d": "",
        "priority>=2": "Boiler house, Roof",
        "priority:low,high": "Old lamp, Roof",
        "duration>=1h": "Boiler",
        "changed<1h": "Boiler, Boiler house, Roof",
        "created>2h": "Old lamp",
        "number:a-1,A-3": "Boiler, Old lamp",
        "has:note": "Boiler house",
        "has:position": "Boiler house, Old lamp, Roof",
        "is:late": "Boiler house",
        "is:unassigned": "Boiler",
        "boiler": "Boiler, Boiler house",
        '"boiler house"': "Boiler house",
        '"house boiler"': "",
        "berg": "Boiler house",
        "a-3": "Boiler",
    }.items():
        assert await found(eva, text) == here, text
        if text and " " not in text.replace('"boiler', "").replace('"house', ""):
            others = [title for title in every.split(", ") if title not in here.split(", ")]
            assert await found(eva, f"-{text}") == ", ".join(others), f"-{text}"
    assert await found(eva, "status:open boiler -is:late") == "Boiler", "terms narrow together"
    assert await found(eva, "day:today day:yesterday") == ""


async def test_what_was_typed_stands_as_chips_and_as_text_and_in_the_address(eva: Person) -> None:
    seen = await eva.get(f"/?view=all&q={quote('TEAM:north delay>0 status:open boiler')}")
    assert written(seen.text) == "status:open team:North delay>0min boiler"
    chips = re.findall(r'<a class="tag" href="([^"]*)">(.*?)<svg', seen.text)
    assert [words for _, words in chips] == [
        "Status: open",
        "Team: North",
        "Delay &gt; 0min",
        "Text: boiler",
    ]
    without = await eva.get(html.unescape(chips[1][0]))
    assert written(without.text) == "status:open delay>0min boiler"
    # A renamed team stays the team: the address holds ids.
    assert "team" not in without.path
    assert titles((await eva.get(html.unescape(chips[0][0]))).text) == ["Boiler house"]


async def test_a_text_that_is_no_filter_leaves_what_was_shown(eva: Person) -> None:
    typed = quote("boiler team:south")
    seen = await eva.get(f"/?q={typed}&was={quote('view=all&q=roof')}")
    assert titles(seen.text) == ["Roof"]
    assert written(seen.text) == "boiler team:south", "nothing has to be typed again"
    assert 'aria-describedby="filter-fault"' in seen.text
    assert "No team is called “south”; there is North." in seen.words
    assert "            ^^^^^" in seen.text, "it points at the place"
    # A piece of the page and a file are of a filter or of none.
    for path in ("/board/rows?after=%5B%5D&", "/board/map.json?", "/export/jobs.csv?"):
        answer = await eva.get(f"{path}q={typed}")
        assert answer.status == 400, path
        assert "No team is called “south”" in answer.words


async def test_a_script_reads_a_text_without_leaving_the_page(eva: Person) -> None:
    async def read(text: str) -> dict[str, str]:
        answer = await eva.get(f"/board/filter.json?view=all&sort=title&q={quote(text)}")
        data: dict[str, str] = json.loads(answer.text)
        return data

    assert await read("status:open roof") == {"url": "/?view=all&status=open&q=roof&sort=title"}
    fault = await read("roof stat:open")
    assert fault["carets"] == "     ^^^^"
    assert "did you mean “status”" in fault["words"]
    path = f"/board/filter/suggestions.json?at=8&q={quote('worker:b roof')}"
    assert json.loads((await eva.get(path)).text) == [
        {"words": "Ben", "note": "", "text": "worker:Ben roof", "at": 11}
    ]


async def test_a_customer_who_has_just_got_another_name_is_found_by_it(
    town: Town, eva: Person
) -> None:
    customer = await town.customer("Holešovice")
    job, _ = await town.job("Roof", customer=customer)

    async def finds(text: str) -> bool:
        return job in (await eva.get(f"/?view=all&q={quote(text)}")).text

    assert await finds("holesovice")
    assert not await finds("bubenec")
    await town.office.act(acts.edit_customer(customer, {"name": "Bubeneč"}))
    assert not await finds("holesovice")
    assert await finds("bubenec")


async def test_rows_that_changed_do_not_wait_for_a_count_over_all_jobs(
    town: Town, eva: Person
) -> None:
    job, _ = await town.job("Door")
    for query, total in (("view=all", 5), ("view=all&q=door", None)):
        seen = await send_json(eva, f"/board/changed?{query}", [job])
        assert json.loads(seen.text)["total"] == total
    assert json.loads((await eva.get("/board/total.json?view=all&q=door")).text) == {"total": 1}
    assert (await eva.get("/board/total.json?q=delay:")).status == 400
