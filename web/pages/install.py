"""How a browser on the hub's network comes to trust the hub's own certificate, with no internet.

Open to everybody: a browser needs the page before it can sign in safely, and a root certificate is
no secret. Invariant: the fingerprint stands beside the download, so that it can be compared with
what the hub's own console shows.
"""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from hub.browser_authority import BrowserAuthority
from hub.keys import HUB
from replica.transport_security import show_fingerprint
from web.rendering import show


@dataclass(frozen=True, slots=True)
class InstallPage:
    """`fingerprint` of the hub's root in words; empty where the hub has no root of its own."""

    fingerprint: str
    host: str


def _authority(request: web.Request) -> BrowserAuthority | None:
    """The hub's authority for browsers; None where a site brought a certificate of its own."""
    return request.app[HUB].browser_authority


async def install_page(request: web.Request) -> web.StreamResponse:
    """GET /install."""
    authority = _authority(request)
    fingerprint = show_fingerprint(authority.root_fingerprint) if authority is not None else ""
    return await show(request, "install.html", InstallPage(fingerprint, request.host))


async def root_der(request: web.Request) -> web.StreamResponse:
    """GET /install/fieldlog-hub.crt: the root as Android, iOS, macOS and Windows install it."""
    authority = _authority(request)
    if authority is None:
        raise web.HTTPNotFound
    return web.Response(
        body=authority.root_der,
        content_type="application/x-x509-ca-cert",
        headers={"Content-Disposition": 'attachment; filename="fieldlog-hub.crt"'},
    )


async def root_pem(request: web.Request) -> web.StreamResponse:
    """GET /install/fieldlog-hub.pem: the root as Linux and Firefox install it."""
    authority = _authority(request)
    if authority is None:
        raise web.HTTPNotFound
    return web.Response(
        body=authority.root_pem,
        content_type="application/x-pem-file",
        headers={"Content-Disposition": 'attachment; filename="fieldlog-hub.pem"'},
    )


def add_routes(app: web.Application) -> None:
    """Add this module's pages to `app`."""
    app.router.add_get("/install", install_page)
    app.router.add_get("/install/fieldlog-hub.crt", root_der)
    app.router.add_get("/install/fieldlog-hub.pem", root_pem)
