"""What stands round every page: the site, who is signed in, where one can go, how the phones are.

Holds what every page asks, and the notices that one answer leaves for the next. No page's own
content. Invariant: a frame shows nothing of the site to somebody who is not signed in but its name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import quote, unquote
from zoneinfo import ZoneInfo

from aiohttp import web

from core.sentence import marked, say
from hub.guard import Refused, form_token, session_cookie
from hub.hub import Hub
from hub.keys import ACCOUNT, GUARD_RULES, HUB, Account
from web.keys import Command, commands_for, offered
from web.language import language_of
from web.phones import NO_SUMMARY, PhonesSummary, phones_summary

NOTICE_COOKIE: Final = "fieldlog-notice"
THEME_COOKIE: Final = "fieldlog-theme"
NOTICE_CHARACTERS_MAX: Final = 600
VERBS: Final = (marked("Undo"), marked("Redo"))
ICON_BY_TONE: Final = {"good": "circle-check", "risk": "triangle-alert", "bad": "circle-alert"}

ROLE_WORDS: Final[dict[str, str]] = {
    "admin": say("Administrator"),
    "dispatcher": say("Dispatcher"),
    "manager": say("Manager, reads only"),
}


READS_ONLY: Final = say("A manager's account reads only.")
ASK_A_DISPATCHER: Final = say("Ask a dispatcher to make this change.")


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence about what just happened; `tone` is '', 'good', 'risk' or 'bad'.

    `undo` names the act that the button `verb`, one of `VERBS`, takes back; "" has no button.
    """

    words: str
    tone: str = "good"
    undo: str = ""
    verb: str = "Undo"

    @property
    def icon(self) -> str:
        """The icon that goes with the tone."""
        return ICON_BY_TONE.get(self.tone, "info")


ALMOST_FULL: Final = Notice(
    say(
        "The hub's disk is almost full. What people do is saved for a while yet; make room now, or "
        "phones can't hand in their work."
    ),
    "bad",
)


DAMAGED: Final = Notice(
    say(
        "A check found damage in the hub's store. Stop the hub and run 'fieldlog check --repair': "
        "it mends what it can, and phones and other hubs bring back the rest."
    ),
    "bad",
)


@dataclass(frozen=True, slots=True)
class Link:
    """One entry of the navigation; `current` where the page belongs to it."""

    href: str
    words: str
    icon: str
    current: bool


@dataclass(frozen=True, slots=True)
class Frame:
    """What the layout gets. `account` is None for somebody who is not signed in."""

    site_name: str
    zone: ZoneInfo
    now_ms: int
    dispatch_on: bool
    account: Account | None
    role_words: str
    form_token: str
    theme: str
    search: str
    links: tuple[Link, ...]
    sync: PhonesSummary
    notices: tuple[Notice, ...]
    here: str = "/"

    @property
    def may_write(self) -> bool:
        """Whether this person may change anything: a manager reads only."""
        return self.account is not None and self.account.role in ("admin", "dispatcher")

    @property
    def commands_by_place(self) -> dict[str, tuple[Command, ...]]:
        """The acts that have a key or are offered, as this person has them."""
        return commands_for(may_write=self.may_write)

    @property
    def commands(self) -> tuple[tuple[str, ...], ...]:
        """The same for the scripts (`web.keys.offered`)."""
        return offered(may_write=self.may_write)

    @property
    def is_admin(self) -> bool:
        """Whether this person runs the hub."""
        return self.account is not None and self.account.role == "admin"


LINKS: Final = (
    ("/", say("Board"), "table-2", ("/board", "/jobs", "/planner", "/inbox", "/map", "/proposal")),
    ("/customers", say("Customers"), "building-2", ("/customers",)),
    ("/recurring", say("Recurring"), "repeat", ("/recurring",)),
    ("/workers", say("Workers"), "id-card", ("/workers", "/groups")),
    ("/reports", say("Reports"), "chart-column", ("/reports", "/history")),
    ("/extensions", say("Extensions"), "puzzle", ("/extensions",)),
)


@lru_cache(maxsize=64)
def _links(path: str) -> tuple[Link, ...]:
    return tuple(
        Link(href, words, icon, path == href or any(_under(path, root) for root in roots))
        for href, words, icon, roots in LINKS
    )


def _under(path: str, root: str) -> bool:
    return path == root or path.startswith(f"{root}/")


