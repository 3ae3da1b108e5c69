"""Customers: the list with its search, and one customer with places, contacts and jobs.

Asks and shows; the form that makes and changes customers is `web.pages.customer_form`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from core.dispatch.acts import ActError
from hub.keys import ACCOUNT, HUB
from web.formats import folded, matches, point_words
from web.frame import settings_of
from web.outlines import corners_in, text_of_row
from web.pages.history import HistoryRow, history_of
from web.pages.quick_job import Asked, QuickJob, make_job, quick_job, refusal_words
from web.pages.search import WORDS_MAX
from web.recurring.listed import RecurrenceRow, recurring_of
from web.rendering import show

SHOWN_MAX: Final = 200
"""More than fits on ten screens; the search finds the rest."""
JOBS_SHOWN_MAX: Final = 20

_LIST: Final = """
    SELECT customer.customer, customer.name, customer.number, customer.archived,
           (SELECT count(*) FROM customer_place AS place
            WHERE place.customer = customer.customer AND place.archived = 0) AS places,
           coalesce((SELECT group_concat(place.name || char(10) || place.address, char(10))
                     FROM customer_place AS place
                     WHERE place.customer = customer.customer AND place.archived = 0), '') AS place,
           coalesce((SELECT group_concat(c.name || char(10) || c.phone || char(10) || c.email,
                                         char(10))
                     FROM contact AS c WHERE c.customer = customer.customer AND c.archived = 0), '')
           AS contacts,
           (SELECT count(*) FROM job WHERE job.customer = customer.customer
            AND job.status IN ('open', 'in progress')) AS open_jobs,
           (SELECT max(job.finished_at) FROM job WHERE job.customer = customer.customer)
           AS last_visit
    FROM customer
"""
_ONE: Final = "SELECT customer, name, number, note, archived FROM customer WHERE customer = ?"
_PLACES: Final = """
    SELECT place, name, address, lat_e7, lon_e7, radius_m, archived, outline FROM customer_place
    WHERE customer = ? ORDER BY archived, name COLLATE NOCASE, place
"""
_CONTACTS: Final = """
    SELECT contact, name, phone, email, archived FROM contact
    WHERE customer = ? ORDER BY archived, name COLLATE NOCASE, contact
"""
_JOBS: Final = """
    SELECT job.job, job.number, job.title, job.status, job.window_start, job.window_end,
           job.finished_at, coalesce(worker.name, '') AS worker
    FROM job LEFT JOIN worker ON worker.worker = job.worker
    WHERE job.customer = ? AND (job.status IN ('open', 'in progress')) = ?
    ORDER BY CASE WHEN ? THEN coalesce(job.window_start, 9e15)
                  ELSE -coalesce(job.finished_at, job.updated_at) END
    LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """One line of the list; `place` and `contact` are the first of each, in words."""

    customer: str
    name: str
    number: str
    archived: bool
    places: int
    place: str
    contact: str
    open_jobs: int
    last_visit_ms: int | None


@dataclass(frozen=True, slots=True)
class CustomersPage:
    """The list: what was looked for, the rows that fit, how many there are, whether archived."""

    text: str
    rows: tuple[CustomerRow, ...]
    found: int
    total: int
    archived: bool


@dataclass(frozen=True, slots=True)
class Place:
    """A place of a customer; `point` in words, "" where it is not known.

    `outline` is as the form has it; `corners` of it bound the place, with 0 the circle does.
    """

    place: str
    name: str
    address: str
    point: str
    radius_m: int
    archived: bool
    outline: str = ""
    corners: int = 0


