"""Files of jobs come in from pages and are given out to them.

A file that people sent is never trusted: it is given out with its type pinned, in a sandbox, and to
be saved, unless its own bytes are those of a picture. Holds no list (`files`). Invariant: nothing
that a browser could run is ever answered from here.
"""

from __future__ import annotations

from functools import partial
from urllib.parse import quote

from aiohttp import web
from aiohttp.web_request import FileField

from core.dispatch.acts import ActError
from core.dispatch.pictures import HEAD_BYTES, headers_of_file
from core.log.errors import LogError
from core.sentence import listed, say, say_n
from hub.guard import Refused
from hub.hub import check_may_write
from hub.keys import ACCOUNT, HUB
from hub.past_acts import reference_of
from replica.filing import attach_file
from replica.store import StoreError
from web.board.detail import job_detail
from web.board.files import file_named
from web.board.filters import read_back
from web.board.page import draw_pane
from web.board.state import moment_of
from web.formats import sentence
from web.frame import see_other
from web.language import language_of
from web.rendering import wants_part


async def add_files(request: web.Request) -> web.StreamResponse:
    """POST /files/{job}: add the form's files, each as an act of its own, until one is refused."""
    hub, job = request.app[HUB], request.match_info["job"]
    row = await hub.reader.row("SELECT number FROM job WHERE job = ?", (job,))
    if row is None:
        raise web.HTTPNotFound(text="There is no such job on this hub.")
    form = await request.post()
    sent = [each for each in form.getall("file", []) if isinstance(each, FileField)]
    account, act, added = request[ACCOUNT], "", list[str]()
    words: str = say("Choose a file first.")
    status, tone = 422, "bad"
    try:
        check_may_write(account)
        actor = bytes.fromhex(account.account)
        for field in sent:
            if not field.filename:
                continue
            save = partial(attach_file, actor=actor)
            data = field.file.read()
            # Not as an act: room that is kept back for a full disk is none for photos.
            saved = await hub.writer.run(
                save, hub.replica, bytes.fromhex(job), field.filename, data
            )
            act = reference_of(saved.written).text()
            added.append(field.filename)
        if added:
            words, status, tone = _added_words(added, row["number"]), 200, "good"
    except ActError as error:
        words = _with_added(sentence(str(error)), added)
    except StoreError as error:
        words, status = _with_added(sentence(str(error)), added), 507
    # One of several acts would be taken back by an Undo that seems to be of all.
    act = act if len(added) == 1 else ""
    wanted = read_back(form.get("back"))
    if not wants_part(request):
        raise see_other(wanted.url(job=job), words, tone, undo=act)
    detail = await job_detail(await moment_of(request), wanted, job)
    answer = await draw_pane(request, wanted, detail, None, missing=job, status=status)
    answer.headers["X-Board-Notice"] = quote(language_of(request).said(words))
    answer.headers["X-Board-Undo"] = act
    return answer


def _added_words(added: list[str], number: str) -> str:
    if len(added) == 1:
        return say("“{file}” is with {number}.", file=added[0], number=number)
    return say_n(
        "{n} file is with {number}.", "{n} files are with {number}.", len(added), number=number
    )


def _with_added(words: str, added: list[str]) -> str:
    if not added:
        return words
    before = say_n("{n} before it was added.", "{n} before it were added.", len(added))
    return listed((words, before), " ")


async def give_file(request: web.Request) -> web.StreamResponse:
    """GET /files/{job}/{file}: the bytes of a file, some of them at a time."""
    hub, job = request.app[HUB], request.match_info["job"]
    state = await hub.reader.state(job)
    found = file_named(state, request.match_info["file"])
    if found is None:
        words = say("It may have been removed; look at the job again.")
        raise Refused(404, say("The job shows no such file."), words)
    files = hub.replica.files
    try:
        chunks = await hub.writer.run(files.list_of, found.address)
        whole = chunks is not None and await hub.writer.run(files.holds, found.address)
        if chunks is None or not whole:
            words = say("The job says from whom they are awaited.")
            raise Refused(404, say("The bytes of this file are not here yet."), words)
        # Each proves true before it goes out; a damaged one ends the answer short of its length.
        first = await hub.writer.run(files.chunk, found.address, 1)
    except LogError as error:
        words = say("It is fetched again from whoever has it.")
        raise Refused(404, sentence(str(error)), words) from error
    answer = web.StreamResponse(headers=headers_of_file(found.shown, first[:HEAD_BYTES]))
    answer.content_length = chunks.size
    await answer.prepare(request)
    await answer.write(first)
    for number in range(2, chunks.chunks + 1):
        await answer.write(await hub.writer.run(files.chunk, found.address, number))
    await answer.write_eof()
    return answer


def add_routes(app: web.Application) -> None:
    """Add this module's addresses to `app`."""
    job = "/files/{job:[0-9a-f]{24}}"
    app.router.add_post(job, add_files)
    app.router.add_get(job + "/{file:[0-9a-f]{1,128}}", give_file, allow_head=False)
