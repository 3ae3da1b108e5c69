"""The board's addresses.

`attach_board` is all that the rest of the web needs of it. Holds the thin handlers that turn an
action or a saved form into an answer. Invariant: every address that changes something answers a
script with a piece of the page and a plain form with a redirect, to the same effect.
"""

from __future__ import annotations

from urllib.parse import quote

from aiohttp import web

from core.dispatch.acts import ActError
from hub.keys import HUB
from hub.reckoning import Reckoner
from web.board import (
    exports,
    files_exchange,
    inbox,
    lookups,
    map_data,
    page,
    planner,
    planner_moves,
    views_page,
)
from web.board.actions import ACTIONS, Overtaken, carry_out
from web.board.bulk_page import act_on_all, picks_json
from web.board.detail import job_detail
from web.board.filter_bar import filter_json, suggestions_json
from web.board.filters import is_stream_id, read_back
from web.board.inbox_book import INBOX_BOOK, InboxBook
from web.board.job_form import JobForm
from web.board.job_form_save import Saved, save_edit, save_new
from web.board.live import EPOCH, live
from web.board.near import KeptNames
from web.board.page import board_page, changed_part, draw_pane, pane_part, rows_part
from web.board.positions import POSITIONS, Positions
from web.board.proposal_page import attach_proposals
from web.board.proposals import PROPOSALS, ProposalBook
from web.board.rail import rail_part
from web.board.saved_views import SAVED_COUNTS, SavedCounts
from web.board.state import ALERT_BOOK, NAMES, RECKONER, AlertBook, moment_of
from web.board.undoing import ADDRESS, undo, undo_page
from web.board.who_near import save_near
from web.board.worker_day import worker_day_json
from web.formats import sentence
from web.frame import see_other
from web.language import language_of
from web.rendering import wants_part

NOTICE: str = "X-Board-Notice"
GO: str = "X-Board-Go"
UNDO: str = "X-Board-Undo"


async def act_on_job(request: web.Request) -> web.StreamResponse:
    """POST /board/job/{job}/{action}: do it, and show the job as it is then."""
    job, name = request.match_info["job"], request.match_info["action"]
    if name not in ACTIONS:
        raise web.HTTPNotFound
    status, tone, act = 200, "good", ""
    try:
        carried = await carry_out(request, job, name)
        words, act = (carried.words, carried.act) if carried is not None else (None, "")
    except Overtaken as error:
        words, status, tone = str(error), 409, "risk"
    except ActError as error:
        words, status, tone = sentence(str(error)), 422, "bad"
    if words is None:
        raise web.HTTPNotFound(text="There is no such job on this hub.")
    wanted = read_back((await request.post()).get("back"))
    if not wants_part(request):
        raise see_other(wanted.url(job=job), words, tone, undo=act)
    detail = await job_detail(await moment_of(request), wanted, job)
    answer = await draw_pane(request, wanted, detail, None, missing=job, status=status)
    answer.headers[NOTICE] = quote(language_of(request).said(words))
    answer.headers[UNDO] = act
    return answer


async def new_job(request: web.Request) -> web.StreamResponse:
    """POST /board/new: make a job, or show the form again."""
    return await _answer_form(request, await save_new(request))


async def edit_job(request: web.Request) -> web.StreamResponse:
    """POST /board/job/{job}/edit: write what was changed, or show the form again."""
    job = request.match_info["job"]
    outcome = await save_edit(request, job) if is_stream_id(job) else None
    if outcome is None:
        raise web.HTTPNotFound(text="There is no such job on this hub.")
    return await _answer_form(request, outcome)


async def _answer_form(request: web.Request, outcome: Saved | JobForm) -> web.StreamResponse:
    wanted = read_back((await request.post()).get("back"))
    if isinstance(outcome, JobForm):
        status = 409 if outcome.clashes else 422
        if wants_part(request):
            return await draw_pane(request, wanted, None, outcome, status=status)
        return await page.board_with_form(request, wanted, outcome, status)
    to = wanted.url(job=outcome.job)
    if not wants_part(request):
        raise see_other(to, outcome.words, undo=outcome.act)
    detail = await job_detail(await moment_of(request), wanted, outcome.job)
    answer = await draw_pane(request, wanted, detail, None, missing=outcome.job)
    answer.headers[NOTICE] = quote(language_of(request).said(outcome.words))
    answer.headers[GO] = to
    answer.headers[UNDO] = outcome.act
    return answer


