"""The pages of an import: choose a file or paste, look at what it would do, import, see the result.

Each page works without scripts; a script sends a choice as soon as it is made and keeps the
progress moving. Holds no rules of what is the same or faulty. Invariant: nothing is written but by
the button of a preview, and then all of what it showed.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web
from aiohttp.web_request import FileField

from core.sentence import say
from hub.app import UPLOAD_BYTES_MAX
from hub.guard import Refused
from hub.keys import ACCOUNT, HUB
from web.formats import sentence
from web.frame import must_write, see_other, settings_of
from web.imports.columns import COLUMNS_BY_KIND
from web.imports.desk import DESK, ImportDesk, Upload, desk_of_app
from web.imports.plan import SAME_CHOICES, Item, Plan
from web.imports.reading import Reading, read_reading
from web.imports.table import (
    ROWS_MAX,
    WORDS_BY_ENCODING,
    WORDS_BY_SEPARATOR,
    TableError,
    take,
)
from web.imports.values import ORDERS
from web.language import answer_json
from web.rendering import show

ROWS_SHOWN: Final = 20
FAULTS_SHOWN: Final = 200
NOTES_SHOWN: Final = 100
_CHOICES_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class KindWords:
    """What pages say of one kind: its name, what can be in it, the heads of pages, a button."""

    name: str
    hint: str
    doing: str
    done: str
    shows: str


WORDS_BY_KIND: Final = {
    "customers": KindWords(
        say("Customers"),
        say(
            "Name, number, place, address, position, contact, phone, e-mail, note. Several rows "
            "of one customer make several places and contacts."
        ),
        say("Import customers"),
        say("Imported customers"),
        say("Show customers"),
    ),
    "workers": KindWords(
        say("Workers"),
        say(
            "Name, phone number, team, vehicle, number plate, skills, shift, note. Teams, vehicles "
            "and skills that are not there yet are added."
        ),
        say("Import workers"),
        say("Imported workers"),
        say("Show workers"),
    ),
    "jobs": KindWords(
        say("Jobs"),
        say(
            "Title, customer, place or address, day, from, until, duration, priority, skills, "
            "worker, instructions. Customers and workers have to be there."
        ),
        say("Import jobs"),
        say("Imported jobs"),
        say("Show jobs"),
    ),
}
_ASK_A_DISPATCHER: Final = say("Ask a dispatcher to import this.")


@dataclass(frozen=True, slots=True)
class ImportPage:
    """The first page: what can be imported, which kind is chosen, what was pasted."""

    kind: str
    words_by_kind: Mapping[str, KindWords]
    rows_max: int
    bytes_max: int
    pasted: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class ShownColumn:
    """A column of the preview: its input, its head, and the field that it is taken for."""

    input: str
    head: str
    key: str


@dataclass(frozen=True, slots=True)
class ShownRow:
    """A row of the preview: its outcome, and its cells as they would be."""

    item: Item
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PreviewPage:
    """What the import would do, as it is read now. `plan` is None where it can't be planned."""

    id: str
    kind: str
    words: KindWords
    name: str
    reading: Reading | None
    plan: Plan | None
    columns: tuple[ShownColumn, ...]
    choices: Mapping[str, str]
    rows: tuple[ShownRow, ...]
    faults: tuple[Item, ...]
    noted: tuple[Item, ...]
    asked: Mapping[str, str]
    error: str
    addresses_found: bool
    words_by_encoding: Mapping[str, str]
    words_by_separator: Mapping[str, str]
    same_choices: Mapping[str, str]
    orders: Mapping[str, str]
    has_slashes: bool

    @property
    def writes(self) -> int:
        """How many rows would bring something."""
        if self.plan is None:
            return 0
        return sum(self.plan.count(state) for state in ("new", "more", "updated"))


@dataclass(frozen=True, slots=True)
class ProgressPage:
    """Work that takes longer: what is done, and where the page goes on to."""

    id: str
    words: KindWords
    name: str
    what: str
    done: int
    total: int
    is_writing: bool
    onward: str


@dataclass(frozen=True, slots=True)
class ResultPage:
    """What was imported, by which act."""

    kind: str
    words: KindWords
    name: str
    act: str
    entry: str
    plan: Plan
    made: tuple[tuple[str, str], ...]
    faults: tuple[Item, ...]
    noted: tuple[Item, ...]


async def first_page(request: web.Request) -> web.StreamResponse:
    """GET /import?kind=customers|workers|jobs."""
    must_write(request, _ASK_A_DISPATCHER)
    return await _first(request, _kind(request.query))


