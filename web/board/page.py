"""The board's page and the pieces of it that its scripts fetch: rows, changed rows, counts.

`GET /` draws everything on the server, so the board reads without a script; the scripts keep it
live. Holds no SQL. Invariant: a piece is drawn by the same template as the page, from the same
question, so a row that came live and a row of a fresh page are the same text.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

from aiohttp import web

from web.assets import ASSETS, Assets
from web.board import filters
from web.board.detail import JobDetail, job_detail
from web.board.filter_bar import FilterBar, filter_bar
from web.board.filters import Filter, read_filter
from web.board.groups import Head, group_of_key, heads_before, heads_of
from web.board.inbox import InboxPart, inbox_of
from web.board.inbox_book import INBOX_BOOK
from web.board.job_form import JobForm, edit_form, new_form
from web.board.layouts import Layouts, layouts_of
from web.board.live import EPOCH
from web.board.naming import Reading
from web.board.page_parts import Column, Toolbar, columns, toolbar_of
from web.board.planner import Planner, planner_of
from web.board.questions import NEXT_ROWS, PAGE_ROWS, Question
from web.board.rail import Rail, rail_of
from web.board.reader import Rows
from web.board.rows import BoardRow, Found, board_rows, find_rows
from web.board.state import ALERT_BOOK, Moment, moment_of
from web.board.who_near import NearPlace, near_place
from web.frame import frame_of
from web.rendering import part, show, templates_of, wants_part

LIST_HAD: Final = "X-Board-List"
"""Names the list of workers that a page has: what it asks for comes without it."""
RAIL_S_MAX: Final = 0.1
"""So long a page waits for the counts of saved views; its script asks for the others."""
CHANGED_MAX: Final = 500
"""Rows asked for by id at once; a page that missed more loads anew."""


@dataclass(frozen=True, slots=True)
class BoardPage:
    """What `board/board.html` gets. `heard`: up to where it knows the live feed, seq and epoch.

    `board/answer.html` gets it too, and then `detail`, `form`, `near` and `inbox` are None.
    """

    filter: Filter
    heard: str
    layouts: Layouts
    rail: Rail
    view_words: str
    columns: tuple[Column, ...]
    rows: tuple[BoardRow, ...]
    last_heads: tuple[Head, ...]
    toolbar: Toolbar
    total: int
    more: bool
    directions: str
    bar: FilterBar
    hidden: int
    detail: JobDetail | None
    form: JobForm | None
    near: NearPlace | None
    selected: str
    here: str
    close_href: str
    map_assets: str
    inbox_count: int
    inbox: InboxPart | None
    planner: Planner | None


@dataclass(frozen=True, slots=True)
class DispatchOffPage:
    """What the board shows while the site's Job Dispatch is off."""

    is_admin: bool
    jobs: int


@dataclass(frozen=True, slots=True)
class RowsPart:
    """What `board/rows.html` gets: one page of rows."""

    rows: tuple[BoardRow, ...]
    last_heads: tuple[Head, ...]
    selected: str


async def board_page(request: web.Request) -> web.StreamResponse:
    """GET /: the board as its URL says."""
    moment = await moment_of(request)
    if not moment.dispatch_on:
        row = await moment.hub.reader.row("SELECT count(*) AS n FROM job")
        frame = await frame_of(request)
        off = DispatchOffPage(frame.is_admin, row["n"] if row else 0)
        return await show(request, "board/off.html", off)
    reading = await moment.reading(request.query)
    if wants_part(request):
        answer = await _page(request, moment, reading, whole=False)
        return await part(request, "board/answer.html", answer)
    page = await _page(request, moment, reading)
    absent = page.selected and not (page.detail or page.form or page.near)
    return await show(request, "board/board.html", page, status=404 if absent else 200)


async def board_with_form(
    request: web.Request, wanted: Filter, form: JobForm, status: int
) -> web.StreamResponse:
    """Answer with the whole board and a form in its pane, for a browser without scripts."""
    page = await _page(request, await moment_of(request), Reading(wanted))
    page = replace(page, form=form, detail=None, near=None)
    return await show(request, "board/board.html", page, status=status)


