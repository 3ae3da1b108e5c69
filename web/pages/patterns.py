"""What recurs: sites that are visited by a rule, and rounds, each with the days that show it.

One step leads from a rule to the form of a recurring job, filled in. Asks and shows, and writes
nothing. Invariant: nothing is offered that the page shows no days of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web

from core.sentence import Sentence, say
from hub.keys import HUB
from web.board.filters import is_stream_id
from web.formats import WEEKDAYS, local_time, minute_of_day_text, weekday_date_words
from web.frame import settings_of, zone_of
from web.history.found import DAYS, FoundRound, FoundRule, Patterns, patterns_of
from web.history.words import form_inputs, rule_words
from web.rendering import show
from web.reports.figures import choices

DAYS_SHOWN: Final = 3
RULES_SHOWN_MAX: Final = 300


@dataclass(frozen=True, slots=True)
class RuleView:
    """A rule in words: where, when, how often it was kept, the days, and where one step leads."""

    site: str
    customer: str
    title: str
    rule: str
    share: str
    days: tuple[str, ...]
    arrival: str
    minutes: int | None
    worker: str
    worker_name: str
    worker_share: str
    job: str
    href: str

    @property
    def last_days(self) -> tuple[str, ...]:
        """The newest of the days, the newest first."""
        return self.days[:DAYS_SHOWN]


@dataclass(frozen=True, slots=True)
class RoundView:
    """A round in words: whose, on which weekday, its sites in order, the days."""

    worker: str
    worker_name: str
    weekday: str
    sites: tuple[str, ...]
    share: str
    days: tuple[str, ...]
    starts: str


@dataclass(frozen=True, slots=True)
class PatternsPage:
    """All that recurs, of all customers and workers or of one."""

    rules: tuple[RuleView, ...]
    rounds: tuple[RoundView, ...]
    more: int
    cut: bool
    customer: str
    customer_name: str
    worker: str
    workers: Sequence[Any]

    @property
    def weeks(self) -> int:
        """How many weeks back was looked."""
        return DAYS // 7


async def patterns_page(request: web.Request) -> web.StreamResponse:
    """GET /history/patterns?customer=&worker=."""
    hub = request.app[HUB]
    zone, now_ms = zone_of(await settings_of(request)), hub.clock.now_ms()
    today = local_time(now_ms, zone).date()
    customer, worker = (
        text if is_stream_id(text := request.query.get(name, "")) else ""
        for name in ("customer", "worker")
    )
    found: Patterns = await patterns_of(hub.reader, now_ms, zone, customer, worker)
    workers, _ = await choices(hub.reader)
    name_by_worker = {row["id"]: row["name"] for row in workers}
    row = await hub.reader.row("SELECT name FROM customer WHERE customer = ?", (customer,))
    page = PatternsPage(
        rules=tuple(
            _rule_view(one, name_by_worker, today) for one in found.rules[:RULES_SHOWN_MAX]
        ),
        rounds=tuple(_round_view(one, name_by_worker) for one in found.rounds),
        more=max(0, len(found.rules) - RULES_SHOWN_MAX),
        cut=found.cut,
        customer=customer,
        customer_name="" if not customer else row["name"] if row else say("an unknown customer"),
        worker=worker,
        workers=workers,
    )
    return await show(request, "patterns.html", page)


def _rule_view(found: FoundRule, name_by_worker: dict[str, str], today: date) -> RuleView:
    own, site = found.recurring, found.site
    return RuleView(
        site=site.words,
        customer=site.customer,
        title=own.title,
        rule=rule_words(own.rule),
        share=_share(len(own.hits), own.expected),
        days=tuple(map(weekday_date_words, reversed(own.hits))),
        arrival=minute_of_day_text(own.minute),
        minutes=own.minutes,
        worker=own.worker,
        worker_name=name_by_worker.get(own.worker, ""),
        worker_share=_share(own.worker_hits, len(own.hits)),
        job=found.job,
        href=f"/recurring/new?{urlencode(_inputs(found, today))}",
    )


def _share(part: int, whole: int) -> Sentence:
    return say("{part} of {whole}", part=part, whole=whole)


def _inputs(found: FoundRule, today: date) -> list[tuple[str, str]]:
    """The inputs of the form: where, and what `web.history.words` says of the rule."""
    site = found.site
    where = [("customer", site.customer), ("place", site.place)]
    if not site.customer and site.point is not None:
        where = [("point", site.words)]
    return [pair for pair in [*where, *form_inputs(found.recurring, today)] if pair[1]]


def _round_view(found: FoundRound, name_by_worker: dict[str, str]) -> RoundView:
    own = found.round
    return RoundView(
        worker=own.worker,
        worker_name=name_by_worker.get(own.worker, say("unknown worker")),
        weekday=WEEKDAYS[own.weekday],
        sites=tuple(site.words or say("a site without a name") for site in found.sites),
        share=_share(len(own.days), own.worked),
        days=tuple(map(weekday_date_words, reversed(own.days))),
        starts=minute_of_day_text(own.minute),
    )


def add_routes(app: web.Application) -> None:
    """Add this module's pages to `app`."""
    app.router.add_get("/history/patterns", patterns_page)
