"""What stands before every page and answer of a hub: who may ask, how, how much, from what page.

Holds the checks that need no knowledge of jobs or people (host, method, size, origin, form token),
the headers that go with every answer, and errors as plain data. It holds no sessions, which are in
`hub.browser_sessions`, no rights, and no HTML: how an error looks is decided by whoever passes
`render`.

Invariant: no handler runs for a request that could change something unless it comes from a page of
this hub (or is on a path that is `open_to_programs` and authenticates by other means), and no
answer leaves without the headers, that of an error or of a crashed handler included.

Sources: OWASP ASVS 5.0 §3.3-3.5 and §4.1-4.4; Fetch Metadata (Sec-Fetch-Site); CSP level 3.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import logging
import re
import secrets
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from core.sentence import say
from replica.store import StoreError

LOGGER = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Renderer = Callable[[web.Request, "ErrorPage"], Awaitable[web.StreamResponse]]

CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'self'",
        # The map makes images of its own and prints itself by a data URL.
        "img-src 'self' data: blob:",
        # The map's worker is a module file of ours, so blob: is not needed.
        "worker-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
    )
)
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
SAFE_METHODS: Final = frozenset({"GET", "HEAD"})
BODY_BYTES_MAX: Final = 1_048_576
"""A form with a long note is some kilobytes; files have limits of their own on their paths."""
HOST_CHARACTERS_MAX: Final = 260

TOKEN_HEADER: Final = "X-Fieldlog-Token"
TOKEN_FIELD: Final = "form_token"

_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::[0-9]{1,5})?\Z")


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """What a person is told when something is refused or broke.

    `reference` is six characters that also stand in the hub's log, for errors that are ours.
    """

    status: int
    title: str
    what_to_do: str
    reference: str | None = None


ERROR_PAGE: Final = web.ResponseKey("ERROR_PAGE", ErrorPage)
"""Under this an answer carries what it says, for pages that say it otherwise."""


class Refused(Exception):
    """A request that is not carried out; raised by the guard and by handlers alike."""

    def __init__(
        self, status: int, title: str, what_to_do: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(f"{status} {title}")
        self.page = ErrorPage(status, title, what_to_do)
        self.headers = headers or {}


@dataclass(frozen=True, slots=True)
class GuardRules:
    """What a hub's guard goes by.

    `host_names`: names under which it may be asked; IP addresses and localhost are always right.
    `secure`: whether browsers reach it by TLS (also when a proxy before it speaks TLS).
    `form_secret`: the key of form tokens (`BrowserSessions.form_secret`).
    `open_to_programs`: paths, and with a slash at the end their subtrees, that programs without a
    page use (sync, the API with its tokens); they must not accept the login cookie.
    `without_form_token`: paths where a form is sent before there is a session, as at sign-in; their
    origin is still checked.
    `body_bytes_max_by_path`: greater or smaller limits for paths or subtrees; `BODY_BYTES_MAX`
    elsewhere. The longest path that fits counts.
    """

    host_names: frozenset[str]
    secure: bool
    form_secret: bytes = field(repr=False)
    open_to_programs: frozenset[str] = frozenset()
    without_form_token: frozenset[str] = frozenset()
    body_bytes_max_by_path: tuple[tuple[str, int], ...] = ()

    @property
    def largest_body_bytes(self) -> int:
        """What to give `web.Application` as `client_max_size`: the greatest of all limits."""
        return max([BODY_BYTES_MAX, *(most for _, most in self.body_bytes_max_by_path)])

    @property
    def cookie_name(self) -> str:
        """The login cookie; browsers give one of the name `__Host-` to nobody but this origin."""
        return "__Host-fieldlog" if self.secure else "fieldlog"

    def body_bytes_max(self, path: str) -> int:
        """The greatest body that `path` takes."""
        fitting = [rule for rule in self.body_bytes_max_by_path if _within(path, rule[0])]
        return max(fitting, key=lambda rule: len(rule[0]))[1] if fitting else BODY_BYTES_MAX


def form_token(rules: GuardRules, session_id: str) -> str:
    """What a form of this session carries in `TOKEN_FIELD`, or a request in `TOKEN_HEADER`."""
    mac = hmac.new(rules.form_secret, b"form token\0" + _plain(session_id), hashlib.sha256)
    return base64.urlsafe_b64encode(mac.digest()).rstrip(b"=").decode("ascii")


def set_session_cookie(response: web.StreamResponse, rules: GuardRules, session_id: str) -> None:
    """Give the browser its login cookie; it goes when the browser ends, or by the hub's limits."""
    response.set_cookie(
        rules.cookie_name, session_id, path="/", httponly=True, secure=rules.secure, samesite="Lax"
    )


def drop_session_cookie(response: web.StreamResponse, rules: GuardRules) -> None:
    """Take the login cookie from the browser."""
    response.del_cookie(
        rules.cookie_name, path="/", httponly=True, secure=rules.secure, samesite="Lax"
    )


