"""The hub's application: guard, sign-in check, routes for programs, and the installed pages.

Pages are found through the entry-point group `fieldlog.pages`. Holds no page itself.
Invariant: no page but those for people who are not signed in yet answers without an account.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from importlib.metadata import entry_points

from aiohttp import web

from core.log.limits import FILE_BYTES_MAX
from core.sentence import say
from hub.guard import BODY_BYTES_MAX, GuardRules, Refused, install_guard, session_cookie
from hub.hub import Hub
from hub.keys import ACCOUNT, GUARD_RULES, HUB, PASSWORDS, PEERS, SIGN_IN_LIMITS, Account
from hub.map.serve import attach_map
from hub.own_figures import attach_own_figures
from hub.passwords import PasswordHasher
from hub.phone.map_for_phones import attach_map_for_phones
from hub.phone.serve import PREFIX as PHONE_PREFIX
from hub.phone.serve import attach_phone
from hub.sign_in_limits import SignInLimits
from hub.sync import ENROL_PATH, HEALTH_PATH, SYNC_PATH, attach_sync

Handler = Callable[[web.Request], object]

# Where people come before they are signed in.
OPEN_PATHS = (
    "/sign-in",
    "/language/",
    "/set-up/",
    "/reset/",
    "/static/",
    "/install",
    "/favicon.ico",
    PHONE_PREFIX,
)
# Tables that people import: written to a file on the disk while they come, and counted there.
UPLOAD_PATH = "/import"
UPLOAD_BYTES_MAX = 64_000_000
# Photos and files for jobs: four of the largest in one form; a script sends each by itself.
FILES_PATH = "/files/"
FILES_BYTES_MAX = 4 * FILE_BYTES_MAX + BODY_BYTES_MAX
_FOR_PROGRAMS = frozenset({SYNC_PATH, ENROL_PATH, HEALTH_PATH})


def make_app(
    hub: Hub, *, secure: bool, host_names: frozenset[str] = frozenset()
) -> web.Application:
    """The application of a hub that is open.

    Args:
        secure: whether browsers reach it by TLS.
        host_names: names under which it may be asked, besides addresses and localhost.
    """
    rules = GuardRules(
        host_names=host_names,
        secure=secure,
        form_secret=hub.sessions.form_secret,
        open_to_programs=_FOR_PROGRAMS,
        without_form_token=frozenset({"/sign-in", "/set-up/", "/reset/"}),
        body_bytes_max_by_path=(
            (UPLOAD_PATH, UPLOAD_BYTES_MAX),
            (FILES_PATH, FILES_BYTES_MAX),
        ),
    )
    app = web.Application(client_max_size=rules.largest_body_bytes)
    app[HUB] = hub
    app[PEERS] = hub.peers
    app[GUARD_RULES] = rules
    app[PASSWORDS] = PasswordHasher(hub.replica.entropy)
    app.cleanup_ctx.append(_passwords)
    app[SIGN_IN_LIMITS] = SignInLimits(hub.sessions.connection, hub.clock.now_ms)
    install_guard(app, rules)
    app.middlewares.append(_sign_in)
    attach_sync(app)
    attach_map(app, hub.folder / "map")
    attach_phone(app)
    attach_map_for_phones(app)
    attach_own_figures(app)
    for point in sorted(entry_points(group="fieldlog.pages"), key=lambda found: found.name):
        point.load()(app)
    return app


async def _passwords(app: web.Application) -> AsyncIterator[None]:
    async with app[PASSWORDS]:
        yield


@web.middleware
async def _sign_in(
    request: web.Request, handler: Callable[[web.Request], object]
) -> web.StreamResponse:
    """Find out who asks; pages of the office are for those who are signed in."""
    hub, rules = request.app[HUB], request.app[GUARD_RULES]
    session_id = session_cookie(request, rules)
    session = hub.sessions.find(session_id) if session_id else None
    if session is not None:
        known = (await hub.office.state()).accounts.get(session.account)
        if known is not None:
            request[ACCOUNT] = Account(session.account, *known)
        elif session_id:
            # Closed here or at another hub: its sessions do not come back when it is opened again.
            hub.sessions.end(session_id)
    open_to_all = request.path in _FOR_PROGRAMS or request.path.startswith(
        (ENROL_PATH, *OPEN_PATHS)
    )
    if request.get(ACCOUNT) is None and not open_to_all:
        if request.method in ("GET", "HEAD") and "text/html" in request.headers.get("Accept", ""):
            raise web.HTTPSeeOther(f"/sign-in?onward={_onward(request)}")
        raise Refused(401, say("You are not signed in."), say("Sign in and try again."))
    if request.get(ACCOUNT) is not None and request.method not in ("GET", "HEAD"):
        # The last one only asks: the board posts which rows it wants to see anew.
        own = request.path in ("/sign-out", "/password", "/board/changed")
        if request[ACCOUNT].role == "manager" and not own:
            raise Refused(
                403,
                say("Your account reads only."),
                say("Ask an administrator for more rights."),
            )
    answer: web.StreamResponse = await handler(request)  # type: ignore[misc]
    return answer


def _onward(request: web.Request) -> str:
    from urllib.parse import quote

    return quote(request.path_qs, safe="/")
