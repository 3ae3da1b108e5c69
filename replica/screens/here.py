"""What stands round every page, and the one function that draws a page.

`Screens` is made once; `Here` is loaded for each request: settings, duty, running log, sync and
notices. Templates get `here` and the page's own values. Invariant: templates hold no script or
style of their own and escape everything, so the strict policy holds for each page.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from aiohttp import web
from markupsafe import Markup

from core.dispatch.reasons import reason_words
from core.sentence import say
from core.span_words import ago_words
from replica.language import (
    ENGLISH,
    NAME_BY_LANGUAGE,
    Language,
    accepted_language,
    language_named,
)
from replica.notifying import Notifier
from replica.screens import local_time, words
from replica.screens.assets import Assets, installed_assets
from replica.screens.colleagues import Colleagues
from replica.screens.local_time import Zone
from replica.screens.marks import AS_THE_PHONE, Marks
from replica.screens.messages import Message, Messages
from replica.screens.notices import Asked, asked
from replica.screens.pill import Pill, pill_of
from replica.screens.port import Device, SyncState
from replica.screens.progress import OpenLog

TEMPLATE_FOLDER = Path(__file__).parent / "templates"
DEFAULT_THRESHOLD_MIN = 3

_DUTY = (
    "SELECT day, duty, start_at, stop_at FROM duty WHERE worker = ? AND stop_at IS NULL "
    "ORDER BY start_at DESC LIMIT 1"
)
_RUNNING = (
    "SELECT day, log, job, kind, source, start_at FROM time_log "
    "WHERE worker = ? AND stop_at IS NULL AND superseded = 0 ORDER BY start_at DESC"
)


@dataclass(frozen=True, slots=True)
class Duty:
    """A stretch of duty; `stop_at` is None while it lasts."""

    day: str
    duty: str
    start_at: int
    stop_at: int | None


@dataclass(frozen=True, slots=True)
class AppSettings:
    """The phone's own settings (M16-M18) as the store shows them."""

    jobs_on: bool = True
    auto_on: bool = True
    auto_mode: str = "automatic"
    threshold_min: int | None = None
    site_threshold_min: int = DEFAULT_THRESHOLD_MIN

    @property
    def threshold_shown_min(self) -> int:
        """The minimum that counts: the phone's own, else the site's."""
        return self.site_threshold_min if self.threshold_min is None else self.threshold_min


@dataclass(frozen=True, slots=True)
class Here:
    """Who, when and how things stand while one page is drawn.

    `site_known` is False until the first contact with a hub has brought the site's settings.
    """

    now_ms: int
    zone: Zone
    worker: str
    worker_name: str
    site_name: str
    shift: tuple[int, int] | None
    site_known: bool
    dispatch_on: bool
    app: AppSettings
    sync: SyncState
    pill: Pill
    duty: Duty | None
    running: tuple[OpenLog, ...]
    notices: tuple[Asked, ...]
    theme: str
    text_size: str
    unsent_by_stream: Mapping[str, int] = field(default_factory=dict)

    @property
    def today(self) -> str:
        """The local day."""
        return local_time.day_of(self.now_ms, self.zone)

    @property
    def jobs_shown(self) -> bool:
        """Whether jobs are to be seen and worked here."""
        return self.dispatch_on and self.app.jobs_on

    def clock(self, at_ms: int) -> str:
        """Hours and minutes."""
        return local_time.clock_words(at_ms, self.zone)

    def moment(self, at_ms: int) -> str:
        """The clock, with the day where that is not today."""
        return local_time.moment_words(at_ms, self.zone, self.now_ms)

    def ago(self, at_ms: int) -> str:
        """How long ago."""
        return ago_words(at_ms, self.now_ms)

    def window(self, start_ms: int | None, end_ms: int | None) -> str:
        """A job's window."""
        return local_time.window_words(start_ms, end_ms, self.zone, self.now_ms)