async def _page(
    request: web.Request, moment: Moment, reading: Reading, *, whole: bool = True
) -> BoardPage:
    """The page; where it is not `whole`, without what another question leaves as it is."""
    reader, now_ms, zone = moment.hub.reader, moment.now_ms, moment.zone
    wanted = reading.wanted
    question = await moment.question(wanted)
    counts = await request.app[ALERT_BOOK].counts(now_ms, zone)
    found, (bar, rail) = await asyncio.gather(
        find_rows(reader, question.of_page(None, PAGE_ROWS + 1), PAGE_ROWS),
        _beside(request, moment, reading, counts),
    )
    total = await _total(question, reader, counts, found)
    rows, last_heads = await _in_groups(
        moment,
        question,
        board_rows(moment, question, found),
        None,
        is_last=not found.has_more,
    )
    selected = request.query.get("job", "")
    selected = selected if filters.is_stream_id(selected) else ""
    detail, form = await pane_of(request, moment, wanted, selected) if whole else (None, None)
    view, sights = filters.VIEW_BY_ID[wanted.view], wanted.sights
    return BoardPage(
        filter=wanted,
        heard=f"{moment.seq} {request.app[EPOCH]}",
        layouts=layouts_of(wanted, selected),
        rail=rail,
        view_words=view.words,
        columns=columns(wanted),
        rows=rows,
        last_heads=last_heads,
        toolbar=toolbar_of(wanted),
        total=total,
        more=found.has_more,
        directions=json.dumps(question.descending),
        bar=bar,
        hidden=counts[wanted.view] - total if wanted.narrowed else 0,
        detail=detail,
        form=form,
        near=await near_place(request, moment, wanted) if whole else None,
        selected=selected,
        here=wanted.query(),
        close_href=wanted.url(),
        map_assets=map_assets(request.app[ASSETS]),
        inbox_count=await request.app[INBOX_BOOK].count(now_ms),
        inbox=await inbox_of(request, moment, wanted) if whole and "inbox" in sights else None,
        planner=await planner_of(moment, wanted) if "planner" in sights else None,
    )


async def _beside(
    request: web.Request, moment: Moment, reading: Reading, counts: dict[str, int]
) -> tuple[FilterBar, Rail]:
    """What stands round the rows and needs none of them: made while they are looked for."""
    workers = await moment.workers()
    bar = await filter_bar(moment, reading, workers, request.headers.get(LIST_HAD, ""))
    return bar, await rail_of(request, moment, reading, counts, within_s=RAIL_S_MAX)


async def _total(question: Question, reader: Rows, counts: dict[str, int], found: Found) -> int:
    """How many jobs a question holds; of a whole view it is known, and where one page has all."""
    wanted = question.filter
    if not wanted.narrowed:
        return counts[wanted.view]
    # Those of closed groups are counted too, and on no page.
    has_all = not found.has_more and not wanted.closed
    return len(found.rows) if has_all else await question.total(reader)


_MAP_FILES: Final = {
    "maplibre": ("maplibre-gl", "maplibre-gl.mjs"),
    "maplibreStyle": ("maplibre-gl", "maplibre-gl.css"),
    "maplibreWorker": ("maplibre-gl", "maplibre-gl-worker.mjs"),
    "pmtiles": ("pmtiles", "pmtiles.mjs"),
    "leaflet": ("leaflet", "leaflet.js"),
    "leafletStyle": ("leaflet", "leaflet.css"),
    "protomapsLeaflet": ("protomaps-leaflet", "protomaps-leaflet.js"),
    "world": ("world-atlas", "countries-110m.json"),
}


@cache
def map_assets(assets: Assets) -> str:
    """Where the map's libraries are, as JSON by name; what was not built is left out."""
    found = {}
    for name, (package, file) in _MAP_FILES.items():
        for known in assets.file_by_name:
            if known.startswith(f"vendor/{package}-") and known.endswith(f"/{file}"):
                found[name] = assets.url(known)
    return json.dumps(found)


async def pane_of(
    request: web.Request, moment: Moment, wanted: Filter, selected: str
) -> tuple[JobDetail | None, JobForm | None]:
    """What the pane shows by the URL: a job, a form, or nothing."""
    doing = request.query.get("do", "")
    if doing == "new":
        return None, await new_form(moment, wanted, request.query)
    if not selected:
        return None, None
    if doing == "edit":
        return None, await edit_form(moment, wanted, selected)
    return await job_detail(moment, wanted, selected), None


async def _in_groups(
    moment: Moment,
    question: Question,
    rows: tuple[BoardRow, ...],
    after: str | None,
    *,
    is_last: bool,
) -> tuple[tuple[BoardRow, ...], tuple[Head, ...]]:
    """A page's rows with the heads that stand before them, and the heads after the last one."""
    heads = await _heads(moment, question)
    if not heads:
        return rows, ()
    before, last = heads_before(heads, [row.group for row in rows], after, is_last=is_last)
    return tuple(replace(row, heads=own) for row, own in zip(rows, before, strict=True)), last


async def _heads(moment: Moment, question: Question) -> list[Head]:
    groups = await question.groups(moment.hub.reader)
    return heads_of(question.filter, groups, moment.zone, moment.now_ms)


