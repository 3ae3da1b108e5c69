"""The phone's own port for location apps: takes their messages over loopback and answers them.

Holds the routes and the checks before them. It parses by `owntracks` and `osmand`, stores nothing
itself, and knows no jobs.

Invariant: a message is answered with 200 only after `on_report` returned, so what was taken is kept
before the app forgets it; and a message that can never become valid is answered with 200 too, and
counted, for the app would else send it for ever and nothing behind it.

Any app on the phone, and any page in its browser, can reach 127.0.0.1: so the secret of this
installation is asked for, and requests from pages are refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
import logging
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from replica.location.osmand import parse_osmand_form, parse_osmand_query, parse_traccar_json
from replica.location.owntracks import Command, parse_owntracks
from replica.location.report import (
    BODY_BYTES_MAX,
    RAW_BYTES_KEPT_MAX,
    Report,
    Trouble,
    Unusable,
)

LOGGER = logging.getLogger(__name__)

SECRET_CHARACTERS_MIN: Final = 22
"""22 characters of base64 are 131 bits."""

_LOOPBACK_HOST: Final = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?\Z")
_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{22,128}\Z")

OnReport = Callable[[Report], Awaitable[None]]
Commands = Callable[[], list[Command]]


class WeakIntakeSecret(ValueError):
    """The secret of this installation is too short, or would have to be escaped in a URL."""


@dataclass(slots=True)
class IntakeCounts:
    """What came in since the start, for the phone's status screen."""

    taken: int = 0
    not_kept: int = 0
    refused: int = 0
    unusable_by_trouble: Counter[Trouble] = field(default_factory=Counter)


def location_secret(secret: bytes) -> str:
    """What a location app is given, from the secret of the screens: it lets in to no screen."""
    return hmac.new(secret, b"location", hashlib.sha256).hexdigest()


def attach_intake(
    app: web.Application, secret: str, on_report: OnReport, commands: Commands | None = None
) -> IntakeCounts:
    """Add the routes for location apps to `app`; returns the counts that they keep.

    - `POST /location/owntracks`: OwnTracks, the secret as the password of Basic auth;
    - `POST /location/owntracks/{secret}`: the same, where an app can only be given a URL;
    - `GET` and `POST /location/osmand/{secret}`: OsmAnd, GPSLogger and Traccar Client.

    The secret stands in some of the paths, so run the application with `access_log=None`.
    `on_report` keeps a report (a repeated one too: apps send again what they are not sure of). If
    it raises, the app is answered 503 and sends again. `commands` gives what to answer OwnTracks
    after its report was kept. Raises WeakIntakeSecret.
    """
    if _SECRET.match(secret) is None:
        raise WeakIntakeSecret(
            f"The secret needs {SECRET_CHARACTERS_MIN} to 128 letters, digits, - or _."
        )
    intake = _Intake(secret, on_report, commands)
    app.router.add_post("/location/owntracks", intake.take_owntracks)
    app.router.add_post("/location/owntracks/{secret}", intake.take_owntracks)
    app.router.add_post("/location/osmand/{secret}", intake.take_osmand)
    app.router.add_get("/location/osmand/{secret}", intake.take_osmand_query)
    return intake.counts


class _Intake:
    def __init__(self, secret: str, on_report: OnReport, commands: Commands | None) -> None:
        self._secret = secret.encode("ascii")
        self._on_report = on_report
        self._commands = commands
        self.counts = IntakeCounts()

    async def take_owntracks(self, request: web.Request) -> web.Response:
        self._check(request)
        body = await _read(request)
        report = body if isinstance(body, Unusable) else parse_owntracks(body)
        await self._keep(report)
        return web.json_response(self._next_commands())

    async def take_osmand(self, request: web.Request) -> web.Response:
        self._check(request)
        body = await _read(request)
        if isinstance(body, Unusable):
            report: Report = body
        elif body.lstrip()[:1] == b"{":
            report = parse_traccar_json(body)
        elif body.strip():
            report = parse_osmand_form(body)
        else:
            report = parse_osmand_query(_first_fields(request))
        await self._keep(report)
        return web.Response()

    async def take_osmand_query(self, request: web.Request) -> web.Response:
        self._check(request)
        await self._keep(parse_osmand_query(_first_fields(request)))
        return web.Response()

    def _check(self, request: web.Request) -> None:
        """Refuse whoever is not an app on this phone that was given the secret.

        With 401 and 403 an app keeps its messages and tries again, so a wrong setting loses
        nothing.
        """
        wrong = ""
        if not _is_loopback(request.remote):
            wrong = "it came from another machine"
        elif _LOOPBACK_HOST.match(request.headers.get("Host", "")) is None:
            wrong = "it was sent to another name"
        elif "Origin" in request.headers or "Sec-Fetch-Site" in request.headers:
            wrong = "it came from a page in a browser"
        if wrong:
            self.counts.refused += 1
            LOGGER.warning("a location message was refused: %s", wrong)
            raise web.HTTPForbidden(text="Only location apps on this phone post here.\n")
        if not hmac.compare_digest(_given_secret(request), self._secret):
            self.counts.refused += 1
            LOGGER.warning("a location message was refused: its secret is wrong")
            raise web.HTTPUnauthorized(
                text="The password is wrong; set the app up again from the phone's settings.\n",
                headers={"WWW-Authenticate": 'Basic realm="fieldlog"'},
            )

    async def _keep(self, report: Report) -> None:
        try:
            await self._on_report(report)
        except Exception as failure:
            self.counts.not_kept += 1
            LOGGER.exception("a location message could not be kept; the app will send it again")
            raise web.HTTPServiceUnavailable(text="Not kept; send it again.\n") from failure
        if isinstance(report, Unusable):
            self.counts.unusable_by_trouble[report.trouble] += 1
        else:
            self.counts.taken += 1

    def _next_commands(self) -> list[Command]:
        if self._commands is None:
            return []
        try:
            return self._commands()
        except Exception:
            # The report is kept; an error answer would only make the app send it again.
            LOGGER.exception("what to answer the location app could not be worked out")
            return []


async def _read(request: web.Request) -> bytes | Unusable:
    """The body, or evidence of one that is larger than any message, of which no more is read."""
    parts: list[bytes] = []
    size = 0
    async for part in request.content.iter_chunked(16_384):
        parts.append(part)
        size += len(part)
        if size > BODY_BYTES_MAX:
            return Unusable(Trouble.TOO_LARGE, b"".join(parts)[:RAW_BYTES_KEPT_MAX])
    return b"".join(parts)


def _first_fields(request: web.Request) -> dict[str, str]:
    return {key: request.query.getone(key) for key in request.query}


def _given_secret(request: web.Request) -> bytes:
    in_path = request.match_info.get("secret")
    if in_path is not None:
        return in_path.encode("utf-8", "surrogatepass")
    scheme, _, packed = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return b""
    try:
        return base64.b64decode(packed.strip(), validate=True).partition(b":")[2]
    except (binascii.Error, ValueError):
        return b""


def _is_loopback(remote: str | None) -> bool:
    try:
        return remote is not None and ipaddress.ip_address(remote).is_loopback
    except ValueError:
        return False