def session_cookie(request: web.Request, rules: GuardRules) -> str | None:
    """What the login cookie says, or None; for `BrowserSessions.find` to judge."""
    return request.cookies.get(rules.cookie_name)


def install_guard(app: web.Application, rules: GuardRules, render: Renderer | None = None) -> None:
    """Put the guard before all handlers of `app` and its sub-applications.

    To be called before other middlewares are added, so that it is outermost. `render` makes the
    page of an error; without it errors are plain text, or JSON where that is asked for.
    """

    async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
        _add_headers(response, rules)

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await _answer(request, handler, rules, render or render_plainly)

    app.on_response_prepare.append(add_headers)
    app.middlewares.insert(0, guard)


async def _answer(
    request: web.Request, handler: Handler, rules: GuardRules, render: Renderer
) -> web.StreamResponse:
    try:
        check_host(request, rules)
        check_method(request)
        check_size(request, rules)
        check_origin(request, rules)
        await check_form_token(request, rules)
        return await handler(request)
    except Refused as refused:
        page, headers = refused.page, refused.headers
    except web.HTTPException as answer:
        if answer.status < 400:
            raise
        page = _page_of_status(answer.status)
        headers = {key: answer.headers[key] for key in ("Allow", "Retry-After")
                   if key in answer.headers}  # fmt: skip
    except ConnectionError:
        raise  # Nobody is left to be told.
    except Exception as error:
        if request.writer.output_size > 0:
            raise  # Half an answer is out; aiohttp closes the connection, so it shows.
        if _is_of_the_disk(error):
            LOGGER.warning("%s %s could not be saved: %s", request.method, request.path, error)
            return await _rendered(request, _NOT_SAVED, render)
        reference = secrets.token_hex(3)
        # Method and path only: a query or a body may hold what people typed.
        LOGGER.exception("error %s while answering %s %s", reference, request.method, request.path)
        page, headers = (
            ErrorPage(
                500,
                say("Something went wrong here, not with you."),
                say(
                    "Nothing half-done was kept. Try again; if it happens again, tell whoever runs "
                    "this hub the reference {reference}.",
                    reference=reference,
                ),
                reference,
            ),
            {},
        )
    response = await _rendered(request, page, render)
    response.headers.update(headers)
    return response


def _is_of_the_disk(error: Exception) -> bool:
    """Whether a file could not be written, rather than that the program is wrong."""
    if isinstance(error, StoreError):
        return True
    code = getattr(error, "sqlite_errorcode", None) if isinstance(error, sqlite3.Error) else None
    return code is not None and code & 0xFF in _DISK_CODES


async def _rendered(request: web.Request, page: ErrorPage, render: Renderer) -> web.StreamResponse:
    try:
        return await render(request, page)
    except Exception:
        LOGGER.exception("the page for error %s could not be made", page.status)
        return await render_plainly(request, page)


async def render_plainly(request: web.Request, page: ErrorPage) -> web.StreamResponse:
    """An error as plain text, or as JSON where the request asks for JSON."""
    if "application/json" in request.headers.get("Accept", ""):
        body = {"error": page.title, "what_to_do": page.what_to_do, "reference": page.reference}
        told = web.json_response(body, status=page.status)
        told[ERROR_PAGE] = page
        return told
    answer = web.Response(status=page.status, text=f"{page.title}\n{page.what_to_do}\n")
    answer[ERROR_PAGE] = page
    return answer


def _add_headers(response: web.StreamResponse, rules: GuardRules) -> None:
    headers = response.headers
    # What people sent here is given out under a stricter policy of its own.
    headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
    headers["X-Content-Type-Options"] = "nosniff"
    # Not `no-referrer`: under that, browsers send `Origin: null` with the forms of our own pages.
    headers["Referrer-Policy"] = "same-origin"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers["Permissions-Policy"] = "geolocation=(self), camera=(self), microphone=()"
    if rules.secure:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    # Pages hold customers' addresses: a browser keeps none, unless the handler knows better.
    # Files of the program itself may be kept, and are asked after.
    kept = "no-cache" if isinstance(response, web.FileResponse) else "no-store"
    headers.setdefault("Cache-Control", kept)
    headers.pop("Server", None)


def check_host(request: web.Request, rules: GuardRules) -> None:
    """Refuse a name that is not this hub's, under which another site may have led a browser here.

    An IP address is always right: a page at that address is this hub's own, and no name server can
    make it another's.
    """
    given = request.headers.get("Host", "")
    match = _HOST.match(given) if len(given) <= HOST_CHARACTERS_MAX else None
    if match is None:
        raise Refused(
            400, say("The address of this request is not one."), say("Check the address.")
        )
    host = match[1].lower().rstrip(".")
    if host == "localhost" or host in rules.host_names or _is_address(host.strip("[]")):
        return
    raise Refused(
        421,
        say("This hub does not answer to that name."),
        say(
            "Use the address that its enrolment page shows, or add the name to the hub's settings."
        ),
    )