@dataclass(frozen=True, slots=True)
class Contact:
    """A person to talk to at a customer's."""

    contact: str
    name: str
    phone: str
    email: str
    archived: bool


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job of the customer or worker; times are ms."""

    job: str
    number: str
    title: str
    status: str
    window_start: int | None
    window_end: int | None
    finished_at_ms: int | None
    who: str


@dataclass(frozen=True, slots=True)
class CustomerPage:
    """One customer with everything that a call from them needs."""

    customer: str
    name: str
    number: str
    note: str
    archived: bool
    places: tuple[Place, ...]
    contacts: tuple[Contact, ...]
    open_jobs: tuple[JobRow, ...]
    past_jobs: tuple[JobRow, ...]
    recurring: tuple[RecurrenceRow, ...]
    history: tuple[HistoryRow, ...]
    quick: QuickJob | None


async def customers_page(request: web.Request) -> web.StreamResponse:
    """GET /customers?q=&archived=yes."""
    text = request.query.get("q", "").strip()[:200]
    archived = request.query.get("archived") == "yes"
    words = folded(text).split()[:WORDS_MAX]
    rows = await request.app[HUB].reader.rows(_LIST)
    of_kind = [row for row in rows if bool(row["archived"]) == archived]
    found = [
        row
        for row in of_kind
        if not words or matches(words, row["name"], row["number"], row["place"], row["contacts"])
    ]
    found.sort(key=lambda row: folded(row["name"]))
    page = CustomersPage(
        text, tuple(_row(row) for row in found[:SHOWN_MAX]), len(found), len(of_kind), archived
    )
    return await show(request, "customers.html", page)


def _row(row: Any) -> CustomerRow:
    name, address = ((row["place"] or "").split("\n") + ["", ""])[:2]
    contact = [part for part in row["contacts"].split("\n")[:2] if part]
    return CustomerRow(
        row["customer"],
        row["name"],
        row["number"],
        bool(row["archived"]),
        row["places"],
        address or name,
        " · ".join(contact),
        row["open_jobs"],
        row["last_visit"],
    )


async def customer_page(request: web.Request) -> web.StreamResponse:
    """GET /customers/{customer}."""
    return await _show_customer(request, {}, "", "")


async def make_quick_job(request: web.Request) -> web.StreamResponse:
    """POST /customers/{customer}/job: make it, or show the page with what is to be said."""
    customer = request.match_info["customer"]
    found = await request.app[HUB].reader.row(_ONE, (customer,))
    if found is None:
        raise web.HTTPNotFound
    form = await request.post()
    given = {name: str(form.get(name, "")) for name in ("title", "day", "worker")}
    try:
        made = await make_job(request, customer, form)
    except (ActError, Asked) as refusal:
        error, question = refusal_words(refusal)
        status = 409 if question else 422
        return await _show_customer(request, given, error, question, status)
    raise made


async def _show_customer(
    request: web.Request, given: Mapping[str, str], error: str, question: str, status: int = 200
) -> web.Response:
    customer = request.match_info["customer"]
    reader = request.app[HUB].reader
    row = await reader.row(_ONE, (customer,))
    if row is None:
        raise web.HTTPNotFound
    on = (await settings_of(request)).get("job_dispatch") is True
    may_make = on and not row["archived"] and request[ACCOUNT].role != "manager"
    page = CustomerPage(
        customer=customer,
        name=row["name"],
        number=row["number"],
        note=row["note"],
        archived=bool(row["archived"]),
        places=await places_of(reader, customer),
        contacts=await contacts_of(reader, customer),
        open_jobs=await _jobs(reader, customer, is_open=True),
        past_jobs=await _jobs(reader, customer, is_open=False),
        recurring=await recurring_of(reader, customer, request.app[HUB].clock.now_ms()),
        history=await history_of(reader, customer),
        quick=await quick_job(request, customer, given, error, question) if may_make else None,
    )
    return await show(request, "customer.html", page, status=status)


async def places_of(reader: Any, customer: str) -> tuple[Place, ...]:
    """All places of a customer, those in use first."""
    return tuple(
        Place(
            row["place"],
            row["name"],
            row["address"],
            point_words(row["lat_e7"], row["lon_e7"]),
            row["radius_m"],
            bool(row["archived"]),
            text_of_row(row),
            corners_in(row),
        )
        for row in await reader.rows(_PLACES, (customer,))
    )


async def contacts_of(reader: Any, customer: str) -> tuple[Contact, ...]:
    """All contacts of a customer, those in use first."""
    return tuple(
        Contact(row["contact"], row["name"], row["phone"], row["email"], bool(row["archived"]))
        for row in await reader.rows(_CONTACTS, (customer,))
    )


async def _jobs(reader: Any, customer: str, *, is_open: bool) -> tuple[JobRow, ...]:
    rows = await reader.rows(_JOBS, (customer, is_open, is_open, JOBS_SHOWN_MAX))
    return tuple(
        JobRow(
            row["job"],
            row["number"],
            row["title"],
            row["status"],
            row["window_start"],
            row["window_end"],
            row["finished_at"],
            row["worker"],
        )
        for row in rows
    )


def add_routes(app: web.Application) -> None:
    """Add this module's pages to `app`."""
    app.router.add_get("/customers", customers_page)
    app.router.add_get("/customers/{customer:[0-9a-f]{24}}", customer_page)
    app.router.add_post("/customers/{customer:[0-9a-f]{24}}/job", make_quick_job)