class Screens:
    """The parts that all pages share, for one device."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.assets = installed_assets()
        self._own = (device.folder, Marks(device.folder), Colleagues(device.folder))
        self.messages = Messages(device.now_ms, device.entropy)

    @property
    def marks(self) -> Marks:
        """What this side remembers of its own, for the worker who is in."""
        return self._of_whoever_is_in()[1]

    @property
    def colleagues(self) -> Colleagues:
        """The colleagues whom the worker who is in knows."""
        return self._of_whoever_is_in()[2]

    def _of_whoever_is_in(self) -> tuple[Path, Marks, Colleagues]:
        folder = self.device.folder
        if self._own[0] != folder:
            self._own = (folder, Marks(folder), Colleagues(folder))
        return self._own

    @property
    def language(self) -> Language:
        """The language in which the worker who is in reads."""
        return language_named(self.marks.language)

    def language_of_stranger(self, accepted: str) -> Language:
        """For a browser that was not let in: what was chosen here, else what it accepts itself."""
        chosen = self.marks.display("language")
        if chosen == AS_THE_PHONE and accepted:
            chosen = accepted_language(accepted)
        return self.language if chosen == AS_THE_PHONE else language_named(chosen)

    async def here(self) -> Here:
        """How things stand now, from the store's last commit."""
        device = self.device
        named, workers, duties, logs = await device.reader.answers(
            ("SELECT name, value FROM setting", ()),
            ("SELECT * FROM worker WHERE worker = ?", (device.worker,)),
            (_DUTY, (device.worker,)),
            (_RUNNING, (device.worker,)),
        )
        settings = {row["name"]: row["value"] for row in named}
        worker = workers[0] if workers else None
        sync = await device.sync_state()
        unsent = sync.unsent_by_stream or Counter(each.stream for each in sync.unsent)
        site_threshold = _setting(settings, "threshold_min", int, DEFAULT_THRESHOLD_MIN)
        now_ms, zone = device.now_ms(), local_time.zone_of(settings.get("time_zone"))
        running = tuple(map(_open_log, logs))
        return Here(
            now_ms=now_ms,
            zone=zone,
            worker=device.worker,
            worker_name=worker["name"] if worker is not None else "",
            site_name=_setting(settings, "site_name", str, ""),
            shift=_shift(worker["shift"]) if worker is not None else None,
            site_known=bool(settings),
            dispatch_on=_setting(settings, "job_dispatch", bool, False),
            app=_app_settings(worker, site_threshold),
            sync=sync,
            pill=pill_of(sync),
            duty=Duty(*duties[0]) if duties else None,
            running=running,
            notices=await self._notices(zone, now_ms, running),
            theme=self.marks.display("theme"),
            text_size=self.marks.display("text"),
            unsent_by_stream=unsent,
        )

    async def _notices(
        self, zone: Zone, now_ms: int, running: tuple[OpenLog, ...]
    ) -> tuple[Asked, ...]:
        """What auto logging asks, in words, each with what its job is called."""
        log_by_job = {
            log.job.hex(): f"/logs/{log.day}/{log.log.hex()}"
            for log in running
            if log.job is not None and log.source == "auto"
        }
        found = []
        for notice in self.device.notices():
            row = await self.device.reader.row(
                "SELECT job.title, customer.name FROM job LEFT JOIN customer "
                "ON customer.customer = job.customer WHERE job.job = ?",
                (notice.job,),
            )
            place = (row[1] or row[0]) if row is not None else say("a place of no job")
            other = log_by_job.get(notice.job, "") if notice.kind == "start" else ""
            found.append(replace(asked(notice, place, zone, now_ms), other=other))
        return tuple(found)

    def page(
        self,
        here: Here,
        template: str,
        *,
        title: str,
        back: str = "",
        message: Message | None = None,
        status: int = 200,
        **values: Any,
    ) -> web.Response:
        """Answer with `template`; `back` is where the arrow at the top leads."""
        text = self._template(template, self.language).render(
            here=here, title=title, back=back, message=message, **values
        )
        return web.Response(text=text, status=status, content_type="text/html")

    def bare_page(
        self, template: str, *, status: int = 200, language: Language | None = None, **values: Any
    ) -> web.Response:
        """Answer with a page that stands before a site is joined, or instead of one."""
        text = self._template(template, language or self.language).render(
            theme=self.marks.display("theme"), text_size=self.marks.display("text"), **values
        )
        return web.Response(text=text, status=status, content_type="text/html")

    def _template(self, name: str, language: Language) -> jinja2.Template:
        return make_environment(self.assets, language.tag).get_template(name)


