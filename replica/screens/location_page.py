"""Menu > Settings > Location app: how OwnTracks is set up to tell this phone where it is.

The link holds the secret of this phone's own intake, so it stands on this phone's screens alone: no
hub knows it. Invariant: what the page shows is what the intake takes.
"""

from __future__ import annotations

from aiohttp import web

from core.sentence import say
from replica.location.intake import location_secret
from replica.location.owntracks import USER, Monitoring, owntracks_url, provisioning_link
from replica.screens.guard import load_secret, port_of
from replica.screens.here import SCREENS, message_of


async def location_app(request: web.Request) -> web.Response:
    """The link that sets OwnTracks up, what to type where it can't be opened, the newest fix."""
    screens = request.app[SCREENS]
    here = await screens.here()
    port = port_of(request)
    secret = location_secret(load_secret(screens.device.folder, screens.device.entropy))
    name = here.worker_name or "phone"
    return screens.page(
        here,
        "location.html",
        title=say("Location app"),
        back="/settings",
        message=message_of(request),
        link=provisioning_link(port, secret, name, Monitoring.WHEN_MOVED),
        typed=(
            (say("Mode"), "HTTP"),
            (say("Host"), owntracks_url(port)),
            (say("Username"), USER),
            (say("Password"), secret),
            (say("Device ID"), name),
        ),
        fix=screens.device.last_fix(),
    )
