"""Search over everything that has a name: jobs, customers, workers.

Jobs are found by the words of their full-text index; customers and workers by folded parts of
names, numbers and addresses, so that `novak` finds *Novák*.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from core.sentence import listed, say
from hub.keys import HUB
from web.board.filters import VIEWS
from web.formats import folded, matches
from web.language import answer_json, language_of
from web.rendering import show
from web.stale_form import clean

FOUND_MAX: Final = 25
"""Of each kind; a longer list is a reason to type another letter."""
WORDS_MAX: Final = 8
OFFERED_MAX: Final = 8
"""Of each kind in the list of commands, which is short."""

_JOBS: Final = """
    SELECT job.job, job.number, job.title, job.status, job.window_start, job.window_end,
           customer.name AS customer, worker.name AS worker
    FROM job_text JOIN job ON job.local = job_text.rowid
    LEFT JOIN customer ON customer.customer = job.customer
    LEFT JOIN worker ON worker.worker = job.worker
    WHERE job_text MATCH ? ORDER BY rank LIMIT ?
"""
_BY_NUMBER: Final = """
    SELECT job.job, job.number, job.title, job.status, job.window_start, job.window_end,
           customer.name AS customer, worker.name AS worker
    FROM job
    LEFT JOIN customer ON customer.customer = job.customer
    LEFT JOIN worker ON worker.worker = job.worker
    WHERE job.number = ? COLLATE NOCASE LIMIT ?
"""
_CUSTOMERS: Final = """
    SELECT customer, name, number, archived,
           coalesce((SELECT group_concat(name || ' ' || address, ' · ') FROM customer_place
                     WHERE customer_place.customer = customer.customer AND archived = 0), '')
           AS places,
           coalesce((SELECT group_concat(name || ' ' || phone || ' ' || email, ' · ') FROM contact
                     WHERE contact.customer = customer.customer AND archived = 0), '') AS contacts
    FROM customer ORDER BY archived, name COLLATE NOCASE
"""
_WORKERS: Final = """
    SELECT worker.worker, worker.name, worker.phone, worker.archived,
           coalesce(team.name, '') AS team, coalesce(vehicle.name, '') AS vehicle,
           coalesce(vehicle.plate, '') AS plate
    FROM worker LEFT JOIN team ON team.team = worker.team
    LEFT JOIN vehicle ON vehicle.vehicle = worker.vehicle
    ORDER BY worker.archived, worker.name COLLATE NOCASE
"""


@dataclass(frozen=True, slots=True)
class FoundJob:
    """A job that was found; `window_start` and `window_end` are ms or None."""

    job: str
    number: str
    title: str
    status: str
    window_start: int | None
    window_end: int | None
    customer: str
    worker: str


@dataclass(frozen=True, slots=True)
class Found:
    """A customer or a worker that was found: where its page is, its name and what helps to tell."""

    href: str
    name: str
    detail: str
    archived: bool


@dataclass(frozen=True, slots=True)
class SearchPage:
    """What was looked for and found; `more` names the kinds of which there is more than shown."""

    text: str
    jobs: tuple[FoundJob, ...]
    customers: tuple[Found, ...]
    workers: tuple[Found, ...]
    more: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all was found."""
        return not (self.jobs or self.customers or self.workers)


async def search_page(request: web.Request) -> web.StreamResponse:
    """GET /search?q=."""
    return await show(request, "search.html", await _find(request))


async def search_json(request: web.Request) -> web.StreamResponse:
    """GET /search.json?q=: what the list of commands offers, at most `OFFERED_MAX` of each kind.

    Lists by kind (`jobs`, `customers`, `workers`, `views`) of things with `href`, `words` and
    `note`; a job has its id as `job` too.
    """
    page = await _find(request)
    words = folded(page.text).split()[:WORDS_MAX]
    language = language_of(request)
    jobs = [
        {
            "job": job.job,
            "href": f"/jobs/{job.job}",
            "words": listed(filter(None, (job.number, job.title or say("Untitled"))), " "),
            "note": listed(filter(None, (say(job.status), job.customer, job.worker)), " · "),
        }
        for job in page.jobs[:OFFERED_MAX]
    ]
    views = [
        {"href": f"/?view={view.id}", "words": view.words, "note": ""}
        for view in VIEWS
        if words and matches(words, language.said(view.words))
    ]
    found = {
        "jobs": jobs,
        "customers": _offered(page.customers),
        "workers": _offered(page.workers),
        "views": views,
    }
    return answer_json(request, found)


def _offered(found: tuple[Found, ...]) -> list[dict[str, str]]:
    return [
        {
            "href": one.href,
            "words": one.name,
            "note": say("archived") if one.archived else one.detail[:80],
        }
        for one in found[:OFFERED_MAX]
    ]


async def _find(request: web.Request) -> SearchPage:
    """What the request's `q` finds."""
    text = clean(request.query.get("q", ""))[:200]
    words = folded(text).split()[:WORDS_MAX]
    jobs = await _jobs(request, text, words) if words else ()
    reader = request.app[HUB].reader
    customers = [
        Found(
            f"/customers/{row['customer']}",
            row["name"],
            " · ".join(part for part in (row["number"], row["places"]) if part.strip()),
            bool(row["archived"]),
        )
        for row in (await reader.rows(_CUSTOMERS) if words else [])
        if matches(words, row["name"], row["number"], row["places"], row["contacts"])
    ]
    workers = [
        Found(
            f"/workers/{row['worker']}",
            row["name"],
            " · ".join(part for part in (row["team"], row["vehicle"], row["plate"]) if part),
            bool(row["archived"]),
        )
        for row in (await reader.rows(_WORKERS) if words else [])
        if matches(words, row["name"], row["phone"], row["team"], row["vehicle"], row["plate"])
    ]
    lists = {"jobs": jobs, "customers": customers, "workers": workers}
    return SearchPage(
        text,
        tuple(jobs[:FOUND_MAX]),
        tuple(customers[:FOUND_MAX]),
        tuple(workers[:FOUND_MAX]),
        tuple(kind for kind, found in lists.items() if len(found) > FOUND_MAX),
    )


async def _jobs(request: web.Request, text: str, words: list[str]) -> list[FoundJob]:
    reader = request.app[HUB].reader
    # Each word is quoted, so that nothing typed is read as the index's own language.
    query = " ".join('"{}"*'.format(word.replace('"', '""')) for word in words)
    rows = [*await reader.rows(_BY_NUMBER, (text, FOUND_MAX + 1))]
    rows += await reader.rows(_JOBS, (query, FOUND_MAX + 1))
    by_job: dict[str, Any] = {}
    for row in rows:
        by_job.setdefault(row["job"], row)
    return [
        FoundJob(
            row["job"],
            row["number"],
            row["title"],
            row["status"],
            row["window_start"],
            row["window_end"],
            row["customer"] or "",
            row["worker"] or "",
        )
        for row in by_job.values()
    ]


def add_routes(app: web.Application) -> None:
    """Add this module's pages to `app`."""
    app.router.add_get("/search", search_page)
    app.router.add_get("/search.json", search_json)