SCREENS = web.AppKey("SCREENS", Screens)
NOTIFIER: web.AppKey[Notifier] = web.AppKey("NOTIFIER", Notifier)


def goto(address: str, token: str = "") -> web.Response:
    """Answer a form: see the page at `address`, with the message of `token`."""
    if token:
        path, mark, fragment = address.partition("#")
        address = f"{path}{'&' if '?' in path else '?'}said={token}{mark}{fragment}"
    return web.Response(status=303, headers={"Location": address})


def message_of(request: web.Request) -> Message | None:
    """The message that this page was asked to show, if its time is not over."""
    return request.app[SCREENS].messages.shown(request.query.get("said", ""))


async def form_of(request: web.Request) -> dict[str, str]:
    """The texts of a posted form; files and repeated names are not taken."""
    return {name: value for name, value in (await request.post()).items() if type(value) is str}


@cache
def make_environment(assets: Assets, tag: str = ENGLISH) -> jinja2.Environment:
    """The environment of all templates in a language: escaping, strict about names.

    One for the same files and language. Templates say their own words by `_` and `several`, and
    sentences that they are given are said in it too.
    """
    language = language_named(tag)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATE_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        # In English a sentence says itself.
        finalize=language.said if language.tag != ENGLISH else None,
    )
    sprite = assets.url("icons.svg")

    @cache
    def icon(name: str) -> Markup:
        """A drawing beside a word; decoration only."""
        return Markup('<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>').format(
            sprite, name
        )

    def strong(words: str) -> Markup:
        """What is set apart in a sentence."""
        return Markup("<strong>{}</strong>").format(language.said(words))

    environment.globals.update(
        _=language.say,
        several=language.say_n,
        language=language,
        names_of_languages=NAME_BY_LANGUAGE,
        asset=assets.url,
        icon=icon,
        shown_by_phase=words.SHOWN_BY_PHASE,
        kind_words=words.KIND_WORDS,
        kind_icon=words.ICON_BY_KIND,
        source_words=words.SOURCE_WORDS,
        priority_words=words.PRIORITY_WORDS,
    )
    environment.filters.update(
        minutes=words.minutes_words,
        timer=words.timer_words,
        size=words.size_words,
        distance=words.distance_words,
        evidence=words.evidence_words,
        reason=reason_words,
        strong=strong,
        certainty=words.certainty_words,
    )
    return environment


def _setting(settings: Mapping[str, str], name: str, kind: type, default: Any) -> Any:
    """A setting's value, `default` where there is none of that kind."""
    try:
        value = json.loads(settings[name])
    except (KeyError, ValueError):
        return default
    return value if type(value) is kind else default


def _open_log(row: Any) -> OpenLog:
    return OpenLog(
        day=row["day"],
        log=bytes.fromhex(row["log"]),
        job=bytes.fromhex(row["job"]) or None,
        kind=row["kind"],
        source=row["source"],
        start_at=row["start_at"],
    )


def _shift(text: str) -> tuple[int, int] | None:
    value = json.loads(text)
    return (value[0], value[1]) if isinstance(value, list) and len(value) == 2 else None


def _app_settings(worker: Any | None, site_threshold_min: int) -> AppSettings:
    if worker is None:
        return AppSettings(site_threshold_min=site_threshold_min)
    return AppSettings(
        jobs_on=bool(worker["jobs_on"]),
        auto_on=bool(worker["auto_on"]),
        auto_mode=worker["auto_mode"],
        threshold_min=worker["threshold_min"],
        site_threshold_min=site_threshold_min,
    )
