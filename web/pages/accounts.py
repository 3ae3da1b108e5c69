"""The accounts of those who sign in with a browser; for administrators.

A new account has no password: its one-time link, handed over by phone or on paper, sets one. There
is no e-mail, so it works on a hub without the internet. Invariant: at least one administrator who
may sign in is left whatever is done here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from core.dispatch.acts import ActError, set_account
from core.sentence import say
from hub.guard import Refused
from hub.keys import ACCOUNT, HUB
from hub.one_time_links import password_token
from web.frame import ROLE_WORDS, see_other
from web.rendering import show
from web.stale_form import clean

_ALL: Final = """
    SELECT account, name, role, disabled, password <> '' AS has_password
    FROM account ORDER BY disabled, name COLLATE NOCASE
"""


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One account of the list; `browsers` is in how many it is signed in on this hub."""

    account: str
    name: str
    role: str
    disabled: bool
    has_password: bool
    browsers: int
    is_own: bool

    @property
    def role_words(self) -> str:
        """What the role may do, in words."""
        return ROLE_WORDS.get(self.role, self.role)


@dataclass(frozen=True, slots=True)
class AccountsPage:
    """The list, the form for a new one (`name`, `role` as typed), and a link just made."""

    accounts: tuple[AccountRow, ...]
    name: str = ""
    role: str = "dispatcher"
    error: str = ""
    link: str = ""
    link_name: str = ""

    @property
    def roles(self) -> dict[str, str]:
        """The roles that an account can have, with their words."""
        return ROLE_WORDS


async def accounts_page(request: web.Request) -> web.StreamResponse:
    """GET /accounts."""
    check_admin(request)
    return await show(request, "accounts.html", AccountsPage(await _rows(request)))


async def add_account(request: web.Request) -> web.StreamResponse:
    """POST /accounts: a new account without a password, and its link."""
    check_admin(request)
    form = await request.post()
    name, role = clean(form.get("name")), clean(form.get("role"))
    hub = request.app[HUB]
    account = hub.replica.entropy(8)
    try:
        await _check_name_free(request, name)
        await hub.act(request[ACCOUNT], set_account(account, name=name, role=role))
    except ActError as refusal:
        page = AccountsPage(await _rows(request), name=name, role=role, error=str(refusal))
        return await show(request, "accounts.html", page, status=422)
    return await _with_link(request, account.hex(), name, "")


async def change_account(request: web.Request) -> web.StreamResponse:
    """POST /accounts/{account}: `act` is `role`, `close`, `open`, `link` or `sign-out`."""
    check_admin(request)
    form = await request.post()
    hub = request.app[HUB]
    row = await hub.reader.row(
        "SELECT account, name, password, role, disabled FROM account WHERE account = ?",
        (request.match_info["account"],),
    )
    if row is None:
        raise web.HTTPNotFound
    if form.get("act") == "link":
        return await _with_link(request, row["account"], row["name"], row["password"])
    try:
        words = await _carry_out(request, row, form)
    except ActError as refusal:
        raise see_other("/accounts", str(refusal), "bad") from refusal
    raise see_other("/accounts", words)


async def _carry_out(request: web.Request, row: Any, form: Any) -> str:
    hub, name = request.app[HUB], row["name"]
    account = bytes.fromhex(row["account"])
    match form.get("act"):
        case "role":
            role = clean(form.get("role"))
            if role != "admin":
                await _check_admin_left(request, row["account"])
            await hub.act(request[ACCOUNT], set_account(account, role=role))
            words = say("{name} is now: {role}.", name=name, role=ROLE_WORDS.get(role, role))
        case "close":
            await _check_admin_left(request, row["account"])
            await hub.act(request[ACCOUNT], set_account(account, disabled=True))
            hub.sessions.end_all(row["account"])
            words = say(
                "The account of {name} is closed, and {name} is signed out everywhere.", name=name
            )
        case "open":
            await hub.act(request[ACCOUNT], set_account(account, disabled=False))
            words = say("The account of {name} is open again.", name=name)
        case "sign-out":
            hub.sessions.end_all(row["account"])
            words = say("{name} is signed out of every browser of this hub.", name=name)
        case _:
            raise ActError(say("There is no such thing to do with an account."))
    return words


async def _with_link(
    request: web.Request, account: str, name: str, encoded: str
) -> web.StreamResponse:
    hub = request.app[HUB]
    token = password_token(hub.sessions.form_secret, account, encoded, hub.clock.now_ms())
    link = f"{_origin(request)}/reset/{account}/{token}"
    page = AccountsPage(await _rows(request), link=link, link_name=name)
    return await show(request, "accounts.html", page)


def _origin(request: web.Request) -> str:
    """Where others reach this hub: who asks from the hub's own machine must not hand that out."""
    addresses = request.app[HUB].addresses
    if request.url.host in ("127.0.0.1", "::1", "localhost") and addresses:
        return f"https://{addresses[0]}"
    return f"{request.scheme}://{request.host}"


async def _rows(request: web.Request) -> tuple[AccountRow, ...]:
    hub = request.app[HUB]
    return tuple(
        AccountRow(
            row["account"],
            row["name"],
            row["role"],
            bool(row["disabled"]),
            bool(row["has_password"]),
            len(hub.sessions.of_account(row["account"])),
            row["account"] == request[ACCOUNT].account,
        )
        for row in await hub.reader.rows(_ALL)
    )


def check_admin(request: web.Request) -> None:
    """Raise Refused unless an administrator asks."""
    if request[ACCOUNT].role != "admin":
        raise Refused(
            403,
            say("Only an administrator may open this page."),
            say("Ask an administrator of this hub to do it, or to make you one."),
        )


async def _check_name_free(request: web.Request, name: str) -> None:
    taken = await request.app[HUB].reader.row(
        "SELECT 1 FROM account WHERE name = ? COLLATE NOCASE", (name,)
    )
    if taken is not None:
        raise ActError(
            say("There is an account of the name {name} already; choose another name.", name=name)
        )


async def _check_admin_left(request: web.Request, account: str) -> None:
    left = await request.app[HUB].reader.row(
        "SELECT 1 FROM account WHERE role = 'admin' AND disabled = 0 AND password <> ''"
        " AND account <> ?",
        (account,),
    )
    if left is None:
        raise ActError(say("This is the last administrator; make somebody else one first."))


def add_routes(app: web.Application) -> None:
    """Add this module's pages to `app`."""
    app.router.add_get("/accounts", accounts_page)
    app.router.add_post("/accounts", add_account)
    app.router.add_post("/accounts/{account:[0-9a-f]{16}}", change_account)
