"""What phones and other hubs ask of a hub over the network: sync, enrolment, health.

Three routes, open to programs, none of which takes the login cookie. Invariant: a peer that has
proven nothing gets nothing but the enrolment's two answers and a sentence.
"""

from __future__ import annotations

from aiohttp import web

from core.log.errors import LogError
from core.log.limits import FRAME_BYTES_MAX
from hub.enrolment import EnrolmentRefused
from hub.keys import HUB
from replica.link import HEARTBEAT_S, WebSocketLink

SYNC_PATH = "/sync"
ENROL_PATH = "/enrol/"
HEALTH_PATH = "/health"

# An enrolment request is five short byte strings.
ENROL_BYTES_MAX = 1_024


async def sync(request: web.Request) -> web.WebSocketResponse:
    """GET /sync: one session over a WebSocket."""
    socket = web.WebSocketResponse(
        max_msg_size=FRAME_BYTES_MAX, heartbeat=HEARTBEAT_S, compress=False
    )
    await socket.prepare(request)
    hub = request.app[HUB]
    await hub.serve(WebSocketLink(socket), hub.transport.fingerprint if request.secure else b"")
    return socket


async def enrol(request: web.Request) -> web.Response:
    """POST /enrol/begin and /enrol/finish: canonical msgpack in and out; errors are a sentence."""
    hub = request.app[HUB]
    if (request.content_length or 0) > ENROL_BYTES_MAX:
        return web.Response(status=413, text="an enrolment request is short")
    body = await request.read()
    step = {"begin": hub.enrolments.begin, "finish": hub.enrolments.finish}.get(
        request.match_info["step"]
    )
    if step is None:
        return web.Response(status=404, text="an enrolment has the steps begin and finish")
    try:
        answer = await hub.writer.run(step, body)
    except (EnrolmentRefused, LogError) as refusal:
        return web.Response(status=403, text=str(refusal))
    hub.feed.publish("enrolment", ())
    return web.Response(body=answer, content_type="application/octet-stream")


async def health(request: web.Request) -> web.Response:
    """GET /health: that the hub answers, and how far its store is."""
    hub = request.app[HUB]
    return web.json_response({"ok": True, "position": hub.replica.position()})


def attach_sync(app: web.Application) -> None:
    """Add the routes for programs."""
    app.router.add_get(SYNC_PATH, sync)
    app.router.add_post("/enrol/{step}", enrol)
    app.router.add_get(HEALTH_PATH, health)