async def upload(request: web.Request) -> web.StreamResponse:
    """POST /import: a file, or pasted text; on to its preview."""
    must_write(request, _ASK_A_DISPATCHER)
    form = await request.post()
    kind, desk = _kind(form), request.app[DESK]
    sent, pasted = form.get("file"), form.get("pasted")
    text = pasted if isinstance(pasted, str) else ""
    try:
        if isinstance(sent, FileField) and sent.filename:
            data, name = await desk.run(take, sent.file), sent.filename[:120]
        else:
            data, name = await desk.run(_taken_text, text), say("Pasted rows")
        # Read as a table before it is kept: one that is too large is refused here.
        await desk.run(read_reading, kind, data, {})
        kept = desk.add(request[ACCOUNT].account, kind, name, data)
    except TableError as refusal:
        shown = text if len(text) < 100_000 else ""
        return await _first(request, kind, shown, sentence(str(refusal)), status=422)
    raise see_other(f"/import/{kept.id}")


def _taken_text(text: str) -> bytes:
    return take(io.BytesIO(text.encode("utf-8", "replace")))


async def preview(request: web.Request) -> web.StreamResponse:
    """GET /import/{id}?encoding=&separator=&head=&same=&order=&form=&c0=…: what it would do."""
    desk, kept = _of(request)
    if kept.outcome is not None:
        return await show(request, "imports/result.html", _result_page(kept))
    asked = _asked(request.query)
    try:
        reading = await desk.run(read_reading, kept.kind, kept.data, asked)
    except TableError as refusal:
        page = _preview_page(kept, None, asked, sentence(str(refusal)))
        return await show(request, "imports/preview.html", page, status=422)
    await desk.look(kept, reading, await settings_of(request))
    if kept.outcome is not None:
        return await show(request, "imports/result.html", _result_page(kept))
    if kept.is_busy:
        return await show(request, "imports/progress.html", _progress_page(kept, asked))
    page = _preview_page(kept, reading, asked, kept.notice or kept.error)
    kept.notice = ""
    return await show(request, "imports/preview.html", page)


async def carry_out(request: web.Request) -> web.StreamResponse:
    """POST /import/{id}: import what the preview showed."""
    must_write(request, _ASK_A_DISPATCHER)
    desk, kept = _of(request)
    form = await request.post()
    asked = _asked(form)
    try:
        reading = await desk.run(read_reading, kept.kind, kept.data, asked)
    except TableError as refusal:
        raise see_other("/import", sentence(str(refusal)), "bad") from refusal
    mark = str(form.get("mark", ""))
    await desk.carry_out(kept, request[ACCOUNT], reading, await settings_of(request), mark)
    raise web.HTTPSeeOther(_preview_path(kept, asked))


async def cancel(request: web.Request) -> web.StreamResponse:
    """POST /import/{id}/cancel: give it up; nothing of it is imported."""
    desk, kept = _of(request)
    # Until it writes, its own next step ends it; the writing itself is one transaction.
    if kept.is_writing and kept.progress.what != "Writing":
        kept.progress.cancel()
        raise see_other(f"/import?kind={kept.kind}", say("Nothing was imported."))
    if not desk.drop(kept):
        raise see_other(
            f"/import/{kept.id}", say("It is being written already, all of it at once."), "risk"
        )
    raise see_other(f"/import?kind={kept.kind}", say("Nothing was imported."))


async def progress_json(request: web.Request) -> web.StreamResponse:
    """GET /import/{id}/progress.json: `state` is working, shown or done; `act` what was written."""
    _, kept = _of(request)
    outcome = kept.outcome
    state = "done" if outcome is not None else "working" if kept.is_busy else "shown"
    answer = {
        "state": state,
        "what": kept.progress.what,
        "done": kept.progress.done,
        "total": kept.progress.total,
        "act": outcome.act if outcome is not None else "",
        "entry": outcome.entry if outcome is not None else "",
    }
    return answer_json(request, answer)


# --- what the pages get


async def _first(
    request: web.Request, kind: str, pasted: str = "", error: str = "", status: int = 200
) -> web.Response:
    page = ImportPage(kind, WORDS_BY_KIND, ROWS_MAX, UPLOAD_BYTES_MAX, pasted, error)
    return await show(request, "imports/first.html", page, status=status)


def _preview_page(
    kept: Upload, reading: Reading | None, asked: Mapping[str, str], error: str
) -> PreviewPage:
    table = reading.table if reading is not None else None
    plan = kept.plan if reading is not None else None
    columns = reading.columns if reading is not None else ()
    head = table.head if table is not None else ()
    return PreviewPage(
        id=kept.id,
        kind=kept.kind,
        words=WORDS_BY_KIND[kept.kind],
        name=kept.name,
        reading=reading,
        plan=plan,
        columns=tuple(
            ShownColumn(f"c{index}", name or say("Column {n}", n=index + 1), key)
            for index, (name, key) in enumerate(zip(head, columns, strict=True))
        ),
        choices={column.key: column.words for column in COLUMNS_BY_KIND[kept.kind]},
        rows=_shown_rows(reading, plan) if reading is not None else (),
        faults=_of_state(plan, "faulty")[:FAULTS_SHOWN],
        noted=_noted(plan),
        asked=reading.asked if reading is not None else asked,
        error=error,
        addresses_found=kept.addresses.can_be_found,
        words_by_encoding=WORDS_BY_ENCODING,
        words_by_separator=WORDS_BY_SEPARATOR,
        same_choices=SAME_CHOICES,
        orders=ORDERS,
        has_slashes=table is not None
        and any("/" in cell for row in table.rows[:200] for cell in row.cells),
    )


