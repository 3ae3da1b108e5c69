"""Who may ask the phone's own port: the browser that was opened with this installation's secret.

Any app on a phone can reach 127.0.0.1, and any page in its browser can try to. Every request
must carry the cookie, name this very port as its host, and, where it could change something, come
from a page of it. Holds no pages. Invariant: no handler runs for a request that fails one of the
three, and no answer leaves without the headers.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

from core.sentence import say
from replica.identity import write_private

LOGGER = logging.getLogger(__name__)

SECRET_FILE = "screens.secret"
SECRET_BYTES = 32
# Browsers keep a cookie for 400 days at most; it is set anew with each page.
COOKIE_SECONDS = 400 * 86_400
# A form with the longest note is some 10 kB.
BODY_BYTES_MAX = 65_536
# What is sent here is read in pieces, under limits of its own.
FILE_PATH = "/sync/file"
JOB_FILES = re.compile(r"/jobs/[0-9a-f]{24}/files")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
    )
)


class Refused(Exception):
    """A request that is not carried out: status, what is wrong, what to do."""

    def __init__(self, status: int, title: str, what_to_do: str) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.what_to_do = what_to_do


Renderer = Callable[[web.Request, Refused], Awaitable[web.Response]]


def load_secret(folder: Path, entropy: Callable[[int], bytes]) -> bytes:
    """This installation's secret, made where there is none yet or it is damaged."""
    path = folder / SECRET_FILE
    if path.exists():
        secret = path.read_bytes()
        if len(secret) == SECRET_BYTES:
            return secret
    secret = entropy(SECRET_BYTES)
    write_private(path, secret)
    return secret


def first_link(folder: Path, entropy: Callable[[int], bytes], port: int) -> str:
    """The link that lets a browser of this phone in; to be shown to its owner only."""
    return f"http://127.0.0.1:{port}/?secret={load_secret(folder, entropy).hex()}"


class Guard:
    """The checks, for one secret.

    Paths that begin with one of `open_paths` are asked by programs of the phone (a location app)
    that prove themselves otherwise: they get no cookie check here, but the host is still judged.
    """

    def __init__(self, secret: bytes, open_paths: tuple[str, ...], render: Renderer) -> None:
        self._secret = secret
        self._cookie = hmac.new(secret, b"screens cookie", hashlib.sha256).hexdigest()
        self._open_paths = open_paths
        self._render = render

    def install(self, app: web.Application) -> None:
        """Put the guard before all handlers of `app`."""

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._answer(request, handler)

        async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
            _add_headers(response)

        app.middlewares.insert(0, guard)
        app.on_response_prepare.append(add_headers)

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            _check_host(request)
            if request.path.startswith(self._open_paths):
                return await handler(request)
            _check_origin(request)
            if request.method == "GET" and request.path == "/" and "secret" in request.query:
                return self._let_in(request)
            self._check_cookie(request)
            in_pieces = request.path == FILE_PATH or JOB_FILES.fullmatch(request.path)
            if (request.content_length or 0) > BODY_BYTES_MAX and not in_pieces:
                raise Refused(413, say("That is too much at once"), say("Send a shorter text."))
            response = await handler(request)
            if response.content_type == "text/html" and not response.prepared:
                self._give_cookie(request, response)
            return response
        except Refused as refused:
            return await self._render(request, refused)
        except web.HTTPException as answer:
            if answer.status < 400:
                raise
            title, what_to_do = _WORDS_BY_STATUS.get(answer.status, _WORDS_BY_STATUS[400])
            return await self._render(request, Refused(answer.status, title, what_to_do))
        except Exception:
            LOGGER.exception("%s %s failed", request.method, request.path)
            words = say("Nothing half-done was kept. Go back and try again.")
            return await self._render(
                request, Refused(500, say("Something went wrong here, not with you"), words)
            )

    def _let_in(self, request: web.Request) -> web.StreamResponse:
        given = request.query["secret"].encode("utf-8", "surrogatepass")
        if not hmac.compare_digest(given, self._secret.hex().encode()):
            raise Refused(403, say("This link is not this phone's"), _OPEN_AGAIN)
        response = web.Response(status=303, headers={"Location": "/"})
        self._give_cookie(request, response)
        return response

    def _give_cookie(self, request: web.Request, response: web.StreamResponse) -> None:
        response.set_cookie(
            _cookie_name(request),
            self._cookie,
            max_age=COOKIE_SECONDS,
            httponly=True,
            samesite="Strict",
        )

    def _check_cookie(self, request: web.Request) -> None:
        given = request.cookies.get(_cookie_name(request), "").encode("utf-8", "surrogatepass")
        if not hmac.compare_digest(given, self._cookie.encode()):
            raise Refused(403, say("This browser has not been let in yet"), _OPEN_AGAIN)


_OPEN_AGAIN = say(
    "Open Fieldlog by the link that the Fieldlog app on this phone shows at its start."
)

_WORDS_BY_STATUS = {
    400: (
        say("This request makes no sense here"),
        say("Go back, load the page anew and try again."),
    ),
    404: (say("There is nothing at this address"), say("Go to the menu and start from there.")),
    405: (say("This address does not answer to that"), say("Go to the menu and start from there.")),
    410: (
        say("This job is no longer on this phone"),
        say("It was given to someone else, or closed long ago. What you logged on it is kept."),
    ),
    413: (say("That is too much at once"), say("Send a shorter text.")),
}


def port_of(request: web.Request) -> int:
    """The port that this request came to; 0 where its connection is gone."""
    transport = request.transport
    name = transport.get_extra_info("sockname") if transport is not None else None
    return int(name[1]) if isinstance(name, tuple) else 0


def _cookie_name(request: web.Request) -> str:
    # Cookies do not tell ports apart: two installations on one machine must not share one.
    return f"fieldlog-{port_of(request)}"


def _check_host(request: web.Request) -> None:
    """A name that another site's owner points at 127.0.0.1 is not ours."""
    port = port_of(request)
    if request.headers.get("Host", "").lower() not in (f"127.0.0.1:{port}", f"localhost:{port}"):
        raise Refused(
            421,
            say("This phone does not answer to that name"),
            say("Use the link that Fieldlog showed."),
        )


def _check_origin(request: web.Request) -> None:
    """What could change something, and the live connection, must come from a page of ours."""
    own = f"http://{request.headers.get('Host', '')}".lower()
    origin = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site")
    socket = request.headers.get("Upgrade", "").lower() == "websocket"
    safe = request.method in ("GET", "HEAD") and not socket
    wrong = origin is not None and origin.lower() != own
    missing = origin is None and not safe
    # A link from another app may open a page (site "none" or "cross-site"), never change anything.
    foreign = site not in (None, "same-origin") and not safe
    if wrong or missing or foreign:
        raise Refused(
            403,
            say("This request did not come from Fieldlog"),
            say("Open Fieldlog and do it there."),
        )


def _add_headers(response: web.StreamResponse) -> None:
    headers = response.headers
    # What people sent here is given out under a stricter policy of its own.
    headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
    headers["X-Content-Type-Options"] = "nosniff"
    # Not `no-referrer`: under that, browsers send `Origin: null` with the forms of our own pages.
    headers["Referrer-Policy"] = "same-origin"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers["Permissions-Policy"] = "geolocation=(), camera=(self), microphone=()"
    headers.setdefault("Cache-Control", "no-store")
    headers.pop("Server", None)