async def rows_part(request: web.Request) -> web.StreamResponse:
    """GET /board/rows?…&after=KEY: the next page of rows, as some `<tbody>`."""
    moment = await moment_of(request)
    question = await moment.question(await moment.filter_of(request.query))
    after = question.read_key(request.query.get("after", ""))
    if after is None:
        raise web.HTTPBadRequest(text="The order of the table has changed; load the page anew.")
    found = await find_rows(moment.hub.reader, question.of_page(after, NEXT_ROWS + 1), NEXT_ROWS)
    rows, last_heads = await _in_groups(
        moment,
        question,
        board_rows(moment, question, found),
        group_of_key(question.filter, after),
        is_last=not found.has_more,
    )
    page = RowsPart(rows, last_heads, request.query.get("job", ""))
    response = await part(request, "board/rows.html", page)
    response.headers["X-More"] = "1" if found.has_more else "0"
    return response


async def changed_part(request: web.Request) -> web.StreamResponse:
    """POST /board/changed?…: rows of given jobs as they are now, counts and the total, as JSON.

    The body is a JSON list of job ids. `alerts=1` adds every job that has an alert: what becomes
    late without anybody writing anything. `total` is null where it takes a look at all jobs: no
    row waits for that, and the page asks for it by itself.
    """
    moment = await moment_of(request)
    wanted = await moment.filter_of(request.query)
    question = await moment.question(wanted)
    jobs = await _asked(request)
    if request.query.get("alerts"):
        jobs = [*jobs, *request.app[ALERT_BOOK].jobs][:CHANGED_MAX]
    reader = moment.hub.reader
    found = await find_rows(reader, question.of_some(jobs), CHANGED_MAX)
    rows = board_rows(moment, question, found)
    drawing: Any = templates_of(request).get_template("board/row.html").module
    drawn_row: Any = templates_of(request).globals["drawn_row"]
    drawn = {
        row.job: {
            "html": str(drawn_row(row, "")).strip(),
            "key": json.loads(row.key),
            "matches": row.matches,
        }
        for row in rows
    }
    counts = await request.app[ALERT_BOOK].counts(moment.now_ms, moment.zone)
    total = None if wanted.narrowed else counts[wanted.view]
    groups = [
        [head.id, str(drawing.group_row(head)).strip()] for head in await _heads(moment, question)
    ]
    return web.json_response(
        {"rows": drawn, "counts": counts, "total": total, "groups": groups},
        headers={"Cache-Control": "no-store"},
    )


async def total_json(request: web.Request) -> web.StreamResponse:
    """GET /board/total.json?…: `total`, how many jobs the question holds."""
    moment = await moment_of(request)
    question = await moment.question(await moment.filter_of(request.query))
    data = {"total": await question.total(moment.hub.reader)}
    return web.json_response(data, headers={"Cache-Control": "no-store"})


async def _asked(request: web.Request) -> list[str]:
    try:
        asked: Any = await request.json()
    except (ValueError, RecursionError):
        raise web.HTTPBadRequest(text="The body is a JSON list of job ids.") from None
    if not isinstance(asked, list) or len(asked) > CHANGED_MAX:
        raise web.HTTPBadRequest(text=f"The body is a JSON list of at most {CHANGED_MAX} job ids.")
    return [job for job in asked if isinstance(job, str) and filters.is_stream_id(job)]


async def pane_part(request: web.Request) -> web.StreamResponse:
    """GET /board/pane?…&job=ID&do=…: the pane alone, as the page's URL says."""
    moment = await moment_of(request)
    wanted = read_filter(request.query)
    selected = request.query.get("job", "")
    selected = selected if filters.is_stream_id(selected) else ""
    detail, form = await pane_of(request, moment, wanted, selected)
    near = await near_place(request, moment, wanted)
    return await draw_pane(request, wanted, detail, form, near, missing=selected)


@dataclass(frozen=True, slots=True)
class PanePart:
    """What `board/pane.html` gets."""

    detail: JobDetail | None
    form: JobForm | None
    near: NearPlace | None
    close_href: str
    here: str


async def draw_pane(
    request: web.Request,
    wanted: Filter,
    detail: JobDetail | None,
    form: JobForm | None,
    near: NearPlace | None = None,
    *,
    missing: str = "",
    status: int = 200,
) -> web.StreamResponse:
    """Answer with the pane alone."""
    absent = missing if not (detail or form or near) else ""
    page = PanePart(detail, form, near, wanted.url(), wanted.query())
    response = await part(request, "board/pane.html", page)
    response.set_status(404 if absent else status)
    response.headers["Cache-Control"] = "no-store"
    return response
