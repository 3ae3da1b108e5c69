"""Files carried by hand between this hub and phones or other hubs without a network.

On the page of phones: a file for each, and taking in one that somebody brought. Invariant: a file
that is made changes nothing of what counts as reached.
"""

from __future__ import annotations

from aiohttp import web
from aiohttp.web_request import FileField

from core.dispatch.acts import ActError
from core.log.errors import LogError
from core.sentence import say
from hub.hub import check_may_write
from hub.keys import ACCOUNT, HUB
from replica.carrying import file_for, name_of_file, take_in_words
from replica.receivers import NobodyToCarryTo, receiver_named
from replica.replica import Replica
from web.formats import sentence
from web.frame import see_other


async def file_for_one(request: web.Request) -> web.StreamResponse:
    """GET /phones/{author}/file: all that this phone or hub is not known to hold."""
    hub, author = request.app[HUB], request.match_info["author"]
    try:
        check_may_write(request[ACCOUNT])
        name, data = await hub.writer.run(_file_for, hub.replica, author)
    except (ActError, LogError, NobodyToCarryTo) as refusal:
        raise see_other("/phones", sentence(str(refusal)), "bad") from refusal
    return web.Response(
        body=data,
        content_type="application/octet-stream",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _file_for(replica: Replica, author: str) -> tuple[str, bytes]:
    receiver = receiver_named(replica, author)
    return name_of_file(receiver, replica.clock.now_ms()), file_for(replica, receiver).data


async def take_in(request: web.Request) -> web.StreamResponse:
    """POST /phones/file: take in a file that was made for this hub."""
    hub = request.app[HUB]
    sent = (await request.post()).get("file")
    if not isinstance(sent, FileField):
        raise see_other("/phones", say("Choose a file first."), "bad")
    try:
        check_may_write(request[ACCOUNT])
        words = await hub.writer.run(take_in_words, hub.replica, sent.file.read())
    except (ActError, LogError) as refusal:
        raise see_other("/phones", sentence(str(refusal)), "bad") from refusal
    hub.feed.publish("sync", ())
    raise see_other("/phones", sentence(words))


def add_routes(app: web.Application) -> None:
    """Add this module's pages to `app`."""
    app.router.add_get("/phones/{author:[0-9a-f]{64}}/file", file_for_one)
    app.router.add_post("/phones/file", take_in)