async def settings_of(request: web.Request) -> Mapping[str, object]:
    """The site's settings by name."""
    return (await request.app[HUB].office.state()).settings


def zone_of(settings: Mapping[str, object]) -> ZoneInfo:
    """The site's time zone; UTC until one is set, or where this machine does not know it."""
    name = settings.get("time_zone")
    try:
        return ZoneInfo(name) if isinstance(name, str) else ZoneInfo("UTC")
    except (KeyError, ValueError):
        return ZoneInfo("UTC")


async def frame_of(request: web.Request, *, whole: bool = True) -> Frame:
    """The frame of this request's page; a piece of one shows neither pill nor notices."""
    hub = request.app[HUB]
    account = request.get(ACCOUNT)
    settings = await settings_of(request)
    rules = request.app[GUARD_RULES]
    session_id = session_cookie(request, rules)
    now_ms = hub.clock.now_ms()
    site_name = settings.get("site_name")
    return Frame(
        site_name=site_name if isinstance(site_name, str) and site_name else "Fieldlog",
        zone=zone_of(settings),
        now_ms=now_ms,
        dispatch_on=settings.get("job_dispatch") is True,
        account=account,
        role_words=ROLE_WORDS.get(account.role, account.role) if account else "",
        form_token=form_token(rules, session_id) if account and session_id else "",
        theme=_theme_of(request),
        search=request.query.get("q", "")[:200] if request.path == "/search" else "",
        links=_links(request.path),
        sync=await phones_summary(hub, now_ms) if account and whole else NO_SUMMARY,
        notices=await _notices(request, hub) if whole else (),
        here=request.path_qs if request.method == "GET" else "/",
    )


async def _notices(request: web.Request, hub: Hub) -> tuple[Notice, ...]:
    """What an earlier answer left, and for people of the site what is wrong with the hub."""
    found = _notices_of(request)
    if request.get(ACCOUNT) is None:
        return found
    if not await _has_room(hub):
        found = (*found, ALMOST_FULL)
    return (*found, DAMAGED) if hub.self_check.findings else found


async def _has_room(hub: Hub) -> bool:
    """Whether the hub keeps room back; where it had none, whether somebody has made some since."""
    return hub.ballast.lies or await hub.writer.run(hub.ballast.lay)


def _theme_of(request: web.Request) -> str:
    theme = request.cookies.get(THEME_COOKIE, "")
    return theme if theme in ("light", "dark") else ""


def _notices_of(request: web.Request) -> tuple[Notice, ...]:
    head, _, words = unquote(request.cookies.get(NOTICE_COOKIE, "")).partition(" ")
    tone, _, offered = head.partition("~")
    verb, _, undo = offered.partition("~")
    notice = Notice(words[:NOTICE_CHARACTERS_MAX], tone, undo, verb or "Undo")
    return (notice,) if words else ()


class Onward(web.HTTPSeeOther):
    """Sends the browser on, with a notice for the next page; one without words is none."""

    def __init__(self, path: str, notice: Notice) -> None:
        super().__init__(path)
        self.notice = notice


@web.middleware
async def leave_notices(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Give a browser that is sent on the notice for its next page, in its language."""
    try:
        answer = await handler(request)
    except Onward as onward:
        _leave(request, onward)
        raise
    if isinstance(answer, Onward):
        _leave(request, answer)
    return answer


def _leave(request: web.Request, onward: Onward) -> None:
    notice = onward.notice
    if notice.words:
        words = language_of(request).said(notice.words)[:NOTICE_CHARACTERS_MAX]
        offered = f"{notice.tone}~{notice.verb}~{notice.undo}" if notice.undo else notice.tone
        onward.set_cookie(
            NOTICE_COOKIE, quote(f"{offered} {words}"), path="/", max_age=60, httponly=True,
            samesite="Lax",
        )  # fmt: skip


def see_other(
    path: str, words: str = "", tone: str = "good", *, undo: str = "", verb: str = "Undo"
) -> Onward:
    """Send the browser on to `path`, where `words` are shown once. To be returned or raised.

    With `undo`, an act by one of its entries, the words come with a button that takes it back.
    """
    return Onward(path, Notice(words, tone, undo, verb))


def must_write(request: web.Request, words: str = ASK_A_DISPATCHER) -> None:
    """Whoever only reads gets no form; `words` say whom to ask.

    Raises:
        Refused: the account reads only.
    """
    if request[ACCOUNT].role == "manager":
        raise Refused(403, READS_ONLY, words)