async def new_job_near(request: web.Request) -> web.StreamResponse:
    """POST /board/near: make a job at a place and assign it, as one act."""
    try:
        saved = await save_near(request)
    except ActError as error:
        words = sentence(str(error))
        if not wants_part(request):
            back = request.headers.get("Referer", "").partition("?")[2]
            raise see_other(f"/?{back}" if back else "/?do=near", words, "bad") from error
        said = language_of(request).said(words)
        return web.Response(text=said, status=422, headers={NOTICE: quote(said)})
    return await _answer_form(request, saved)


async def job_address(request: web.Request) -> web.StreamResponse:
    """GET /jobs/{job}: the board with that job selected, whatever its state."""
    job = request.match_info["job"]
    if not is_stream_id(job):
        raise web.HTTPNotFound
    raise see_other(f"/?view=all&job={job}")


async def _close_reckoner(app: web.Application) -> None:
    app[NAMES].close()
    app[ALERT_BOOK].close()
    app[INBOX_BOOK].close()
    app[PROPOSALS].close()
    app[RECKONER].close()


def attach_board(app: web.Application) -> None:
    """Add the board's addresses to an application that has a hub, templates and assets."""
    hub = app[HUB]
    app[NAMES] = KeptNames(hub.reader, hub.writer)
    app[ALERT_BOOK] = AlertBook(hub)
    app[INBOX_BOOK] = InboxBook(hub, app[ALERT_BOOK])
    app[POSITIONS] = Positions(hub)
    app[SAVED_COUNTS] = SavedCounts(app[ALERT_BOOK])
    app[RECKONER] = Reckoner()
    app[PROPOSALS] = ProposalBook(hub, app[RECKONER])
    app.on_cleanup.append(_close_reckoner)
    attach_proposals(app)
    # Another run of the hub counts its events anew; the moment of its start tells them apart.
    app[EPOCH] = f"{hub.clock.now_ms():x}-{hub.replica.entropy(4).hex()}"
    router = app.router
    router.add_get("/", board_page)
    router.add_get("/jobs/{job}", job_address)
    router.add_get("/live", live)
    router.add_get("/board/rows", rows_part)
    router.add_post("/board/changed", changed_part)
    router.add_get("/board/total.json", page.total_json)
    router.add_get("/board/pane", pane_part)
    router.add_get("/board/rail", rail_part)
    router.add_get("/board/filter.json", filter_json)
    router.add_get("/board/filter/suggestions.json", suggestions_json)
    router.add_get("/board/planner", planner.planner_part)
    router.add_post("/board/planner/preview", planner_moves.preview)
    router.add_post("/board/planner/move", planner_moves.drop)
    router.add_get("/board/map.json", map_data.map_json)
    router.add_get("/board/positions.json", map_data.positions_json)
    router.add_get("/board/worker/{worker}/day.json", worker_day_json)
    router.add_get("/board/customers.json", lookups.customers)
    router.add_get("/board/customers/{customer:[0-9a-f]{24}}.json", lookups.customer_places)
    router.add_get("/board/addresses.json", lookups.addresses)
    router.add_get("/board/job/{job}/candidates", lookups.candidates_part)
    router.add_get(ADDRESS, undo_page)
    router.add_post(ADDRESS, undo)
    router.add_post("/board/new", new_job)
    router.add_get("/board/picks.json", picks_json)
    router.add_post("/board/bulk/{action}", act_on_all)
    router.add_post("/board/near", new_job_near)
    router.add_post("/board/job/{job}/edit", edit_job)
    router.add_post("/board/job/{job}/{action}", act_on_job)
    files_exchange.add_routes(app)
    inbox.add_routes(app)
    views_page.add_routes(app)
    router.add_get("/export/jobs.csv", exports.jobs_csv)
    router.add_get("/export/timelogs.csv", exports.time_logs_csv)
