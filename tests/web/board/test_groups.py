"""The table in groups: heads with subtotals, closed ones, and pages that go on through them."""

from __future__ import annotations

import datetime as dt
import html
import json
import re
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dispatch import acts
from core.dispatch.acts import Act
from core.dispatch.fields import Kind
from tests.web.board.town import MINUTE_MS, Town, send_json
from tests.web.office import Seen
from web.board import page as board_page
from web.board.groups import Head, heads_before


def lines(seen: Seen) -> list[str]:
    """The table from the top: `# Ana 2/1` for a head with its jobs and late ones, titles."""
    found = []
    for row in re.findall(r'<tr role="row" class="(?:group-row|job)".*?</tr>', seen.text, re.S):
        title = re.search(r'class="row-link clip"[^>]*>([^<]*)<', row)
        if title is not None:
            found.append(html.unescape(title[1]))
            continue
        words = re.search(r"</svg>([^<]*)</a>", row)
        jobs = re.search(r'title="jobs">(\d+)<', row)
        late = re.search(r"(\d+) late", row)
        assert words is not None
        assert jobs is not None
        found.append(f"# {html.unescape(words[1])} {jobs[1]}/{late[1] if late else 0}")
    return found


async def fill(town: Town) -> dict[str, str]:
    """Four jobs of two workers, one of whom is in a team; jobs by title."""
    office = town.office
    north = office.entropy(8)
    await office.act(acts.set_group("team", north, "North"))
    ana, ben = await town.worker("Ana"), await town.worker("Ben")
    await office.act(acts.edit_worker(ana.stream, {"team": north}))
    letna = await town.customer("Letná")
    jobs = {}
    for title, worker, starts, customer in (
        ("Late", ana, -120, letna),
        ("Soon", ana, 30, None),
        ("Tomorrow", ben, 24 * 60, letna),
        ("Undated", None, None, None),
    ):
        jobs[title], _ = await town.job(title, worker=worker, starts_in=starts, customer=customer)
    return jobs


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ("worker", "# Nobody 1/0, Undated, # Ana 2/1, Late, Soon, # Ben 1/0, Tomorrow"),
        ("team", "# No team 2/0, Tomorrow, Undated, # North 2/1, Late, Soon"),
        ("status", "# Open 4/1, Late, Soon, Tomorrow, Undated"),
        ("customer", "# No customer 2/0, Soon, Undated, # Letná 2/1, Late, Tomorrow"),
        ("day", "# Today 2/1, Late, Soon, # Tomorrow 1/0, Tomorrow, # No date 1/0, Undated"),
    ],
)
async def test_rows_stand_below_the_head_of_their_group(
    town: Town, group: str, expected: str
) -> None:
    await fill(town)
    eva = await town.office.signed_in("Eva")
    seen = await eva.get(f"/?view=all&sort=title&group={group}")
    assert ", ".join(lines(seen)) == expected
    # The order within the groups is the table's, and a filter narrows the groups too.
    seen = await eva.get(f"/?view=all&sort=-title&group={group}&q=late")
    assert lines(seen)[-1] == "Late"
    assert len(lines(seen)) == 2


async def test_a_closed_group_keeps_its_head_and_its_count_wherever_it_stands(town: Town) -> None:
    jobs = await fill(town)
    eva = await town.office.signed_in("Eva")
    seen = await eva.get("/?view=all&sort=title&group=day")
    links = re.findall(r'<a href="([^"]*)" data-group-link aria-expanded="true"', seen.text)
    for link in links:
        seen = await eva.get(html.unescape(link))
        closed = {line.split()[1] for line in lines(seen) if line.startswith("#")}
        assert closed == {"Today", "Tomorrow", "No"}, "every head is there"
        assert 'id="total" aria-label="jobs shown">4<' in seen.text
        assert seen.text.count('aria-expanded="false"') >= 1
    path = "/?view=all&sort=title&group=day&closed=2026-11-23&closed=2026-11-24&closed=none"
    seen = await eva.get(path)
    assert lines(seen) == ["# Today 2/1", "# Tomorrow 1/0", "# No date 1/0"]
    assert "No job fits" not in seen.words or 'id="empty" hidden' in seen.text
    # What changes in a closed group comes with its head's new numbers, and not as a row.
    await town.office.act(acts.cancel_job(bytes.fromhex(jobs["Soon"]), "dry"))
    query = path.removeprefix("/?")
    answer = await send_json(eva, f"/board/changed?{query}", [jobs["Soon"]])
    data = json.loads(answer.text)
    assert data["rows"][jobs["Soon"]]["matches"] is False
    assert [group for group, _ in data["groups"]] == ["2026-11-23", "2026-11-24", "none"]
    # A file has everything that is counted.
    _, file = await eva.download(f"/export/jobs.csv?{query}")
    assert len(file.decode().splitlines()) == 5


