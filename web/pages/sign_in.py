"""Signing in and out, and a person's own password.

Holds the pages `/sign-in`, `/sign-out`, `/password` and `/reset/<account>/<token>`. Accounts are
made and closed on `web.pages.accounts`. Invariant: the answer to a wrong name and to a wrong
password is the same, takes the same work and is counted the same.

Source: OWASP ASVS 5.0 §6.2, §6.3, §7.2.4, §7.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp import web

from core.dispatch.acts import set_account
from core.sentence import say
from hub.guard import drop_session_cookie, session_cookie, set_session_cookie
from hub.keys import ACCOUNT, GUARD_RULES, HUB, PASSWORDS, SIGN_IN_LIMITS, Account
from hub.one_time_links import LinkOver, check_password_token
from hub.passwords import PasswordError, TooManyPasswordChecks, check_password_policy, needs_rehash
from hub.sign_in_limits import TooManySignIns
from web.frame import see_other
from web.rendering import show
from web.stale_form import clean

WRONG: Final = say("The name or the password is not right.")
_BY_NAME: Final = """
    SELECT account, name, password, role FROM account
    WHERE name = ? COLLATE NOCASE AND disabled = 0 AND password <> ''
"""
_BY_ID: Final = "SELECT account, name, password, role, disabled FROM account WHERE account = ?"


@dataclass(frozen=True, slots=True)
class SignInPage:
    """The sign-in form: what was typed as the name, where to go then, and what went wrong."""

    name: str
    onward: str
    error: str


@dataclass(frozen=True, slots=True)
class PasswordPage:
    """The form for an own new password; `error` in words or empty."""

    error: str


@dataclass(frozen=True, slots=True)
class ResetPage:
    """The form behind a one-time link; `over` says why the link does nothing any more."""

    account_name: str
    error: str
    over: str


async def sign_in_page(request: web.Request) -> web.StreamResponse:
    """GET /sign-in; whoever is signed in already goes on."""
    if request.get(ACCOUNT) is not None:
        raise see_other(onward_path(request.query.get("onward", "")))
    page = SignInPage("", onward_path(request.query.get("onward", "")), "")
    return await show(request, "sign_in.html", page)


async def sign_in(request: web.Request) -> web.StreamResponse:
    """POST /sign-in: count the try, check the password, begin a session under a new id."""
    form = await request.post()
    name, password = clean(form.get("name")), str(form.get("password", ""))
    onward = onward_path(clean(form.get("onward")))
    hub, limits = request.app[HUB], request.app[SIGN_IN_LIMITS]
    try:
        attempt = limits.begin_try(name, request.remote or "")
        row = await hub.reader.row(_BY_NAME, (name,))
        right = await request.app[PASSWORDS].matches(row["password"] if row else None, password)
    except TooManySignIns as refusal:
        return await _refused(request, name, onward, str(refusal), 429)
    except TooManyPasswordChecks as refusal:
        return await _refused(request, name, onward, str(refusal), 503)
    if not right or row is None:
        return await _refused(request, name, onward, WRONG, 401)
    limits.succeeded(attempt)
    account = Account(row["account"], row["name"], row["role"])
    if needs_rehash(row["password"]):
        await _write_password(request, account, password)
    answer = see_other(onward)
    begin_session(request, answer, account.account)
    raise answer


async def _refused(
    request: web.Request, name: str, onward: str, words: str, status: int
) -> web.Response:
    return await show(request, "sign_in.html", SignInPage(name, onward, words), status=status)


def begin_session(request: web.Request, answer: web.StreamResponse, account: str) -> None:
    """Sign this browser in as `account`: a new session, whose cookie goes with `answer`."""
    rules = request.app[GUARD_RULES]
    session_id = request.app[HUB].sessions.begin(
        account,
        request.remote or "",
        request.headers.get("User-Agent", ""),
        replaces=session_cookie(request, rules),
    )
    set_session_cookie(answer, rules, session_id)


async def sign_out(request: web.Request) -> web.StreamResponse:
    """POST /sign-out: the session ends here and its cookie goes."""
    rules = request.app[GUARD_RULES]
    session_id = session_cookie(request, rules)
    if session_id is not None:
        request.app[HUB].sessions.end(session_id)
    answer = see_other("/sign-in", say("You are signed out."))
    drop_session_cookie(answer, rules)
    raise answer


async def password_page(request: web.Request) -> web.StreamResponse:
    """GET /password."""
    return await show(request, "password.html", PasswordPage(""))


async def change_password(request: web.Request) -> web.StreamResponse:
    """POST /password: the present one, the new one twice; other browsers are signed out."""
    form = await request.post()
    hub, account = request.app[HUB], request[ACCOUNT]
    limits = request.app[SIGN_IN_LIMITS]
    try:
        attempt = limits.begin_try(account.name, request.remote or "")
        row = await hub.reader.row(_BY_ID, (account.account,))
        present = str(form.get("present", ""))
        if not await request.app[PASSWORDS].matches(row["password"] if row else None, present):
            raise PasswordError(say("The present password is not right."))
        limits.succeeded(attempt)
        await _write_password(request, account, new_password(form, account.name))
    except (PasswordError, TooManySignIns, TooManyPasswordChecks) as refusal:
        return await show(request, "password.html", PasswordPage(str(refusal)), status=422)
    kept = session_cookie(request, request.app[GUARD_RULES])
    hub.sessions.end_all(account.account, but=kept)
    raise see_other("/password", say("Your password was changed. Other browsers are signed out."))


async def reset_page(request: web.Request) -> web.StreamResponse:
    """GET /reset/{account}/{token}: the form, or why the link is over."""
    try:
        row = await _linked_account(request)
    except LinkOver as over:
        return await show(request, "reset.html", ResetPage("", "", str(over)), status=410)
    return await show(request, "reset.html", ResetPage(row["name"], "", ""))


async def reset(request: web.Request) -> web.StreamResponse:
    """POST /reset/{account}/{token}: set the password, which uses the link up, and sign in."""
    try:
        row = await _linked_account(request)
    except LinkOver as over:
        return await show(request, "reset.html", ResetPage("", "", str(over)), status=410)
    account = Account(row["account"], row["name"], row["role"])
    try:
        await _write_password(request, account, new_password(await request.post(), account.name))
    except (PasswordError, TooManyPasswordChecks) as refusal:
        page = ResetPage(account.name, str(refusal), "")
        return await show(request, "reset.html", page, status=422)
    request.app[HUB].sessions.end_all(account.account)
    answer = see_other("/", say("Your password is set, and you are signed in."))
    begin_session(request, answer, account.account)
    raise answer


async def _linked_account(request: web.Request) -> Any:
    hub = request.app[HUB]
    account = request.match_info["account"]
    row = await hub.reader.row(_BY_ID, (account,))
    if row is None or row["disabled"]:
        raise LinkOver(
            say(
                "This link belongs to no account that may sign in. Ask an administrator of this "
                "hub."
            )
        )
    token = request.match_info["token"]
    now_ms = hub.clock.now_ms()
    check_password_token(hub.sessions.form_secret, account, row["password"], token, now_ms)
    return row


def new_password(form: Any, account_name: str) -> str:
    """The new password that a form gives twice. Raises PasswordError in words."""
    password, again = str(form.get("new", "")), str(form.get("again", ""))
    if password != again:
        raise PasswordError(say("The two new passwords differ; type them again."))
    check_password_policy(password, account_name)
    return password


async def _write_password(request: web.Request, account: Account, password: str) -> None:
    encoded = await request.app[PASSWORDS].hash(password)
    changes = set_account(bytes.fromhex(account.account), password=encoded)
    # Everybody may set their own password, also who may write nothing else: a manager.
    owner = Account(account.account, account.name, "dispatcher")
    await request.app[HUB].act(owner, changes)


def onward_path(text: str) -> str:
    """A path of this hub to go to after signing in; anything else becomes the first page."""
    parts = urlsplit(text)
    own = not parts.scheme and not parts.netloc and text.startswith("/")
    if not own or text.startswith(("//", "/\\")) or "\\" in text or parts.path == "/sign-in":
        return "/"
    return text[:2000]


def add_routes(app: web.Application) -> None:
    """Add this module's pages to `app`."""
    app.router.add_get("/sign-in", sign_in_page)
    app.router.add_post("/sign-in", sign_in)
    app.router.add_post("/sign-out", sign_out)
    app.router.add_get("/password", password_page)
    app.router.add_post("/password", change_password)
    app.router.add_get("/reset/{account:[0-9a-f]{16}}/{token}", reset_page)
    app.router.add_post("/reset/{account:[0-9a-f]{16}}/{token}", reset)