def check_method(request: web.Request) -> None:
    """Refuse methods that nothing here answers, such as TRACE, CONNECT and OPTIONS."""
    if request.method not in METHODS:
        raise Refused(
            405,
            say("Nothing here answers to that method."),
            say("Use one of those in the Allow header."),
            {"Allow": ", ".join(sorted(METHODS))},
        )


def check_size(request: web.Request, rules: GuardRules) -> None:
    """Refuse a body that is over the path's limit, or whose length is not told beforehand."""
    if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
        if _is_listed(request.path, rules.open_to_programs):
            return  # Those handlers read in pieces, under limits of their own.
        raise Refused(
            411,
            say("The length of this request is missing."),
            say("Send it with a Content-Length."),
        )
    most = rules.body_bytes_max(request.path)
    if (request.content_length or 0) > most:
        raise Refused(
            413,
            say("That is too much at once."),
            say("Send at most {most} bytes, or in several parts.", most=most),
            # The body is not read, so the connection cannot be used again.
            {"Connection": "close"},
        )


def check_origin(request: web.Request, rules: GuardRules) -> None:
    """Refuse what could change something, and live connections, unless a page of ours sent it."""
    socket = "websocket" in request.headers.get("Upgrade", "").lower()
    if not socket and request.method in SAFE_METHODS:
        return
    origin = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site")
    if origin is None and site is None and _is_listed(request.path, rules.open_to_programs):
        return
    scheme = "https" if rules.secure else "http"
    own = f"{scheme}://{request.headers.get('Host', '')}".lower()
    from_here = (origin is not None or (site is not None and not socket)) and (
        (origin is None or origin.lower() == own) and site in (None, "same-origin")
    )
    if not from_here:
        raise Refused(
            403,
            say("This request did not come from a page of this hub."),
            say("Open the page here and try again."),
        )


async def check_form_token(request: web.Request, rules: GuardRules) -> None:
    """Refuse what could change something unless it carries the token of its own session.

    The token comes in `TOKEN_HEADER`, or in `TOKEN_FIELD` of a form; a form is then read here, and
    the handler finds it read (`await request.post()`). A handler that reads a body in pieces needs
    the header.
    """
    path = request.path
    if request.method in SAFE_METHODS:
        return
    if _is_listed(path, rules.open_to_programs) and "Origin" not in request.headers:
        return
    given = request.headers.get(TOKEN_HEADER)
    if request.content_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
        # Read whether or not the token is in it, so that no handler meets one it cannot read.
        in_form = await _token_in_form(request)
        given = in_form if given is None else given
    if _is_listed(path, rules.without_form_token):
        return
    session_id = session_cookie(request, rules)
    if session_id is not None and given is not None:
        expected = form_token(rules, session_id)
        if hmac.compare_digest(_plain(expected), _plain(given)):
            return
    raise Refused(
        403,
        say("This page was open for too long, or you signed in again since."),
        say("Load the page anew and repeat what you did; what you typed is still in the old one."),
    )


async def _token_in_form(request: web.Request) -> str | None:
    try:
        sent = (await request.post()).get(TOKEN_FIELD)
    except (
        ValueError, LookupError, AssertionError, HttpProcessingError, web.RequestPayloadError,
    ) as wrong:  # fmt: skip
        raise Refused(
            400, say("This form cannot be read."), say("Load the page anew and send it again.")
        ) from wrong
    return sent if isinstance(sent, str) else None


def _page_of_status(status: int) -> ErrorPage:
    title, what_to_do = _WORDS_BY_STATUS.get(
        status, (say("This request could not be carried out."), say("Go back and try again."))
    )
    return ErrorPage(status, title, what_to_do)


_DISK_CODES: Final = frozenset(
    {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}
)
_NOT_SAVED: Final = ErrorPage(
    507,
    say("The hub could not save this."),
    say(
        "Its disk is full or refuses to write: whoever runs the hub makes room there, then send it "
        "again. Nothing half-done was kept."
    ),
)

_WORDS_BY_STATUS: Final = {
    400: (
        say("This request makes no sense to the hub."),
        say("Go back, load the page anew, try again."),
    ),
    401: (say("You are not signed in."), say("Sign in and try again.")),
    403: (say("You may not do this."), say("Ask whoever runs this hub for the right to.")),
    404: (
        say("There is nothing at this address."),
        say("Check the address, or search for what you want."),
    ),
    405: (say("This address does not answer to that method."), say("Use one in the Allow header.")),
    410: (say("What was here has been deleted."), say("Search for what you want.")),
    413: (say("That is too much at once."), say("Send less, or in several parts.")),
    429: (say("That was too often."), say("Wait a minute and try again.")),
    503: (say("The hub cannot do this now."), say("Wait a moment and try again.")),
}


def _plain(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _within(path: str, rule: str) -> bool:
    return path == rule or (rule.endswith("/") and path.startswith(rule))


def _is_listed(path: str, listed: frozenset[str]) -> bool:
    return any(_within(path, rule) for rule in listed)