def _shown_rows(reading: Reading, plan: Plan | None) -> tuple[ShownRow, ...]:
    """The first rows as they would be; as they are where nothing could be planned."""
    shown = []
    for index, row in enumerate(reading.table.rows[:ROWS_SHOWN]):
        item = plan.items[index] if plan is not None else Item(row.line, "")
        cells = row.cells + ("",) * (len(reading.columns) - len(row.cells))
        words = tuple(
            item.shown.get(key, cell) if key else cell
            for key, cell in zip(reading.columns, cells, strict=False)
        )
        shown.append(ShownRow(item, words))
    return tuple(shown)


def _of_state(plan: Plan | None, state: str) -> tuple[Item, ...]:
    return tuple(item for item in plan.items if item.state == state) if plan else ()


def _noted(plan: Plan | None) -> tuple[Item, ...]:
    return tuple(item for item in plan.items if item.notes)[:NOTES_SHOWN] if plan else ()


def _progress_page(kept: Upload, asked: Mapping[str, str]) -> ProgressPage:
    progress = kept.progress
    return ProgressPage(
        kept.id, WORDS_BY_KIND[kept.kind], kept.name, progress.what, progress.done,
        progress.total, kept.is_writing, _preview_path(kept, asked),
    )  # fmt: skip


def _result_page(kept: Upload) -> ResultPage:
    assert kept.outcome is not None
    plan = kept.outcome.plan
    names = {item.line: _name_of(kept.kind, item) for item in plan.items}
    path = {"customers": "/customers/", "workers": "/workers/", "jobs": "/jobs/"}[kept.kind]
    made = [(path + stream, names[line]) for line, stream in plan.made.items()]
    return ResultPage(
        kept.kind,
        WORDS_BY_KIND[kept.kind],
        kept.name,
        kept.outcome.act,
        kept.outcome.entry,
        plan,
        tuple(made[:NOTES_SHOWN]),
        _of_state(plan, "faulty")[:FAULTS_SHOWN],
        _noted(plan),
    )


def _name_of(kind: str, item: Item) -> str:
    if kind == "jobs":
        return item.shown.get("title", "")
    parts = (item.shown.get(key, "") for key in ("first_name", "last_name"))
    return item.shown.get("name", "") or " ".join(filter(None, parts))


# --- what was asked


def _kind(given: Mapping[str, Any]) -> str:
    kind = given.get("kind")
    return kind if isinstance(kind, str) and kind in COLUMNS_BY_KIND else "customers"


def _asked(given: Mapping[str, Any]) -> dict[str, str]:
    """The choices of a preview, out of a query or a form."""
    names: Sequence[str] = [
        *("encoding", "separator", "head", "same", "order", "form"),
        *(f"c{index}" for index in range(_CHOICES_MAX)),
    ]
    return {name: str(given[name])[:60] for name in names if name in given}


def _preview_path(kept: Upload, asked: Mapping[str, str]) -> str:
    return f"/import/{kept.id}?{urlencode(asked)}" if asked else f"/import/{kept.id}"


def _of(request: web.Request) -> tuple[ImportDesk, Upload]:
    desk = request.app[DESK]
    kept = desk.find(request[ACCOUNT].account, request.match_info["id"])
    if kept is None:
        raise Refused(
            404,
            say("This import is not here any more."),
            say(
                "It was given up, is older than an hour, or the hub was started anew. If you had "
                "not imported it, nothing of it was written: choose the file again on the import "
                "page."
            ),
        )
    return desk, kept


def add_routes(app: web.Application) -> None:
    """Add the pages of imports, and the desk that holds what people are importing, to `app`."""
    app[DESK] = ImportDesk(app[HUB])
    app.cleanup_ctx.append(desk_of_app)
    app.router.add_get("/import", first_page)
    app.router.add_post("/import", upload)
    app.router.add_get("/import/{id:[0-9a-f]{16}}", preview)
    app.router.add_post("/import/{id:[0-9a-f]{16}}", carry_out)
    app.router.add_post("/import/{id:[0-9a-f]{16}}/cancel", cancel)
    app.router.add_get("/import/{id:[0-9a-f]{16}}/progress.json", progress_json)