@pytest.mark.parametrize("size", [1, 2, 3, 4])
async def test_what_a_filter_leaves_is_counted_whole_however_much_fits_on_a_page(
    town: Town, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(board_page, "PAGE_ROWS", size)
    await fill(town)
    eva = await town.office.signed_in("Eva")
    shut = "&group=day&closed=2026-11-23&closed=none"
    for text, count in (("nowhere", 0), ("late", 1), ("-undated", 3)):
        for query in (f"view=all&q={text}", f"view=all&q={text}{shut}"):
            seen = await eva.get(f"/?{query}")
            assert f'id="total" aria-label="jobs shown">{count}<' in seen.text, query


async def test_pages_go_on_through_the_groups_with_each_head_once(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board_page, "PAGE_ROWS", 3)
    monkeypatch.setattr(board_page, "NEXT_ROWS", 3)
    office = town.office
    workers = [await town.worker(name) for name in ("Ana", "Ben", "Cyril")]
    changes: Act = []
    for number in range(14):
        job = acts.new_stream_id(Kind.JOB, town.clock.now_ms(), office.entropy(7))
        changes += acts.create_job(job, {"title": f"Job {number:02d}"})
        if number % 4:
            changes += acts.assign(job, workers[number % 4 - 1].stream, office.entropy(8))
    await office.act(changes)
    eva = await office.signed_in("Eva")
    for closed in ((), (workers[0].id,), ("none", workers[2].id), tuple(w.id for w in workers)):
        shut = "".join(f"&closed={one}" for one in closed)
        query = f"view=all&sort=-number&group=worker{shut}"
        seen = await eva.get(f"/?{query}")
        found = lines(seen)
        for _ in range(10):
            keys = re.findall(r'data-key="([^"]*)"', seen.text)
            if seen.headers.get("X-More") == "0" or len(keys) < 3:
                break
            after = quote(html.unescape(keys[-1]))
            seen = await eva.get(f"/board/rows?{query}&after={after}")
            found += lines(seen)
        heads = [line for line in found if line.startswith("#")]
        assert heads == ["# Nobody 4/0", "# Ana 4/0", "# Ben 3/0", "# Cyril 3/0"], closed
        names = {"none": "Nobody", **{worker.id: worker.name for worker in workers}}
        left = {names[one] for one in closed}
        open_rows = sum(int(h.split()[2].split("/")[0]) for h in heads if h.split()[1] not in left)
        assert len(found) - len(heads) == open_rows
        group = ""
        for line in found:
            group = line.split()[1] if line.startswith("#") else group
            assert line.startswith("#") or group not in left


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), max_size=8), st.integers(1, 7))
def test_each_head_stands_once_before_its_rows_however_pages_are_cut(
    sizes: list[tuple[bool, int]], page_rows: int
) -> None:
    heads = [
        Head(str(number), "", jobs, 0, closed or not jobs, "")
        for number, (closed, jobs) in enumerate(sizes)
    ]
    rows = [head.id for head in heads if not head.closed for _ in range(head.jobs)]
    whole: list[str] = []
    after = None
    for start in range(0, max(len(rows), 1), page_rows):
        page = rows[start : start + page_rows]
        is_last = start + page_rows >= len(rows)
        before, last = heads_before(heads, page, after, is_last=is_last)
        for row, own in zip(page, before, strict=True):
            whole += [*(f"#{head.id}" for head in own), row]
        whole += [f"#{head.id}" for head in last]
        after = page[-1] if page else None
    expected: list[str] = []
    for head in heads:
        expected += [f"#{head.id}", *([] if head.closed else [head.id] * head.jobs)]
    assert whole == expected


async def test_a_day_is_the_sites_own_across_a_change_of_the_clocks(town: Town) -> None:
    prague = ZoneInfo("Europe/Prague")
    office = town.office
    expected: dict[str, int] = {}
    changes: Act = []
    spring, autumn = ((3, 27, 23), (3, 28, 0), (3, 28, 23), (3, 29, 0)), ((10, 30, 23), (10, 31, 0))
    for month, day, hour in (*spring, *autumn):
        at = dt.datetime(2027, month, day, hour, 30, tzinfo=prague)
        start = int(at.timestamp() * 1000)
        job = acts.new_stream_id(Kind.JOB, town.clock.now_ms(), office.entropy(7))
        window = (start, start + 20 * MINUTE_MS)
        changes += acts.create_job(job, {"title": f"{at:%d.%m. %H}", "window": window})
        name = f"{at:%Y-%m-%d}"
        expected[name] = expected.get(name, 0) + 1
    await office.act(changes)
    eva = await office.signed_in("Eva")
    seen = await eva.get("/?view=all&group=day")
    assert re.findall(r'class="group-row" data-group="([^"]*)"', seen.text) == sorted(expected)
