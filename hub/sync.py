"""What phones and other hubs ask of a hub over the network: sync, enrolment, health.

Three routes, open to programs, none of which takes the login cookie. Invariant: a peer that has
proven nothing gets nothing but the enrolment's two answers and a sentence.
"""

from __future__ import annotations

import asyncio

from aiohttp import web

from core.log.errors import LogError
from core.log.limits import FRAME_BYTES_MAX
from hub.code_limits import TooManyCodes
from hub.enrolment import EnrolmentRefused
from hub.keys import HUB, PEERS
from replica.link import HEARTBEAT_S, WebSocketLink
from replica.store import StoreError

SYNC_PATH = "/sync"
ENROL_PATH = "/enrol/"
HEALTH_PATH = "/health"

# An enrolment request is five short byte strings.
ENROL_BYTES_MAX = 1_024


async def sync(request: web.Request) -> web.StreamResponse:
    """GET /sync: one session over a WebSocket."""
    peers = request.app[PEERS]
    if peers.is_crowded(request.remote or ""):
        return web.Response(status=503, text="too many peers wait to be known; try again later")
    socket = web.WebSocketResponse(
        max_msg_size=FRAME_BYTES_MAX, heartbeat=HEARTBEAT_S, compress=False
    )
    try:
        await socket.prepare(request)
    except ConnectionError:
        # It went away before it was answered, which is no fault and nobody's news.
        return socket
    channel = peers.fingerprint if request.secure else b""
    await peers.serve(WebSocketLink(socket), channel, address=request.remote or "")
    return socket


async def enrol(request: web.Request) -> web.Response:
    """POST /enrol/begin and /enrol/finish: canonical msgpack in and out; errors are a sentence."""
    hub = request.app[HUB]
    step = {"begin": hub.enrolments.begin, "finish": hub.enrolments.finish}.get(
        request.match_info["step"]
    )
    if step is None:
        return web.Response(status=404, text="an enrolment has the steps begin and finish")
    body = await _short_body(request)
    if body is None:
        return web.Response(status=413, text="an enrolment request is short")
    address = request.remote or ""
    try:
        hub.code_limits.check(address)
        answer = await hub.writer.run(step, body)
    except TooManyCodes as refusal:
        return web.Response(status=429, text=str(refusal))
    except (EnrolmentRefused, LogError) as refusal:
        hub.code_limits.count(address)
        return web.Response(status=403, text=str(refusal))
    except StoreError as refusal:
        return web.Response(status=507, text=f"the hub could not keep that: {refusal}")
    hub.feed.publish("enrolment", ())
    return web.Response(body=answer, content_type="application/octet-stream")


async def _short_body(request: web.Request) -> bytes | None:
    """The body, None where it is longer than any enrolment's; no more of it is read."""
    try:
        await request.content.readexactly(ENROL_BYTES_MAX + 1)
    except asyncio.IncompleteReadError as whole:
        return whole.partial
    return None


async def health(request: web.Request) -> web.Response:
    """GET /health: that the hub answers, and how far its store is."""
    hub = request.app[HUB]
    return web.json_response({"ok": True, "position": hub.replica.position()})


def attach_sync(app: web.Application) -> None:
    """Add the routes for programs."""
    app.router.add_get(SYNC_PATH, sync)
    app.router.add_post("/enrol/{step}", enrol)
    app.router.add_get(HEALTH_PATH, health)
    # Phones keep their sessions open for hours: they are hung up before the server waits for them.
    app.on_shutdown.append(_hang_up)


async def _hang_up(app: web.Application) -> None:
    await app[PEERS].hang_up()
